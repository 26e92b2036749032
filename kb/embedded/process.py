"""The process of the embedded store: reads requests from stdin and answers them on stdout, one JSON value a line.

kglite lives in a process of its own because it wants 1.5 kB of static thread-local storage, of which the C library keeps
1.6 kB for libraries loaded late. In one process with torch, scikit-learn or onnxruntime, whichever comes last fails with
"cannot allocate memory in static TLS block".
"""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.embedded.graph import EmbeddedGraph
from kb.graph_schema import GraphSchema
from miner.errors import KbError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Request = dict[str, Any]


def answer(graph: EmbeddedGraph, request: Request) -> dict[str, Any]:
    """Do what a request asks for, and return what to send back."""
    action = request.pop("do")
    actions: Mapping[str, Callable[..., Any]] = {
        "read": graph.read,
        "write": graph.write,
        "begin": graph.begin,
        "commit": lambda schema: graph.commit(GraphSchema.model_validate(schema)),
        "rollback": graph.rollback,
        "close": graph.close,
    }
    try:
        result = actions[action](**request)
    except KbError as error:
        return {"error": error.message, "hint": error.hint}
    return {} if result is None else asdict(result)


def main(path: str) -> None:
    """Answer until the other side closes or goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupted parent closes stdin, after which this ends in order
    graph = EmbeddedGraph(Path(path))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(graph, json.loads(line))) + "\n")
        sys.stdout.flush()
    graph.close()


if __name__ == "__main__":
    main(sys.argv[1])

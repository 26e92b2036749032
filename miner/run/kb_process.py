"""Loads a bundle into the embedded store, in a process of its own.

The C library keeps little room for the static thread-local storage of libraries that are loaded late; kglite needs 1.5 kB
of it. Behind onnxruntime, scikit-learn and the other libraries of a run it cannot be loaded any more ("cannot allocate
memory in static TLS block"), so the process that fills the store imports nothing else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from kb.load import load_bundle
from kb.store import open_store
from miner.errors import EventMinerError, KbError

if TYPE_CHECKING:
    from miner.run.progress import Advance


def load_apart(bundle: Path, target: Path, advance: Advance) -> None:
    """Load a bundle into the embedded store at a path.

    Args:
        bundle: A bundle.
        target: Folder of the store.
        advance: Called with the number of rows written.

    Raises:
        KbError: The bundle is damaged, or the store cannot be written.
    """
    command = [sys.executable, "-m", "miner.run.kb_process", str(bundle), str(target)]
    failure: KbError | None = None
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            for line in process.stdout or ():
                message = json.loads(line)
                if "rows" in message:
                    advance(message["rows"])
                else:
                    failure = KbError(message["error"], hint=message["hint"])
        except BaseException:
            process.kill()
            raise
    if failure is not None:
        raise failure
    if process.returncode:
        raise KbError(
            f"The process that fills {target} ended with code {process.returncode}.",
            hint="Run the same command again: only the store is made anew.",
        )


def main(bundle: str, target: str) -> None:
    """Load, and write what happens to stdout as JSON lines; end when the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    try:
        with open_store(target) as store:
            load_bundle(Path(bundle), store, lambda n: _say({"rows": n}))
    except EventMinerError as error:
        _say({"error": error.message, "hint": error.hint})


def _follow_parent() -> None:
    # Not through sys.stdin, whose lock the interpreter wants when it ends.
    while os.read(0, 1):
        pass
    os._exit(1)


def _say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

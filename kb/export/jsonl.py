"""JSON Lines, one node or relationship a line: nothing is lost, and `kb import` makes the same bundle again.

```
{"format": "eventminer-jsonl", "schemaVersion": 3, "corpus": "beach", "run": "…", "ontology": "sports"}
{"node": "Pattern", "id": "Pattern:beach/P0123456789ab", "properties": {"displayName": "rock face", …}}
{"relationship": "INDICATES", "source": "Pattern:…", "target": "EventType:…", "properties": {…}}
{"rows": 89}
```

A number that JSON cannot say is one of the strings `NaN`, `Infinity` and `-Infinity`. The last line tells a whole file from one
that was cut.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO

from kb.bundle import Bundle, assemble_bundle
from kb.contents import LABELS
from kb.model import Node, Relationship, clean_text
from kb.schema import SCHEMA
from miner.errors import KbError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from kb.contents import Contents
    from kb.graph_schema import NodeType, RelationshipType

__all__ = ["read_jsonl", "speakable", "write_jsonl"]

FORMAT = "eventminer-jsonl"
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def write_jsonl(contents: Contents, file: BinaryIO) -> int:
    """Write all of a knowledge base as JSON Lines and return the number of rows."""
    manifest, n_rows = contents.manifest, 0
    said = {} if manifest is None else {"corpus": manifest.corpus, "run": manifest.run, "ontology": manifest.ontology}
    _put(file, {"format": FORMAT, "schemaVersion": SCHEMA.version, **said})
    for row in chain(_nodes(contents), _relationships(contents)):
        _put(file, row)
        n_rows += 1
    _put(file, {"rows": n_rows})
    return n_rows


def _nodes(contents: Contents) -> Iterator[dict[str, Any]]:
    for kind in LABELS:
        for node in contents.nodes(kind):
            yield {"node": kind.label, "id": node.id, "properties": speakable(node.properties)}


def _relationships(contents: Contents) -> Iterator[dict[str, Any]]:
    for kind in SCHEMA.relationships:
        for r in contents.relationships(kind):
            ends = {"source": r.source, "target": r.target}
            yield {"relationship": kind.type, **ends, "properties": speakable(r.properties)}


def _put(file: BinaryIO, row: Mapping[str, Any]) -> None:
    file.write(clean_text(json.dumps(row, ensure_ascii=False, allow_nan=False)).encode() + b"\n")


def speakable(value: Any) -> Any:  # noqa: ANN401 - any value of a property
    """Return a value with words in place of numbers that JSON cannot say, and with sorted keys."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    if isinstance(value, dict):
        return {name: speakable(item) for name, item in sorted(value.items())}
    return [speakable(item) for item in value] if isinstance(value, list | tuple) else value


def read_jsonl(path: Path) -> Bundle:
    """Make a bundle of a file that `write_jsonl` wrote, edited or not.

    Raises:
        KbError: The file cannot be read, was cut, is of another schema version, was not made of a bundle, or says what no
            bundle may say.
    """
    lines = _lines(path)
    _, header = next(lines, (0, {}))
    if header.get("format") != FORMAT:
        raise KbError(f"{path} is no {FORMAT} file.", hint="Make one with 'eventminer kb export RUN --format jsonl'.")
    if header.get("schemaVersion") != SCHEMA.version:
        version = header.get("schemaVersion")
        raise KbError(
            f"{path} has schema version {version}; this version reads {SCHEMA.version}.", hint="Export again."
        )
    if "corpus" not in header:
        raise KbError(
            f"{path} was made of a store or an ontology, not of one corpus.", hint="Export the run or its bundle."
        )
    nodes, relationships = _sort_rows(path, lines)
    names = {name: str(header.get(name)) for name in ("corpus", "run", "ontology")}
    return assemble_bundle(nodes, relationships, **names)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise KbError(f"Line {number} of {path} is no object.")
                yield number, row
    except (OSError, ValueError) as error:
        raise KbError(f"{path} cannot be read: {error}.") from error


def _sort_rows(
    path: Path, lines: Iterator[tuple[int, dict[str, Any]]]
) -> tuple[dict[str, list[Node]], dict[str, list[Relationship]]]:
    nodes: dict[str, list[Node]] = defaultdict(list)
    relationships: dict[str, list[Relationship]] = defaultdict(list)
    labels = {kind.label: kind for kind in SCHEMA.bundle_nodes}
    types = {kind.type: kind for kind in SCHEMA.bundle_relationships}
    n_rows, promised = 0, None
    for number, row in lines:
        try:
            if row.get("node") in labels:
                kind = labels[row["node"]]
                nodes[kind.label].append(Node(row["id"], _typed(kind, row["properties"])))
            elif row.get("relationship") in types:
                joint = types[row["relationship"]]
                properties = _typed(joint, row["properties"])
                relationships[joint.type].append(Relationship(row["source"], row["target"], properties))
            else:
                promised = row["rows"]
                continue
        except (KeyError, TypeError, AttributeError) as error:
            raise KbError(
                f"Line {number} of {path} is no node or relationship of a bundle: {str(row)[:80]}."
            ) from error
        n_rows += 1
    if promised is None:
        raise KbError(f"{path} was cut after {n_rows} rows: its last line is missing.", hint="Export again.")
    return nodes, relationships


def _typed(kind: NodeType | RelationshipType, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the words for what is no finite number back where a number belongs."""
    numbers = {p.name for p in kind.properties if p.kind in {"float", "floats"}}
    return {name: _number(value) if name in numbers else value for name, value in properties.items()}


def _number(value: Any) -> Any:  # noqa: ANN401 - any value of a property
    if isinstance(value, list):
        return [_number(item) for item in value]
    return NOT_FINITE.get(value, value) if isinstance(value, str) else value

"""GraphML, for yEd, Gephi, Cytoscape and networkx.

`labels` of a node and `label` of an edge are what Neo4j's own tools write. A list is its JSON text; a sign that XML cannot hold
becomes U+FFFD, in ids with its code behind it; properties that are not of the schema are left out.
"""

from __future__ import annotations

import json
import math
import re
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO
from xml.sax.saxutils import escape, quoteattr

from kb.contents import LABELS
from kb.export.jsonl import speakable
from kb.model import clean_text
from kb.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kb.contents import Contents
    from kb.graph_schema import Kind, NodeType, RelationshipType
    from kb.model import Value

__all__ = ["write_graphml"]

XML_TYPES: dict[Kind, str] = {
    "string": "string",
    "integer": "long",
    "float": "double",
    "boolean": "boolean",
    "strings": "string",
    "integers": "string",
    "floats": "string",
}
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_graphml(contents: Contents, file: BinaryIO) -> int:
    """Write all of a knowledge base as GraphML and return the number of nodes and edges."""
    file.write(HEAD.encode())
    file.writelines(f"{line}\n".encode() for line in _keys())
    file.write(b'<graph id="kb" edgedefault="directed">\n')
    n_rows = 0
    for n_rows, line in enumerate(chain(_nodes(contents), _edges(contents)), start=1):  # noqa: B007 - counted after the loop
        file.write(f"{line}\n".encode())
    file.write(b"</graph>\n</graphml>\n")
    return n_rows


def _keys() -> Iterator[str]:
    yield '<key id="labels" for="node" attr.name="labels" attr.type="string"/>'
    yield '<key id="label" for="edge" attr.name="label" attr.type="string"/>'
    for domain, kinds in (("node", LABELS), ("edge", SCHEMA.relationships)):
        for kind in kinds:
            for p in kind.properties:
                name = f'attr.name="{p.name}" attr.type="{XML_TYPES[p.kind]}"'
                yield f'<key id="{kind.key}.{p.name}" for="{domain}" {name}/>'


def _nodes(contents: Contents) -> Iterator[str]:
    for kind in LABELS:
        labels = f'<data key="labels">:{":".join(kind.labels)}</data>'
        for node in contents.nodes(kind):
            yield f"<node id={_attribute(node.id)}>{labels}{_data(kind, node.properties)}</node>"


def _edges(contents: Contents) -> Iterator[str]:
    for kind in SCHEMA.relationships:
        label = f'<data key="label">{kind.type}</data>'
        for number, r in enumerate(contents.relationships(kind)):
            ends = f"source={_attribute(r.source)} target={_attribute(r.target)}"
            yield f'<edge id="{kind.type}.{number}" {ends}>{label}{_data(kind, r.properties)}</edge>'


def _data(kind: NodeType | RelationshipType, properties: Mapping[str, Value]) -> str:
    known = ((p.name, properties.get(p.name)) for p in kind.properties)
    return "".join(f'<data key="{kind.key}.{name}">{_text(value)}</data>' for name, value in known if value is not None)


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        value = json.dumps(speakable(value), ensure_ascii=False)
    elif isinstance(value, float) and not math.isfinite(value):
        value = "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}INF"
    return escape(_clean(str(value)), {"\r": "&#13;"})


def _attribute(value: str) -> str:
    """Return an id; signs that XML cannot hold keep their code, so that different ids stay different."""
    return quoteattr(_NOT_XML.sub(lambda sign: f"\ufffd{ord(sign[0]):X}", clean_text(value)))


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", clean_text(text))

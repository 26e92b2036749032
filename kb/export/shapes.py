"""SHACL shapes of the schema: what an export in Turtle must keep to.

```
eventminer kb export RUN --format owl --out kb.ttl
eventminer kb export RUN --format shacl --out shapes.ttl
pyshacl -s shapes.ttl kb.ttl
```

Source: Shapes Constraint Language, W3C Recommendation 20 July 2017, https://www.w3.org/TR/shacl/.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kb.contents import LABELS
from kb.export.owl import ONTOLOGY_LABELS, link_class
from kb.export.turtle import PREFIXES, literal, triples
from kb.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.graph_schema import Kind, NodeType, Property, RelationshipType

__all__ = ["shacl_shapes"]

DATATYPES: dict[Kind, str] = {
    "string": "xsd:string",
    "integer": "xsd:integer",
    "float": "xsd:double",
    "boolean": "xsd:boolean",
    "strings": "xsd:string",
    "integers": "xsd:integer",
    "floats": "xsd:double",
}
LISTS = frozenset({"strings", "integers", "floats"})
FINITE = f"sh:minInclusive {literal(-sys.float_info.max)} ; sh:maxInclusive {literal(sys.float_info.max)}"
"""What no infinity and no NaN keeps to."""


def shacl_shapes() -> bytes:
    """Return the shapes of every label and of every relationship type that has properties, in Turtle."""
    parts = [f"@prefix {prefix}: <{iri}> .\n" for prefix, iri in PREFIXES.items()]
    for node in LABELS:
        shape = [*(_property(node, p) for p in node.properties), *_relationships(node)]
        parts.append(_shape(f"em:{node.label}", [text for texts in shape for text in texts]))
    parts += [
        _shape(link_class(kind), [text for p in kind.properties for text in _property(kind, p)])
        for kind in SCHEMA.relationships
        if kind.properties
    ]
    return "\n".join(parts).encode()


def _shape(target: str, properties: list[str]) -> str:
    said = [("a", "sh:NodeShape"), ("sh:targetClass", target), *(("sh:property", f"[ {text} ]") for text in properties)]
    return triples(f"{target}Shape", said)


def _property(kind: NodeType | RelationshipType, p: Property) -> list[str]:
    datatype = f"sh:datatype {DATATYPES[p.kind]}"
    if DATATYPES[p.kind] == "xsd:double":
        datatype += f" ; {FINITE}"
    least = "sh:minCount 1 ; " if p.required else ""
    if p.kind not in LISTS:
        return [f"sh:path em:{p.name} ; {least}sh:maxCount 1 ; {datatype}"]
    if kind.key in ONTOLOGY_LABELS:
        return [f"sh:path em:{p.name} ; {least}{datatype}"]
    items = f"( em:{p.name} [ sh:zeroOrMorePath rdf:rest ] rdf:first )"
    return [f"sh:path em:{p.name} ; {least}sh:maxCount 1", f"sh:path {items} ; {datatype}"]


def _relationships(node: NodeType) -> Iterator[list[str]]:
    """Yield what each relationship type may lead to from a label."""
    for kind in SCHEMA.relationships:
        targets = [target for source, target in kind.ends if source == node.label]
        if targets:
            classes = " ".join(f"[ sh:class em:{target} ]" for target in targets)
            yield [f"sh:path em:{kind.type} ; sh:or ( {classes} )"]
        else:
            yield [f"sh:path em:{kind.type} ; sh:maxCount 0"]

"""The schema as JSON that `neo4j_graphrag`'s `GraphSchema.from_file` reads, to extract into or to query this knowledge base."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kb.contents import LABELS
from kb.schema import SCHEMA

if TYPE_CHECKING:
    from kb.graph_schema import Kind, NodeType, RelationshipType

__all__ = ["graphrag_schema"]

GRAPHRAG_TYPES: dict[Kind, str] = {
    "string": "STRING",
    "integer": "INTEGER",
    "float": "FLOAT",
    "boolean": "BOOLEAN",
    "strings": "LIST",
    "integers": "LIST",
    "floats": "LIST",
}


def graphrag_schema() -> bytes:
    """Return the schema of a knowledge base as the JSON text of a `GraphSchema`."""
    schema = {
        "node_types": [{"label": n.label, **_described(n), "additional_properties": False} for n in LABELS],
        "relationship_types": [{"label": r.type, **_described(r)} for r in SCHEMA.relationships],
        "patterns": [[source, r.type, target] for r in SCHEMA.relationships for source, target in r.ends],
        "constraints": [_constraint(n.label, "UNIQUENESS", "id") for n in LABELS],
        "additional_node_types": False,
        "additional_relationship_types": False,
        "additional_patterns": False,
    }
    return f"{json.dumps(schema, indent=1, ensure_ascii=False)}\n".encode()


def _described(kind: NodeType | RelationshipType) -> dict[str, Any]:
    identifier = (
        [{"name": "id", "type": "STRING", "description": "what identifies it"}] if hasattr(kind, "label") else []
    )
    properties = [{"name": p.name, "type": GRAPHRAG_TYPES[p.kind], "description": p.meaning} for p in kind.properties]
    return {"description": kind.meaning, "properties": [*identifier, *properties]}


def _constraint(label: str, kind: str, name: str) -> dict[str, Any]:
    return {"type": kind, "node_type": label, "property_names": [name]}

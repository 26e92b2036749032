"""The schema as tables in Markdown, for the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.graph_schema import KIND_WORDS
from kb.schema import SCHEMA

if TYPE_CHECKING:
    from kb.graph_schema import GraphSchema, Property

__all__ = ["schema_tables"]


def schema_tables(schema: GraphSchema = SCHEMA) -> str:
    """Return the schema as Markdown tables, for `docs/knowledge-base.md`."""
    return "\n".join([*_node_lines(schema), "", *_relationship_lines(schema), "", *_index_lines(schema)])


def _node_lines(schema: GraphSchema) -> list[str]:
    lines = ["| label | made by | meaning | properties |", "|---|---|---|---|"]
    for node in schema.nodes:
        labels = ":".join((node.label, *node.also))
        lines.append(f"| `{labels}` | {node.origin} | {node.meaning} | {_property_words(node.properties)} |")
    return lines


def _relationship_lines(schema: GraphSchema) -> list[str]:
    lines = ["| relationship | meaning | properties |", "|---|---|---|"]
    for relationship in schema.relationships:
        ends = "<br>".join(f"`(:{a})-[:{relationship.type}]->(:{b})`" for a, b in relationship.ends)
        lines.append(f"| {ends} | {relationship.meaning} | {_property_words(relationship.properties)} |")
    return lines


def _index_lines(schema: GraphSchema) -> list[str]:
    lines = ["| index | kind | on |", "|---|---|---|"]
    lines += [f"| `{index.name}` | full text | `{index.label}.{index.property}` |" for index in schema.texts]
    lines += [f"| `{index.name}` | nearest vectors | `{index.label}.{index.property}` |" for index in schema.vectors]
    lines += [f"| `{index.name}` | value | `{index.label}.{index.property}` |" for index in schema.ranges]
    return lines


def _property_words(properties: tuple[Property, ...]) -> str:
    return "<br>".join(
        f"`{p.name}` {KIND_WORDS[p.kind]}{'' if p.required else ', may be absent'}: {p.meaning}" for p in properties
    )

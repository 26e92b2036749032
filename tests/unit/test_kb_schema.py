from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from kb.asking.library import query_table
from kb.building.nodes import NODES
from kb.building.relationships import RELATIONSHIPS
from kb.export.schema_tables import schema_tables
from kb.graph_schema import RESERVED, GraphSchema, NodeType, Property, RelationshipType, TextIndex
from kb.schema import SCHEMA

DOCS = Path(__file__).parents[2] / "docs" / "knowledge-base.md"

THING = NodeType(label="Thing", meaning="m", properties=(Property(name="words", kind="string", meaning="m"),))


def test_schema_has_what_the_stages_make() -> None:
    assert [n.label for n in SCHEMA.bundle_nodes] == list(NODES)
    assert sorted(r.type for r in SCHEMA.bundle_relationships) == sorted(RELATIONSHIPS)
    assert {n.label for n in SCHEMA.nodes} - set(NODES) == {
        "Review", "Mention", "Argument", "Document", "Extraction", "EventminerMigration", "EventminerLoad", "EventminerFolder"
    }  # fmt: skip


def test_schema_never_uses_names_the_embedded_store_keeps_for_itself() -> None:
    used = {p.name for part in (*SCHEMA.nodes, *SCHEMA.relationships) for p in part.properties}
    assert {"name", "title", "type"} <= RESERVED
    assert used.isdisjoint(RESERVED)


@pytest.mark.parametrize("label", ["thing", "Two Words", "Ünicode", "A`) DETACH DELETE n //", ""])
def test_node_type_refuses_labels_that_are_no_names(label: str) -> None:
    with pytest.raises(ValidationError):
        NodeType(label=label, meaning="m")


@pytest.mark.parametrize("name", ["title", "id", "Upper", "with space", "snake_case"])
def test_node_type_refuses_unusable_properties(name: str) -> None:
    with pytest.raises(ValidationError):
        NodeType(label="Thing", meaning="m", properties=(Property(name=name, kind="string", meaning="m"),))


def test_node_type_refuses_a_property_twice() -> None:
    part = Property(name="word", kind="string", meaning="m")
    with pytest.raises(ValidationError, match="twice"):
        NodeType(label="Thing", meaning="m", properties=(part, part))


def test_graph_schema_refuses_relationships_to_nowhere() -> None:
    relationship = RelationshipType(type="HAS", ends=(("Thing", "Other"),), meaning="m")
    with pytest.raises(ValidationError, match="'Other'"):
        GraphSchema(version=1, nodes=(THING,), relationships=(relationship,))


def test_graph_schema_refuses_a_name_twice() -> None:
    with pytest.raises(ValidationError, match="'Thing' is declared twice"):
        GraphSchema(version=1, nodes=(THING, THING), relationships=())


def test_graph_schema_refuses_an_index_on_nothing() -> None:
    index = TextIndex(name="thingWords", label="Thing", property="sentences")
    with pytest.raises(ValidationError, match="no property of the kind string"):
        GraphSchema(version=1, nodes=(THING,), relationships=(), texts=(index,))


def test_schema_tables_name_every_label_type_property_and_index() -> None:
    text = schema_tables()
    parts = (*SCHEMA.nodes, *SCHEMA.relationships)
    names = {p.name for part in parts for p in part.properties} | {i.name for i in (*SCHEMA.ranges, *SCHEMA.texts)}
    assert [name for name in names if f"`{name}`" not in text] == []
    assert [r.type for r in SCHEMA.relationships if f"[:{r.type}]" not in text] == []


def test_documentation_holds_the_schema_as_it_is() -> None:
    assert schema_tables() in DOCS.read_text(encoding="utf-8")


def test_documentation_holds_the_named_queries_as_they_are() -> None:
    assert query_table() in DOCS.read_text(encoding="utf-8")

from __future__ import annotations

import re

import pytest

from kb import cypher
from kb.graph_schema import NodeType, RangeIndex, TextIndex
from kb.query import NamedQuery, named_queries
from kb.schema import SCHEMA


def test_merge_nodes_looks_at_the_id_only_and_stamps() -> None:
    assert cypher.merge_nodes(SCHEMA.node("Image")) == (
        "UNWIND $rows AS row MERGE (n:Image {id: row.id}) SET n += row.props, n.bundle = $bundle, n.scope = $scope"
    )


def test_merge_nodes_gives_further_labels_after_the_merge() -> None:
    assert cypher.merge_nodes(SCHEMA.node("TextItem")).endswith("SET n:Item")


def test_merge_nodes_of_an_ontology_belong_to_no_corpus() -> None:
    assert "scope" not in cypher.merge_nodes(SCHEMA.node("EventType"))


def test_merge_relationships_matches_both_ends_by_id() -> None:
    assert cypher.merge_relationships("HAS_ITEM", "Pattern", "TextItem") == (
        "UNWIND $rows AS row MATCH (a:Pattern {id: row.source}) MATCH (b:TextItem {id: row.target}) "
        "MERGE (a)-[r:HAS_ITEM]->(b) SET r += row.props, r.bundle = $bundle"
    )


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (
            cypher.create_constraint(NodeType(label="Thing", meaning="m")),
            "CREATE CONSTRAINT Thing_id IF NOT EXISTS FOR (n:Thing) REQUIRE n.id IS UNIQUE",
        ),
        (
            cypher.create_range_index(RangeIndex(name="things", label="Thing", property="kind")),
            "CREATE INDEX things IF NOT EXISTS FOR (n:Thing) ON (n.kind)",
        ),
        (
            cypher.create_text_index(TextIndex(name="words", label="Thing", property="text")),
            "CREATE FULLTEXT INDEX words IF NOT EXISTS FOR (n:Thing) ON EACH [n.text]",
        ),
    ],
)
def test_schema_statements_can_be_repeated(built: str, text: str) -> None:
    assert built == text


def test_every_label_has_a_constraint() -> None:
    statements = " ".join(cypher.create_schema(SCHEMA))
    assert [n.label for n in SCHEMA.nodes if f"(n:{n.label}) REQUIRE n.id IS UNIQUE" not in statements] == []


STATEMENTS = [
    *(text for name, text in vars(cypher).items() if name.isupper() and isinstance(text, str)),
    *(cypher.merge_nodes(n) for n in SCHEMA.nodes),
    *(cypher.delete_stale_nodes(n) for n in SCHEMA.nodes),
    *cypher.create_schema(SCHEMA),
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_statements_keep_to_what_both_stores_understand(statement: str) -> None:
    assert not re.search(r"apoc\.|COLLECT \{|\{\d,\d\}|/\*|\[[^\]]*\*\]", statement)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_statements_use_only_names_of_the_schema(statement: str) -> None:
    labels = {n.label for n in SCHEMA.nodes} | {also for n in SCHEMA.nodes for also in n.also}
    types = {r.type for r in SCHEMA.relationships}
    assert set(re.findall(r"\((?:\w+)?:(\w+)", statement)) <= labels
    assert set(re.findall(r"\[(?:\w+)?:(\w+)", statement)) <= types


@pytest.mark.parametrize("query", named_queries(), ids=lambda q: q.name)
def test_named_queries_declare_exactly_the_parameters_they_use(query: NamedQuery) -> None:
    assert {p.name for p in query.parameters} == set(re.findall(r"\$(\w+)", query.statement))

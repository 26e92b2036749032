from __future__ import annotations

import re

import pytest

from kb import cypher
from kb.asking import questions
from kb.asking.library import NamedQuery, named_queries
from kb.graph_schema import NodeType, RangeIndex, TextIndex
from kb.loading.migrations import MIGRATIONS
from kb.schema import SCHEMA

MARK = (
    "MATCH (l:EventminerLoad {id: $mark}) SET l.corpus = $scope "
    "WITH l WHERE l.token = $token AND l.position < $position SET l.position = $position WITH l UNWIND $rows AS row "
)


def test_write_nodes_looks_at_the_id_only_moves_the_mark_and_stamps() -> None:
    assert cypher.write_nodes(SCHEMA.node("TextItem")) == (
        f"{MARK}MERGE (n:TextItem {{id: row[0]}}) SET n += {{`cluster`: row[1], `words`: row[2], `count`: row[3], "
        "bundle: $bundle, scope: $scope} SET n:Item RETURN count(*) AS written"
    )


def test_write_nodes_of_an_ontology_belong_to_no_corpus() -> None:
    assert "scope:" not in cypher.write_nodes(SCHEMA.node("EventType"))


@pytest.mark.parametrize(
    ("fresh", "clause"),
    [
        (True, "CREATE (a)-[:HAS_ITEM {`rank`: to[1], `weight`: to[2], bundle: $bundle}]->(b)"),
        (False, "MERGE (a)-[r:HAS_ITEM]->(b) SET r += {`rank`: to[1], `weight`: to[2], bundle: $bundle}"),
    ],
)
def test_write_relationships_looks_for_older_ones_only_where_there_can_be_some(clause: str, *, fresh: bool) -> None:
    (kind,) = (r for r in SCHEMA.relationships if r.type == "HAS_ITEM")
    assert cypher.write_relationships(kind, ("Pattern", "TextItem"), fresh=fresh) == (
        f"{MARK}MATCH (a:Pattern {{id: row[0]}}) UNWIND row[1] AS to MATCH (b:TextItem {{id: to[0]}}) "
        f"{clause} RETURN count(*) AS written"
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
    *(text for name, text in (vars(cypher) | vars(questions)).items() if name.isupper() and isinstance(text, str)),
    *(cypher.write_nodes(n) for n in SCHEMA.nodes),
    *(cypher.write_relationships(r, r.ends[0], fresh=True) for r in SCHEMA.relationships),
    *(statement for migration in MIGRATIONS for statement in migration.statements),
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

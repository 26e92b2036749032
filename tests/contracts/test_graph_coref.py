"""Mentions of one event in a graph, on both stores: by photographs of captions, and beside what somebody else has joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kb.extract.coref import Same, resolve
from kb.extract.coref_graph import Resolved, read_graph_clues, write_same
from kb.extract.writing import write_mentions
from kb.result import Changes
from tests.graph_stores import KINDS, ask, content, empty_store, load
from tests.mention_cases import provenance, said, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kb.store import GraphStore

JOIN = "MATCH (a:Mention {id: $first}), (b:Mention {id: $second}) CREATE (a)-[:SAME_AS {score: 1.0, reasons: ['I know']}]->(b)"
JOINED = "MATCH (a:Mention)-[r:SAME_AS]->(b:Mention) RETURN a.id AS a, b.id AS b, r.score AS score, r.resolution IS NULL AS other"


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    """A store with the small run in it; c1 and c3 are prints of one photograph."""
    with empty_store(request.param, tmp_path) as opened:
        load(opened, tmp_path / "bundle")
        yield opened


def write(store: GraphStore, *mentions: dict[str, Any]) -> list[str]:
    write_mentions(store, mentions, provenance(), content="c", event_types=["Sport.Climbing"])
    return [row["id"] for row in ask(store, "MATCH (m:Mention) RETURN m.id AS id ORDER BY id")]


def pairs(store: GraphStore) -> list[tuple[Any, ...]]:
    return sorted(tuple(row.values()) for row in ask(store, JOINED))


@pytest.mark.parametrize("downwards", [False, True])
def test_what_somebody_else_has_joined_stays_as_it_is(store: GraphStore, downwards: bool) -> None:
    first, second, third = write(store, said("c1"), said("c2"), said("c3"))
    ends = (second, first) if downwards else (first, second)
    store.write(JOIN, {"first": ends[0], "second": ends[1]})
    found = [Same(first, second, 0.9, ("alike",)), Same(second, third, 0.8, ("alike",))]
    written = write_same(store, found)
    assert (written.n_pairs, written.n_joined) == (1, 1)
    own = (second, third, 0.8, False)
    assert pairs(store) == sorted([(*ends, 1.0, True), own])
    before = content(store)
    assert write_same(store, found) == Resolved(1, 1, Changes())
    assert content(store) == before
    write_same(store, [])
    assert pairs(store) == [(*ends, 1.0, True)]


def test_what_somebody_joins_later_takes_the_place_of_what_was_found(store: GraphStore) -> None:
    first, second = write(store, said("c1"), said("c2"))
    found = [Same(first, second, 0.9, ("alike",))]
    write_same(store, found)
    store.write(JOIN, {"first": second, "second": first})
    write_same(store, found)
    assert pairs(store) == [(second, first, 1.0, True)]


def test_mentions_of_captions_are_joined_by_the_photograph_of_their_record(store: GraphStore) -> None:
    write(store, said("c1"), said("c2"), said("c3"), shown("c3"))
    by_record = {one.document.partition("\0")[2]: one for one in read_graph_clues(store) if one.lemma}
    assert by_record["c1"].photo == by_record["c3"].photo is not None
    assert by_record["c2"].photo != by_record["c1"].photo
    prints = [pair for pair in resolve(read_graph_clues(store)) if "same photograph (+3.5)" in pair.reasons]
    assert len(prints) == 1

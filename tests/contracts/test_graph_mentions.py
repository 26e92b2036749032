"""Extracted mentions in a graph, on both stores: written once, kept by loads, gone with what they were extracted from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from kb import cypher
from kb.check import check_contents
from kb.contents import StoreContents
from kb.extract.coref import resolve
from kb.extract.coref_graph import read_graph_clues, write_same
from kb.extract.graph_rows import argument_rows
from kb.extract.statements import WRITE_ARGUMENTS
from kb.extract.writing import Written, delete_mentions_of_record, write_mentions
from kb.loading.finding import find_numbered_records
from kb.loading.load import load_bundle, remove_corpus
from kb.model import node_id
from kb.result import Changes
from miner.errors import KbError
from tests.graph_stores import KINDS, ask, content, empty_store, load
from tests.kb_run import small_inputs, small_patterns, with_rows
from tests.mention_cases import FIRST, SECOND, provenance, said, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kb.extract.graph_rows import Provenance
    from kb.store import GraphStore

DAY = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    """A store with the small run in it."""
    with empty_store(request.param, tmp_path) as opened:
        load(opened, tmp_path / "bundle")
        yield opened


def write(
    store: GraphStore, mentions: Sequence[dict[str, Any]], who: Provenance | None = None, at: datetime = DAY
) -> Written:
    types = sorted({mention["eventType"] for mention in mentions})
    hashed = str(sorted(map(str, mentions)))
    return write_mentions(store, mentions, who or provenance(), content=hashed, event_types=types, now=at)


def test_mentions_hang_on_what_they_speak_of_and_on_what_found_them(store: GraphStore) -> None:
    written = write(store, [said(), shown()])
    assert (written.n_mentions, written.n_unlinked) == (2, 0)
    (row,) = ask(
        store,
        "MATCH (m:Mention {trigger: 'climbs'})-[:OF_TYPE]->(e), (m)-[:IN_CAPTION]->(c), (m)-[:IN_DOCUMENT]->(d), "
        "(m)-[:EXTRACTED_IN]->(x)-[:USED_RUN]->(r), (m)-[h:HAS_ARGUMENT]->(a)-[:ARGUED_BY]->(q) "
        "RETURN m.lemma AS lemma, m.sentence AS sentence, e.eventType AS eventType, c.text AS caption, d.document AS document, "
        "x.textModel AS model, x.versions AS versions, x.at AS at, r.run AS run, h.role AS role, a.text AS text, q.pattern AS q",
    )
    assert row == {
        "lemma": "climb", "sentence": "a man climbs on a rock face", "eventType": "Sport.Climbing",
        "caption": "a man on a rock face", "document": "c1", "model": "rules", "versions": ["spacy==3.8"],
        "at": "2026-01-02T00:00:00+00:00", "run": "k" * 32, "role": "Climber", "text": "man", "q": FIRST,
    }  # fmt: skip
    argued = (
        "MATCH (m:Mention)-[:ARGUED_BY]->(p) RETURN m.record AS record, p.pattern AS pattern ORDER BY record, pattern"
    )
    assert [tuple(row.values()) for row in ask(store, argued)] == [("c1", FIRST), ("c1", SECOND), ("c2", FIRST)]
    (seen,) = ask(
        store,
        "MATCH (a:Argument)<-[:HAS_ARGUMENT]-(m:Mention)-[:IN_IMAGE]->(i) "
        "RETURN i.record AS record, m.box AS box, a.box AS part, m.time AS time",
    )
    assert seen == {"record": "c2", "box": [1, 2, 30, 40], "part": [1, 2, 30, 40], "time": "2023-07-04"}
    assert check_contents(StoreContents(store)).n_errors == 0


def test_writing_the_same_again_changes_nothing(store: GraphStore) -> None:
    write(store, [said(), shown()])
    before = content(store)
    again = write(store, [said(), shown()], at=datetime(2027, 1, 1, tzinfo=UTC))
    assert content(store) == before
    assert (again.changes.nodes_created, again.changes.relationships_created, again.changes.nodes_deleted) == (0, 0, 0)


def test_a_later_extraction_of_a_source_takes_the_place_of_the_earlier_one(store: GraphStore) -> None:
    write(store, [said(), shown()])
    write(store, [said("other", document="d")], provenance("elsewhere"))
    fewer = said(patterns=[SECOND], arguments=[], score=0.875)
    assert write(store, [fewer], provenance(text_model="trained")).n_replaced == 1
    rows = ask(
        store, "MATCH (m:Mention)-[:EXTRACTED_IN]->(x) RETURN m.record AS r, m.score AS s, x.textModel AS t ORDER BY r"
    )
    assert [tuple(row.values()) for row in rows] == [("c1", 0.875, "trained"), ("other", 0.75, "rules")]
    assert ask(store, "MATCH (m:Mention {record: 'c1'})-[:ARGUED_BY]->(p) RETURN p.pattern AS p") == [{"p": SECOND}]
    assert [row["n"] for row in ask(store, "MATCH (a:Argument) RETURN count(a) AS n")] == [1]
    documents = ask(store, "MATCH (d:Document) RETURN d.document AS d ORDER BY d")
    assert [row["d"] for row in documents] == ["c1", "d"]


def test_nothing_found_leaves_an_extraction_without_mentions(store: GraphStore) -> None:
    write(store, [said()])
    write(store, [])
    assert ask(store, "MATCH (m:Mention) RETURN m.id AS id") == []
    assert len(ask(store, "MATCH (x:Extraction) RETURN x.id AS id")) == 1


def test_an_event_type_that_the_graph_lacks_is_refused_before_anything_is_written(store: GraphStore) -> None:
    before = content(store)
    with pytest.raises(KbError, match=r"has no event type Sport\.Chess") as refused:
        write(store, [said(), said("c2", eventType="Sport.Chess")])
    assert "kb load" in str(refused.value.hint)
    assert content(store) == before


def test_loads_keep_mentions_and_join_them_again(store: GraphStore, tmp_path: Path) -> None:
    write(store, [said(), shown()])
    before = content(store)
    load_bundle(tmp_path / "bundle", store)
    assert content(store) == before
    fewer = with_rows(small_inputs(), "patterns", [row for row in small_patterns() if row["pattern"] != FIRST])
    fewer = with_rows(fewer, "evidence", [row for row in fewer.evidence.to_pylist() if row["pattern"] != FIRST])
    load(store, tmp_path / "fewer", fewer)
    assert [row["n"] for row in ask(store, "MATCH (m:Mention) RETURN count(m) AS n")] == [2]
    assert ask(store, "MATCH (:Mention)-[:ARGUED_BY]->(p) RETURN p.pattern AS p") == [{"p": SECOND}]
    load_bundle(tmp_path / "bundle", store)
    assert content(store) == before


def test_patterns_that_are_not_there_are_counted_and_joined_by_the_next_load(tmp_path: Path) -> None:
    with empty_store("embedded", tmp_path) as store:
        load(store, tmp_path / "other", small_inputs("other"))
        assert write(store, [said(), shown()]).n_unlinked == 2
        load(store, tmp_path / "bundle")
        assert len(ask(store, "MATCH (:Mention)-[r:ARGUED_BY]->() RETURN r")) == 3
        assert len(ask(store, "MATCH (:Mention)-[r:IN_IMAGE|IN_CAPTION]->() RETURN r")) == 2
        assert len(ask(store, "MATCH (:Extraction)-[r:USED_RUN]->() RETURN r")) == 1


def test_a_mention_of_which_one_pattern_is_missing_counts_as_not_joined(store: GraphStore) -> None:
    assert write(store, [said(patterns=[FIRST, "Pmissing"]), shown()]).n_unlinked == 1


def test_a_mention_lies_in_the_picture_of_another_record_where_it_shows_there(store: GraphStore) -> None:
    write(store, [said("c1", document="d", image=shown("c2")["image"] | {"record": "c2"})])
    match = "MATCH (c)<-[:IN_CAPTION]-(m:Mention)-[:IN_IMAGE]->(i) RETURN c.record AS caption, i.record AS image, m.imageId AS id"
    (row,) = ask(store, match)
    assert row == {"caption": "c1", "image": "c2", "id": node_id("Image", "beach", "c2")}


def test_arguments_without_their_mention_are_never_written(store: GraphStore) -> None:
    # As where a connection breaks between two statements and the mention is gone when it is back.
    rows = argument_rows(said(), provenance())
    store.write(WRITE_ARGUMENTS[0], {"rows": rows})
    assert ask(store, "MATCH (a:Argument) RETURN a.text AS text") == []


def test_pruning_a_corpus_takes_its_mentions_and_leaves_those_of_others(store: GraphStore) -> None:
    write(store, [said(), shown()])
    write(store, [said("story", document="story", caption=None)], provenance("story.txt"))
    store.write(
        cypher.KEEP_FOLDER, {"id": "F:1", "corpus": "beach", "run": "k" * 32, "path": "/home/ann/run", "host": "desk"}
    )
    remove_corpus(store, "beach")
    rows = ask(store, "MATCH (m:Mention)-[:IN_DOCUMENT]->(d) RETURN m.record AS record, d.source AS source")
    assert rows == [{"record": "story", "source": "story.txt"}]
    assert [row["source"] for row in ask(store, "MATCH (x:Extraction) RETURN x.source AS source")] == ["story.txt"]
    assert ask(store, "MATCH (m:Mention)-[:OF_TYPE]->(e) RETURN e.eventType AS e") == [{"e": "Sport.Climbing"}]
    remove_corpus(store, "story.txt")
    labels = {row["l"] for row in ask(store, "MATCH (n) UNWIND labels(n) AS l RETURN DISTINCT l")}
    assert labels <= {"EventType", "ArgumentRole", "EventminerMigration"}


def test_mentions_of_a_forgotten_record_go_and_those_of_its_namesake_elsewhere_stay(store: GraphStore) -> None:
    write(store, [said("c2"), shown("c2"), said("c1")])
    write(store, [said("c2", caption=None)], provenance("elsewhere"))
    write(store, [said("c2", caption=None), said("c1")], provenance("mine", read_from="beach"))
    # Mentions of other records that show in its picture.
    elsewhere = shown("c2")["image"] | {"record": "c2"}
    write(store, [said("c3", image=elsewhere)], provenance("theirs", read_from="beach"))
    write(store, [said("c3", image=elsewhere)], provenance("unknown"))
    assert delete_mentions_of_record(store, "c2", read_from="beach", corpus="beach") == {"beach", "mine", "theirs"}
    rows = ask(store, "MATCH (m:Mention)-[:HAS_ARGUMENT]->(a) RETURN m.record AS r, m.source AS s ORDER BY r, s")
    assert [tuple(row.values()) for row in rows] == [
        ("c1", "beach"),
        ("c1", "mine"),
        ("c2", "elsewhere"),
        ("c3", "unknown"),
    ]


def test_records_with_a_number_after_an_id_are_found_and_no_others(store: GraphStore) -> None:
    write(store, [said(name, caption=None) for name in ("c2", "c2#2", "c2#10", "c2#x", "c2#", "c22", "c22#2")])
    assert find_numbered_records(store, "c2") == ["c2#10", "c2#2"]


def test_mentions_of_one_event_are_joined_once_and_parted_when_they_are_no_more(store: GraphStore) -> None:
    # c1 and c3 are prints of one photograph, whatever their hashes are.
    prints = [shown(record, image={"path": f"{record}.jpg", "box": None}) for record in ("c1", "c3")]
    write(store, [said(), said("s1", arguments=[]), *prints])
    found = resolve(read_graph_clues(store))
    assert [("same photograph (+3.5)" in pair.reasons, "trigger climb (+1.0)" in pair.reasons) for pair in found] == [
        (False, True), (True, False)
    ]  # fmt: skip
    assert write_same(store, found).changes.relationships_created == 2
    before = content(store)
    assert write_same(store, found).changes == Changes()
    assert content(store) == before
    joined = "MATCH (a:Mention {record: 'c1'}), (b:Mention {record: 's1'}) CREATE (b)-[:SAME_AS {score: 1.0, reasons: ['I know']}]->(a)"
    store.write("MATCH (a:Mention)-[r:SAME_AS]->(b:Mention {record: 's1'}) DELETE r", {})
    store.write(joined, {})
    rows = ask(store, "@same-events", event="Sport.Climbing")
    assert {(row["firstTrigger"], row["secondPath"]) for row in rows} >= {(None, "c3.jpg")}
    write_same(store, [])
    assert {tuple(row["reasons"]) for row in ask(store, "@same-events", event="Sport.Climbing")} == {("I know",)}


def test_named_queries_tell_what_was_extracted_and_why(store: GraphStore) -> None:
    write(store, [said(), shown()])
    rows = ask(store, "@mentions-of", event="Sport:Climbing")
    assert [(row["trigger"], row["path"], row["arguments"], row["patterns"]) for row in rows] == [
        ("climbs", None, ["Climber: man"], ["rock face", "rope"]),
        (None, "images/c2.jpg", ["Place: in the picture"], ["rock face"]),
    ]
    (why,) = ask(store, "@mention", mention=rows[0]["mention"])
    assert (why["start"], why["stop"], why["sentence"]) == (6, 12, "a man climbs on a rock face")
    assert (why["run"], why["textModel"], why["patterns"]) == ("k" * 32, "rules", [FIRST, SECOND])
    with pytest.raises(KbError, match="no mention 'none'"):
        ask(store, "@mention", mention="none")

"""Loading, on both stores: the same bundle and the same statements leave the same content."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kb import cypher
from kb.bundle import build_bundle, verify_bundle, write_bundle
from kb.loading.load import load_bundle, remove_corpus
from kb.loading.mark import take_mark
from kb.loading.migrations import MIGRATIONS
from kb.loading.patience import Patience
from kb.result import Changes
from kb.schema import SCHEMA
from kb.store import StoreUnavailableError, open_store
from miner.errors import KbError
from tests.graph_stores import KINDS, ask, content, empty_store, load
from tests.kb_run import CAPTION_OF, caption_row, record_row, small_inputs, small_patterns, with_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from kb.result import Params, QueryResult
    from kb.store import GraphStore


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    with empty_store(request.param, tmp_path) as opened:
        yield opened


def test_load_gives_every_node_and_relationship_of_the_bundle(store: GraphStore, tmp_path: Path) -> None:
    bundle = build_bundle(small_inputs())
    load(store, tmp_path / "bundle")
    for label, table in bundle.nodes.items():
        loaded = ask(store, f"MATCH (n:{label}) RETURN n ORDER BY n.id")
        assert [_stored(row["n"]) for row in loaded] == _present(table)
    for kind, table in bundle.relationships.items():
        loaded = ask(
            store, f"MATCH (a)-[r:{kind}]->(b) RETURN a.id AS source, b.id AS target, r ORDER BY source, target"
        )
        rows = [{"source": row["source"], "target": row["target"], **_stored(row["r"])} for row in loaded]
        assert rows == _present(table)


def _stored(entity: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entity["properties"].items() if name not in {"bundle", "scope"}}


def _present(table: pa.Table) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if value is not None} for row in table.to_pylist()]


def test_load_twice_changes_nothing(store: GraphStore, tmp_path: Path) -> None:
    folder = load(store, tmp_path / "bundle")
    before = content(store)
    report = load_bundle(folder, store)
    assert content(store) == before
    assert report.changes == Changes()


def test_load_reports_rows_and_progress(store: GraphStore, tmp_path: Path) -> None:
    manifest = write_bundle(build_bundle(small_inputs()), tmp_path)
    seen: list[int] = []
    report = load_bundle(tmp_path, store, on_progress=seen.append)
    assert sum(seen) == manifest.n_rows == report.nodes + report.relationships
    assert report.changes.nodes_created == report.nodes
    assert report.changes.relationships_created == report.relationships


def test_load_of_a_changed_run_removes_what_vanished(store: GraphStore, tmp_path: Path) -> None:
    load(store, tmp_path / "bundle")
    inputs = small_inputs()
    changed = small_patterns()[:1]
    changed[0] |= {"visualItems": [7], "visualWeights": [1.0], "pValue": None, "roles": changed[0]["roles"][:1]}
    inputs = with_rows(inputs, "patterns", changed)
    inputs = with_rows(
        inputs, "evidence", [row for row in inputs.evidence.to_pylist() if row["pattern"] == "Paaaaaaaaaaaa"]
    )
    load(store, tmp_path / "bundle", inputs)
    assert ask(store, "MATCH (p:Pattern) RETURN p.pattern AS p, p.pValue AS v") == [{"p": "Paaaaaaaaaaaa", "v": None}]
    assert ask(store, "MATCH (i:Item) RETURN i.id AS id ORDER BY id") == [
        {"id": "TextItem:beach/0"},
        {"id": "VisualItem:beach/7"},
    ]
    assert ask(store, "MATCH (:Pattern)-[f:FILLS_ROLE]->(a) RETURN a.role AS role") == [{"role": "Place"}]
    assert ask(store, "MATCH (e:Evidence) RETURN count(e) AS n") == [{"n": 2}]


def test_changed_load_equals_first_load_of_the_same_bundle(store: GraphStore, tmp_path: Path) -> None:
    inputs = with_rows(small_inputs(), "evidence", small_inputs().evidence.to_pylist()[:3])
    load(store, tmp_path / "new", inputs)
    fresh = content(store)
    store.write("MATCH (n) DETACH DELETE n", {})
    load(store, tmp_path / "old")
    load_bundle(tmp_path / "new", store)
    assert content(store) == fresh


def test_load_keeps_reviews_and_what_others_added(store: GraphStore, tmp_path: Path) -> None:
    load(store, tmp_path / "bundle")
    gone, kept = "Pattern:beach/Pbbbbbbbbbbbb", "Pattern:beach/Paaaaaaaaaaaa"
    for pattern in (gone, kept):
        store.write(
            "MATCH (p:Pattern {id: $p}) CREATE (r:Review {id: 'Review:' + $p, patternId: $p, decision: 'accept'})-[:OF]->(p) "
            "CREATE (:Note {id: 'Note:' + $p, text: 'mine'})-[:ABOUT]->(p)",
            {"p": pattern},
        )
    store.write("CREATE (:Image {id: 'Image:elsewhere', record: 'theirs'})", {})
    store.write("MATCH (p:Pattern {id: $p}) SET p.colour = 'red'", {"p": kept})
    patterns = [row for row in small_patterns() if row["pattern"] != "Pbbbbbbbbbbbb"]
    inputs = with_rows(small_inputs(), "patterns", patterns)
    inputs = with_rows(inputs, "evidence", [e for e in inputs.evidence.to_pylist() if e["pattern"] != "Pbbbbbbbbbbbb"])
    load(store, tmp_path / "bundle", inputs)
    assert ask(store, "MATCH (r:Review) RETURN r.decision AS d") == [{"d": "accept"}, {"d": "accept"}]
    assert ask(store, "MATCH (:Review)-[:OF]->(p) RETURN p.id AS p") == [{"p": kept}]
    assert ask(store, "MATCH (n:Note)-[:ABOUT]->(p) RETURN p.colour AS c") == [{"c": "red"}]
    assert ask(store, "MATCH (n:Note) RETURN count(n) AS n") == [{"n": 2}]
    assert ask(store, "MATCH (i:Image {record: 'theirs'}) RETURN count(i) AS n") == [{"n": 1}]
    load(store, tmp_path / "bundle")
    assert ask(store, "MATCH (:Review)-[:OF]->(p) RETURN p.id AS p ORDER BY p") == [{"p": kept}, {"p": gone}]


def test_two_corpora_share_event_types_and_nothing_else(store: GraphStore, tmp_path: Path) -> None:
    load(store, tmp_path / "beach")
    alone = content(store)
    load(store, tmp_path / "hills", small_inputs("hills"))
    assert ask(store, "MATCH (p:Pattern) RETURN count(p) AS n") == [{"n": 6}]
    assert ask(store, "MATCH (e:EventType) RETURN count(e) AS n") == [{"n": 3}]
    load_bundle(tmp_path / "beach", store)
    assert ask(store, "MATCH (p:Pattern) RETURN count(p) AS n") == [{"n": 6}]
    nothing = with_rows(with_rows(small_inputs("hills"), "patterns", []), "evidence", [])
    load(store, tmp_path / "hills", nothing)
    assert set(alone) <= set(content(store))


def test_event_types_stay_while_some_corpus_uses_their_ontology(store: GraphStore, tmp_path: Path) -> None:
    load(store, tmp_path / "beach")
    load(store, tmp_path / "hills", small_inputs("hills"))
    narrow = small_inputs().ontology.model_copy(update={"types": small_inputs().ontology.types[:2]})
    for corpus, left in (("beach", 3), ("hills", 2)):
        inputs = with_rows(with_rows(small_inputs(corpus), "patterns", small_patterns()[:2]), "evidence", [])
        inputs = with_rows(inputs, "labels", [])
        load(store, tmp_path / corpus, replace(inputs, ontology=narrow))
        assert ask(store, "MATCH (e:EventType) RETURN count(e) AS n") == [{"n": left}]
    assert ask(store, "MATCH (a:ArgumentRole) RETURN a.role AS r ORDER BY r") == [{"r": "Climber"}, {"r": "Place"}]


def test_corpus_is_marked_complete_by_the_last_statement(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = load(store, tmp_path / "bundle")
    digest = verify_bundle(folder).digest
    assert ask(store, "MATCH (c:Corpus) RETURN c.bundle AS b") == [{"b": digest}]
    monkeypatch.setattr("kb.cypher.RELINK_REVIEWS", "RETURN 1 / 0 AS broken, $nothing AS missing")
    with pytest.raises(KbError):
        load_bundle(folder, store)
    embedded = "://" not in store.uri
    assert ask(store, "MATCH (c:Corpus) RETURN c.bundle AS b") == [{"b": digest if embedded else None}]
    monkeypatch.undo()


def test_embedded_load_happens_as_a_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(str(tmp_path / "kb")) as store:
        load(store, tmp_path / "beach")
        before = content(store)
        write_bundle(build_bundle(small_inputs("hills")), tmp_path / "hills")
        monkeypatch.setattr("kb.cypher.COMPLETE_LOAD", "nonsense")
        with pytest.raises(KbError):
            load_bundle(tmp_path / "hills", store)
        assert content(store) == before


HOSTILE = [
    "two\nlines\r\n",
    "quote ' double \" back ` slash \\ dollar $rows {brace}",
    "a/b#c%2F:d",
    "ünïcödé \U0001d518 \u202e right to left",
    "nul \x00 inside",
    "') DETACH DELETE n //",
    "x" * 5_000,
]


def test_hostile_strings_come_back_as_they_went_in(store: GraphStore, tmp_path: Path) -> None:
    inputs = small_inputs()
    names = [*CAPTION_OF, *HOSTILE]
    inputs = with_rows(inputs, "records", [record_row(name, source=name) for name in names])
    inputs = with_rows(inputs, "captions", [caption_row(name, CAPTION_OF.get(name, name)) for name in names])
    load(store, tmp_path / "bundle", inputs)
    rows = ask(store, "MATCH (i:Image)-[:HAS_CAPTION]->(c) WHERE i.record IN $names RETURN i.record AS r, i.source AS s, c.text AS t", names=HOSTILE)  # fmt: skip
    assert sorted(rows, key=lambda row: row["r"]) == [{"r": name, "s": name, "t": name} for name in sorted(HOSTILE)]


def test_full_text_finds_captions_beyond_a_thousand(store: GraphStore, tmp_path: Path) -> None:
    inputs = small_inputs()
    names = [*CAPTION_OF, *(f"m{i}" for i in range(1_500))]
    inputs = with_rows(inputs, "records", [record_row(name) for name in names])
    texts = {name: CAPTION_OF.get(name, f"a meadow number {name}") for name in names}
    inputs = with_rows(inputs, "captions", [caption_row(name, text) for name, text in texts.items()])
    load(store, tmp_path / "bundle")
    load(store, tmp_path / "bundle", inputs)
    assert [row["record"] for row in ask(store, "@captions-like", text="m1499")] == ["m1499"]


def test_a_bundle_without_patterns_loads(store: GraphStore, tmp_path: Path) -> None:
    inputs = with_rows(with_rows(small_inputs(), "patterns", []), "evidence", [])
    load(store, tmp_path / "bundle", inputs)
    assert [row["patterns"] for row in ask(store, "@event-types")] == [0, 0, 0]
    assert ask(store, "@patterns-of", eventType="Sport.Climbing") == []


def test_load_that_is_interrupted_again_and_again_ends_as_if_it_had_not_been(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = load(store, tmp_path / "bundle")
    whole = content(store)
    remove_corpus(store, "beach")
    monkeypatch.setattr("kb.loading.load.BATCH_ROWS", 3)
    for n_batches in [1, 2] * 10:
        with pytest.raises(KeyboardInterrupt):
            load_bundle(folder, store, _interrupt_after(n_batches))
    load_bundle(folder, store)
    assert content(store) == whole


def test_batches_that_are_sent_again_while_their_first_copies_are_committed_double_nothing(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = load(store, tmp_path / "bundle")
    whole = content(store)
    remove_corpus(store, "beach")
    monkeypatch.setattr("kb.loading.load.BATCH_ROWS", 3)
    load_bundle(folder, _Stuttering(store), patience=Patience(pause_s=0))
    assert content(store) == whole


class _Around:
    """A store that does what another does, but for what is said otherwise."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the store has
        return getattr(self._store, name)


class _Stuttering:
    """A store that writes every batch, says it is gone, and at the next look does not know the batch yet."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._late: set[str] = set()
        self._sent: set[int] = set()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the store has
        return getattr(self._store, name)

    def write(self, statement: str, params: Params, *, timeout_s: float | None = None) -> QueryResult:
        done = self._store.write(statement, params, timeout_s=timeout_s)
        if "$rows" in statement and params["position"] not in self._sent:
            self._sent.add(params["position"])
            self._late.add(params["mark"])
            raise StoreUnavailableError("Nothing answers.")
        if statement == cypher.READ_MARK and params["mark"] in self._late:
            self._late.remove(params["mark"])
            ((token, digest, fresh, _),) = done.rows
            return replace(done, rows=((token, digest, fresh, 0),))
        return done


def test_load_of_whom_the_mark_is_not_writes_nothing_and_leaves_the_mark(store: GraphStore) -> None:
    mine, theirs = (take_mark(store, "beach", bundle, batch_rows=5) for bundle in ("mine", "theirs"))
    row = ["Corpus:beach", *[None] * len(SCHEMA.node("Corpus").properties)]
    params = {"rows": [row], "mark": mine.id(0), "token": mine.token, "position": 1, "scope": "beach", "bundle": None}
    written = store.write(cypher.write_nodes(SCHEMA.node("Corpus")), params)
    assert written.rows == ((0,),)
    assert ask(store, "MATCH (c:Corpus) RETURN c") == []
    assert theirs.read_position(store, 0) == 0
    theirs.drop(store)


def test_interrupted_load_goes_on_where_marks_of_an_older_version_were_left(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = load(store, tmp_path / "bundle")
    store.write("CREATE (:EventminerLoad {id: 'EventminerLoad:beach', corpus: 'beach', token: 't', position: 9})", {})
    marks = [take_mark(store, "beach", "b", batch_rows=5)]
    store.write("MATCH (l:EventminerLoad) SET l.position = 7", {})
    marks.append(take_mark(store, "beach", "b", batch_rows=5))
    assert [set(mark.starts) for mark in marks] == [{0}, {7}]
    assert not marks[1].fresh
    marks[1].drop(store)
    assert ask(store, "MATCH (l:EventminerLoad) RETURN l") == []
    monkeypatch.setattr("kb.loading.load.BATCH_ROWS", 3)
    load_bundle(folder, store)


def test_removal_that_is_overtaken_by_a_load_stops_after_the_statement_it_is_at(
    store: GraphStore, tmp_path: Path
) -> None:
    load(store, tmp_path / "bundle")
    with pytest.raises(KbError, match="has taken over"):
        remove_corpus(_Overtaking(store), "beach")
    assert ask(store, "MATCH (p:Pattern) RETURN count(p) AS n") == [{"n": 3}]


class _Overtaking(_Around):
    """A store into which another load begins as soon as something was deleted."""

    def write(self, statement: str, params: Params, *, timeout_s: float | None = None) -> QueryResult:
        done = self._store.write(statement, params, timeout_s=timeout_s)
        if "DETACH DELETE" in statement:
            take_mark(self._store, "beach", "theirs", batch_rows=5)
        return done


def test_damaged_batch_is_written_by_the_next_load(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = load(store, tmp_path / "bundle")
    whole = content(store)
    remove_corpus(store, "beach")
    monkeypatch.setattr("kb.loading.load.BATCH_ROWS", 3)
    with pytest.raises(KbError, match="has not all"):
        load_bundle(folder, _Forgetful(store))
    load_bundle(folder, store)
    assert content(store) == whole


class _Forgetful(_Around):
    """A store that loses the captions just before the pictures are joined to them."""

    def write(self, statement: str, params: Params, *, timeout_s: float | None = None) -> QueryResult:
        if "$rows" in statement and "[:HAS_CAPTION " in statement:
            self._store.write("MATCH (c:Caption) DETACH DELETE c", {})
        return self._store.write(statement, params, timeout_s=timeout_s)


def _interrupt_after(n_batches: int) -> Callable[[int], None]:
    calls = iter(range(n_batches))

    def interrupt(_n_rows: int) -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt

    return interrupt


def test_later_of_two_loads_wins_and_the_earlier_says_so(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "://" not in store.uri:
        pytest.skip("one process at a time writes the embedded store; test_embedded_store.py")
    write_bundle(build_bundle(with_rows(small_inputs(), "evidence", [])), tmp_path / "earlier")
    write_bundle(build_bundle(small_inputs()), tmp_path / "later")
    monkeypatch.setattr("kb.loading.load.BATCH_ROWS", 5)

    def overtake(n_rows: int) -> None:
        if n_rows:
            monkeypatch.undo()
            load_bundle(tmp_path / "later", store)

    with pytest.raises(KbError, match="has taken over"):
        load_bundle(tmp_path / "earlier", store, overtake)
    overtaken = content(store)
    store.write("MATCH (n) DETACH DELETE n", {})
    load_bundle(tmp_path / "later", store)
    assert content(store) == overtaken


def test_load_leaves_the_data_of_others_alone(store: GraphStore, tmp_path: Path) -> None:
    store.write("CREATE (a:Person {id: 'Pattern:beach/Paaaaaaaaaaaa', scope: 'beach', bundle: 'x'})", {})
    store.write("MATCH (a:Person) CREATE (a)-[:KNOWS {since: 1999}]->(:Person {id: 'b'})", {})
    before = content(store)
    load(store, tmp_path / "bundle")
    load(store, tmp_path / "bundle", with_rows(small_inputs(), "evidence", []))
    remove_corpus(store, "beach")
    after = content(store)
    assert set(before) <= set(after)
    assert [row for row in after if "EventminerMigration" not in row] == before


def test_load_into_a_database_with_our_labels_but_not_our_nodes_is_refused(store: GraphStore, tmp_path: Path) -> None:
    store.write("CREATE (:Image {id: 'Image:beach/c1', url: 'theirs'})", {})
    before = content(store)
    with pytest.raises(KbError, match="1 nodes with the label Image that eventminer did not make"):
        load(store, tmp_path / "bundle")
    assert content(store) == before


def test_load_into_a_newer_database_is_refused(store: GraphStore, tmp_path: Path) -> None:
    load(store, tmp_path / "bundle")
    store.write("CREATE (:EventminerMigration {id: 'EventminerMigration:99', version: 99, change: 'wonders'})", {})
    with pytest.raises(KbError, match="has version 99 of the schema") as caught:
        load_bundle(tmp_path / "bundle", store)
    assert "newer" in (caught.value.hint or "")


def test_older_database_is_migrated_and_says_so(store: GraphStore, tmp_path: Path) -> None:
    store.write("CREATE (:Corpus {id: 'Corpus:old', corpus: 'old', scope: 'old', bundle: 'b'})", {})
    store.write(
        "CREATE (:Evidence {id: 'Evidence:old/1', scope: 'old', bundle: 'b'})-[:IN_IMAGE]->"
        "(:Image {id: 'Image:old/1', scope: 'old', bundle: 'b', licence: 'CC0', credit: 'Ann'})",
        {},
    )
    load(store, tmp_path / "bundle")
    assert ask(store, "MATCH (e:Evidence {id: 'Evidence:old/1'}) RETURN e.licence AS l, e.credit AS c") == [
        {"l": "CC0", "c": "Ann"}
    ]
    versions = ask(store, "MATCH (m:EventminerMigration) RETURN m.version AS v ORDER BY v")
    assert [row["v"] for row in versions] == [migration.version for migration in MIGRATIONS]
    assert versions[-1]["v"] == SCHEMA.version


def test_migration_of_a_big_database_goes_in_batches(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("CREATE (:Corpus {id: 'Corpus:old', corpus: 'old', scope: 'old', bundle: 'b'})", {})
    store.write(
        "UNWIND range(1, 7) AS i CREATE (:Evidence {id: 'Evidence:old/' + toString(i), scope: 'old', bundle: 'b'})"
        "-[:IN_IMAGE]->(m:Image {id: 'Image:old/' + toString(i), scope: 'old', bundle: 'b', licence: toString(i)}) "
        "CREATE (m)-[:HAS_CAPTION]->(:Caption {id: 'Caption:old/' + toString(i), scope: 'old', bundle: 'b'})",
        {},
    )
    # A caption that two pictures share, of which only one says whose it is, ends the migration as well.
    store.write("MATCH (m:Image {id: 'Image:old/1'}) SET m.licence = null", {})
    store.write(
        "MATCH (m:Image {id: 'Image:old/1'}) MATCH (c:Caption {id: 'Caption:old/2'}) CREATE (m)-[:HAS_CAPTION]->(c)", {}
    )
    monkeypatch.setattr("kb.loading.migrations.CHANGED_ROWS", 3)
    load(store, tmp_path / "bundle")
    copied = [None, "2", "3", "4", "5", "6", "7"]
    for label in ("Evidence", "Caption"):
        rows = ask(store, f"MATCH (n:{label}) WHERE n.scope = 'old' RETURN n.licence AS l ORDER BY n.id")
        assert [row["l"] for row in rows] == copied
    counts = [store.write(s, {"limit": 3}).rows for migration in MIGRATIONS for s in migration.statements]
    assert counts == [((0,),), ((0,),)]


def test_load_notices_that_the_store_was_changed_meanwhile(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bundle(build_bundle(small_inputs()), tmp_path)
    monkeypatch.setattr("kb.cypher.DELETE_UNUSED_ROLES", "MATCH (e:Evidence) DETACH DELETE e RETURN 0 AS deleted")
    with pytest.raises(KbError, match="has not all Evidence of the bundle"):
        load_bundle(tmp_path, store)
    monkeypatch.undo()
    load_bundle(tmp_path, store)
    assert ask(store, "MATCH (e:Evidence) RETURN count(e) AS n") == [{"n": 5}]


def test_removing_a_corpus_leaves_reviews_and_other_corpora(store: GraphStore, tmp_path: Path) -> None:
    load(store, tmp_path / "hills", small_inputs("hills"))
    alone = content(store)
    load(store, tmp_path / "beach")
    kept = {"id": "Review:1", "patternId": "Pattern:beach/Paaaaaaaaaaaa", "decision": "accept"}
    store.write("CREATE (r:Review {id: $id, patternId: $patternId, decision: $decision})", kept)
    with pytest.raises(KbError, match="no corpus and no run 'nothere'"):
        remove_corpus(store, "nothere")
    assert remove_corpus(store, "beach").nodes_deleted > 0
    assert [row for row in content(store) if "Review" not in row] == alone
    assert ask(store, "MATCH (r:Review) RETURN r.decision AS d") == [{"d": "accept"}]


def test_removing_a_corpus_that_is_loaded_in_part_leaves_nothing_of_it(store: GraphStore, tmp_path: Path) -> None:
    folder = load(store, tmp_path / "bundle")
    whole = content(store)
    store.write("MATCH (c:Corpus) DETACH DELETE c", {})
    take_mark(store, "beach", verify_bundle(folder).digest, batch_rows=5)
    store.write("MATCH (l:EventminerLoad) SET l.position = 40, l.fresh = true", {})
    remove_corpus(store, "beach")
    assert ask(store, "MATCH (n) WHERE NOT n:EventminerMigration RETURN n") == []
    load_bundle(folder, store)
    assert content(store) == whole

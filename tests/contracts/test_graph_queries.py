"""Asking, on both stores: the same questions get the same answers and the same refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kb.asking.library import named_queries
from kb.asking.query import run_query
from kb.bundle import build_bundle, write_bundle
from kb.loading.load import load_bundle, remove_corpus
from kb.loading.renaming import rename_corpus
from kb.schema import SCHEMA
from miner.errors import KbError
from tests.graph_stores import KINDS, ask, content, empty_store, load
from tests.kb_run import CAPTION_OF, evidence_row, pattern_row, small_inputs, small_patterns, with_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.store import GraphStore


@pytest.fixture(scope="module", params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    """A store with the small run in it, for all tests of this module."""
    folder = tmp_path_factory.mktemp(request.param)
    with empty_store(request.param, folder) as opened:
        load(opened, folder / "bundle")
        yield opened


def test_lone_surrogates_in_parameters_are_replaced(store: GraphStore) -> None:
    assert ask(store, "RETURN $a AS a, $b AS b", a="x\ud800y", b=["\udfff"]) == [{"a": "x\ufffdy", "b": ["\ufffd"]}]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE (n:Note {id: 'x'})",
        "MATCH (n) DETACH DELETE n",
        "MATCH (p:Pattern) SET p.rank = 9",
        "MATCH (p:Pattern) REMOVE p.rank",
        "MERGE (n:Pattern {id: 'new'})",
        "FOREACH (x IN [1] | CREATE (:Note {id: 'f'}))",
        "CREATE INDEX sneaky FOR (n:Pattern) ON (n.lift)",
        "MATCH (p:Pattern) RETURN p.id AS id UNION CREATE (n:Note {id: 'u'}) RETURN n.id AS id",
    ],
)
def test_reading_refuses_to_write(store: GraphStore, statement: str) -> None:
    before = content(store)
    with pytest.raises(KbError) as caught:
        run_query(store, statement)
    assert caught.value.hint == "Add --write if it should." or "UNION" in statement
    assert content(store) == before


def test_writing_works_when_asked_for(store: GraphStore) -> None:
    result = run_query(store, "CREATE (n:Note {id: 'Note:1'})", write=True)
    assert result.changes.nodes_created == 1
    assert ask(store, "MATCH (n:Note) RETURN n.id AS id") == [{"id": "Note:1"}]
    assert run_query(store, "MATCH (n:Note) DELETE n", write=True).changes.nodes_deleted == 1


ENDLESS = "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y WITH x * y AS z RETURN sum(z) AS total"


@pytest.mark.parametrize("write", [False, True])
def test_query_that_takes_too_long_is_stopped(store: GraphStore, *, write: bool) -> None:
    with pytest.raises(KbError, match=r"longer than 0\.5 s"):
        run_query(store, ENDLESS, timeout_s=0.5, write=write)


@pytest.mark.parametrize(
    ("statement", "params"),
    [
        ("MATCH (n RETURN n", {}),
        ("RETURN $missing AS x", {}),
        ("RETURN $big AS x", {"big": 2**70}),
        ("RETURN 1 / 0", {}),
    ],
)
def test_wrong_queries_are_known_errors(store: GraphStore, statement: str, params: dict[str, Any]) -> None:
    with pytest.raises(KbError) as caught:
        run_query(store, statement, params)
    assert "\n" not in caught.value.message


def test_unknown_labels_are_pointed_out(store: GraphStore) -> None:
    result = run_query(store, "MATCH (p:Patern) RETURN p.pattern AS p")
    assert result.rows == ()
    assert any("Patern" in warning for warning in result.warnings)


def test_values_of_every_kind_are_plain_data(store: GraphStore) -> None:
    text = (
        "MATCH p = (e:Evidence)-[r:IN_IMAGE]->(i:Image {record: 'c2'}) WITH p, i, r ORDER BY e.id LIMIT 1 "
        "RETURN [x IN nodes(p) | x.record] AS records, p, i, r, {a: i.width} AS m, date('2020-01-02') AS d, "
        "datetime('2020-01-02T03:04:05Z') AS t, duration({days: 2}) AS u, 1.0 AS f, 1 AS n, true AS b, null AS z, i.eventTypes AS l"
    )
    row = ask(store, text)[0]
    assert json.loads(json.dumps(row)) == row
    assert row["records"] == [None, "c2"]
    assert row["i"]["labels"] == ["Image"]
    assert row["i"]["properties"]["record"] == "c2"
    assert {"title", "type", "name"}.isdisjoint(row["i"]["properties"])
    assert row["r"]["type"] == "IN_IMAGE"
    assert [n["labels"] for n in row["p"]["nodes"]] == [["Evidence"], ["Image"]]
    assert [r["type"] for r in row["p"]["relationships"]] == ["IN_IMAGE"]
    assert (row["m"], row["d"], row["l"]) == ({"a": 640}, "2020-01-02", ["Sport.Climbing"])
    assert row["t"].startswith("2020-01-02T03:04:05")
    assert row["u"] == {"months": 0, "days": 2, "seconds": 0}
    assert (row["f"], row["n"], row["b"], row["z"]) == (1.0, 1, True, None)


def test_every_property_of_the_schema_can_be_asked_for(store: GraphStore) -> None:
    for node in SCHEMA.nodes:
        columns = ", ".join(
            f"n.{'`end`' if p.name == 'end' else p.name} AS x{i}" for i, p in enumerate(node.properties)
        )
        run_query(store, f"MATCH (n:{node.label}) RETURN {columns}")


def test_named_queries_answer(store: GraphStore) -> None:
    counts = [(row["eventType"], row["patterns"], row["records"]) for row in ask(store, "@event-types")]
    assert counts == [("Sport.Climbing", 2, 3), ("Sport.Surfing", 1, 2), ("Sport", 0, 0)]
    strongest = ask(store, "@patterns-of", eventType="Sport:Climbing", limit="1")
    assert [(row["displayName"], row["words"], row["visualItems"]) for row in strongest] == [
        ("rock face", ["rock"], ["filter 7", "class 3"])
    ]
    evidence = ask(store, "@evidence-of", pattern="Pcccccccccccc")
    assert [(row["record"], row["words"], row["caption"]) for row in evidence] == [
        ("s1", "rock", CAPTION_OF["s1"]),
        ("s2", None, None),
    ]
    assert evidence[0]["box"] == [10.0, 20.0, 110.0, 220.0]
    images = ask(store, "@images-of-pattern", pattern="Paaaaaaaaaaaa")
    assert [(row["path"], row["score"]) for row in images] == [("images/c1.jpg", 3.5), ("images/c2.jpg", 2.5)]
    shared = ask(store, "@shared-patterns", first="Sport.Climbing", second="Sport.Surfing")
    assert [
        (row["firstName"], row["secondName"], row["items"], row["visualItems"], row["words"]) for row in shared
    ] == [("rock face", "wet rock", 2, ["filter 7"], ["rock"])]
    roles = ask(store, "@roles-of", eventType="Sport.Climbing")
    assert [(row["role"], row["patterns"], row["scores"]) for row in roles] == [
        ("Climber", ["rock face"], [0.2]),
        ("Place", ["rock face"], [0.8]),
    ]
    assert {row["record"] for row in ask(store, "@captions-like", text="rope (AND")} == {"c2"}
    assert [row["displayName"] for row in ask(store, "@patterns-named", text="wet")] == ["wet rock"]
    origin = ask(store, "@provenance", pattern="Paaaaaaaaaaaa")
    assert [(row["corpus"], row["licence"], row["evidence"], row["photographs"]) for row in origin] == [
        ("beach", "CC0", 2, 2)
    ]


def test_runs_and_credits_tell_what_is_there_and_whose_it_is(store: GraphStore) -> None:
    (run,) = ask(store, "@runs")
    assert (run["corpus"], run["patterns"], run["records"], run["bad"], run["complete"]) == ("beach", 3, 5, 1, True)
    assert ask(store, "@credits") == [
        {"corpus": "beach", "licence": "CC0", "credit": None, "source": None, "images": 5}
    ]


def test_discriminating_patterns_come_first_that_share_nothing_with_the_other_type(store: GraphStore) -> None:
    rows = ask(store, "@discriminating-patterns", first="Sport.Climbing", second="Sport.Surfing")
    # "rope" has filter 5 and the word rope; "rock face" shares filter 7 and the word rock with "wet rock".
    assert [(r["displayName"], r["sharedItems"], r["images"], r["imagesOfSecond"]) for r in rows] == [
        ("rope", 0, 1, 0),
        ("rock face", 2, 2, 0),
    ]


def test_co_firing_patterns_show_in_the_same_pictures(store: GraphStore) -> None:
    rows = ask(store, "@co-firing", pattern="Paaaaaaaaaaaa")
    # Of its pictures c1 and c2, c2 shows the rope as well.
    assert [(r["displayName"], r["together"], r["share"]) for r in rows] == [("rope", 1, 0.5)]
    assert ask(store, "@co-firing", pattern="Pcccccccccccc") == []


def test_similar_patterns_have_items_in_common(store: GraphStore) -> None:
    rows = ask(store, "@similar-patterns", pattern="Paaaaaaaaaaaa")
    assert [r["displayName"] for r in rows] == ["wet rock", "rope"]
    # Mean of the cosines of the visual items, 1 / sqrt(1.25), and of the words, 1 / sqrt(2): 0.80.
    assert rows[0]["similarity"] == pytest.approx(0.80, abs=0.1)
    assert rows[1]["similarity"] == pytest.approx(0.0, abs=0.2)
    assert [r["displayName"] for r in ask(store, "@similar-patterns", pattern="Paaaaaaaaaaaa", limit=1)] == ["wet rock"]


def test_claim_leads_to_pixels_and_words(store: GraphStore) -> None:
    (claim,) = ask(store, "@claim", pattern="Paaaaaaaaaaaa", record="c2")
    assert (claim["path"], claim["box"], claim["width"]) == ("images/c2.jpg", [10.0, 20.0, 110.0, 220.0], 640)
    assert claim["caption"][claim["start"] : claim["stop"]] == claim["words"] == "rock"
    assert (claim["origin"], claim["corpus"], claim["run"]) == ("captions.csv:2", "beach", "k" * 32)
    assert ask(store, "@claim", pattern="Pbbbbbbbbbbbb", record="c1") == []


def test_roles_have_fillers_with_their_best_place(store: GraphStore) -> None:
    (place,) = ask(store, "@fillers-of", eventType="Sport.Climbing", role="Place")
    assert (place["displayName"], place["score"], place["path"]) == ("rock face", 0.8, "images/c1.jpg")
    assert ask(store, "@fillers-of", eventType="Sport.Surfing", role="Surfer") == []


def test_typical_structure_has_roles_fillers_and_what_comes_together(store: GraphStore, tmp_path: Path) -> None:
    assert [(r["displayName"], r["role"]) for r in ask(store, "@typical-of", eventType="Sport.Climbing")] == [
        ("rock face", "Place"),
        ("rope", None),
    ]
    face, rope = (row | {"support": 0.06} for row in small_patterns()[:2])
    shown = [evidence_row(row["pattern"], "c1", 1.0, group=group) for row in (face, rope) for group in range(3)]
    inputs = with_rows(with_rows(small_inputs("shore"), "patterns", [face, rope]), "evidence", shown)
    write_bundle(build_bundle(inputs), tmp_path / "bundle")
    load_bundle(tmp_path / "bundle", store)
    try:
        rows = [r for r in ask(store, "@typical-of", eventType="Sport.Climbing") if r["corpus"] == "shore"]
    finally:
        remove_corpus(store, "shore")
    assert [(r["position"], r["displayName"], r["together"]) for r in rows] == [
        (1, "rock face", ["rope"]),
        (2, "rope", ["rock face"]),
    ]
    assert rows[0]["roleShare"] == rows[0]["share"] == pytest.approx(0.1)
    assert rows[0]["lifts"] == [pytest.approx(10.0)]


def test_words_lead_to_patterns(store: GraphStore) -> None:
    assert [r["displayName"] for r in ask(store, "@patterns-with-word", text="Cliff")] == ["rock face", "wet rock"]


def test_coverage_counts_what_no_pattern_explains(store: GraphStore) -> None:
    rows = [(r["eventType"], r["records"], r["shown"], r["named"]) for r in ask(store, "@coverage")]
    # c3 says "rock" but is no evidence; of surfing both records are.
    assert rows == [("Sport.Climbing", 3, 2, 3), ("Sport.Surfing", 2, 2, 2)]
    assert [r["record"] for r in ask(store, "@unexplained", eventType="Sport.Climbing")] == ["c3"]
    assert ask(store, "@unexplained", eventType="Sport.Surfing") == []


def test_record_shows_what_hangs_on_it(store: GraphStore) -> None:
    (record,) = ask(store, "@record", record="c2")
    assert (record["captions"], record["patterns"], record["evidence"]) == (
        ["rope on the rock"],
        ["rock face", "rope"],
        2,
    )
    assert [r["record"] for r in ask(store, "@copies-of", record="c1")] == ["c3"]
    assert [r["record"] for r in ask(store, "@copies-of", record="c3")] == ["c1"]
    assert ask(store, "@copies-of", record="s1") == []


def test_reviews_take_a_pattern_off_the_list(store: GraphStore) -> None:
    assert [r["displayName"] for r in ask(store, "@unreviewed", eventType="Sport.Climbing")] == ["rock face", "rope"]
    review = {"p": "Pattern:beach/Pbbbbbbbbbbbb", "gone": "Pattern:beach/Pgone"}
    store.write(
        "MATCH (p:Pattern {id: $p}) CREATE (:Review {id: 'Review:1', patternId: $p, decision: 'accept'})-[:OF]->(p) "
        "CREATE (:Review {id: 'Review:2', patternId: $gone, decision: 'reject', note: 'a logo'})",
        review,
    )
    assert [r["displayName"] for r in ask(store, "@unreviewed", eventType="Sport.Climbing")] == ["rock face"]
    decisions = [(r["decision"], r["displayName"], r["isThere"]) for r in ask(store, "@reviews")]
    assert decisions == [("accept", "rope", True), ("reject", None, False)]
    store.write("MATCH (r:Review) DETACH DELETE r", {})


def test_drift_tells_new_gone_and_changed_patterns(store: GraphStore, tmp_path: Path) -> None:
    later = small_inputs("hills")
    patterns = [row | {"confidence": 0.5} for row in small_patterns()[1:2]]
    patterns.append(pattern_row("Pdddddddddddd", "Sport.Surfing", 1, "board"))
    load(store, tmp_path / "hills", with_rows(with_rows(later, "patterns", patterns), "evidence", []))
    rows = ask(store, "@drift", first="beach", second="hills")
    assert [(r["state"], r["displayName"], r["change"]) for r in rows] == [
        ("new", "board", None),
        ("gone", "rock face", None),
        ("gone", "wet rock", None),
        ("both", "rope", -0.25),
    ]
    remove_corpus(store, "hills")
    with pytest.raises(KbError, match="no run or corpus 'hills'") as caught:
        ask(store, "@drift", first="beach", second="hills")
    assert "--as NAME" in (caught.value.hint or "")


def test_drift_between_two_runs_of_a_corpus_that_are_loaded_under_two_names(store: GraphStore, tmp_path: Path) -> None:
    renamed = rename_corpus(build_bundle(small_inputs()), "beach/2")
    assert renamed.manifest == build_bundle(small_inputs("beach/2")).manifest
    write_bundle(renamed, tmp_path / "renamed")
    load_bundle(tmp_path / "renamed", store)
    rows = ask(store, "@drift", first="beach", second="beach/2")
    assert [(r["state"], r["displayName"], r["change"]) for r in rows] == [
        ("both", "rock face", 0.0),
        ("both", "rope", 0.0),
        ("both", "wet rock", 0.0),
    ]
    remove_corpus(store, "beach/2")


def test_named_queries_tell_nothing_found_from_no_such_subject(store: GraphStore) -> None:
    assert ask(store, "@patterns-of", eventType="Sport") == []
    with pytest.raises(KbError, match=r"no event type 'Sport\.Flying'"):
        ask(store, "@patterns-of", eventType="Sport.Flying")
    with pytest.raises(KbError, match="no pattern 'Pnone'"):
        ask(store, "@evidence-of", pattern="Pnone")


def test_every_named_query_is_tried_here_or_with_the_mentions() -> None:
    files = (Path(__file__), Path(__file__).with_name("test_graph_mentions.py"))
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    assert [q.name for q in named_queries() if f'"@{q.name}"' not in text] == []


def test_examples_of_the_documentation_answer(store: GraphStore) -> None:
    text = (Path(__file__).parents[2] / "docs" / "knowledge-base.md").read_text(encoding="utf-8")
    examples = re.findall(r"```cypher\n(.*?)```", text, flags=re.DOTALL)
    answers = [ask(store, example) for example in examples]
    assert [sorted(row["visualItems"]) for row in answers[0]] == [["class 3", "filter 7"], ["filter 5"]]
    assert [row["e.words"] for row in answers[1]] == ["rock", "rock"]
    assert {row["i.id"] for row in answers[2]} == {"TextItem:beach/0", "VisualItem:beach/7"}
    assert [(row["e.eventType"], row["patterns"]) for row in answers[3]] == [
        ("Sport", 3),
        ("Sport.Climbing", 2),
        ("Sport.Surfing", 1),
    ]

"""Loading without a server: what is cut, waited for, resumed and refused."""

from __future__ import annotations

import json
import signal
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from neo4j import exceptions
from typer.testing import CliRunner

from kb import neo4j_store
from kb.building.vectors import pattern_vector
from kb.bundle import build_bundle, write_bundle
from kb.loading.lanes import Lanes
from kb.loading.load import load_bundle
from kb.loading.patience import Patience
from kb.loading.rows import read_batches
from kb.schema import SCHEMA, VECTOR_DIMENSIONS
from kb.store import BatchTooLargeError, StoreUnavailableError, open_store
from miner.cli.app import app
from miner.errors import KbError
from tests.kb_run import small_inputs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(build_bundle(small_inputs()), tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_batches_have_every_row_once_and_say_where_they_end(bundle: Path, size: int) -> None:
    batches = list(read_batches(bundle, size))
    total = sum(len(batch.rows) for batch in batches)
    assert [b.position for b in batches] == [sum(len(b.rows) for b in batches[: i + 1]) for i in range(len(batches))]
    assert total == sum(entry["rows"] for entry in json.loads((bundle / "manifest.json").read_text())["files"].values())


def test_batches_go_on_after_any_position(bundle: Path) -> None:
    whole = [(b.kind.key, b.ends, row) for b in read_batches(bundle, 4) for row in b.rows]
    for position in range(0, len(whole) + 1, 7):
        rest = [(b.kind.key, b.ends, row) for b in read_batches(bundle, 4, after=[position]) for row in b.rows]
        assert rest == whole[position:]


def test_lanes_have_every_row_once_and_go_on_each_from_its_own_position(bundle: Path) -> None:
    whole = list(read_batches(bundle, 4, after=[0, 0]))
    assert [b.lane for b in whole] == [i % 2 for i in range(len(whole))]
    assert [b.rows for b in whole] == [b.rows for b in read_batches(bundle, 4)]
    ends = (whole[4].position, whole[1].position)
    rest = list(read_batches(bundle, 4, after=ends))
    assert [b.done + len(b.rows) for b in rest] == [len(b.rows) for b in whole]
    assert [b.rows for b in rest] == [[] if i in {0, 1, 2, 4} else b.rows for i, b in enumerate(whole)]


def test_lanes_keep_the_order_within_a_lane_and_say_what_failed() -> None:
    def fail() -> int:
        raise KbError("broken")

    with Lanes[int](2) as lanes:
        assert lanes.put(0, lambda: 1) == []
        assert lanes.put(1, lambda: 2) == []
        assert lanes.put(0, fail) == [1]
        assert lanes.put(1, lambda: 3) == [2]
        with pytest.raises(KbError, match="broken"):
            lanes.put(0, lambda: 4)
        assert list(lanes.finish()) == [3]


def test_halves_of_a_batch_are_the_batch_with_positions_in_between(bundle: Path) -> None:
    batch = next(b for b in read_batches(bundle, 5) if len(b.rows) == 5)
    first, second = batch.halves()
    assert first.rows + second.rows == batch.rows
    assert (first.position, second.position) == (batch.position - 3, batch.position)


def test_relationships_are_sent_by_source(bundle: Path) -> None:
    batch = next(b for b in read_batches(bundle, 100) if b.kind.key == "FILLS_ROLE")
    role = "ArgumentRole:Sport.Climbing/"
    fillers = [[f"{role}Climber", 0.2, None, None], [f"{role}Place", 0.8, 1, pytest.approx(1 / 3)]]
    assert batch.values == [["Pattern:beach/Paaaaaaaaaaaa", fillers]]


def test_patience_tries_again_until_the_limit() -> None:
    waits: list[float] = []

    def answer_at(wanted: int, attempt: int) -> str:
        if attempt < wanted:
            raise StoreUnavailableError("Nothing answers.")
        return "here"

    patience = Patience(limit_s=60, pause_s=0.5, sleep=waits.append)
    assert patience.keep(lambda attempt: answer_at(3, attempt)) == "here"
    assert waits == [0.5] * 3
    with pytest.raises(StoreUnavailableError):
        Patience(limit_s=0, pause_s=1).keep(lambda attempt: answer_at(1, attempt))


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("Neo.TransientError.General.MemoryPoolOutOfMemoryError", BatchTooLargeError, "not the memory"),
        ("Neo.TransientError.Transaction.DeadlockDetected", StoreUnavailableError, "for the time being"),
        ("Neo.TransientError.General.DatabaseUnavailable", StoreUnavailableError, "for the time being"),
        ("Neo.ClientError.Security.Forbidden", KbError, "does not allow this user to write"),
        ("Neo.ClientError.General.ForbiddenOnReadOnlyDatabase", KbError, "does not allow this user to write"),
        ("Neo.DatabaseError.Transaction.TransactionLogError", KbError, "disk"),
        ("Neo.ClientError.Statement.SyntaxError", KbError, "query failed"),
    ],
)
def test_errors_of_the_server_say_whether_to_wait_to_cut_or_to_stop(code: str, kind: type, words: str) -> None:
    error = exceptions.Neo4jError._hydrate_neo4j(code=code, message="No space left on device")  # noqa: SLF001 - no other way
    explained = neo4j_store._explain(error, "bolt://here", None)  # noqa: SLF001 - a server cannot be made to say all this
    assert type(explained) is kind
    assert words in f"{explained.message} {explained.hint}"


@pytest.mark.parametrize("agent", ["Neo4j/4.4.30", "Neo4j/5.25.1", "Memgraph", "Neo4j/v5.2.0 compatible - Memgraph"])
def test_older_server_is_refused_before_anything_is_written(agent: str) -> None:
    with pytest.raises(KbError) as caught:
        neo4j_store._require_version(agent, "bolt://here")  # noqa: SLF001 - no old server at hand
    assert agent in caught.value.message
    assert caught.value.hint == "Neo4j 5.26 or newer is needed."


@pytest.mark.parametrize("agent", ["Neo4j/5.26.0", "Neo4j/2026.09.0"])
def test_newer_server_is_welcome(agent: str) -> None:
    neo4j_store._require_version(agent, "bolt://here")  # noqa: SLF001 - as above


def test_database_comes_from_the_address_then_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    split = neo4j_store._split_address  # noqa: SLF001 - what it gives is sent to a server only
    assert split("bolt+s://host:7687/mine") == ("bolt+s://host:7687", "mine")
    monkeypatch.setenv("NEO4J_DATABASE", "events")
    assert split("neo4j+ssc://host") == ("neo4j+ssc://host", "events")
    assert split("bolt://host/mine")[1] == "mine"


def test_vectors_of_patterns_alike_point_the_same_way() -> None:
    def cosine(a: list[float] | None, b: list[float] | None) -> float:
        return sum(x * y for x, y in zip(a or [], b or [], strict=True))

    one = pattern_vector({"net/1": 1.0, "net/2": 0.5}, ["rock"])
    assert one is not None
    assert len(one) == VECTOR_DIMENSIONS == SCHEMA.vectors[0].dimensions
    assert cosine(one, one) == pytest.approx(1.0, abs=1e-4)
    assert cosine(one, pattern_vector({"net/1": 1.0, "net/2": 0.5}, ["rope"])) == pytest.approx(0.5, abs=0.2)
    assert cosine(one, pattern_vector({"net/9": 1.0}, ["rope"])) == pytest.approx(0.0, abs=0.25)
    assert pattern_vector({}, []) is None


def call(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["kb", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_damaged_store_is_made_anew_on_request_and_the_old_one_kept(bundle: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    call("load", str(bundle), "--to", str(store))
    file = store / "graph.kgl"
    damaged = file.read_bytes()[:2_000]
    file.write_bytes(damaged)
    with pytest.raises(KbError, match="damaged") as caught:
        call("load", str(bundle), "--to", str(store))
    assert "--rebuild" in (caught.value.hint or "")
    call("load", str(bundle), "--to", str(store), "--rebuild")
    assert (store / "graph.kgl.old-1").read_bytes() == damaged
    assert call("query", str(store), "MATCH (p:Pattern) RETURN count(p) AS n", "--csv") == "n\n3\n"


def test_load_takes_the_address_from_the_environment_and_prunes(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_URI", str(tmp_path / "store"))
    call("load", str(bundle))
    row: dict[str, Any] = json.loads(call("query", "@patterns-of", "--param", "event=Sport:Surfing", "--json"))
    assert row["displayName"] == "wet rock"
    assert call("load", "--prune", str(bundle)) == "beach: 32 nodes and 57 relationships are gone.\n"
    with open_store(str(tmp_path / "store")) as store:
        assert store.read("MATCH (n) WHERE n.scope = 'beach' RETURN count(n) AS n", {}, timeout_s=5).rows == ((0,),)
    call("load", str(bundle))
    assert json.loads(call("load", str(bundle), "--prune", "beach", "--json"))["nodesCreated"] == 32


def test_load_under_another_name_stands_beside_the_first(bundle: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    call("load", str(bundle), "--to", store)
    assert call("load", str(bundle), "--to", store, "--as", "earlier").startswith("earlier: ")
    answer = call("query", store, "MATCH (c:Corpus) RETURN c.id AS id, c.corpus AS corpus ORDER BY id", "--csv")
    assert answer == "id,corpus\nCorpus:beach,beach\nCorpus:earlier,earlier\n"
    assert call("load", "--to", store, "--prune", "earlier").startswith("earlier: ")


def test_prune_asks_which_of_two_copies_and_removes_nothing_of_another_run(bundle: Path, tmp_path: Path) -> None:
    store, other = str(tmp_path / "store"), tmp_path / "other"
    inputs = small_inputs()
    write_bundle(build_bundle(replace(inputs, run=replace(inputs.run, key="another"))), other)
    call("load", str(bundle), "--to", store)
    with pytest.raises(KbError, match="has nothing of this run of 'beach'"):
        call("load", "--to", store, "--prune", str(other))
    call("load", str(bundle), "--to", store, "--as", "aaa")
    for run in (str(bundle), inputs.run.key):
        with pytest.raises(KbError, match="as several corpora: aaa, beach"):
            call("load", "--to", store, "--prune", run)
    assert call("load", "--to", store, "--prune", str(bundle), "--as", "aaa").startswith("aaa: ")
    assert call("query", store, "MATCH (c:Corpus) RETURN c.corpus AS c", "--csv") == "c\nbeach\n"
    assert call("load", "--to", store, "--prune", str(bundle)).startswith("beach: ")


def test_name_of_a_copy_is_not_empty_and_not_taken(bundle: Path, tmp_path: Path) -> None:
    store, other = str(tmp_path / "store"), tmp_path / "other"
    inputs = small_inputs("hills")
    write_bundle(build_bundle(replace(inputs, run=replace(inputs.run, key="another"))), other)
    call("load", str(bundle), "--to", store)
    assert CliRunner().invoke(app, ["kb", "load", str(other), "--to", store, "--as", ""]).exit_code == 2
    with pytest.raises(KbError, match="has a corpus 'beach' already, of another run") as caught:
        call("load", str(other), "--to", store, "--as", "beach")
    assert "--prune beach" in (caught.value.hint or "")
    call("load", str(other), "--to", store, "--as", "copy")
    call("load", str(other), "--to", store, "--as", "copy")
    assert call("load", str(other), "--to", store, "--as", "beach", "--prune", "beach").startswith("beach: ")


@pytest.mark.parametrize(
    "state", [{"corpus": "beach"}, {"corpus": "beach", "stages": {"label": "b", "patterns": "a" * 64}}]
)
@pytest.mark.usefixtures("bundle")
def test_run_folder_of_which_only_the_bundle_is_left_loads(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, state: dict[str, object]
) -> None:
    (tmp_path / "run.json").write_text(json.dumps(state))
    call("load", str(tmp_path), "--to", str(tmp_path / "store"))
    assert call("query", str(tmp_path / "store"), "MATCH (p:Pattern) RETURN count(p) AS n", "--csv") == "n\n3\n"
    assert caplog.messages == []
    (tmp_path / "review").mkdir()
    (tmp_path / "review" / "decisions.jsonl").touch()
    call("load", str(tmp_path), "--to", str(tmp_path / "store"))
    assert [m for m in caplog.messages if "lacks its patterns" in m]


def test_interrupt_while_a_server_is_waited_for_ends_the_wait(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_gone(_store: object, _schema: object) -> None:
        raise StoreUnavailableError("Nothing answers.")

    pauses: list[float] = []
    main = threading.get_ident()

    def interrupt(pause_s: float) -> None:
        if not pauses:
            # as Ctrl-C does: a real signal, which wakes the main thread wherever it waits
            signal.pthread_kill(main, signal.SIGINT)
        pauses.append(pause_s)
        time.sleep(0.05)

    monkeypatch.setattr("kb.embedded_store.EmbeddedStore.index", be_gone)
    start = time.monotonic()
    with open_store(str(tmp_path / "store")) as store, pytest.raises(KeyboardInterrupt):
        load_bundle(bundle, store, patience=Patience(limit_s=240, sleep=interrupt))
    assert time.monotonic() - start < 120


def test_csv_has_lists_as_json_and_nothing_for_null(bundle: Path, tmp_path: Path) -> None:
    with open_store(str(tmp_path / "store")) as store:
        load_bundle(bundle, store)
    text = call("query", str(tmp_path / "store"), "@evidence-of", "--param", "pattern=Pcccccccccccc", "--csv")
    assert text.splitlines() == [
        "record,path,box,caption,words,score,source,licence,credit",
        's1,images/s1.jpg,"[10.0, 20.0, 110.0, 220.0]",a wet rock in the waves,rock,2.0,,CC0,',
        's2,images/s2.jpg,"[10.0, 20.0, 110.0, 220.0]",,,1.0,,CC0,',
    ]

"""Loads into a genuine server that is killed, runs out of memory or may not be written."""

from __future__ import annotations

import resource
import threading
from typing import TYPE_CHECKING

import pytest

from kb.loading.load import load_bundle, remove_corpus
from kb.loading.patience import Patience
from kb.loading.rows import Batch
from kb.store import StoreUnavailableError, open_store
from miner.errors import KbError
from tests.bench.kb_bundle import write_large_bundle
from tests.integration.neo4j_server import PASSWORD, OwnServer, own_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kb.bundle import Manifest
    from kb.store import GraphStore


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    """A server that these tests kill and start again; it has little memory for a transaction."""
    own = own_server("db.memory.transaction.max=2m")
    yield own
    own.remove()


@pytest.fixture
def store(server: OwnServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphStore]:
    monkeypatch.setenv("NEO4J_PASSWORD", PASSWORD)
    with open_store(server.uri) as opened:
        yield opened


@pytest.mark.slow
def test_load_outlives_a_killed_server_and_cuts_batches_that_are_too_large(
    server: OwnServer, store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = write_large_bundle(tmp_path, n_nodes=4_000, n_relationships=12_000)
    seen, cut = [0], []
    halves = Batch.halves

    def count_halves(batch: Batch) -> tuple[Batch, Batch]:
        cut.append(len(batch.rows))
        return halves(batch)

    monkeypatch.setattr(Batch, "halves", count_halves)
    starter = threading.Thread(target=server.start)

    def kill_once(n_rows: int) -> None:
        seen[0] += n_rows
        if seen[0] > 6_000 and starter.ident is None:
            server.kill()
            starter.start()

    load_bundle(tmp_path, store, kill_once)
    starter.join()
    assert seen == [manifest.n_rows]
    assert cut
    _require_whole(store, manifest)
    again = load_bundle(tmp_path, store)
    assert (again.changes.nodes_created, again.changes.relationships_created) == (0, 0)
    remove_corpus(store, "large")


def _require_whole(store: GraphStore, manifest: Manifest) -> None:
    """Count again what the loader has counted, without its stamps."""
    for label in ("Image", "Caption", "Evidence"):
        n_nodes = store.write(f"MATCH (n:{label}) RETURN count(n)", {}).rows[0][0]
        assert n_nodes == manifest.files[f"nodes/{label}.parquet"].rows
    for kind in ("MENTIONS", "HAS_ITEM", "HAS_EVIDENCE"):
        n_relationships = store.write(f"MATCH ()-[r:{kind}]->() RETURN count(r)", {}).rows[0][0]
        assert n_relationships == manifest.files[f"relationships/{kind}.parquet"].rows
    assert store.write("MATCH (l:EventminerLoad) RETURN count(l)", {}).rows == ((0,),)


@pytest.mark.slow
def test_load_gives_up_in_the_end_and_the_next_goes_on(server: OwnServer, store: GraphStore, tmp_path: Path) -> None:
    manifest = write_large_bundle(tmp_path, n_nodes=2_000, n_relationships=5_000)
    with pytest.raises(StoreUnavailableError, match=r"Nothing answers|refuses for the time being"):
        load_bundle(
            tmp_path, store, lambda n: server.stop() if n else None, patience=Patience(limit_s=1.0, pause_s=0.2)
        )
    server.start()
    seen: list[int] = []
    report = load_bundle(tmp_path, store, seen.append)
    assert 0 < report.changes.nodes_created < report.nodes, "the rows that are there already are not written again"
    assert sum(seen) == manifest.n_rows
    _require_whole(store, manifest)


@pytest.mark.slow
def test_load_into_a_full_disk_says_so_and_goes_on_once_there_is_room(
    server: OwnServer, store: GraphStore, tmp_path: Path
) -> None:
    manifest = write_large_bundle(tmp_path, n_nodes=4_000, n_relationships=12_000)

    def fill_up(n_rows: int) -> None:
        if n_rows and server.process is not None:
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4_096, resource.RLIM_INFINITY))

    with pytest.raises(KbError, match="failed") as caught:
        load_bundle(tmp_path, store, fill_up, patience=Patience(limit_s=5.0))
    assert "disk is full" in (caught.value.hint or "")
    server.kill()
    server.start()
    load_bundle(tmp_path, store)
    _require_whole(store, manifest)
    remove_corpus(store, "large")


@pytest.mark.slow
def test_database_that_may_not_be_written_is_a_known_error(
    server: OwnServer, store: GraphStore, tmp_path: Path
) -> None:
    server.stop()
    server.settings = ("server.databases.read_only=neo4j",)
    server.start()
    write_large_bundle(tmp_path, n_nodes=2_000, n_relationships=5_000)
    with pytest.raises(KbError, match="does not allow this user to write") as caught:
        load_bundle(tmp_path, store)
    assert "privileges" in (caught.value.hint or "")

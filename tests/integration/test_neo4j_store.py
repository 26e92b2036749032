"""What only a server can go wrong with."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import neo4j
import pytest

from kb import cypher
from kb.asking.query import run_query
from kb.loading.mark import take_mark
from kb.schema import SCHEMA
from kb.store import open_store
from miner.errors import KbError
from tests.integration.neo4j_server import Neo4jServer, require_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Neo4jServer:
    found = require_server()
    monkeypatch.delenv("NEO4J_PASSWORD", raising=False)
    if found.password:
        monkeypatch.setenv("NEO4J_PASSWORD", found.password)
    return found


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that nobody answers on."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@pytest.mark.parametrize("scheme", ["bolt", "neo4j"])
def test_unreachable_server_is_a_known_error(silent_port: int, scheme: str) -> None:
    with pytest.raises(KbError, match=f"Nothing answers at {scheme}://127.0.0.1:{silent_port}") as caught:
        open_store(f"{scheme}://127.0.0.1:{silent_port}")
    assert "Neo4j runs" in (caught.value.hint or "")


def test_unknown_host_is_a_known_error() -> None:
    with pytest.raises(KbError, match="no-such-host"):
        open_store("bolt://no-such-host.invalid:7687")


def test_address_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(KbError) as caught:
        open_store("bolt://neo4j:opensesame@localhost:7687")
    assert "opensesame" not in f"{caught.value.message}{caught.value.hint}"
    assert "NEO4J_PASSWORD" in (caught.value.hint or "")


def test_wrong_password_is_a_known_error(server: Neo4jServer, monkeypatch: pytest.MonkeyPatch) -> None:
    if server.password is None:
        pytest.skip("NOT TESTED: the server at NEO4J_TEST_URI asks for no password")
    monkeypatch.setenv("NEO4J_PASSWORD", "wrong")
    with pytest.raises(KbError, match="refuses the user or password") as caught:
        open_store(server.uri)
    assert "NEO4J_PASSWORD" in (caught.value.hint or "")
    assert "wrong" not in caught.value.message


def test_missing_password_is_a_known_error(server: Neo4jServer, monkeypatch: pytest.MonkeyPatch) -> None:
    if server.password is None:
        pytest.skip("NOT TESTED: the server at NEO4J_TEST_URI asks for no password")
    monkeypatch.delenv("NEO4J_PASSWORD")
    with pytest.raises(KbError, match="refuses the user or password"):
        open_store(server.uri)


def test_path_of_the_address_names_the_database(server: Neo4jServer) -> None:
    with open_store(f"{server.uri}/neo4j") as store:
        assert run_query(store, "RETURN 1 AS one").rows == ((1,),)
        assert store.uri == f"{server.uri}/neo4j"
    with open_store(f"{server.uri}/nothere") as store, pytest.raises(KbError, match="nothere"):
        run_query(store, "RETURN 1 AS one")


def test_routing_address_works(server: Neo4jServer) -> None:
    with open_store(server.uri.replace("bolt://", "neo4j://")) as store:
        assert run_query(store, "RETURN 1 AS one").rows == ((1,),)


@pytest.mark.parametrize("taken_over", [False, True])
def test_batch_sent_again_waits_for_its_first_copy_and_writes_nothing(server: Neo4jServer, *, taken_over: bool) -> None:
    (kind,) = (r for r in SCHEMA.relationships if r.type == "IN_CORPUS")
    statement = cypher.write_relationships(kind, ("Image", "Corpus"), fresh=True)
    auth = ("neo4j", server.password) if server.password else None
    with (
        open_store(server.uri) as store,
        neo4j.GraphDatabase.driver(server.uri, auth=auth) as driver,
        driver.session() as session,
        ThreadPoolExecutor(1) as pool,
    ):
        store.write("MATCH (n) DETACH DELETE n", {})
        store.write("CREATE (:Image {id: 'Image:beach/a'}) CREATE (:Corpus {id: 'Corpus:beach'})", {})
        mark = take_mark(store, "beach", "digest", batch_rows=5)
        rows = [["Image:beach/a", [["Corpus:beach"]]]]
        stamp = {"scope": "beach", "bundle": "digest"}
        params = {"rows": rows, "mark": mark.id(0), "token": mark.token, "position": 1, **stamp}
        first = session.begin_transaction()
        assert first.run(statement, params).single(strict=True).value() == 1
        if taken_over:
            second = pool.submit(lambda: take_mark(store, "beach", "digest", batch_rows=5).starts[0])
        else:
            second = pool.submit(lambda: store.write(statement, params).rows[0][0])
        assert not wait([second], timeout=0.5).done
        first.commit()
        assert second.result(timeout=30) == (1 if taken_over else 0)
        assert store.write("MATCH (:Image)-[r:IN_CORPUS]->() RETURN count(r)", {}).rows == ((1,),)
        store.write("MATCH (n) DETACH DELETE n", {})

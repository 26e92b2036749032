"""What the tests of graph stores share: an empty store of each kind, loading, asking, and all that is in a store."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from kb.asking.query import run_query
from kb.bundle import build_bundle, write_bundle
from kb.loading.load import load_bundle
from kb.store import open_store
from tests.integration.neo4j_server import require_server
from tests.kb_run import small_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kb.bundle import BundleInputs
    from kb.store import GraphStore

KINDS = ("embedded", "neo4j")
EVERYTHING = (
    "MATCH (n) OPTIONAL MATCH (n)-[r]->(m) RETURN labels(n) AS labels, properties(n) AS node, type(r) AS kind, "
    "properties(r) AS relationship, m.id AS target"
)


@contextmanager
def empty_store(kind: str, folder: Path) -> Iterator[GraphStore]:
    """Open an empty store of a kind; skip the test where there can be none."""
    uri, secrets = str(folder / "kb"), {}
    if kind == "neo4j":
        server = require_server()
        uri, secrets = server.uri, {"NEO4J_PASSWORD": server.password} if server.password else {}
    with mock.patch.dict(os.environ, secrets), open_store(uri) as store:
        store.write("MATCH (n) DETACH DELETE n", {})
        yield store


def load(store: GraphStore, folder: Path, inputs: BundleInputs | None = None) -> Path:
    write_bundle(build_bundle(inputs or small_inputs()), folder)
    load_bundle(folder, store)
    return folder


def ask(store: GraphStore, query: str, **params: object) -> list[dict[str, Any]]:
    return run_query(store, query, params).records()


def content(store: GraphStore) -> list[str]:
    """Return everything in a store, in a comparable form."""
    rows = store.read(EVERYTHING, {}, timeout_s=30).records()
    return sorted(json.dumps(row | {"labels": sorted(row["labels"])}, sort_keys=True) for row in rows)

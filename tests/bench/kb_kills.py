"""Twenty loads that are killed half-way, each compared with one that was not: `python -m tests.bench.kb_kills [--kills N]`.

In three rounds of four `kill -9` hits the loader, which is then started again; in the fourth it hits the server, which is
started again while the loader waits. Every round begins with an empty database.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kb.store import StoreUnavailableError, open_store
from miner.store.fingerprint import digest_json
from tests.bench.kb_bundle import write_large_bundle
from tests.graph_stores import content
from tests.integration.neo4j_server import PASSWORD, own_server

if TYPE_CHECKING:
    from kb.store import GraphStore
    from tests.integration.neo4j_server import OwnServer

LOADER = """
import sys
from pathlib import Path
import kb.loading.load
from kb.store import open_store
kb.loading.load.BATCH_ROWS = 200
with open_store(sys.argv[1]) as store:
    kb.loading.load.load_bundle(Path(sys.argv[2]), store)
"""


def start_loader(uri: str, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", LOADER, uri, str(folder)])


def wait_until(store: GraphStore, position: int, loader: subprocess.Popen[bytes]) -> None:
    """Wait until a load has written so many rows, or has ended."""
    while loader.poll() is None:
        rows = store.write("MATCH (l:EventminerLoad) RETURN l.position AS position", {}).rows
        if rows and rows[0][0] >= position:
            return
        time.sleep(0.02)


def disturb(server: OwnServer, store: GraphStore, folder: Path, position: int, *, whole_server: bool) -> None:
    """Kill one side at some position, and see the load to its end."""
    loader = start_loader(server.uri, folder)
    wait_until(store, position, loader)
    if whole_server:
        server.kill()
        server.start()
    else:
        loader.kill()
        loader.wait()
        loader = start_loader(server.uri, folder)
    if loader.wait() != 0:
        raise SystemExit("the load that should have gone on has failed")


def read_digest(store: GraphStore) -> str:
    """Return a hash of all that is in the store, once it answers again."""
    while True:
        try:
            return digest_json(content(store))
        except StoreUnavailableError:
            time.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    args = parser.parse_args()
    rng = random.Random(1)  # noqa: S311 - no secret
    os.environ["NEO4J_PASSWORD"] = PASSWORD
    server = own_server()
    with tempfile.TemporaryDirectory() as temporary, open_store(server.uri) as store:
        folder = Path(temporary)
        n_rows = write_large_bundle(folder, n_nodes=2_000, n_relationships=6_000).n_rows
        if start_loader(server.uri, folder).wait():
            raise SystemExit("the undisturbed load has failed")
        whole = read_digest(store)
        for i in range(args.kills):
            store.write("MATCH (n) DETACH DELETE n", {})
            position = rng.randrange(n_rows)
            disturb(server, store, folder, position, whole_server=i % 4 == 3)
            same = read_digest(store) == whole
            victim = "server" if i % 4 == 3 else "loader"
            said = f"{i + 1:>3} {victim} killed at row {position:,} of {n_rows:,}: {'same' if same else 'DIFFERENT'}"
            print(said, flush=True)  # noqa: T201 - a command
            if not same:
                raise SystemExit(1)


if __name__ == "__main__":
    main()

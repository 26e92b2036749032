"""How fast a knowledge base is filled and asked: `python -m tests.bench.kb [--nodes N] [--relationships N]`.

Fills both stores from an invented bundle, a throw-away Neo4j by other ways as well, and asks every named question. Times are
wall time and processor seconds of the client and of the server (or of the embedded store's process).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import neo4j

from kb.asking.library import named_queries
from kb.asking.query import run_query
from kb.bundle import verify_bundle
from kb.embedded_store import EmbeddedStore
from kb.loading.load import load_bundle
from kb.store import open_store
from tests.bench.kb_bundle import write_large_bundle
from tests.bench.kb_rivals import fetch_apoc, load_in_bulk, load_row_by_row, load_with_graphrag
from tests.integration.neo4j_server import PASSWORD, own_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from kb.store import GraphStore
    from tests.integration.neo4j_server import OwnServer

REPEATS = 40
PARAMETERS: dict[str, dict[str, Any]] = {
    "first": {"eventType": "Event.Type{:02d}", "run": "large"},
    "second": {"eventType": "Event.Type{:02d}", "run": "run"},
    "eventType": {"eventType": "Event.Type{:02d}"},
    "pattern": {"pattern": "P{:012x}"},
    "record": {"record": "picture_{:06d}.jpg"},
    "role": {"role": "Place"},
    "mention": {"mention": "M{:06d}"},
}
N_MENTIONS = 10_000
WORDS = ("baba", "dede fifi", "gogo", "kuku lala mimi", "nono")


@dataclass(frozen=True)
class Cost:
    """What something took, seconds."""

    wall_s: float
    client_s: float
    server_s: float

    def show(self, label: str, n_rows: int) -> str:
        return (
            f"{label:<38} {n_rows:>10,} rows {self.wall_s:8.1f} s {n_rows / self.wall_s:>9,.0f} rows/s; processor "
            f"{self.client_s:6.1f} s client, {self.server_s:6.1f} s server"
        )


def measure(work: Callable[[], object], server: OwnServer | None = None) -> Cost:
    wall, client, there = time.perf_counter(), _client_s(), _server_s(server)
    work()
    return Cost(time.perf_counter() - wall, _client_s() - client, _server_s(server) - there)


def _client_s() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _server_s(server: OwnServer | None) -> float:
    return 0.0 if server is None else _process_s(server.process)


def _process_s(process: subprocess.Popen[Any] | None) -> float:
    """Return the processor seconds of a running process and its threads."""
    if process is None:
        return 0.0
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


CHILD = """
import json, re, sys
from pathlib import Path
from kb.loading.load import load_bundle
from kb.store import open_store
def peak_kb():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
with open_store(sys.argv[1]) as store:
    store.write("RETURN 1 AS one", {})
    before = peak_kb()
    load_bundle(Path(sys.argv[2]), store)
print(json.dumps([before, peak_kb()]))
"""


def load_in_child(uri: str, folder: Path) -> tuple[float, float]:
    """Load in a process of its own; return its memory in MB once connected, and at most."""
    command = [sys.executable, "-c", CHILD, uri, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    before, most = json.loads(done.stdout)
    return before / 1024, most / 1024


def wipe(uri: str) -> None:
    """Empty the database, of constraints and indexes as well."""
    with _driver(uri) as driver, driver.session(database="neo4j") as session:
        session.run("MATCH ()-[r]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 20000 ROWS").consume()
        session.run("MATCH (n) CALL (n) { DELETE n } IN TRANSACTIONS OF 20000 ROWS").consume()
        # What one way leaves behind must not slow the next one down.
        for row in list(session.run("SHOW CONSTRAINTS YIELD name")):
            session.run(f"DROP CONSTRAINT `{row['name']}`").consume()
        for row in list(session.run("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP'")):
            session.run(f"DROP INDEX `{row['name']}`").consume()


def _driver(uri: str) -> neo4j.Driver:
    return neo4j.GraphDatabase.driver(uri, auth=("neo4j", PASSWORD))


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command


def measure_loads(server: OwnServer, bundles: dict[str, Path], sample: int) -> None:
    """Fill the server by every way: first with a small bundle, so that no way pays for the compilers of the server."""
    os.environ["NEO4J_PASSWORD"] = PASSWORD
    for size in ("tiny", "small"):
        folder, n_rows = bundles[size], verify_bundle(bundles[size]).n_rows
        with _driver(server.uri) as driver:
            cost = measure(partial(load_with_graphrag, driver, folder), server)
            say(cost.show(f"neo4j-graphrag's writer, {size}", n_rows))
        wipe(server.uri)
        with open_store(server.uri) as store:
            say(measure(partial(load_bundle, folder, store), server).show(f"ours, {size}", n_rows))
        wipe(server.uri)
    large, n_large = bundles["large"], verify_bundle(bundles["large"]).n_rows
    with _driver(server.uri) as driver:
        n_rows = 3 * sample
        say(
            measure(lambda: load_row_by_row(driver, bundles["small"], sample), server).show("one MERGE per row", n_rows)
        )
    wipe(server.uri)
    say(measure(lambda: load_in_bulk(large)).show("export and genuine importer", n_large))
    memory: list[tuple[float, float]] = []
    cost = measure(lambda: memory.append(load_in_child(server.uri, large)), server)
    say(cost.show("ours, all rows", n_large))
    say(f"memory of the loader: {memory[0][0]:.0f} MB once connected, {memory[0][1]:.0f} MB at most")


ADD_MENTIONS = """
UNWIND $rows AS row
MATCH (e:EventType {eventType: row.eventType})
CREATE (m:Mention {id: row.id, eventType: row.eventType, score: row.score, trigger: 'struck', sentence: row.id})
CREATE (a:Argument {id: row.id + '.0', text: 'a house'})
CREATE (b:Argument {id: row.id + '.1', text: 'a street'})
CREATE (m)-[:OF_TYPE]->(e)
CREATE (m)-[:HAS_ARGUMENT {role: 'Target', score: 0.9}]->(a)
CREATE (m)-[:HAS_ARGUMENT {role: 'Place', score: 0.6}]->(b)
"""
JOIN_MENTIONS = """
UNWIND $rows AS row
MATCH (m:Mention {id: row.id})
MATCH (n:Mention {id: row.other})
CREATE (m)-[:SAME_AS {score: row.score, reasons: ['same day']}]->(n)
"""


def add_mentions(store: GraphStore) -> None:
    """Write what `extract --to` and `kb coref` would: mentions of every event type, two arguments each, every other one joined."""
    n = N_MENTIONS
    rows = [{"id": f"M{i:06d}", "eventType": f"Event.Type{i % 40:02d}", "score": i / n} for i in range(n)]
    # the next of the same event type
    joined = [{**row, "other": f"M{i + 40:06d}"} for i, row in enumerate(rows[:-40]) if i // 40 % 2 == 0]
    for statement, all_rows in ((ADD_MENTIONS, rows), (JOIN_MENTIONS, joined)):
        for first in range(0, len(all_rows), 1000):
            store.write(statement, {"rows": all_rows[first : first + 1000]})


def measure_queries(store: GraphStore, processor_s: Callable[[], float]) -> None:
    """Ask every question with many parameters."""
    add_mentions(store)
    for query in named_queries():
        times, before = [], processor_s()
        for i in range(REPEATS + 5):
            params = {p.name: _value(p.name, p.kind, i) for p in query.parameters if p.default is None}
            started = time.perf_counter()
            rows = run_query(store, f"@{query.name}", params).rows
            times.append(1000 * (time.perf_counter() - started))
        processor_ms = 1000 * (processor_s() - before) / len(times)
        times = sorted(times[5:])
        p50, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
        say(
            f"  @{query.name:<26} p50 {p50:7.1f} ms  p95 {p95:7.1f} ms; processor {processor_ms:6.1f} ms, {len(rows)} rows"
        )


def _value(name: str, kind: str, i: int) -> str:
    if kind == "text":
        return WORDS[i % len(WORDS)]
    template = str(PARAMETERS[name][kind])
    # The record of the pattern's first piece of evidence would be looked up; any record will do for the time it takes.
    return template.format((i + (name == "second")) % 40)


def _load_and_close(folder: Path, store: GraphStore) -> None:
    """Load, and wait for the process of an embedded store, so that its time is counted."""
    load_bundle(folder, store)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--relationships", type=int, default=1_000_000)
    parser.add_argument("--share", type=float, default=0.15, help="part of these numbers for the slow ways to load")
    parser.add_argument("--sample", type=int, default=500, help="rows of each of three kinds for one MERGE per row")
    parser.add_argument("--store", choices=("embedded", "neo4j"), action="append", help="only this one")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        bundles = {}
        for size, share in (("large", 1.0), ("small", args.share), ("tiny", args.share / 8)):
            numbers = {"n_nodes": int(args.nodes * share), "n_relationships": int(args.relationships * share)}
            bundles[size] = Path(temporary, size)
            write_large_bundle(bundles[size], **numbers)
        n_large = args.nodes + args.relationships
        stores = args.store or ["embedded", "neo4j"]
        if "embedded" in stores:
            say("embedded")
            with open_store(f"{temporary}/kb") as store:
                say(measure(partial(_load_and_close, bundles["large"], store)).show("ours, all rows", n_large))
            with EmbeddedStore(f"{temporary}/kb") as store:
                measure_queries(store, lambda: time.process_time() + _process_s(store._process))  # noqa: SLF001 - its time
        if "neo4j" in stores:
            plugins = fetch_apoc()
            settings = (f"server.directories.plugins={plugins}", "dbms.security.procedures.unrestricted=apoc.*")
            server = own_server(*settings, quick_start=False, plugins=plugins)
            say("Neo4j")
            measure_loads(server, bundles, args.sample)
            with open_store(server.uri) as store:
                measure_queries(store, lambda: time.process_time() + _server_s(server))


if __name__ == "__main__":
    main()

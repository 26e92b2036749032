"""The mining engine beside what pip can install: `python -m tests.bench.mining [--votes 1e5] [--support 0.01] [--peers ...]`.

Every engine runs in a process of its own on the same transactions, already in memory, and must find the same rules. CPU
seconds go from there to arrays (or lists) of rules, all threads included; compiling is done before and shown apart. Needs
the generator at `../shared/bench/transactions.py`. Peers: `mlxtend`, `pyfim` (pip install pyfim).
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from miner.config import MineConfig
from miner.rules.association import associate
from miner.rules.layout import build_layout, class_sizes
from miner.rules.search import BitmapMiner, bounds_of, search
from miner.rules.thresholds import Thresholds
from miner.rules.transactions import Transactions
from miner.rules.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from miner.rules.projection import Words

GENERATOR = Path("../shared/bench/transactions.py")
Rule = tuple[int, tuple[int, ...], int, int]


def generate(n_votes: int, path: Path) -> None:
    data, _ = runpy.run_path(str(GENERATOR))["make"](n_votes)
    np.savez(path, **data)


def load(path: Path) -> Transactions:
    data = np.load(path)
    n_visual, indptr, indices = int(data["V"]), data["indptr"], data["indices"]
    visual = indices < n_visual
    visual_indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(visual)])[indptr]
    return Transactions(
        visual_indptr,
        indices[visual].astype(np.int32),
        indptr - visual_indptr,
        (indices[~visual] - n_visual).astype(np.int32),
        data["y"].astype(np.int32),
        np.arange(len(data["y"])),
        tuple(f"Type.{label}" for label in range(int(data["K"]))),
        n_visual,
        int(data["T"]),
    )


def thresholds(support: float) -> Thresholds:
    return Thresholds(min_support=support, min_confidence=0.8, max_len=6)


def ours(transactions: Transactions, support: float, threads: int) -> Iterator[Rule]:
    rules = BitmapMiner().mine(transactions, thresholds(support), threads=threads)
    for items, label, both, count in zip(
        rules.antecedents.tolist(),
        rules.labels.tolist(),
        rules.class_counts.tolist(),
        rules.counts.tolist(),
        strict=True,
    ):
        yield label, tuple(item for item in items if item >= 0), both, count


def significance(transactions: Transactions, support: float, threads: int) -> Iterator[Rule]:
    """Our three tests alone, on rules found before the clock starts; yields what they prove."""
    config = MineConfig(min_support=support, min_support_count=1, min_confidence=0.8, min_lift=0.0, max_len=6)
    limits, sizes = Thresholds.of(config), class_sizes(transactions)
    bounds = bounds_of(limits, sizes)
    layout = build_layout(transactions, bounds.still_class[:, 2])
    rules = search(layout, bounds, threads=threads, max_rules=10**8, n_visual=transactions.n_visual)
    yield -1, (), 0, 0
    association = associate(transactions, sizes, limits, alpha=config.family_wise, threads=threads)
    verdict = judge(rules, layout, bounds, association.log_levels, config)
    proven = rules.take(np.flatnonzero(verdict.proven))
    yield from ((int(label), (), 0, 0) for label in proven.labels)


def item_rows(transactions: Transactions) -> list[list[int]]:
    """Give each vote as a list, text items after visual ones."""
    visual = np.split(transactions.visual_indices, transactions.visual_indptr[1:-1])
    text = np.split(transactions.text_indices + transactions.n_visual, transactions.text_indptr[1:-1])
    return [[*seen.tolist(), *said.tolist()] for seen, said in zip(visual, text, strict=True)]


def pyfim(transactions: Transactions, support: float, threads: int) -> Iterator[Rule]:
    """Mine each event type with pyfim's eclat, keep multimodal itemsets, count the other types by packed columns."""
    fim = importlib.import_module("fim")

    del threads
    rows, labels = item_rows(transactions), transactions.labels
    yield -1, (), 0, 0
    limits, sizes = thresholds(support), class_sizes(transactions)
    least_count = limits.least_count(len(rows))
    columns = packed_columns(rows, transactions.n_visual + transactions.n_text)
    for label, least in enumerate(limits.least_class_counts(sizes)):
        own = [rows[row] for row in np.flatnonzero(labels == label)]
        for items, both in fim.eclat(own, target="s", supp=-float(least), zmin=2, zmax=6, report="a"):
            if min(items) < transactions.n_visual <= max(items):
                count = int(np.bitwise_count(np.bitwise_and.reduce(columns[list(items)], axis=0)).sum())
                if count >= least_count and both / count >= limits.min_confidence:
                    yield label, tuple(sorted(items)), both, count


def packed_columns(rows: list[list[int]], n_items: int) -> Words:
    holds = np.zeros((n_items, -(-len(rows) // 64) * 64), np.bool_)
    for row, items in enumerate(rows):
        holds[items, row] = True
    return np.packbits(holds, axis=1).view(np.uint64)


def mlxtend(transactions: Transactions, support: float, threads: int) -> Iterator[Rule]:
    """Mine all itemsets of items and types with FP-growth on a sparse table, then look the antecedents up."""
    pandas, peer = importlib.import_module("pandas"), importlib.import_module("mlxtend.frequent_patterns")

    del threads
    rows = item_rows(transactions)
    n_items = transactions.n_visual + transactions.n_text
    entries = [(row, item) for row, items in enumerate(rows) for item in items]
    entries += [(row, n_items + int(label)) for row, label in enumerate(transactions.labels)]
    where = np.array(entries).T
    shape = (len(rows), n_items + len(transactions.event_types))
    table = pandas.DataFrame.sparse.from_spmatrix(
        scipy.sparse.csr_array((np.ones(len(entries), np.bool_), where), shape=shape)
    )
    yield -1, (), 0, 0
    limits = thresholds(support)
    least = int(limits.least_class_counts(class_sizes(transactions)).min())
    frequent = peer.fpgrowth(table, min_support=(least - 0.5) / len(rows), max_len=7)
    counts = {
        items: round(share * len(rows)) for share, items in zip(frequent["support"], frequent["itemsets"], strict=True)
    }
    for items, both in counts.items():
        types = [item for item in items if item >= n_items]
        left = items - set(types)
        if len(types) == 1 and left and min(left) < transactions.n_visual <= max(left):
            count = counts[left]
            if count >= limits.least_count(len(rows)) and both / count >= limits.min_confidence:
                yield types[0] - n_items, tuple(sorted(left)), both, count


ENGINES: dict[str, Callable[[Transactions, float, int], Iterator[Rule]]] = {
    "ours": ours,
    "significance": significance,
    "pyfim": pyfim,
    "mlxtend": mlxtend,
}
PREPARES = {"significance", "pyfim", "mlxtend"}


def reset_peak_mb() -> float:
    """Forget the highest memory use so far (Linux); give what is in use now."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_mb()


def peak_mb() -> float:
    """Highest resident memory since the last reset."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def measure(name: str, path: Path, support: float, threads: int) -> dict[str, Any]:
    """Run one engine here; a peer's own data structure is built before the clock starts."""
    transactions = load(path)
    compile_s = 0.0
    if name in {"ours", "significance"}:
        start = time.process_time()
        list(ENGINES[name](transactions.select(np.arange(1_000)), 0.05, threads))
        compile_s = time.process_time() - start
    engine = ENGINES[name](transactions, support, threads)
    if name in PREPARES:
        next(engine)
    before = reset_peak_mb()
    cpu, wall = time.process_time(), time.perf_counter()
    if name == "ours":
        BitmapMiner().mine(transactions, thresholds(support), threads=threads)
        found: list[Rule] = []
    else:
        found = sorted(engine)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    memory = peak_mb() - before
    found = found or sorted(engine)
    plain = [(int(label), [int(item) for item in items], int(both), int(count)) for label, items, both, count in found]
    return {
        "cpu": cpu,
        "wall": wall,
        "compile": compile_s,
        "memory": memory,
        "rules": len(found),
        "digest": hashlib.blake2b(repr(plain).encode(), digest_size=8).hexdigest(),
    }


def run_apart(name: str, path: Path, support: float, threads: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.mining", "--one", name, "--data", str(path)]
    command += ["--support", str(support), "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def compare(options: argparse.Namespace, path: Path) -> int:
    reference: dict[str, Any] | None = None
    for name in ["ours", *options.peers]:
        repeats = options.repeats if name in {"ours", "significance"} else 1
        runs = [run_apart(name, path, options.support, options.threads) for _ in range(repeats)]
        cpu, wall = (statistics.median(run[key] for run in runs) for key in ("cpu", "wall"))
        reference = reference or {**runs[0], "cpu": cpu}
        same = "" if name == "significance" or runs[0]["digest"] == reference["digest"] else "  OTHER RULES"
        print(  # noqa: T201 - a command
            f"{name:>12}: {runs[0]['rules']:>8,} rules {cpu:9.3f} CPU s {wall:9.3f} s wall "
            f"{runs[0]['memory']:7.0f} MB more {cpu / reference['cpu']:8.1f} x ours"
            f"  (compiling {runs[0]['compile']:.1f} CPU s){same}",
            flush=True,
        )
        if same:
            return 1
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--votes", type=float, default=1e5)
    parser.add_argument("--support", type=float, default=0.01)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", nargs="*", default=["significance", "pyfim"], choices=sorted(ENGINES))
    parser.add_argument("--one", choices=sorted(ENGINES), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.data, options.support, options.threads)))  # noqa: T201
        return 0
    if not GENERATOR.exists():
        print(f"the generator {GENERATOR} is not here", file=sys.stderr)  # noqa: T201
        return 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "transactions.npz"
        generate(int(options.votes), path)
        return compare(options, path)


if __name__ == "__main__":
    raise SystemExit(main())

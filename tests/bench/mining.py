"""The mining engine beside what pip can install: `python -m tests.bench.mining [--work 1e5-1 ...] [--peers ...]`.

Every engine runs in a process of its own on the same transactions, already in memory, and must find the same rules. CPU
seconds go from there to arrays (or lists) of rules: projection, all threads and all child processes included, our tests of
significance apart. Compiling is done before and shown. Figures are medians of five runs, of fewer where five would take
over a minute; `x ours` compares runs made side by side here. An engine that needs more than `--limit` seconds is stopped.

Works: `1e5-1` (100,000 votes, s_min 1 %), `1e5-0.1`, `1e6-0.1`, all with c_min 0.8 and at most 6 items, from the generator at
`../shared/bench/transactions.py`; `mushroom` (every rule to one of its two classes, from `../shared/data/fim`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from miner.rules.search import BitmapMiner
from miner.rules.thresholds import Thresholds
from miner.rules.transactions import Transactions
from tests.bench.mining_peers import ENGINES, OURS, READY, Work, cpu_seconds, missing

GENERATOR = Path("../shared/bench/transactions.py")
MUSHROOM = Path("../shared/data/fim/mushroom.dat")
REPEATS, ENOUGH_S = 5, 60.0


@dataclass(frozen=True)
class Task:
    """One line of the comparison: data, thresholds and who takes part."""

    n_votes: int
    support: float
    confidence: float
    max_len: int
    peers: tuple[str, ...]


TASKS = {
    "1e5-1": Task(
        100_000, 0.01, 0.8, 6,
        ("significance", "pyfim", "pyfim-rules", "duckdb", "spmf", "mlxtend", "efficient-apriori"),
    ),
    "1e5-0.1": Task(100_000, 0.001, 0.8, 6, ("significance", "pyfim", "pyfim-rules")),
    "1e6-0.1": Task(1_000_000, 0.001, 0.8, 6, ("significance", "pyfim")),
    "mushroom": Task(0, 0.1, 0.8, 22, ("pyfim-rules", "pyfim", "mlxtend", "duckdb", "spmf", "efficient-apriori")),
}  # fmt: skip


def make_data(task: Task, path: Path) -> None:
    """Write the transactions of a task."""
    if task.n_votes:
        data, _ = runpy.run_path(str(GENERATOR))["make"](task.n_votes)
        np.savez(path, **data)
        return
    rows = [[int(item) for item in line.split()] for line in MUSHROOM.read_text().splitlines()]
    # one kind of items only: an item that every row has stands for the other kind
    items = [[0, *(item for item in row if item > 2)] for row in rows]
    indptr = np.cumsum([0, *(len(row) for row in items)])
    labels = np.array([row[0] - 1 for row in rows], np.int8)
    np.savez(path, indptr=indptr, indices=np.concatenate(items), y=labels, V=1, T=max(map(max, items)), K=2)


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


def work_of(task: Task, path: Path, threads: int) -> Work:
    one_kind = not task.n_votes
    limits = Thresholds(min_support=task.support, min_confidence=task.confidence, max_len=task.max_len + one_kind)
    return Work(load(path), limits, threads, one_kind)


def reset_peak_mb() -> float:
    """Forget the highest memory use so far (Linux); give what is in use now."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_mb()


def peak_mb() -> float:
    """Highest resident memory since the last reset."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def measure(name: str, work: Work) -> dict[str, Any]:
    """Run one engine here; a peer's own data structure is built before the clock starts."""
    compile_s = 0.0
    if name in OURS:
        start = time.process_time()
        small = Thresholds(min_support=0.05, min_confidence=0.8, max_len=3)
        list(ENGINES[name](Work(work.transactions.select(np.arange(1_000)), small, work.threads)))
        compile_s = time.process_time() - start
    engine = ENGINES[name](work)
    next(engine)
    before = reset_peak_mb()
    cpu, wall = cpu_seconds(), time.perf_counter()
    if name == "ours":
        BitmapMiner().mine(work.transactions, work.thresholds, threads=work.threads)
        found = None
    else:
        found = list(engine)
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    memory = peak_mb() - before
    rules = sorted(rule for rule in (engine if found is None else found) if rule != READY)
    plain = [(int(label), [int(item) for item in items], int(both), int(count)) for label, items, both, count in rules]
    digest = hashlib.blake2b(repr(plain).encode(), digest_size=8).hexdigest()
    return {
        "cpu": cpu, "wall": wall, "compile": compile_s, "memory": memory, "rules": len(rules), "digest": digest,
    }  # fmt: skip


def run_apart(name: str, options: argparse.Namespace, task_name: str, path: Path) -> list[dict[str, Any]]:
    """Give the runs of one engine; none if it was stopped."""
    command = [sys.executable, "-m", "tests.bench.mining", "--one", name, "--data", str(path)]
    command += ["--work", task_name, "--threads", str(options.threads)]
    runs: list[dict[str, Any]] = []
    began = time.perf_counter()
    while len(runs) < REPEATS and (not runs or time.perf_counter() - began < ENOUGH_S):
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=options.limit)
        except subprocess.TimeoutExpired:
            return runs
        runs.append(json.loads(done.stdout))
    return runs


def compare(task_name: str, options: argparse.Namespace) -> bool:
    """Run all engines of one task; say whether all found the same rules."""
    task = TASKS[task_name]
    print(f"{task_name}: s_min {task.support:g}, c_min {task.confidence:g}, at most {task.max_len} items", flush=True)  # noqa: T201
    first: dict[str, Any] = {}
    same = True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "transactions.npz"
        make_data(task, path)
        for name in ["ours", *(options.peers if options.peers is not None else task.peers)]:
            if lacking := missing(name):
                print(f"{name:>18}: not run, needs {lacking}")  # noqa: T201
                continue
            runs = run_apart(name, options, task_name, path)
            if not runs:
                print(f"{name:>18}: stopped after {options.limit:g} s")  # noqa: T201
                continue
            middle = {key: statistics.median(run[key] for run in runs) for key in ("cpu", "wall", "memory", "compile")}
            first = first or {**runs[0], **middle}
            agrees = name == "significance" or runs[0]["digest"] == first["digest"]
            same &= agrees
            print(line_of(name, runs, middle, first["cpu"]), "" if agrees else "OTHER RULES", flush=True)  # noqa: T201
    return same


def line_of(name: str, runs: list[dict[str, Any]], middle: dict[str, float], ours: float) -> str:
    compiled = f"  compiling {middle['compile']:.1f} CPU s" if name in OURS else ""
    return (
        f"{name:>18}: {runs[0]['rules']:>9,} rules {middle['cpu']:9.3f} CPU s {middle['wall']:9.3f} s wall "
        f"{middle['memory']:7.0f} MB more {middle['cpu'] / ours:9.1f} x ours  median of {len(runs)}{compiled}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=float, default=600.0, help="seconds after which an engine is stopped")
    parser.add_argument("--peers", nargs="*", choices=sorted(set(ENGINES) - {"ours"}), help="instead of the usual ones")
    parser.add_argument("--one", choices=sorted(ENGINES), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        work = work_of(TASKS[options.work[0]], options.data, options.threads)
        print(json.dumps(measure(options.one, work)))  # noqa: T201 - read by the command that started this one
        return 0
    needed = {"mushroom": MUSHROOM}
    for name in options.work:
        if not needed.get(name, GENERATOR).exists():
            print(f"{name} needs {needed.get(name, GENERATOR)}, which is not here", file=sys.stderr)  # noqa: T201
            return 1
    return 0 if min([compare(name, options) for name in options.work]) else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""How the search grows: `python -m tests.bench.mining_scale [--data FOLDER] [--votes 1e5 1e6 1e7] [--repeats 5]`.

Votes come from the generator at `../shared/bench/transactions.py` and are written once as folders of `.npy` shards (ten
million take ten minutes and 700 MB; `--data` keeps them for the next time). Every run is a process of its own that opens the
shards, searches (s_min 0.3 %, c_min 0.8, at most 6 items) and prints CPU seconds of all threads and peak resident memory, the
checks and the reading of the shards included, compiling excluded. Then:

- the exponent of CPU seconds over votes, fitted to the least of the repeated runs of each size;
- one thread beside two at a million votes in memory and s_min 0.1 %, in turn, the best wall time of each.
"""

from __future__ import annotations

import argparse
import json
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from miner.rules.search import BitmapMiner
from miner.rules.shards import open_shards, write_shards
from miner.rules.thresholds import Thresholds
from miner.rules.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GENERATOR = Path("../shared/bench/transactions.py")
SHARD_VOTES = 500_000
LIMITS = Thresholds(min_support=0.003, min_confidence=0.8, max_len=6)
LOWER = Thresholds(min_support=0.001, min_confidence=0.8, max_len=6)


def cut(data: Mapping[str, Any], first: int, last: int) -> Transactions:
    """Give some votes of the generator's arrays, visual and text items apart."""
    n_visual, indptr = int(data["V"]), data["indptr"][first : last + 1]
    indices = data["indices"][indptr[0] : indptr[-1]]
    visual = indices < n_visual
    visual_indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(visual)])[indptr - indptr[0]]
    return Transactions(
        visual_indptr,
        indices[visual].astype(np.int32),
        indptr - indptr[0] - visual_indptr,
        (indices[~visual] - n_visual).astype(np.int32),
        data["y"][first:last].astype(np.int32),
        np.arange(first, last),
        tuple(f"Type.{label}" for label in range(int(data["K"]))),
        n_visual,
        int(data["T"]),
    )


def shards_of(data: Mapping[str, Any]) -> Iterator[Transactions]:
    n_votes = len(data["y"])
    for first in range(0, n_votes, SHARD_VOTES):
        yield cut(data, first, min(first + SHARD_VOTES, n_votes))


def provide(n_votes: int, folder: Path) -> Path:
    """Give the folder of so many votes; write it if it is not there."""
    path = folder / f"votes-{n_votes}"
    if not path.exists():
        data, _ = runpy.run_path(str(GENERATOR))["make"](n_votes)
        write_shards(shards_of(data), path)
    return path


def peak_mb() -> float:
    """Highest resident memory of this process since it was last reset (Linux)."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def measure_shards(path: Path, threads: int) -> dict[str, float]:
    """Open shards and search them, here."""
    warm_up(path, threads)
    Path("/proc/self/clear_refs").write_text("5")
    cpu, wall = time.process_time(), time.perf_counter()
    found = BitmapMiner().mine(open_shards(path), LIMITS, threads=threads)
    return {
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "peak_mb": peak_mb(),
        "rules": len(found),
    }


def warm_up(path: Path, threads: int) -> None:
    """Compile, on a thousand of the votes."""
    with tempfile.TemporaryDirectory() as folder:
        write_shards([in_memory(path).select(np.arange(1_000))], Path(folder) / "few")
        BitmapMiner().mine(open_shards(Path(folder) / "few"), LIMITS, threads=threads)


def in_memory(path: Path) -> Transactions:
    """Read the first shard of a folder."""
    shards = open_shards(path)
    part = shards.parts()[0]()
    items = (
        part.visual.indptr,
        part.visual.indices.astype(np.int32),
        part.text.indptr,
        part.text.indices.astype(np.int32),
    )
    groups = np.arange(len(part.labels))
    return Transactions(*items, part.labels, groups, shards.event_types, shards.n_visual, shards.n_text)


def run_apart(path: Path, threads: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.mining_scale", "--one", str(path), "--threads", str(threads)]
    answer: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return answer


def measure_growth(sizes: list[int], folder: Path, *, threads: int, repeats: int) -> float:
    """Print CPU seconds and peak memory of every size; give the exponent."""
    least = []
    for n_votes in sizes:
        path = provide(n_votes, folder)
        runs = [run_apart(path, threads) for _ in range(repeats)]
        best = min(runs, key=lambda run: run["cpu"])
        least.append(best["cpu"])
        print(  # noqa: T201 - a command
            f"{n_votes:>10,} votes, s_min 0.3 %, {threads} threads: {best['rules']:>8,.0f} rules {best['cpu']:8.2f} CPU s "
            f"{best['wall']:8.2f} s wall {max(run['peak_mb'] for run in runs):8.0f} MB peak  (least of {repeats})",
            flush=True,
        )
    return float(np.polyfit(np.log(sizes), np.log(least), 1)[0]) if len(sizes) > 1 else float("nan")


def measure_threads(path: Path, *, repeats: int) -> float:
    """Give the best wall time of one thread over that of two, measured in turn."""
    data = open_shards(path)
    parts = [part() for part in data.parts()]
    votes = Transactions(
        *joined([part.visual for part in parts]),
        *joined([part.text for part in parts]),
        data.labels,
        np.arange(len(data)),
        data.event_types,
        data.n_visual,
        data.n_text,
    )
    best = {1: float("inf"), 2: float("inf")}
    for _ in range(repeats + 1):
        for threads in (1, 2):
            start = time.perf_counter()
            BitmapMiner().mine(votes, LOWER, threads=threads)
            best[threads] = min(best[threads], time.perf_counter() - start)
    print(f"{len(votes):>10,} votes, s_min 0.1 %: {best[1]:.3f} s on one thread, {best[2]:.3f} s on two")  # noqa: T201
    return best[1] / best[2]


def joined(matrices: list[Any]) -> tuple[Any, Any]:
    """Put CSR matrices one below the other."""
    sizes = np.concatenate([np.diff(matrix.indptr) for matrix in matrices])
    indices = np.concatenate([matrix.indices for matrix in matrices]).astype(np.int32)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]), indices


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder that keeps the votes")
    parser.add_argument("--votes", nargs="+", type=float, default=[1e5, 1e6, 1e7])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure_shards(options.one, options.threads)))  # noqa: T201 - read by the command that asked
        return 0
    if not GENERATOR.exists():
        print(f"the generator {GENERATOR} is not here", file=sys.stderr)  # noqa: T201
        return 1
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        sizes = [int(size) for size in options.votes]
        exponent = measure_growth(sizes, folder, threads=options.threads, repeats=options.repeats)
        print(f"CPU seconds grow as votes to the power of {exponent:.3f}")  # noqa: T201
        ratio = measure_threads(provide(1_000_000, folder), repeats=options.repeats)
        print(f"two threads are {ratio:.2f} times as fast as one")  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

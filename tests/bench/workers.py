"""Dask workers against threads of one process: `python -m tests.bench.workers [--corpus FOLDER] [--images 512] [--rounds 3]`.

The same shards of the encode stage, from image files to written arrays, by as many Dask workers of this machine as it has cores and by as many
threads of one process; both warm, in turns, so that whatever else the machine does meets both. Printed for each round: images a second by the
clock and by processor seconds of all processes that take part, and at the end the medians and their ratio (asked: at least 0.9).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil  # type: ignore[import-untyped]

from corpora.records import read_corpus
from miner.config import RunConfig, VisualConfig
from miner.run.dask_executor import local_cluster
from miner.run.executor import LocalExecutor, count_cores
from miner.run.visual_stages import cut_encoding

if TYPE_CHECKING:
    from miner.run.executor import Executor
    from miner.run.stage import Shards

SHARED = Path(__file__).parents[3] / "shared" / "data"
SHARD = 64
ASKED = 0.9


class Rate(NamedTuple):
    """Images a second: by the clock, and by processor seconds."""

    wall: float
    cpu: float


def cpu_seconds() -> float:
    """Return processor seconds of this process and of all that it has started and that still run."""
    own = psutil.Process()
    times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def encode(executor: Executor, shards: Shards) -> Rate:
    """Encode all shards once and write them."""
    with tempfile.TemporaryDirectory() as folder:

        def keep(index: int, result: object) -> None:
            directory = Path(folder) / str(index)
            directory.mkdir()
            shards.keep(index, result, directory)

        started, before = time.monotonic(), cpu_seconds()
        executor.map(shards.work, shards.items, on_result=keep, thread_safe=shards.thread_safe)
        elapsed_s, spent_s = time.monotonic() - started, cpu_seconds() - before
    n_images = sum(shards.sizes)
    return Rate(n_images / elapsed_s, n_images / spent_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default=str(SHARED / "flickr-dev"))
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    corpus = read_corpus(args.corpus)
    corpus = replace(corpus, records=corpus.records.slice(0, args.images))
    shards = cut_encoding(corpus, RunConfig(visual=VisualConfig(shard_size=SHARD)))
    n = count_cores()
    rates: dict[str, list[Rate]] = {"threads": [], "workers": []}
    with local_cluster(n) as cluster:
        places: dict[str, Executor] = {"threads": LocalExecutor(n), "workers": cluster}
        for number in range(args.rounds + 1):
            for name, place in places.items():
                rate = encode(place, shards)
                if number:
                    rates[name].append(rate)
                    said = f"{rate.wall:6.1f} images/s, {rate.cpu:6.1f} a CPU second"
                    print(f"round {number}, {n} {name}: {said}", flush=True)  # noqa: T201 - a command
    wall = [b.wall / a.wall for a, b in zip(rates["threads"], rates["workers"], strict=True)]
    cpu = [b.cpu / a.cpu for a, b in zip(rates["threads"], rates["workers"], strict=True)]
    print(  # noqa: T201
        f"{n} Dask workers / {n} threads: {statistics.median(wall):.2f} by the clock ({min(wall):.2f} to {max(wall):.2f}), "
        f"{statistics.median(cpu):.2f} by processor time ({min(cpu):.2f} to {max(cpu):.2f}); asked: {ASKED}"
    )


if __name__ == "__main__":
    main()

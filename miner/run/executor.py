"""Where shards are worked on: here, by a few threads. `miner.run.dask_executor` is the other place.

A result goes to `on_result` as soon as it is there, in the caller's thread, in no particular order. Since each shard has
its own place in the artefact, the order leaves no trace.
"""

from __future__ import annotations

import os
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
R = TypeVar("R")


def count_cores() -> int:
    """Return the number of processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Executor(Protocol):
    """Applies a function to shards."""

    description: str

    def map(self, work: Callable[[T], R], items: Sequence[T], *, on_result: Callable[[int, R], None]) -> None:
        """Call `on_result(index, work(item))` for every item.

        Args:
            work: A pure, picklable function.
            items: Picklable arguments.
            on_result: Called in this thread, once per item, in any order.

        Raises:
            ExecutorError: The place itself failed; an exception of `work` passes through.
        """


class ThreadExecutor:
    """Works in this process.

    Args:
        n_threads: Shards worked on at the same time; each uses one core.
    """

    def __init__(self, n_threads: int) -> None:
        """Keep the number; threads start with the work."""
        self.n_threads = n_threads
        self.description = f"{n_threads} thread{'s' if n_threads > 1 else ''} in this process"

    def map(self, work: Callable[[T], R], items: Sequence[T], *, on_result: Callable[[int, R], None]) -> None:
        """Keep every thread busy with one shard and one more waiting, so that memory stays bounded."""
        pool = ThreadPoolExecutor(self.n_threads, thread_name_prefix="shard")
        rest = iter(enumerate(items))
        running: dict[Future[R], int] = {}
        try:
            while True:
                room = 2 * self.n_threads - len(running)
                running |= {pool.submit(work, item): index for index, item in islice(rest, room)}
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    on_result(running.pop(future), future.result())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

"""Where shards are worked on: on this machine, by a few threads or processes. `miner.run.dask_executor` is the other place.

A result goes to `on_result` as soon as it is there, in the caller's thread, in no particular order. Since each shard has
its own place in the artefact, the order leaves no trace.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Protocol, TypeVar

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from miner.errors import EventMinerError, ExecutorError
from miner.store.formats import DISK_FULL
from miner.visual.engine import name_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor as Pool

FEW_ITEMS = 4
"""Starting processes takes as long as a few items do."""

T = TypeVar("T")
R = TypeVar("R")


def count_cores() -> int:
    """Return the number of processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def total_memory() -> int:
    """Return the bytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class Executor(Protocol):
    """Applies a function to shards.

    Attributes:
        description: For people.
        n_workers: Shards worked on at the same time.
        own_process: Whether all of them are, where they may be, in threads of this process.
        shares_disk: Whether its workers see the files of this machine.
        memory_bytes: Memory of the smallest worker, for each shard that it works on at the same time.
        engine: What runs the network there, as `miner.visual.engine.name_engine` names it.
    """

    description: str
    n_workers: int
    own_process: bool
    shares_disk: bool
    memory_bytes: int

    @property
    def engine(self) -> str:
        """What runs the network.

        Raises:
            ExecutorError: Not all workers have the same.
        """

    def map(
        self,
        work: Callable[[T], R],
        items: Sequence[T],
        *,
        on_result: Callable[[int, R], None],
        thread_safe: bool = True,
        ready: Callable[[], object] | None = None,
    ) -> None:
        """Call `on_result(index, work(item))` for every item.

        Args:
            work: A pure, picklable function.
            items: Picklable arguments.
            on_result: Called in this thread, once per item, in any order.
            thread_safe: Whether several threads of a process may be inside `work` at once.
            ready: What `work` would do at its first item in a process, such as loading a network; a picklable function that
                does nothing when called again. Where there are items, workers do it ahead, also those that join later.

        A known error (`EventMinerError`) or a full disk would come again, so it passes through at once. Anything else is tried a
        second time; what fails again does not keep the rest from being worked on.

        Raises:
            FailedItemsError: Everything else is done, but some items failed twice.
            ExecutorError: The place itself failed.
        """


class FailedItemsError(ExecutorError):
    """Some items failed twice; all others are done.

    Args:
        failures: By index of the item, what it raised the last time.
        n_items: How many there were.
    """

    def __init__(self, failures: Mapping[int, Exception], n_items: int) -> None:
        """Keep the failures; say the first."""
        first = failures[min(failures)]
        super().__init__(
            f"{len(failures)} of {n_items} shards failed twice, the others are done: {describe_failure(first)}",
            hint="Run the same command again: finished shards are kept.",
        )
        self.failures = failures


def describe_failure(error: Exception) -> str:
    """Put an unexpected exception into one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def ends_all(error: Exception) -> bool:
    """Tell whether an exception of one shard would come with any other: a known error, or a disk that is full."""
    return isinstance(error, EventMinerError) or (isinstance(error, OSError) and error.errno in DISK_FULL)


class LocalExecutor:
    """Works on this machine: in threads of this process, or in processes where `work` is not safe in threads.

    Args:
        n_threads: Shards worked on at the same time; each uses one core.
    """

    def __init__(self, n_threads: int) -> None:
        """Keep the number; threads and processes start with the work."""
        self.n_threads = self.n_workers = n_threads
        self.own_process = self.shares_disk = True
        self.memory_bytes = total_memory()
        self.description = f"{n_threads} thread{'s' if n_threads > 1 else ''}"

    @property
    def engine(self) -> str:
        """That of this machine."""
        return name_engine()

    def map(
        self,
        work: Callable[[T], R],
        items: Sequence[T],
        *,
        on_result: Callable[[int, R], None],
        thread_safe: bool = True,
        ready: Callable[[], object] | None = None,
    ) -> None:
        """Keep every thread busy with one shard and one more waiting, so that memory stays bounded."""
        if ready and items and thread_safe:
            ready()
        pool = self._open_pool(len(items), thread_safe=thread_safe)
        try:
            _feed(pool, 2 * self.n_threads, work, items, on_result)
        except BrokenProcessPool as error:
            raise ExecutorError(
                "A worker process was killed, perhaps for want of memory.",
                hint="Run the same command again with fewer --threads: finished shards are kept.",
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _open_pool(self, n_items: int, *, thread_safe: bool) -> Pool:
        if thread_safe:
            return ThreadPoolExecutor(self.n_threads, thread_name_prefix="shard")
        if self.n_threads == 1 or n_items < FEW_ITEMS:
            return ThreadPoolExecutor(1, thread_name_prefix="shard")
        # Spawned, because forking a process that has threads may deadlock.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(min(self.n_threads, n_items), mp_context=context, initializer=_settle)


def _feed(
    pool: Pool, n_waiting: int, work: Callable[[T], R], items: Sequence[T], on_result: Callable[[int, R], None]
) -> None:
    rest = deque(range(len(items)))
    running: dict[Future[R], int] = {}
    failed_once: set[int] = set()
    failures: dict[int, Exception] = {}
    while rest or running:
        while rest and len(running) < n_waiting:
            index = rest.popleft()
            running[pool.submit(work, items[index])] = index
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            index = running.pop(future)
            error = future.exception()
            if error is None:
                on_result(index, future.result())
            elif isinstance(error, BrokenProcessPool) or not isinstance(error, Exception) or ends_all(error):
                raise error
            elif index in failed_once:
                failures[index] = error
            else:
                failed_once.add(index)
                rest.append(index)
    if failures:
        raise FailedItemsError(failures, len(items))


def _settle() -> None:
    """Make a worker process leave Ctrl-C to its parent, use one core, and end when its parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

"""Shards worked on by Dask: processes of this machine, or the workers of a scheduler elsewhere.

The only module that imports dask. A worker that dies is replaced and its shards go to another one; results travel back to
this process, which alone writes files, so workers need the corpus but not the run folder.
"""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import dask
from distributed import Client, LocalCluster, as_completed
from distributed.scheduler import KilledWorker

from miner.errors import ConfigError, ExecutorError
from miner.run.executor import FailedItemsError, count_cores, ends_all, total_memory
from miner.run.libraries import library_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")
R = TypeVar("R")

LOOPBACK = "127.0.0.1"
CONNECT_S = 10
RETRIES = 1
PER_WORKER = 2
SETTINGS = {"distributed.comm.timeouts.connect": CONNECT_S, "distributed.logging.distributed": "error"}


_alone = threading.Lock()


def _work_alone(work: Callable[[T], R], item: T) -> R:
    """Work while no other thread of this worker does: someone else's workers may have many."""
    with _alone:
        return work(item)


class DaskExecutor:
    """Works on the workers of a Dask client.

    Args:
        client: A connected client.
        shares_disk: Whether its workers see the files of this machine.
    """

    def __init__(self, client: Client, *, shares_disk: bool = False) -> None:
        """Look at the workers once, for the line that says where the run takes place."""
        self.client = client
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        self.n_workers = len(workers)
        self.own_process = False
        self.shares_disk = shares_disk
        # 0 is no limit.
        self.memory_bytes = min(
            (worker["memory_limit"] or total_memory() for worker in workers), default=total_memory()
        )
        self.description = f"{self.n_workers} Dask worker{'s' if self.n_workers != 1 else ''}"

    def map(
        self,
        work: Callable[[T], R],
        items: Sequence[T],
        *,
        on_result: Callable[[int, R], None],
        thread_safe: bool = True,
    ) -> None:
        """Keep every worker supplied without holding more results than `PER_WORKER` per worker in memory.

        Raises:
            FailedItemsError: Everything else is done, but some items failed twice, or killed worker after worker.
            ExecutorError: The scheduler went away.
        """
        function = work if thread_safe else partial(_work_alone, work)
        failures: dict[int, Exception] = {}
        crowded = PER_WORKER * max(self.n_workers, 1)
        suspects = self._work(function, items, range(len(items)), crowded, on_result, failures)
        # Work that waits for a worker is blamed when it dies, so whoever is suspected is tried once more, alone.
        guilty = self._work(function, items, suspects, 1, on_result, failures)
        failures |= dict.fromkeys(
            guilty, MemoryError("the workers that had it were killed, perhaps for want of memory")
        )
        if failures:
            raise FailedItemsError(failures, len(items))

    def _work(
        self,
        function: Callable[[T], R],
        items: Sequence[T],
        wanted: Sequence[int],
        n_at_once: int,
        on_result: Callable[[int, R], None],
        failures: dict[int, Exception],
    ) -> list[int]:
        """Work on some items and return those whose workers were killed."""
        rest = list(wanted)[::-1]
        indices: dict[object, int] = {}
        killed = []

        def submit() -> Any:  # noqa: ANN401 - distributed is untyped
            index = rest.pop()
            future = self.client.submit(function, items[index], pure=False, retries=RETRIES)
            indices[future.key] = index
            return future

        queue = as_completed([submit() for _ in range(min(len(rest), n_at_once))])
        for future in queue:
            index = indices[future.key]
            if future.status != "error":
                on_result(index, _gather(future))
            elif isinstance(error := future.exception(), KilledWorker):
                killed.append(index)
            elif not isinstance(error, Exception) or ends_all(error):
                raise error
            else:
                failures[index] = error
            future.release()
            if rest:
                queue.add(submit())
        return sorted(killed)


def _gather(future: Any) -> Any:  # noqa: ANN401 - distributed is untyped
    """Fetch a result.

    Raises:
        ExecutorError: The scheduler is gone, and the result with it.
    """
    try:
        return future.result()
    except (OSError, CancelledError) as error:
        raise ExecutorError(
            f"The Dask scheduler went away: {' '.join(str(error).split())}",
            hint="Run the same command again: finished shards are kept.",
        ) from error


@contextmanager
def local_cluster(n_workers: int) -> Iterator[DaskExecutor]:
    """Start worker processes on this machine, reachable from nowhere else, one thread each.

    Raises:
        ConfigError: There are fewer cores than workers.
        ExecutorError: The processes do not start.
    """
    n_cores = count_cores()
    if n_workers > n_cores:
        raise ConfigError(
            f"--workers {n_workers} is more than the {n_cores} cores of this machine.",
            hint=f"Use --workers {n_cores} or less.",
        )
    with dask.config.set(SETTINGS):
        try:
            cluster = LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1,
                host=LOOPBACK,
                dashboard_address=f"{LOOPBACK}:0",
                silence_logs="ERROR",
            )
        except (OSError, TimeoutError, RuntimeError) as error:
            raise ExecutorError(f"Dask workers do not start: {error}", hint="Run without --workers.") from error
        with cluster, Client(cluster) as client:
            yield DaskExecutor(client, shares_disk=True)


@contextmanager
def remote_cluster(address: str) -> Iterator[DaskExecutor]:
    """Use the workers of a running scheduler.

    Args:
        address: Such as `tcp://host:8786`.

    Raises:
        ExecutorError: The scheduler does not answer, has no workers, or they run other versions of what makes results.
    """
    with dask.config.set(SETTINGS):
        try:
            client = Client(address, timeout=CONNECT_S)
        except (OSError, TimeoutError, ValueError) as error:
            raise ExecutorError(
                f"No Dask scheduler answers at {address}.",
                hint="Start one with 'dask scheduler', or run without --scheduler.",
            ) from error
        with client:
            _check_workers(client, address)
            yield DaskExecutor(client)


def _check_workers(client: Client, address: str) -> None:
    here = library_versions()
    versions: dict[str, dict[str, str]] = client.run(library_versions)
    if not versions:
        raise ExecutorError(f"The scheduler at {address} has no workers.", hint=f"Start some: dask worker {address}")
    for worker, there in versions.items():
        for name, version in here.items():
            if there.get(name) != version:
                raise ExecutorError(
                    f"Worker {worker} has {name} {there.get(name)}, this process has {version}.",
                    hint="Results could differ: install the same versions on every worker.",
                )

"""Shards worked on by Dask: processes of this machine, or the workers of a scheduler elsewhere.

The only module that imports dask. A worker that dies is replaced and its shards go to another one; results travel back to
this process, which alone writes files, so workers need the corpus but not the run folder.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import dask
from distributed import Client, LocalCluster, as_completed
from distributed.core import rpc
from distributed.scheduler import KilledWorker
from distributed.versions import get_versions

from miner.errors import ConfigError, ExecutorError
from miner.run.executor import FailedItemsError, count_cores, ends_all, total_memory
from miner.run.libraries import library_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

T = TypeVar("T")
R = TypeVar("R")

LOOPBACK = "127.0.0.1"
CONNECT_S = 10
RETRIES = 1
PER_WORKER = 2
SETTINGS = {"distributed.comm.timeouts.connect": CONNECT_S, "distributed.logging.distributed": "error"}


INSTALL = "Install the same eventminer wherever workers run; docs/clusters.md has an image and how to use it."

_alone = threading.Lock()


def _work_alone(work: Callable[[T], R], item: T) -> R:
    """Work while no other thread of this worker does: someone else's workers may have many."""
    with _alone:
        return work(item)


def _work_alike(versions: Mapping[str, str], work: Callable[[T], R], item: T) -> R:
    """Work if this worker, which may have joined after the others were looked at, makes the same results.

    Raises:
        ExecutorError: It has other versions of what bears on them.
    """
    _require_alike(versions, library_versions_here(), "A Dask worker that joined later")
    return work(item)


@lru_cache(maxsize=1)
def library_versions_here() -> Mapping[str, str]:
    """Return the versions of this process, looked up once: it takes as long as a small shard."""
    return library_versions()


def _require_alike(here: Mapping[str, str], there: Mapping[str, str], where: str) -> None:
    for name, version in here.items():
        if there.get(name) != version:
            raise ExecutorError(
                f"{where} has {name} {there.get(name) or 'not at all'}, this process has {version}.",
                hint=f"Results could differ. {INSTALL}",
            )


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
        function = partial(_work_alike, library_versions_here(), work if thread_safe else partial(_work_alone, work))
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
    with dask.config.set(SETTINGS), _start_cluster(n_workers) as cluster, Client(cluster) as client:
        yield DaskExecutor(client, shares_disk=True)


def _start_cluster(n_workers: int, *, n_more: int = 1) -> LocalCluster:
    """Start worker processes, and try `n_more` times again where one of them is killed before it is ready.

    Raises:
        ExecutorError: They do not start.
    """
    try:
        return LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            host=LOOPBACK,
            dashboard_address=f"{LOOPBACK}:0",
            silence_logs="ERROR",
        )
    except (OSError, TimeoutError, RuntimeError) as error:
        if n_more:
            return _start_cluster(n_workers, n_more=n_more - 1)
        raise ExecutorError(f"Dask workers do not start: {error}", hint="Run without --workers.") from error


@contextmanager
def remote_cluster(address: str) -> Iterator[DaskExecutor]:
    """Use the workers of a running scheduler.

    Args:
        address: Such as `tcp://host:8786`.

    Raises:
        ExecutorError: The scheduler does not answer, speaks another version, has no workers, or they lack eventminer or run other
            versions of what makes results.
    """
    with dask.config.set(SETTINGS), _connected(address) as client:
        _check_workers(client, address)
        yield DaskExecutor(client)


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    """Connect to a scheduler that has said what it is."""
    try:
        # In a thread of its own, because a notebook has a loop already; with a limit, because a client would wait for ever for
        # the answer of whatever else listens there.
        with ThreadPoolExecutor(1) as pool:
            kind, there = pool.submit(asyncio.run, asyncio.wait_for(_greet(address), CONNECT_S)).result()
        _check_scheduler(address, kind, there)
        client = Client(address, timeout=CONNECT_S)
    except (OSError, TimeoutError, ValueError, ImportError) as error:
        raise ExecutorError(
            f"No Dask scheduler answers at {address}: {_one_line(error)}",
            hint="Start one with 'dask scheduler', or run without --scheduler.",
        ) from error
    with client:
        yield client


async def _greet(address: str) -> tuple[str, Mapping[str, str]]:
    """Ask what is there: its kind, such as `Scheduler`, and the versions of its packages."""
    async with rpc(address) as other:
        identity = await other.identity()
        versions = await other.versions(packages=[])
    return str(identity["type"]), versions["packages"]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _check_scheduler(address: str, kind: str, there: Mapping[str, str]) -> None:
    """Refuse a scheduler of another version: messages between versions are not promised to be understood."""
    if kind != "Scheduler":
        raise ExecutorError(
            f"There is a Dask {kind.lower()} at {address}, no scheduler.", hint="Give the address of its scheduler."
        )
    here = get_versions()["packages"]
    for name in ("dask", "distributed"):
        if there.get(name) != here[name]:
            raise ExecutorError(
                f"The scheduler at {address} runs {name} {there.get(name)}, this process {here[name]}.",
                hint=f"Use the same version of Dask everywhere. {INSTALL}",
            )


def _check_workers(client: Client, address: str) -> None:
    versions: dict[str, object] = client.run(library_versions, on_error="return")
    if not versions:
        raise ExecutorError(f"The scheduler at {address} has no workers.", hint=f"Start some: dask worker {address}")
    for worker, there in versions.items():
        if isinstance(there, Exception):
            # Dask may wrap what it cannot load.
            if "ModuleNotFoundError" in repr(there):
                raise ExecutorError(f"Worker {worker} does not have eventminer: {_one_line(there)}", hint=INSTALL)
            raise ExecutorError(f"Worker {worker} does not answer: {_one_line(there)}", hint="See its log.")
        _require_alike(library_versions_here(), cast("Mapping[str, str]", there), f"Worker {worker}")

"""Shards worked on by Dask: processes of this machine, or the workers of a scheduler elsewhere.

With `dask_plugin` the only module that imports dask. A worker that dies is replaced and its shards go to another one; results
travel back to this process, which alone writes files, so workers need the corpus but not the run folder.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import dask
from distributed import Client, LocalCluster, as_completed, get_worker
from distributed.core import rpc
from distributed.protocol import pickle
from distributed.scheduler import KilledWorker
from distributed.versions import get_versions

from miner.errors import ConfigError, ExecutorError
from miner.run.dask_plugin import loaded_ahead
from miner.run.engines import agree_on_engine
from miner.run.executor import FailedItemsError, count_cores, ends_all, total_memory
from miner.run.libraries import INSTALL, library_versions, library_versions_here, require_alike
from miner.visual.engine import name_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

T = TypeVar("T")
R = TypeVar("R")

LOOPBACK = "127.0.0.1"
CONNECT_S = 10
RETRIES = 1
LEAST = 2
"""Shards on their way while all workers are being replaced; more than none, or nobody would start new ones."""
LOST_S = 60
"""A killed worker that takes longer than this to start again is replaced by another one; Dask's 15 seconds are too few on a busy machine."""
CHECK_S = 2
SETTINGS = {
    "distributed.comm.timeouts.connect": CONNECT_S,
    "distributed.deploy.lost-worker-timeout": LOST_S,
    "distributed.logging.distributed": "error",
}


_alone = threading.Lock()


def _work_there(payload: bytes) -> tuple[str, Any]:
    """Work, if this worker can load what it is sent: sent by itself, an unloadable function would break its connection.

    Returns:
        An empty string and the result; or the address of the worker and why it cannot.
    """
    import pickle  # noqa: PLC0415 - nothing around this function goes with it
    import sys  # noqa: PLC0415

    try:
        work = pickle.loads(payload)  # noqa: S301 - from the process that uses these workers
    except Exception as error:  # noqa: BLE001 - whatever an import may raise
        return sys.modules["distributed"].get_worker().address, f"{type(error).__name__}: {error}"
    return "", work()


# Whoever lacks this package gets the function as code, not as a name in it.
_work_there.__module__ = "__main__"


def _work_alone(work: Callable[[T], R], item: T) -> R:
    """Work while no other thread of this worker does: someone else's workers may have many."""
    with _alone:
        return work(item)


def _work_alike(versions: Mapping[str, str], work: Callable[[T], R], item: T) -> R:
    """Work if this worker, which may have joined after the others were looked at, makes the same results.

    Raises:
        ExecutorError: It has other versions of what bears on them.
    """
    require_alike(versions, library_versions_here(), f"Worker {get_worker().address}, which joined later,")
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
        self.n_workers: int = sum(worker["nthreads"] for worker in workers)
        self.own_process = False
        self.shares_disk = shares_disk
        # 0 is no limit.
        self.memory_bytes = min(
            ((worker["memory_limit"] or total_memory()) // worker["nthreads"] for worker in workers),
            default=total_memory(),
        )
        self.description = f"{len(workers)} Dask worker{'s' if len(workers) != 1 else ''}"
        if self.n_workers > len(workers):
            self.description += f" with {self.n_workers} threads"

    @cached_property
    def engine(self) -> str:
        """What runs the network: the workers are asked once; who does not answer now is asked with its first shard.

        Raises:
            ExecutorError: Not all have the same, or the scheduler went away.
        """
        with _scheduler_there():
            found: dict[str, object] = self.client.run(name_engine, on_error="return")
        return agree_on_engine({worker: name for worker, name in found.items() if isinstance(name, str)})

    def map(
        self,
        work: Callable[[T], R],
        items: Sequence[T],
        *,
        on_result: Callable[[int, R], None],
        thread_safe: bool = True,
        ready: Callable[[], object] | None = None,
    ) -> None:
        """Keep every thread of every worker busy, and one more shard waiting for each worker, however many there are by now.

        Raises:
            FailedItemsError: Everything else is done, but some items failed twice, or killed worker after worker.
            ExecutorError: The scheduler went away.
        """
        with loaded_ahead(self.client, ready) if ready and items else nullcontext():
            self._map(work, items, on_result, thread_safe=thread_safe)

    def _map(
        self, work: Callable[[T], R], items: Sequence[T], on_result: Callable[[int, R], None], *, thread_safe: bool
    ) -> None:
        function = partial(_work_alike, library_versions_here(), work if thread_safe else partial(_work_alone, work))
        failures: dict[int, Exception] = {}
        suspects = self._work(function, items, range(len(items)), self._count_room, on_result, failures)
        # Work that waits for a worker is blamed when it dies, so whoever is suspected is tried once more, alone.
        guilty = self._work(function, items, suspects, lambda: 1, on_result, failures)
        failures |= dict.fromkeys(
            guilty, MemoryError("the workers that had it were killed, perhaps for want of memory")
        )
        if failures:
            raise FailedItemsError(failures, len(items))

    def _count_room(self) -> int:
        """Return how many shards may be on their way now; workers come and go.

        Raises:
            ExecutorError: The scheduler went away.
        """
        with _scheduler_there():
            threads = self.client.nthreads().values()
        self.n_workers = sum(threads)
        return max(self.n_workers + len(threads), LEAST)

    def _work(
        self,
        function: Callable[[T], R],
        items: Sequence[T],
        wanted: Sequence[int],
        count_room: Callable[[], int],
        on_result: Callable[[int, R], None],
        failures: dict[int, Exception],
    ) -> list[int]:
        """Work on some items and return those whose workers were killed."""
        rest = list(wanted)[::-1]
        indices: dict[object, int] = {}
        killed: list[int] = []

        def submit() -> Any:  # noqa: ANN401 - distributed is untyped
            index = rest.pop()
            payload = pickle.dumps(partial(function, items[index]))
            future = self.client.submit(_work_there, payload, pure=False, retries=RETRIES)
            indices[future.key] = index
            return future

        queue = as_completed([submit() for _ in range(min(len(rest), count_room() if rest else 0))])
        for future in queue:
            index = indices.pop(future.key)
            if future.status != "error":
                on_result(index, _gather(future))
            elif isinstance(error := future.exception(), KilledWorker):
                killed.append(index)
            elif not isinstance(error, Exception) or ends_all(error):
                raise error
            else:
                failures[index] = error
            future.release()
            room = count_room() - len(indices) if rest else 0
            for _ in range(min(len(rest), room)):
                queue.add(submit())
        return sorted(killed)


def _gather(future: Any) -> Any:  # noqa: ANN401 - distributed is untyped
    """Fetch a result.

    Raises:
        ExecutorError: The scheduler is gone, and the result with it; or the worker could not load its work.
    """
    with _scheduler_there():
        worker, result = future.result()
    if worker:
        raise _unable(worker, result)
    return result


def _unable(worker: str, said: str) -> ExecutorError:
    """Say which worker cannot work for us; Dask may wrap what it cannot load."""
    what = "does not have eventminer" if "ModuleNotFoundError" in said else "cannot load its work"
    return ExecutorError(f"Worker {worker} {what}: {' '.join(said.split())}", hint=INSTALL)


@contextmanager
def _scheduler_there() -> Iterator[None]:
    """Say so where the scheduler is not there any more.

    Raises:
        ExecutorError: It is not.
    """
    try:
        yield
    except (OSError, CancelledError) as error:
        raise ExecutorError(
            f"The Dask scheduler went away: {_one_line(error)}",
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
    with (
        dask.config.set(SETTINGS),
        _start_cluster(n_workers) as cluster,
        _kept_up(cluster, n_workers),
        Client(cluster) as client,
        _quiet_end(),
    ):
        yield DaskExecutor(client, shares_disk=True)


@contextmanager
def _quiet_end() -> Iterator[None]:
    """Keep to itself, after an interrupt, what the event loop says of workers that end in the middle of something."""
    try:
        yield
    except KeyboardInterrupt:
        logging.getLogger("tornado.application").setLevel(logging.CRITICAL)
        raise


@contextmanager
def _kept_up(cluster: LocalCluster, n_workers: int) -> Iterator[None]:
    """Replace workers that are lost for good: one that is killed while it starts again is given up, and with the last the run would wait for ever."""
    done = threading.Event()

    def keep_up() -> None:
        while not done.wait(CHECK_S):
            # Starts what the cluster has given up, nothing else.
            cluster.scale(n_workers)

    keeper = threading.Thread(target=keep_up, name="workers", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()


def _start_cluster(n_workers: int, *, n_more: int = 3) -> LocalCluster:
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


def _one_line(error: BaseException) -> str:
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
            if "ModuleNotFoundError" in repr(there):
                raise _unable(worker, repr(there))
            raise ExecutorError(f"Worker {worker} does not answer: {_one_line(there)}", hint="See its log.")
        require_alike(library_versions_here(), cast("Mapping[str, str]", there), f"Worker {worker}")

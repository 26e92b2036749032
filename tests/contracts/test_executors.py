from __future__ import annotations

import errno
import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from distributed import Client, LocalCluster

from corpora.scenes import generate_scenes
from miner.config import RunConfig, VisualConfig
from miner.errors import ConfigError, ExecutorError, MiningError
from miner.run import dask_executor
from miner.run.dask_executor import DaskExecutor, local_cluster, remote_cluster
from miner.run.executor import FailedItemsError, LocalExecutor, count_cores
from miner.run.progress import Silent
from miner.run.read_stages import open_corpus
from miner.run.visual_stages import cut_encoding
from miner.visual import engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from miner.run.executor import Executor
    from miner.run.stage import Shards
    from miner.visual.encode import EncodedShard
    from miner.visual.engine import Engine

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


ALONE = threading.Lock()
MEETINGS = {n: threading.Barrier(n, timeout=20) for n in (1, 3, 4)}


def spell(number: int) -> tuple[int, str]:
    return number, "ab" * number


def fail_at_two(number: int) -> int:
    if number == 2:
        raise MiningError("two is one too many", hint="count again")
    return number


def fail_once(item: tuple[int, Path]) -> int:
    number, marker = item
    if number == 1 and not marker.exists():
        marker.touch()
        raise OSError("the share did not answer")
    return number


def always_fail_at_two(number: int) -> int:
    if number == 2:
        raise ValueError("two never works")
    return number


def fill_the_disk_at_two(number: int) -> int:
    if number == 2:
        raise OSError(errno.ENOSPC, "No space left on device")
    return number


def die_at_two(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def work_alone(number: int) -> int:
    if not ALONE.acquire(blocking=False):
        raise RuntimeError("another thread of this process is here too")
    try:
        return number + sum(0 for _ in range(100_000))
    finally:
        ALONE.release()


def meet(n_others: int) -> int:
    """Come back once so many are at work at the same time."""
    MEETINGS[n_others].wait()
    return n_others


def count_openings() -> int:
    """Return how many networks this process has opened since this was called for the first time."""
    found: Any = engine.open_engine
    if not hasattr(found, "opened"):
        engine.open_engine = found = Counting(found)
    return int(found.opened)


class Counting:
    """Opens networks and counts them."""

    def __init__(self, real: Callable[..., Engine]) -> None:
        self.real, self.opened = real, 0

    def __call__(self, *args: Any, **options: Any) -> Engine:  # noqa: ANN401 - passed through
        self.opened += 1
        return self.real(*args, **options)


def die_once(item: tuple[int, Path]) -> int:
    number, marker = item
    if number == 1 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.fixture(scope="module")
def cluster() -> Iterator[Executor]:
    with local_cluster(min(2, count_cores())) as executor:
        yield executor


@pytest.fixture(params=["local", "dask"])
def executor(request: pytest.FixtureRequest) -> Executor:
    if request.param == "local":
        return LocalExecutor(2)
    running: Executor = request.getfixturevalue("cluster")
    return running


def collect(executor: Executor, work: Callable[[int], object], n: int, *, thread_safe: bool = True) -> list[object]:
    results: dict[int, object] = {}
    executor.map(work, range(n), on_result=results.__setitem__, thread_safe=thread_safe)
    return [results[index] for index in range(n)]


def test_executors_give_every_result_to_its_index(executor: Executor) -> None:
    assert collect(executor, spell, 25) == [spell(n) for n in range(25)]
    assert collect(executor, spell, 0) == []


def test_executors_keep_work_that_is_not_thread_safe_apart(executor: Executor) -> None:
    assert collect(executor, work_alone, 12, thread_safe=False) == list(range(12))


def test_executors_pass_a_known_error_through_with_its_hint(executor: Executor) -> None:
    with pytest.raises(MiningError, match="two is one too many") as caught:
        collect(executor, fail_at_two, 5)
    assert caught.value.hint == "count again"


def test_executors_try_again_what_failed_once(executor: Executor, tmp_path: Path) -> None:
    results: dict[int, int] = {}
    executor.map(fail_once, [(n, tmp_path / "failed") for n in range(4)], on_result=results.__setitem__)
    assert (tmp_path / "failed").exists()
    assert results == {0: 0, 1: 1, 2: 2, 3: 3}


def test_executors_finish_the_rest_when_one_item_fails_twice(executor: Executor) -> None:
    results: dict[int, int] = {}
    with pytest.raises(FailedItemsError, match=r"1 of 12 shards failed twice.*two never works") as caught:
        executor.map(always_fail_at_two, range(12), on_result=results.__setitem__)
    assert sorted(results) == [n for n in range(12) if n != 2]
    assert list(caught.value.failures) == [2]


def test_executors_pass_a_full_disk_through(executor: Executor) -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        collect(executor, fill_the_disk_at_two, 5)
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.slow
def test_executors_dask_finishes_the_rest_when_one_item_kills_its_workers() -> None:
    results: dict[int, int] = {}
    with local_cluster(1) as executor, pytest.raises(FailedItemsError, match="were killed"):
        executor.map(die_at_two, range(6), on_result=results.__setitem__)
    assert sorted(results) == [0, 1, 3, 4, 5]


def test_executors_dask_survives_a_killed_worker(cluster: Executor, tmp_path: Path) -> None:
    results: dict[int, int] = {}
    cluster.map(die_once, [(n, tmp_path / "died") for n in range(4)], on_result=results.__setitem__)
    assert (tmp_path / "died").exists()
    assert results == {0: 0, 1: 1, 2: 2, 3: 3}


@contextmanager
def threads_of_this_process(n_workers: int, n_threads: int) -> Iterator[tuple[LocalCluster, DaskExecutor]]:
    """Give Dask workers that can meet, because they are threads of one process."""
    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=n_workers, threads_per_worker=n_threads, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        yield cluster, DaskExecutor(client)


def test_executors_dask_uses_every_thread_of_a_worker() -> None:
    results: dict[int, int] = {}
    with threads_of_this_process(1, 4) as (_, executor):
        assert executor.description == "1 Dask worker with 4 threads"
        assert executor.n_workers == 4
        executor.map(meet, [4] * 8, on_result=results.__setitem__)
    assert len(results) == 8


def test_executors_dask_uses_workers_that_join_later() -> None:
    with threads_of_this_process(1, 1) as (cluster, executor):
        results: dict[int, int] = {}

        def grow(index: int, result: int) -> None:
            results[index] = result
            if result == 1:
                cluster.scale(3)  # type: ignore[no-untyped-call]
                executor.client.wait_for_workers(3)

        executor.map(meet, [1, *[3] * 6], on_result=grow)
        assert executor.n_workers == 3
    assert len(results) == 7


@contextmanager
def process_of_threads(n_threads: int) -> Iterator[DaskExecutor]:
    """Start one Dask worker in a process of its own that counts the networks it opens."""
    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=1, threads_per_worker=n_threads, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        client.run(count_openings)
        yield DaskExecutor(client)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    folder = tmp_path_factory.mktemp("scenes") / "corpus"
    generate_scenes(folder, n_scenes=25)
    config = RunConfig(visual=VisualConfig(shard_size=3, n_dims=16))
    return cut_encoding(open_corpus(str(folder), config.corpus, Silent()), config)


def arrays(executor: Executor, pictures: Shards) -> list[bytes]:
    results: dict[int, EncodedShard] = {}
    executor.map(pictures.work, pictures.items, on_result=results.__setitem__, ready=pictures.ready)
    found = [results[index].activations for index in range(len(pictures.items))]
    return [getattr(one, name).tobytes() for one in found for name in ("maxima", "cells", "pooled", "projected")]


def test_executors_dask_loads_a_network_once_for_all_threads_of_a_worker(pictures: Shards) -> None:
    results: dict[int, object] = {}
    with process_of_threads(4) as executor:
        executor.map(spell, [], on_result=results.__setitem__, ready=pictures.ready)
        assert [*executor.client.run(count_openings).values()] == [0], "nothing is left to do"
        executor.map(spell, [1], on_result=results.__setitem__, ready=pictures.ready)
        assert [*executor.client.run(count_openings).values()] == [1], "loaded ahead of any picture"
        there = arrays(executor, pictures)
        assert [*executor.client.run(count_openings).values()] == [1]
    assert there == arrays(LocalExecutor(1), pictures)


def test_executors_dask_loads_the_network_of_a_worker_that_joins_later(pictures: Shards) -> None:
    with process_of_threads(1) as executor:

        def join(index: int, _result: object) -> None:
            if index == 0:
                cluster: Any = executor.client.cluster
                cluster.scale(2)
                executor.client.wait_for_workers(2)
                ready.update(executor.client.run(have_loaded))

        ready: dict[str, bool] = {}
        executor.map(spell, range(3), on_result=join, ready=pictures.ready)
        assert list(ready.values()) == [True, True]
        cluster: Any = executor.client.cluster
        cluster.scale(3)
        executor.client.wait_for_workers(3)
        assert sorted(executor.client.run(have_loaded).values()) == [False, True, True], "nobody needs it any more"


def have_loaded() -> bool:
    return bool(engine._engines)  # noqa: SLF001 - what a process holds is seen nowhere else


def test_executors_local_loads_a_network_once_for_all_threads_and_maps(
    pictures: Shards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_engines", {})
    monkeypatch.setattr(engine, "open_engine", engine.open_engine)
    count_openings()
    first = arrays(LocalExecutor(2), pictures)
    assert arrays(LocalExecutor(2), pictures) == first
    assert count_openings() == 1


def test_executors_dask_replaces_workers_that_are_lost_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(dask_executor.SETTINGS, "distributed.deploy.lost-worker-timeout", 0.5)
    results: dict[int, tuple[int, str]] = {}
    with local_cluster(1) as executor:
        # What Dask does with a worker that is killed while it starts again.
        cluster: Any = executor.client.cluster
        (nanny,) = cluster.workers.values()
        cluster.sync(nanny.close)
        executor.map(spell, range(3), on_result=results.__setitem__)
    assert results == {n: spell(n) for n in range(3)}


def test_executors_local_killed_process_is_one_error(tmp_path: Path) -> None:
    items = [(n, tmp_path / "died") for n in range(4)]
    with pytest.raises(ExecutorError, match="worker process was killed"):
        LocalExecutor(2).map(die_once, items, on_result=lambda _index, _result: None, thread_safe=False)


def test_executors_dask_refuses_more_workers_than_cores() -> None:
    with pytest.raises(ConfigError, match=f"more than the {count_cores()} cores"), local_cluster(count_cores() + 1):
        pass


def test_executors_dask_unreachable_scheduler_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miner.run.dask_executor.CONNECT_S", 1)
    with (
        pytest.raises(ExecutorError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"),
        remote_cluster("tcp://127.0.0.1:9"),
    ):
        pass

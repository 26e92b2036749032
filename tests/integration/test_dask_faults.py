"""What can be wrong with somebody else's Dask cluster: each is one clear error, before any work is done."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from distributed import Client

from corpora.scenes import generate_scenes
from miner.errors import BackboneError, ExecutorError
from miner.run.dask_executor import remote_cluster
from miner.run.executor import count_cores
from miner.run.libraries import library_versions
from tests.bench.worker_kills import command, find_workers, work_disturbed, work_undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from miner.run.dask_executor import DaskExecutor

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

PATIENCE_S = 60
SCHEDULER = """
import sys
from distributed import versions
if sys.argv[2] != "same":
    real = versions.version
    versions.version = lambda name: sys.argv[2] if name == "distributed" else real(name)
from distributed.cli.dask_scheduler import main
main(["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", sys.argv[1]])
"""
WORKER = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"miner", "corpora", "kb", "reports", "eventminer"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

if sys.argv[2] == "without":
    sys.meta_path.insert(0, Hidden())
if sys.argv[2] == "gpu":
    from miner.visual import engine
    engine.name_engine = lambda: "torch cuda"
if sys.argv[2] == "other":
    from miner.run import libraries
    libraries._find_version = lambda name: "0.1" if name == "numpy" else "1"
from distributed.cli.dask_worker import main
main(["--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--scheduler-file", sys.argv[1]])
"""


@contextmanager
def running(code: str, *arguments: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def cluster(folder: Path, *workers: str, version: str = "same") -> Iterator[str]:
    """Run a scheduler and workers of somebody else; give the address of the scheduler."""
    file = folder / "scheduler.json"
    with ExitStack() as stack:
        stack.enter_context(running(SCHEDULER, str(file), version))
        address = _wait_for(file)
        for kind in workers:
            stack.enter_context(running(WORKER, str(file), kind))
        yield address


def _wait_for(file: Path) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if file.exists() and (text := file.read_text()):
            return str(json.loads(text)["address"])
        time.sleep(0.05)
    raise TimeoutError(file)


def complaint(address: str) -> ExecutorError:
    """Return what is said once the workers have joined."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with pytest.raises(ExecutorError) as caught, remote_cluster(address):
            pass
        if "has no workers" not in caught.value.message or time.monotonic() > deadline:
            return caught.value


def test_dask_scheduler_without_workers_is_one_error(tmp_path: Path) -> None:
    with (
        cluster(tmp_path) as address,
        pytest.raises(ExecutorError, match="has no workers") as caught,
        remote_cluster(address),
    ):
        pass
    assert caught.value.hint == f"Start some: dask worker {address}"


def test_dask_scheduler_of_another_version_is_one_error(tmp_path: Path) -> None:
    with cluster(tmp_path, version="2020.1.0") as address:
        error = complaint(address)
    here = library_versions(["distributed"])["distributed"]
    assert error.message == f"The scheduler at {address} runs distributed 2020.1.0, this process {here}."
    assert "same version of Dask" in str(error.hint)


def test_dask_workers_without_the_package_are_one_error(tmp_path: Path) -> None:
    with cluster(tmp_path, "without") as address:
        error = complaint(address)
    assert re.search("Worker tcp://.* does not have eventminer: .*No module named .*miner", error.message)
    assert "docs/clusters.md" in str(error.hint)


@pytest.mark.parametrize("ready", [None, library_versions], ids=["", "made ready ahead"])
def test_dask_worker_without_the_package_that_joins_later_is_one_error_that_names_it(
    ready: Callable[[], object] | None, tmp_path: Path
) -> None:
    with cluster(tmp_path, "with") as address, ExitStack() as later:
        executor = later.enter_context(joined_by(1, address))

        def join(index: int, _result: object) -> None:
            if index == 0:
                later.enter_context(running(WORKER, str(tmp_path / "scheduler.json"), "without"))
                executor.client.wait_for_workers(2, timeout=PATIENCE_S)

        with pytest.raises(ExecutorError) as caught:
            executor.map(time.sleep, [0.5] * 60, on_result=join, ready=ready)
    assert re.search("Worker tcp://.* does not have eventminer: .*No module named .*miner", caught.value.message)
    assert "docs/clusters.md" in str(caught.value.hint)


def fail_to_load() -> None:
    raise BackboneError("the weights are not here")


def test_dask_workers_that_cannot_load_the_network_are_told_by_their_first_shard(tmp_path: Path) -> None:
    """Loading ahead says nothing: work that loads for itself does, once, and its error is what the user gets."""
    results: dict[int, int] = {}
    with cluster(tmp_path, "with") as address, joined_by(1, address) as executor:
        executor.map(abs, [-1, -2], on_result=results.__setitem__, ready=fail_to_load)
    assert results == {0: 1, 1: 2}


def joined_by(n_workers: int, address: str) -> AbstractContextManager[DaskExecutor]:
    """Connect once so many workers have joined."""
    with Client(address) as client:  # type: ignore[no-untyped-call]
        client.wait_for_workers(n_workers, timeout=PATIENCE_S)
    return remote_cluster(address)


def test_dask_workers_with_and_without_a_gpu_are_one_error(tmp_path: Path) -> None:
    with (
        cluster(tmp_path, "with", "gpu") as address,
        joined_by(2, address) as executor,
        pytest.raises(ExecutorError, match=r"'onnx' on tcp://.*, 'torch cuda' on tcp://") as caught,
    ):
        str(executor.engine)
    assert "CUDA_VISIBLE_DEVICES=" in str(caught.value.hint)


def test_dask_workers_say_what_runs_the_network(tmp_path: Path) -> None:
    with cluster(tmp_path, "gpu") as address, joined_by(1, address) as executor:
        assert executor.engine == "torch cuda"


def test_dask_workers_with_other_libraries_are_one_error(tmp_path: Path) -> None:
    with cluster(tmp_path, "other") as address:
        error = complaint(address)
    assert "Worker tcp://127.0.0.1" in error.message
    assert f"this process has {library_versions(['eventminer'])['eventminer']}" in error.message


def test_dask_something_else_at_the_address_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miner.run.dask_executor.CONNECT_S", 2)
    monkeypatch.setattr(BaseHTTPRequestHandler, "timeout", 4)
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"tcp://127.0.0.1:{server.server_address[1]}"
    try:
        with pytest.raises(ExecutorError, match=f"No Dask scheduler answers at {address}"), remote_cluster(address):
            pass
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("address", ["tcp://no-such-host.invalid:8786", "nonsense", "tcp://127.0.0.1", "http://x:1"])
def test_dask_address_that_leads_nowhere_is_one_error(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miner.run.dask_executor.CONNECT_S", 1)
    with pytest.raises(ExecutorError, match="No Dask scheduler answers"), remote_cluster(address):
        pass


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes") / "corpus"
    generate_scenes(folder, n_scenes=50)
    return folder


@pytest.mark.skipif(count_cores() < 2, reason="two Dask workers need two cores")
@pytest.mark.slow
def test_dask_workers_killed_at_random_moments_change_no_byte(scenes: Path, tmp_path: Path) -> None:
    whole = work_undisturbed(scenes, tmp_path / "whole")
    done = work_disturbed(scenes, tmp_path / "run", [1.0, 4.0, 7.0], random.Random(0))  # noqa: S311 - no secret
    assert done.killed, "every run lasts longer than the first of these moments"
    assert done.files == whole


@pytest.mark.skipif(count_cores() < 2, reason="two Dask workers need two cores")
@pytest.mark.slow
def test_dask_interrupted_run_ends_with_its_workers(scenes: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(scenes, tmp_path / "run", "--workers", "2"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - nothing here holds a lock
    )
    deadline = time.monotonic() + PATIENCE_S
    while not finished_shards(tmp_path / "run") and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = find_workers(process.pid)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode == 130, said
    assert said.endswith("Interrupted. The same command goes on from here.\n")
    assert "Traceback" not in said
    assert len(workers) == 2
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert finished_shards(tmp_path / "run"), "finished shards are kept"


def finished_shards(run: Path) -> list[Path]:
    """Without those that are being written: a folder gets its number as a whole name only when it is finished."""
    return [path.parent for path in (run / "stages").glob("encode-*/shard-[0-9][0-9][0-9][0-9][0-9]/manifest.json")]

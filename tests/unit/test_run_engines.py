from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from miner.config import RunConfig
from miner.errors import ExecutorError
from miner.run import engines, executor
from miner.run.baseline_stages import CELLS
from miner.run.engines import agree_on_engine, work_with
from miner.run.executor import LocalExecutor
from miner.run.stage import identify
from miner.run.visual_stages import ENCODE
from miner.store.artefact import Artefact

if TYPE_CHECKING:
    from pathlib import Path

    from miner.run.stage import Stage


def run_on(engine: str, monkeypatch: pytest.MonkeyPatch) -> LocalExecutor:
    monkeypatch.setattr(executor, "name_engine", lambda: engine)
    monkeypatch.setattr(engines, "name_engine", lambda: engine)
    return LocalExecutor(1)


@pytest.mark.parametrize("stage", [ENCODE, CELLS])
def test_engines_of_different_kinds_have_different_keys(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = {"read": Artefact(tmp_path, {"key": "0" * 32})}
    keys = {
        engine: identify(stage, RunConfig(), None, read, run_on(engine, monkeypatch)).key  # type: ignore[arg-type]
        for engine in ("onnx", "torch cuda", "torch rocm", "torch mps")
    }
    assert len(set(keys.values())) == 4


def test_engines_enter_the_key_of_a_cpu_as_they_always_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = {"read": Artefact(tmp_path, {"key": "0" * 32})}
    identity = identify(ENCODE, RunConfig(), None, read, run_on("onnx", monkeypatch))  # type: ignore[arg-type]
    assert identity.parameters["engine"] == "onnx"
    assert list(identity.parameters) == [*ENCODE.settings, "engine", "libraries"]


def test_engines_of_workers_that_differ_are_refused_by_name() -> None:
    assert agree_on_engine({"tcp://a:1": "torch cuda", "tcp://b:1": "torch cuda"}) == "torch cuda"
    mixed = {"tcp://a:1": "torch cuda", "tcp://b:1": "onnx", "tcp://c:1": "torch cuda"}
    with pytest.raises(ExecutorError, match="'onnx' on tcp://b:1, 'torch cuda' on tcp://a:1") as caught:
        agree_on_engine(mixed)
    assert "CUDA_VISIBLE_DEVICES=" in str(caught.value.hint)


def test_engines_of_a_worker_that_joins_later_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    run_on("onnx", monkeypatch)
    assert work_with("onnx", abs, -1) == 1
    with pytest.raises(ExecutorError, match="with 'onnx', the others do with 'torch cuda'"):
        work_with("torch cuda", abs, -1)
    run_on("torch cuda", monkeypatch)
    assert work_with("torch cuda", abs, -1) == 1
    assert work_with("onnx", abs, -1) == 1

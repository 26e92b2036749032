from __future__ import annotations

import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from torch import nn

from miner.visual import export, network
from miner.visual.engine import OnnxEngine
from miner.visual.network import ItemMaps
from miner.visual.registry import load_backbone

if TYPE_CHECKING:
    from pathlib import Path

    from miner.visual.backbone import Backbone

LITE0 = load_backbone("efficientnet-lite0")


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put a network of one convolution in place of the real one, and list what is exported."""
    built: list[str] = []

    def build(backbone: Backbone) -> ItemMaps:
        built.append(backbone.name)
        return ItemMaps(nn.Sequential(nn.Conv2d(3, 2, kernel_size=32, stride=32)), "0").eval()

    monkeypatch.setattr(network, "build_network", build)
    return built


def test_export_happens_once(tmp_path: Path, exports: list[str]) -> None:
    first = export.read_exported(LITE0, tmp_path)
    assert export.read_exported(LITE0, tmp_path) == first
    assert exports == ["efficientnet-lite0"]


def test_export_leaves_no_temporary_file(tmp_path: Path, exports: list[str]) -> None:
    export.read_exported(LITE0, tmp_path)
    assert exports
    assert {path.suffix for path in tmp_path.iterdir()} <= {".onnx", ".lock"}


def test_export_of_another_description_is_another_file(tmp_path: Path, exports: list[str]) -> None:
    export.read_exported(LITE0, tmp_path)
    export.read_exported(load_backbone("efficientnet-lite1"), tmp_path)
    assert exports == ["efficientnet-lite0", "efficientnet-lite1"]


def test_export_that_is_damaged_is_made_again(
    tmp_path: Path, exports: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    whole = export.read_exported(LITE0, tmp_path)
    (path,) = tmp_path.glob("*.onnx")
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with caplog.at_level(logging.WARNING):
        assert len(export.read_exported(LITE0, tmp_path)) == len(whole)
    assert len(exports) == 2
    assert "is damaged" in caplog.text


def test_export_works_without_a_cache_that_can_be_written(
    tmp_path: Path, exports: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        assert export.read_exported(LITE0, in_the_way / "onnx")
    assert exports
    assert "cannot keep the exported network" in caplog.text


def test_export_happens_once_when_threads_ask_together(tmp_path: Path, exports: list[str]) -> None:
    together = threading.Barrier(2)

    def ask(_: int) -> bytes:
        together.wait(timeout=30)
        return export.read_exported(LITE0, tmp_path)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(ask, range(2))
    assert first == second
    assert len(exports) == 1


def test_export_once_made_is_used_without_torch(tmp_path: Path, exports: list[str]) -> None:
    export.read_exported(LITE0, tmp_path)
    assert exports
    script = f"""
import sys, pathlib, numpy
from miner.visual.registry import load_backbone
from miner.visual.engine import OnnxEngine
import miner.visual.encode, miner.visual.groups
engine = OnnxEngine(load_backbone("efficientnet-lite0"), cache_dir=pathlib.Path({str(tmp_path)!r}))
maps = engine.forward(numpy.zeros((1, 3, 224, 224), numpy.float32))
sys.exit(f"torch was imported, {{maps.filters.shape}}" if "torch" in sys.modules else 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_export_runs_on_any_number_of_images(tmp_path: Path, exports: list[str]) -> None:
    engine = OnnxEngine(LITE0, cache_dir=tmp_path)
    assert exports
    for n in (1, 3):
        maps = engine.forward(np.ones((n, 3, 224, 224), np.float32))
        assert (maps.filters.shape, maps.classes.shape) == ((n, 2, 7, 7), (n, 0, 7, 7))

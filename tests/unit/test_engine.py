from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from miner.visual import engine
from miner.visual.activations import random_projection, summarise
from miner.visual.backbone import BACKBONES
from miner.visual.engine import OnnxEngine, TorchEngine, open_engine, shared_engine
from miner.visual.images import cut, decode_image, fit, normalise
from miner.visual.registry import load_backbone
from tests.pictures import PHOTOGRAPHS, draw_scene, to_bytes

if TYPE_CHECKING:
    from miner.visual.activations import Maps
    from miner.visual.backbone import Backbone
    from miner.visual.engine import Engine, EngineKind, Float32

LITE0 = load_backbone("efficientnet-lite0")


@cache
def opened(kind: EngineKind, backbone: Backbone = LITE0) -> Engine:
    return open_engine(backbone, kind=kind)


def as_batch(files: list[bytes], backbone: Backbone = LITE0) -> Float32:
    return np.stack([fit(decode_image(data, max_pixels=10**7), backbone)[0] for data in files])


def drawn(n: int, backbone: Backbone = LITE0) -> Float32:
    return as_batch([to_bytes(draw_scene(seed)) for seed in range(n)], backbone)


def assert_agree(reference: Maps, found: Maps) -> None:
    assert np.abs(reference.filters - found.filters).max() <= 1e-3
    assert reference.classes.shape == found.classes.shape
    assert reference.classes.std() > 0.5
    assert np.abs(reference.classes - found.classes).max() <= 1e-3


def test_engine_onnx_and_torch_agree_on_photographs() -> None:
    if not PHOTOGRAPHS.is_dir():
        pytest.skip("no photographs: shared/data/coco-dev is not beside the project")
    batch = as_batch([path.read_bytes() for path in islice(sorted(PHOTOGRAPHS.iterdir()), 12)])
    reference, found = opened("torch").forward(batch), opened("onnx").forward(batch)
    assert reference.filters.max() > 10  # above what the activation would have let through
    assert_agree(reference, found)


@pytest.mark.parametrize("name", sorted(name for name, row in BACKBONES.items() if row.weights.package))
def test_engine_onnx_and_torch_agree_on_drawings(name: str) -> None:
    backbone = load_backbone(name)
    if find_spec(backbone.weights.package) is None:
        pytest.skip(f"{backbone.weights.distribution} is not installed (optional)")
    batch = drawn(3, backbone)
    reference, found = opened("torch", backbone).forward(batch), opened("onnx", backbone).forward(batch)
    assert reference.filters.max() > 1
    assert_agree(reference, found)


@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_engine_summary_is_that_of_its_maps(kind: EngineKind) -> None:
    """Computed inside the network, but for the last digits the same as from the maps that come out of it."""
    pixels = np.stack([cut(decode_image(to_bytes(draw_scene(seed)), max_pixels=10**7), LITE0)[0] for seed in range(3)])
    projection = random_projection(1280, 32, 0)
    found = opened(kind).summarise(pixels, projection)
    expected = summarise(opened(kind).forward(normalise(pixels, LITE0)), projection)
    assert found.cells.dtype == expected.cells.dtype
    assert (found.cells == expected.cells).mean() > 0.9999
    for name in ("maxima", "pooled", "projected"):
        mine, theirs = (np.asarray(getattr(each, name), np.float32) for each in (found, expected))
        assert mine.shape == theirs.shape
        assert np.abs(mine - theirs).max() <= 2e-2


def test_engine_summary_bytes_do_not_depend_on_the_rest_of_the_batch() -> None:
    pixels = np.stack([cut(decode_image(to_bytes(draw_scene(seed)), max_pixels=10**7), LITE0)[0] for seed in range(4)])
    projection = random_projection(1280, 32, 0)
    together = opened("onnx").summarise(pixels, projection)
    alone = opened("onnx").summarise(pixels[2:3], projection)
    for name in ("maxima", "cells", "pooled", "projected"):
        assert np.array_equal(getattr(together, name)[2], getattr(alone, name)[0])


def test_engine_first_cell_of_equals_counts() -> None:
    """A picture of one colour: where maps are flat, torch and ONNX Runtime name the same cell."""
    pixels = np.full((1, 224, 224, 3), 127, np.uint8)
    projection = random_projection(1280, 8, 0)
    found = [opened(kind).summarise(pixels, projection) for kind in ("onnx", "torch")]
    dead = (found[0].maxima[0] == 0) & (found[1].maxima[0] == 0)
    assert dead.sum() > 20
    assert not any(each.cells[0, dead].any() for each in found)


def test_engine_bytes_do_not_depend_on_the_rest_of_the_batch() -> None:
    batch = drawn(4)
    together = opened("onnx").forward(batch)
    turned, alone = opened("onnx").forward(batch[::-1].copy()), opened("onnx").forward(batch[2:3])
    for whole, backwards, one in zip(together, turned, alone, strict=True):
        assert np.array_equal(backwards[::-1], whole)
        assert np.array_equal(one[0], whole[2])


def test_engine_label_names_library_and_device() -> None:
    assert opened("onnx").label.startswith("onnxruntime ")
    assert opened("torch").label.split()[-1] in {"cpu", "cuda", "mps"}


def test_engine_is_opened_once_for_threads_that_ask_together(monkeypatch: pytest.MonkeyPatch) -> None:
    opened_ones: list[Engine] = []

    def open_slowly(backbone: Backbone, *, kind: EngineKind) -> Engine:
        time.sleep(0.1)
        opened_ones.append(opened(kind, backbone))
        return opened_ones[-1]

    monkeypatch.setattr(engine, "_engines", {})
    monkeypatch.setattr(engine, "open_engine", open_slowly)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: shared_engine(LITE0, "onnx"), range(4)))
    assert len(opened_ones) == 1
    assert all(each is opened_ones[0] for each in found)


def test_engine_of_another_network_of_the_same_name_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_engines", {})
    monkeypatch.setattr(engine, "open_engine", lambda backbone, *, kind: SimpleNamespace(label=f"{kind} {backbone}"))
    other = replace(LITE0, weights=replace(LITE0.weights, sha256="0" * 64))
    assert shared_engine(LITE0, "onnx") is not shared_engine(other, "onnx")
    assert shared_engine(LITE0, "onnx") is shared_engine(replace(LITE0), "onnx")


@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_engine_gives_threads_that_share_it_the_bytes_of_one(kind: EngineKind) -> None:
    pixels = [
        cut(decode_image(to_bytes(draw_scene(seed)), max_pixels=10**7), LITE0)[0][None].copy() for seed in range(4)
    ]
    shared = opened(kind)

    def look(picture: int) -> list[bytes]:
        # every thread makes its own projection, as it may in a worker
        found = shared.summarise(pixels[picture], random_projection(1280, 8, 0))
        maps = shared.forward(normalise(pixels[picture], LITE0))
        return [found.maxima.tobytes(), found.cells.tobytes(), found.projected.tobytes(), maps.filters.tobytes()]

    alone = [look(picture) for picture in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(look, [0, 1, 2, 3] * 3)) == alone * 3


@pytest.mark.parametrize(("device", "expected"), [("cuda", TorchEngine), ("mps", TorchEngine), ("cpu", OnnxEngine)])
def test_engine_follows_the_accelerator(device: str, expected: type[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs of an accelerator count only if torch can use it; the network itself stays on the CPU here."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(engine, "_GRAPHICS_DEVICES", ("/",))
    monkeypatch.setattr(engine, "_best_device", lambda: device)
    assert engine.choose_engine() == ("torch" if expected is TorchEngine else "onnx")


@pytest.mark.parametrize(("device", "name"), [("cuda", "torch cuda"), ("mps", "torch mps"), ("cpu", "onnx")])
def test_engine_is_named_with_its_kind_of_device(device: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(engine, "_GRAPHICS_DEVICES", ("/",))
    monkeypatch.setattr(engine, "_best_device", lambda: device)
    assert engine.name_engine() == name


def test_engine_without_signs_of_an_accelerator_is_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(engine, "_GRAPHICS_DEVICES", ())
    monkeypatch.setattr("shutil.which", lambda _name: None)
    monkeypatch.setattr(engine, "_best_device", lambda: pytest.fail("torch was asked"))
    assert engine.choose_engine() == "onnx"

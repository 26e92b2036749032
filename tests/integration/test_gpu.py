"""What only a machine with a GPU can show. Without one every test here is skipped, with the reason in pytest's summary."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from miner.config import VisualConfig
from miner.visual.encode import encode_shard
from miner.visual.engine import choose_engine
from miner.visual.filters import fire_items
from miner.visual.registry import load_backbone
from tests.pictures import PHOTOGRAPHS, MemorySource, draw_scene, to_bytes

if TYPE_CHECKING:
    from miner.visual.encode import EncodedShard
    from miner.visual.engine import EngineKind

pytestmark = pytest.mark.skipif(
    choose_engine() != "torch", reason="NO GPU: nothing of CUDA or MPS is tested here; run this file where there is one"
)
N_PICTURES = 400


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    if PHOTOGRAPHS.is_dir():
        return {path.name: path.read_bytes() for path in islice(sorted(PHOTOGRAPHS.iterdir()), N_PICTURES)}
    return {f"{seed}.jpg": to_bytes(draw_scene(seed), "JPEG", quality=92) for seed in range(N_PICTURES)}


def encode(files: dict[str, bytes], kind: EngineKind) -> EncodedShard:
    rows = pa.table({"record": list(files), "image": list(files)})
    return encode_shard(rows, MemorySource(files), VisualConfig(), kind=kind)


def test_gpu_fires_the_same_items_in_the_same_cells(files: dict[str, bytes]) -> None:
    marks, shards = [], [encode(files, "onnx"), encode(files, "torch")]
    assert shards[1].device.split()[-1] in {"cuda", "mps"}
    for shard in shards:
        maxima = shard.activations.maxima
        _, fired = fire_items(maxima, np.arange(len(maxima)), load_backbone("efficientnet-lite0"), VisualConfig())
        mark = np.zeros(maxima.shape, bool)
        mark[np.repeat(np.arange(len(maxima)), np.diff(fired.indptr)), fired.indices] = True
        marks.append(mark)
    both = marks[0] & marks[1]
    assert both.sum() / (marks[0] | marks[1]).sum() >= 0.999
    assert (shards[0].activations.cells == shards[1].activations.cells)[both].mean() >= 0.999


def test_gpu_gives_the_same_bytes_twice(files: dict[str, bytes]) -> None:
    one, two = (encode(files, "torch").activations for _ in range(2))
    for name in ("maxima", "cells", "pooled", "projected"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()

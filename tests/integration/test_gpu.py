"""What only a machine with a GPU can show. Without one every test here is skipped, with the reason in pytest's summary."""

from __future__ import annotations

import pytest

from miner.visual.engine import choose_engine
from tests.pictures import agreement, encode_files, photographs

pytestmark = pytest.mark.skipif(
    choose_engine() != "torch", reason="NO GPU: nothing of CUDA or MPS is tested here; run this file where there is one"
)
N_PICTURES = 400


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return photographs(N_PICTURES)


def test_gpu_fires_the_same_items_in_the_same_cells(files: dict[str, bytes]) -> None:
    here, there = encode_files(files, "onnx"), encode_files(files, "torch")
    assert there.device.split()[-1] in {"cuda", "mps"}
    assert min(agreement(here, there)) >= 0.999


def test_gpu_gives_the_same_bytes_twice(files: dict[str, bytes]) -> None:
    one, two = (encode_files(files, "torch").activations for _ in range(2))
    for name in ("maxima", "cells", "pooled", "projected"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()

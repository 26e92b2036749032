"""A run starts, parses captions and encodes pictures without loading torch, unless a network must be exported."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT_TORCH = """
import io, sys
import pyarrow as pa
from PIL import Image
import miner.run.job
from miner.config import VisualConfig
from miner.run.visual_stages import encode_records
from miner.text.captions import CaptionOptions, parse_captions
from miner.text.pipeline import resolve_pipeline
from miner.visual.engine import choose_engine

class Source:
    def open(self, image):
        with io.BytesIO() as file:
            Image.new("RGB", (300, 300), (9, 99, 200)).save(file, "JPEG")
            return file.getvalue()

assert parse_captions(["a"], [["A dog runs."]], CaptionOptions(resolve_pipeline()))["lemmas"].to_pylist() == [["a", "dog", "run", "."]]
nothing = pa.array([None], pa.string())
rows = pa.table({"record": ["a"], "image": ["a.jpg"], "status": ["ok"], "code": nothing, "reason": nothing})
kind = choose_engine()
for _ in range(2):
    shard = encode_records(rows, source=Source(), config=VisualConfig(), seed=0, kind=kind)
assert shard.images["status"].to_pylist() == ["ok"]
sys.stdout.write(f"{kind} {'torch' in sys.modules}")
"""


def test_lean_start_imports_no_torch_where_the_network_is_exported_already() -> None:
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=True)
    if done.stdout.startswith("torch"):
        pytest.skip("torch runs the network on this machine's accelerator")
    assert done.stdout == "onnx False"


def test_lean_spacy_leaves_torch_importable() -> None:
    code = "from miner.text.lean import spacy; import torch; print(torch.__name__, spacy.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "torch spacy\n"

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
from rich.console import Console

from miner.config import RunConfig
from miner.run.account import EncodingAccount
from miner.run.executor import LocalExecutor
from miner.run.pipeline import Pipeline
from miner.run.progress import OnConsole
from miner.run.visual_stages import ENCODE
from miner.store.artefact import ArtefactStore
from miner.visual.activations import no_activations
from miner.visual.encode import IMAGES, EncodedShard
from tests.pictures import MemorySource, draw_scene, to_bytes

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def shard(device: str, **elapsed_s: float) -> EncodedShard:
    return EncodedShard(IMAGES.empty_table(), no_activations(1, 0, 1, 1), device, elapsed_s)


def test_account_gives_shares_of_all_shards_and_every_device() -> None:
    account = EncodingAccount()
    assert account.line() == ""
    account.add(shard("onnxruntime 1.30 cpu", network=6.0, decode=1.0))
    account.add(shard("onnxruntime 1.30 cpu", network=1.0, decode=1.0))
    account.add(shard("torch 2.9 cuda", network=1.0))
    assert account.line() == ("on onnxruntime 1.30 cpu, torch 2.9 cuda; time of all threads: network 80%, decode 20%")


class Drawn:
    """A corpus of drawings."""

    def __init__(self, n: int) -> None:
        files = {f"{seed}.jpg": to_bytes(draw_scene(seed, (320, 240)), "JPEG") for seed in range(n)}
        self.images = MemorySource(files)
        nothing = pa.nulls(n, pa.string())
        columns = {
            "record": list(files),
            "image": list(files),
            "status": ["ok"] * n,
            "code": nothing,
            "reason": nothing,
        }
        self.records = pa.table(columns)


def test_a_run_says_how_fast_on_what_and_with_which_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miner.run.progress.SLOW_S", 0.0)
    said = io.StringIO()
    progress = OnConsole(Console(file=said, width=200))
    config = RunConfig.model_validate({"visual": {"shard_size": 2}})
    pipeline = Pipeline(ArtefactStore(tmp_path), config, Drawn(4), LocalExecutor(1), progress, 1)  # type: ignore[arg-type]
    pipeline.run([replace(ENCODE, inputs=())])
    speed, shares = said.getvalue().strip().splitlines()
    assert speed.startswith("encode: ")
    assert "4 images at " in speed
    assert shares.startswith(("encode: on onnxruntime ", "encode: on torch "))
    assert {"network", "decode", "cut", "hash", "read"} <= set(shares.replace(":", " ").split())

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from miner.run import encoded as encoded_pictures
from miner.run.encoded import Encoded
from miner.store.artefact import Artefact
from miner.store.formats import write_array
from tests.pictures import stored_rows


def test_rows_of_shards_are_those_of_the_joined_array(tmp_path: Path) -> None:
    whole = np.arange(60, dtype=np.float16).reshape(10, 3, 2)
    chosen = np.array([0, 2, 3, 4, 7, 9])
    found = stored_rows(tmp_path, [whole[:3], whole[3:3], whole[3:4], whole[4:]], chosen)
    assert (len(found), found.shape) == (6, (6, 3, 2))
    for wanted in ([0, 1, 2, 3, 4, 5], [5, 0, 0, 2], [], [1]):
        rows = np.array(wanted, dtype=np.int64)
        np.testing.assert_array_equal(found[rows], whole[chosen[rows]])
    assert found[np.array([1])].dtype == np.float16


def test_rows_of_shards_can_be_changed_without_changing_the_shards(tmp_path: Path) -> None:
    kept = stored_rows(tmp_path, [np.zeros((4, 2))], np.arange(4))
    rows = kept[np.array([1])]
    rows += 1
    assert not kept[np.arange(4)].any()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux lists what a process has mapped")
def test_encoded_pictures_of_many_shards_keep_few_of_them_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system allows a process some 65,000 maps; a corpus has four for each shard."""
    monkeypatch.setattr(encoded_pictures, "N_OPEN", 3)
    names = ("maxima", "cells", "pooled", "projected")
    for shard in range(50):
        (tmp_path / f"shard-{shard:05d}").mkdir()
        for name in names:
            write_array(tmp_path / f"shard-{shard:05d}" / f"{name}.npy", np.full((2, 3), shard, np.float16))
    files: dict[str, object] = {f"shard-{shard:05d}/{name}.npy": {} for shard in range(50) for name in names}
    encoded = Encoded(Artefact(tmp_path, {"files": files}))
    assert encoded.n_rows == 100
    rows = [encoded.rows(name, np.arange(100)) for name in names]
    for each in rows:
        assert each[np.arange(100)][:, 0].tolist() == [shard for shard in range(50) for _ in range(2)]
    assert Path("/proc/self/maps").read_text().count(str(tmp_path)) == 4 * 3


def test_encoded_pictures_of_no_shard_are_none(tmp_path: Path) -> None:
    assert Encoded(Artefact(tmp_path, {"files": {}})).n_rows == 0

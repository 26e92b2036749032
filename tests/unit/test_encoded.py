from __future__ import annotations

import numpy as np

from miner.run.encoded import ShardRows


def test_rows_of_shards_are_those_of_the_joined_array() -> None:
    whole = np.arange(60, dtype=np.float16).reshape(10, 3, 2)
    chosen = np.array([0, 2, 3, 4, 7, 9])
    found = ShardRows([whole[:3], whole[3:3], whole[3:4], whole[4:]], chosen)
    assert (len(found), found.shape) == (6, (6, 3, 2))
    for wanted in ([0, 1, 2, 3, 4, 5], [5, 0, 0, 2], [], [1]):
        rows = np.array(wanted, dtype=np.int64)
        np.testing.assert_array_equal(found[rows], whole[chosen[rows]])
    assert found[np.array([1])].dtype == np.float16


def test_rows_of_shards_can_be_changed_without_changing_the_shards() -> None:
    whole = np.zeros((4, 2))
    rows = ShardRows([whole], np.arange(4))[np.array([1])]
    rows += 1
    assert not whole.any()

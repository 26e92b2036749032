from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from miner.visual.strongest import NONE, strongest_filters


def test_strongest_filters_of_each_cell_by_hand() -> None:
    # three filters, one row of four cells
    maps = np.array([[[5, 0, 1, 0]], [[4, 2, 1, 0]], [[9, 3, 1, 0]]], dtype=np.float32)
    assert strongest_filters(maps, 2).tolist() == [[0, 2], [1, 2], [0, 1], [NONE, NONE]]


@given(arrays.arrays(np.float32, (6, 2, 2), elements=st.sampled_from([0.0, 0.5, 1.0, 2.0])), st.integers(1, 6))
def test_strongest_filters_are_the_first_of_a_stable_sort(
    maps: np.ndarray[tuple[int, ...], np.dtype[np.float32]], k: int
) -> None:
    for cell, found in enumerate(strongest_filters(maps, k)):
        values = maps.reshape(6, 4)[:, cell]
        expected = sorted(item for item in np.argsort(-values, kind="stable")[:k].tolist() if values[item] > 0)
        assert found.tolist() == expected + [NONE] * (k - len(expected))

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from miner.visual.filters import Fired, fired, fired_top_k, fit_thresholds
from miner.visual.geometry import Geometry
from miner.visual.quantiles import in_chunks, select

Maxima = npt.NDArray[np.float16]

shapes = st.tuples(st.integers(1, 60), st.integers(1, 6))
# few distinct values, so that ties are common; and many, so that they are rare
tied = arrays.arrays(np.float16, shapes, elements=st.sampled_from([0, 0.5, 1, 2, 7]))
spread = arrays.arrays(np.float16, shapes, elements=st.floats(0, 100, width=16))
signed = arrays.arrays(np.float16, shapes, elements=st.floats(-60_000, 60_000, width=16))
shares = st.floats(0.01, 0.9)


def per_filter(found: Fired, n_filters: int) -> npt.NDArray[np.int64]:
    return np.bincount(found.indices, minlength=n_filters)


@given(st.one_of(tied, spread), shares)
def test_filters_fire_in_the_asked_share_or_less_where_values_are_equal(maxima: Maxima, share: float) -> None:
    m = len(maxima)
    counts = per_filter(fired(maxima, fit_thresholds(maxima, fires_top=share)), maxima.shape[1])
    for values, count in zip(maxima.T, counts, strict=True):
        assert count <= share * m + 1
        larger = np.sort(values)[::-1]
        # not fewer than it must be: with one more picture it would be over, or there is a tie, or zero
        ties = count < m and np.count_nonzero(values == larger[count]) > 1
        assert count >= share * m - 1 or ties or larger[count] == 0


@given(st.integers(1, 80), shares, st.randoms(use_true_random=False))
def test_filters_of_distinct_values_fire_in_the_asked_share(m: int, share: float, random: object) -> None:
    order = np.random.default_rng(random.getrandbits(32)).permutation(m)  # type: ignore[attr-defined]
    maxima = (order + 1).astype(np.float16)[:, None]
    count = len(fired(maxima, fit_thresholds(maxima, fires_top=share)).indices)
    if m > 1:
        assert abs(count / m - share) <= 1 / m


@given(st.one_of(tied, signed), st.floats(0, 1))
def test_values_found_by_counting_are_those_of_sorting(maxima: Maxima, share: float) -> None:
    place = round(share * (len(maxima) - 1))
    found, largest = select(in_chunks(maxima, np.arange(len(maxima))), place, maxima.shape[1])
    ordered = np.sort(maxima.astype(np.float32), axis=0)
    assert np.array_equal(found, ordered[place])
    assert np.array_equal(largest, ordered[-1])


@given(tied)
def test_filters_that_are_dead_never_fire(maxima: Maxima) -> None:
    maxima[:, 0] = 0
    thresholds = fit_thresholds(maxima, fires_top=0.3)
    assert 0 not in fired(maxima + np.float16(5), thresholds).indices


@given(st.one_of(tied, spread), shares)
def test_filters_fired_are_the_sparse_form_of_the_comparison(maxima: Maxima, share: float) -> None:
    thresholds = fit_thresholds(maxima, fires_top=share)
    found = fired(maxima, thresholds)
    assert (found.indptr.dtype.name, found.indices.dtype.name) == ("int64", "int32")
    assert len(found.indptr) == len(maxima) + 1
    for row, values in enumerate(maxima):
        indices = found.indices[found.indptr[row] : found.indptr[row + 1]]
        assert indices.tolist() == np.flatnonzero(values.astype(np.float32) > thresholds).tolist()


@given(st.one_of(tied, spread), st.integers(1, 8))
def test_filters_top_k_are_the_largest(maxima: Maxima, k: int) -> None:
    found = fired_top_k(maxima, k)
    for row, values in enumerate(maxima):
        indices = found.indices[found.indptr[row] : found.indptr[row + 1]]
        assert len(indices) == min(k, np.count_nonzero(values))
        assert indices.tolist() == sorted(indices.tolist())
        rest = np.delete(values, indices)
        assert not len(indices) or not len(rest) or values[indices].min() >= rest.max()


sizes = st.integers(1, 20_000)
edges = st.floats(0, 1)


@given(sizes, sizes, edges, edges, edges, edges)
def test_geometry_maps_there_and_back(width: int, height: int, a: float, b: float, c: float, d: float) -> None:
    side = min(width, height) * 224 / 256
    geometry = Geometry(width, height, (width - side) / 2, (height - side) / 2, side / 224, 224, 32)
    box = (224 * min(a, b), 224 * min(c, d), 224 * max(a, b), 224 * max(c, d))
    original = geometry.to_original(box)
    assert 0 <= original[0] <= original[2] <= width
    assert 0 <= original[1] <= original[3] <= height
    # a sub-pixel of the input: of a very long picture the place has few digits left
    assert np.allclose(geometry.to_input(original), box, atol=1e-6 * max(1, width / side, height / side))


@given(sizes, sizes)
def test_geometry_cells_tile_what_the_network_sees(width: int, height: int) -> None:
    side = min(width, height) * 224 / 256
    geometry = Geometry(width, height, (width - side) / 2, (height - side) / 2, side / 224, 224, 32)
    boxes = [geometry.cell_box(cell) for cell in range(49)]
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in boxes]
    assert np.isclose(sum(areas), side**2)
    assert np.allclose(boxes[0][:2], (geometry.left, geometry.top))

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from miner.run.drift import LEAST_EFFECT, measure_shift


def drawn(rng: np.random.Generator, n: int, shares: np.ndarray) -> np.ndarray:
    return (rng.random((n, len(shares))) < shares).astype(np.float64)


def test_shift_of_one_property_is_cohens_d_less_chance() -> None:
    # old 2 of 8, new 6 of 8: d = 0.5, s^2 = 0.25, chance = 0.25 * 0.25
    column = np.array([1.0] * 2 + [0.0] * 6 + [1.0] * 6 + [0.0] * 2)[:, None]
    shift = measure_shift(sparse.csr_array(column), np.arange(16) >= 8, seed=0)
    assert shift.effect == pytest.approx(np.sqrt((0.25 - 0.25 * 0.25) / 0.25))
    assert shift.worst == ((0, 0.25, 0.75),)


def test_shift_of_random_halves_is_small_and_rarely_significant() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(40):
        rows = drawn(rng, 200, np.full(60, 0.05))
        found.append(measure_shift(sparse.csr_array(rows), rng.random(200) < 0.5, seed=0))
    assert not any(shift.drifts for shift in found)
    assert np.mean([shift.p_value for shift in found]) > 0.3


def test_shift_finds_another_kind_of_record_and_names_what_changed() -> None:
    rng = np.random.default_rng(1)
    usual = np.full(60, 0.05)
    other = usual.copy()
    other[7] = 0.6
    rows = np.concatenate([drawn(rng, 400, usual), drawn(rng, 100, other)])
    shift = measure_shift(sparse.csr_array(rows), np.arange(500) >= 400, seed=0)
    assert shift.drifts
    assert shift.effect > LEAST_EFFECT
    assert shift.worst[0][0] == 7


def test_shift_of_constant_properties_is_none() -> None:
    shift = measure_shift(sparse.csr_array(np.ones((10, 3))), np.arange(10) >= 5, seed=0)
    assert (shift.effect, shift.p_value, shift.drifts) == (0.0, 1.0, False)

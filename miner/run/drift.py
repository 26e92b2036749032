"""Whether new records are of the kind a run was calibrated on: a two-sample test with an effect size.

For each property of a record (a visual item fires, a text item is said, an event type is given, share of unknown words) the
means of the old and the new part differ by d, of which s^2 (1/n + 1/n') is expected of chance alone, s^2 being its variance.
The effect is what remains, in units of the standard deviation, over all properties together:

    effect = sqrt(max(0, sum(d^2 - s^2 (1/n + 1/n')) / sum(s^2)))

0 where both parts are alike, whatever their sizes; 0.2 is "small" and 0.5 "medium" after Cohen (1988), whose d it is for a
single property. Its p-value is the share of random divisions into parts of the same sizes with at least this effect, which
makes no assumption on how the properties depend on each other.

Sources: J. Cohen, "Statistical power analysis for the behavioral sciences" (1988), section 2.2; E. J. G. Pitman,
"Significance tests which may be applied to samples from any populations" (1937), for the permutation test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy import sparse

Flags: TypeAlias = "npt.NDArray[np.bool_]"
Floats: TypeAlias = "npt.NDArray[np.float64]"

LEAST_EFFECT = 0.05
"""Random halves of flickr-dev reach 0.005 on visual items, pictures of coco-dev 0.10 to 0.11, of news-dev 0.13."""
MOST_P = 0.002
N_DIVISIONS = 999
MOST_ROWS = 5_000
N_WORST = 5


@dataclass(frozen=True)
class Shift:
    """How one kind of property differs between old and new records.

    Attributes:
        effect: Of the module's formula.
        p_value: Share of random divisions with at least this effect, the observed one included.
        worst: Properties that differ most in units of their standard deviation: number, old mean, new mean.
    """

    effect: float
    p_value: float
    worst: tuple[tuple[int, float, float], ...]

    @property
    def drifts(self) -> bool:
        """Whether the parts differ, and by enough to matter."""
        return self.effect >= LEAST_EFFECT and self.p_value <= MOST_P


def measure_shift(properties: sparse.csr_array, is_new: Flags, *, seed: int) -> Shift:
    """Compare new records with old ones.

    Args:
        properties: (n, k): what each record has, mostly 0 or 1.
        is_new: (n,): which records are new; there are old and new ones.
        seed: Of the divisions, and of the records that are looked at where a part has more than `MOST_ROWS`.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(np.concatenate([_some(np.flatnonzero(is_new == part), rng) for part in (False, True)]))
    chosen, new = properties[rows].astype(np.float64), is_new[rows]
    divisions = np.stack([new, *(rng.permutation(new) for _ in range(N_DIVISIONS))], axis=1).astype(np.float64)
    n_new = int(new.sum())
    n_old = len(new) - n_new
    totals = np.asarray(chosen.sum(axis=0)).ravel()
    new_means = (chosen.T @ divisions) / n_new
    old_means = (totals[:, None] - new_means * n_new) / n_old
    mean = totals / len(new)
    variances = np.asarray(chosen.multiply(chosen).sum(axis=0)).ravel() / len(new) - mean**2
    effects = _effects(new_means - old_means, variances, 1 / n_old + 1 / n_new)
    distance = np.abs(new_means[:, 0] - old_means[:, 0]) / np.sqrt(np.maximum(variances, 1e-12))
    worst = np.argsort(-distance, kind="stable")[:N_WORST]
    p_value = float(np.mean(effects >= effects[0]))
    described = tuple((int(k), float(old_means[k, 0]), float(new_means[k, 0])) for k in worst if distance[k] > 0)
    return Shift(float(effects[0]), p_value, described)


def _some(rows: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    return rows if len(rows) <= MOST_ROWS else rng.choice(rows, MOST_ROWS, replace=False)


def _effects(differences: Floats, variances: Floats, chance: float) -> Floats:
    """Give the effect of each division; a column of `differences` each."""
    total = float(variances.sum())
    if total <= 0:
        return np.zeros(differences.shape[1])
    explained = ((differences**2).sum(axis=0) - total * chance) / total
    effects: Floats = np.sqrt(np.maximum(explained, 0.0))
    return effects

"""Interest measures of a rule t -> y from four counts; one function each, elementwise over arrays.

Arguments of every function, whole numbers or arrays of them that broadcast:

- `both`: votes that match t and have the event type y;
- `antecedent`: votes that match t, > 0;
- `consequent`: votes of y, > 0;
- `total`: all labelled votes, m.

Every measure falls as `antecedent` grows while `both` stays, so its value at `antecedent = both` bounds what any rule with
that class count can reach; top-k mining prunes with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Values: TypeAlias = npt.NDArray[np.float64]
Measure: TypeAlias = Callable[[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike, npt.ArrayLike], Values]


def _floats(*counts: npt.ArrayLike) -> tuple[Values, ...]:
    """Give the counts as float64 arrays of one shape."""
    return tuple(np.broadcast_arrays(*(np.asarray(count, dtype=np.float64) for count in counts)))


def _quotient(numerator: Values, denominator: Values) -> Values:
    """Divide; x / 0 is infinite with the sign of x, and 0 / 0 is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((numerator == 0) & (denominator == 0), 0.0, numerator / denominator)


def support(both: npt.ArrayLike, antecedent: npt.ArrayLike, consequent: npt.ArrayLike, total: npt.ArrayLike) -> Values:
    """Share of votes with t and y: both / m, in [0, 1].

    Source:
        R. Agrawal, T. Imielinski, A. Swami, "Mining association rules" (SIGMOD 1993).
    """
    both, antecedent, consequent, total = _floats(both, antecedent, consequent, total)
    return _quotient(both, total)


def confidence(
    both: npt.ArrayLike, antecedent: npt.ArrayLike, consequent: npt.ArrayLike, total: npt.ArrayLike
) -> Values:
    """Share of the votes with t that have y: both / antecedent, in [0, 1].

    Source:
        Agrawal, Imielinski, Swami (1993).
    """
    both, antecedent, consequent, total = _floats(both, antecedent, consequent, total)
    return _quotient(both, antecedent)


def lift(both: npt.ArrayLike, antecedent: npt.ArrayLike, consequent: npt.ArrayLike, total: npt.ArrayLike) -> Values:
    """Confidence over prior: both m / (antecedent consequent), in [0, m / consequent], 1 = independent.

    Source:
        S. Brin, R. Motwani, J. Ullman, S. Tsur, "Dynamic itemset counting" (SIGMOD 1997), there "interest".
    """
    both, antecedent, consequent, total = _floats(both, antecedent, consequent, total)
    return _quotient(both * total, antecedent * consequent)


def leverage(both: npt.ArrayLike, antecedent: npt.ArrayLike, consequent: npt.ArrayLike, total: npt.ArrayLike) -> Values:
    """Support above independence: both / m - antecedent consequent / m^2, in [-0.25, 0.25].

    Source:
        G. Piatetsky-Shapiro, "Discovery, analysis, and presentation of strong rules" (1991).
    """
    both, antecedent, consequent, total = _floats(both, antecedent, consequent, total)
    return both / total - (antecedent / total) * (consequent / total)


def conviction(
    both: npt.ArrayLike, antecedent: npt.ArrayLike, consequent: npt.ArrayLike, total: npt.ArrayLike
) -> Values:
    """How much more often t would occur without y if they were independent: (1 - P(y)) / (1 - confidence), in [0, inf].

    Infinite where the confidence is 1.

    Source:
        Brin, Motwani, Ullman, Tsur (1997), section 4.
    """
    both, antecedent, consequent, total = _floats(both, antecedent, consequent, total)
    misses = antecedent - both
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(misses == 0, np.inf, (1.0 - consequent / total) / (misses / antecedent))


def zhang(both: npt.ArrayLike, antecedent: npt.ArrayLike, consequent: npt.ArrayLike, total: npt.ArrayLike) -> Values:
    """Leverage over the larger of what it could be either way, in [-1, 1], 0 = independent.

    leverage / max(P(t, y) (1 - P(t)), P(t) (P(y) - P(t, y))); 0 where both are 0.

    Source:
        X. Yan, C. Zhang, S. Zhang, "Confidence metrics for association rule mining" (2009), equation 9.
    """
    both, antecedent, consequent, total = _floats(both, antecedent, consequent, total)
    most = np.maximum(both * (total - antecedent), antecedent * (consequent - both))
    return _quotient(both * total - antecedent * consequent, most)


def jaccard(both: npt.ArrayLike, antecedent: npt.ArrayLike, consequent: npt.ArrayLike, total: npt.ArrayLike) -> Values:
    """Votes with t and y over votes with t or y, in [0, 1].

    Source:
        P.-N. Tan, V. Kumar, J. Srivastava, "Selecting the right objective measure" (2004), table 5.
    """
    both, antecedent, consequent, total = _floats(both, antecedent, consequent, total)
    return _quotient(both, antecedent + consequent - both)


def kulczynski(
    both: npt.ArrayLike, antecedent: npt.ArrayLike, consequent: npt.ArrayLike, total: npt.ArrayLike
) -> Values:
    """Mean of P(y | t) and P(t | y), in [0, 1]; unmoved by votes with neither.

    Source:
        T. Wu, Y. Chen, J. Han, "Re-examination of interestingness measures in pattern mining" (2010), definition 5.
    """
    both, antecedent, consequent, total = _floats(both, antecedent, consequent, total)
    return (_quotient(both, antecedent) + _quotient(both, consequent)) / 2.0


def odds_ratio(
    both: npt.ArrayLike, antecedent: npt.ArrayLike, consequent: npt.ArrayLike, total: npt.ArrayLike
) -> Values:
    """Odds of y with t over odds of y without t, in [0, inf], 1 = independent; 0 where 0 / 0.

    Source:
        Tan, Kumar, Srivastava (2004), table 5.
    """
    both, antecedent, consequent, total = _floats(both, antecedent, consequent, total)
    neither = total - antecedent - consequent + both
    return _quotient(both * neither, (antecedent - both) * (consequent - both))


def growth_rate(
    both: npt.ArrayLike, antecedent: npt.ArrayLike, consequent: npt.ArrayLike, total: npt.ArrayLike
) -> Values:
    """Share of t among votes of y over its share among the others, in [0, inf]; 0 where it is in neither.

    Source:
        G. Dong, J. Li, "Efficient mining of emerging patterns" (KDD 1999), section 1.
    """
    both, antecedent, consequent, total = _floats(both, antecedent, consequent, total)
    return _quotient(both * (total - consequent), (antecedent - both) * consequent)


def wracc(both: npt.ArrayLike, antecedent: npt.ArrayLike, consequent: npt.ArrayLike, total: npt.ArrayLike) -> Values:
    """Weighted relative accuracy: P(t) (P(y | t) - P(y)), in [-0.25, 0.25]; leverage, written for a target class.

    Source:
        N. Lavrac, P. Flach, B. Zupan, "Rule evaluation measures: a unifying view" (ILP 1999), equation 2.
    """
    both, antecedent, consequent, total = _floats(both, antecedent, consequent, total)
    return (antecedent / total) * (_quotient(both, antecedent) - consequent / total)


MEASURES: dict[str, Measure] = {
    "support": support,
    "confidence": confidence,
    "lift": lift,
    "leverage": leverage,
    "conviction": conviction,
    "zhang": zhang,
    "jaccard": jaccard,
    "kulczynski": kulczynski,
    "odds_ratio": odds_ratio,
    "growth_rate": growth_rate,
    "wracc": wracc,
}

"""Tails of the hypergeometric distribution in log space, accurate far below the smallest float.

A population of `n_all` votes holds `n_good` of one kind; a sample of `n_drawn` holds `n_hit` of them. The probability of one
outcome comes from Loader's saddle-point form of the binomial, which keeps some 14 digits where differences of log-gamma
would lose eight at ten million votes; a tail is that term times a sum of ratios, which are exact.

Source: C. Loader, "Fast and Accurate Computation of Binomial Probabilities" (2000), as in R's `dhyper`.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from miner.rules.compiled import compiled

Floats = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

_LOG_2PI = math.log(2.0 * math.pi)
_SMALL = 16
# Errors of Stirling's formula for log n!, n = 0 .. 15 (0 has none: its log factorial is exact).
_STIRLING_ERRORS = np.array(
    [0.0] + [math.lgamma(n + 1.0) - (0.5 * (_LOG_2PI + math.log(n)) + n * math.log(n) - n) for n in range(1, _SMALL)]
)


@compiled
def _stirling_error(n: float) -> float:
    """Give log(n!) minus Stirling's formula."""
    if n < _SMALL:
        return float(_STIRLING_ERRORS[int(n)])
    square = n * n
    return (1 / 12.0 - (1 / 360.0 - (1 / 1260.0 - (1 / 1680.0 - (1 / 1188.0) / square) / square) / square) / square) / n


@compiled
def _deviance(x: float, mean: float) -> float:
    """Give x log(x / mean) + mean - x without cancellation where x is near its mean."""
    if abs(x - mean) < 0.1 * (x + mean):
        ratio = (x - mean) / (x + mean)
        total = (x - mean) * ratio
        term = 2.0 * x * ratio
        step = 1
        while True:
            term *= ratio * ratio
            following = total + term / (2 * step + 1)
            if following == total:
                return following
            total = following
            step += 1
    return x * math.log(x / mean) + mean - x


@compiled
def _log_binomial(hits: float, draws: float, share: float, rest: float) -> float:
    """Log of the binomial probability of `hits` in `draws`, with `share + rest = 1`."""
    if hits == 0.0:
        if draws == 0.0:
            return 0.0
        return -_deviance(draws, draws * rest) - draws * share if share < 0.1 else draws * math.log(rest)
    if hits == draws:
        return -_deviance(draws, draws * share) - draws * rest if rest < 0.1 else draws * math.log(share)
    value = (
        _stirling_error(draws)
        - _stirling_error(hits)
        - _stirling_error(draws - hits)
        - _deviance(hits, draws * share)
        - _deviance(draws - hits, draws * rest)
    )
    return value - 0.5 * (_LOG_2PI + math.log(hits) + math.log1p(-hits / draws))


@compiled
def log_pmf(n_hit: int, n_drawn: int, n_good: int, n_all: int) -> float:
    """Log probability of exactly `n_hit` good ones; minus infinity where impossible."""
    n_bad = n_all - n_good
    if n_hit < 0 or n_hit > n_drawn or n_hit > n_good or n_drawn - n_hit > n_bad:
        return -math.inf
    if n_drawn in (0, n_all):
        return 0.0
    share = n_drawn / n_all
    rest = (n_all - n_drawn) / n_all
    good = _log_binomial(float(n_hit), float(n_good), share, rest)
    bad = _log_binomial(float(n_drawn - n_hit), float(n_bad), share, rest)
    return good + bad - _log_binomial(float(n_drawn), float(n_all), share, rest)


@compiled
def log_tail(n_hit: int, n_drawn: int, n_good: int, n_all: int) -> float:
    """Log probability of at least `n_hit` good ones among `n_drawn`: the one-sided Fisher exact test.

    Args:
        n_hit: Votes with both properties, >= 0.
        n_drawn: Votes with the first property.
        n_good: Votes with the second property.
        n_all: All votes.

    Returns:
        Natural logarithm of the p-value, <= 0; minus infinity for an impossible table.

    Source:
        R. A. Fisher, "On the interpretation of chi-squared from contingency tables, and the calculation of P" (1922).
    """
    n_bad = n_all - n_good
    least = max(0, n_drawn - n_bad)
    most = min(n_drawn, n_good)
    if n_hit > most:
        return -math.inf
    if n_hit <= least:
        return 0.0
    if n_hit * float(n_all) > n_drawn * float(n_good):
        return min(0.0, log_pmf(n_hit, n_drawn, n_good, n_all) + math.log(_upper_ratios(n_hit, n_drawn, n_good, n_bad)))
    below = math.exp(log_pmf(n_hit - 1, n_drawn, n_good, n_all)) * _lower_ratios(n_hit - 1, n_drawn, n_good, n_bad)
    return math.log1p(-below) if below < 1.0 else log_pmf(most, n_drawn, n_good, n_all)


@compiled
def _upper_ratios(n_hit: int, n_drawn: int, n_good: int, n_bad: int) -> float:
    """Sum of P(h) / P(n_hit) over h >= n_hit; its terms fall because n_hit lies above the mean."""
    total = 1.0
    term = 1.0
    for hit in range(n_hit, min(n_drawn, n_good)):
        term *= (float(n_good - hit) * (n_drawn - hit)) / (float(hit + 1) * (n_bad - n_drawn + hit + 1))
        total += term
        if term < 1e-17 * total:
            break
    return total


@compiled
def _lower_ratios(n_hit: int, n_drawn: int, n_good: int, n_bad: int) -> float:
    """Sum of P(h) / P(n_hit) over h <= n_hit."""
    total = 1.0
    term = 1.0
    for hit in range(n_hit, max(0, n_drawn - n_bad), -1):
        term *= (float(hit) * (n_bad - n_drawn + hit)) / (float(n_good - hit + 1) * (n_drawn - hit + 1))
        total += term
        if term < 1e-17 * total:
            break
    return total


@compiled
def log_tails(n_hit: Int64s, n_drawn: Int64s, n_good: Int64s, n_all: Int64s) -> Floats:
    """Give `log_tail` of every table; all arguments int64, (n,)."""
    out = np.empty(len(n_hit))
    for row in range(len(n_hit)):
        out[row] = log_tail(n_hit[row], n_drawn[row], n_good[row], n_all[row])
    return out

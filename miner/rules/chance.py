"""How many pairs of a visual and a text item would be linked by chance alone: the family of the third way of test (b).

Within an event type the meetings of a visual item v and a text item x are hypergeometric given how many votes hold each, if
pictures and words have nothing to do with each other there. Together with the votes of other types that hold both, these
margins also say with how many meetings the pair would be a rule that passes (a): a* or more. For one event type, none of this
depends on how often they meet inside it, so all its pairs that could be rules are one family, and

    E(t) = sum over the family of P(A >= a* and P(A >= a) <= t)

is the expected number of rules that pass (a) with p-value at most t by chance alone. If R(t) rules of the event type do,
E(t) / R(t) estimates their false discovery rate: the procedure of Benjamini and Hochberg in which every test counts for no more
than it can do. Most pairs could hardly ever be rules and count next to nothing, so nothing has to be conditioned on.

Event types are judged one by one: a type with hundreds of links to one word must not pay for single wrong links elsewhere, each
of which would be a pattern of its own. A type is looked into where the best of its E(t) / R(t) is small enough by the
procedure of Benjamini and Hochberg over types, and its rates then count n_types / n_selected times.

It is an estimate, not a bound for every dependence between pairs (near-copies of a filter fail together); `python -m
tests.bench.mining_proofs` checks it on permuted pictures, in all types (`pictures`) and in all but the largest (`partial`).
A photograph with two event types is among the votes of either and the others of either.

Sources: J. F. Heyse, "A false discovery rate procedure for categorical data" (2011), whose rule E/R is; S. Döhler, G. Durand,
E. Roquain, "New FDR bounds for discrete and heterogeneous tests" (Electronic Journal of Statistics, 2018); Y. Benjamini,
M. Bogomolov, "Selective inference on multiple families of hypotheses" (JRSS B, 2014).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from miner.rules.compiled import compiled
from miner.rules.hypergeom import Floats, log_pmf, log_tail, log_tails
from miner.rules.verdict import least_chosen

if TYPE_CHECKING:
    import numpy.typing as npt

    from miner.rules.census import Census
    from miner.rules.thresholds import ItemChoice
    from miner.rules.transactions import Int32s, Int64s
    from miner.rules.walk import Bounds

MOST_PAIRS = 2_000_000
MOST_VISITS = 2 * 10**10
"""Families of more pairs, or of more pairs times votes, are not counted: so many votes are enough for the other ways of test (b)."""

_CHUNK = 262_144
_NEVER = 2**62
_SAME = 1e-9
_NEGLIGIBLE = math.log(1e-30)
"""Outcomes less likely than this count as if they were possible at every level: at most 1e-30 a pair too much in E(t)."""


@dataclass(frozen=True, eq=False)
class PairFamily:
    """The pairs of items that could be rules, of every event type; all arrays int64, (n,).

    Attributes:
        labels: Event type.
        visual_counts: Votes of the type with the visual item.
        text_counts: Votes of the type with the text item.
        sizes: Votes of the type.
        least: Least class count with which the pair is a rule that passes (a); beyond what it can have where it never is.
    """

    labels: Int64s
    visual_counts: Int64s
    text_counts: Int64s
    sizes: Int64s
    least: Int64s

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.least)

    def expected(self, log_p: Floats) -> Floats:
        """Give how many pairs are expected to pass (a) and meet at least so surprisingly, if pictures had nothing to do with words.

        Args:
            log_p: float64, (n,), natural logs, rising.

        Returns:
            float64, (n,), E(t) at each of them.
        """
        return np.cumsum(_expected_between(self, log_p + _SAME))[:-1]

    def q_values(self, log_p: Floats, labels: Int32s, level: float) -> Floats:
        """Give the estimated false discovery rate of all rules of two items that pass (a), for the types that are looked into.

        Args:
            log_p: float64, (n,), of all of them: natural log of the p-value of their meeting within the type.
            labels: int32, (n,), their event types.
            level: Rate by which types are selected.

        Returns:
            float64, (n,): the least E(t) / R(t) over levels t at which the rule is among those discovered in its type, times
            types over selected types; at most 1. More than `level` in types that are not selected.
        """
        rates, best = np.ones(len(log_p)), []
        for label in np.unique(labels):
            rows = np.flatnonzero(labels == label)
            rates[rows] = self._of(label)._rates(log_p[rows])  # noqa: SLF001 - one of us
            best.append(rates[rows].min())
        n_types = len(np.unique(self.labels))
        passing = np.flatnonzero(np.sort(best) <= level * np.arange(1, len(best) + 1) / max(n_types, 1))
        n_selected = passing[-1] + 1 if len(passing) else 1
        return np.minimum(rates * n_types / n_selected, 1.0)

    def _of(self, label: int) -> PairFamily:
        own = self.labels == label
        columns = (self.labels, self.visual_counts, self.text_counts, self.sizes, self.least)
        return PairFamily(*(column[own] for column in columns))

    def _rates(self, log_p: Floats) -> Floats:
        order = np.argsort(log_p, kind="stable")
        ranked = log_p[order]
        n_found = np.searchsorted(ranked, ranked + _SAME, side="right")
        rates = np.minimum.accumulate((self.expected(ranked) / n_found)[::-1])[::-1]
        out = np.empty(len(log_p))
        out[order] = rates
        return out

    @property
    def n_by_chance(self) -> float:
        """Rules of two items that are expected to pass (a) by chance alone."""
        return float(np.exp(log_tails(self.least, self.visual_counts, self.text_counts, self.sizes)).sum())


def find_family(census: Census, bounds: Bounds, log_level: float, items: ItemChoice, n_types: int) -> PairFamily | None:
    """Gather the pairs that could be rules.

    Args:
        census: Of the votes, where pairs are counted.
        bounds: Of the search.
        log_level: Natural log of the level of test (a) for two items.
        items: Which pairs are asked for.
        n_types: How many classes are event types.

    Returns:
        None where there are too many.
    """
    visual, text = census.item_counts()
    wanted = [_wanted(census, bounds, log_level, (visual, text), items, label) for label in range(n_types)]
    n_pairs = sum(len(own.visual) * len(own.text) for own in wanted)
    if n_pairs > MOST_PAIRS or n_pairs * bounds.n_rows > MOST_VISITS:
        return None
    parts = [_count_pairs(census, own, visual.shape[1]) for own in wanted]
    return PairFamily(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


@dataclass(frozen=True, eq=False)
class _Wanted:
    """Items of one event type that occur often enough in it, and the least class count of a rule by its other votes."""

    label: int
    visual: Int64s
    text: Int64s
    visual_counts: Int64s
    text_counts: Int64s
    size: int
    least_by_others: Int64s


def _wanted(
    census: Census, bounds: Bounds, log_level: float, counts: tuple[Int64s, Int64s], items: ItemChoice, label: int
) -> _Wanted:
    size = int(census.class_sizes[label])
    least = _least_by_others(bounds, log_level, label, size)
    asked = ((items.must_have_visual, items.must_not_have_visual), (items.must_have_text, items.must_not_have_text))
    chosen = [
        np.flatnonzero((own[label] >= least[0]) & _asked_for(own.shape[1], *which))
        for own, which in zip(counts, asked, strict=True)
    ]
    visual_counts, text_counts = (own[label][which] for own, which in zip(counts, chosen, strict=True))
    return _Wanted(label, chosen[0], chosen[1], visual_counts, text_counts, size, least)


def _asked_for(n_items: int, must: tuple[int, ...], must_not: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Tell which items a pair may hold: none where two of a kind are a must."""
    asked = np.ones(n_items, dtype=bool)
    if must:
        asked[:] = False
        asked[list(must)] = len(set(must)) == 1
    asked[list(must_not)] = False
    return asked


def _least_by_others(bounds: Bounds, log_level: float, label: int, size: int) -> Int64s:
    """Give the least class count of a pair that passes (a), by its votes of other types, 0 to what confidence allows."""
    if not size:
        return np.array([_NEVER], np.int64)
    most = min(bounds.n_rows - size, int(size / bounds.confidence) - size + 1)
    others = np.arange(most + 1, dtype=np.int64)
    whole = np.full(len(others), size, np.int64)
    labels, lengths = np.full(len(others), label, np.int32), np.full(len(others), 2, np.int64)
    levels = np.full(3, log_level)
    least = least_chosen(whole, whole + others, labels, lengths, (bounds, levels))
    log_p = log_tails(least, least + others, np.full(len(others), size), np.full(len(others), bounds.n_rows))
    # All votes of the type are not enough with too many others.
    counts = least + others
    possible = (log_p <= log_level) & (least / counts >= bounds.confidence) & (counts >= bounds.least_count)
    possible &= (least * bounds.n_rows) / (counts * size) >= bounds.lift
    return np.append(np.where(possible, least, _NEVER), _NEVER)


def _count_pairs(census: Census, wanted: _Wanted, n_visual: int) -> tuple[Int64s, ...]:
    """Count the pairs of one event type in the others, and give the columns of `PairFamily`."""
    pairs = np.stack(np.meshgrid(wanted.visual, wanted.text + n_visual, indexing="ij"), axis=-1).reshape(-1, 2)
    others = np.concatenate(
        [
            np.empty(0, np.int64),
            *(_others(census, pairs[at : at + _CHUNK], wanted.label) for at in range(0, len(pairs), _CHUNK)),
        ]
    )
    least = wanted.least_by_others[np.minimum(others, len(wanted.least_by_others) - 1)]
    visual_counts = np.repeat(wanted.visual_counts, len(wanted.text))
    text_counts = np.tile(wanted.text_counts, len(wanted.visual))
    possible = least <= np.minimum(visual_counts, text_counts)
    sizes, labels = (np.full(len(pairs), value, np.int64) for value in (wanted.size, wanted.label))
    return tuple(column[possible] for column in (labels, visual_counts, text_counts, sizes, least))


def _others(census: Census, pairs: Int64s, label: int) -> Int64s:
    """Count the labelled votes of other classes that hold each pair."""
    antecedents: Int32s = pairs.astype(np.int32)
    counts = census.count(antecedents)
    others: Int64s = counts.sum(axis=1) - counts[:, label]
    return others


def _expected_between(family: PairFamily, log_p: Floats) -> Floats:
    """Give the expected number of pairs between levels; float64, (n + 1,), the last one beyond all of them."""
    return _sum_outcomes(family.visual_counts, family.text_counts, family.sizes, family.least, log_p)


@compiled
def _sum_outcomes(visual: Int64s, text: Int64s, sizes: Int64s, least: Int64s, log_p: Floats) -> Floats:
    """Add the probability of every outcome of every pair to the first level that its p-value does not exceed."""
    out = np.zeros(len(log_p) + 1)
    lowest = max(log_p[0], _NEGLIGIBLE) if len(log_p) else 0.0
    for pair in range(len(least)):
        met, most = least[pair], min(visual[pair], text[pair])
        while met <= most:
            tail = log_tail(met, visual[pair], text[pair], sizes[pair])
            if tail <= lowest:
                out[0] += math.exp(tail)
                break
            out[np.searchsorted(log_p, tail)] += math.exp(log_pmf(met, visual[pair], text[pair], sizes[pair]))
            met += 1
    return out

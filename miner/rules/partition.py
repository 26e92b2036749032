"""Votes that do not fit one worker: mined by partition, in two passes, without losing or inventing a rule.

Pass 1: every partition finds the itemsets that are frequent enough *in a class, there*. A rule needs a class count of at
least L. If in each of P partitions an itemset had at most e_p votes of the class, with e_1 + ... + e_P = L - 1, it would
have at most L - 1 altogether; so a rule has at least e_p + 1 votes of its class in at least one partition p, and the local
test "class count >= e_p + 1" loses none. The L - 1 votes are dealt out in proportion to the votes of the class in each
partition,

    e_p = floor((L - 1) m_p / m)  + 1 for the partitions with the largest remainders, until they add up to L - 1,

where m_p of the class's m votes lie in p. Confidence and lift are *not* tested locally: their denominators count votes of
other classes, which may all lie elsewhere, so a rule of confidence 0.8 may have 0.4 wherever it is frequent.

Pass 2: the candidates of all partitions are counted in every partition and the counts added up; then support, confidence and
lift are compared as always, on whole counts. What the significance tests need beside (itemsets without an item, the number
of testable itemsets) is counted in the same way in further rounds.

Source: A. Savasere, E. Omiecinski, S. Navathe, "An efficient algorithm for mining association rules in large databases"
(VLDB 1995), section 3, there with one global share instead of whole numbers per class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from miner.errors import MiningError
from miner.rules.census import ledger_of, map_all, refuse_beyond
from miner.rules.condense import Condensing, condense
from miner.rules.layout import build_layout, class_sizes, count_items
from miner.rules.ruleset import Rules
from miner.rules.search import search
from miner.rules.tally import above_counts, pooled, row_shapes, tally_itemsets
from miner.rules.thresholds import ANY_ITEMS, ItemChoice, Thresholds
from miner.rules.transactions import Transactions
from miner.rules.walk import Bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.config import MineConfig
    from miner.rules.census import Mapper
    from miner.rules.hypergeom import Floats
    from miner.rules.transactions import Int32s, Int64s

Source: TypeAlias = Callable[[], Transactions]
"""Reads the votes of a partition, wherever it is called; picklable. All partitions number items and event types alike."""

MAX_CANDIDATES = 4_000_000


class _Shape(NamedTuple):
    """What is known of a partition: votes of each class, votes by their numbers of items, and of each class with each item."""

    class_sizes: Int64s
    row_shapes: Int64s
    n_visual: int
    n_text: int
    item_counts: tuple[Int64s, Int64s]


@dataclass(frozen=True)
class _Wanted:
    """What a partition is searched for: least class counts, items, and the most candidates it may hand back."""

    source: Source
    bounds: Bounds
    items: ItemChoice
    limit: int


class PartitionCensus:
    """A census of votes that lie in partitions; only counts and candidates ever leave a partition.

    Args:
        sources: Read the partitions.
        mapper: Where they are read and counted, each by one worker at a time.
        max_candidates: More itemsets than this to be counted in a second pass are refused.

    Raises:
        MiningError: A partition cannot be read.
    """

    def __init__(self, sources: Sequence[Source], mapper: Mapper, *, max_candidates: int = MAX_CANDIDATES) -> None:
        """Look at every partition once."""
        self.sources = sources
        self.mapper = mapper
        self.max_candidates = max_candidates
        self._shapes = map_all(mapper, _look, sources)

    @property
    def class_sizes(self) -> Int64s:
        """Labelled votes of each class."""
        sizes: Int64s = np.sum([shape.class_sizes for shape in self._shapes], axis=0, dtype=np.int64)
        return sizes

    def row_shapes(self) -> Int64s:
        """Count the labelled votes by their numbers of items."""
        total = np.zeros(np.max([shape.row_shapes.shape for shape in self._shapes], axis=0), np.int64)
        for shape in self._shapes:
            total[: shape.row_shapes.shape[0], : shape.row_shapes.shape[1]] += shape.row_shapes
        return total

    def item_counts(self) -> tuple[Int64s, Int64s]:
        """Count the labelled votes of each class with each item."""
        visual, text = zip(*(shape.item_counts for shape in self._shapes), strict=True)
        return np.sum(visual, axis=0), np.sum(text, axis=0)

    def count(self, antecedents: Int32s) -> Int64s:
        """Count the votes of each class that hold each itemset."""
        return self._count(self.sources, antecedents)

    def search(self, bounds: Bounds, config: MineConfig) -> Rules:
        """Find the wanted rules above the bounds.

        Raises:
            MiningError: There are too many rules or candidates, or no antecedent can hold the wanted items.
        """
        items, shape = Thresholds.of(config).items, self._shapes[0]
        items.require_possible(shape.n_visual, shape.n_text, bounds.max_len)
        sizes = np.array([shape.class_sizes for shape in self._shapes], np.int64)
        candidates = self._candidates(self.sources, bounds, local_least(bounds.least_class, sizes), items)
        rules = keep_rules(candidates, self._count(self.sources, candidates), bounds, shape.n_visual)
        refuse_beyond(rules.class_counts, config.max_rules)
        return rules.take(condense(rules, Condensing.of(config)))

    def tally(self, start: int, allowed: Floats) -> Floats:
        """Count the multimodal itemsets of each length with at least each count, in three passes.

        An itemset with count n has so many votes nowhere more than altogether, so the largest number of itemsets of a count
        in one partition is a lower bound, which shows from which count on counting is worth while; with pigeonhole counts
        the numbers of the partitions add up to an upper bound on the candidates, which shows whether they fit.

        Raises:
            MiningError: There are too many candidates.
        """
        sources = [partial(_read_pooled, source) for source in self.sources]
        sizes = np.array([[shape.class_sizes.sum()] for shape in self._shapes], np.int64)
        limited = np.full(allowed.shape, float(self.max_candidates))
        limited[:, -1] = np.inf
        local = map_all(self.mapper, partial(_tally_part, allowed=limited), sources)
        from_count = _first_worthwhile(np.max(local, axis=0), allowed, start)
        fitting = _first_fitting(local, sizes, from_count, self.max_candidates)
        bounds = _pooled_bounds(fitting, int(sizes.sum()))
        candidates = self._candidates(sources, bounds, local_least(fitting[None], sizes), ANY_ITEMS)
        counts = self._count(sources, candidates)[:, 0]
        lengths = np.sum(candidates >= 0, axis=1)
        kept = counts >= fitting[lengths]
        numbers = np.zeros(allowed.shape, np.int64)
        np.add.at(numbers, (lengths[kept], np.minimum(counts[kept], allowed.shape[1] - 1)), 1)
        above = above_counts(numbers, fitting, start, allowed)
        _refuse_unresolved(above, fitting, from_count, self.max_candidates)
        return above

    def _candidates(self, sources: Sequence[Source], bounds: Bounds, least: Int64s, items: ItemChoice) -> Int32s:
        """Give the itemsets that reach the local least class counts in some partition, each once, in one order."""
        wanted = [
            _Wanted(source, _local_bounds(bounds, own, shape.class_sizes), items, self.max_candidates)
            for source, own, shape in zip(sources, least, self._shapes, strict=True)
        ]
        found = np.unique(np.concatenate(map_all(self.mapper, _find_candidates, wanted)), axis=0)
        if len(found) > self.max_candidates:
            raise _too_many(len(found), self.max_candidates)
        return found

    def _count(self, sources: Sequence[Source], antecedents: Int32s) -> Int64s:
        parts = map_all(self.mapper, partial(_count_part, antecedents=antecedents), sources)
        counts: Int64s = np.sum(parts, axis=0, dtype=np.int64)
        return counts


def local_least(least: Int64s, sizes: Int64s) -> Int64s:
    """Give the least class count of a candidate in each partition, so that no itemset frequent altogether is lost.

    Args:
        least: int64, (n_classes, k), least class counts altogether, >= 1.
        sizes: int64, (n_parts, n_classes), votes of each class in each partition.

    Returns:
        int64, (n_parts, n_classes, k): e_p + 1 of the module's formula; the e_p of a class add up to its least count - 1
        (or, where that exceeds the votes there are, to those, which no itemset exceeds).
    """
    totals = sizes.sum(axis=0)
    excess = np.minimum(least - 1, totals[:, None])
    shares = excess[None] * sizes[:, :, None]
    whole = np.maximum(totals, 1)[None, :, None]
    dealt = shares // whole
    missing = excess - dealt.sum(axis=0)
    ranks = np.argsort(np.argsort(-(shares % whole), axis=0, kind="stable"), axis=0, kind="stable")
    local: Int64s = dealt + (ranks < missing[None]) + 1
    return local


def _local_bounds(bounds: Bounds, least: Int64s, sizes: Int64s) -> Bounds:
    """Give bounds that test nothing but the class count: no confidence is below one vote in all there are, and one more."""
    n_rows = max(int(sizes.sum()), 1)
    return bounds._replace(
        least_class=np.ascontiguousarray(least),
        still_class=np.ascontiguousarray(np.minimum.accumulate(least[:, ::-1], axis=1)[:, ::-1]),
        least_count=1,
        confidence=1.0 / (n_rows + 1),
        lift=0.0,
        class_sizes=sizes if len(sizes) == len(least) else np.array([sizes.sum()], np.int64),
        n_rows=n_rows,
    )


def _pooled_bounds(least: Int64s, n_rows: int) -> Bounds:
    """Give bounds on counts by length for votes in a single class."""
    each = np.ascontiguousarray(least[None])
    return Bounds(each, each, 1, 1.0, 0.0, np.array([n_rows], np.int64), n_rows, len(least) - 1)


def keep_rules(candidates: Int32s, counts: Int64s, bounds: Bounds, n_visual: int) -> Rules:
    """Compare whole counts with the thresholds, exactly as the walk does."""
    lengths = np.sum(candidates >= 0, axis=1)
    totals = counts.sum(axis=1)
    enough = (counts >= bounds.least_class[:, lengths].T) & (totals >= bounds.least_count)[:, None]
    rows, labels = np.nonzero(enough)
    own, total = counts[rows, labels], totals[rows]
    sizes = bounds.class_sizes[labels]
    kept = (own / total >= bounds.confidence) & ((own * bounds.n_rows) / (total * sizes) >= bounds.lift)
    numbers = np.stack([labels[kept], own[kept], total[kept]], axis=1)
    return Rules.sorted(candidates[rows[kept]], numbers, n_visual=n_visual, class_sizes=bounds.class_sizes)


def _first_worthwhile(most_in_one: Floats, allowed: Floats, start: int) -> Int64s:
    """Give the least count, by length, from which on not even one partition has more itemsets than allowed."""
    worthwhile = most_in_one <= allowed
    worthwhile[:, -1] = True
    first: Int64s = np.maximum(np.argmax(worthwhile, axis=1), start)
    return first


def _first_fitting(local: Sequence[Floats], sizes: Int64s, from_count: Int64s, limit: int) -> Int64s:
    """Give the least count, by length and at least `from_count`, whose candidates are sure to fit."""
    cap = local[0].shape[1] - 1
    counts = np.arange(1, cap + 1, dtype=np.int64)
    places = np.minimum(local_least(counts[None], sizes)[:, 0], cap)
    most = np.sum([tally[:, own] for tally, own in zip(local, places, strict=True)], axis=0)
    fits = most <= limit
    fits[:, -1] = True
    fits &= counts >= np.minimum(from_count, cap)[:, None]
    first: Int64s = np.maximum(counts[np.argmax(fits, axis=1)], from_count)
    return first


def _refuse_unresolved(above: Floats, fitting: Int64s, from_count: Int64s, limit: int) -> None:
    """Refuse where counts that may be worth counting have too many candidates."""
    for length in range(2, len(above)):
        place = min(int(fitting[length]), above.shape[1] - 1)
        if fitting[length] > from_count[length] and np.isfinite(above[length, place]):
            raise _too_many(limit, limit)


def _too_many(n_found: int, limit: int) -> MiningError:
    return MiningError(
        f"the partitions have at least {n_found:,} candidate itemsets, more than the {limit:,} that fit",
        hint="raise mine.min_support_count, make fewer and larger partitions, or share one host: --spread prefix",
    )


def _look(source: Source) -> _Shape:
    """Count the votes of a partition."""
    votes = source()
    return _Shape(class_sizes(votes), row_shapes(votes), votes.n_visual, votes.n_text, count_items(votes))


def _read_pooled(source: Source) -> Transactions:
    return pooled(source())


def _find_candidates(wanted: _Wanted) -> Int32s:
    """Give the itemsets that reach the least class count of any class in a partition; int32, (n, max_len)."""
    votes = wanted.source()
    bounds = wanted.bounds
    layout = build_layout(votes, bounds.still_class[:, 2], items=wanted.items)
    try:
        found = search(layout, bounds, threads=1, max_rules=wanted.limit, n_visual=votes.n_visual)
    except MiningError as error:
        raise _too_many(wanted.limit + 1, wanted.limit) from error
    distinct: Int32s = np.unique(found.antecedents, axis=0)
    return distinct


def _count_part(source: Source, *, antecedents: Int32s) -> Int64s:
    return ledger_of(source(), antecedents).count(antecedents)


def _tally_part(source: Source, *, allowed: Floats) -> Floats:
    """Count a partition's itemsets of at least each count, infinite where there are too many."""
    layout = build_layout(source(), np.ones(1, np.int64))
    numbers, complete = tally_itemsets(layout, 1, allowed)
    return above_counts(numbers, complete, 1, allowed)

"""Itemsets of filters that are frequent in the cells of an event type's pictures: the rules of the visual-only baseline.

Every cell of a picture is a transaction of its strongest filters; a rule leads from two to five filters to an event type.

Source: Li, Liu, Shen and van den Hengel, "Mid-level Deep Pattern Mining", CVPR 2015, sections 3.2 and 3.3: 20 items in a
transaction, three to six items in an itemset with its class, support 0.01 %, confidence 30 %. What differs from the paper is
in docs/decisions/baselines.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from miner.rules.condense import Condensing
from miner.rules.hypergeom import log_tails
from miner.rules.search import BitmapMiner
from miner.rules.thresholds import Thresholds
from miner.rules.transactions import Transactions
from miner.visual.strongest import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.patterns.pictures import Bools, Int64s
    from miner.rules.ruleset import Rules

MIN_SUPPORT = 1e-4
MIN_CONFIDENCE = 0.3
MIN_FILTERS, MAX_FILTERS = 2, 5
N_FREQUENT = 5000
"""Itemsets of each event type that are looked at closely: of those above the thresholds, the ones with the greatest leverage."""
MIN_GROUPS = 2
MAX_RULES = 2_000_000
CHUNK = 256

Uint16s = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class CellVotes:
    """The cells behind the votes.

    Attributes:
        strongest: uint16, (n_pictures, n_cells, k), from `miner.visual.strongest`.
        picture: int64, (n_votes,), picture of each vote.
        labels: int32, (n_votes,), index of its event type, -1 where there is none.
        event_types: Names of the labels.
        n_filters: Filters that exist.
    """

    strongest: Uint16s
    picture: Int64s
    labels: npt.NDArray[np.int32]
    event_types: tuple[str, ...]
    n_filters: int

    def cells_as_transactions(self) -> Transactions:
        """Return a transaction for each cell of each labelled vote; its one text item means nothing.

        The engine finds antecedents of visual and text items. A text item that every transaction has makes it a miner of
        visual itemsets.
        """
        labelled = self.labels >= 0
        chosen = self.strongest[self.picture[labelled]]
        n = chosen.shape[0] * chosen.shape[1]
        items = chosen.reshape(n, -1)
        there = items != NONE
        return Transactions(
            np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int64),
            items[there].astype(np.int32),
            np.arange(n + 1, dtype=np.int64),
            np.zeros(n, dtype=np.int32),
            labels=np.repeat(self.labels[labelled], chosen.shape[1]),
            groups=np.arange(n, dtype=np.int64),
            event_types=self.event_types,
            n_visual=self.n_filters,
            n_text=1,
        )

    def matches(self, itemsets: npt.NDArray[np.int32]) -> Bools:
        """Tell which pictures have a cell with all filters of an itemset.

        Args:
            itemsets: int32, (n_itemsets, max_len), -1 where an itemset has fewer items.

        Returns:
            bool, (n_itemsets, n_pictures).
        """
        found = np.empty((len(itemsets), len(self.strongest)), dtype=bool)
        for first in range(0, len(itemsets), CHUNK):
            bits = self._bits[itemsets[first : first + CHUNK]]
            # Absent items index the last row, which has every bit.
            both = np.bitwise_and.reduce(bits, axis=1)
            found[first : first + CHUNK] = both.reshape(len(both), len(self.strongest), -1).any(axis=2)
        return found

    @cached_property
    def _bits(self) -> npt.NDArray[np.uint8]:
        """Cells in which each filter is among the strongest: uint8, (n_filters + 1, n_pictures * bytes), by picture."""
        n_pictures, n_cells, _ = self.strongest.shape
        bits = np.zeros((self.n_filters + 1, n_pictures, -(-n_cells // 8)), dtype=np.uint8)
        picture, cell, place = np.nonzero(self.strongest != NONE)
        where = (self.strongest[picture, cell, place], picture, cell >> 3)
        np.bitwise_or.at(bits, where, (128 >> (cell & 7)).astype(np.uint8))
        bits[-1] = 255
        return bits.reshape(len(bits), -1)


@dataclass(frozen=True, eq=False)
class Found:
    """Itemsets of one event type that differ in their evidence.

    Attributes:
        event_type: Index of the event type.
        itemsets: int32, (n, max_len), filters, -1 for none.
        same_as: int64, (n,), the first itemset with the same evidence, its own place where it is the first.
        matches: bool, (n, n_votes): votes whose picture has a cell with the itemset.
        log_p: float64, (n,), logarithm of the p-value of its association with the event type, over votes.
    """

    event_type: int
    itemsets: npt.NDArray[np.int32]
    same_as: Int64s
    matches: Bools
    log_p: npt.NDArray[np.float64]


def least_cells(n_cells: int) -> int:
    """Return the least number of cells of the event type: 0.01 % of all labelled cells, two at least."""
    return max(2, int(np.ceil(MIN_SUPPORT * n_cells)))


def frequent_itemsets(votes: CellVotes, *, threads: int = 1) -> tuple[Rules, int]:
    """Return the itemsets above support and confidence with the greatest leverage, and the number of labelled cells.

    Raises:
        MiningError: No vote has an event type.
    """
    transactions = votes.cells_as_transactions()
    thresholds = Thresholds(
        min_class_count=least_cells(len(transactions)), min_confidence=MIN_CONFIDENCE, max_len=MAX_FILTERS + 1
    )
    miner = BitmapMiner(max_rules=MAX_RULES, condensing=Condensing("top_k", N_FREQUENT, "leverage"))
    return miner.mine(transactions, thresholds, threads=threads), len(transactions)


def distinct_itemsets(rules: Rules, votes: CellVotes, event_type: int) -> Found:
    """Count the itemsets of one event type over votes, drop those of one photo group, and find those with equal evidence.

    Args:
        rules: From `frequent_itemsets`.
        votes: They were found in.
        event_type: Index of the event type.
    """
    own = rules.take(np.flatnonzero((rules.labels == event_type) & (rules.lengths > MIN_FILTERS)))
    # The one text item of every antecedent is no filter.
    itemsets = np.where(own.antecedents < votes.n_filters, own.antecedents, -1)
    matches = votes.matches(itemsets)[:, votes.picture]
    of_type, labelled = votes.labels == event_type, votes.labels >= 0
    n_own = matches[:, of_type].sum(axis=1)
    kept = np.flatnonzero(n_own >= MIN_GROUPS)
    matches, n_own = matches[kept], n_own[kept]
    n_labelled, n_type = int(np.count_nonzero(labelled)), int(np.count_nonzero(of_type))
    counts = matches[:, labelled].sum(axis=1)
    log_p = log_tails(n_own, counts, np.full_like(counts, n_type), np.full_like(counts, n_labelled))
    return Found(event_type, itemsets[kept], _first_alike(matches[:, of_type]), matches, log_p)


def _first_alike(evidence: Bools) -> Int64s:
    """Return for each row the first row that is the same."""
    first: dict[bytes, int] = {}
    packed = np.packbits(evidence, axis=1)
    return np.array([first.setdefault(row.tobytes(), place) for place, row in enumerate(packed)], dtype=np.int64)


def best_itemsets(found: Found, of_type: Bools, *, n_best: int, max_jaccard: float) -> list[int]:
    """Choose the itemsets most sure to belong to their event type that do not repeat a surer one.

    Args:
        found: Of one event type.
        of_type: bool, (n_votes,).
        n_best: How many at most.
        max_jaccard: Itemsets whose evidence in the event type overlaps this much with that of a surer one repeat it.

    Returns:
        Places in `found`, surest first.
    """
    evidence = found.matches[:, of_type].astype(np.float32)
    sizes = evidence.sum(axis=1)
    chosen: list[int] = []
    firsts: Sequence[int] = np.flatnonzero(found.same_as == np.arange(len(found.same_as))).tolist()
    for place in sorted(firsts, key=lambda place: (found.log_p[place], place)):
        n_both = evidence[chosen] @ evidence[place]
        if (n_both < max_jaccard * (sizes[chosen] + sizes[place] - n_both)).all():
            chosen.append(place)
        if len(chosen) == n_best:
            break
    return chosen

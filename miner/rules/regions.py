"""Regions: several rows of one vote, each with the visual items of one part of its picture, all with the words of the vote.

Rows with the same photo group and event type are regions of one vote. A vote matches an antecedent if one of its regions
holds all of it, and everything is counted in votes: supports, confidences, tests, the number of testable itemsets.

Search: the union of a vote's regions holds whatever one of them holds, so the class count in the unions is at least that in
the regions, and an itemset that is frequent enough in a class by regions is by unions too. The unions are therefore searched
on the class count alone, and what they offer is counted again by region and compared with all thresholds; no rule is lost.
The number of testable itemsets is taken from the unions, at least as large as that of the regions, so Tarone's level is at
most the one the regions would have: the error stays bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from miner.rules.census import LocalCensus, ledger_of, refuse_beyond
from miner.rules.condense import Condensing, condense
from miner.rules.partition import MAX_CANDIDATES, keep_rules
from miner.rules.recount import Ledger

if TYPE_CHECKING:
    from miner.config import MineConfig
    from miner.rules.hypergeom import Floats
    from miner.rules.ruleset import Rules
    from miner.rules.transactions import Int32s, Int64s, Transactions
    from miner.rules.walk import Bounds


@dataclass
class RegionCensus:
    """A census of votes whose rows are regions.

    Attributes:
        regions: The rows, those of a vote next to each other.
        threads: Threads that share the search; never changes the result.
    """

    regions: Transactions
    threads: int = 1
    _unions: LocalCensus = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Unite the regions of each vote."""
        self._unions = LocalCensus(unite(self.regions), self.threads)

    @property
    def class_sizes(self) -> Int64s:
        """Labelled votes of each class."""
        return self._unions.class_sizes

    def row_shapes(self) -> Int64s:
        """Count the labelled votes by the numbers of items of their unions."""
        return self._unions.row_shapes()

    def item_counts(self) -> tuple[Int64s, Int64s]:
        """Count the labelled votes of each class with each item in any region."""
        return self._unions.item_counts()

    def tally(self, start: int, allowed: Floats) -> Floats:
        """Count the multimodal itemsets of the unions with at least each count."""
        return self._unions.tally(start, allowed)

    def search(self, bounds: Bounds, config: MineConfig) -> Rules:
        """Find the wanted rules above the bounds."""
        relaxed = bounds._replace(confidence=0.5 / bounds.n_rows, lift=0.0)
        most = max(config.max_rules, MAX_CANDIDATES)
        offered = self._unions.search(relaxed, config.model_copy(update={"condensed": "all", "max_rules": most}))
        antecedents = np.unique(offered.antecedents, axis=0)
        rules = keep_rules(antecedents, self.count(antecedents), bounds, self.regions.n_visual)
        refuse_beyond(rules.class_counts, config.max_rules)
        return rules.take(condense(rules, Condensing.of(config)))

    def count(self, antecedents: Int32s) -> Int64s:
        """Count the votes of each class with a region that holds each itemset."""
        ledger = ledger_of(self.regions, antecedents)
        labels = self.regions.labels
        by_class = np.argsort(labels, kind="stable")[np.count_nonzero(labels < 0) :]
        return Ledger(ledger.layout, ledger.n_visual, vote_numbers(self.regions)[by_class]).count(antecedents)


def has_regions(transactions: Transactions) -> bool:
    """Tell whether a photo group has several rows of one event type."""
    if np.all(np.diff(transactions.groups) > 0):
        return False
    return bool(np.any(np.diff(np.sort(_vote_keys(transactions))) == 0))


def by_vote(transactions: Transactions) -> Transactions:
    """Put the rows of each vote next to each other."""
    return transactions.select(np.argsort(_vote_keys(transactions), kind="stable").astype(np.int64))


def vote_numbers(transactions: Transactions) -> Int64s:
    """Number the votes from 0; int64, (n,), the vote of each row."""
    numbers: Int64s = np.unique(_vote_keys(transactions), return_inverse=True)[1].astype(np.int64)
    return numbers


def unite(transactions: Transactions) -> Transactions:
    """Give one row per vote with the items of all its regions, in the order of the votes."""
    votes = vote_numbers(transactions)
    first = np.unique(votes, return_index=True)[1].astype(np.int64)
    whole = transactions.select(first)
    visual = _united(transactions.visual_indptr, transactions.visual_indices, votes)
    text = _united(transactions.text_indptr, transactions.text_indices, votes)
    return replace(whole, visual_indptr=visual[0], visual_indices=visual[1], text_indptr=text[0], text_indices=text[1])


def _vote_keys(transactions: Transactions) -> Int64s:
    """Give rows of one photo group and event type the same number; int64, (n,)."""
    groups = np.unique(transactions.groups, return_inverse=True)[1].astype(np.int64)
    keys: Int64s = groups * (len(transactions.event_types) + 1) + transactions.labels + 1
    return keys


def _united(indptr: Int64s, indices: Int32s, votes: Int64s) -> tuple[Int64s, Int32s]:
    """Unite the items of the rows of each vote."""
    n_items = int(indices.max(initial=0)) + 1
    keys = np.unique(np.repeat(votes, np.diff(indptr)) * n_items + indices)
    sizes = np.bincount(keys // n_items, minlength=int(votes.max(initial=-1)) + 1)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]).astype(np.int64), (keys % n_items).astype(np.int32)

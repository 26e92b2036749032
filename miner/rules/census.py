"""Everything mining asks of votes, so that it need not know where they are.

The search, the number of testable itemsets and the counts behind the tests are answered by a census: of votes in this process
(`LocalCensus`), of partitions that never meet (`miner.rules.partition`), or of one layout on the disk that several processes
share (`miner.rules.prefix`). All give the same numbers, so the rules and their p-values are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from miner.errors import MiningError
from miner.rules.condense import Condensing
from miner.rules.layout import build_layout, class_sizes, count_items
from miner.rules.recount import Ledger
from miner.rules.search import find_rules
from miner.rules.tally import count_testable, row_shapes
from miner.rules.thresholds import ItemChoice, Thresholds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from miner.config import MineConfig
    from miner.rules.hypergeom import Floats
    from miner.rules.ruleset import Rules
    from miner.rules.shards import AnyVotes
    from miner.rules.transactions import Int32s, Int64s
    from miner.rules.walk import Bounds

T = TypeVar("T")
R = TypeVar("R")


class Mapper(Protocol):
    """Applies a function to items, here or on other machines; every executor of a run is one."""

    def map(self, work: Callable[[T], R], items: Sequence[T], *, on_result: Callable[[int, R], None]) -> None:
        """Call `on_result(index, work(item))` for every item, in any order."""


def map_all(mapper: Mapper, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Give the results in the order of the items."""
    results: dict[int, R] = {}
    mapper.map(work, items, on_result=results.__setitem__)
    return [results[index] for index in range(len(items))]


class Census(Protocol):
    """Answers what mining asks of votes."""

    @property
    def class_sizes(self) -> Int64s:
        """Labelled votes of each class; int64, (n_classes,)."""

    def row_shapes(self) -> Int64s:
        """Count the labelled votes by their numbers of visual and of text items, as `miner.rules.tally.row_shapes`."""

    def item_counts(self) -> tuple[Int64s, Int64s]:
        """Count the labelled votes of each class with each item, as `miner.rules.layout.count_items`."""

    def tally(self, start: int, allowed: Floats) -> Floats:
        """Count the multimodal itemsets by length and count, as `miner.rules.tally.count_testable`."""

    def search(self, bounds: Bounds, config: MineConfig) -> Rules:
        """Find the rules above the bounds that the configuration wants: all or the condensed ones, of the wanted items.

        Raises:
            MiningError: There are more than `config.max_rules`, or no antecedent can hold the wanted items.
        """

    def count(self, antecedents: Int32s) -> Int64s:
        """Count the votes of each class that hold each itemset.

        Args:
            antecedents: int32, (n, k): items as in `Rules.antecedents`, -1 for none; no itemset may be empty.

        Returns:
            int64, (n, n_classes).
        """


@dataclass
class LocalCensus:
    """A census of votes in this process.

    Attributes:
        transactions: The votes.
        threads: Threads that share the work; never changes the result.
    """

    transactions: AnyVotes
    threads: int = 1
    _ledger: Ledger | None = field(default=None, repr=False)

    @property
    def class_sizes(self) -> Int64s:
        """Labelled votes of each class."""
        return class_sizes(self.transactions)

    def row_shapes(self) -> Int64s:
        """Count the labelled votes by their numbers of items."""
        return row_shapes(self.transactions)

    def item_counts(self) -> tuple[Int64s, Int64s]:
        """Count the labelled votes of each class with each item."""
        return count_items(self.transactions)

    def tally(self, start: int, allowed: Floats) -> Floats:
        """Count the multimodal itemsets of each length with at least each count."""
        return count_testable(self.transactions, start, allowed, threads=self.threads)

    def search(self, bounds: Bounds, config: MineConfig) -> Rules:
        """Find the wanted rules above the bounds."""
        items, n_visual = Thresholds.of(config).items, self.transactions.n_visual
        items.require_possible(n_visual, self.transactions.n_text, bounds.max_len)
        layout = build_layout(self.transactions, bounds.still_class[:, 2], items=items, threads=self.threads)
        self._ledger = Ledger(layout, n_visual)
        wanted, most = Condensing.of(config), config.max_rules
        return find_rules(layout, bounds, wanted, threads=self.threads, max_rules=most, n_visual=n_visual)

    def count(self, antecedents: Int32s) -> Int64s:
        """Count the votes of each class that hold each itemset."""
        return self._counting(antecedents).count(antecedents)

    def _counting(self, antecedents: Int32s) -> Ledger:
        return self._ledger or ledger_of(self.transactions, antecedents)


def refuse_beyond(class_counts: Int64s, max_rules: int) -> None:
    """Refuse more rules than fit, naming the least change of `min_support_count` that makes them fit.

    Args:
        class_counts: int64, (n,), class count of every rule.
        max_rules: Most rules.

    Raises:
        MiningError: There are more.
    """
    if len(class_counts) <= max_rules:
        return
    above = np.cumsum(np.append(np.bincount(class_counts), 0)[::-1])[::-1]
    least = int(np.argmax(above <= max_rules))
    raised = f"min_support_count = {least} leaves {int(above[least]):,}"
    raise MiningError(
        f"{len(class_counts):,} rules reach the thresholds, more than the {max_rules:,} that fit; {raised}",
        hint=f"-o mine.min_support_count={least}" if above[least] else "raise min_confidence or lower max_len",
    )


def ledger_of(transactions: AnyVotes, antecedents: Int32s) -> Ledger:
    """Lay the votes out for counting, with nothing but the items that some itemsets hold."""
    n_visual, n_text = transactions.n_visual, transactions.n_text
    asked = np.unique(antecedents[antecedents >= 0])
    items = ItemChoice(
        must_not_have_visual=_others(asked, n_visual), must_not_have_text=_others(asked - n_visual, n_text)
    )
    # Every class counts, however few of its votes hold an item.
    layout = build_layout(transactions, np.zeros(len(transactions.event_types), np.int64), items=items)
    return Ledger(layout, n_visual)


def _others(items: np.ndarray[Any, Any], n_items: int) -> tuple[int, ...]:
    return tuple(int(item) for item in np.setdiff1d(np.arange(n_items), items))

"""Where rules go as the walk finds them: all are kept, or the best of each event type.

The walk hands rules over whenever its memory for them is full and at the end of every root, and is told the least class
count still of interest. So a limit on the number of rules, and the bound of a top-k search, prune while the search runs.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Protocol

import numpy as np

from miner.errors import MiningError
from miner.rules.condense import best
from miner.rules.measures import MEASURES
from miner.rules.ruleset import Rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from miner.rules.hypergeom import Floats
    from miner.rules.layout import Layout
    from miner.rules.transactions import Int32s, Int64s
    from miner.rules.walk import Bounds


class Collector(Protocol):
    """Takes rules from several threads."""

    @property
    def capacity(self) -> int:
        """Most rules to be handed over at once."""
        ...

    def take(self, place: int, items: Int32s, numbers: Int64s, *, done: bool) -> Int64s:
        """Take rules of one root; the arrays are overwritten afterwards.

        Args:
            place: Position of the root in the order of the search.
            items: int32, (n, max_len), local items, -1 for none.
            numbers: int64, (n, 3), event type, class count, count.
            done: These are the last ones of the root.

        Returns:
            int64, (n_classes,), least class count still of interest.
        """
        ...

    def stop(self) -> None:
        """Let no thread wait any longer: the search has failed or was interrupted."""
        ...


def namer(layout: Layout, bounds: Bounds, n_visual: int) -> Callable[[Int32s, Int64s], Rules]:
    """Give the function that turns local items and numbers into rules, in order."""
    names = np.concatenate([layout.visual_ids, layout.text_ids + n_visual, [-1]]).astype(np.int32)

    def name(items: Int32s, numbers: Int64s) -> Rules:
        return Rules.sorted(names[items], numbers, n_visual=n_visual, class_sizes=bounds.class_sizes)

    return name


class Everything:
    """Keeps all rules, unless they are more than a limit: then it counts those of the largest class counts."""

    capacity = 2**16

    def __init__(self, bounds: Bounds, max_rules: int) -> None:
        """Keep rules above the bounds."""
        self._lock = Lock()
        self._max_rules = max_rules
        self._max_len = bounds.max_len
        self._parts: list[tuple[Int32s, Int64s]] = []
        # rules of each class count, complete from the least one of interest on
        self._numbers = np.zeros(int(bounds.class_sizes.max(initial=0)) + 2, np.int64)
        self._n_found = 0
        self._n_within = 0
        self._least = 0
        self._n_classes = len(bounds.class_sizes)

    def take(self, place: int, items: Int32s, numbers: Int64s, *, done: bool) -> Int64s:
        """Keep rules, or once too many are found raise the least class count until those above it fit."""
        del place, done
        with self._lock:
            class_counts = numbers[:, 1]
            np.add.at(self._numbers, class_counts, 1)
            self._n_found += len(numbers)
            self._n_within += int(np.count_nonzero(class_counts >= self._least))
            while self._n_within > self._max_rules:
                self._n_within -= int(self._numbers[self._least])
                self._least += 1
            if self._least:
                self._parts.clear()
            elif len(items):
                self._parts.append((items.copy(), numbers.copy()))
            return np.full(self._n_classes, self._least, np.int64)

    def stop(self) -> None:
        """Do nothing: no thread ever waits."""

    def found(self) -> tuple[Int32s, Int64s]:
        """Give what was kept, in any order.

        Raises:
            MiningError: More rules than fit; names the least change of `min_support_count` that makes them fit.
        """
        if self._least:
            above, least = self._n_within, self._least
            raised = f"min_support_count = {least} leaves {above:,}"
            raise MiningError(
                f"at least {self._n_found:,} rules reach the thresholds, more than the {self._max_rules:,} that fit; {raised}",
                hint=f"-o mine.min_support_count={least}" if above else "raise min_confidence or lower max_len",
            )
        items = [np.empty((0, self._max_len), np.int32), *(part[0] for part in self._parts)]
        numbers = [np.empty((0, 3), np.int64), *(part[1] for part in self._parts)]
        return np.concatenate(items), np.concatenate(numbers)


class Best:
    """Keeps the best rules of each event type, and raises the least class count as they get better.

    A rule's measure is at most what it would be if no other event type had the antecedent, and that bound falls with the
    class count. So the worst rule kept names the least class count that anything better or as good must have.

    Source:
        S. Morishita, J. Sese, "Traversing itemset lattices with statistical metric pruning" (PODS 2000), section 3;
        H. Grosskreutz, S. Rueping, S. Wrobel, "Tight optimistic estimates for fast subgroup discovery" (2008), section 3.
    """

    capacity = 2**12

    def __init__(self, bounds: Bounds, name: Callable[[Int32s, Int64s], Rules], k: int, by: str) -> None:
        """Keep `k` rules of each event type, ordered by the measure `by`."""
        self._lock = Lock()
        self._name = name
        self._k, self._by = k, by
        self._sizes = bounds.class_sizes
        self._limits = [optimistic(by, int(size), bounds.n_rows) for size in self._sizes]
        self._kept = name(np.empty((0, bounds.max_len), np.int32), np.empty((0, 3), np.int64))
        self._least = np.zeros(len(self._sizes), np.int64)
        self._worst = np.full(len(self._sizes), -np.inf)

    def take(self, place: int, items: Int32s, numbers: Int64s, *, done: bool) -> Int64s:
        """Keep those among the best so far."""
        del place, done
        labels, class_counts, counts = numbers.T
        with self._lock:
            values = MEASURES[self._by](class_counts, counts, self._sizes[labels], int(self._sizes.sum()))
            good = (values >= self._worst[labels]) & (class_counts >= self._least[labels])
            if good.any():
                kept = self._kept.joined(self._name(items[good], numbers[good]))
                self._kept = kept.take(best(kept, self._k, self._by))
                self._raise_bounds()
            return self._least.copy()

    def _raise_bounds(self) -> None:
        """Find the least class count with which a rule can still displace one, for every event type that is full."""
        kept = self._kept
        values = MEASURES[self._by](kept.class_counts, kept.counts, kept.class_sizes[kept.labels], kept.n_rows)
        for label in np.flatnonzero(np.bincount(kept.labels, minlength=len(self._sizes)) >= self._k):
            own = kept.labels == label
            worst = float(values[own].min())
            of_worst = int(kept.class_counts[own & (values == worst)].min())
            self._worst[label] = worst
            first, last = (int(np.searchsorted(self._limits[label], worst, side)) for side in ("left", "right"))
            self._least[label] = min(max(of_worst, first), last)

    def stop(self) -> None:
        """Do nothing: no thread ever waits."""

    def rules(self) -> Rules:
        """Give the best rules, sorted by event type and antecedent."""
        return self._kept


def optimistic(by: str, class_size: int, n_rows: int) -> Floats:
    """Give the most that a measure can be at each class count: its value if no other event type has the antecedent.

    Returns:
        float64, (class_size + 1,), never falling; minus infinity at 0.
    """
    counts = np.arange(1, class_size + 1)
    values = MEASURES[by](counts, counts, class_size, n_rows) if class_size else np.empty(0)
    return np.maximum.accumulate(np.concatenate([[-np.inf], values]))

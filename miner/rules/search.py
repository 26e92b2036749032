"""The compiled engine: all multimodal rules above the thresholds, exactly.

A rule's antecedent has at least one visual and at least one text item, which the walk makes true by construction: each
frequent text item is a root, visual items come first below it, so no itemset of one kind is ever visited (except the roots
themselves). Roots are independent, so threads take them from one queue and the result never depends on their number.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from miner.errors import MiningError
from miner.rules.kernels import Bounds, Scratch, class_words, mine_root
from miner.rules.layout import Layout, build_layout, class_sizes
from miner.rules.transactions import Int32s, Int64s, Transactions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.rules.thresholds import Thresholds

_BLOCK = 64


@dataclass(frozen=True, eq=False)
class Rules:
    """Rules as arrays, sorted by event type, then by antecedent.

    Attributes:
        antecedents: int32, (n, max_len); visual items ascending, then text items ascending offset by `n_visual`, then -1.
        labels: int32, (n,), index of the event type.
        class_counts: int64, (n,), votes of the event type that match.
        counts: int64, (n,), labelled votes that match.
        n_visual: Number of visual items, the offset of text items.
        n_rows: Labelled votes, the m of every support.
        class_sizes: int64, (n_classes,), votes of each event type.
    """

    antecedents: Int32s
    labels: Int32s
    class_counts: Int64s
    counts: Int64s
    n_visual: int
    n_rows: int
    class_sizes: Int64s

    def __len__(self) -> int:
        """Number of rules."""
        return len(self.labels)

    def take(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Rules:
        """Keep some rules, in the given order."""
        return Rules(
            self.antecedents[rows],
            self.labels[rows],
            self.class_counts[rows],
            self.counts[rows],
            self.n_visual,
            self.n_rows,
            self.class_sizes,
        )

    def lengths(self) -> Int64s:
        """Number of items of each antecedent; int64, (n,)."""
        return np.count_nonzero(self.antecedents >= 0, axis=1).astype(np.int64)


class Miner(Protocol):
    """Finds all multimodal rules above thresholds."""

    def mine(self, transactions: Transactions, thresholds: Thresholds, *, threads: int = 1) -> Rules:
        """Give the rules, sorted by event type and antecedent.

        Raises:
            MiningError: There is nothing to mine, or the result would not fit.
        """
        ...


@dataclass(frozen=True)
class BitmapMiner:
    """The compiled engine.

    Attributes:
        max_rules: More rules than this are refused rather than returned.
    """

    max_rules: int = 20_000_000

    def mine(self, transactions: Transactions, thresholds: Thresholds, *, threads: int = 1) -> Rules:
        """Give all rules; the same for any number of threads.

        Raises:
            MiningError: No labelled votes, or more than `max_rules` rules.
        """
        sizes = require_votes(transactions)
        bounds = bounds_of(thresholds, sizes)
        layout = build_layout(transactions, bounds.still_class[:, 2])
        return search(layout, bounds, threads=threads, max_rules=self.max_rules, n_visual=transactions.n_visual)


def search(layout: Layout, bounds: Bounds, *, threads: int, max_rules: int, n_visual: int) -> Rules:
    """Find all rules above the bounds.

    Args:
        layout: Transactions with every item that the bounds leave a chance.
        bounds: Thresholds in whole numbers.
        threads: Threads that share the work; never changes the result.
        max_rules: More rules than this are refused.
        n_visual: Visual items of the transactions, the offset of text items in the antecedents.

    Raises:
        MiningError: More than `max_rules` rules.
    """
    parts = _mine_roots(layout, bounds, threads, max_rules)
    found = sum(part[2] for part in parts)
    if found > max_rules:
        raise MiningError(
            f"{found:,} rules reach the thresholds, more than the {max_rules:,} that fit",
            hint="raise min_support_count or min_confidence, or lower max_len",
        )
    return _assemble(parts, layout, bounds.max_len, n_visual, np.diff(layout.class_start))


def require_votes(transactions: Transactions) -> Int64s:
    """Give the class sizes, refusing transactions that cannot hold a rule.

    Raises:
        MiningError: No labelled vote.
    """
    sizes = class_sizes(transactions)
    if not int(sizes.sum()):
        raise MiningError(
            f"no labelled votes among {len(transactions)} transactions: rules lead to an event type",
            hint="check the labels with: eventminer corpus check CORPUS",
        )
    return sizes


def bounds_of(thresholds: Thresholds, sizes: Int64s, provable: Int64s | None = None) -> Bounds:
    """Give the thresholds as the kernels read them.

    Args:
        thresholds: What a rule must reach.
        sizes: int64, (n_classes,), votes of each event type.
        provable: int64, (n_classes, max_len + 1), further least class counts by length, if any.
    """
    least = np.repeat(thresholds.least_class_counts(sizes)[:, None], thresholds.max_len + 1, axis=1)
    if provable is not None:
        least = np.maximum(least, provable)
    still = np.minimum.accumulate(least[:, ::-1], axis=1)[:, ::-1]
    return Bounds(
        np.ascontiguousarray(least),
        np.ascontiguousarray(still),
        thresholds.least_count(int(sizes.sum())),
        thresholds.min_confidence,
        thresholds.min_lift,
        thresholds.max_len,
    )


Part = tuple[Int32s, Int64s, int]


def _mine_roots(layout: Layout, bounds: Bounds, threads: int, max_rules: int) -> list[Part]:
    """Mine every root, the largest first, in as many threads as asked."""
    sizes = np.diff(layout.list_ptr)
    queue = deque(int(root) for root in np.argsort(-sizes, kind="stable"))
    parts: list[Part] = [(np.empty(0, np.int32), np.empty(0, np.int64), 0)] * len(queue)

    def work() -> None:
        scratch = _scratch(layout, bounds)
        while queue:
            try:
                root = queue.popleft()
            except IndexError:
                return
            parts[root] = mine_root(layout, root, bounds, scratch, max_rules)

    if threads == 1 or len(queue) < 2:
        work()
    else:
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(work) for _ in range(threads)]:
                done.result()
    return parts


def _scratch(layout: Layout, bounds: Bounds) -> Scratch:
    """Allocate what the largest root needs; untouched pages cost nothing."""
    n_items = len(layout.visual_ids) + len(layout.text_ids)
    sizes = np.diff(layout.list_ptr)
    if not len(sizes):
        return Scratch(np.empty(0, np.uint64), np.empty(0, np.uint64))
    words = class_words(layout, int(np.argmax(sizes)))
    stride = int(sizes.max()) // _BLOCK + len(words)
    width = int(np.diff(layout.class_start).max()) // _BLOCK + 1
    width = min(width, stride)
    return Scratch(
        np.empty(n_items * stride, np.uint64),
        np.empty((bounds.max_len - 1) * n_items * width, np.uint64),
    )


def _assemble(parts: Sequence[Part], layout: Layout, max_len: int, n_visual: int, sizes: Int64s) -> Rules:
    """Join the roots' rules, translate items and sort."""
    local = np.concatenate([part[0] for part in parts] or [np.empty(0, np.int32)]).reshape(-1, max_len)
    numbers = np.concatenate([part[1] for part in parts] or [np.empty(0, np.int64)]).reshape(-1, 3)
    names = np.concatenate([layout.visual_ids, layout.text_ids + n_visual, [np.iinfo(np.int32).max]]).astype(np.int32)
    antecedents = np.sort(names[local], axis=1)
    antecedents[antecedents == np.iinfo(np.int32).max] = -1
    order = np.lexsort([*antecedents.T[::-1], numbers[:, 0]])
    return Rules(
        antecedents[order],
        numbers[order, 0].astype(np.int32),
        numbers[order, 1],
        numbers[order, 2],
        n_visual,
        int(sizes.sum()),
        sizes,
    )

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

from miner.errors import MiningError
from miner.rules.layout import Layout, build_layout, class_sizes
from miner.rules.projection import BLOCK, TILE
from miner.rules.ruleset import Rules
from miner.rules.walk import Bounds, Room, Tree, mine_root

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from miner.rules.thresholds import Thresholds
    from miner.rules.transactions import Int32s, Int64s, Transactions

_CAPACITY = 2**16


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
        bounds = bounds_of(thresholds, require_votes(transactions))
        layout = build_layout(transactions, bounds.still_class[:, 2], threads=threads)
        return search(layout, bounds, threads=threads, max_rules=self.max_rules, n_visual=transactions.n_visual)


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
    """Give the thresholds as the walk reads them.

    Args:
        thresholds: What a rule must reach.
        sizes: int64, (n_classes,), votes of each event type.
        provable: int64, (n_classes, max_len + 1), further least class counts by length, if any.
    """
    least = np.repeat(thresholds.least_class_counts(sizes)[:, None], thresholds.max_len + 1, axis=1)
    if provable is not None:
        least = np.maximum(least, provable)
    n_rows = int(sizes.sum())
    return Bounds(
        np.ascontiguousarray(least),
        np.ascontiguousarray(np.minimum.accumulate(least[:, ::-1], axis=1)[:, ::-1]),
        thresholds.least_count(n_rows),
        float(thresholds.min_confidence),
        float(thresholds.min_lift),
        sizes,
        n_rows,
        thresholds.max_len,
    )


def search(
    layout: Layout,
    bounds: Bounds,
    *,
    threads: int,
    max_rules: int,
    n_visual: int,
    roots: Sequence[int] | None = None,
) -> Rules:
    """Find all rules above the bounds.

    Args:
        layout: Transactions with every item that the bounds leave a chance.
        bounds: Thresholds in whole numbers.
        threads: Threads that share the work; never changes the result.
        max_rules: More rules than this are refused.
        n_visual: Visual items of the transactions, the offset of text items in the antecedents.
        roots: Local text items; only rules whose first text item is one of them are found. All by default.

    Raises:
        MiningError: More than `max_rules` rules.
    """
    parts: dict[int, tuple[Int32s, Int64s]] = {}
    working: dict[int, tuple[Bounds, Room]] = {}

    def mine(root: int, tree: Tree) -> None:
        own_bounds, room = working.setdefault(id(tree), (_copied(bounds), tree.room))
        found = mine_root(layout, root, own_bounds, tree)
        if room.state[1]:
            parts.clear()
        elif found > len(tree.numbers):
            larger = _with_capacity(tree, found, bounds.max_len)
            mine_root(layout, root, own_bounds, larger)
            parts[root] = (larger.rules, larger.numbers)
        elif found:
            parts[root] = (tree.rules[:found].copy(), tree.numbers[:found].copy())

    for_each_root(layout, bounds.max_len, mine, threads=threads, max_rules=max_rules, roots=roots)
    _require_room([room for _, room in working.values()], max_rules)
    antecedents = np.concatenate([np.empty((0, bounds.max_len), np.int32), *(part[0] for part in parts.values())])
    numbers = np.concatenate([np.empty((0, 3), np.int64), *(part[1] for part in parts.values())])
    names = np.concatenate([layout.visual_ids, layout.text_ids + n_visual, [-1]]).astype(np.int32)
    return Rules.sorted(names[antecedents], numbers, n_visual=n_visual, class_sizes=bounds.class_sizes)


def _copied(bounds: Bounds) -> Bounds:
    """Give bounds that may be raised without anyone else noticing."""
    return bounds._replace(least_class=bounds.least_class.copy(), still_class=bounds.still_class.copy())


def _require_room(rooms: Sequence[Room], max_rules: int) -> None:
    """Refuse more rules than fit, naming the least change of `min_support_count` that makes them fit."""
    if not rooms:
        return
    numbers = np.sum([room.numbers for room in rooms], axis=0)
    above = np.cumsum(numbers[::-1])[::-1]
    least = max(int(np.flatnonzero(np.append(above, 0) <= max_rules)[0]), *(int(room.state[1]) for room in rooms), 0)
    if not least:
        return
    fitting = int(above[least]) if least < len(above) else 0
    raised = f"min_support_count = {least} leaves {fitting:,}"
    raise MiningError(
        f"at least {int(above[0]):,} rules reach the thresholds, more than the {max_rules:,} that fit; {raised}",
        hint=f"-o mine.min_support_count={least}" if fitting else "raise min_confidence or lower max_len",
    )


def for_each_root(
    layout: Layout,
    max_len: int,
    task: Callable[[int, Tree], None],
    *,
    threads: int = 1,
    max_rules: int = 0,
    roots: Sequence[int] | None = None,
) -> None:
    """Run a task for every text item, or for the given ones, the one with most work first, each thread with memory of its own."""
    queue = deque(order_roots(layout) if roots is None else roots)

    def work() -> None:
        tree = _new_tree(layout, max_len, max_rules)
        while queue:
            try:
                root = queue.popleft()
            except IndexError:
                return
            task(root, tree)

    if threads == 1 or len(queue) < 2:
        work()
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work) for _ in range(threads)]:
            done.result()


def order_roots(layout: Layout) -> list[int]:
    """List the local text items, the one with most votes first."""
    return [int(root) for root in np.argsort(-_root_sizes(layout), kind="stable")]


def _root_sizes(layout: Layout) -> Int64s:
    """Count the votes of every text item; int64, (n_text,)."""
    sizes: Int64s = layout.list_ptr[:, -1] - layout.list_ptr[:, 0]
    return sizes


def _new_tree(layout: Layout, max_len: int, max_rules: int) -> Tree:
    """Allocate what the largest root needs; pages that stay untouched cost nothing."""
    n_items = len(layout.visual_ids) + len(layout.text_ids)
    stride = int(_root_sizes(layout).max(initial=0)) // BLOCK + len(layout.class_entries)
    width = min(stride, int(layout.class_sizes.max(initial=0)) // BLOCK + 1)
    return Tree(
        np.empty(n_items * (stride // TILE + 1) * TILE, np.uint64),
        np.empty((max_len - 1) * n_items * width, np.uint64),
        np.empty((max_len, n_items), np.int64),
        np.empty((max_len, n_items), np.int64),
        np.zeros(max_len, np.int64),
        np.zeros(max_len, np.int64),
        np.zeros(max_len, np.int64),
        np.empty((_CAPACITY, max_len), np.int32),
        np.empty((_CAPACITY, 3), np.int64),
        _new_room(layout, max_rules),
    )


def _new_room(layout: Layout, max_rules: int) -> Room:
    """Give room for so many rules."""
    return Room(np.zeros(int(layout.class_sizes.max(initial=0)) + 2, np.int64), np.zeros(2, np.int64), max_rules)


def _with_capacity(tree: Tree, n_rules: int, max_len: int) -> Tree:
    """Give the same memory with space for more rules; they were admitted before."""
    again = Room(np.zeros_like(tree.room.numbers), np.zeros(2, np.int64), n_rules)
    return tree._replace(
        rules=np.empty((n_rules, max_len), np.int32), numbers=np.empty((n_rules, 3), np.int64), room=again
    )

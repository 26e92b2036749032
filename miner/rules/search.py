"""The compiled engine: all multimodal rules above the thresholds, exactly.

A rule's antecedent has at least one visual and at least one text item, which the walk makes true by construction: each
frequent text item is a root, visual items come first below it, so no itemset of one kind is ever visited (except the roots
themselves). Roots are independent, so threads take them from one queue and the result never depends on their number.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from miner.errors import MiningError
from miner.rules.collect import Best, Everything, namer
from miner.rules.condense import ALL_RULES, Condensing, condense
from miner.rules.layout import Layout, build_layout, class_sizes
from miner.rules.projection import BLOCK, TILE
from miner.rules.stream import Stream, writing
from miner.rules.walk import ALL, CLOSED, FRESH, MAXIMAL, Bounds, Tree, mine_root

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from miner.rules.collect import Collector
    from miner.rules.ruleset import Rules
    from miner.rules.shards import AnyVotes
    from miner.rules.thresholds import Thresholds
    from miner.rules.transactions import Int64s, Transactions

_CODES = {"all": ALL, "closed": CLOSED, "maximal": MAXIMAL}


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
        condensing: Which of the rules are wanted.
    """

    max_rules: int = 20_000_000
    condensing: Condensing = ALL_RULES

    def mine(self, transactions: AnyVotes, thresholds: Thresholds, *, threads: int = 1) -> Rules:
        """Give the wanted rules; the same for any number of threads.

        Raises:
            MiningError: No labelled votes, more than `max_rules` rules, or wanted items that no antecedent can hold.
        """
        layout, bounds = self._prepare(transactions, thresholds, threads)
        most, n_visual = self.max_rules, transactions.n_visual
        return find_rules(layout, bounds, self.condensing, threads=threads, max_rules=most, n_visual=n_visual)

    def stream(self, transactions: AnyVotes, thresholds: Thresholds, path: Path, *, threads: int = 1) -> int:
        """Write the wanted rules to a Parquet file of schema `FOUND`, however many there are, and give their number.

        Rules come root by root, sorted within a row group; the file is the same for any number of threads and appears
        once it is whole.

        Raises:
            MiningError: No labelled votes, wanted items that no antecedent can hold, or only maximal rules are wanted,
                which are not known before the end.
            ArtefactError: The file cannot be written.
        """
        if self.condensing.kind == "maximal":
            raise MiningError(
                "maximal rules cannot be streamed: whether a rule is maximal is known at the end only",
                hint="-o mine.condensed=closed",
            )
        with writing(path, transactions.event_types) as write:
            if self.condensing.kind == "top_k":
                found = self.mine(transactions, thresholds, threads=threads)
                write(found)
                return len(found)
            layout, bounds = self._prepare(transactions, thresholds, threads)
            bounds = bounds._replace(condensed=_CODES[self.condensing.kind])
            stream = Stream(bounds, namer(layout, bounds, transactions.n_visual), write)
            mine_roots(layout, bounds, stream, threads=threads)
            return stream.close()

    def _prepare(self, transactions: AnyVotes, thresholds: Thresholds, threads: int) -> tuple[Layout, Bounds]:
        """Bring the votes and the thresholds into the form the walk reads."""
        bounds = bounds_of(thresholds, require_votes(transactions))
        thresholds.items.require_possible(transactions.n_visual, transactions.n_text, thresholds.max_len)
        return build_layout(transactions, bounds.still_class[:, 2], items=thresholds.items, threads=threads), bounds


def require_votes(transactions: AnyVotes) -> Int64s:
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


def find_rules(
    layout: Layout, bounds: Bounds, wanted: Condensing, *, threads: int, max_rules: int, n_visual: int
) -> Rules:
    """Find the wanted rules above the bounds; arguments as of `search`.

    Raises:
        MiningError: More than `max_rules` rules.
    """
    if wanted.kind == "top_k":
        kept = Best(bounds, namer(layout, bounds, n_visual), wanted.k, wanted.by)
        mine_roots(layout, bounds, kept, threads=threads)
        return kept.rules()
    bounds = bounds._replace(condensed=_CODES[wanted.kind])
    return search(layout, bounds, threads=threads, max_rules=max_rules, n_visual=n_visual)


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
    kept = Everything(bounds, max_rules)
    mine_roots(layout, bounds, kept, threads=threads, roots=roots)
    rules = namer(layout, bounds, n_visual)(*kept.found())
    return rules.take(condense(rules, Condensing("maximal"))) if bounds.condensed == MAXIMAL else rules


def mine_roots(
    layout: Layout, bounds: Bounds, collector: Collector, *, threads: int, roots: Sequence[int] | None = None
) -> None:
    """Hand all rules above the bounds to a collector, which may raise the bounds on the way."""
    order = order_roots(layout) if roots is None else list(roots)
    if layout.forced[1]:
        order = [root for root in order if root == 0]
    places = {root: place for place, root in enumerate(order)}
    raised: dict[int, Bounds] = {}

    def mine(root: int, tree: Tree) -> None:
        own = raised.setdefault(id(tree), _copied(bounds))
        tree.state[0] = FRESH
        while tree.state[0] < len(bounds.class_sizes) and not tree.state[2]:
            found = mine_root(layout, root, own, tree)
            done = bool(tree.state[0] == len(bounds.class_sizes))
            if found or done:
                least = collector.take(places[root], tree.rules[:found], tree.numbers[:found], done=done)[:, None]
                np.maximum(own.least_class, least, out=own.least_class)
                np.maximum(own.still_class, least, out=own.still_class)

    for_each_root(
        layout,
        bounds.max_len,
        mine,
        threads=threads,
        roots=order,
        capacity=collector.capacity,
        stopped=collector.stop,
    )


def _copied(bounds: Bounds) -> Bounds:
    """Give bounds that may be raised without anyone else noticing."""
    return bounds._replace(least_class=bounds.least_class.copy(), still_class=bounds.still_class.copy())


def for_each_root(
    layout: Layout,
    max_len: int,
    task: Callable[[int, Tree], None],
    *,
    threads: int = 1,
    roots: Sequence[int] | None = None,
    capacity: int = 1,
    stopped: Callable[[], None] = lambda: None,
) -> None:
    """Run a task for every text item, or for the given ones in their order, each thread with memory of its own.

    When a task fails or the user interrupts, no further root is begun, `state[2]` of every tree is set, and `stopped` is
    called; the error is raised once the threads have noticed.
    """
    queue = deque(order_roots(layout) if roots is None else roots)
    trees: list[Tree] = []

    def work() -> None:
        tree = _new_tree(layout, max_len, capacity)
        trees.append(tree)
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
        try:
            working = [pool.submit(work) for _ in range(threads)]
            for ended in wait(working, return_when=FIRST_EXCEPTION).done:
                ended.result()
        except BaseException:
            queue.clear()
            for tree in trees:
                tree.state[2] = 1
            stopped()
            raise


def order_roots(layout: Layout) -> list[int]:
    """List the local text items, the one with most votes first."""
    return [int(root) for root in np.argsort(-_root_sizes(layout), kind="stable")]


def _root_sizes(layout: Layout) -> Int64s:
    """Count the votes of every text item; int64, (n_text,)."""
    sizes: Int64s = layout.list_ptr[:, -1] - layout.list_ptr[:, 0]
    return sizes


def _new_tree(layout: Layout, max_len: int, capacity: int) -> Tree:
    """Allocate what the largest root needs; pages that stay untouched cost nothing."""
    n_items = len(layout.visual_ids) + len(layout.text_ids)
    n_classes = len(layout.class_sizes)
    stride = int(_root_sizes(layout).max(initial=0)) // BLOCK + n_classes + 1
    width = min(stride, int(layout.class_sizes.max(initial=0)) // BLOCK + 1)
    return Tree(
        np.empty(n_items * (stride // TILE + 1) * TILE, np.uint64),
        np.empty((max_len - 1) * n_items * width, np.uint64),
        np.empty((max_len, n_items), np.int64),
        np.empty((max_len, n_items), np.int64),
        np.zeros(max_len, np.int64),
        np.zeros(max_len, np.int64),
        np.zeros(max_len, np.int64),
        np.zeros(max_len, np.int64),
        np.empty((capacity, max_len), np.int32),
        np.empty((capacity, 3), np.int64),
        np.empty((n_classes, n_items), np.int64),
        np.zeros(max_len, np.int64),
        np.array([FRESH, FRESH, 0], np.int64),
    )

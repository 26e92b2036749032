"""How many multimodal itemsets of each length have at least each count, classes ignored: what test (a) must know."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from miner.rules.layout import Layout, build_layout
from miner.rules.search import for_each_root
from miner.rules.walk import Bounds, Tally, Tree, tally_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.rules.hypergeom import Floats
    from miner.rules.shards import AnyVotes, Votes
    from miner.rules.transactions import Int64s


def pooled(transactions: Votes) -> Votes:
    """Put all labelled votes into one class."""
    return replace(transactions, labels=np.minimum(transactions.labels, 0), event_types=("any",))


def row_shapes(transactions: AnyVotes) -> Int64s:
    """Count the labelled votes by their numbers of visual and of text items; int64, (most visual + 1, most text + 1)."""
    labelled = transactions.labels >= 0
    visual, text = np.diff(transactions.visual_indptr)[labelled], np.diff(transactions.text_indptr)[labelled]
    shape = (int(visual.max(initial=0)) + 1, int(text.max(initial=0)) + 1)
    return np.bincount(visual * shape[1] + text, minlength=shape[0] * shape[1]).reshape(shape)


def count_testable(transactions: AnyVotes, start: int, allowed: Floats, *, threads: int = 1) -> Floats:
    """Count the multimodal itemsets of each length with at least each count.

    Args:
        transactions: Votes.
        start: Least count of interest.
        allowed: float64, (max_len + 1, cap + 1), rising: how many itemsets of at least each count are worth counting.
        threads: Threads that share the work; never changes the result.

    Returns:
        float64, (max_len + 1, cap + 1): their number, infinite where it is larger than allowed.
    """
    layout = build_layout(pooled(transactions), np.array([start], np.int64), threads=threads)
    numbers, complete = tally_itemsets(layout, start, allowed, threads=threads)
    return above_counts(numbers, complete, start, allowed)


def tally_itemsets(
    layout: Layout, start: int, allowed: Floats, *, threads: int = 1, roots: Sequence[int] | None = None
) -> tuple[Int64s, Int64s]:
    """Count the multimodal itemsets by length and count.

    Args:
        layout: Votes in a single class.
        start: Least count of interest.
        allowed: As of `count_testable`.
        threads: Threads that share the work.
        roots: Local text items that itemsets must have as their first; all by default.

    Returns:
        int64, (max_len + 1, cap + 1): itemsets of each count, the last column also for larger ones; and int64,
        (max_len + 1,): the count from which on they are complete, because more than allowed have less.
    """
    tallies: dict[int, tuple[Bounds, Tally]] = {}
    n_rows = int(layout.class_sizes[0])

    def tally(root: int, tree: Tree) -> None:
        if id(tree) not in tallies:
            tallies[id(tree)] = _new_tally(start, n_rows, allowed)
        bounds, counted = tallies[id(tree)]
        tally_root(layout, root, bounds, tree, counted)

    for_each_root(layout, len(allowed) - 1, tally, threads=threads, roots=roots)
    numbers = np.zeros(allowed.shape, np.int64)
    complete = np.zeros(len(allowed), np.int64)
    for bounds, counted in tallies.values():
        numbers += counted.numbers
        complete = np.maximum(complete, bounds.least_class[0])
    return numbers, complete


def above_counts(numbers: Int64s, complete: Int64s, start: int, allowed: Floats) -> Floats:
    """Turn numbers of itemsets at each count into those at each count or more, infinite beyond what is allowed.

    Args:
        numbers: int64, (max_len + 1, cap + 1).
        complete: int64, (max_len + 1,), least count from which on all itemsets of a length are among `numbers`; where it
            is above `start`, more than allowed have less.
        start: Least count of interest; smaller ones get its number.
        allowed: As of `count_testable`.
    """
    above = np.cumsum(numbers[:, ::-1], axis=1)[:, ::-1].astype(np.float64)
    above[:, :-1][above[:, :-1] > allowed[:, :-1]] = np.inf
    above[np.arange(allowed.shape[1]) < np.minimum(complete, allowed.shape[1] - 1)[:, None]] = np.inf
    first = min(start, allowed.shape[1] - 1)
    above[:, :first] = above[:, first : first + 1]
    return above


def _new_tally(start: int, n_rows: int, allowed: Floats) -> tuple[Bounds, Tally]:
    """Start one thread's tally: counts below `start` are of no interest from the beginning."""
    max_len = len(allowed) - 1
    least = np.full((1, max_len + 1), start, np.int64)
    bounds = Bounds(least, least.copy(), start, 1.0, 0.0, np.array([n_rows], np.int64), n_rows, max_len)
    return bounds, Tally(np.zeros(allowed.shape, np.int64), np.zeros(max_len + 1, np.int64), allowed)

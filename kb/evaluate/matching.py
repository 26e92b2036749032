"""One-to-one matching of what was predicted with what is right."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from corpora.m2e2 import Box

__all__ = ["MIN_IOU", "Counts", "Item", "box_iou", "count_matches"]

MIN_IOU = 0.5


class Item(NamedTuple):
    """Something to be found.

    Attributes:
        document: Where.
        event_type: What it is, or belongs to.
        key: What must be equal.
        choices: Of these at least one must be shared, where there are any.
        box: What must overlap, where there is one.
    """

    document: str
    event_type: str
    key: Hashable
    choices: frozenset[Hashable] = frozenset()
    box: Box | None = None


class Counts(NamedTuple):
    """How many were found rightly, were predicted, and are right."""

    correct: int
    predicted: int
    gold: int


def count_matches(right: Iterable[Item], guessed: Iterable[Item]) -> dict[tuple[str, str], Counts]:
    """Match items one to one, as many as possible.

    Returns:
        Counts by event type and document.
    """
    groups: dict[tuple[str, str], tuple[list[Item], list[Item]]] = defaultdict(lambda: ([], []))
    for item in right:
        groups[item.event_type, item.document][0].append(item)
    for item in guessed:
        groups[item.event_type, item.document][1].append(item)
    return {group: Counts(_matched(*pair), len(pair[1]), len(pair[0])) for group, pair in groups.items()}


def box_iou(one: Box, other: Box) -> float:
    """Return the intersection of two boxes over their union, 0 where they do not meet."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (areas - width * height)


def _matched(right: Sequence[Item], guessed: Sequence[Item]) -> int:
    exact = [item for item in right if item.box is None and not item.choices]
    n_exact = (
        Counter(i.key for i in exact) & Counter(i.key for i in guessed if i.box is None and not i.choices)
    ).total()
    return n_exact + _largest_matching(
        [item for item in right if item.box or item.choices],
        [item for item in guessed if item.box or item.choices],
        _fits,
    )


def _fits(one: Item, other: Item) -> bool:
    if one.key != other.key or not (one.choices & other.choices or one.choices == other.choices):
        return False
    if one.box is None or other.box is None:
        return one.box is other.box
    return box_iou(one.box, other.box) >= MIN_IOU


def _largest_matching(right: Sequence[Item], guessed: Sequence[Item], fits: Callable[[Item, Item], bool]) -> int:
    if not right or not guessed:
        return 0
    pairs = np.array([[fits(one, other) for other in guessed] for one in right])
    return int((maximum_bipartite_matching(csr_matrix(pairs), perm_type="column") >= 0).sum())

"""Thresholds as the search compares them: whole numbers wherever the definition allows.

DESIGN's definition with m labelled votes: support s(t) = count(t) / m >= s_min and confidence c(t -> y) = classCount / count
>= c_min. A quotient of two whole numbers is rounded once, to the nearest float, so a share that equals its threshold as a
fraction also equals it as a float: ties are kept, never lost to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from miner.errors import MiningError

if TYPE_CHECKING:
    from miner.config import MineConfig
    from miner.rules.transactions import Int64s


@dataclass(frozen=True)
class ItemChoice:
    """Which items antecedents must and must not hold.

    Attributes:
        must_have_visual: Visual items that every antecedent holds, all of them.
        must_have_text: Text items that every antecedent holds, all of them.
        must_not_have_visual: Visual items that no antecedent holds.
        must_not_have_text: Text items that no antecedent holds.
    """

    must_have_visual: tuple[int, ...] = ()
    must_have_text: tuple[int, ...] = ()
    must_not_have_visual: tuple[int, ...] = ()
    must_not_have_text: tuple[int, ...] = ()

    @property
    def n_forced(self) -> tuple[int, int]:
        """How many different visual and text items every antecedent holds."""
        return len(set(self.must_have_visual)), len(set(self.must_have_text))

    def require_possible(self, n_visual: int, n_text: int, max_len: int) -> None:
        """Refuse a choice that no antecedent can meet.

        Raises:
            MiningError: An item does not exist, is wanted and unwanted, or too many are wanted for `max_len`.
        """
        for kind, wanted, unwanted, n_items in (
            ("visual", self.must_have_visual, self.must_not_have_visual, n_visual),
            ("text", self.must_have_text, self.must_not_have_text, n_text),
        ):
            for item in (*wanted, *unwanted):
                if not 0 <= item < n_items:
                    raise MiningError(f"there is no {kind} item {item}: allowed is 0 to {n_items - 1}")
            for item in set(wanted) & set(unwanted):
                raise MiningError(f"{kind} item {item} stands in both must_have_{kind} and must_not_have_{kind}")
        n_items_needed = sum(max(1, number) for number in self.n_forced)
        if n_items_needed > max_len:
            raise MiningError(
                f"antecedents that hold all wanted items have at least {n_items_needed} items, max_len is {max_len}",
                hint=f"-o mine.max_len={n_items_needed}",
            )


ANY_ITEMS = ItemChoice()


@dataclass(frozen=True)
class Thresholds:
    """What a rule must reach.

    Attributes:
        min_support: Least count / m of the antecedent, in [0, 1].
        min_class_count: Least votes that match the antecedent and the event type, >= 1.
        min_confidence: Least classCount / count, in (0, 1].
        min_lift: Least confidence over the event type's prior, >= 0.
        max_len: Most items of an antecedent, >= 2.
        items: Items that antecedents must and must not hold.
    """

    min_support: float = 0.0
    min_class_count: int = 1
    min_confidence: float = 0.3
    min_lift: float = 0.0
    max_len: int = 3
    items: ItemChoice = ANY_ITEMS

    def __post_init__(self) -> None:
        """Refuse values outside their range.

        Raises:
            MiningError: Names the threshold, its value and its range.
        """
        _require("min_support", self.min_support, 0.0 <= self.min_support <= 1.0, "0 to 1")
        _require("min_class_count", self.min_class_count, self.min_class_count >= 1, "1 or more")
        _require("min_confidence", self.min_confidence, 0.0 < self.min_confidence <= 1.0, "above 0, at most 1")
        _require("min_lift", self.min_lift, 0.0 <= self.min_lift < math.inf, "0 or more")
        _require("max_len", self.max_len, self.max_len >= 2, "2 or more")

    @classmethod
    def of(cls, config: MineConfig) -> Thresholds:
        """Take the thresholds out of a configuration."""
        return cls(
            min_support=config.min_support,
            min_class_count=config.min_support_count,
            min_confidence=config.min_confidence,
            min_lift=config.min_lift,
            max_len=config.max_len,
            items=ItemChoice(
                config.must_have_visual,
                config.must_have_text,
                config.must_not_have_visual,
                config.must_not_have_text,
            ),
        )

    def least_count(self, n_rows: int) -> int:
        """Give the least count whose support reaches `min_support` among `n_rows` labelled votes, at least 1."""
        return max(1, least_whole(self.min_support, n_rows))

    def least_class_counts(self, class_sizes: Int64s) -> Int64s:
        """Give the least class count that a rule of each event type can have; int64, (n_classes,).

        classCount >= c_min * count and count >= s_min * m, so classCount >= c_min * s_min * m: the anti-monotone bound
        the search prunes with. Lift bounds the confidence, so it sharpens the bound.
        """
        n_rows = int(class_sizes.sum())
        count = self.least_count(n_rows)
        bound = max(self.min_class_count, least_whole(self.min_confidence, count))
        lifts = [_least_for_lift(self.min_lift, count, int(size), n_rows) for size in class_sizes]
        return np.maximum(np.array(lifts, np.int64), bound)


def least_whole(share: float, total: int) -> int:
    """Give the least whole number k with k / total >= share, where the quotient is rounded once."""
    guess = max(0, math.floor(share * total) - 1)
    while guess <= total and guess / total < share:
        guess += 1
    return guess


def _least_for_lift(lift: float, count: int, size: int, n_rows: int) -> int:
    """Give the least class count with (classCount * m) / (count * class size) >= lift."""
    if lift == 0.0 or size == 0:
        return 1
    guess = max(1, math.floor(lift * count * size / n_rows) - 1)
    while (guess * n_rows) / (count * size) < lift:
        guess += 1
    return guess


def _require(name: str, value: float, holds: bool, allowed: str) -> None:
    """Raise with the name, the value and what is allowed."""
    if not holds:
        raise MiningError(f"{name} = {value} is out of range: allowed is {allowed}")

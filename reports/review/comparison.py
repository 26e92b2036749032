"""What two runs found of the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kb.review.matching import match_mined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kb.review.mined import Mined
    from kb.review.state import ReviewState


@dataclass(frozen=True)
class Side:
    """A pattern in one of two runs."""

    pattern: str
    name: str
    confidence: float
    support: float
    n_photographs: int


@dataclass(frozen=True)
class Pair:
    """The same pattern in two runs.

    Attributes:
        event_type: As it was mined in both.
        own: In the run at hand.
        other: In the other.
        likeness: 0 to 1.
        status: What was decided about it.
    """

    event_type: str
    own: Side
    other: Side
    likeness: float
    status: str


@dataclass(frozen=True)
class Comparison:
    """Two runs.

    Attributes:
        pairs: What both found, by event type.
        lost: What only the run at hand has, with what was decided about it.
        gained: What only the other has.
    """

    pairs: Sequence[Pair]
    lost: Sequence[tuple[str, Side, str]]
    gained: Sequence[tuple[str, Side]]


def compare_runs(state: ReviewState, other: Mined) -> Comparison:
    """Match the mined patterns of a reviewed run with those of another."""
    mined = state.mined
    matches = {match.old: match for match in match_mined(mined, other)}
    found = {match.new for match in matches.values()}
    pairs, lost = [], []
    for name, row in _ordered(mined):
        status = state[state.root(name)].status
        match = matches.get(name)
        if match is None:
            lost.append((row["eventType"], _side(row), status))
        else:
            pairs.append(Pair(row["eventType"], _side(row), _side(other.rows[match.new]), match.likeness, status))
    gained = [(row["eventType"], _side(row)) for name, row in _ordered(other) if name not in found]
    return Comparison(pairs, lost, gained)


def _ordered(mined: Mined) -> list[tuple[str, Mapping[str, Any]]]:
    return sorted(mined.rows.items(), key=lambda item: (item[1]["eventType"], item[1]["rank"], item[0]))


def _side(row: Mapping[str, Any]) -> Side:
    return Side(row["pattern"], row["name"], row["confidence"], row["support"], row["nPhotoGroups"])

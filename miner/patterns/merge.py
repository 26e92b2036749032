"""Rules about one thing become one pattern.

Two rules of an event type are about one thing when the same pictures support them, or when the same captions do and their
filters fire together at the same place. Rules are taken strongest first; each joins the first pattern whose strongest rule
it agrees with, or starts one of its own, so that chains of half-similar rules never form and the result does not depend on
the order of the input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from miner.patterns.pictures import Bools, Int64s, Pictures, Votes

NEAR_SHARE = 0.5
"""Share of the pictures in which both filters fire whose peaks must lie within one cell for the filters to be co-located."""


@dataclass(frozen=True)
class Member:
    """One rule of a pattern.

    Attributes:
        rule: Its row in the table of rules.
        visual: Its visual items, ascending.
        text: Its text items, ascending.
    """

    rule: int
    visual: tuple[int, ...]
    text: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Draft:
    """A pattern in the making: the rules of one event type that are about one thing, strongest first."""

    event_type: str
    members: tuple[Member, ...]

    @property
    def visual(self) -> tuple[int, ...]:
        """Visual items of all members, ascending."""
        return tuple(sorted({item for member in self.members for item in member.visual}))

    @property
    def text(self) -> tuple[int, ...]:
        """Text items of all members, ascending."""
        return tuple(sorted({item for member in self.members for item in member.text}))

    def matches(self, votes: Votes) -> Bools:
        """Tell for each vote whether the antecedent of some member is among its items."""
        return _any([votes.fires_all(m.visual) & votes.says_all(m.text) for m in self.members])

    def fires(self, votes: Votes) -> Bools:
        """Tell for each vote whether the visual items of some member fire."""
        return _any([votes.fires_all(items) for items in sorted({m.visual for m in self.members})])

    def says(self, votes: Votes) -> Bools:
        """Tell for each vote whether its captions have the text items of some member."""
        return _any([votes.says_all(items) for items in sorted({m.text for m in self.members})])


def _any(masks: Sequence[Bools]) -> Bools:
    return np.asarray(np.logical_or.reduce(masks))


def order_rules(rules: pa.Table) -> list[int]:
    """Return the rows of a table of rules, strongest first.

    Proven rules come before others, then the surest link between picture and words, then the surest class association, then
    the more frequent; itemsets break what ties are left.
    """
    rows = rules.select(["proven", "qLink", "logP", "classCount", "visual", "text"]).to_pylist()
    return sorted(
        range(len(rows)),
        key=lambda row: (
            not rows[row]["proven"],
            rows[row]["qLink"],
            rows[row]["logP"],
            -rows[row]["classCount"],
            rows[row]["visual"],
            rows[row]["text"],
        ),
    )


def merge_rules(
    rules: pa.Table, votes: Votes, pictures: Pictures, event_type: str, *, min_jaccard: float, max_members: int
) -> list[Draft]:
    """Merge the rules of one event type.

    Args:
        rules: Schema `miner.rules.RULES`; rules of other event types are passed over.
        votes: Those the rules were mined from.
        pictures: Behind the votes.
        event_type: Whose rules.
        min_jaccard: Least Jaccard overlap of supporting votes, or of votes whose captions support.
        max_members: Most rules kept in one pattern, the strongest.

    Returns:
        The drafts, in the order of their strongest rules.
    """
    types = rules["eventType"].to_pylist()
    visual, text = rules["visual"].to_pylist(), rules["text"].to_pylist()
    own = np.flatnonzero(votes.of_type(event_type))
    sites = [
        _Site(Member(row, tuple(visual[row]), tuple(text[row])), votes, own)
        for row in order_rules(rules)
        if types[row] == event_type
    ]
    leaders: list[list[_Site]] = []
    for site in sites:
        home = next((group for group in leaders if _agree(group[0], site, pictures, min_jaccard)), None)
        if home is None:
            leaders.append([site])
        elif len(home) < max_members:
            home.append(site)
    return [Draft(event_type, tuple(site.member for site in group)) for group in leaders]


class _Site:
    """A rule with the votes of its event type that support it."""

    def __init__(self, member: Member, votes: Votes, own: Int64s) -> None:
        self.member = member
        self.pictures = votes.picture[own]
        self.says = votes.says_all(member.text)[own]
        self.fires = votes.fires_all(member.visual)[own]
        self.supports = self.says & self.fires


def _agree(leader: _Site, other: _Site, pictures: Pictures, min_jaccard: float) -> bool:
    """Tell whether two rules are about one thing."""
    if jaccard(leader.supports, other.supports) >= min_jaccard:
        return True
    if jaccard(leader.says, other.says) < min_jaccard:
        return False
    if set(leader.member.visual) & set(other.member.visual):
        return True
    return _fire_together(leader.fires, other.fires) and _co_located(leader, other, pictures)


def jaccard(a: Bools, b: Bools) -> float:
    """Return the size of the intersection over the size of the union, 0 for two empty sets."""
    union = int(np.count_nonzero(a | b))
    return int(np.count_nonzero(a & b)) / union if union else 0.0


def _fire_together(a: Bools, b: Bools) -> bool:
    """Tell whether two sets of filters fire in the same pictures more often than by chance."""
    return int(np.count_nonzero(a & b)) * len(a) > int(np.count_nonzero(a)) * int(np.count_nonzero(b))


def _co_located(leader: _Site, other: _Site, pictures: Pictures) -> bool:
    """Tell whether the strongest cells of two rules' filters mostly lie within one cell where both fire."""
    both = leader.pictures[leader.fires & other.fires]
    grid = round(pictures.projected.shape[1] ** 0.5)
    a = _places(pictures, both, leader.member.visual, grid)
    b = _places(pictures, both, other.member.visual, grid)
    near = np.abs(a[:, :, None] - b[:, None, :]).max(axis=3).min(axis=(1, 2)) <= 1
    return bool(near.mean() >= NEAR_SHARE)


def _places(pictures: Pictures, rows: Int64s, items: Sequence[int], grid: int) -> Int64s:
    """Return row and column of each item's peak, int64, (n_rows, n_items, 2)."""
    cells = pictures.cells[rows][:, list(items)].astype(np.int64)
    return np.stack(np.divmod(cells, grid), axis=-1)

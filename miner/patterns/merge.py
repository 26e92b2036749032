"""Rules about one thing become one pattern.

Two rules of an event type are about one thing when the same pictures support them, or when the same captions do and their
filters fire together at the same place. Rules are taken strongest first; each joins the first pattern whose strongest rule
it agrees with, or starts one of its own, so that chains of half-similar rules never form and the result does not depend on
the order of the input.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from miner.patterns.pictures import cell_distances
from miner.store.fingerprint import digest_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.patterns.pictures import Bools, Int64s, Pictures, Votes

Float64s = npt.NDArray[np.float64]
Items = tuple[int, ...]

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
    visual: Items
    text: Items


@dataclass(frozen=True, eq=False)
class Draft:
    """A pattern in the making: the rules of one event type that are about one thing, strongest first."""

    event_type: str
    members: tuple[Member, ...]

    @property
    def pattern(self) -> str:
        """Id of the pattern: the same event type and items always have the same one."""
        members = [[list(m.visual), list(m.text)] for m in self.members]
        return "P" + digest_json([self.event_type, members])[:12]

    @property
    def visual(self) -> Items:
        """Visual items of all members, ascending."""
        return tuple(sorted({item for member in self.members for item in member.visual}))

    @property
    def text(self) -> Items:
        """Text items of all members, ascending."""
        return tuple(sorted({item for member in self.members for item in member.text}))

    def matches(self, votes: Votes) -> Bools:
        """Tell for each vote whether the antecedent of some member is among its items."""
        return _any([votes.fires_all(m.visual) & votes.says_all(m.text) for m in self.members])

    def says(self, votes: Votes) -> Bools:
        """Tell for each vote whether its captions have the text items of some member."""
        return _any([votes.says_all(items) for items in sorted({m.text for m in self.members})])


def _any(masks: Sequence[Bools]) -> Bools:
    return np.asarray(np.logical_or.reduce(masks))


def order_rules(rules: pa.Table) -> list[int]:
    """Return the rows of a table of rules, strongest first.

    Proven rules come before others, then the surest class association, then the surest link between picture and words, then
    the more frequent; itemsets break what ties are left. Rules that lead others should be frequent: the surest links are often
    those of a few pictures, and what is merged under them is torn apart (docs/decisions/mining.md).
    """
    rows = rules.select(["proven", "qLink", "logP", "classCount", "visual", "text"]).to_pylist()
    return sorted(
        range(len(rows)),
        key=lambda row: (
            not rows[row]["proven"],
            rows[row]["logP"],
            math.inf if rows[row]["qLink"] is None else rows[row]["qLink"],
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
        rules: Schema `miner.rules.ruleset.RULES`; rules of other event types are passed over.
        votes: Those the rules were mined from.
        pictures: Behind the votes.
        event_type: Whose rules.
        min_jaccard: Least Jaccard overlap of supporting votes, or of votes whose captions support.
        max_members: Most rules kept in one pattern, the strongest.

    Returns:
        The drafts, in the order of their strongest rules.
    """
    members = _members(rules, event_type)
    if not members:
        return []
    sites = _Sites(members, votes, pictures, event_type, min_jaccard=min_jaccard)
    groups: list[list[int]] = []
    for place in range(len(members)):
        agreeing = sites.agreeing(place, np.array([group[0] for group in groups], dtype=np.int64))
        if not len(agreeing):
            groups.append([place])
        elif len(groups[agreeing[0]]) < max_members:
            groups[agreeing[0]].append(place)
    return [Draft(event_type, tuple(members[place] for place in group)) for group in groups]


def _members(rules: pa.Table, event_type: str) -> list[Member]:
    """Take the rules of an event type, strongest first."""
    rows = np.flatnonzero(pc.equal(rules["eventType"], event_type).to_numpy())
    own = rules.take(pa.array(rows))
    visual, text = own["visual"].to_pylist(), own["text"].to_pylist()
    return [Member(int(rows[place]), tuple(visual[place]), tuple(text[place])) for place in order_rules(own)]


class _Sites:
    """Where the rules of one event type hold among its votes.

    Thousands of rules share a few hundred itemsets, so what fires and what is said is kept once per itemset, and a rule is
    compared with all leaders at once.
    """

    def __init__(
        self, members: Sequence[Member], votes: Votes, pictures: Pictures, event_type: str, *, min_jaccard: float
    ) -> None:
        own = np.flatnonzero(votes.of_type(event_type))
        visual, self._visual_of = _distinct([member.visual for member in members])
        text, self._text_of = _distinct([member.text for member in members])
        self._fires = np.stack([votes.fires_all(items)[own] for items in visual])
        self._says = np.stack([votes.says_all(items)[own] for items in text])
        self._n_support = np.array([self._supports(place).sum() for place in range(len(members))])
        self._alike = _overlaps(self._says) >= min_jaccard
        self._min_jaccard = min_jaccard
        self._peaks = _Peaks(visual, pictures, votes.picture[own])

    def agreeing(self, place: int, leaders: Int64s) -> Int64s:
        """Return which of the leaders are about the same thing as a rule, as positions in `leaders`, ascending."""
        agree = self._overlap(place, leaders) >= self._min_jaccard
        alike = np.flatnonzero(self._alike[self._text_of[place], self._text_of[leaders]] & ~agree)
        agree[alike] = self._same_place(int(self._visual_of[place]), self._visual_of[leaders[alike]])
        return np.flatnonzero(agree)

    def _supports(self, place: int) -> Bools:
        return np.asarray(self._fires[self._visual_of[place]] & self._says[self._text_of[place]])

    def _overlap(self, place: int, leaders: Int64s) -> Float64s:
        """Return the Jaccard overlap of a rule's supporting votes with those of each leader."""
        rows = np.flatnonzero(self._supports(place))
        fires = self._fires[np.ix_(self._visual_of[leaders], rows)]
        n_both = np.count_nonzero(fires & self._says[np.ix_(self._text_of[leaders], rows)], axis=1)
        return jaccard(n_both, self._n_support[place], self._n_support[leaders])

    def _same_place(self, visual: int, others: Int64s) -> Bools:
        """Tell whether visual itemsets have an item in common with one, or fire together with it at the same place."""
        chosen, back = np.unique(others, return_inverse=True)
        rows = np.flatnonzero(self._fires[visual])
        both = self._fires[np.ix_(chosen, rows)]
        n_both, n_votes = both.sum(axis=1), self._fires.shape[1]
        same = self._peaks.shared(visual, chosen)
        together = n_both * n_votes > len(rows) * self._fires[chosen].sum(axis=1)
        rest = np.flatnonzero(together & ~same)
        n_near = (both[rest] & self._peaks.near(visual, chosen[rest], rows)).sum(axis=1)
        same[rest] = n_near / n_both[rest] >= NEAR_SHARE
        return np.asarray(same[back])


class _Peaks:
    """Where the filters of visual itemsets are strongest."""

    def __init__(self, itemsets: Sequence[Items], pictures: Pictures, rows: Int64s) -> None:
        used = sorted({item for items in itemsets for item in items})
        self._has = np.array([[item in items for item in used] for items in map(frozenset, itemsets)], dtype=bool)
        self._cells = pictures.cells[rows][:, used].astype(np.int64)
        self._is_near = cell_distances(pictures.projected.shape[1]) <= 1

    def shared(self, one: int, others: Int64s) -> Bools:
        """Tell which itemsets have an item in common with one."""
        return np.asarray(self._has[others][:, self._has[one]].any(axis=1))

    def near(self, one: int, others: Int64s, rows: Int64s) -> Bools:
        """Tell where a peak of each itemset lies within one cell of a peak of one: (n_others, n_rows)."""
        cells = self._cells[rows]
        reach = self._is_near[cells[:, self._has[one]]].any(axis=1)
        hit = np.take_along_axis(reach, cells, axis=1)
        return np.asarray(self._has[others].astype(np.float32) @ hit.T.astype(np.float32) > 0)


def _distinct(itemsets: Sequence[Items]) -> tuple[list[Items], Int64s]:
    """Return the distinct itemsets, ascending, and the position of each given one among them."""
    distinct = sorted(set(itemsets))
    position = {items: place for place, items in enumerate(distinct)}
    return distinct, np.array([position[items] for items in itemsets], dtype=np.int64)


def _overlaps(masks: Bools) -> Float64s:
    """Return the Jaccard overlap of each row with each row."""
    counts = masks.astype(np.float32)
    sizes = masks.sum(axis=1)
    return jaccard((counts @ counts.T).astype(np.int64), sizes[:, None], sizes[None, :])


def jaccard(n_both: npt.ArrayLike, n_a: npt.ArrayLike, n_b: npt.ArrayLike) -> Float64s:
    """Return sizes of intersections over sizes of unions, 0 for two empty sets.

    Args:
        n_both: Sizes of the intersections.
        n_a: Sizes of the one sets; broadcast.
        n_b: Sizes of the other sets.
    """
    either = np.asarray(n_a) + np.asarray(n_b) - np.asarray(n_both)
    return np.asarray(n_both / np.maximum(either, 1), dtype=np.float64)

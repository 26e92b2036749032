"""Which pattern of now is the pattern that somebody decided about then.

Two patterns can be the same only if they were mined for the same event type. Their likeness is the mean of the likeness of
what supports them and of what they are made of,

    likeness = ½ · J(evidence) + ½ · (½ · J(visual items) + ½ · J(words)),

with J the Jaccard index (of evidence and words estimated from bottom-k sketches, exact up to 48 entries). Pairs below
`MIN_LIKENESS` never match; the others match greedily, likest first and ties by id, each pattern at most once. Where nothing
of the run has changed all ids are the same and every likeness is 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

from kb.review.decisions import sketch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from kb.review.decisions import Decision, Fingerprint
    from kb.review.mined import Mined

__all__ = ["MIN_LIKENESS", "Match", "Matches", "likeness", "match_decisions", "match_fingerprints", "match_mined"]

MIN_LIKENESS = 0.4

_Pair = tuple[float, bool, str, str]
"""Likeness, negative; whether ids differ; ids of then and of now."""


@dataclass(frozen=True)
class Match:
    """A pattern of then and the pattern of now that it is.

    Attributes:
        old: Id in the log.
        new: Id of now.
        likeness: 0 to 1.
    """

    old: str
    new: str
    likeness: float


@dataclass(frozen=True)
class Matches:
    """What became of the patterns that decisions are about.

    Attributes:
        found: For each id in the log that is found again, its match; ids that did not change match themselves.
        lost: Fingerprints of those that are not, by id.
    """

    found: Mapping[str, Match]
    lost: Mapping[str, Fingerprint]

    def current(self, pattern: str) -> str | None:
        """Return the id of now of a pattern in the log, none where it is lost."""
        match = self.found.get(pattern)
        return match.new if match else (None if pattern in self.lost else pattern)

    def formerly(self, pattern: str) -> tuple[str, ...]:
        """Return the other ids under which the log knows a pattern of now."""
        return tuple(sorted(old for old, match in self.found.items() if match.new == pattern != old))


def likeness(one: Fingerprint, other: Fingerprint) -> float:
    """Tell how much two patterns are the same, 0 to 1; 0 for different event types."""
    if one.event_type != other.event_type:
        return 0.0
    evidence = _resemblance(one.records, other.records)
    items = 0.5 * _jaccard(one.visual, other.visual) + 0.5 * _resemblance(one.words, other.words)
    return 0.5 * evidence + 0.5 * items


def _jaccard(one: Collection[object], other: Collection[object]) -> float:
    union = len(set(one) | set(other))
    return len(set(one) & set(other)) / union if union else 0.0


def _resemblance(one: Collection[str], other: Collection[str]) -> float:
    """Estimate a Jaccard index from two bottom-k sketches: the share of common ones among the k smallest of both."""
    smallest = sketch([*one, *other])
    both = set(one) & set(other)
    return sum(value in both for value in smallest) / len(smallest) if smallest else 0.0


def _holders(
    fingerprints: Sequence[Fingerprint], aspect: Literal["records", "words"]
) -> dict[tuple[str, str], list[int]]:
    """Map each event type and value to the places of the patterns that have it."""
    holders: dict[tuple[str, str], list[int]] = {}
    for place, own in enumerate(fingerprints):
        for value in getattr(own, aspect):
            holders.setdefault((own.event_type, value), []).append(place)
    return holders


class _Index:
    """Finds the patterns of now that may be one of then, and remembers them: a log is matched again at every decision."""

    def __init__(self, fingerprints: Sequence[Fingerprint]) -> None:
        self._prints = fingerprints
        self._records, self._words = _holders(fingerprints, "records"), _holders(fingerprints, "words")
        self._pairs: dict[Fingerprint, list[_Pair]] = {}

    def pairs(self, one: Fingerprint) -> list[_Pair]:
        """Return the pairs of a pattern of then that are like enough."""
        if one not in self._pairs:
            self._pairs[one] = [pair for pair in map(partial(_pair, one), self._near(one)) if -pair[0] >= MIN_LIKENESS]
        return self._pairs[one]

    def _near(self, one: Fingerprint) -> list[Fingerprint]:
        near = {place for value in one.records for place in self._records.get((one.event_type, value), ())}
        said = {place for value in one.words for place in self._words.get((one.event_type, value), ())} - near
        # Without a common record only items that are nearly the same make a match.
        near |= {place for place in said if _jaccard(one.visual, self._prints[place].visual) >= 4 * MIN_LIKENESS - 1}
        return [self._prints[place] for place in near]


def _pair(one: Fingerprint, other: Fingerprint) -> _Pair:
    return -round(likeness(one, other), 9), one.pattern != other.pattern, one.pattern, other.pattern


_INDICES: WeakKeyDictionary[Mined, _Index] = WeakKeyDictionary()


def _index(mined: Mined) -> _Index:
    if mined not in _INDICES:
        _INDICES[mined] = _Index([mined.fingerprint(name) for name in mined.rows])
    return _INDICES[mined]


def match_fingerprints(old: Sequence[Fingerprint], new: Sequence[Fingerprint]) -> list[Match]:
    """Match patterns one to one.

    Args:
        old: Patterns of then, ids distinct.
        new: Patterns of now, ids distinct.
    """
    index = _Index(new)
    return _choose(pair for one in old for pair in index.pairs(one))


def match_mined(old: Mined, new: Mined) -> list[Match]:
    """Match the patterns of two runs one to one; what was compared is remembered as long as `new` is kept."""
    return _choose(pair for name in old.rows for pair in _index(new).pairs(old.fingerprint(name)))


def _choose(pairs: Iterable[_Pair]) -> list[Match]:
    taken_old: set[str] = set()
    taken_new: set[str] = set()
    matches = []
    for negative, _, first, second in sorted(pairs):
        if first not in taken_old and second not in taken_new:
            taken_old.add(first)
            taken_new.add(second)
            matches.append(Match(first, second, -negative))
    return matches


def match_decisions(mined: Mined, decisions: Iterable[Decision]) -> Matches:
    """Find the patterns that decisions are about among those of now.

    Ids that the log itself says are one pattern (`Fingerprint.formerly`) are matched as one, by their latest fingerprint.
    """
    latest, alias = _identities(decisions)
    unchanged = {name for name, was in latest.items() if name in mined.rows and mined.fingerprint(name) == _bare(was)}
    found = {name: Match(name, name, 1.0) for name in unchanged}
    lost = {name: was for name, was in latest.items() if name not in unchanged}
    pairs = (pair for was in lost.values() for pair in _index(mined).pairs(was) if pair[3] not in unchanged)
    found |= {match.old: match for match in _choose(pairs)}
    lost = {name: was for name, was in lost.items() if name not in found}
    for old, newer in alias.items():
        if newer in found:
            found[old] = Match(old, found[newer].new, found[newer].likeness)
        else:
            lost[old] = lost[newer]
    return Matches(found, lost)


def _bare(fingerprint: Fingerprint) -> Fingerprint:
    return fingerprint.model_copy(update={"formerly": ()})


def _identities(decisions: Iterable[Decision]) -> tuple[dict[str, Fingerprint], dict[str, str]]:
    """Return the latest fingerprint of each pattern of the log, and for its older ids the latest one."""
    latest: dict[str, Fingerprint] = {}
    newer: dict[str, str] = {}
    for decision in decisions:
        for about in (*filter(None, [decision.about]), *decision.others):
            latest[about.pattern] = about
            newer.pop(about.pattern, None)
            newer.update({old: about.pattern for old in about.formerly if old != about.pattern})
    alias = {old: _last(old, newer) for old in newer}
    return {name: was for name, was in latest.items() if name not in alias}, alias


def _last(name: str, newer: Mapping[str, str]) -> str:
    seen = {name}
    while (following := newer.get(name)) is not None and following not in seen:
        name = following
        seen.add(name)
    return name

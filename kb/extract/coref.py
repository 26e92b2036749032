"""Which mentions of different documents tell of the same event.

Mentions of one event type are compared if they share something that is rare enough: a name, a place, a telling word, or (nearly) the
same photograph. What agrees speaks for one event, what contradicts against it, what is not said for nothing. The weights are set by
hand, as odds: no corpus here says which mentions of different documents are one event.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from kb.extract.coref_pairs import Found, candidates, neighbourhood, one_to_one
from kb.extract.days import Day
from miner.text.stems import word_family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kb.extract.clues import Clues

__all__ = ["THRESHOLD", "Compared", "Same", "compare", "resolve", "word_weights"]

THRESHOLD = 0.5

PRIOR = -3.0
"""Logarithm of the odds for two mentions of a type that have something in common."""

SAME_WORD, SAME_FAMILY, LIKE_WORD, UNLIKE_WORD = 1.0, 0.8, 0.8, -0.5
LEAST_COSINE = 0.4
SAME_PLACE, OTHER_PLACE = 1.5, -7.0
SAME_DAY, OTHER_DAY = 1.5, -7.0
NEAR_DAYS = ((1, 1.0), (3, 0.5), (7, 0.0), (30, -2.0))
"""Most days between two publications, and what that says."""
FAR_DAYS = -4.0
SAME_ARGUMENTS, NO_ARGUMENTS = 3.0, -1.0
SAME_WORDS, NO_WORDS = 4.0, -0.5
SAME_PHOTO, CLOSE_PHOTO = 3.5, 1.5
SAME_BITS, CLOSE_BITS = 6, 10
SAME_PATTERNS = 0.5

LEAST_DOCUMENTS = 1_000


class Same(NamedTuple):
    """Two mentions that are taken for one event.

    Attributes:
        first: Id of the one.
        second: Id of the other, the larger of both.
        score: How sure that is, 0 to 1.
        reasons: What speaks for it and against it.
    """

    first: str
    second: str
    score: float
    reasons: tuple[str, ...]


class Compared(NamedTuple):
    """What comparing two mentions says."""

    score: float
    reasons: tuple[str, ...]


def word_weights(mentions: Iterable[Clues]) -> dict[str, float]:
    """Return how telling each word is: 1 where one document says it, 0 where all do.

    It is log(n / d) / log(n) for a word of d in n documents; n is taken to be at least `LEAST_DOCUMENTS`, since in a handful of documents
    nothing can be told from how often a word occurs.
    """
    counts: Counter[str] = Counter()
    n_documents = 0
    for _, own in groupby(sorted(mentions, key=_document), _document):
        counts.update(set[str]().union(*map(_all_words, own)))
        n_documents += 1
    n = max(LEAST_DOCUMENTS, n_documents)
    return {word: 1 - math.log(count) / math.log(n) for word, count in counts.items()}


def _document(one: Clues) -> str:
    return one.document


def _all_words(one: Clues) -> set[str]:
    named = (*one.places, *(stems for own in (one.roles or {}).values() for stems in own))
    return set(one.words).union(*named)


def compare(
    one: Clues,
    other: Clues,
    weights: Mapping[str, float],
    likeness: Callable[[str, str], float | None] | None = None,
) -> Compared:
    """Say how sure it is that two mentions of an event type are of one event.

    Args:
        one: A mention.
        other: Another.
        weights: As of `word_weights`.
        likeness: Cosine of the vectors of two lemmas, none where one has no vector.
    """
    said = [
        part
        for part in (
            _trigger(one, other, likeness),
            _place(one, other, weights),
            _time(one, other),
            _arguments(one, other, weights),
            _words(one, other, weights),
            _picture(one, other),
            _patterns(one, other),
        )
        if part is not None and part[0]
    ]
    odds = PRIOR + sum(value for value, _ in said)
    reasons = tuple(f"{'' if value > 0 else 'against: '}{words} ({value:+.1f})" for value, words in said)
    return Compared(1 / (1 + math.exp(-odds)), reasons)


_Part = tuple[float, str] | None


def _trigger(one: Clues, other: Clues, likeness: Callable[[str, str], float | None] | None) -> _Part:
    if not one.lemma or not other.lemma:
        return None
    if one.lemma == other.lemma:
        return SAME_WORD, f"trigger {one.lemma}"
    both = f"triggers {one.lemma}, {other.lemma}"
    if word_family(one.lemma) & word_family(other.lemma):
        return SAME_FAMILY, both
    cosine = likeness(one.lemma, other.lemma) if likeness else None
    if cosine is None:
        return None
    if cosine < LEAST_COSINE:
        return UNLIKE_WORD, both
    return LIKE_WORD * (cosine - LEAST_COSINE) / (1 - LEAST_COSINE), both


def _place(one: Clues, other: Clues, weights: Mapping[str, float]) -> _Part:
    if not one.places or not other.places:
        return None
    if one.place_names and other.place_names and not one.place_names & other.place_names:
        return OTHER_PLACE, "places differ"
    shared = {word for a in one.places for b in other.places for word in a & b}
    if not shared:
        return None
    return SAME_PLACE * max(_telling(word, weights) for word in shared), f"place {' '.join(sorted(shared))}"


def _time(one: Clues, other: Clues) -> _Part:
    gap = _gap(one, other)
    if not one.days and not other.days:
        return gap
    first, second = _days(one), _days(other)
    if not first or not second:
        return None
    same = [a.is_said and b.is_said for a in first for b in second if a.may_be(b)]
    if same:
        # A year that nobody said is a guess, which what was published far apart does not bear out.
        far = gap if gap is not None and gap[0] < 0 and not any(same) else None
        return (SAME_DAY + far[0], f"same day of a year that is not said, {far[1]}") if far else (SAME_DAY, "same day")
    return (OTHER_DAY, "other days") if one.days and other.days else gap


def _gap(one: Clues, other: Clues) -> _Part:
    if one.published is None or other.published is None:
        return None
    gap = abs((one.published - other.published).days)
    return next((worth for most, worth in NEAR_DAYS if gap <= most), FAR_DAYS), f"published {gap} days apart"


def _days(one: Clues) -> frozenset[Day]:
    """Return the days that a mention names, or else the one on which it was published."""
    if one.days or one.published is None:
        return one.days
    return frozenset({Day(one.published.year, one.published.month, one.published.day)})


def _arguments(one: Clues, other: Clues, weights: Mapping[str, float]) -> _Part:
    first, second = one.roles or {}, other.roles or {}
    shared = sorted(first.keys() & second.keys())
    if not shared:
        return None
    agree = {role: max(_overlap(a, b, weights) for a in first[role] for b in second[role]) for role in shared}
    mean = sum(agree.values()) / len(agree)
    roles = ", ".join(role for role in shared if agree[role]) or "no role"
    return NO_ARGUMENTS + (SAME_ARGUMENTS - NO_ARGUMENTS) * mean, f"arguments agree in {roles}"


def _overlap(first: frozenset[str], second: frozenset[str], weights: Mapping[str, float]) -> float:
    """Return the share of words that the shorter argument has of the longer, times how telling the rarest of them is, 0 to 1."""
    shared = first & second
    if not shared:
        return 0.0
    return len(shared) / min(len(first), len(second)) * max(_telling(word, weights) for word in shared)


def _telling(word: str, weights: Mapping[str, float]) -> float:
    return weights.get(word, 1.0) ** 2


def _words(one: Clues, other: Clues, weights: Mapping[str, float]) -> _Part:
    if not one.words or not other.words:
        return None
    shared, *squares = (_square(words, weights) for words in (one.words & other.words, one.words, other.words))
    cosine = shared / math.sqrt(squares[0] * squares[1]) if all(squares) else 0.0
    return NO_WORDS + (SAME_WORDS - NO_WORDS) * cosine, f"words alike {cosine:.2f}"


def _square(words: Iterable[str], weights: Mapping[str, float]) -> float:
    """Return the sum of squared weights, exactly rounded: the order of a set differs from process to process."""
    return math.fsum(weights.get(word, 0.0) ** 2 for word in words)


def _picture(one: Clues, other: Clues) -> _Part:
    if one.photo is not None and one.photo == other.photo:
        return SAME_PHOTO, "same photograph"
    if one.phash is None or other.phash is None:
        return None
    n_bits = (one.phash ^ other.phash).bit_count()
    if n_bits <= SAME_BITS:
        return SAME_PHOTO, "same photograph"
    return (CLOSE_PHOTO, "photographs alike") if n_bits <= CLOSE_BITS else None


def _patterns(one: Clues, other: Clues) -> _Part:
    either = one.patterns | other.patterns
    if not either:
        return None
    return SAME_PATTERNS * len(one.patterns & other.patterns) / len(either), "same patterns"


def resolve(
    mentions: Sequence[Clues],
    *,
    threshold: float = THRESHOLD,
    likeness: Callable[[str, str], float | None] | None = None,
    counts: Counter[str] | None = None,
) -> list[Same]:
    """Find the mentions that tell of one event; of several in one document only the best goes with a mention of another.

    Args:
        mentions: Their order does not matter.
        threshold: Least score.
        likeness: As of `compare`.
        counts: Pairs that were compared, and blocks that were too large to compare all of, are added.
    """
    weights = word_weights(mentions)
    notes: Counter[str] = Counter() if counts is None else counts
    ordered = sorted(mentions, key=lambda one: neighbourhood(one, weights))
    found = Found()
    for a, b in candidates(ordered, weights, notes):
        notes["pairs compared"] += 1
        score = compare(ordered[a], ordered[b], weights, likeness).score
        if score >= threshold:
            found.add(a, b, round(score, 4))
    kept = []
    for a, b, score in one_to_one(found, ordered):
        first, second = sorted((ordered[a].id, ordered[b].id))
        kept.append(Same(first, second, score, compare(ordered[a], ordered[b], weights, likeness).reasons))
    return sorted(kept)

"""Names for patterns: what captions say where a pattern is seen, and do not say where it is not.

Candidates are the noun phrases of captions, cut to their head and up to two modifiers. They are contrasted *within* the
event type, between pictures in which the pattern is seen and the others, whatever their captions; the scores that decide
what is seen come from detectors that were not fitted on the picture. Contrasting the pattern's own matches instead would be
circular: they contain its words by construction.

Source of the contrast: Monroe, Colaresi and Quinn, "Fightin' Words" (Political Analysis 16:4, 2008), equations 15, 16, 19
and 22: the log-odds ratio with an informative Dirichlet prior, divided by its standard deviation.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypedDict, cast

import numpy as np
import numpy.typing as npt
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from miner.patterns.pictures import Bools, Float32s, Int64s

MAX_WORDS = 3
MODIFIERS = frozenset({"ADJ", "NOUN", "PROPN", "VERB"})
PEOPLE = frozenset({"PERSON", "PER"})
"""Entity types of persons; who somebody is says nothing about what a pattern shows."""

MIN_PICTURES = 2
PRIOR_WEIGHT = 0.1
"""Weight of the prior against the words that were counted."""

Float64s = npt.NDArray[np.float64]
Key = tuple[str, ...]


class CaptionRow(TypedDict):
    """The columns of a parsed caption that names and roles are read from."""

    record: str
    caption: int
    text: str
    starts: list[int]
    ends: list[int]
    lowers: list[str]
    lemmas: list[str]
    pos: list[str]
    deps: list[str]
    heads: list[int]
    entities: list[str]
    chunkStarts: list[int]
    chunkEnds: list[int]


class Name(NamedTuple):
    """A name, the lemma of its head and how strongly captions speak for it (standard deviations of the log-odds ratio)."""

    text: str
    head: str
    score: float
    is_trigger: bool


@dataclass(frozen=True, eq=False)
class Phrases:
    """Which candidate phrases the captions of each picture have.

    Attributes:
        keys: Candidates: modifiers in lower case and the lemma of the head.
        labels: How each is written most often.
        triggers: bool, (n_phrases,), whether each has a word that triggers some event type.
        counts: int32, CSR, (n_pictures, n_phrases): captions of the picture that have the phrase.
        n_captions: int64, (n_pictures,): captions of the picture, copies' captions included.
    """

    keys: tuple[Key, ...]
    labels: tuple[str, ...]
    triggers: Bools
    counts: sparse.csr_matrix
    n_captions: Int64s


def find_phrases(
    captions: pa.Table,
    masks: Sequence[Sequence[bool]],
    picture_of: Mapping[str, int],
    n: int,
    *,
    people: bool = False,
    words: Collection[str] = (),
) -> Phrases:
    """Collect the candidate phrases of captions.

    Captions whose language has no trained pipeline have no noun phrases; their candidates are single words.

    Args:
        captions: Schema `miner.text.captions.CAPTIONS`.
        masks: For each caption, whether each token is a trigger word of any event type.
        picture_of: Row of the picture of each record; captions of other records are passed over.
        n: Number of pictures.
        people: Whether names of persons are candidates, too.
        words: Which single words are candidates in captions without parts of speech, in lower case.
    """
    numbers: dict[Key, int] = {}
    said, pictures = array("q"), array("q")
    written: dict[Key, Counter[str]] = defaultdict(Counter)
    triggers: set[Key] = set()
    n_captions = np.zeros(n, dtype=np.int64)
    for row, mask in zip(caption_rows(captions), masks, strict=True):
        picture = picture_of.get(row["record"])
        if picture is None:
            continue
        n_captions[picture] += 1
        found = _phrases_of(row, mask, people=people) if any(row["pos"]) else _words_of(row, mask, words)
        for key, (text, is_trigger) in found.items():
            said.append(numbers.setdefault(key, len(numbers)))
            pictures.append(picture)
            written[key][text] += 1
            if is_trigger:
                triggers.add(key)
    counts = _matrix(said, pictures, (n, len(numbers)))
    n_pictures = np.diff(counts.indptr)
    keys = tuple(sorted(key for key, number in numbers.items() if n_pictures[number] >= MIN_PICTURES))
    labels = tuple(_most_frequent(written[key]) for key in keys)
    hits = np.array([key in triggers for key in keys], dtype=bool)
    chosen = np.array([numbers[key] for key in keys], dtype=np.int64)
    return Phrases(keys, labels, hits, counts[:, chosen].tocsr(), n_captions)


def _most_frequent(counts: Counter[str]) -> str:
    return min(counts, key=lambda text: (-counts[text], text))


def caption_rows(captions: pa.Table) -> Iterator[CaptionRow]:
    """Hand out the rows of a table of schema `CAPTIONS`, a few thousand in memory at a time."""
    for batch in captions.select(list(CaptionRow.__annotations__)).to_batches(max_chunksize=4096):
        yield from cast("list[CaptionRow]", batch.to_pylist())


def _phrases_of(row: CaptionRow, mask: Sequence[bool], *, people: bool) -> dict[Key, tuple[str, bool]]:
    """Cut the noun phrases of one caption to their head with zero, one and two modifiers."""
    found: dict[Key, tuple[str, bool]] = {}
    for first, end in zip(row["chunkStarts"], row["chunkEnds"], strict=True):
        head = next((t for t in range(end - 1, first - 1, -1) if _can_head(row, t, people=people)), None)
        if head is None or not row["lowers"][head].isalpha() or (row["entities"][head] in PEOPLE and not people):
            continue
        for start in range(head, max(first, head - MAX_WORDS + 1) - 1, -1):
            if start < head and not _can_modify(row, start, people=people):
                break
            key = (*row["lowers"][start:head], row["lemmas"][head])
            found.setdefault(key, (" ".join(row["lowers"][start : head + 1]), any(mask[start : head + 1])))
    return found


def _words_of(row: CaptionRow, mask: Sequence[bool], words: Collection[str]) -> dict[Key, tuple[str, bool]]:
    """Find the single words of one caption that can be names."""
    said = zip(row["lowers"], mask, strict=True)
    return {(word,): (word, is_trigger) for word, is_trigger in said if word in words and word.isalpha()}


def _can_head(row: CaptionRow, token: int, *, people: bool) -> bool:
    return row["pos"][token] == "NOUN" or (people and row["entities"][token] in PEOPLE)


def _can_modify(row: CaptionRow, token: int, *, people: bool) -> bool:
    entity = row["entities"][token]
    allowed = not entity or (people and entity in PEOPLE)
    return row["pos"][token] in MODIFIERS and allowed and row["lowers"][token].isalpha()


def _matrix(said: array[int], pictures: array[int], shape: tuple[int, int]) -> sparse.csc_matrix:
    """Count how often each phrase was said of each picture: int32, (n_pictures, n_phrases)."""
    ones = np.ones(len(said), dtype=np.int32)
    return sparse.csc_matrix((ones, (np.array(pictures, dtype=np.int64), np.array(said, dtype=np.int64))), shape=shape)


def log_odds_z(seen: Int64s, unseen: Int64s, prior: Float64s) -> Float64s:
    """Return z-scores of the log-odds ratio with an informative Dirichlet prior.

    Args:
        seen: (n_phrases,), count of each phrase where the pattern is seen.
        unseen: (n_phrases,), count where it is not.
        prior: float64, (n_phrases,), > 0: pseudo-counts in proportion to what is expected.

    Returns:
        float64, (n_phrases,), positive where a phrase belongs to what is seen.

    Source:
        Monroe et al. 2008, equations 16, 19 and 22.
    """
    total = prior.sum()
    a, b = seen + prior, unseen + prior
    ratio = np.log(a / (seen.sum() + total - a)) - np.log(b / (unseen.sum() + total - b))
    return np.asarray(ratio / np.sqrt(1 / a + 1 / b))


def sees(scores: Float32s, n_seen: int) -> Bools:
    """Tell which pictures show a pattern: the `n_seen` highest scores, the first of equals."""
    mask = np.zeros(len(scores), dtype=bool)
    mask[np.argsort(-scores, kind="stable")[:n_seen]] = True
    return mask


def rank_names(
    phrases: Phrases,
    *,
    among: Int64s,
    seen: Bools,
    words: Iterable[str],
    evidence: Int64s,
    max_share: float,
    n_names: int,
) -> list[Name]:
    """Rank names for one pattern, best first.

    A phrase with one of the pattern's own words comes before others: the words are proven to belong to what is seen. So
    such a phrase counts even where it is common, behind rarer ones; other common phrases count only where there is nothing
    else.

    Args:
        phrases: Candidates.
        among: Pictures of the event type.
        seen: bool, (len(among),), in which of them the pattern is seen.
        words: Of the pattern's text items.
        evidence: Pictures that support the pattern; a name must be said of at least two of them.
        max_share: A phrase that a larger share of the event type's captions has is common.
        n_names: How many to return.
    """
    captions = phrases.counts[among]
    share = np.asarray(captions.sum(axis=0)).ravel() / max(1, int(phrases.n_captions[among].sum()))
    has = captions > 0
    in_seen = np.asarray(has[np.flatnonzero(seen)].sum(axis=0), dtype=np.int64).ravel()
    in_all = np.asarray(has.sum(axis=0), dtype=np.int64).ravel()
    said = np.asarray((phrases.counts[evidence] > 0).sum(axis=0), dtype=np.int64).ravel()
    z = log_odds_z(in_seen, in_all - in_seen, np.asarray(PRIOR_WEIGHT * in_all + 0.01, dtype=np.float64))
    own = frozenset(word for phrase in words for word in phrase.split())
    rare = share <= max_share
    is_own = np.array([not own.isdisjoint(key) for key in phrases.keys], dtype=bool)
    said_enough = said >= MIN_PICTURES
    fits = np.flatnonzero(said_enough & (rare | is_own))
    if not len(fits):
        fits = np.flatnonzero(said_enough)
    ranked = sorted(fits.tolist(), key=lambda place: (is_own[place], rare[place], z[place]), reverse=True)
    return [
        Name(phrases.labels[place], phrases.keys[place][-1], float(z[place]), bool(phrases.triggers[place]))
        for place in _without_echoes(ranked, phrases.keys)[:n_names]
    ]


def _without_echoes(ranked: Sequence[int], keys: Sequence[Key]) -> list[int]:
    """Keep two phrases with the same head at most: a plain and a modified form are enough."""
    kept: list[int] = []
    for place in ranked:
        heads = [other for other in kept if keys[other][-1] == keys[place][-1]]
        if len(heads) < 2:
            kept.append(place)
    return kept

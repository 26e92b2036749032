"""The text-only baseline: the terms of an event type's captions with the greatest TF-IDF weight, found without a look at pictures.

Terms are the noun phrases that our own names are chosen from, those with a trigger word left out as they are from text items.
A pattern is one term; its evidence are the photo groups whose captions have it, each as a whole: words have no place in a
picture, so there are no boxes and no detectors.

Source: Salton and Buckley, "Term-weighting approaches in automatic text retrieval" (Information Processing and Management
24:5, 1988): term frequency times the logarithm of the inverse document frequency; a document is a photo group, and the
frequency in an event type is the number of its photo groups that have the term.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from scipy import sparse

from miner.patterns.assemble import PATTERNS, PatternSet, find_meanings, pattern_rows
from miner.patterns.baselines.found import FoundDraft
from miner.patterns.candidates import Candidate
from miner.patterns.evidence import EVIDENCE
from miner.patterns.merge import Draft, Member, jaccard
from miner.patterns.naming import Name, caption_rows, find_phrases
from miner.rules.hypergeom import log_tail
from miner.rules.ruleset import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from miner.config import MineConfig, PatternConfig
    from miner.patterns.naming import CaptionRow, Key
    from miner.patterns.pictures import PatternInputs

METHOD = "text-only"


class Term(NamedTuple):
    """A term of one event type.

    Attributes:
        event_type: Whose.
        key: Modifiers in lower case and the lemma of the head.
        label: How it is written most often.
        weight: TF-IDF.
        candidate: Its votes.
    """

    event_type: str
    key: Key
    label: str
    weight: float
    candidate: Candidate


@dataclass(frozen=True, eq=False)
class TermDraft(FoundDraft):
    """A term in the making of a pattern; found are the votes whose captions have it.

    Attributes:
        key: Modifiers in lower case and the lemma of the head.
    """

    key: Key

    @property
    def pattern(self) -> str:
        """Id of the pattern: its event type and words make it."""
        return Draft(f"{self.event_type}\n{' '.join(self.key)}", ()).pattern


def find_terms(inputs: PatternInputs, mine: MineConfig, config: PatternConfig) -> list[Term]:
    """Find the best terms of every event type, best first.

    Args:
        inputs: Captions and votes; rules are not looked at.
        mine: Least votes and confidence, as for rules.
        config: How many to keep, the overlap from which a term with the same head repeats a better one, and whether names of
            persons are terms.
    """
    phrases = find_phrases(
        inputs.captions, inputs.masks, inputs.picture_of, len(inputs.pictures), people=config.person_names
    )
    has = sparse.csc_matrix(phrases.counts[inputs.votes.picture] > 0)
    n_pictures = np.asarray((phrases.counts > 0).sum(axis=0)).ravel()
    idf = np.log(len(inputs.pictures) / np.maximum(n_pictures, 1))
    terms: list[Term] = []
    for event_type in inputs.votes.transactions.event_types:
        of_type = inputs.votes.of_type(event_type)
        frequency = np.asarray(has[of_type].sum(axis=0)).ravel()
        weights = frequency * idf * ~phrases.triggers
        places = np.flatnonzero((frequency >= mine.min_support_count) & ~phrases.triggers)
        own: list[Term] = []
        for place in sorted(places.tolist(), key=lambda place: (-weights[place], place)):
            rows = has.indices[has.indptr[place] : has.indptr[place + 1]]
            draft = TermDraft(event_type, (), np.sort(rows).astype(np.int64), phrases.keys[place])
            candidate = Candidate.of(draft, inputs.votes)
            term = Term(event_type, phrases.keys[place], phrases.labels[place], float(weights[place]), candidate)
            if candidate.confidence >= mine.min_confidence and not _repeats(term, own, config.merge_jaccard):
                own.append(term)
            if len(own) == config.max_patterns:
                break
        terms.extend(own)
    return terms


def _repeats(term: Term, better: Iterable[Term], min_jaccard: float) -> bool:
    """Tell whether a better term has the same head and mostly the same pictures."""
    own = term.candidate.own
    return any(
        other.key[-1] == term.key[-1]
        and jaccard(len(np.intersect1d(own, other.candidate.own)), len(own), len(other.candidate.own)) >= min_jaccard
        for other in better
    )


def term_rules(terms: Sequence[Term], words: Mapping[int, Sequence[str]]) -> pa.Table:
    """Return a rule for each term, schema `RULES`; its text items are those that have the term or its head."""
    items = {word: item for item, own in words.items() for word in own}
    rows = []
    for term in terms:
        candidate = term.candidate
        log_p = log_tail(candidate.class_count, candidate.count, candidate.n_type, candidate.n_labelled)
        found = {items[word] for word in (" ".join(term.key), term.key[-1]) if word in items}
        rows.append(
            {
                "visual": [],
                "text": sorted(found),
                "eventType": term.event_type,
                "count": candidate.count,
                "classCount": candidate.class_count,
                "support": candidate.support,
                "antecedentSupport": candidate.count / candidate.n_labelled,
                "confidence": candidate.confidence,
                "lift": candidate.lift,
                "pValue": float(np.exp(log_p)),
                "logP": log_p,
                "proven": False,
            }
        )
    return pa.Table.from_pylist(rows, schema=RULES)


def term_patterns(inputs: PatternInputs, mine: MineConfig, config: PatternConfig) -> PatternSet:
    """Turn the terms into patterns, in the order of `inputs.rules`, which are theirs.

    Args:
        inputs: As for `find_terms`, with the rules of `term_rules`.
        mine: As for `find_terms`.
        config: As for `find_terms`.
    """
    terms = find_terms(inputs, mine, config)
    if not terms:
        return PatternSet(PATTERNS.empty_table(), EVIDENCE.empty_table(), None, {})
    text: list[list[int]] = inputs.rules["text"].to_pylist()
    kept = [_with_member(term.candidate, row, text[row]) for row, term in enumerate(terms)]
    names = [[Name(term.label, term.key[-1], term.weight, is_trigger=False)] for term in terms]
    meanings = find_meanings(kept, names, inputs)
    weights = np.array([term.weight for term in terms], dtype=np.float32)
    rows = pattern_rows(kept, meanings, weights / weights.max(), inputs, method=METHOD)
    for row, term in zip(rows, terms, strict=True):
        row["textWords"] = [term.label]
    evidence = _evidence(terms, inputs)
    return PatternSet(
        pa.Table.from_pylist(rows, schema=PATTERNS), pa.Table.from_pylist(evidence, schema=EVIDENCE), None, {}
    )


def _with_member(candidate: Candidate, row: int, items: Sequence[int]) -> Candidate:
    draft = candidate.draft
    if not isinstance(draft, TermDraft):
        raise TypeError(f"a term is a TermDraft, not {type(draft).__name__}")
    own = TermDraft(draft.event_type, (Member(row, (), tuple(items)),), draft.found, draft.key)
    return Candidate(own, candidate.matches, candidate.own, candidate.count, candidate.n_labelled, candidate.n_type)


def _evidence(terms: Sequence[Term], inputs: PatternInputs) -> list[dict[str, Any]]:
    """Return the rows of `EVIDENCE`: whole pictures, those in which most captions have the term first."""
    captions_of: dict[int, list[CaptionRow]] = {}
    for caption in caption_rows(inputs.captions):
        if caption["record"] in inputs.picture_of:
            captions_of.setdefault(inputs.picture_of[caption["record"]], []).append(caption)
    found = []
    for term in terms:
        pictures = np.unique(inputs.votes.picture[term.candidate.own]).tolist()
        rows = [_evidence_row(term, picture, captions_of.get(picture, ()), inputs) for picture in pictures]
        found.extend(sorted(rows, key=lambda row: (-row["score"], row["record"])))
    return found


def _evidence_row(term: Term, picture: int, captions: Sequence[CaptionRow], inputs: PatternInputs) -> dict[str, Any]:
    spans = [(row, span) for row in captions if (span := find_span(row, term.key)) is not None]
    said: dict[str, Any] = dict.fromkeys(("caption", "captionRecord", "captionIndex", "start", "end"))
    if spans:
        row, (start, end) = spans[0]
        said = {"caption": row["text"], "captionRecord": row["record"], "captionIndex": row["caption"]}
        said |= {"start": start, "end": end}
    return {
        "pattern": term.candidate.draft.pattern,
        "record": inputs.records[picture],
        "image": inputs.images[picture],
        "box": [],
        **said,
        "score": float(len(spans)),
        "group": int(inputs.pictures.groups[picture]),
    }


def find_span(row: CaptionRow, key: Key) -> tuple[int, int] | None:
    """Return where a caption has a term first, as characters, or nothing."""
    for last, lemma in enumerate(row["lemmas"]):
        first = last - len(key) + 1
        if lemma == key[-1] and first >= 0 and tuple(row["lowers"][first:last]) == key[:-1]:
            return row["starts"][first], row["ends"][last]
    return None

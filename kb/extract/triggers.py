"""Which words trigger events: a lexicon finds candidates, two regressions decide.

The first regression learns from silver captions, in which nearly every candidate triggers something. The second one learns
from gold sentences, most of which have no event, and sees what the first one says besides the words: finding candidates is
easy, the work is precision. Either may be missing.

Negatives are candidates that nobody marked: in silver, words of the lexicon that the annotations of their caption do not
name; in gold, words of the lexicon in all sentences, those without any event too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from kb.extract.features import CONTENT_POS, entity_clues, trigger_features

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kb.extract.evoked import Evoked
    from kb.extract.examples import Example
    from kb.extract.pairs import Filler
    from kb.extract.softmax import Float32s, Softmax
    from kb.ontology import Ontology
    from miner.text.pieces import Parsed

__all__ = [
    "LIKELY",
    "Candidates",
    "candidate_tokens",
    "class_of_tokens",
    "describe",
    "find_lexicon",
    "gold_candidates",
    "lexicon_of_ontology",
    "trigger_classes",
]

LEAST_LOG = -8.0

LIKELY = 0.05
"""A candidate that is a trigger with this probability, as silver has it, is worth a look of the token encoder."""


@dataclass
class Candidates:
    """The candidates of one sentence.

    Attributes:
        tokens: Their tokens.
        features: Of each.
        lemmas: Of each.
        logs: float32, (n, 1 + n_types): what the silver regression says; empty without one.
        typed: More features of each, by the entities around it; nothing where nobody looked for them.
        said: float32, (n, 1 + n_types): what an encoder that only silver has taught says; without columns where there is none.
    """

    tokens: list[int]
    features: list[list[str]]
    lemmas: list[str]
    logs: Float32s = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    typed: list[list[str]] = field(default_factory=list)
    said: Float32s = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def likely(self) -> list[int]:
        """Return which of them silver thinks likely enough."""
        return [number for number, row in enumerate(self.logs) if 1 - np.exp(row[0]) >= LIKELY]

    def narrow(self, lexicon: frozenset[str]) -> Candidates:
        """Return those that a narrower lexicon has."""
        chosen = [number for number, lemma in enumerate(self.lemmas) if lemma in lexicon]
        return Candidates(
            [self.tokens[i] for i in chosen],
            [self.features[i] for i in chosen],
            [self.lemmas[i] for i in chosen],
            self.logs[chosen] if self.logs.size else self.logs,
        )

    def closer(self, parsed: Parsed, fillers: Sequence[Filler], types: Sequence[str], said: Float32s) -> Candidates:
        """Return the same with what can be told of a sentence that was looked at more closely.

        Args:
            parsed: The sentence.
            fillers: Its entities.
            types: Event types.
            said: float32, (n, 1 + n_types): as of `said`.
        """
        children = parsed.children() if self.tokens else []
        typed = [
            entity_clues(parsed, token, types[int(np.argmax(row[1:]))], children, fillers)
            for token, row in zip(self.tokens, self.logs, strict=True)
        ]
        return replace(self, typed=typed, said=said)


def trigger_classes(ontology: Ontology) -> tuple[str, ...]:
    """Return the event types that are told apart: those with roles or triggers of their own."""
    return tuple(t.id for t in ontology.types if t.roles or t.triggers)


def find_lexicon(examples: Iterable[Example]) -> frozenset[str]:
    """Return the lemmas of the triggers of examples."""
    return frozenset(e.parsed.lemmas[event.trigger] for e in examples for event in e.events if event.event_type)


def lexicon_of_ontology(ontology: Ontology) -> Callable[[str], str | None]:
    """Return a function that tells the event type of a single word by the triggers of the ontology."""
    patterns = [(t.id, re.compile(rf"(?:{'|'.join(t.triggers)})", re.IGNORECASE)) for t in ontology.types if t.triggers]

    def event_type(word: str) -> str | None:
        return next((name for name, pattern in patterns if pattern.fullmatch(word)), None)

    return event_type


def describe(
    parsed: Sequence[Parsed],
    lexicon: frozenset[str],
    context: frozenset[str],
    evoked: Evoked | None,
    silver: Softmax | None,
) -> list[Candidates]:
    """Find and describe the candidates of sentences.

    Args:
        parsed: The sentences.
        lexicon: Lemmas of candidates.
        context: Lemmas that count as other candidates of a sentence.
        evoked: Visual patterns of words; None leaves them out.
        silver: The regression learnt from silver captions.
    """
    found = [_candidates(one, lexicon, context, evoked) for one in parsed]
    if silver is not None:
        logs = silver.log_probabilities([names for one in found for names in one.features])
        first = 0
        for one in found:
            one.logs = np.maximum(logs[first : first + len(one.tokens)], LEAST_LOG)
            first += len(one.tokens)
    return found


def _candidates(parsed: Parsed, lexicon: frozenset[str], context: frozenset[str], evoked: Evoked | None) -> Candidates:
    tokens = candidate_tokens(parsed, lexicon)
    children = parsed.children() if tokens else []
    features = []
    for token in tokens:
        others = [
            lemma
            for i, lemma in enumerate(parsed.lemmas)
            if lemma in context and i != token and parsed.pos[i] in CONTENT_POS
        ]
        names = trigger_features(parsed, token, children, others)
        if evoked is not None:
            content = [lemma for i, lemma in enumerate(parsed.lemmas) if i != token and parsed.pos[i] in CONTENT_POS]
            names += evoked.features(parsed.lemmas[token], content)
        features.append(names)
    return Candidates(tokens, features, [parsed.lemmas[token] for token in tokens])


def gold_candidates(candidates: Sequence[Candidates]) -> tuple[list[list[str]], Float32s | None]:
    """Return what the gold regression of triggers sees of candidates: sparse features, and what others say."""
    features = [
        [*names, *(one.typed[number] if one.typed else ())]
        for one in candidates
        for number, names in enumerate(one.features)
    ]
    rows = [np.concatenate([one.logs, one.said], axis=1) if one.said.shape[1] else one.logs for one in candidates]
    dense = np.concatenate([row for row in rows if row.shape[1]] or [np.zeros((0, 0), np.float32)])
    return features, dense if dense.shape[1] else None


def candidate_tokens(parsed: Parsed, lexicon: frozenset[str]) -> list[int]:
    """Return the tokens that could be triggers: content words of a lexicon."""
    return [i for i, lemma in enumerate(parsed.lemmas) if lemma in lexicon and parsed.pos[i] in CONTENT_POS]


def class_of_tokens(example: Example, tokens: Sequence[int], types: Sequence[str]) -> list[int]:
    """Return the class of each candidate: 0, or 1 + the number of its event type."""
    marked = {event.trigger: event.event_type for event in example.events}
    return [types.index(name) + 1 if (name := marked.get(token)) in types else 0 for token in tokens]

"""The entities of a sentence as a gold standard would mark them: what fills roles there is always one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kb.extract.pairs import MODIFIERS, NO_FILLERS, Filler
from kb.extract.softmax import fit_softmax
from kb.extract.spans import find_spans, span_features, strip_span
from kb.ontologies.nouns import noun_classes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kb.extract.examples import Example
    from kb.extract.softmax import Float32s, Softmax
    from kb.extract.spans import EntityCandidate
    from miner.text.pieces import Parsed

__all__ = ["EntityLearner", "choose_entities", "entity_types", "find_entities"]

LEAST = 0.2
"""Least probability of a span that it is an entity; what is none is left for the regression of roles to turn down."""

LEAST_LOG = -6.0
STRENGTH = 3.0
ITERATIONS = 40


def entity_types(examples: Iterable[Example]) -> tuple[str, ...]:
    """Return the types of the known entities."""
    return tuple(sorted({name for example in examples for _, _, name in example.entities}))


def find_entities(parsed: Sequence[Parsed], regression: Softmax, types: Sequence[str]) -> list[list[Filler]]:
    """Find the entities of sentences."""
    spans = [find_spans(one) for one in parsed]
    features = [span_features(one, span, found) for one, found in zip(parsed, spans, strict=True) for span in found]
    logs = regression.log_probabilities(features)
    rows = np.split(logs, np.cumsum([len(found) for found in spans])[:-1])
    return [choose_entities(*parts, types) for parts in zip(parsed, spans, rows, strict=True)]


def choose_entities(
    parsed: Parsed, spans: Sequence[EntityCandidate], logs: Float32s, types: Sequence[str]
) -> list[Filler]:
    """Return the likeliest candidates that do not overlap.

    Args:
        parsed: A sentence.
        spans: Its candidates.
        logs: float32, (n, 1 + n_types): logarithms of the probabilities of none and of each type.
        types: Of entities.
    """
    found: list[Filler] = []
    for number in np.argsort(logs[:, 0], kind="stable"):
        if 1 - np.exp(logs[number, 0]) < LEAST:
            break
        start, end, _, root = spans[number]
        if any(start < other.end and other.start < end for other in found):
            continue
        named = [e for e in parsed.entities if e.start < end and start < e.end and e.label not in NO_FILLERS]
        kind = named[0].label if named else "modifier" if parsed.deps[root] in MODIFIERS else "noun"
        classes = (kind,) if named else noun_classes(parsed.lemmas[root])
        entity = types[int(np.argmax(logs[number, 1:]))]
        row = np.maximum(logs[number], LEAST_LOG)
        found.append(Filler(start, end, root, kind, classes, entity, tuple(map(float, row))))
    return sorted(found)


class EntityLearner:
    """Learns entities from groups of gold documents.

    Args:
        examples: All gold sentences.
        groups: The group of each.
    """

    def __init__(self, examples: Sequence[Example], groups: Sequence[int]) -> None:
        """Describe all candidates once."""
        self.types = entity_types(examples)
        self._examples, self._groups = examples, groups
        self._spans = [find_spans(example.parsed) for example in examples] if self.types else []
        self._features = [
            [span_features(example.parsed, span, spans) for span in spans]
            for example, spans in zip(examples, self._spans, strict=bool(self.types))
        ]
        self._fitted: dict[frozenset[int], Softmax | None] = {}
        self._found: dict[tuple[frozenset[int], int], list[Filler]] = {}

    def fit(self, groups: frozenset[int]) -> Softmax | None:
        """Return what was learnt from some groups; None where they have no entity."""
        if groups not in self._fitted:
            members = [i for i, group in enumerate(self._groups) if group in groups and self.types]
            labels = np.array([label for i in members for label in self._labels(i)], np.int64)
            features = [names for i in members for names in self._features[i]]
            self._fitted[groups] = (
                fit_softmax(features, labels, 1 + len(self.types), strength=STRENGTH, max_iterations=ITERATIONS)
                if labels.any()
                else None
            )
        return self._fitted[groups]

    def find(self, groups: frozenset[int], index: int) -> list[Filler] | None:
        """Return the entities that what was learnt from some groups finds in a sentence; None where nothing was learnt."""
        regression = self.fit(groups)
        if regression is None:
            return None
        if (groups, index) not in self._found:
            logs = regression.log_probabilities(self._features[index])
            parsed = self._examples[index].parsed
            self._found[groups, index] = choose_entities(parsed, self._spans[index], logs, self.types)
        return self._found[groups, index]

    def _labels(self, index: int) -> list[int]:
        example = self._examples[index]
        known = {}
        for start, end, name in example.entities:
            tokens = example.parsed.covered(start, end)
            if tokens:
                known[strip_span(example.parsed, tokens[0], tokens[-1] + 1)] = 1 + self.types.index(name)
        return [known.get((span.start, span.end), 0) for span in self._spans[index]]

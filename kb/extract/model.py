"""A trained extractor of texts: its parts and what it decides."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kb.extract.arguments import find_pairs
from kb.extract.entities import find_entities
from kb.extract.pairs import find_fillers
from kb.extract.triggers import LEAST_LOG, describe, gold_candidates
from kb.extract.wording import TriggerWords

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb.extract.arguments import Pairs, Roles
    from kb.extract.encoders import Encoders, Reading
    from kb.extract.evoked import Evoked
    from kb.extract.pairs import Filler
    from kb.extract.softmax import Float32s, Softmax
    from kb.extract.triggers import Candidates
    from miner.text.pieces import Parsed

__all__ = ["UNSEEN", "Candidate", "Found", "FoundRole", "TextModel", "Thresholds", "View", "gold_pairs"]


class Thresholds(NamedTuple):
    """Least probabilities.

    Attributes:
        trigger: Of a trigger whose type the gold has, or of any where there is no gold.
        silver_trigger: Of a trigger whose type only silver captions have.
        role: Of an argument and its trigger together.
    """

    trigger: float = 0.5
    silver_trigger: float = 0.5
    role: float = 0.5


NO_THRESHOLDS = Thresholds()


class FoundRole(NamedTuple):
    """An argument: candidate, role, probability."""

    filler: Filler
    role: str
    score: float


class View(NamedTuple):
    """What is known of a sentence that was looked at: what could play a role in it, and what the encoders read.

    Either is None where nobody looked.
    """

    fillers: Sequence[Filler] | None
    reading: Reading | None


UNSEEN = View(None, None)


class Found(NamedTuple):
    """A trigger: token, event type, probability and arguments."""

    token: int
    event_type: str
    score: float
    roles: tuple[FoundRole, ...] = ()


Candidate = tuple[Found, "Pairs", "Float32s"]
"""A trigger, its pairs, and the probabilities of their roles."""


@dataclass(frozen=True)
class TextModel:
    """What was learnt.

    Attributes:
        types: Event types; class 0 of the trigger regressions stands for no event, class 1 + i for `types[i]`.
        roles: Roles of the ontology.
        lexicon: Lemmas of candidates.
        context: Lemmas that count as other candidates of a sentence.
        gold_types: Event types that the gold annotates; of all others the silver regression decides.
        entity_types: Types of entities that the gold annotates.
        silver_triggers: Learnt from silver captions.
        silver_arguments: Likewise.
        gold_triggers: Learnt from gold sentences, sees what the silver one says.
        gold_entities: Learnt from gold sentences: what is an entity there.
        gold_arguments: Likewise, sees what the silver one says and what the one of entities says.
        forms: Forms of words of the lexicon that do not share their stem, each with its lemma.
        idle: Forms of them for which alone no text is parsed.
        unlikely: Lemmas of the lexicon for which alone no text is parsed: candidates that never reached a threshold.
        thresholds: Least probabilities.
        uses_visual: Whether it was trained with the visual patterns that words evoke.
        encoders: Token encoders; the gold regressions see what the one of silver says, and their probabilities and those of the one
            of gold are averaged.
    """

    types: tuple[str, ...]
    roles: Roles
    lexicon: frozenset[str]
    context: frozenset[str]
    gold_types: tuple[str, ...] = ()
    entity_types: tuple[str, ...] = ()
    silver_triggers: Softmax | None = None
    silver_arguments: Softmax | None = None
    gold_triggers: Softmax | None = None
    gold_entities: Softmax | None = None
    gold_arguments: Softmax | None = None
    forms: frozenset[tuple[str, str]] = frozenset()
    idle: frozenset[str] = frozenset()
    unlikely: frozenset[str] = frozenset()
    thresholds: Thresholds = NO_THRESHOLDS
    uses_visual: bool = True
    encoders: Encoders | None = None

    @cached_property
    def _words(self) -> TriggerWords:
        return TriggerWords(self.lexicon - self.unlikely, self.forms, self.idle)

    def might_find(self, text: str) -> bool:
        """Tell whether a text has a word that could trigger an event."""
        return self._words.occur_in(text)

    def find(self, parsed: Sequence[Parsed], evoked: Evoked | None, add_entities: Any = None) -> list[list[Found]]:  # noqa: ANN401 - a method of PieceParser
        """Find the events of sentences.

        Args:
            parsed: The sentences.
            evoked: Visual patterns of words.
            add_entities: Looks for the entities of the sentences that have a trigger; none where they have been looked for.
        """
        if not parsed:
            return []
        candidates = describe(
            parsed, self.lexicon, self.context, evoked if self.uses_visual else None, self.silver_triggers
        )
        views = self._look(parsed, candidates, add_entities)
        candidates = [self.closer(*parts) for parts in zip(parsed, candidates, views, strict=True)]
        probabilities = self.trigger_probabilities(candidates, [view.reading for view in views])
        triggers = [self.decide(one, rows) for one, rows in zip(candidates, probabilities, strict=True)]
        unseen = [n for n, found in enumerate(triggers) if found and views[n].fillers is None]
        if add_entities is not None:
            add_entities(parsed[n] for n in unseen)
        for n, fillers in zip(unseen, self.find_fillers([parsed[n] for n in unseen]), strict=True):
            views[n] = View(fillers, None)
        return self._with_roles(parsed, triggers, views)

    def _look(self, parsed: Sequence[Parsed], candidates: Sequence[Candidates], add_entities: Any) -> list[View]:  # noqa: ANN401 - as of `find`
        """Read the sentences with a likely candidate and find their entities; where there are no encoders, none is looked at."""
        views = [UNSEEN] * len(parsed)
        if self.encoders is None:
            return views
        wanted = [number for number, one in enumerate(candidates) if one.likely()]
        sentences = [parsed[number] for number in wanted]
        if add_entities is not None:
            add_entities(sentences)
        readings = self.encoders.read(sentences)
        for number, fillers, reading in zip(wanted, self.find_fillers(sentences), readings, strict=True):
            views[number] = View(fillers, reading)
        return views

    def closer(self, parsed: Parsed, candidates: Candidates, view: View) -> Candidates:
        """Return candidates with what the entities of their sentence and the encoder of silver say of them."""
        if self.encoders is None:
            return candidates
        said = self.encoders.say_types(candidates, view.reading)
        return candidates.closer(parsed, view.fillers or (), self.types, said)

    def trigger_probabilities(
        self, candidates: Sequence[Candidates], readings: Sequence[Reading | None]
    ) -> list[Float32s]:
        """Return the probability of each class for the candidates of each sentence, which the encoders may have read."""
        found = self._regressed(candidates)
        if self.encoders is None or self.encoders.gold is None:
            return found
        said = [self.encoders.tell_types(*parts) for parts in zip(candidates, readings, strict=True)]
        is_gold = [False, *(name in self.gold_types for name in self.types)]
        return [np.where(is_gold, (one + other) / 2, one) for one, other in zip(found, said, strict=True)]

    def _regressed(self, candidates: Sequence[Candidates]) -> list[Float32s]:
        if self.gold_triggers is None:
            return [np.exp(one.logs) for one in candidates]
        found = np.exp(self.gold_triggers.log_probabilities(*gold_candidates(candidates)))
        ends = np.cumsum([len(one.tokens) for one in candidates])[:-1]
        rows = np.split(found, ends)
        return [self._with_silver(row, one.logs) for row, one in zip(rows, candidates, strict=True)]

    def _with_silver(self, rows: Float32s, logs: Float32s) -> Float32s:
        """Let the silver regression speak of event types that the gold knows nothing about."""
        merged = rows.copy()
        for number, name in enumerate(self.types, 1):
            if name not in self.gold_types:
                merged[:, number] = np.exp(logs[:, number]) if logs.size else 0.0
        return merged

    def least(self, thresholds: Thresholds | None = None) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return the least probability of each event type, (n_types,)."""
        limits = thresholds or self.thresholds
        is_gold = [not self.gold_types or name in self.gold_types for name in self.types]
        return np.where(is_gold, limits.trigger, limits.silver_trigger)

    def decide(self, candidates: Candidates, rows: Float32s, thresholds: Thresholds | None = None) -> list[Found]:
        """Return the candidates that are triggers: those whose likeliest event type reaches its threshold."""
        least = self.least(thresholds)
        found = []
        for token, row in zip(candidates.tokens, rows, strict=True):
            best = int(np.argmax(row[1:] - least))
            if row[1 + best] >= least[best]:
                found.append(Found(token, self.types[best], float(row[1 + best])))
        return found

    def find_fillers(self, parsed: Sequence[Parsed]) -> list[list[Filler]]:
        """Return what could play a role in each sentence: the entities that were learnt, else names and nouns."""
        if self.gold_entities is None or not parsed:
            return [find_fillers(one, len(self.entity_types)) for one in parsed]
        return find_entities(parsed, self.gold_entities, self.entity_types)

    def pair(self, parsed: Parsed, token: int, event_type: str, view: View) -> Pairs:
        """Pair a trigger with the candidates of its sentence, and let the encoder of silver say what it thinks of them."""
        pairs = find_pairs(parsed, token, event_type, view.fillers or ())
        return replace(pairs, said=self.encoders.say_roles(pairs, view.reading)) if self.encoders else pairs

    def role_probabilities(self, pairs: Sequence[Pairs], readings: Sequence[Reading | None]) -> list[Float32s]:
        """Return the probability of each role class for the candidates of each trigger, whose sentence may have been read."""
        found = self._regressed_roles(pairs)
        if self.encoders is None:
            return found
        said = [self.encoders.tell_roles(*parts) for parts in zip(pairs, readings, strict=True)]
        return [
            one if logs is None else (one + self.roles.restrict(logs, pair.event_type)) / np.float32(2)
            for one, logs, pair in zip(found, said, pairs, strict=True)
        ]

    def _regressed_roles(self, pairs: Sequence[Pairs]) -> list[Float32s]:
        features = [names for one in pairs for names in one.features]
        if not features:
            return [np.zeros((0, 1 + len(self.roles.names)), np.float32) for _ in pairs]
        logs = self.silver_role_logs(features)
        if self.gold_arguments:
            logs = self.gold_arguments.log_probabilities(*gold_pairs(pairs, logs))
        elif not self.silver_arguments:
            logs = np.zeros((len(features), 1 + len(self.roles.names)), np.float32)
        rows = np.split(logs, np.cumsum([len(one.features) for one in pairs])[:-1])
        return [self.roles.restrict(row, one.event_type) for row, one in zip(rows, pairs, strict=True)]

    def silver_role_logs(self, features: Sequence[Sequence[str]]) -> Float32s:
        """Return what silver says of pairs; float32, (n, 1 + n_roles), or without columns where there is no silver."""
        if self.silver_arguments is None:
            return np.zeros((len(features), 0), np.float32)
        return np.maximum(self.silver_arguments.log_probabilities(features), LEAST_LOG)

    def fill(self, hits: Sequence[Candidate], least: float | None = None) -> list[Found]:
        """Return the triggers of a sentence with their arguments: candidates that are likely, together with their trigger.

        What plays the same role in several events of one type does so in the likeliest one: most such events are one. It is as
        likely as that not all of them are wrong (noisy or; Pearl, "Probabilistic Reasoning in Intelligent Systems", 1988).
        """
        limit = self.thresholds.role if least is None else least
        played: dict[tuple[str, str, int, int], list[tuple[float, int, FoundRole]]] = {}
        for number, (hit, pairs, rows) in enumerate(hits):
            for filler, row in zip(pairs.fillers, rows, strict=True):
                role = int(np.argmax(row[1:])) + 1
                found = FoundRole(filler, self.roles.names[role - 1], float(row[role]))
                key = (hit.event_type, found.role, filler.start, filler.end)
                played.setdefault(key, []).append((found.score * hit.score, -number, found))
        filled: list[list[FoundRole]] = [[] for _ in hits]
        for chances in played.values():
            if 1 - math.prod(1 - joint for joint, _, _ in chances) >= limit:
                _, number, found = max(chances)
                filled[-number].append(found)
        return [hit._replace(roles=tuple(sorted(roles))) for (hit, _, _), roles in zip(hits, filled, strict=True)]

    def _with_roles(
        self, parsed: Sequence[Parsed], triggers: Sequence[Sequence[Found]], views: Sequence[View]
    ) -> list[list[Found]]:
        """Add the arguments of all triggers of a batch at once."""
        if not (self.silver_arguments or self.gold_arguments):
            return [list(hits) for hits in triggers]
        placed = [(number, hit) for number, hits in enumerate(triggers) for hit in hits]
        pairs = [self.pair(parsed[number], hit.token, hit.event_type, views[number]) for number, hit in placed]
        readings = [views[number].reading for number, _ in placed]
        rows = iter(zip(pairs, self.role_probabilities(pairs, readings), strict=True))
        return [self.fill([(hit, *next(rows)) for hit in hits]) for hits in triggers]

    def with_thresholds(self, thresholds: Thresholds) -> TextModel:
        """Return the same with other thresholds."""
        return replace(self, thresholds=thresholds)


def gold_pairs(pairs: Sequence[Pairs], silver: Float32s) -> tuple[list[list[str]], Float32s | None]:
    """Return what the gold regression of arguments sees of pairs: sparse features, and what other regressions say.

    Args:
        pairs: Of any triggers.
        silver: float32, (n, n_classes or 0): what silver says of all their candidates.
    """
    features = [[*names, *typed] for one in pairs for names, typed in zip(one.features, one.typed, strict=True)]
    kept = [one for one in pairs if one.fillers]
    logs = [np.concatenate([one.logs, one.said], axis=1) if one.said.shape[1] else one.logs for one in kept]
    dense = np.concatenate([silver, np.concatenate(logs)], axis=1) if logs else silver
    return features, dense if dense.shape[1] else None

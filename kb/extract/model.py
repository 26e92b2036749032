"""A trained extractor of texts: its parts, what it decides, and its files (JSON and safetensors, no pickle)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kb.extract.arguments import find_pairs, roles_of
from kb.extract.entities import find_entities
from kb.extract.pairs import find_fillers
from kb.extract.softmax import Softmax
from kb.extract.tokens import load_encoder, save_encoder
from kb.extract.triggers import LEAST_LOG, describe, trigger_classes
from kb.extract.wording import TriggerWords
from miner.errors import ArtefactError
from miner.store.formats import read_json, read_tensors, write_json, write_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kb.extract.arguments import Pairs, Roles
    from kb.extract.evoked import Evoked
    from kb.extract.pairs import Filler
    from kb.extract.softmax import Float32s
    from kb.extract.tokens import TokenEncoder, Vectors
    from kb.extract.triggers import Candidates
    from kb.ontology import Ontology
    from miner.text.pieces import Parsed

__all__ = ["Candidate", "Found", "FoundRole", "TextModel", "Thresholds", "gold_pairs", "load_model", "save_model"]

VERSION = 2
REGRESSIONS = ("silver_triggers", "silver_arguments", "gold_triggers", "gold_entities", "gold_arguments")


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

LEAST_SAID = 1e-12
TRIGGER_SHARE = 0.7
ROLE_SHARE = 0.5
"""How much what the token encoder says counts, against what the regressions say."""


class FoundRole(NamedTuple):
    """An argument: candidate, role, probability."""

    filler: Filler
    role: str
    score: float


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
        forms: Forms of words of the lexicon that do not share their stem.
        idle: Forms of them for which alone no text is parsed.
        thresholds: Least probabilities.
        uses_visual: Whether it was trained with the visual patterns that words evoke.
        encoder: Fine-tuned to the gold, too; its probabilities and those of the gold regressions are averaged.
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
    forms: frozenset[str] = frozenset()
    idle: frozenset[str] = frozenset()
    thresholds: Thresholds = NO_THRESHOLDS
    uses_visual: bool = True
    encoder: TokenEncoder | None = None

    @cached_property
    def _words(self) -> TriggerWords:
        return TriggerWords(self.lexicon, self.forms, self.idle)

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
        candidates = describe(
            parsed, self.lexicon, self.context, evoked if self.uses_visual else None, self.silver_triggers
        )
        readings = self.read(parsed, candidates)
        probabilities = self.trigger_probabilities(candidates, readings)
        triggers = [self.decide(one, rows) for one, rows in zip(candidates, probabilities, strict=True)]
        if add_entities is not None:
            add_entities(one for one, found in zip(parsed, triggers, strict=True) if found)
        return self._with_roles(parsed, triggers, readings)

    def read(self, parsed: Sequence[Parsed], candidates: Sequence[Candidates]) -> list[Vectors | None]:
        """Let the token encoder read the sentences with a likely candidate; there may be no encoder."""
        found: list[Vectors | None] = [None] * len(parsed)
        wanted = [number for number, one in enumerate(candidates) if self.encoder and one.likely()]
        if self.encoder and wanted:
            for number, vectors in zip(wanted, self.encoder.read([parsed[n] for n in wanted]), strict=True):
                found[number] = vectors
        return found

    def trigger_probabilities(
        self, candidates: Sequence[Candidates], readings: Sequence[Vectors | None]
    ) -> list[Float32s]:
        """Return the probability of each class for the candidates of each sentence, which the token encoder may have read."""
        found = self._regressed(candidates)
        if self.encoder is None:
            return found
        return [self._with_encoder(*parts) for parts in zip(found, candidates, readings, strict=True)]

    def _with_encoder(self, rows: Float32s, candidates: Candidates, vectors: Vectors | None) -> Float32s:
        """Average with what the encoder says of event types of the gold; unlikely candidates are none to it."""
        said = np.zeros_like(rows)
        likely = candidates.likely()
        if self.encoder and vectors is not None and likely:
            said[likely] = self.encoder.tell_types(vectors, [candidates.tokens[number] for number in likely])
        is_gold = [False, *(name in self.gold_types for name in self.types)]
        return np.where(is_gold, (1 - TRIGGER_SHARE) * rows + TRIGGER_SHARE * said, rows)

    def _regressed(self, candidates: Sequence[Candidates]) -> list[Float32s]:
        if self.gold_triggers is None:
            return [np.exp(one.logs) for one in candidates]
        dense = np.concatenate([one.logs for one in candidates]) if self.silver_triggers else None
        features = [names for one in candidates for names in one.features]
        found = np.exp(self.gold_triggers.log_probabilities(features, dense))
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
        if self.gold_entities is None:
            return [find_fillers(one) for one in parsed]
        return find_entities(parsed, self.gold_entities, self.entity_types)

    def role_probabilities(self, pairs: Sequence[Pairs], readings: Sequence[Vectors | None]) -> list[Float32s]:
        """Return the probability of each role class for the candidates of each trigger, whose sentence may have been read."""
        found = self._regressed_roles(pairs)
        return [self._with_encoded_roles(*parts) for parts in zip(found, pairs, readings, strict=True)]

    def _with_encoded_roles(self, rows: Float32s, pairs: Pairs, vectors: Vectors | None) -> Float32s:
        if self.encoder is None or vectors is None or not pairs.fillers:
            return rows
        said = self.encoder.tell_roles(vectors, pairs.trigger, [filler.root for filler in pairs.fillers])
        logs = np.log(np.maximum(said, LEAST_SAID))
        return (1 - ROLE_SHARE) * rows + ROLE_SHARE * self.roles.restrict(logs, pairs.event_type)

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

        What plays the same role in two events of one type does so in the likelier one: most such events are one.
        """
        limit = self.thresholds.role if least is None else least
        best: dict[tuple[str, str, int, int], tuple[float, int]] = {}
        filled: list[list[tuple[FoundRole, float]]] = []
        for number, (hit, pairs, rows) in enumerate(hits):
            filled.append([])
            for filler, row in zip(pairs.fillers, rows, strict=True):
                role = int(np.argmax(row[1:])) + 1
                joint = float(row[role]) * hit.score
                if joint < limit:
                    continue
                found = FoundRole(filler, self.roles.names[role - 1], float(row[role]))
                filled[number].append((found, joint))
                key = (hit.event_type, found.role, filler.start, filler.end)
                best[key] = max(best.get(key, (0.0, 0)), (joint, -number))
        return [
            hit._replace(
                roles=tuple(
                    found
                    for found, joint in roles
                    if best[hit.event_type, found.role, found.filler.start, found.filler.end] == (joint, -number)
                )
            )
            for number, ((hit, _, _), roles) in enumerate(zip(hits, filled, strict=True))
        ]

    def _with_roles(
        self, parsed: Sequence[Parsed], triggers: Sequence[Sequence[Found]], readings: Sequence[Vectors | None]
    ) -> list[list[Found]]:
        """Add the arguments of all triggers of a batch at once."""
        wanted = [number for number, hits in enumerate(triggers) if hits]
        if not wanted or not (self.silver_arguments or self.gold_arguments):
            return [list(hits) for hits in triggers]
        fillers = dict(zip(wanted, self.find_fillers([parsed[number] for number in wanted]), strict=True))
        pairs = [
            find_pairs(parsed[number], hit.token, hit.event_type, fillers[number])
            for number in wanted
            for hit in triggers[number]
        ]
        read = [readings[number] for number in wanted for _ in triggers[number]]
        rows = iter(zip(pairs, self.role_probabilities(pairs, read), strict=True))
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
    logs = [one.logs for one in pairs if len(one.fillers)]
    dense = np.concatenate([silver, np.concatenate(logs)], axis=1) if logs else silver
    return features, dense if dense.shape[1] else None


def save_model(model: TextModel, folder: Path, about: Mapping[str, object]) -> None:
    """Write a model into an empty folder.

    Args:
        model: What was learnt.
        folder: It gets `model.json`, `weights.safetensors`, and `encoder.safetensors` where there is an encoder.
        about: What it was learnt from, for people.

    Raises:
        ArtefactError: The folder cannot be written.
    """
    regressions = {name: part for name in REGRESSIONS if (part := getattr(model, name)) is not None}
    tensors: dict[str, Any] = {}
    for name, part in regressions.items():
        tensors |= {f"{name}.buckets": part.buckets, f"{name}.weights": part.weights}
    write_tensors(folder / "weights.safetensors", tensors)
    content = {
        "version": VERSION,
        "types": list(model.types),
        "roles": list(model.roles.names),
        "lexicon": sorted(model.lexicon),
        "context": sorted(model.context),
        "forms": sorted(model.forms),
        "idle": sorted(model.idle),
        "goldTypes": list(model.gold_types),
        "entityTypes": list(model.entity_types),
        "thresholds": model.thresholds._asdict(),
        "usesVisual": model.uses_visual,
        "dense": {name: part.n_dense for name, part in regressions.items()},
        "encoder": save_encoder(model.encoder, folder) if model.encoder else None,
        "about": dict(about),
    }
    write_json(folder / "model.json", content)


def load_model(folder: Path, ontology: Ontology) -> TextModel:
    """Read a model.

    Raises:
        ArtefactError: It is damaged, of another version, or of another ontology.
        ConfigError: It has a token encoder, whose package is not installed.
    """
    content = read_json(folder / "model.json")
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise ArtefactError(
            f"{folder} holds a model of another version.", hint="Train it again with 'eventminer kb train'."
        )
    types, roles = trigger_classes(ontology), roles_of(ontology)
    if list(types) != content["types"] or list(roles.names) != content["roles"]:
        raise ArtefactError(
            f"The model in {folder} was trained for another ontology than {ontology.name!r}.",
            hint="Train it again with 'eventminer kb train'.",
        )
    tensors = read_tensors(folder / "weights.safetensors")
    parts = {
        name: Softmax(tensors[f"{name}.buckets"], tensors[f"{name}.weights"], int(n_dense))
        for name, n_dense in content["dense"].items()
    }
    encoder = content.get("encoder")
    return TextModel(
        types,
        roles,
        frozenset(content["lexicon"]),
        frozenset(content["context"]),
        tuple(content["goldTypes"]),
        tuple(content["entityTypes"]),
        forms=frozenset(content["forms"]),
        idle=frozenset(content["idle"]),
        thresholds=Thresholds(**content["thresholds"]),
        uses_visual=bool(content["usesVisual"]),
        encoder=load_encoder(folder, 1 + len(types), 1 + len(roles.names), encoder) if encoder else None,
        **parts,
    )

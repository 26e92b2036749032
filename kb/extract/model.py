"""A trained extractor of texts: its parts, what it decides, and its files (JSON and safetensors, no pickle)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kb.extract.arguments import find_pairs, roles_of
from kb.extract.softmax import Softmax
from kb.extract.triggers import LEAST_LOG, describe, trigger_classes
from miner.errors import ArtefactError
from miner.store.formats import read_json, read_tensors, write_json, write_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kb.extract.arguments import Pairs, Roles
    from kb.extract.evoked import Evoked
    from kb.extract.pairs import Filler
    from kb.extract.softmax import Float32s
    from kb.extract.triggers import Candidates
    from kb.ontology import Ontology
    from miner.text.pieces import Parsed

__all__ = ["Found", "FoundRole", "TextModel", "Thresholds", "load_model", "save_model"]

VERSION = 1
REGRESSIONS = ("silver_triggers", "silver_arguments", "gold_triggers", "gold_arguments")


class Thresholds(NamedTuple):
    """Least probabilities.

    Attributes:
        trigger: Of a trigger whose type the gold has, or of any where there is no gold.
        silver_trigger: Of a trigger whose type only silver captions have.
        role: Of an argument.
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


class Found(NamedTuple):
    """A trigger: token, event type, probability and arguments."""

    token: int
    event_type: str
    score: float
    roles: tuple[FoundRole, ...] = ()


@dataclass(frozen=True)
class TextModel:
    """What was learnt.

    Attributes:
        types: Event types; class 0 of the trigger regressions stands for no event, class 1 + i for `types[i]`.
        roles: Roles of the ontology.
        lexicon: Lemmas of candidates.
        context: Lemmas that count as other candidates of a sentence.
        gold_types: Event types that the gold annotates; of all others the silver regression decides.
        silver_triggers: Learnt from silver captions.
        silver_arguments: Likewise.
        gold_triggers: Learnt from gold sentences, sees what the silver one says.
        gold_arguments: Likewise.
        thresholds: Least probabilities.
        uses_visual: Whether it was trained with the visual patterns that words evoke.
    """

    types: tuple[str, ...]
    roles: Roles
    lexicon: frozenset[str]
    context: frozenset[str]
    gold_types: tuple[str, ...] = ()
    silver_triggers: Softmax | None = None
    silver_arguments: Softmax | None = None
    gold_triggers: Softmax | None = None
    gold_arguments: Softmax | None = None
    thresholds: Thresholds = NO_THRESHOLDS
    uses_visual: bool = True

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
        probabilities = self.trigger_probabilities(candidates)
        triggers = [self.decide(one, rows) for one, rows in zip(candidates, probabilities, strict=True)]
        if add_entities is not None:
            add_entities(one for one, found in zip(parsed, triggers, strict=True) if found)
        return self._with_roles(parsed, triggers)

    def trigger_probabilities(self, candidates: Sequence[Candidates]) -> list[Float32s]:
        """Return the probability of each class for the candidates of each sentence."""
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

    def decide(self, candidates: Candidates, rows: Float32s, thresholds: Thresholds | None = None) -> list[Found]:
        """Return the candidates that are triggers: those whose likeliest event type reaches its threshold."""
        limits = thresholds or self.thresholds
        least = np.array(
            [
                limits.trigger if not self.gold_types or name in self.gold_types else limits.silver_trigger
                for name in self.types
            ]
        )
        found = []
        for token, row in zip(candidates.tokens, rows, strict=True):
            best = int(np.argmax(row[1:] - least))
            if row[1 + best] >= least[best]:
                found.append(Found(token, self.types[best], float(row[1 + best])))
        return found

    def role_probabilities(self, pairs: Sequence[Pairs]) -> list[Float32s]:
        """Return the probability of each role class for the candidates of each trigger."""
        features = [names for one in pairs for names in one.features]
        empty = np.zeros((len(features), 1 + len(self.roles.names)), np.float32)
        logs = self.silver_arguments.log_probabilities(features) if self.silver_arguments else empty
        if self.gold_arguments:
            logs = self.gold_arguments.log_probabilities(
                features, np.maximum(logs, LEAST_LOG) if self.silver_arguments else None
            )
        rows = np.split(logs, np.cumsum([len(one.features) for one in pairs])[:-1])
        return [self.roles.restrict(row, one.event_type) for row, one in zip(rows, pairs, strict=True)]

    def fill(self, pairs: Pairs, rows: Float32s, least: float | None = None) -> tuple[FoundRole, ...]:
        """Return the arguments among the candidates of a trigger."""
        limit = self.thresholds.role if least is None else least
        found = []
        for filler, row in zip(pairs.fillers, rows, strict=True):
            best = int(np.argmax(row[1:])) + 1
            if row[best] >= limit:
                found.append(FoundRole(filler, self.roles.names[best - 1], float(row[best])))
        return tuple(found)

    def _with_roles(self, parsed: Sequence[Parsed], triggers: Sequence[Sequence[Found]]) -> list[list[Found]]:
        """Add the arguments of all triggers of a batch at once."""
        flat = [(one, hit) for one, hits in zip(parsed, triggers, strict=True) for hit in hits]
        if not flat or not (self.silver_arguments or self.gold_arguments):
            return [list(hits) for hits in triggers]
        pairs = [find_pairs(one, hit.token, hit.event_type) for one, hit in flat]
        filled = map(self.fill, pairs, self.role_probabilities(pairs))
        return [[hit._replace(roles=next(filled)) for hit in hits] for hits in triggers]

    def with_thresholds(self, thresholds: Thresholds) -> TextModel:
        """Return the same with other thresholds."""
        return replace(self, thresholds=thresholds)


def save_model(model: TextModel, folder: Path, about: Mapping[str, object]) -> None:
    """Write a model into an empty folder.

    Args:
        model: What was learnt.
        folder: It gets `model.json` and `weights.safetensors`.
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
        "goldTypes": list(model.gold_types),
        "thresholds": model.thresholds._asdict(),
        "usesVisual": model.uses_visual,
        "dense": {name: part.n_dense for name, part in regressions.items()},
        "about": dict(about),
    }
    write_json(folder / "model.json", content)


def load_model(folder: Path, ontology: Ontology) -> TextModel:
    """Read a model.

    Raises:
        ArtefactError: It is damaged, of another version, or of another ontology.
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
    return TextModel(
        types,
        roles,
        frozenset(content["lexicon"]),
        frozenset(content["context"]),
        tuple(content["goldTypes"]),
        thresholds=Thresholds(**content["thresholds"]),
        uses_visual=bool(content["usesVisual"]),
        **parts,
    )

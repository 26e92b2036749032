"""Who plays which role: every candidate of a sentence is paired with its trigger, and two regressions decide, as of triggers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from kb.extract.pairs import entity_features, pair_features
from kb.extract.spans import strip_span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kb.extract.examples import Example
    from kb.extract.pairs import Filler
    from kb.extract.softmax import Float32s
    from kb.ontology import Ontology
    from miner.text.pieces import Parsed

__all__ = ["Pairs", "Roles", "argument_spans", "find_pairs", "label_of_pairs", "roles_of"]


@dataclass(frozen=True)
class Roles:
    """The roles of texts.

    Attributes:
        names: All of them; class 0 stands for no role, class 1 + i for `names[i]`.
        allowed: For each event type, which classes it can have, (1 + n_roles,).
    """

    names: tuple[str, ...]
    allowed: Mapping[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]

    def restrict(self, logs: Float32s, event_type: str) -> Float32s:
        """Return probabilities among the roles of an event type.

        Args:
            logs: float32, (n, 1 + n_roles).
            event_type: Whose roles.
        """
        found = np.where(self.allowed[event_type], np.exp(logs), 0.0)
        probabilities: Float32s = (found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12)).astype(np.float32)
        return probabilities


@dataclass(frozen=True)
class Pairs:
    """A trigger with the candidates of its sentence.

    Attributes:
        trigger: Its token.
        event_type: What it triggers.
        fillers: The candidates.
        features: Of each.
        typed: More features of each, by the entity it is; nothing where entities were not learnt.
        logs: float32, (n, n_logs): what the regression of entities says of each.
        said: float32, (n, 1 + n_roles): what an encoder that only silver has taught says; without columns where there is none.
    """

    trigger: int
    event_type: str
    fillers: list[Filler]
    features: list[list[str]]
    typed: list[list[str]]
    logs: Float32s
    said: Float32s = field(default_factory=lambda: np.zeros((0, 0), np.float32))


def roles_of(ontology: Ontology) -> Roles:
    """Return the roles that can be filled in texts."""
    by_type = {t.id: {role.name for role in t.roles if "text" in role.media} for t in ontology.types}
    names = tuple(sorted(set().union(*by_type.values())))
    allowed = {name: np.array([True, *(role in roles for role in names)]) for name, roles in by_type.items()}
    return Roles(names, allowed)


def find_pairs(parsed: Parsed, trigger: int, event_type: str, fillers: Sequence[Filler]) -> Pairs:
    """Pair a trigger with every candidate that does not contain it."""
    apart = [filler for filler in fillers if not filler.start <= trigger < filler.end]
    features = [pair_features(parsed, trigger, event_type, filler, fillers) for filler in apart]
    typed = [entity_features(parsed, trigger, event_type, f, apart) if f.entity else [] for f in apart]
    logs = np.array([filler.logs for filler in apart], np.float32).reshape(len(apart), -1 if apart else 0)
    return Pairs(trigger, event_type, apart, features, typed, logs)


def label_of_pairs(
    example: Example, pairs: Pairs, arguments: Sequence[tuple[int, int, str]], roles: Roles
) -> list[int]:
    """Return the class of each pair: an argument is a candidate that covers the same words, but for articles around them."""
    known = {span: role for span, role in argument_spans(example, arguments) if role in roles.names}
    labels = (known.get((filler.start, filler.end)) for filler in pairs.fillers)
    return [roles.names.index(role) + 1 if role else 0 for role in labels]


def argument_spans(
    example: Example, arguments: Sequence[tuple[int, int, str]]
) -> Iterator[tuple[tuple[int, int], str]]:
    """Yield the tokens of known arguments, without what stands around them, with their roles."""
    for start, end, role in arguments:
        tokens = example.parsed.covered(start, end)
        if tokens:
            yield strip_span(example.parsed, tokens[0], tokens[-1] + 1), role

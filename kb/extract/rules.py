"""An extractor that has learnt nothing: the triggers of the ontology, the mined names that are triggers, and plain grammar.

It is what a run offers before `eventminer kb train`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.extract.features import CONTENT_POS
from kb.extract.model import Found, FoundRole
from kb.extract.pairs import find_fillers
from kb.extract.triggers import lexicon_of_ontology

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kb.extract.evoked import Evoked
    from kb.extract.pairs import Filler
    from kb.ontology import EventType, Ontology, Role
    from miner.text.pieces import Parsed

__all__ = ["RuleModel"]

SCORE = 0.5
SUPPORTED = 0.1
"""Added where other words of the sentence evoke patterns of the event type."""

ROLE_SCORE = 0.5
PLACES = frozenset({"GPE", "LOC", "FAC", "place"})
ACTORS = frozenset({"PERSON", "NORP", "ORG", "person", "group"})
SUBJECTS = frozenset({"nsubj", "agent"})
ACTED_ON = frozenset({"dobj", "nsubjpass"})
OBJECTS = ACTED_ON | {"attr"}
TOWARDS = frozenset({"to", "into", "toward", "towards"})
AWAY = frozenset({"from", "out"})


class RuleModel:
    """Finds events by rules.

    Args:
        ontology: Its triggers find events, its roles are filled.
        names: Lemmas that mined names add, with their event types.
    """

    def __init__(self, ontology: Ontology, names: Mapping[str, str] | None = None) -> None:
        """Compile the triggers."""
        self._ontology = ontology
        self._known = lexicon_of_ontology(ontology)
        self._names = dict(names or {})

    def might_find(self, text: str) -> bool:
        """Tell whether a text could have an event: any text with a letter."""
        return any(map(str.isalpha, text))

    def find(
        self,
        parsed: Sequence[Parsed],
        evoked: Evoked | None,
        add_entities: Callable[[Iterable[Parsed]], None] | None = None,
    ) -> list[list[Found]]:
        """Find the events of sentences, as `kb.extract.model.TextModel.find` does."""
        triggers = [list(self._triggers(one, evoked)) for one in parsed]
        if add_entities is not None:
            add_entities(one for one, found in zip(parsed, triggers, strict=True) if found)
        return [
            [hit._replace(roles=self._roles(one, hit)) for hit in found]
            for one, found in zip(parsed, triggers, strict=True)
        ]

    def _triggers(self, parsed: Parsed, evoked: Evoked | None) -> Iterable[Found]:
        for token, (lower, lemma) in enumerate(zip(parsed.lowers, parsed.lemmas, strict=True)):
            if parsed.pos[token] not in CONTENT_POS:
                continue
            event_type = self._known(lower) or self._names.get(lemma)
            if event_type is not None:
                others = (other for i, other in enumerate(parsed.lemmas) if i != token)
                supported = bool(evoked and evoked.argue(others, event_type))
                yield Found(token, event_type, SCORE + SUPPORTED * supported)

    def _roles(self, parsed: Parsed, hit: Found) -> tuple[FoundRole, ...]:
        event_type = self._ontology.get(hit.event_type)
        found: dict[str, FoundRole] = {}
        for filler in find_fillers(parsed):
            if filler.start <= hit.token < filler.end:
                continue
            role = _role(parsed, hit.token, filler, event_type)
            if role is not None and role not in found:
                found[role] = FoundRole(filler, role, ROLE_SCORE)
        return tuple(found.values())


def _role(parsed: Parsed, trigger: int, filler: Filler, event_type: EventType) -> str | None:
    """Return the role of a candidate that depends on the trigger, by its relation and by what it denotes."""
    relation, preposition = _relation(parsed, trigger, filler.root)
    fitting = [role for role in event_type.roles if "text" in role.media and set(role.fillers) & set(filler.classes)]
    if relation is None or not fitting:
        return None
    if relation == "prep":
        return _place(fitting, preposition)
    actors = [role for role in fitting if set(role.fillers) & ACTORS]
    has_object = any(head == trigger and dep in ACTED_ON for head, dep in zip(parsed.heads, parsed.deps, strict=True))
    acts = relation == "agent" or (relation in SUBJECTS and has_object)
    # Who acts on somebody else is rarely what an event cannot be without: who is killed, arrested, moved.
    actors.sort(key=lambda role: bool(role.at_least) if acts else not role.at_least)
    return actors[0].name if actors and relation in SUBJECTS | OBJECTS else None


def _place(roles: Sequence[Role], preposition: str) -> str | None:
    wanted = "Destination" if preposition in TOWARDS else "Origin" if preposition in AWAY else "Place"
    return next((role.name for role in roles if role.name == wanted and set(role.fillers) & PLACES), None)


def _relation(parsed: Parsed, trigger: int, root: int) -> tuple[str | None, str]:
    head = parsed.heads[root]
    if head == trigger:
        return parsed.deps[root], ""
    if parsed.heads[head] == trigger and parsed.deps[head] in ("prep", "agent"):
        return ("prep" if parsed.deps[head] == "prep" else "agent"), parsed.lemmas[head]
    return None, ""

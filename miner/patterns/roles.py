"""Which argument role a named pattern fills.

Three sources argue: what the head of the name denotes (a person, a vehicle, a place), what the ontology allows in each
role, and how the head stands in the captions of the evidence: subject, object, or after which preposition. What fits no role
well enough fills none, however few roles there are to choose from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kb.ontologies.nouns import noun_classes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kb.ontology import EventType, Role
    from miner.patterns.naming import CaptionRow

PLACE_PREPOSITIONS = frozenset({
    "in", "on", "at", "near", "through", "over", "across", "down", "up", "along", "inside", "outside", "behind", "beside",
    "by", "under", "around", "into", "onto", "off", "from",
})  # fmt: skip
SUBJECTS = frozenset({"nsubj", "nsubjpass", "ROOT"})
OBJECTS = frozenset({"dobj", "obj", "attr", "dative"})
ACTORS = frozenset({"person", "group", "animal", "PERSON", "NORP", "ORG"})
PLACES = frozenset({"place", "GPE", "LOC", "FAC"})

MISFIT = 0.05
"""Weight of a role whose fillers exclude what the name denotes, beside 1 for one that allows it."""

UNKNOWN = 0.4
"""Weight of every role for a noun of no known class."""

MIN_SHARE = 0.3
"""Least share of the distribution at which a role is assigned."""

NO_ROLE = 0.1
"""Weight of filling no role at all, beside that of a role: 1.1 where all speaks for it, 0.0005 where all speaks against."""

N_CAPTIONS = 3
"""Captions kept for each role that argue for it."""


class RoleScore(NamedTuple):
    """A role, its share of the distribution over the roles of the event type and none, and captions that argue for it."""

    role: str
    score: float
    captions: tuple[str, ...] = ()


def rank_roles(head: str, captions: Iterable[CaptionRow], event_type: EventType) -> list[RoleScore]:
    """Distribute a name over the roles of its event type.

    Args:
        head: Lemma of the head of the name.
        captions: Of the evidence.
        event_type: Its roles, in the order of the ontology.

    Returns:
        Roles with shares that sum to at most 1, largest first, what is left being the share of filling none; no roles where
        the event type has none.
    """
    said = said_at(head, captions)
    n = max(1, sum(map(len, said.values())))
    weights = [
        _fit(head, role) * (0.1 + sum(len(said.get(place, ())) for place in _expected(role)) / n)
        for role in event_type.roles
    ]
    total = sum(weights) + NO_ROLE
    scores = [
        RoleScore(role.name, weight / total, _arguments(said, role))
        for role, weight in zip(event_type.roles, weights, strict=True)
    ]
    return sorted(scores, key=lambda item: -item.score)


def _arguments(said: Mapping[str, Sequence[str]], role: Role) -> tuple[str, ...]:
    """Return the first captions in which the noun stands where fillers of the role do, the shortest first."""
    texts = dict.fromkeys(text for place in _expected(role) for text in said.get(place, ()))
    return tuple(sorted(texts, key=lambda text: (len(text), text))[:N_CAPTIONS])


def assigned(roles: Sequence[RoleScore]) -> str | None:
    """Return the role to assign, none where no role stands out: its share is small, or all of several have the same."""
    if not roles or roles[0].score < MIN_SHARE or (len(roles) > 1 and roles[0].score == roles[-1].score):
        return None
    return roles[0].role


def said_at(head: str, captions: Iterable[CaptionRow]) -> dict[str, list[str]]:
    """Return for each way a noun stands (subject, object, place, with, other) the captions in which it does.

    A caption is repeated where it has the noun more than once.
    """
    said: dict[str, list[str]] = {}
    for row in captions:
        for token, lemma in enumerate(row["lemmas"]):
            if lemma == head:
                said.setdefault(_position(row, token), []).append(row["text"])
    return said


def _position(row: CaptionRow, token: int) -> str:
    """Name the position of one token; a conjunct stands where its first conjunct stands, who acts in a passive is a subject."""
    seen = {token}
    while row["deps"][token] in ("conj", "compound", "appos") and row["heads"][token] not in seen:
        token = row["heads"][token]
        seen.add(token)
    relation = row["deps"][token]
    if relation in SUBJECTS:
        return "subject"
    if relation in OBJECTS:
        return "object"
    if relation != "pobj":
        return "other"
    if row["deps"][row["heads"][token]] == "agent":
        return "subject"
    preposition = row["lowers"][row["heads"][token]]
    if preposition in ("with", "using", "wearing"):
        return "with"
    return "place" if preposition in PLACE_PREPOSITIONS else "other"


def _fit(head: str, role: Role) -> float:
    """Weigh how well what a noun denotes fits a role's fillers."""
    classes = noun_classes(head)
    if not classes:
        return UNKNOWN
    return 1.0 if not set(classes).isdisjoint(role.fillers) else MISFIT


def _expected(role: Role) -> tuple[str, ...]:
    """Return where the fillers of a role usually stand in a caption."""
    fillers = set(role.fillers)
    if fillers & PLACES:
        return ("place",)
    if fillers & ACTORS:
        return ("subject",)
    return ("object", "with", "other")

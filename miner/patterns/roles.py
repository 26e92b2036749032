"""Which argument role a named pattern fills.

Three sources argue: what the head of the name denotes (a person, a vehicle, a place), what the ontology allows in each
role, and how the head stands in the captions of the evidence: subject, object, or after which preposition.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from kb.ontologies.nouns import noun_classes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


class RoleScore(NamedTuple):
    """A role and its share of the distribution over the roles of the event type."""

    role: str
    score: float


def rank_roles(head: str, captions: Iterable[CaptionRow], event_type: EventType) -> list[RoleScore]:
    """Distribute a name over the roles of its event type.

    Args:
        head: Lemma of the head of the name.
        captions: Of the evidence.
        event_type: Its roles, in the order of the ontology.

    Returns:
        Roles with shares that sum to 1, largest first; none where the event type has no roles.
    """
    positions = positions_of(head, captions)
    n = max(1, positions.total())
    weights = [
        _fit(head, role) * (0.1 + sum(positions[place] for place in _expected(role)) / n) for role in event_type.roles
    ]
    total = sum(weights)
    scores = [RoleScore(role.name, weight / total) for role, weight in zip(event_type.roles, weights, strict=True)]
    return sorted(scores, key=lambda item: -item.score)


def assigned(roles: Sequence[RoleScore]) -> str | None:
    """Return the role to assign, none where no role stands out: its share is small, or all of several have the same."""
    if not roles or roles[0].score < MIN_SHARE or (len(roles) > 1 and roles[0].score == roles[-1].score):
        return None
    return roles[0].role


def positions_of(head: str, captions: Iterable[CaptionRow]) -> Counter[str]:
    """Count how a noun stands in captions: subject, object, place, with, other."""
    counts: Counter[str] = Counter()
    for row in captions:
        for token, lemma in enumerate(row["lemmas"]):
            if lemma == head:
                counts[_position(row, token)] += 1
    return counts


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

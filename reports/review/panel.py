"""One pattern as the review page shows it, and the rows of a queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kb.review.decisions import REVERSALS
from miner.errors import OntologyError
from reports.gallery import split_caption
from reports.review import wording

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kb.ontology import Role
    from kb.review.standing import Conflict, Entry, Pattern
    from kb.review.state import ReviewState
    from reports.review.desk import Desk
    from reports.review.shelf import Sighting

N_PATCHES = 12
MOST_PATCHES = 240
N_ALTERNATIVES = 9
N_CAPTIONS = 4
LONGEST_NAME = 120
MOST_MERGEABLE = 500


@dataclass(frozen=True)
class Patch:
    """A patch on the sheet: its evidence and the caption around the words that say it."""

    sighting: Sighting
    before: str
    match: str
    after: str

    @property
    def caption(self) -> str:
        """The caption as one string."""
        return self.before + self.match + self.after


@dataclass(frozen=True)
class Neighbour:
    """A pattern beside another."""

    pattern: str
    name: str
    event_type: str
    status: str
    share: float
    reason: str
    cover: int | None


@dataclass(frozen=True)
class Line:
    """A line of a history."""

    decision: str
    who: str
    at: str
    text: str
    pattern: str | None
    name: str
    holds: bool
    idle: str
    can_reverse: bool


@dataclass(frozen=True)
class Dispute:
    """What reviewers do not agree on: who decided what, the last one stands."""

    aspect: str
    choices: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True)
class Row:
    """A pattern in the queue's list."""

    pattern: str
    name: str
    event_type: str
    status: str
    cover: int | None
    n_photographs: int
    confidence: float
    probability: float | None
    is_disputed: bool
    has_notes: bool


@dataclass(frozen=True)
class Panel:
    """Everything the page shows of one pattern."""

    own: Pattern
    name: str
    row: Mapping[str, Any]
    names: tuple[str, ...]
    sentence: str
    measures: Sequence[tuple[str, str, str]]
    patches: Sequence[Patch]
    n_evidence: int
    roles: Sequence[tuple[Role, float | None]]
    neighbours: Sequence[Neighbour]
    mergeable: Sequence[tuple[str, str]]
    members: Sequence[tuple[str, str]]
    split_from: tuple[str, str] | None
    history: Sequence[Line]
    disputes: Sequence[Dispute]
    flags: tuple[str, ...]


def build_panel(desk: Desk, state: ReviewState, pattern: str, *, n_patches: int = N_PATCHES) -> Panel:
    """Gather what the page shows of a pattern that stands on its own."""
    own = state[pattern]
    row = state.mined.rows[own.source]
    rows = state.evidence_rows(pattern).tolist()
    return Panel(
        own=own,
        name=wording.shorten(own.name, LONGEST_NAME),
        row=row,
        names=tuple(state.alternatives(pattern)[:N_ALTERNATIVES]),
        sentence=wording.explain_evidence(row, own.event_type),
        measures=wording.explain_measures(row),
        patches=build_patches(desk, rows[:n_patches]),
        n_evidence=len(rows),
        roles=list_roles(desk, own, row),
        neighbours=build_neighbours(desk, state, own),
        mergeable=list_mergeable(state, own),
        members=[(part, wording.shorten(state[part].name, 60)) for part in own.members],
        split_from=(own.split_from, wording.shorten(state[own.split_from].name, 60)) if own.split_from else None,
        history=[build_line(entry, state) for entry in reversed(state.history_of(pattern))],
        disputes=[_dispute(state, conflict) for part in state.parts(pattern) for conflict in state.conflicts_of(part)],
        flags=tuple({"trigger": "name restates the label"}.get(flag, flag) for flag in row["nameFlags"] or ()),
    )


def build_patches(desk: Desk, rows: Sequence[int]) -> list[Patch]:
    """Return patches of pieces of evidence."""
    return [Patch(one, *split_caption(one.caption, one.start, _near(one))) for one in desk.shelf.sightings(rows)]


def _near(sighting: Sighting) -> int | None:
    """Return the end of the words that say it, kept near their beginning: a span may be as long as a hostile caption."""
    if sighting.start is None or sighting.end is None:
        return None
    return min(sighting.end, sighting.start + LONGEST_NAME)


def list_roles(desk: Desk, own: Pattern, row: Mapping[str, Any]) -> list[tuple[Role, float | None]]:
    """Return the roles of a pattern's event type with the scores mining gave them, likeliest first."""
    try:
        roles = desk.review.ontology.get(own.event_type).roles
    except OntologyError:
        return []
    scores = {role["role"]: role["score"] for role in row["roles"] or ()} if own.event_type == row["eventType"] else {}
    return sorted(((role, scores.get(role.name)) for role in roles), key=lambda pair: -(pair[1] or 0.0))


def build_neighbours(desk: Desk, state: ReviewState, own: Pattern) -> list[Neighbour]:
    """Return the patterns beside a pattern, the likest first, those that are part of it left out."""
    found: dict[str, Neighbour] = {}
    for likeness in desk.shelf.similar(own.source, 12):
        pattern = state.root(likeness.pattern)
        if pattern in found or pattern == state.root(own.pattern):
            continue
        other = state[pattern]
        found[pattern] = Neighbour(
            pattern=pattern,
            name=wording.shorten(other.name, 60),
            event_type=other.event_type,
            status=other.status,
            share=likeness.share,
            reason=likeness.reason,
            cover=cover_of(state, pattern),
        )
    return list(found.values())[:6]


def list_mergeable(state: ReviewState, own: Pattern) -> list[tuple[str, str]]:
    """Return ids and names of the other patterns of a pattern's event type, on whatever page of the queue they are."""
    others = [
        other
        for other in state.patterns.values()
        if other.event_type == own.event_type and other.pattern != own.pattern
    ]
    others.sort(key=lambda other: (state.mined.rows[other.source]["rank"], other.pattern))
    return [(other.pattern, wording.shorten(other.name, 60)) for other in others[:MOST_MERGEABLE]]


def cover_of(state: ReviewState, pattern: str) -> int | None:
    """Return the best piece of evidence of a pattern."""
    rows = state.evidence_rows(pattern)
    return int(rows[0]) if len(rows) else None


def build_rows(state: ReviewState, patterns: Sequence[str], probabilities: Mapping[str, float]) -> list[Row]:
    """Return the rows of a queue."""
    disputed = {state.root(conflict.pattern) for conflict in state.conflicts if conflict.pattern in state}
    rows = []
    for pattern in patterns:
        own = state[pattern]
        evidence = state.evidence_rows(pattern)
        rows.append(
            Row(
                pattern=pattern,
                name=wording.shorten(own.name, 60),
                event_type=own.event_type,
                status=own.status,
                cover=int(evidence[0]) if len(evidence) else None,
                n_photographs=len(evidence),
                confidence=state.mined.rows[own.source]["confidence"],
                probability=probabilities.get(pattern),
                is_disputed=pattern in disputed,
                has_notes=bool(own.notes),
            )
        )
    return rows


def build_line(entry: Entry, state: ReviewState) -> Line:
    """Return an entry of the log as a line of a history."""
    decision, current = entry.decision, entry.current
    about = decision.about.name if decision.about else decision.pattern
    is_there = current is not None and current in state
    return Line(
        decision=decision.id,
        who=wording.shorten(decision.who, 40),
        at=decision.at,
        text=wording.say_decision(decision, state),
        pattern=current if is_there else None,
        name=wording.shorten(state[current].name if is_there and current else about, 60),
        holds=entry.holds,
        idle=entry.idle,
        can_reverse=decision.action not in REVERSALS,
    )


def _dispute(state: ReviewState, conflict: Conflict) -> Dispute:
    def say(value: str) -> str:
        if conflict.aspect != "merge" or value not in state:
            return value
        return "on its own" if value == conflict.pattern else f"part of {state[value].name}"

    choices = [(c.who, wording.say_time(c.at), wording.shorten(say(c.value), 60), c.decision) for c in conflict.choices]
    return Dispute(wording.ASPECTS.get(conflict.aspect, conflict.aspect), tuple(choices))

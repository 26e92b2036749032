"""How one pattern stands after decisions, and what reviewers said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kb.review.decisions import Decision

Status = Literal["open", "accepted", "rejected"]
VERDICTS: Mapping[str, Status] = {"accept": "accepted", "reject": "rejected"}


class Note(NamedTuple):
    """What a reviewer wrote about a pattern."""

    who: str
    at: str
    text: str
    decision: str


class Choice(NamedTuple):
    """The last word of one reviewer on one thing of a pattern.

    `value` is plain text; of a merge the id of the pattern it is part of, its own id where it is to be on its own.
    """

    who: str
    at: str
    value: str
    decision: str


class Conflict(NamedTuple):
    """Reviewers who do not agree on `aspect` (verdict, name, role, eventType or merge); the last choice stands."""

    pattern: str
    aspect: str
    choices: tuple[Choice, ...]


class Entry(NamedTuple):
    """One decision in the history.

    Attributes:
        decision: As in the log.
        holds: Whether it is in force; always so for an undo or redo.
        idle: Why it holds but nothing of it is to be seen, empty where it is.
        current: Id of now of the pattern it is about, none where that is lost.
    """

    decision: Decision
    holds: bool
    idle: str
    current: str | None


@dataclass(slots=True)
class Pattern:
    """A pattern as it stands now; treat it as read-only.

    Attributes:
        pattern: Its id.
        source: Id of the mined pattern whose row of PATTERNS it goes back to; another one only where it was split off.
        status: open, accepted or rejected.
        name: What it is called.
        role: Argument role, if any.
        event_type: Event type it indicates.
        reason: Why it was rejected.
        members: Ids of the patterns merged into it, in order; they may have members of their own.
        merged_into: Id of the pattern it is part of, if any.
        split_from: Id of the pattern it was split off from, if it was.
        notes: What reviewers wrote.
        decided: What of it a person has decided: verdict, name, role, eventType.
    """

    pattern: str
    source: str
    status: Status
    name: str
    role: str | None
    event_type: str
    reason: str = ""
    members: list[str] = field(default_factory=list)
    merged_into: str | None = None
    split_from: str | None = None
    notes: list[Note] = field(default_factory=list)
    decided: set[str] = field(default_factory=set)


def _verdict(status: Status) -> Any:  # noqa: ANN401 - a function of the table below
    def apply(own: Pattern, fields: Mapping[str, Any]) -> tuple[str, str]:
        own.status, own.reason = status, fields.get("reason", "")
        return "verdict", status

    return apply


def _rename(own: Pattern, fields: Mapping[str, Any]) -> tuple[str, str]:
    own.name = fields["name"]
    return "name", own.name


def _set_role(own: Pattern, fields: Mapping[str, Any]) -> tuple[str, str]:
    own.role = fields["role"]
    return "role", own.role or "none"


def _move(own: Pattern, fields: Mapping[str, Any]) -> tuple[str, str]:
    own.event_type = fields["eventType"]
    return "eventType", own.event_type


APPLY = {
    "accept": _verdict("accepted"),
    "reject": _verdict("rejected"),
    "rename": _rename,
    "set-role": _set_role,
    "move": _move,
}
"""What an action does to a pattern; returns which thing of it was decided, and how."""

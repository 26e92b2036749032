"""The typical structure of event types, as the report draws it: roles, what fills them, and what is seen together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from miner.patterns.typical import describe_event, typical_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

N_FILLERS = 8
N_PAIRS = 5


@dataclass(frozen=True)
class Filler:
    """A pattern and the share of the event type's photo groups that support it."""

    pattern: str
    name: str
    share: float


@dataclass(frozen=True)
class RoleFillers:
    """What fills one role.

    Attributes:
        role: None for patterns without a role.
        share: Of the event type's photo groups that support any of its patterns.
        fillers: The most frequent.
        n_more: How many fillers are not among them.
    """

    role: str | None
    share: float
    fillers: tuple[Filler, ...]
    n_more: int


@dataclass(frozen=True)
class Pair:
    """Two patterns of an event type that come in the same pictures more often than by chance."""

    first: str
    second: str
    count: int
    lift: float


@dataclass(frozen=True)
class Structure:
    """What an event of a type typically looks like: a sentence, roles by their share, and pairs by their lift."""

    text: str
    roles: tuple[RoleFillers, ...]
    pairs: tuple[Pair, ...]


def find_structures(patterns: pa.Table, evidence: pa.Table) -> dict[str, Structure]:
    """Find the typical structure of each event type that has patterns.

    Args:
        patterns: PATTERNS.
        evidence: EVIDENCE.
    """
    rows = typical_rows(patterns, evidence)
    by_type = groupby(rows, key=lambda row: str(row["eventType"]))
    return {event_type: _structure(list(own)) for event_type, own in by_type}


def _structure(rows: Sequence[Mapping[str, Any]]) -> Structure:
    roles = tuple(_role(role, list(own)) for role, own in groupby(rows, key=lambda row: row["role"]))
    return Structure(describe_event(rows), roles, _pairs(rows))


def _role(role: str | None, rows: Sequence[Mapping[str, Any]]) -> RoleFillers:
    fillers = tuple(Filler(row["pattern"], row["name"], row["share"]) for row in rows[:N_FILLERS])
    return RoleFillers(role, rows[0]["roleShare"], fillers, len(rows) - len(fillers))


def _pairs(rows: Sequence[Mapping[str, Any]]) -> tuple[Pair, ...]:
    found: dict[frozenset[str], Pair] = {}
    for row in rows:
        for other in row["together"]:
            pair = Pair(row["pattern"], other["pattern"], other["count"], other["lift"])
            found.setdefault(frozenset((pair.first, pair.second)), pair)
    return tuple(sorted(found.values(), key=lambda pair: (-pair.lift, pair.first, pair.second))[:N_PAIRS])

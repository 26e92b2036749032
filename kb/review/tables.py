"""The reviewed schema as tables: PATTERNS and EVIDENCE after all decisions, for bundles, exports and extraction.

Counts of a pattern that is as it was mined stay. Where patterns were merged, split or moved, `recount` counts its votes again;
without it (a graph store has no transactions) they are estimated so that confidence is never too high: votes of other event
types add up over merged patterns, and a split-off part has them in proportion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from miner.patterns.assemble import PATTERNS
from miner.patterns.evidence import EVIDENCE

if TYPE_CHECKING:
    from collections.abc import Collection

    from kb.ontology import Ontology
    from kb.review.standing import Pattern, Status
    from kb.review.state import ReviewState

__all__ = ["Counts", "Recount", "head_of", "name_columns", "reviewed_tables", "role_columns"]

Row = dict[str, Any]
BY_ANALYST = "analyst"
"""Flag of a name that a person gave."""
PREPOSITIONS = frozenset({"at", "behind", "by", "for", "from", "in", "near", "of", "on", "over", "to", "under", "with"})


@dataclass(frozen=True)
class Counts:
    """Votes that match some member: all, those of the event type, and what these are shares of."""

    count: int
    class_count: int
    n_type: float
    n_labelled: float


Recount = Callable[[str, Sequence[tuple[Sequence[int], Sequence[int]]]], Counts]
"""From an event type and members (visual items, text items) to counts."""


def reviewed_tables(
    state: ReviewState,
    *,
    statuses: Collection[Status] = frozenset({"accepted"}),
    ontology: Ontology | None = None,
    recount: Recount | None = None,
) -> tuple[pa.Table, pa.Table]:
    """Return the patterns as reviewed, and their evidence.

    Args:
        state: The outcome of a replay.
        statuses: Which patterns.
        ontology: Where given, patterns of event types that it lacks and roles that the event type lacks are left out.
        recount: Counts votes; estimates where it is none.

    Returns:
        Schemas PATTERNS (by event type and rank) and EVIDENCE (by pattern, best first).
    """
    chosen = [own for own in state.patterns.values() if own.status in statuses]
    if ontology is not None:
        chosen = [own for own in chosen if own.event_type in ontology.ids]
    rows = [_row(state, own.pattern, ontology, recount) for own in chosen]
    rows.sort(key=lambda row: (row["eventType"], -row["grounding"] * row["confidence"], row["pattern"]))
    _number(rows)
    parts = [_evidence(state, row["pattern"]) for row in rows]
    return pa.Table.from_pylist(rows, schema=PATTERNS), pa.concat_tables([EVIDENCE.empty_table(), *parts])


def _number(rows: Sequence[Row]) -> None:
    ranks: dict[str, int] = {}
    for row in rows:
        ranks[row["eventType"]] = row["rank"] = ranks.get(row["eventType"], 0) + 1


def _evidence(state: ReviewState, pattern: str) -> pa.Table:
    table = state.evidence(pattern)
    owner = pa.array([pattern] * table.num_rows, type=pa.string())
    return table.set_column(0, EVIDENCE.field("pattern"), owner).cast(EVIDENCE)


def _row(state: ReviewState, pattern: str, ontology: Ontology | None, recount: Recount | None) -> Row:
    own = state[pattern]
    rows = [state.mined.rows[state[part].source] for part in state.parts(pattern)]
    n_groups = len(state.evidence_rows(pattern))
    row = {**rows[0], "pattern": pattern, "eventType": own.event_type, "nEvidence": n_groups, "nPhotoGroups": n_groups}
    row |= _names(state, pattern) | _roles(state, pattern, ontology)
    is_part = own.split_from is not None or n_groups < max(len(state.mined.evidence_rows(r["pattern"])) for r in rows)
    if len(rows) > 1:
        row |= _merged(rows)
    if is_part or (recount is None and len(rows) > 1):
        return row | _estimate(rows, n_groups)
    if recount is not None and (len(rows) > 1 or own.event_type != rows[0]["eventType"]):
        members = list(zip(row["memberVisual"], row["memberText"], strict=True))
        return row | _measures(recount(own.event_type, members))
    return row


def _names(state: ReviewState, pattern: str) -> Row:
    own = state[pattern]
    row = state.mined.rows[own.source]
    if own.name == row["name"] and len(state.parts(pattern)) == 1:
        return {}
    return name_columns(row, own.name, state.alternatives(pattern))


def name_columns(row: Row, name: str, alternatives: Sequence[str]) -> Row:
    """Return the columns of PATTERNS about names, of a pattern that got one of an analyst or of others merged into it.

    Args:
        row: As it was mined.
        name: Its name.
        alternatives: All its names, that one first; those that naming did not score get 0.
    """
    scores = dict(zip(row["alternatives"], row["alternativeScores"], strict=False))
    is_mined = name == row["name"]
    return {
        "name": name,
        "nameHead": row["nameHead"] if is_mined else head_of(name),
        "nameFlags": row["nameFlags"] if is_mined else [BY_ANALYST],
        "alternatives": list(alternatives),
        "alternativeScores": [scores.get(entry, 0.0) for entry in alternatives],
    }


def head_of(name: str) -> str:
    """Return the head word of an English noun phrase: the last word before the first preposition."""
    words = name.lower().split()
    end = next((place for place, word in enumerate(words) if place and word in PREPOSITIONS), len(words))
    return words[end - 1]


def _roles(state: ReviewState, pattern: str, ontology: Ontology | None) -> Row:
    own = state[pattern]
    return role_columns(own, state.mined.rows[own.source], ontology)


def role_columns(own: Pattern, row: Row, ontology: Ontology | None) -> Row:
    """Return the columns of PATTERNS about roles: only those that the event type has, where the ontology is given."""
    role, roles = own.role, row["roles"]
    if "role" in own.decided:
        roles = [] if role is None else [{"role": role, "score": 1.0}]
    if ontology is None:
        return {"role": role, "roles": roles}
    known = {known.name for known in ontology.get(own.event_type).roles}
    return {"role": role if role in known else None, "roles": [entry for entry in roles if entry["role"] in known]}


def _merged(rows: Sequence[Row]) -> Row:
    """Join what merged patterns are made of; of two weights of an item the larger one stays."""
    weights: dict[int, float] = {}
    for row in rows:
        for item, weight in zip(row["visualItems"], row["visualWeights"], strict=True):
            weights[item] = max(weight, weights.get(item, 0.0))
    joined = {
        name: [entry for row in rows for entry in row[name]] for name in ("members", "memberVisual", "memberText")
    }
    return {
        **joined,
        "visualItems": sorted(weights),
        "visualWeights": [weights[item] for item in sorted(weights)],
        "textItems": sorted({item for row in rows for item in row["textItems"]}),
        "textWords": list(dict.fromkeys(word for row in rows for word in row["textWords"])),
        "pValue": min(row["pValue"] for row in rows),
        "qLink": min(row["qLink"] for row in rows),
        "proven": any(row["proven"] for row in rows),
        "grounding": float(np.average([r["grounding"] for r in rows], weights=[r["nEvidence"] or 1 for r in rows])),
    }


def _estimate(rows: Sequence[Row], n_groups: int) -> Row:
    """Estimate counts from those of the patterns that a pattern is made of."""
    first = rows[0]
    others = sum(row["count"] - row["classCount"] for row in rows)
    before = sum(row["classCount"] for row in rows)
    # A part has the votes of other event types in proportion; a union has at most all of them.
    n_others = round(others * min(1.0, n_groups / before)) if len(rows) == 1 else others
    n_labelled = first["classCount"] / first["support"]
    n_type = n_labelled * first["confidence"] / first["lift"]
    return _measures(Counts(n_groups + n_others, n_groups, n_type, n_labelled))


def _measures(counts: Counts) -> Row:
    confidence = counts.class_count / counts.count if counts.count else 0.0
    return {
        "count": counts.count,
        "classCount": counts.class_count,
        "support": counts.class_count / counts.n_labelled,
        "confidence": confidence,
        "lift": confidence * counts.n_labelled / counts.n_type if counts.n_type else 0.0,
    }

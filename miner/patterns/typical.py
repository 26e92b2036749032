"""What an event of a type typically looks like: its roles, what fills them, and what is seen together.

`typical_rows` makes the table `TYPICAL`, one row per pattern, out of `PATTERNS` and `EVIDENCE` alone, so that it can be made of
a run, of what was accepted of it, or of what another method found. A run keeps it as `typical.parquet` in its patterns
artefact; `eventminer schema RUN` prints it, and `describe_event` writes the sentence that an analyst reads.
"""

from __future__ import annotations

from itertools import combinations, groupby
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["TYPICAL", "describe_event", "typical_rows"]

TYPICAL = pa.schema(
    [
        pa.field("eventType", pa.string(), nullable=False),
        pa.field("position", pa.int32(), nullable=False),
        pa.field("role", pa.string()),
        pa.field("roleScore", pa.float64()),
        pa.field("roleShare", pa.float64(), nullable=False),
        pa.field("pattern", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("share", pa.float64(), nullable=False),
        pa.field("confidence", pa.float64(), nullable=False),
        pa.field(
            "together",
            pa.list_(
                pa.struct(
                    [
                        ("pattern", pa.string()),
                        ("name", pa.string()),
                        ("count", pa.int64()),
                        ("lift", pa.float64()),
                        ("pValue", pa.float64()),
                        ("sharedItems", pa.int64()),
                    ]
                )
            ),
            nullable=False,
        ),
    ]
)
"""One row per pattern, by event type and `position` from 1: roles in the order of their share, patterns without a role last,
within a role the more frequent first. `share` is the share of the event type's votes that support the pattern, `roleShare`
that of those that support any pattern of the role, `roleScore` how sure the role is. `together` are the patterns of the
event type that support the same votes more often than by chance: votes that support both, lift = n_both n / (n_a n_b),
one-sided Fisher p, and how many visual and text items both are made of: with some, part of it is so by construction."""

MIN_TOGETHER = 3
"""Least votes two patterns must share to be said to come together."""

MAX_Q = 0.05
"""False discovery rate over all pairs of patterns of an event type (Benjamini and Hochberg 1995)."""
N_TOLD = 3
"""Fillers of a role, and pairs, that the sentence names."""

N_ROLES = 4
"""Roles that the sentence names."""

Row = dict[str, Any]


def typical_rows(patterns: pa.Table, evidence: pa.Table) -> list[Row]:
    """Return the typical structure of every event type.

    Args:
        patterns: Schema `PATTERNS`.
        evidence: Schema `EVIDENCE`.

    Returns:
        Rows of `TYPICAL`.
    """
    groups: dict[str, set[int]] = {}
    for row in evidence.select(["pattern", "group"]).to_pylist():
        groups.setdefault(row["pattern"], set()).add(row["group"])
    columns = [
        "pattern", "eventType", "name", "role", "roles", "classCount", "support", "confidence", "lift", "visualItems", "textItems"
    ]  # fmt: skip
    rows = sorted(patterns.select(columns).to_pylist(), key=lambda row: str(row["eventType"]))
    found = []
    for _, own in groupby(rows, key=lambda row: str(row["eventType"])):
        found.extend(_of_type(list(own), groups))
    return found


def _of_type(rows: Sequence[Row], groups: Mapping[str, set[int]]) -> list[Row]:
    n = max(_votes(row) for row in rows)
    role_shares = {
        role: len(set().union(*(groups.get(row["pattern"], set()) for row in rows if row["role"] == role))) / n
        for role in {row["role"] for row in rows}
    }
    order = sorted(
        rows,
        key=lambda row: (
            row["role"] is None,
            -role_shares[row["role"]],
            row["role"] or "",
            -row["classCount"],
            row["pattern"],
        ),
    )
    together = _together(rows, groups, n)
    return [
        {
            "eventType": row["eventType"],
            "position": position,
            "role": row["role"],
            "roleScore": next((role["score"] for role in row["roles"] or () if role["role"] == row["role"]), None),
            "roleShare": role_shares[row["role"]],
            "pattern": row["pattern"],
            "name": row["name"],
            "share": row["classCount"] / n,
            "confidence": row["confidence"],
            "together": sorted(together[row["pattern"]], key=lambda item: (-item["lift"], item["pattern"])),
        }
        for position, row in enumerate(order, start=1)
    ]


def _votes(row: Mapping[str, Any]) -> int:
    """Return the votes of a pattern's event type: support = classCount / m, lift = confidence / (votes / m)."""
    return max(
        int(row["classCount"]), round(float(row["confidence"] / row["lift"] * row["classCount"] / row["support"]))
    )


def _together(rows: Sequence[Row], groups: Mapping[str, set[int]], n: int) -> dict[str, list[Row]]:
    """Return for each pattern those that come with it more often than by chance."""
    pairs = list(combinations(rows, 2))
    evidence = [(groups.get(one["pattern"], set()), groups.get(other["pattern"], set())) for one, other in pairs]
    p_values = [_p_together(own, others, n) for own, others in evidence]
    q_values: list[float] = stats.false_discovery_control(p_values).tolist() if p_values else []
    found: dict[str, list[Row]] = {row["pattern"]: [] for row in rows}
    for pair, (own, others), p, q in zip(pairs, evidence, p_values, q_values, strict=True):
        both = len(own & others)
        if both >= MIN_TOGETHER and q <= MAX_Q:
            facts = {"count": both, "lift": both * n / (len(own) * len(others)), "pValue": p}
            facts["sharedItems"] = len(_items(pair[0]) & _items(pair[1]))
            for one, other in (pair, pair[::-1]):
                found[one["pattern"]].append({"pattern": other["pattern"], "name": other["name"], **facts})
    return found


def _p_together(own: set[int], others: set[int], n: int) -> float:
    """Return the one-sided Fisher p of two sets of votes having so many in common."""
    return float(stats.hypergeom.sf(len(own & others) - 1, max(n, len(own | others)), len(own), len(others)))


def _items(row: Row) -> set[tuple[str, int]]:
    return {(kind, item) for kind in ("visualItems", "textItems") for item in row[kind] or ()}


def describe_event(rows: Sequence[Mapping[str, Any]], label: str = "") -> str:
    """Write the typical structure of one event type as a sentence or two.

    Args:
        rows: Of `TYPICAL`, all of one event type, in order.
        label: What to call the event type; its id if not given.

    Returns:
        Empty where there are no rows.
    """
    if not rows:
        return ""
    by_role = [(role, list(own)) for role, own in groupby(rows, key=lambda row: row["role"])]
    parts = [_say_role(role, own) for role, own in by_role if role is not None][:N_ROLES]
    loose = [own for role, own in by_role if role is None]
    event = label or str(rows[0]["eventType"])
    if parts:
        text = f"In {event} one typically sees {'; '.join(parts)}."
        text += f" Also seen: {_list_names(loose[0])}." if loose else ""
    else:
        text = f"In {event} one typically sees {_list_names(loose[0])}."
    pairs = _say_pairs(rows)
    return f"{text} {pairs}" if pairs else text


def _say_role(role: str, rows: Sequence[Mapping[str, Any]]) -> str:
    return f"{_list_names(rows)} ({role})"


def _list_names(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the most frequent names with their shares: `placards (41 %) and a banner (12 %)`."""
    names = [f"{row['name']} in {row['share']:.0%}" for row in rows[:N_TOLD]]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _say_pairs(rows: Sequence[Mapping[str, Any]]) -> str:
    """Name the pairs that come together most above chance."""
    pairs: dict[frozenset[str], tuple[float, str]] = {}
    for row in rows:
        for other in row["together"]:
            text = f"{row['name']} with {other['name']} ({other['lift']:.1f} times as often as by chance)"
            pairs.setdefault(frozenset((row["pattern"], other["pattern"])), (-other["lift"], text))
    told = [text for _, text in sorted(pairs.values())[:N_TOLD]]
    return f"Often together: {'; '.join(told)}." if told else ""

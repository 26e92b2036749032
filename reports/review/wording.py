"""Decisions and measures in plain words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from kb.review.decisions import REVERSALS
from reports import numerals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kb.review.decisions import Decision
    from kb.review.state import ReviewState

MOST_CHARACTERS = 120
ASPECTS = {
    "verdict": "the verdict",
    "name": "the name",
    "role": "the role",
    "eventType": "the event type",
    "merge": "merging",
}
REASONS = (
    "The boxes show something else",
    "It is not specific to the event",
    "It mixes several things",
    "It only restates the label",
    "It repeats another pattern",
)
"""What patterns are usually rejected for; each is one key away."""


def shorten(text: str, most: int = MOST_CHARACTERS) -> str:
    """Cut a text that is longer than a line of a page can take."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def say_decision(decision: Decision, state: ReviewState) -> str:
    """Say what somebody did, to follow their name."""
    if decision.action in REVERSALS:
        return _say_reversal(decision, state)
    fields: dict[str, Any] = {
        name: shorten(value) if isinstance(value, str) else value for name, value in decision.fields.items()
    }
    said: dict[str, Callable[[], str]] = {
        "accept": lambda: "accepted it",
        "reject": lambda: "rejected it" + (f": {fields['reason']}" if fields["reason"] else ""),
        "rename": lambda: f"named it “{fields['name']}”",
        "merge": lambda: f"merged {_names(fields['others'], state)} into it",
        "split": lambda: _say_split(fields["records"], fields["name"]),
        "set-role": lambda: f"gave it the role {fields['role']}" if fields["role"] else "took its role away",
        "move": lambda: f"moved it to {fields['eventType']}",
        "note": lambda: f"noted: {fields['text']}",
    }
    return said[decision.action]()


def _say_split(records: list[str], name: str) -> str:
    return f"split {_counted(len(records), 'photograph')} off" + (f" as “{name}”" if name else "")


def _say_reversal(decision: Decision, state: ReviewState) -> str:
    target = next((e.decision for e in state.history if e.decision.id == decision.fields["decision"]), None)
    verb = "took back" if decision.action == "undo" else "brought back"
    if target is None or target.action in {"undo", "redo"}:
        return f"{verb} a decision"
    whose = "their own" if target.who == decision.who else f"{shorten(target.who, 30)}'s"
    return f"{verb} {whose} decision ({say_decision(target, state)})"


def _names(patterns: list[str], state: ReviewState) -> str:
    known = [f"“{shorten(state[name].name, 40)}”" for name in patterns if name in state]
    return ", ".join(known[:3]) + (f" and {len(known) - 3} more" if len(known) > 3 else "") or "other patterns"


def say_done(decision: Decision, name: str) -> str:
    """Say what was just done, as a note at the edge of the page."""
    name = f"“{shorten(name, 60)}”"
    done = {
        "accept": f"Accepted {name}",
        "reject": f"Rejected {name}",
        "rename": f"Now called {name}",
        "merge": f"Merged into {name}",
        "split": f"Split off from {name}",
        "set-role": f"Role of {name} is {decision.fields.get('role') or 'none'}",
        "move": f"Moved {name} to {decision.fields.get('eventType', '')}",
        "note": f"Noted on {name}",
        "undo": f"Took a decision back on {name}",
        "redo": f"Brought a decision back on {name}",
    }
    return done[decision.action]


def say_time(at: str) -> str:
    """Write the time of a decision in this machine's zone, `23 Nov 2026, 14:02`."""
    try:
        moment = datetime.fromisoformat(at).astimezone()
    except ValueError:
        return at[:20]
    return f"{moment.day} {moment:%b %Y, %H:%M}"


def explain_measures(row: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, value and meaning of the measures of a row of PATTERNS."""
    percent, decimal = numerals.percent, numerals.decimal
    measures = [
        ("Confidence", percent(row["confidence"]), "of the photographs that match it are of this event type"),
        ("Lift", f"{decimal(row['lift'])}{numerals.TIMES}", "as often as among all photographs"),
        ("Support", percent(row["support"]), "of all labelled photographs match it and are of this type"),
        ("p-value", numerals.p_value(row["pValue"]), "chance of as clear a link by accident"),
    ]
    if row.get("grounding") is not None:
        measures.append(
            ("Grounding", decimal(row["grounding"]), "how well the picture alone finds what the words say, 0 to 1")
        )
    return measures


def explain_evidence(row: Mapping[str, Any], event_type: str) -> str:
    """Say in one sentence what speaks for a pattern."""
    count, inside = row["count"], row["classCount"]
    strength = "Nearly all" if row["confidence"] >= 0.9 else "Most" if row["confidence"] >= 0.5 else "Some"
    return (
        f"{strength} photographs with it are {event_type}: {numerals.whole(inside)} of {numerals.whole(count)}, "
        f"{numerals.decimal(row['lift'])} times its usual share."
    )


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"

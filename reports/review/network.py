"""An event type as a graph: its roles, its patterns, and the words that several patterns share."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from miner.errors import OntologyError
from reports.review import wording
from reports.review.panel import cover_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb.review.standing import Pattern
    from kb.review.state import ReviewState
    from reports.review.desk import Desk

MOST_PATTERNS = 60
MOST_WORDS = 24


@dataclass(frozen=True)
class Network:
    """A graph.

    Attributes:
        nodes: `id`, `kind` (type, role, pattern or word), `label`; a pattern has `status`, `pattern` and `cover` too.
        edges: `source`, `target`, `kind`.
        n_patterns: Patterns of the event type, of which at most `MOST_PATTERNS` are drawn.
        links: The same in words, for those who do not see the drawing: name of a pattern, status, role, words it shares.
    """

    nodes: Sequence[dict[str, Any]]
    edges: Sequence[dict[str, str]]
    n_patterns: int
    links: Sequence[tuple[Pattern, str, Sequence[str]]]


def draw_network(desk: Desk, state: ReviewState, event_type: str) -> Network:
    """Return the graph of an event type: accepted patterns first, then open ones, none that were rejected."""
    own = [one for one in state.patterns.values() if one.event_type == event_type and one.status != "rejected"]
    own.sort(key=lambda one: (one.status != "accepted", state.mined.rows[one.source]["rank"], one.pattern))
    shown = own[:MOST_PATTERNS]
    words = _shared_words(state, shown)
    nodes: list[dict[str, Any]] = [{"id": "type", "kind": "type", "label": event_type}]
    edges: list[dict[str, str]] = []
    for role in _roles(desk, event_type):
        nodes.append({"id": f"role {role}", "kind": "role", "label": role})
        edges.append({"source": "type", "target": f"role {role}", "kind": "has"})
    known = {node["id"] for node in nodes}
    for one in shown:
        label = wording.shorten(one.name, 40)
        node = {"id": one.pattern, "kind": "pattern", "label": label, "status": one.status, "pattern": one.pattern}
        nodes.append(node | {"cover": cover_of(state, one.pattern)})
        target = f"role {one.role}" if f"role {one.role}" in known else "type"
        edges.append({"source": one.pattern, "target": target, "kind": "fills" if target != "type" else "of"})
    for word, patterns in words.items():
        nodes.append({"id": f"word {word}", "kind": "word", "label": wording.shorten(word, 30)})
        edges += [{"source": pattern, "target": f"word {word}", "kind": "says"} for pattern in patterns]
    links = [(one, one.role or "", [word for word, many in words.items() if one.pattern in many]) for one in shown]
    return Network(nodes, edges, len(own), links)


def _roles(desk: Desk, event_type: str) -> list[str]:
    try:
        return [role.name for role in desk.review.ontology.get(event_type).roles]
    except OntologyError:
        return []


def _shared_words(state: ReviewState, patterns: Sequence[Pattern]) -> dict[str, list[str]]:
    owners: dict[str, list[str]] = defaultdict(list)
    for one in patterns:
        for word in dict.fromkeys(state.mined.rows[one.source]["textWords"] or ()):
            owners[word].append(one.pattern)
    shared = sorted((item for item in owners.items() if len(item[1]) > 1), key=lambda item: (-len(item[1]), item[0]))
    return dict(shared[:MOST_WORDS])

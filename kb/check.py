"""Whether a knowledge base keeps to the schema and to its ontology.

```python
with open_contents("RUN") as contents:
    report = check_contents(contents)
    print(report.n_errors, report.findings)
```

What is found is data, not an exception. An error is something that no load would write and that queries may trip over; a warning
is something to know, such as a mention that lacks a role which every such event has.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from kb.contents import LABELS, StoreContents
from kb.model import label_of
from kb.ontology import EntityType, NounClass
from kb.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kb.contents import Contents
    from kb.graph_schema import Kind, NodeType, Property, RelationshipType
    from kb.model import Node, Relationship
    from kb.ontology import Ontology

__all__ = ["CheckReport", "Finding", "check_contents"]

SHOWN_OF_A_KIND = 20
FILLERS = frozenset((*get_args(EntityType), *get_args(NounClass)))
SCALARS: dict[Kind, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "float": (float, int),
    "boolean": (bool,),
    "strings": (str,),
    "integers": (int,),
    "floats": (float, int),
}
NEEDED = (
    ("Pattern", "INDICATES", "source"),
    ("Pattern", "MINED_IN", "source"),
    ("Evidence", "HAS_EVIDENCE", "target"),
    ("Evidence", "IN_IMAGE", "source"),
    ("Image", "IN_CORPUS", "source"),
    ("Caption", "HAS_CAPTION", "target"),
    ("ArgumentRole", "HAS_ROLE", "target"),
    ("Mention", "OF_TYPE", "source"),
    ("Argument", "HAS_ARGUMENT", "target"),
)
"""What every node of a label takes part in: the relationship type, and at which end it is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        severity: An error, or only a warning.
        code: What kind of thing, such as `missing-property`.
        where: Id of the node, label of nodes without one, or `source -> target` of the relationship.
        message: One line for people.
    """

    severity: Literal["error", "warning"]
    code: str
    where: str
    message: str


@dataclass
class CheckReport:
    """What a check found: the first findings of each code, and how many there are of each.

    Attributes:
        n_nodes: Nodes looked at.
        n_relationships: Relationships looked at.
        findings: At most `SHOWN_OF_A_KIND` of each code, in the order in which they were met.
        counts: How many of each severity and code there are.
    """

    n_nodes: int = 0
    n_relationships: int = 0
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def n_errors(self) -> int:
        """Findings that are errors."""
        return sum(n for (severity, _), n in self.counts.items() if severity == "error")

    @property
    def n_warnings(self) -> int:
        """Findings that are warnings."""
        return sum(n for (severity, _), n in self.counts.items() if severity == "warning")

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it if few of its kind are kept."""
        key = (finding.severity, finding.code)
        self.counts[key] += 1
        if self.counts[key] <= SHOWN_OF_A_KIND:
            self.findings.append(finding)


def check_contents(contents: Contents, ontology: Ontology | None = None) -> CheckReport:
    """Check all of a knowledge base.

    Args:
        contents: What to check.
        ontology: What its event types and roles must be among; those it holds itself where it is left out.

    Raises:
        KbError: The contents cannot be read.
    """
    return _Check(contents).run(ontology)


class _Check:
    """One check in progress."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._report = CheckReport()
        self._labels: dict[str, str] = {}
        self._kept: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
        self._joined: dict[str, dict[str, list[Relationship]]] = defaultdict(lambda: defaultdict(list))
        self._ends: dict[tuple[str, str], set[str]] = defaultdict(set)

    def run(self, ontology: Ontology | None) -> CheckReport:
        for kind in LABELS:
            for node in self._contents.nodes(kind):
                self._check_node(kind, node)
            self._check_unnamed(kind)
        for joint in SCHEMA.relationships:
            for r in self._contents.relationships(joint):
                self._check_relationship(joint, r)
        for finding in (*self._lonely(), *self._ontology(), *self._patterns(), *self._mentions(), *self._reviews()):
            self._report.add(finding)
        for finding in self._against(ontology) if ontology else ():
            self._report.add(finding)
        return self._report

    def _check_node(self, kind: NodeType, node: Node) -> None:
        self._report.n_nodes += 1
        if node.id in self._labels:
            self._error("twice", node.id, f"there is another node with this id, a {self._labels[node.id]}")
        if kind.in_bundle and label_of(node.id) != kind.label:
            self._error("wrong-id", node.id, f"the id of a {kind.label} begins with {kind.label}:")
        self._labels[node.id] = kind.label
        self._check_properties(kind, node.id, node.properties)
        if kind.label in {"EventType", "ArgumentRole", "Pattern", "Mention", "Review"}:
            self._kept[kind.label][node.id] = {k: v for k, v in node.properties.items() if k != "vector"}

    def _check_unnamed(self, kind: NodeType) -> None:
        n_unnamed = self._contents.count_unnamed(kind) if isinstance(self._contents, StoreContents) else 0
        if n_unnamed:
            message = f"{n_unnamed:,} nodes have no text as their id; neither exports nor checks see them"
            self._error("no-id", kind.label, message)

    def _check_relationship(self, kind: RelationshipType, r: Relationship) -> None:
        self._report.n_relationships += 1
        where = f"{r.source} -[{kind.type}]-> {r.target}"
        labels = (self._labels.get(r.source), self._labels.get(r.target))
        if None in labels:
            lost = r.source if labels[0] is None else r.target
            self._error("dangling", where, f"{lost} is no node of the knowledge base")
        elif labels not in kind.ends:
            self._error("wrong-ends", where, f"{kind.type} cannot join {labels[0]} and {labels[1]}")
        self._check_properties(kind, where, r.properties)
        self._ends[kind.type, "source"].add(r.source)
        self._ends[kind.type, "target"].add(r.target)
        if kind.type in {"INDICATES", "FILLS_ROLE", "SUBTYPE_OF", "HAS_ROLE", "OF_TYPE", "HAS_ARGUMENT"}:
            self._joined[kind.type][r.source].append(r)

    def _check_properties(self, kind: NodeType | RelationshipType, where: str, properties: Mapping[str, Any]) -> None:
        for p in kind.properties:
            value = properties.get(p.name)
            if value is None:
                if p.required:
                    self._error("missing-property", where, f"{kind.key} must have {p.name}")
            elif not _fits(p, value):
                self._error("wrong-type", where, f"{p.name} must be {_KIND_WORDS[p.kind]}, not {value!r:.60}")
            elif p.kind in {"float", "floats"} and not all(map(math.isfinite, _listed(value))):
                self._error("not-finite", where, f"{p.name} is {value!r:.60}")
        for name in sorted(properties.keys() - {p.name for p in kind.properties}):
            self._warn("unknown-property", where, f"{kind.key} has no property {name} in the schema")

    def _lonely(self) -> Iterator[Finding]:
        for label, kind, end in NEEDED:
            there = self._ends[kind, end]
            for identifier, found in self._labels.items():
                if found == label and identifier not in there:
                    yield Finding("error", "alone", identifier, f"every {label} has {kind}, this one has none")

    def _ontology(self) -> Iterator[Finding]:
        for identifier in self._kept["EventType"]:
            above = self._above(identifier)
            if above is None:
                yield Finding("error", "circle", identifier, "the event type is its own ancestor")
        for identifier, p in self._kept["ArgumentRole"].items():
            for filler in p.get("fillers") or ():
                if filler not in FILLERS:
                    yield Finding("error", "unknown-filler", identifier, f"{filler!r} is no entity type or noun class")
            least, most = p.get("atLeast") or 0, p.get("atMost")
            if most is not None and most < least:
                yield Finding("error", "bounds", identifier, f"atMost {most} is below atLeast {least}")

    def _patterns(self) -> Iterator[Finding]:
        types = self._types()
        for identifier, p in self._kept["Pattern"].items():
            name = p.get("eventType")
            if name not in types:
                yield Finding("error", "unknown-type", identifier, f"{name!r} is no event type of the knowledge base")
                continue
            roles = self._roles(types[name])
            if p.get("role") is not None and p["role"] not in roles:
                yield Finding("error", "foreign-role", identifier, f"{name} has no role {p['role']!r}")
            for r in self._joined["INDICATES"][identifier]:
                if r.target != types[name]:
                    yield Finding(
                        "error", "wrong-type-indicated", identifier, f"eventType is {name}, but it indicates {r.target}"
                    )
            for r in self._joined["FILLS_ROLE"][identifier]:
                if r.target not in {role for role, _ in roles.values()}:
                    yield Finding("error", "foreign-role", identifier, f"{r.target} is no role of {name}")

    def _mentions(self) -> Iterator[Finding]:
        types = self._types()
        for identifier, p in self._kept["Mention"].items():
            name = p.get("eventType")
            if name not in types:
                yield Finding("error", "unknown-type", identifier, f"{name!r} is no event type of the knowledge base")
                continue
            for r in self._joined["OF_TYPE"][identifier]:
                if r.target != types[name]:
                    yield Finding(
                        "error",
                        "wrong-type-indicated",
                        identifier,
                        f"eventType is {name}, but it is OF_TYPE {r.target}",
                    )
            yield from self._arguments(identifier, str(name), self._roles(types[name]))

    def _arguments(
        self, mention: str, name: str, roles: Mapping[str, tuple[str, Mapping[str, Any]]]
    ) -> Iterator[Finding]:
        """Compare how many play each role with how many can."""
        counts = Counter(str(r.properties.get("role")) for r in self._joined["HAS_ARGUMENT"][mention])
        for role in sorted(counts.keys() - roles.keys()):
            yield Finding("error", "foreign-role", mention, f"{name} has no role {role!r}")
        for role, (_, p) in roles.items():
            most, least = p.get("atMost"), p.get("atLeast") or 0
            if most is not None and counts[role] > most:
                yield Finding("error", "too-many", mention, f"{counts[role]} play {role}; at most {most} can")
            if counts[role] < least:
                yield Finding(
                    "warning",
                    "too-few",
                    mention,
                    f"{counts[role]} play {role}; at least {least} do in every such event",
                )

    def _reviews(self) -> Iterator[Finding]:
        for identifier, p in self._kept["Review"].items():
            if p.get("patternId") not in self._kept["Pattern"]:
                yield Finding(
                    "warning", "review-of-nothing", identifier, f"there is no pattern {p.get('patternId')!r} now"
                )

    def _against(self, ontology: Ontology) -> Iterator[Finding]:
        """Compare what the knowledge base holds with an ontology from elsewhere."""
        known = {t.id: {role.name for role in t.roles} for t in ontology.types}
        for identifier, p in self._kept["EventType"].items():
            if p.get("eventType") not in known:
                yield Finding(
                    "error", "unknown-type", identifier, f"{p.get('eventType')!r} is not in ontology {ontology.name!r}"
                )
        for identifier, p in self._kept["ArgumentRole"].items():
            roles = known.get(str(p.get("eventType")))
            if roles is not None and p.get("role") not in roles:
                yield Finding(
                    "error",
                    "foreign-role",
                    identifier,
                    f"{p.get('eventType')} has no such role in ontology {ontology.name!r}",
                )

    def _types(self) -> dict[Any, str]:
        return {p.get("eventType"): identifier for identifier, p in self._kept["EventType"].items()}

    def _roles(self, event_type: str) -> dict[str, tuple[str, Mapping[str, Any]]]:
        """Return the roles of an event type and of those above it by name: id and properties of each."""
        found: dict[str, tuple[str, Mapping[str, Any]]] = {}
        for owner in (event_type, *(self._above(event_type) or ())):
            for r in self._joined["HAS_ROLE"][owner]:
                p = self._kept["ArgumentRole"].get(r.target)
                if p is not None:
                    found.setdefault(str(p.get("role")), (r.target, p))
        return found

    def _above(self, event_type: str) -> list[str] | None:
        """Return the event types above one; None where it is among them."""
        found: list[str] = []
        waiting = [event_type]
        while waiting:
            for r in self._joined["SUBTYPE_OF"].get(waiting.pop(), ()):
                if r.target == event_type:
                    return None
                if r.target not in found:
                    found.append(r.target)
                    waiting.append(r.target)
        return found

    def _error(self, code: str, where: str, message: str) -> None:
        self._report.add(Finding("error", code, where, message))

    def _warn(self, code: str, where: str, message: str) -> None:
        self._report.add(Finding("warning", code, where, message))


_KIND_WORDS: dict[Kind, str] = {
    "string": "a string",
    "integer": "a whole number",
    "float": "a number",
    "boolean": "true or false",
    "strings": "a list of strings",
    "integers": "a list of whole numbers",
    "floats": "a list of numbers",
}


def _fits(p: Property, value: Any) -> bool:  # noqa: ANN401 - any value of a property
    if p.kind.endswith("s") != isinstance(value, list | tuple):
        return False
    wanted = SCALARS[p.kind]
    return all(isinstance(item, wanted) and isinstance(item, bool) == (wanted == (bool,)) for item in _listed(value))


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - any value of a property
    return list(value) if isinstance(value, list | tuple) else [value]

"""The mined schemas as KAIROS SDF 2.3, a JSON-LD library of event schemas (TA1).

An event type is an event whose children are its subtypes and its patterns; a pattern is an event that is an instance of its
type. A role is a participant, and the entity that plays it is told by what can fill the role. What SDF has no word for (support,
lift, items, evidence with who published, licensed and must be credited for its pictures) has words of its own under `eventminer:`.

Lost are captions, pictures without evidence, and the places where patterns show beyond the best of each pattern.

Source: the context `kairos-v2.3.jsonld` and the validator of https://github.com/NextCenturyCorporation/kairos-pub.
"""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from kb.export.jsonl import speakable
from kb.model import clean_text
from kb.schema import SCHEMA
from miner.errors import KbError

if TYPE_CHECKING:
    from kb.contents import Contents
    from kb.model import Node, Properties

__all__ = ["SDF_CONTEXT", "SDF_VERSION", "write_sdf"]

SDF_VERSION = "2.3"
SDF_CONTEXT = f"https://kairos-sdf.s3.amazonaws.com/context/kairos-v{SDF_VERSION}.jsonld"
OWN_WORDS = ("support", "lift", "grounding", "visualItems", "words", "evidence", "fillers", "atLeast", "atMost", "licence", "credit", "source", "box", "record", "score")  # fmt: skip
EVIDENCE_OF_A_PATTERN = 3
MOST_IDS = 99_999
OCCURRENCE = ("Q1190554", "occurrence")
ENTITY = ("Q35120", "entity")


def write_sdf(contents: Contents, file: BinaryIO) -> int:
    """Write the event types and patterns of a knowledge base as an SDF library and return the number of events in it.

    Raises:
        KbError: There are more events than SDF has numbers for.
    """
    library = _Library(contents)
    events = [*library.event_types(), *library.patterns()]
    manifest = contents.manifest
    row = {
        "@context": [SDF_CONTEXT, {"eventminer": "urn:eventminer:sdf/", **{w: f"eventminer:{w}" for w in OWN_WORDS}}],
        "@id": f"eventminer:Submissions/TA1/{quote(manifest.corpus if manifest else 'library', safe='')}",
        "sdfVersion": SDF_VERSION,
        "version": f"eventminer-{manifest.run if manifest else SCHEMA.version}",
        "ta2": False,
        "comment": library.comments(),
        "events": events,
        "entities": library.entities,
        "relations": [],
    }
    file.write(clean_text(json.dumps(speakable(row), ensure_ascii=False, indent=1, allow_nan=False)).encode() + b"\n")
    return len(events)


@dataclass
class _Library:
    """What events refer to each other by, while they are written."""

    contents: Contents
    entities: list[dict[str, Any]] = field(default_factory=list)
    _ids: dict[tuple[str, str], str] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        """Read what is looked up."""
        read = self.contents
        self._types = {n.id: n for n in read.nodes(SCHEMA.node("EventType"))}
        self._roles = {n.id: n for n in read.nodes(SCHEMA.node("ArgumentRole"))}
        self._patterns = {n.id: n for n in read.nodes(SCHEMA.node("Pattern"))}
        self._roles_of = self._targets("HAS_ROLE")
        self._children = self._sources("SUBTYPE_OF")
        self._patterns_of = self._sources("INDICATES")
        self._fills = self._targets("FILLS_ROLE")
        self._parents = {r.source: r.target for r in read.relationships(SCHEMA.relationship("SUBTYPE_OF"))}

    def comments(self) -> list[str]:
        """Say where it comes from."""
        corpora = self.contents.nodes(SCHEMA.node("Corpus"))
        return ["Mined by eventminer.", *(_say_corpus(node.properties) for node in corpora)]

    def event_types(self) -> list[dict[str, Any]]:
        """Return the event of each event type."""
        return [self._event_type(node) for node in self._types.values()]

    def patterns(self) -> list[dict[str, Any]]:
        """Return the event of each pattern."""
        evidence, items = self._evidence(), self._items()
        owner = {pattern: kind for kind, patterns in self._patterns_of.items() for pattern in patterns}
        return [
            self._pattern(node, self._types[owner[node.id]], evidence[node.id], items[node.id])
            for node in self._patterns.values()
            if node.id in owner
        ]

    def _event_type(self, node: Node) -> dict[str, Any]:
        p = node.properties
        inner = [(child, {"optional": True}) for child in self._children[node.id]]
        inner += [(child, self._weight(child)) for child in self._patterns_of[node.id]]
        children = [{"child": self._name(child), **said} for child, said in inner]
        participants = [self._participant(node.id, role) for role in self._roles_of[node.id]]
        return {
            "@id": self._name(node.id),
            "name": p["label"] or p["eventType"],
            "description": p.get("definition") or p["label"],
            "ta1explanation": f"Event type {p['eventType']} of the ontology {p['ontology']} {p['ontologyVersion']}.",
            **self._wikidata(node),
            **({"aka": _items(p.get("aliases"))} if p.get("aliases") else {}),
            **({"participants": participants} if participants else {}),
            **({"children_gate": "or", "children": children} if children else {}),
        }

    def _pattern(self, node: Node, kind: Node, evidence: list[dict[str, Any]], items: list[str]) -> dict[str, Any]:
        p = node.properties
        words = ", ".join(_items(p.get("textWords")))
        named = {str(self._roles[role].properties["role"]): role for role in self._fills[node.id]}
        roles = self._fills[node.id] or self._roles_of[kind.id]
        said = {name: p[name] for name in ("support", "lift", "grounding") if p.get(name) is not None}
        return {
            "@id": self._name(node.id),
            "name": p["displayName"] or p["pattern"],
            "description": f"{p['displayName']}: a visual pattern of {kind.properties['label']}, said as {words}",
            "instanceOf": self._name(kind.id),
            "confidence": [min(1.0, max(0.0, float(str(p["confidence"]))))],
            "ta1explanation": f"{p['classCount']} of the {p['count']} records that match it are labelled so.",
            **self._wikidata(kind),
            "participants": [self._participant(node.id, role) for role in dict.fromkeys([*named.values(), *roles])],
            "words": list(_items(p.get("textWords"))),
            "visualItems": items,
            "evidence": evidence,
            **said,
        }

    def _weight(self, pattern: str) -> dict[str, Any]:
        confidence = float(str(self._patterns[pattern].properties["confidence"]))
        return {"optional": True, "importance": min(1.0, max(0.0, confidence))}

    def _participant(self, event: str, role: str) -> dict[str, Any]:
        name = str(self._roles[role].properties["role"])
        identifier = self._name(f"{event}/{name}", "Participants")
        return {"@id": identifier, "roleName": name, "entity": self._entity(role)}

    def _entity(self, role: str) -> str:
        known = self._ids.get(("Entities", role))
        if known:
            return known
        p, name = self._roles[role].properties, self._name(role, "Entities")
        nodes = list(dict.fromkeys(_fillers().get(filler, ENTITY) for filler in _items(p.get("fillers")))) or [ENTITY]
        bounds = {key: p[key] for key in ("atLeast", "atMost") if p.get(key) is not None}
        self.entities.append(
            {
                "@id": name,
                "name": p["role"],
                "fillers": list(_items(p.get("fillers"))),
                **_say_wikidata(nodes),
                **bounds,
            }
        )
        return name

    def _wikidata(self, node: Node) -> dict[str, list[str]]:
        """Return the items of an event type, or of the nearest type above it that has some."""
        at: str | None = node.id
        while at is not None:
            items, label = _items(self._types[at].properties.get("wikidata")), str(self._types[at].properties["label"])
            if items:
                return _say_wikidata([(item, label) for item in items])
            at = self._parents.get(at)
        return _say_wikidata([OCCURRENCE])

    def _name(self, key: str, kind: str = "Events") -> str:
        """Return the name of something in the form of SDF: its kind, a number of five digits, and words."""
        if (kind, key) not in self._ids:
            self._numbers[kind] += 1
            if self._numbers[kind] > MOST_IDS:
                raise KbError(f"SDF has numbers for {MOST_IDS:,} {kind.lower()}; there are more.")
            words = quote(clean_text(key.partition(":")[2]).replace("/", "-"), safe="")
            self._ids[kind, key] = f"eventminer:{kind}/{self._numbers[kind]:05d}/{words}"
        return self._ids[kind, key]

    def _targets(self, kind: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for r in self.contents.relationships(SCHEMA.relationship(kind)):
            found[r.source].append(r.target)
        return found

    def _sources(self, kind: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for r in self.contents.relationships(SCHEMA.relationship(kind)):
            found[r.target].append(r.source)
        return found

    def _items(self) -> dict[str, list[str]]:
        """Return the visual items of each pattern."""
        labels = {n.id: str(n.properties["label"]) for n in self.contents.nodes(SCHEMA.node("VisualItem"))}
        items: dict[str, list[str]] = defaultdict(list)
        for pattern, targets in self._targets("HAS_ITEM").items():
            items[pattern] = [labels[target] for target in targets if target in labels]
        return items

    def _evidence(self) -> dict[str, list[dict[str, Any]]]:
        """Return the best places of each pattern, with who published their pictures."""
        best: dict[str, list[dict[str, Any]]] = defaultdict(list)
        scores = {n.id: n.properties for n in self.contents.nodes(SCHEMA.node("Evidence"))}
        pictures = {r.source: r.target for r in self.contents.relationships(SCHEMA.relationship("IN_IMAGE"))}
        chosen = {
            pattern: sorted(places, key=lambda place: (-float(str(scores[place]["score"])), place))[
                :EVIDENCE_OF_A_PATTERN
            ]
            for pattern, places in self._targets("HAS_EVIDENCE").items()
        }
        wanted = {pictures[place] for places in chosen.values() for place in places if place in pictures}
        images = {n.id: n.properties for n in self.contents.nodes(SCHEMA.node("Image")) if n.id in wanted}
        for pattern, places in chosen.items():
            best[pattern] = [_say_evidence(scores[place], images.get(pictures.get(place, ""), {})) for place in places]
        return best


def _say_evidence(place: Properties, picture: Properties) -> dict[str, Any]:
    said = {name: picture.get(name) for name in ("record", "source", "licence", "credit")}
    said |= {
        "reference": picture.get("path"),
        "box": place.get("box"),
        "score": place["score"],
        "words": place.get("words"),
    }
    return {name: value for name, value in said.items() if value is not None}


def _say_corpus(p: Properties) -> str:
    parts = [f"Corpus {p['corpus']}: {p['nRecords']} records."]
    parts += [f"{name.capitalize()}: {p[name]}." for name in ("licence", "credit") if p.get(name)]
    return " ".join(parts)


def _say_wikidata(nodes: list[tuple[str, str]]) -> dict[str, list[str]]:
    labels = [label for _, label in nodes]
    return {"wd_node": [f"wd:{item}" for item, _ in nodes], "wd_label": labels, "wd_description": labels}


def _items(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []


@cache
def _fillers() -> dict[str, tuple[str, str]]:
    text = resources.files("kb").joinpath("mappings", "fillers.toml").read_text(encoding="utf-8")
    return {name: (item, label) for name, (item, label) in tomllib.loads(text).items()}

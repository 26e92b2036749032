"""Relationships out of the tables of a run, one function per type."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from kb.building.tables import read_rows
from kb.model import Relationship, node_id
from kb.ontologies.graph import has_role, subtype_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kb.building.inputs import BundleInputs

__all__ = ["RELATIONSHIPS"]

TOGETHER = ("count", "lift", "pValue", "sharedItems")
INDICATION = ("support", "confidence", "lift", "pValue")


def _indicates(inputs: BundleInputs) -> Iterator[Relationship]:
    for row in read_rows(inputs.patterns, "pattern", "eventType", *INDICATION):
        target, typical = node_id("EventType", row["eventType"]), inputs.typical[row["pattern"]]
        place = {"position": typical["position"], "share": typical["share"]}
        yield Relationship(
            inputs.id("Pattern", row["pattern"]), target, {name: row[name] for name in INDICATION} | place
        )


def _fills_role(inputs: BundleInputs) -> Iterator[Relationship]:
    ranks = _rank_fillers(inputs)
    for row in read_rows(inputs.patterns, "pattern", "eventType", "roles"):
        typical = inputs.typical[row["pattern"]]
        for role in row["roles"] or []:
            target = node_id("ArgumentRole", row["eventType"], role["role"])
            likeliest = {"rank": ranks[row["pattern"]], "roleShare": typical["roleShare"]}
            place = likeliest if role["role"] == typical["role"] else {}
            yield Relationship(inputs.id("Pattern", row["pattern"]), target, {"score": role["score"], **place})


def _rank_fillers(inputs: BundleInputs) -> dict[str, int]:
    """Number the patterns of each event type and role from 1, in the order in which they are typical."""
    seen: Counter[tuple[str, str | None]] = Counter()
    ranks = {}
    for row in sorted(inputs.typical.values(), key=lambda row: (row["eventType"], row["position"])):
        seen[row["eventType"], row["role"]] += 1
        ranks[row["pattern"]] = seen[row["eventType"], row["role"]]
    return ranks


def _co_occurs_with(inputs: BundleInputs) -> Iterator[Relationship]:
    for pattern, row in inputs.typical.items():
        for other in row["together"]:
            source, target = (inputs.id("Pattern", one) for one in (pattern, other["pattern"]))
            if source < target:
                yield Relationship(source, target, {name: other[name] for name in TOGETHER})


def _has_item(inputs: BundleInputs) -> Iterator[Relationship]:
    for row in read_rows(inputs.patterns, "pattern", "visualItems", "visualWeights", "textItems"):
        source = inputs.id("Pattern", row["pattern"])
        weights = row["visualWeights"] or []
        for rank, item in enumerate(row["visualItems"] or []):
            weight = weights[rank] if rank < len(weights) else None
            yield Relationship(source, inputs.id("VisualItem", item), {"rank": rank, "weight": weight})
        for rank, item in enumerate(row["textItems"] or []):
            yield Relationship(source, inputs.id("TextItem", item), {"rank": rank})


def _has_evidence(inputs: BundleInputs) -> Iterator[Relationship]:
    for identifier, row in inputs.numbered_evidence:
        yield Relationship(inputs.id("Pattern", row["pattern"]), identifier)


def _in_image(inputs: BundleInputs) -> Iterator[Relationship]:
    for identifier, row in inputs.numbered_evidence:
        yield Relationship(identifier, inputs.id("Image", row["record"]))


def _in_caption(inputs: BundleInputs) -> Iterator[Relationship]:
    for identifier, row in inputs.numbered_evidence:
        if row["captionIndex"] is not None:
            yield Relationship(
                identifier, inputs.id("Caption", row["captionRecord"] or row["record"], row["captionIndex"])
            )


def _mined_in(inputs: BundleInputs) -> Iterator[Relationship]:
    for row in read_rows(inputs.patterns, "pattern"):
        yield Relationship(inputs.id("Pattern", row["pattern"]), inputs.id("MiningRun", inputs.run.key))


def _used_corpus(inputs: BundleInputs) -> Iterator[Relationship]:
    yield Relationship(inputs.id("MiningRun", inputs.run.key), node_id("Corpus", inputs.declaration.name))


def _has_event_type(inputs: BundleInputs) -> Iterator[Relationship]:
    counts = Counter(name for names in inputs.event_types.values() for name in names)
    shown, named = _count_types(inputs, _shown(inputs)), _count_types(inputs, _named(inputs))
    for event_type in inputs.ontology.ids:
        properties = {"nRecords": counts[event_type], "nShown": shown[event_type], "nNamed": named[event_type]}
        yield Relationship(node_id("Corpus", inputs.declaration.name), node_id("EventType", event_type), properties)


def _count_types(inputs: BundleInputs, explained: Iterable[tuple[str, str]]) -> Counter[str]:
    """Count the records of each event type among pairs of a record and an event type, each pair once."""
    return Counter(kind for record, kind in set(explained) if kind in inputs.event_types.get(record, ()))


def _shown(inputs: BundleInputs) -> Iterator[tuple[str, str]]:
    """Yield records with an event type that a pattern shows in them."""
    types = {row["pattern"]: row["eventType"] for row in read_rows(inputs.patterns, "pattern", "eventType")}
    return ((row["record"], types[row["pattern"]]) for _, row in inputs.numbered_evidence if row["pattern"] in types)


def _named(inputs: BundleInputs) -> Iterator[tuple[str, str]]:
    """Yield records with an event type that a pattern with their words has."""
    types = defaultdict(set)
    for row in read_rows(inputs.patterns, "eventType", "textItems"):
        for item in row["textItems"] or []:
            types[item].add(row["eventType"])
    return ((said.record, event_type) for said in inputs.said for event_type in types[said.item])


def _subtype_of(inputs: BundleInputs) -> Iterator[Relationship]:
    return subtype_of(inputs.ontology)


def _has_role(inputs: BundleInputs) -> Iterator[Relationship]:
    return has_role(inputs.ontology)


def _copy_of(inputs: BundleInputs) -> Iterator[Relationship]:
    owners = {row["row"]: record for record, row in inputs.pictures.items() if row["row"] is not None}
    for row, record in owners.items():
        first = owners[int(inputs.groups[row])]
        if first != record and {first, record} <= inputs.usable:
            yield Relationship(inputs.id("Image", record), inputs.id("Image", first))


def _has_caption(inputs: BundleInputs) -> Iterator[Relationship]:
    for row in read_rows(inputs.captions, "record", "caption"):
        if row["record"] in inputs.usable:
            target = inputs.id("Caption", row["record"], row["caption"])
            yield Relationship(inputs.id("Image", row["record"]), target)


def _in_corpus(inputs: BundleInputs) -> Iterator[Relationship]:
    for record in inputs.usable:
        yield Relationship(inputs.id("Image", record), node_id("Corpus", inputs.declaration.name))


def _mentions(inputs: BundleInputs) -> Iterator[Relationship]:
    for said in inputs.said:
        source = inputs.id("Caption", said.record, said.caption)
        yield Relationship(source, inputs.id("TextItem", said.item), {"start": said.start, "end": said.end})


RELATIONSHIPS: Mapping[str, Callable[[BundleInputs], Iterable[Relationship]]] = {
    "INDICATES": _indicates,
    "FILLS_ROLE": _fills_role,
    "CO_OCCURS_WITH": _co_occurs_with,
    "HAS_ITEM": _has_item,
    "HAS_EVIDENCE": _has_evidence,
    "MINED_IN": _mined_in,
    "USED_CORPUS": _used_corpus,
    "HAS_EVENT_TYPE": _has_event_type,
    "SUBTYPE_OF": _subtype_of,
    "HAS_ROLE": _has_role,
    "IN_IMAGE": _in_image,
    "IN_CAPTION": _in_caption,
    "COPY_OF": _copy_of,
    "HAS_CAPTION": _has_caption,
    "IN_CORPUS": _in_corpus,
    "MENTIONS": _mentions,
}
"""What makes the relationships of each type."""

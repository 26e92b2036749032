"""Relationships out of the tables of a run, one function per type."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from kb.inputs import read_rows
from kb.model import Relationship, node_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kb.inputs import BundleInputs

__all__ = ["RELATIONSHIPS"]

CONTENT_POS = frozenset({"NOUN", "VERB", "ADJ", ""})
"""Parts of speech that text items are made of; a blank pipeline knows none and leaves them empty."""
INDICATION = ("support", "confidence", "lift", "pValue")


def _indicates(inputs: BundleInputs) -> Iterator[Relationship]:
    for row in read_rows(inputs.patterns, "pattern", "eventType", *INDICATION):
        target = node_id("EventType", row["eventType"])
        yield Relationship(inputs.id("Pattern", row["pattern"]), target, {name: row[name] for name in INDICATION})


def _fills_role(inputs: BundleInputs) -> Iterator[Relationship]:
    for row in read_rows(inputs.patterns, "pattern", "eventType", "roles"):
        for role in row["roles"] or []:
            target = node_id("ArgumentRole", row["eventType"], role["role"])
            yield Relationship(inputs.id("Pattern", row["pattern"]), target, {"score": role["score"]})


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
    for event_type in inputs.ontology.ids:
        target = node_id("EventType", event_type)
        yield Relationship(node_id("Corpus", inputs.declaration.name), target, {"nRecords": counts[event_type]})


def _subtype_of(inputs: BundleInputs) -> Iterator[Relationship]:
    for event_type in inputs.ontology.types:
        if event_type.parent is not None:
            yield Relationship(node_id("EventType", event_type.id), node_id("EventType", event_type.parent))


def _has_role(inputs: BundleInputs) -> Iterator[Relationship]:
    for event_type, role in ((t, r) for t in inputs.ontology.types for r in t.roles):
        yield Relationship(node_id("EventType", event_type.id), node_id("ArgumentRole", event_type.id, role.name))


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
    used = inputs.used_text_items
    rows = (row for row in read_rows(inputs.text_items, "textItem", "words") if row["textItem"] in used)
    items = {word: row["textItem"] for row in rows for word in row["words"]}
    for row in read_rows(inputs.captions, "record", "caption", "starts", "ends", "lemmas", "pos", "entities"):
        if row["record"] not in inputs.usable:
            continue
        source = inputs.id("Caption", row["record"], row["caption"])
        for item, (start, end) in _find_items(row, items).items():
            yield Relationship(source, inputs.id("TextItem", item), {"start": start, "end": end})


def _find_items(row: Mapping[str, Any], items: Mapping[str, int]) -> dict[int, tuple[int, int]]:
    """Find the items a caption has words or two-word phrases of, each with the span of its first one."""
    lemmas, tags = row["lemmas"], zip(row["pos"], row["entities"], strict=True)
    content = [pos in CONTENT_POS and not entity for pos, entity in tags]
    found: dict[int, tuple[int, int]] = {}
    for i, lemma in enumerate(lemmas):
        pair = content[i : i + 2] == [True, True] and items.get(f"{lemma} {lemmas[i + 1]}")
        if pair is not False and pair is not None:
            found.setdefault(pair, (row["starts"][i], row["ends"][i + 1]))
        if content[i] and (item := items.get(lemma)) is not None:
            found.setdefault(item, (row["starts"][i], row["ends"][i]))
    return found


RELATIONSHIPS: Mapping[str, Callable[[BundleInputs], Iterable[Relationship]]] = {
    "INDICATES": _indicates,
    "FILLS_ROLE": _fills_role,
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

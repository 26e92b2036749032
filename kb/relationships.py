"""Relationships out of the tables of a run, one function per type."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kb.inputs import read_rows
from kb.model import Relationship, node_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kb.inputs import BundleInputs
    from miner.text.words import Word

__all__ = ["RELATIONSHIPS"]

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
    items = {word: item for item, words in inputs.used_words.items() for word in words}
    rows = read_rows(inputs.captions, "record", "caption", "starts", "ends")
    for row, words in zip(rows, _said_words(inputs, items), strict=True):
        if row["record"] not in inputs.usable:
            continue
        source = inputs.id("Caption", row["record"], row["caption"])
        for item, word in _first_words(words, items).items():
            span = {"start": row["starts"][word.first], "end": row["ends"][word.last]}
            yield Relationship(source, inputs.id("TextItem", item), span)


def _said_words(inputs: BundleInputs, items: Iterable[str]) -> Iterator[list[Word]]:
    """Yield the content words and phrases of each caption, as the text items were found in the first place."""
    from miner.text.phrases import with_phrases  # noqa: PLC0415 - it loads spaCy, which loading a bundle does not need
    from miner.text.words import content_words  # noqa: PLC0415 - as above

    phrases = frozenset(word for word in items if " " in word)
    masks = inputs.masks
    if masks is None:
        masks = [[False] * len(row["starts"]) for row in read_rows(inputs.captions, "starts")]
    language = inputs.declaration.language or "en"
    for words in content_words(inputs.captions, masks, language=language):
        yield with_phrases(words, phrases)


def _first_words(words: Iterable[Word], items: Mapping[str, int]) -> dict[int, Word]:
    found: dict[int, Word] = {}
    for word in words:
        if word.text in items:
            found.setdefault(items[word.text], word)
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

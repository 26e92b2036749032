"""Nodes out of the tables of a run, one function per label.

Only usable records become images and captions; the corpus node counts the others. Only items that some pattern uses become
items.
"""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from kb.inputs import read_rows
from kb.model import Node, Properties, node_id
from miner.visual.backbone import describe_item, load_backbone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kb.inputs import BundleInputs

__all__ = ["NODES"]

PATTERN_COLUMNS = (
    "pattern", "nameHead", "nameFlags", "alternatives", "alternativeScores", "eventType", "rank", "count", "classCount",
    "support", "confidence", "lift", "pValue", "qLink", "proven", "grounding", "nEvidence", "nPhotoGroups", "textWords",
    "role", "method",
)  # fmt: skip


def _event_types(inputs: BundleInputs) -> Iterator[Node]:
    for event_type in inputs.ontology.types:
        properties = {
            "eventType": event_type.id,
            "label": event_type.label,
            "definition": event_type.definition or None,
            "triggers": list(event_type.triggers),
            "aliases": list(event_type.aliases),
            "ace": list(event_type.mapping.ace),
            "cameo": list(event_type.mapping.cameo),
            "schemaOrg": list(event_type.mapping.schema_org),
            "wikidata": list(event_type.mapping.wikidata),
            "ontology": inputs.ontology.name,
            "ontologyVersion": inputs.ontology.version,
        }
        yield Node(node_id("EventType", event_type.id), properties)


def _roles(inputs: BundleInputs) -> Iterator[Node]:
    for event_type, role in ((t, r) for t in inputs.ontology.types for r in t.roles):
        properties = {
            "role": role.name,
            "eventType": event_type.id,
            "definition": role.definition or None,
            "fillers": list(role.fillers),
            "media": list(role.media),
            "atLeast": role.at_least,
            "atMost": role.at_most,
            "ontology": inputs.ontology.name,
        }
        yield Node(node_id("ArgumentRole", event_type.id, role.name), properties)


def _patterns(inputs: BundleInputs) -> Iterator[Node]:
    for row in read_rows(inputs.patterns, "name", *PATTERN_COLUMNS):
        properties = {"displayName": row.pop("name"), **row}
        yield Node(inputs.id("Pattern", row["pattern"]), properties)


def _visual_items(inputs: BundleInputs) -> Iterator[Node]:
    n_filters = load_backbone(inputs.run.network).n_filters
    for item in inputs.used_visual_items:
        what = describe_item(item, n_filters)
        properties: Properties = {
            "label": str(what),
            "family": what.family,
            "index": what.index,
            "network": inputs.run.network,
        }
        yield Node(inputs.id("VisualItem", item), properties)


def _text_items(inputs: BundleInputs) -> Iterator[Node]:
    for row in read_rows(inputs.text_items, "textItem", "words", "count"):
        if (item := row["textItem"]) in inputs.used_words:
            yield Node(inputs.id("TextItem", item), {"cluster": item, "words": row["words"], "count": row["count"]})


def _evidence(inputs: BundleInputs) -> Iterator[Node]:
    for identifier, row in inputs.numbered_evidence:
        span = None if row["start"] is None else slice(row["start"], row["end"])
        properties = {
            "score": row["score"],
            "box": row["box"],
            "start": row["start"],
            "end": row["end"],
            "words": row["caption"][span] if span and row["caption"] else None,
            "photoGroup": inputs.group(row["record"]),
        }
        yield Node(identifier, properties)


def _images(inputs: BundleInputs) -> Iterator[Node]:
    declared = inputs.declaration
    columns = ("record", "image", "where", "imageHash", "source", "time", "licence", "credit")
    for row in read_rows(inputs.records, *columns):
        if row["record"] not in inputs.usable:
            continue
        picture = inputs.pictures.get(row["record"], {})
        properties = {
            "record": row["record"],
            "path": _portable(row["image"]),
            "origin": _portable(row["where"]),
            "photoGroup": inputs.group(row["record"]),
            "eventTypes": inputs.event_types.get(row["record"], []),
            "problem": picture.get("code"),
            "licence": row["licence"] or declared.licence,
            "credit": row["credit"] or declared.credit,
            **{name: row[name] for name in ("imageHash", "source", "time")},
            **{name: picture.get(name) for name in ("width", "height", "phash")},
        }
        yield Node(inputs.id("Image", row["record"]), properties)


def _portable(path: str | None) -> str | None:
    """Keep only the name of a file given by an absolute path: a bundle is the same on every machine."""
    if path is None or not (path.startswith(("/", "file:")) or PureWindowsPath(path).is_absolute()):
        return path
    return PurePosixPath(path.replace("\\", "/")).name


def _captions(inputs: BundleInputs) -> Iterator[Node]:
    for row in read_rows(inputs.captions, "record", "caption", "text", "language"):
        if row["record"] in inputs.usable:
            properties = {**row, "language": row["language"] or None}
            yield Node(inputs.id("Caption", row["record"], row["caption"]), properties)


def _corpus(inputs: BundleInputs) -> Iterator[Node]:
    declared, n_usable = inputs.declaration, len(inputs.usable)
    properties = {
        "corpus": declared.name,
        "nRecords": n_usable,
        "nBad": inputs.records.num_rows - n_usable,
        "language": declared.language,
        "licence": declared.licence,
        "credit": declared.credit,
    }
    yield Node(node_id("Corpus", declared.name), properties)


def _run(inputs: BundleInputs) -> Iterator[Node]:
    run = inputs.run
    properties = {
        "run": run.key,
        "method": run.method,
        "configDigest": run.config_digest,
        "nRules": inputs.rules.num_rows,
        "nPatterns": inputs.patterns.num_rows,
        "versions": [f"{name}=={version}" for name, version in sorted(run.versions.items())],
    }
    yield Node(inputs.id("MiningRun", run.key), properties)


NODES: Mapping[str, Callable[[BundleInputs], Iterable[Node]]] = {
    "EventType": _event_types,
    "ArgumentRole": _roles,
    "Pattern": _patterns,
    "VisualItem": _visual_items,
    "TextItem": _text_items,
    "Evidence": _evidence,
    "Image": _images,
    "Caption": _captions,
    "Corpus": _corpus,
    "MiningRun": _run,
}
"""What makes the nodes of each label."""

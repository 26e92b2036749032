"""Nodes out of the tables of a run, one function per label.

Only usable records become images and captions; the corpus node counts the others. Only items that some pattern uses become
items.
"""

from __future__ import annotations

from itertools import zip_longest
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from kb.building.tables import read_rows
from kb.building.vectors import pattern_vector
from kb.model import Node, Properties, node_id
from kb.ontologies.graph import event_type_nodes, role_nodes
from miner.visual.backbone import describe_item
from miner.visual.registry import load_backbone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kb.building.inputs import BundleInputs

__all__ = ["NODES"]

PATTERN_COLUMNS = (
    "pattern", "nameHead", "nameFlags", "alternatives", "alternativeScores", "eventType", "rank", "count", "classCount",
    "support", "confidence", "lift", "pValue", "qLink", "proven", "grounding", "nEvidence", "nPhotoGroups", "textWords",
    "role", "method",
)  # fmt: skip


def _event_types(inputs: BundleInputs) -> Iterator[Node]:
    return event_type_nodes(inputs.ontology)


def _roles(inputs: BundleInputs) -> Iterator[Node]:
    return role_nodes(inputs.ontology)


def _patterns(inputs: BundleInputs) -> Iterator[Node]:
    for row in read_rows(inputs.patterns, "name", "visualItems", "visualWeights", *PATTERN_COLUMNS):
        items, weights = row.pop("visualItems") or [], row.pop("visualWeights") or []
        visual = {f"{inputs.run.network}/{item}": weight for item, weight in zip_longest(items, weights, fillvalue=1.0)}
        properties = {"displayName": row.pop("name"), **row, "vector": pattern_vector(visual, row["textWords"] or [])}
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
            **inputs.origins.get(row["record"], {}),
        }
        yield Node(identifier, properties)


def _images(inputs: BundleInputs) -> Iterator[Node]:
    columns = ("record", "image", "where", "imageHash", "time")
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
            **inputs.origins[row["record"]],
            **{name: row[name] for name in ("imageHash", "time")},
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
            properties = {**row, "language": row["language"] or None, **inputs.origins[row["record"]]}
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

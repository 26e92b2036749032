"""An invented bundle of any size, written without a run: what the loader, the queries and their rivals are measured on.

For 100,000 nodes: 2,000 patterns of 40 event types with 10 pieces of evidence each, 15,000 pictures with four captions each,
and as many mentions of words as the number of relationships asks for.
"""

from __future__ import annotations

import random
from itertools import product
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kb.building.tables import arrow_schema
from kb.building.vectors import pattern_vector
from kb.bundle import Bundle, FileEntry, Manifest, write_bundle
from kb.schema import SCHEMA
from miner.store.fingerprint import digest_bytes
from miner.store.formats import table_bytes

if TYPE_CHECKING:
    from pathlib import Path

CORPUS = "large"
N_TYPES = 40
ROLES = ("Agent", "Place", "Thing")
EVIDENCE_OF_A_PATTERN = 10
WORDS = ["".join(letters) for letters in product("bdfgklmnprst", "aeiou", "bdfgklmnprst", "aeiou")]
ORIGIN = {"source": "agency", "licence": "CC BY 4.0", "credit": "a photographer"}

Rows = list[dict[str, Any]]


def write_large_bundle(folder: Path, *, n_nodes: int, n_relationships: int) -> Manifest:
    """Write an invented bundle, the same for the same numbers."""
    rng = random.Random(0)  # noqa: S311 - no secret
    n_patterns, n_images = n_nodes // 50, n_nodes * 15 // 100
    n_items = n_nodes // 100
    nodes, relationships = _ontology()
    fixed = sum(map(len, nodes.values())) + n_patterns * (1 + EVIDENCE_OF_A_PATTERN) + n_images + 2 * n_items + 2
    n_captions = n_nodes - fixed
    _add_pictures(nodes, relationships, rng, n_images, n_captions)
    _add_items(nodes, n_items)
    _add_patterns(nodes, relationships, rng, n_patterns)
    _add_evidence(nodes, relationships, rng)
    _add_run(nodes, relationships)
    n_others = sum(map(len, relationships.values()))
    relationships["MENTIONS"] = _mentions(nodes, rng, n_relationships - n_others)
    return write_bundle(_bundle(nodes, relationships), folder)


def _ontology() -> tuple[dict[str, Rows], dict[str, Rows]]:
    nodes: dict[str, Rows] = {n.label: [] for n in SCHEMA.bundle_nodes}
    relationships: dict[str, Rows] = {r.type: [] for r in SCHEMA.bundle_relationships}
    common = {"ontology": "large", "ontologyVersion": "1"}
    for kind in ("Event", *(f"Event.Type{i:02d}" for i in range(N_TYPES))):
        nodes["EventType"].append({"id": f"EventType:{kind}", "eventType": kind, "label": kind, **common})
        if kind == "Event":
            continue
        relationships["SUBTYPE_OF"].append(_joined(f"EventType:{kind}", "EventType:Event"))
        for role in ROLES:
            role_id = f"ArgumentRole:{kind}/{role}"
            nodes["ArgumentRole"].append({"id": role_id, "role": role, "eventType": kind, "ontology": "large"})
            relationships["HAS_ROLE"].append(_joined(f"EventType:{kind}", role_id))
    return nodes, relationships


def _joined(source: str, target: str, **properties: object) -> dict[str, Any]:
    return {"source": source, "target": target, **properties}


def _kind(i: int) -> str:
    return f"Event.Type{i % N_TYPES:02d}"


def _add_pictures(
    nodes: dict[str, Rows], relationships: dict[str, Rows], rng: random.Random, n_images: int, n_captions: int
) -> None:
    for i in range(n_images):
        record = f"picture_{i:06d}.jpg"
        nodes["Image"].append({
            "id": f"Image:{CORPUS}/{record}", "record": record, "path": f"images/{record}", "width": 640, "height": 480,
            "phash": f"{i:016x}", "imageHash": f"{i:032x}", "photoGroup": i, "eventTypes": [_kind(i)],
            "origin": f"captions.csv:{i + 2}", **ORIGIN,
        })  # fmt: skip
        relationships["IN_CORPUS"].append(_joined(f"Image:{CORPUS}/{record}", f"Corpus:{CORPUS}"))
        if i % 20 == 1:
            relationships["COPY_OF"].append(_joined(f"Image:{CORPUS}/{record}", nodes["Image"][i - 1]["id"]))
    for i in range(n_captions):
        picture, place = nodes["Image"][i % n_images], i // n_images
        text = " ".join(rng.choices(WORDS, k=18))
        caption = {"id": f"Caption:{CORPUS}/{picture['record']}/{place}", "record": picture["record"], "caption": place}
        nodes["Caption"].append({**caption, "text": text, "language": "en", **ORIGIN})
        relationships["HAS_CAPTION"].append(_joined(picture["id"], caption["id"]))


def _add_items(nodes: dict[str, Rows], n_items: int) -> None:
    for i in range(n_items):
        visual = {"label": f"filter {i}", "family": "filter", "index": i, "network": "large"}
        nodes["VisualItem"].append({"id": f"VisualItem:{CORPUS}/{i}", **visual})
        words = [WORDS[i % len(WORDS)], f"{WORDS[i % len(WORDS)]}s"]
        nodes["TextItem"].append({"id": f"TextItem:{CORPUS}/{i}", "cluster": i, "words": words, "count": 9})


def _add_patterns(nodes: dict[str, Rows], relationships: dict[str, Rows], rng: random.Random, n_patterns: int) -> None:
    n_items = len(nodes["VisualItem"])
    for i in range(n_patterns):
        visual, text = rng.sample(range(n_items), 3), rng.sample(range(n_items), 2)
        words = [nodes["TextItem"][item]["words"][0] for item in text]
        numbers = {"support": 0.01, "confidence": rng.uniform(0.5, 1.0), "lift": rng.uniform(1, 9), "pValue": 0.001}
        pattern = f"P{i:012x}"
        own = f"Pattern:{CORPUS}/{pattern}"
        nodes["Pattern"].append({
            "id": own, "pattern": pattern, "displayName": " ".join(words), "eventType": _kind(i), "rank": i // N_TYPES + 1,
            "count": 40, "classCount": 30, **numbers, "qLink": 0.01, "proven": i % 2 == 0, "grounding": 0.6,
            "nEvidence": EVIDENCE_OF_A_PATTERN, "nPhotoGroups": EVIDENCE_OF_A_PATTERN, "textWords": words,
            "role": ROLES[i % 3], "method": "ours",
            "vector": pattern_vector({f"large/{item}": 1.0 for item in visual}, words),
        })  # fmt: skip
        position = i // N_TYPES + 1
        place = {"position": position, "share": 1 / (1 + position)}
        relationships["INDICATES"].append(_joined(own, f"EventType:{_kind(i)}", **numbers, **place))
        role = f"ArgumentRole:{_kind(i)}/{ROLES[i % 3]}"
        relationships["FILLS_ROLE"].append(_joined(own, role, score=0.8, rank=position, roleShare=0.5))
        relationships["MINED_IN"].append(_joined(own, f"MiningRun:{CORPUS}/run"))
        for rank, item in enumerate(visual):
            relationships["HAS_ITEM"].append(_joined(own, f"VisualItem:{CORPUS}/{item}", rank=rank, weight=0.5))
        for rank, item in enumerate(text):
            relationships["HAS_ITEM"].append(_joined(own, f"TextItem:{CORPUS}/{item}", rank=rank, weight=None))


def _add_evidence(nodes: dict[str, Rows], relationships: dict[str, Rows], rng: random.Random) -> None:
    by_kind: dict[str, Rows] = {}
    for picture in nodes["Image"]:
        by_kind.setdefault(picture["eventTypes"][0], []).append(picture)
    captioned = {caption["record"] for caption in nodes["Caption"]}
    for pattern in nodes["Pattern"]:
        pictures = by_kind[pattern["eventType"]]
        for picture in rng.sample(pictures, min(EVIDENCE_OF_A_PATTERN, len(pictures))):
            own = f"Evidence:{CORPUS}/{pattern['pattern']}/{picture['record']}/0"
            nodes["Evidence"].append({
                "id": own, "score": rng.random(), "box": [1.0, 2.0, 30.0, 40.0], "start": 0, "end": 4, "words": "baba",
                "photoGroup": picture["photoGroup"], **ORIGIN,
            })  # fmt: skip
            relationships["HAS_EVIDENCE"].append(_joined(pattern["id"], own))
            relationships["IN_IMAGE"].append(_joined(own, picture["id"]))
            if picture["record"] in captioned:
                relationships["IN_CAPTION"].append(_joined(own, f"Caption:{CORPUS}/{picture['record']}/0"))


def _add_run(nodes: dict[str, Rows], relationships: dict[str, Rows]) -> None:
    n_images = len(nodes["Image"])
    nodes["Corpus"].append({"id": f"Corpus:{CORPUS}", "corpus": CORPUS, "nRecords": n_images, "nBad": 0})
    run = {"run": "run", "method": "ours", "configDigest": "0", "nRules": 1, "nPatterns": len(nodes["Pattern"])}
    nodes["MiningRun"].append({"id": f"MiningRun:{CORPUS}/run", **run})
    relationships["USED_CORPUS"].append(_joined(f"MiningRun:{CORPUS}/run", f"Corpus:{CORPUS}"))
    for kind in nodes["EventType"]:
        numbers = {"nRecords": n_images // N_TYPES, "nShown": n_images // N_TYPES // 2, "nNamed": n_images // N_TYPES}
        relationships["HAS_EVENT_TYPE"].append(_joined(f"Corpus:{CORPUS}", kind["id"], **numbers))


def _mentions(nodes: dict[str, Rows], rng: random.Random, n: int) -> Rows:
    captions, items = nodes["Caption"], nodes["TextItem"]
    each, more = divmod(max(0, n), len(captions))
    if each >= len(items):
        raise ValueError(f"{n} mentions are too many for {len(captions)} captions and {len(items)} text items")
    return [
        _joined(caption["id"], items[item]["id"], start=0, end=4)
        for i, caption in enumerate(captions)
        for item in rng.sample(range(len(items)), each + (i < more))
    ]


def _bundle(nodes: dict[str, Rows], relationships: dict[str, Rows]) -> Bundle:
    node_tables = {n.label: _table(arrow_schema(n), nodes[n.label], "id") for n in SCHEMA.bundle_nodes}
    edge_tables = {
        r.type: _table(arrow_schema(r), relationships[r.type], "source", "target") for r in SCHEMA.bundle_relationships
    }
    files = {f"nodes/{label}.parquet": table for label, table in node_tables.items()}
    files |= {f"relationships/{kind}.parquet": table for kind, table in edge_tables.items()}
    entries = {name: FileEntry(rows=t.num_rows, hash=digest_bytes(table_bytes(t))) for name, t in files.items()}
    manifest = Manifest(schema_version=SCHEMA.bundle_version, corpus=CORPUS, run="run", ontology="large", files=entries)
    return Bundle(manifest=manifest, nodes=node_tables, relationships=edge_tables)


def _table(schema: pa.Schema, rows: Rows, *keys: str) -> pa.Table:
    table = pa.Table.from_pylist(rows, schema=schema)
    return table.sort_by([(key, "ascending") for key in keys])

"""A run small enough to check by hand: six records, two event types, three patterns.

`c1` to `c3` are climbing (`c3` is a print of the same photograph as `c1`), `s1` and `s2` surfing, `x1` is unusable. Filter 7
belongs to a pattern of each type.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from corpora.declaration import Declaration
from corpora.labels import LABELS
from corpora.records import RECORDS
from kb.bundle import BundleInputs, RunInfo
from kb.ontology import EventType, Ontology, Role
from miner.patterns.assemble import PATTERNS
from miner.patterns.evidence import EVIDENCE
from miner.text.captions import CAPTIONS
from miner.text.clusters import TEXT_ITEMS
from miner.visual.encode import IMAGES

ONTOLOGY = Ontology(
    name="sports",
    version="1",
    types=(
        EventType(id="Sport", label="Sport"),
        EventType(
            id="Sport.Climbing",
            label="Climbing",
            parent="Sport",
            triggers=("climb\\w*",),
            roles=(Role(name="Climber", fillers=("PERSON", "person")), Role(name="Place", fillers=("place",))),
        ),
        EventType(
            id="Sport.Surfing", label="Surfing", parent="Sport", roles=(Role(name="Surfer", fillers=("person",)),)
        ),
    ),
)
CLASS_3 = 1_280 + 3
"""Classes are numbered after the filters of the network."""
CAPTION_OF = {
    "c1": "a man on a rock face",
    "c2": "rope on the rock",
    "c3": "a rock",
    "s1": "a wet rock in the waves",
    "s2": "the waves",
}
NOUNS = frozenset({"man", "rock", "face", "rope", "waves"})


def _table(schema: pa.Schema, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schema)


def record_row(record: str, **changes: object) -> dict[str, Any]:
    row = {
        "record": record,
        "image": f"images/{record}.jpg",
        "captions": [CAPTION_OF.get(record, "a rock")],
        "where": "captions.csv:2",
        "status": "ok",
        "licence": None,
        "imageHash": "0" * 32,
    }
    return row | changes


def caption_row(record: str, text: str, caption: int = 0) -> dict[str, Any]:
    """Parse a caption whose words are divided by single spaces."""
    words = text.split(" ")
    starts = [sum(len(word) + 1 for word in words[:i]) for i in range(len(words))]
    return {
        "record": record,
        "caption": caption,
        "text": text,
        "language": "en",
        "cut": False,
        "starts": starts,
        "ends": [start + len(word) for start, word in zip(starts, words, strict=True)],
        "lowers": words,
        "lemmas": [word.removesuffix("s") if word == "waves" else word for word in words],
        "pos": ["NOUN" if word in NOUNS else "DET" for word in words],
        "deps": ["dep"] * len(words),
        "heads": [0] * len(words),
        "entities": [""] * len(words),
        "chunkStarts": [],
        "chunkEnds": [],
    }


def pattern_row(pattern: str, event_type: str, rank: int, name: str, **changes: object) -> dict[str, Any]:
    row = {
        "pattern": pattern,
        "eventType": event_type,
        "rank": rank,
        "name": name,
        "nameHead": name.rsplit(" ", maxsplit=1)[-1],
        "nameFlags": [],
        "alternatives": ["rocks"],
        "alternativeScores": [0.5],
        "members": [0],
        "memberVisual": [[7]],
        "memberText": [[0]],
        "visualItems": [7],
        "visualWeights": [1.0],
        "textItems": [0],
        "textWords": ["rock"],
        "count": 4,
        "classCount": 3,
        "support": 0.6,
        "confidence": 0.75,
        "lift": 1.25,
        "pValue": 0.01,
        "qLink": 0.02,
        "proven": True,
        "grounding": 0.5,
        "nEvidence": 2,
        "nPhotoGroups": 2,
        "role": None,
        "roles": [],
        "method": "ours",
    }
    return row | changes


def evidence_row(pattern: str, record: str, score: float, **changes: object) -> dict[str, Any]:
    text = CAPTION_OF[record]
    row = {
        "pattern": pattern,
        "record": record,
        "image": f"images/{record}.jpg",
        "box": [10.0, 20.0, 110.0, 220.0],
        "caption": text,
        "captionRecord": record,
        "captionIndex": 0,
        "start": text.find("rock"),
        "end": text.find("rock") + 4,
        "score": score,
        "group": 0,
    }
    return row | changes


def small_patterns() -> list[dict[str, Any]]:
    return [
        pattern_row(
            "Paaaaaaaaaaaa",
            "Sport.Climbing",
            1,
            "rock face",
            visualItems=[7, CLASS_3],
            visualWeights=[1.0, 0.5],
            role="Place",
            roles=[{"role": "Place", "score": 0.8}, {"role": "Climber", "score": 0.2}],
        ),
        pattern_row("Pbbbbbbbbbbbb", "Sport.Climbing", 2, "rope", visualItems=[5], textItems=[1], textWords=["rope"]),
        pattern_row("Pcccccccccccc", "Sport.Surfing", 1, "wet rock", textItems=[0, 2], textWords=["rock", "wave"]),
    ]


def small_inputs(corpus: str = "beach") -> BundleInputs:
    records = [record_row(record) for record in CAPTION_OF]
    bad = record_row("x1", status="bad", code="missing-image", reason="images/x1.jpg does not exist")
    labels = [
        {"record": record, "eventTypes": ["Sport.Climbing" if record.startswith("c") else "Sport.Surfing"]}
        for record in CAPTION_OF
    ]
    images = [
        {"record": record, "width": 640, "height": 480, "status": "ok", "phash": "0" * 16, "row": row}
        for row, record in enumerate(CAPTION_OF)
    ]
    evidence = [
        evidence_row("Paaaaaaaaaaaa", "c1", 3.5),
        evidence_row("Paaaaaaaaaaaa", "c2", 2.5),
        evidence_row("Pbbbbbbbbbbbb", "c2", 1.5, start=0, end=4),
        evidence_row("Pcccccccccccc", "s1", 2.0),
        evidence_row(
            "Pcccccccccccc", "s2", 1.0, captionIndex=None, caption=None, captionRecord=None, start=None, end=None
        ),
    ]
    items = [(0, ["rock", "cliff"]), (1, ["rope"]), (2, ["wave"]), (3, ["unused"])]
    return BundleInputs(
        declaration=Declaration(name=corpus, licence="CC0"),
        run=RunInfo(
            key="k" * 32,
            method="ours",
            config_digest="d" * 32,
            network="efficientnet-lite0",
            versions={"numpy": "2.0", "gensim": "4.4"},
        ),
        ontology=ONTOLOGY,
        records=_table(RECORDS, [*records, bad]),
        labels=_table(LABELS, [*labels, {"record": "x1", "eventTypes": []}]),
        images=_table(IMAGES, images),
        groups=np.array([0, 1, 0, 3, 4], dtype=np.int64),
        captions=_table(CAPTIONS, [caption_row(record, text) for record, text in CAPTION_OF.items()]),
        text_items=_table(TEXT_ITEMS, [{"textItem": i, "words": words, "count": 9} for i, words in items]),
        rules=pa.table({"eventType": ["Sport.Climbing"] * 4}),
        patterns=_table(PATTERNS, small_patterns()),
        evidence=_table(EVIDENCE, evidence),
    )


def with_rows(inputs: BundleInputs, table: str, rows: list[dict[str, Any]]) -> BundleInputs:
    """Return the inputs with other rows in one table."""
    schema = getattr(inputs, table).schema
    return replace(inputs, **{table: pa.Table.from_pylist(rows, schema=schema)})

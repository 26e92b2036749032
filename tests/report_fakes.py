"""Inputs of a report that look like those of a real run: true captions and pictures, invented boxes and scores."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw

from corpora.labels import LABELS
from corpora.records import RECORDS
from miner.visual.encode import IMAGES
from miner.visual.images import decode_image
from reports.inputs import ReportInputs

if TYPE_CHECKING:
    from collections.abc import Callable


FLICKR = Path(__file__).parents[2] / "shared" / "data" / "flickr-dev"
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """with from that this their them they there while into onto over under through near down some other another
        front being wearing standing holding looking people person woman women girl boys young little small large next
        behind white black blue green yellow brown dressed across against along around about after outside during""",
    )
)

PATTERNS = pa.schema(
    [
        ("pattern", pa.string()),
        ("eventType", pa.string()),
        ("rank", pa.int32()),
        ("name", pa.string()),
        ("nameFlags", pa.list_(pa.string())),
        ("alternatives", pa.list_(pa.string())),
        ("alternativeScores", pa.list_(pa.float64())),
        ("members", pa.list_(pa.int32())),
        ("visualItems", pa.list_(pa.int32())),
        ("visualWeights", pa.list_(pa.float64())),
        ("textItems", pa.list_(pa.int32())),
        ("textWords", pa.list_(pa.string())),
        ("count", pa.int64()),
        ("classCount", pa.int64()),
        ("support", pa.float64()),
        ("confidence", pa.float64()),
        ("lift", pa.float64()),
        ("pValue", pa.float64()),
        ("proven", pa.bool_()),
        ("nEvidence", pa.int64()),
        ("nPhotoGroups", pa.int64()),
        ("role", pa.string()),
        ("roles", pa.list_(pa.struct([("role", pa.string()), ("score", pa.float64())]))),
        ("method", pa.string()),
    ]
)
EVIDENCE = pa.schema(
    [
        ("pattern", pa.string()),
        ("record", pa.string()),
        ("image", pa.string()),
        ("box", pa.list_(pa.float64())),
        ("caption", pa.string()),
        ("captionRecord", pa.string()),
        ("captionIndex", pa.int32()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("score", pa.float64()),
        ("group", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Source:
    """Records with a way to open their pictures."""

    name: str
    rows: list[dict[str, Any]]
    open_image: Callable[[str], bytes]
    size: tuple[int, int]


@dataclass(frozen=True)
class _Counts:
    inside: Counter[str]
    overall: Counter[str]
    n_labelled: int
    n_members: int


def jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def flickr_source(n_records: int | None = None) -> Source:
    lines = (FLICKR / "captions.jsonl").read_text(encoding="utf-8").splitlines()[:n_records]
    rows = [json.loads(line) for line in lines]
    for row in rows:
        row["event"] = row["event"] and row["event"].replace(":", ".")
    return Source("flickr-dev", rows, lambda image: (FLICKR / image).read_bytes(), (224, 224))


def drawn_source(n_types: int = 3, n_per_type: int = 40) -> Source:
    """Coloured shapes on coloured grounds, with captions that say so."""
    shapes, grounds = ("disc", "square", "bar"), ("grass", "water", "stone", "snow")
    rows, files = [], {}
    for number in range(n_types * n_per_type):
        kind = number % n_types
        shape, ground = shapes[(kind + number // 7) % 3], grounds[number % 4]
        image = Image.new("RGB", (240, 160), (40 + 50 * (number % 4), 120, 90 + 30 * kind))
        x, y = 20 + 37 * number % 130, 15 + 23 * number % 70
        drawing = ImageDraw.Draw(image)
        if shape == "disc":
            drawing.ellipse((x, y, x + 70, y + 70), fill=(220, 60, 40))
        else:
            drawing.rectangle((x, y, x + (70 if shape == "square" else 30), y + 70), fill=(240, 200, 40))
        name = f"images/{number:04}.jpg"
        files[name] = jpeg(image)
        captions = [f"A {shape} lies on the {ground} beside a marker .", f"The {ground} around one bright {shape} ."]
        rows.append({"id": f"r{number:04}", "image": name, "captions": captions, "event": f"Drawn.Kind{kind}"})
    return Source("drawn shapes", rows, lambda image: files[image], (240, 160))


def fake_inputs(source: Source, *, n_patterns: int = 20, n_evidence: int = 16, seed: int = 0) -> ReportInputs:
    """Take the words that tell an event type's captions from others as its patterns."""
    rng = np.random.default_rng(seed)
    rows = source.rows
    words = [set(re.findall(r"[a-z]{4,}", " ".join(row["captions"]).lower())) - STOP_WORDS for row in rows]
    event_types = sorted({row["event"] for row in rows if row["event"]})
    overall = Counter(word for found in words for word in found)
    patterns: list[dict[str, Any]] = []
    evidence: list[dict[str, Any]] = []
    n_labelled = sum(1 for row in rows if row["event"])
    for event_type in event_types:
        members = [i for i, row in enumerate(rows) if row["event"] == event_type]
        inside = Counter(word for i in members for word in words[i])
        counts = _Counts(inside, overall, n_labelled, len(members))
        ranked = sorted(inside, key=lambda word: (-((inside[word] - 1) ** 1.3) / overall[word], word))[:n_patterns]
        for rank, word in enumerate(ranked, start=1):
            pattern = _pattern(event_type, rank, ranked, counts, rng)
            patterns.append(pattern)
            evidence += _evidence(pattern, word, [i for i in members if word in words[i]][:n_evidence], source, rng)
    return ReportInputs(
        corpus=source.name,
        run_key="5f2c0e9d3b7a41c8a6d2f10b9e84c375",
        config_toml='seed = 0\nmethod = "ours"\n\n[mine]\nmin_confidence = 0.3 # <b>not bold</b>\n',
        records=_records(rows),
        labels=_labels(rows),
        images=_images(rows, source.size),
        groups=np.array([max(0, i - 1) if i % 50 == 7 else i for i in range(len(rows))], dtype=np.int64),
        rules=pa.table(
            {
                "eventType": [p["eventType"] for p in patterns for _ in range(7)],
                "proven": [p["proven"] for p in patterns for _ in range(7)],
            }
        ),
        patterns=pa.Table.from_pylist(patterns, schema=PATTERNS),
        evidence=pa.Table.from_pylist(evidence, schema=EVIDENCE),
        open_image=source.open_image,
        decode=partial(decode_image, max_pixels=100_000_000),
        counters={
            "rules": {
                "testable itemsets": 48210,
                "smallest attainable p": 3.4e-19,
                "by event type": {t: {"tried": 4000 + 37 * i, "proven": 90 + i} for i, t in enumerate(event_types)},
            },
            "patterns": {"merged": 812, "too few photo groups": 44},
        },
    )


def _pattern(
    event_type: str, rank: int, ranked: list[str], counts: _Counts, rng: np.random.Generator
) -> dict[str, Any]:
    word = ranked[rank - 1]
    class_count, count = counts.inside[word], counts.overall[word]
    others = [ranked[i] for i in rng.permutation(len(ranked))[:4] if ranked[i] != word]
    scores = np.sort(rng.uniform(0.5, 9, len(others)))[::-1]
    role, share = ("Instrument", "Place", "Agent")[rank % 3], float(rng.uniform(0.4, 0.9))
    return {
        "pattern": f"P{rng.integers(0, 2**47):012x}",
        "eventType": event_type,
        "rank": rank,
        "name": f"{word} {others[0]}" if rank % 5 == 0 and others else word,
        "nameFlags": ["trigger"] if rank == 7 else [],
        "alternatives": others,
        "alternativeScores": scores.tolist(),
        "members": [rank, rank + 1],
        "visualItems": sorted(int(i) for i in rng.choice(1280, rng.integers(1, 4), replace=False)),
        "visualWeights": [1.0],
        "textItems": [rank // 2],
        "textWords": [word, *others[:3]],
        "count": count,
        "classCount": class_count,
        "support": class_count / counts.n_labelled,
        "confidence": class_count / count,
        "lift": class_count / count / (counts.n_members / counts.n_labelled),
        "pValue": float(10 ** -rng.uniform(1, 30)),
        "proven": rank % 9 != 0,
        "nEvidence": class_count,
        "nPhotoGroups": class_count,
        "role": role if rank % 2 else None,
        "roles": [{"role": role, "score": share}, {"role": "Target", "score": 1 - share}] if rank % 2 else [],
        "method": "ours",
    }


def _evidence(
    pattern: dict[str, Any], word: str, members: list[int], source: Source, rng: np.random.Generator
) -> list[dict[str, Any]]:
    rows = []
    for i in members:
        row = source.rows[i]
        index, caption = next((n, text) for n, text in enumerate(row["captions"]) if word in text.lower())
        start = caption.lower().index(word)
        width, height = rng.uniform(0.2, 0.6, 2) * source.size
        x, y = rng.uniform(0, 1, 2) * (source.size[0] - width, source.size[1] - height)
        rows.append(
            {
                "pattern": pattern["pattern"],
                "record": row["id"],
                "image": row["image"],
                "box": [float(x), float(y), float(x + width), float(y + height)],
                "caption": caption,
                "captionIndex": index,
                "start": start,
                "end": start + len(word),
                "score": float(rng.uniform(0, 4)),
                "group": i,
            }
        )
    return rows


def _records(rows: list[dict[str, Any]]) -> pa.Table:
    problems = {
        11: ("missing-image", "images/none.jpg is not in the corpus"),
        13: ("duplicate-id", "the id stands in line 4 already"),
    }
    table = [
        {
            "record": row["id"],
            "image": row["image"],
            "captions": row["captions"],
            "events": [row["event"]] if row["event"] else [],
            "credit": "A. Photographer",
            "licence": "CC BY 4.0",
            "where": f"captions.jsonl:{line}",
            "status": "bad" if line in problems else "ok",
            "code": problems.get(line, (None, None))[0],
            "reason": problems.get(line, (None, None))[1],
            "notes": ["no-caption"] if line % 40 == 0 else [],
        }
        for line, row in enumerate(rows, start=1)
    ]
    return pa.Table.from_pylist(table, schema=RECORDS)


def _labels(rows: list[dict[str, Any]]) -> pa.Table:
    table = [
        {
            "record": row["id"],
            "eventTypes": [row["event"]] if row["event"] else [],
            "code": "unknown-event" if i == 5 else None,
            "reason": "no event type is called 'Sprot'" if i == 5 else None,
        }
        for i, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(table, schema=LABELS)


def _images(rows: list[dict[str, Any]], size: tuple[int, int]) -> pa.Table:
    table = [
        {"record": row["id"], "width": size[0], "height": size[1], "status": "ok", "phash": "0" * 16, "row": i}
        for i, row in enumerate(rows)
    ]
    table.append(
        {
            "record": "broken",
            "status": "bad",
            "code": "truncated",
            "reason": "the file ends after 312 bytes",
            "row": None,
        }
    )
    return pa.Table.from_pylist(table, schema=IMAGES)

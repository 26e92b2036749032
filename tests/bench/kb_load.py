"""Seconds to build, write and load the bundle of an invented run: `python -m tests.bench.kb_load [--store URI]`.

4,814 pictures with five captions each, 300 patterns with 24 pieces of evidence each, unless told otherwise.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kb.asking.query import run_query
from kb.bundle import build_bundle, write_bundle
from kb.loading.load import load_bundle
from kb.store import open_store
from tests import kb_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.bundle import BundleInputs

N_ITEMS = 400
N_EVIDENCE = 24
EVENT_TYPES = ("Sport.Climbing", "Sport.Surfing")


@contextmanager
def timed(label: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"{label:>28} {time.perf_counter() - start:8.2f} s")  # noqa: T201 - a command


def invented_inputs(n_images: int, n_captions: int, n_patterns: int) -> BundleInputs:
    rng = random.Random(0)  # noqa: S311 - no secret
    words = ["".join(letters) for letters in product("bdfgklmnprst", "aeiou", "bdfgklmnprst", "ae")][: 3 * N_ITEMS]
    records = [f"sample_{i}" for i in range(n_images)]
    texts = {(r, i): " ".join(rng.choices(words, k=11)) for r in records for i in range(n_captions)}
    small = kb_run.small_inputs("large")
    tables: dict[str, list[dict[str, Any]]] = {
        "records": [kb_run.record_row(record) for record in records],
        "labels": [{"record": record, "eventTypes": [rng.choice(EVENT_TYPES)]} for record in records],
        "images": [{"record": r, "width": 640, "height": 480, "status": "ok", "row": i} for i, r in enumerate(records)],
        "captions": [_caption(record, text, index) for (record, index), text in texts.items()],
        "text_items": [{"textItem": i, "words": words[3 * i : 3 * i + 3], "count": 9} for i in range(N_ITEMS)],
        "patterns": [_pattern(rng, i) for i in range(n_patterns)],
        "evidence": [_evidence(rng, i, records, texts) for i in range(n_patterns) for _ in range(N_EVIDENCE)],
    }
    changed = {name: pa.Table.from_pylist(rows, schema=getattr(small, name).schema) for name, rows in tables.items()}
    return replace(small, groups=np.arange(n_images, dtype=np.int64), **changed)


def _caption(record: str, text: str, index: int) -> dict[str, Any]:
    row = kb_run.caption_row(record, text, index)
    return row | {"pos": ["NOUN" if i % 2 else "DET" for i in range(len(row["pos"]))]}


def _pattern(rng: random.Random, i: int) -> dict[str, Any]:
    filters, items = rng.sample(range(1280), 3), rng.sample(range(N_ITEMS), 2)
    return kb_run.pattern_row(
        f"P{i:012x}", EVENT_TYPES[i % 2], i // 2 + 1, f"name {i}", visualItems=filters, textItems=items
    )


def _evidence(rng: random.Random, i: int, records: list[str], texts: dict[tuple[str, int], str]) -> dict[str, Any]:
    record = rng.choice(records)
    return {
        "pattern": f"P{i:012x}", "record": record, "image": f"images/{record}.jpg", "box": [1.0, 2.0, 3.0, 4.0],
        "caption": texts[record, 0], "captionRecord": record, "captionIndex": 0, "start": 0, "end": 5,
        "score": rng.random(), "group": 0,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=4_814)
    parser.add_argument("--captions", type=int, default=5)
    parser.add_argument("--patterns", type=int, default=300)
    parser.add_argument("--store", action="append", default=[], help="also load into this one")
    args = parser.parse_args()
    inputs = invented_inputs(args.images, args.captions, args.patterns)
    with tempfile.TemporaryDirectory() as folder:
        with timed("build the bundle"):
            bundle = build_bundle(inputs)
        with timed("write the bundle"):
            rows = write_bundle(bundle, Path(folder, "bundle")).n_rows
        print(f"{'nodes and relationships':>28} {rows:8,}")  # noqa: T201 - a command
        for uri in [str(Path(folder, "kb")), *args.store]:
            measure_store(Path(folder), uri)


def measure_store(folder: Path, uri: str) -> None:
    print(uri if "://" in uri else "embedded")  # noqa: T201 - a command
    with timed("load"), open_store(uri) as store:
        load_bundle(folder, store)
    with timed("load again"), open_store(uri) as store:
        load_bundle(folder, store)
    with timed("open and ask @event-types"), open_store(uri) as store:
        run_query(store, "@event-types")
    with timed("open and ask @captions-like"), open_store(uri) as store:
        run_query(store, "@captions-like", {"text": "bade"})


if __name__ == "__main__":
    main()

"""Desks of the review page over invented runs of any size; `python -m tests.desks FOLDER` serves one.

Pictures are few and drawn; the many files of a large corpus are links to them.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from PIL import Image

from corpora.folder import locate
from corpora.images import ImageSource
from kb.ontology import EventType, Ontology, Role
from kb.review.log import DecisionLog
from kb.review.mined import Mined
from kb.review.session import Review
from miner.patterns.assemble import PATTERNS
from miner.patterns.evidence import EVIDENCE
from reports.review.desk import Desk, Export
from reports.review.photographs import Darkroom, HeatMap
from reports.review.server import listen, serve
from reports.review.shelf import Shelf
from tests.kb_run import pattern_row
from tests.pictures import draw_scene

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS = "car rope flag boat tyre tent bus dog horse ladder helmet banner drum sail net oar bench tower".split()  # noqa: SIM905
N_TYPES, N_PICTURES = 12, 24
SIZE = (320, 240)


@dataclass(frozen=True)
class DrawnTables:
    """Tables of a knowledge base that were made in memory."""

    tables: Mapping[str, pa.Table]

    def nodes(self, label: str) -> pa.Table:
        return self.tables[label]

    def relationships(self, kind: str) -> pa.Table:
        return self.tables[kind]


def drawn_desk(
    folder: Path, *, n_patterns: int = 24, n_images: int = 240, n_evidence: int = 16, caption: str = "", image: str = ""
) -> Desk:
    """Return a desk; its decisions are in `folder/decisions.jsonl`.

    Args:
        folder: For pictures and decisions.
        n_patterns: Patterns, evenly over the event types.
        n_images: Pictures of the corpus.
        n_evidence: Photographs that support each pattern.
        caption: What the caption of every second picture is instead of an ordinary one.
        image: Path of the first picture instead of its own.
    """
    types = [f"Drawn.Kind{number:02}" for number in range(N_TYPES)]
    paths = _draw_pictures(folder / "corpus", n_images)
    if image:
        paths[0] = image
    texts = [
        caption if caption and i % 2 == 0 else f"A {WORDS[i % 18]} beside a {WORDS[i % 7]} in the rain"
        for i in range(n_images)
    ]
    mined = _mine(types, paths, texts, n_patterns, n_evidence)
    shelf = Shelf(mined, DrawnTables(_tables(types, paths, texts)))
    source = ImageSource(locate(str(folder / "corpus"))[0])
    darkroom = Darkroom(shelf, source.open, _heat, folder / "patches", 10_000_000)
    review = Review(mined, DecisionLog(folder / "decisions.jsonl"), _ontology(types))
    exports = [Export("names", "accepted names", "names.txt", lambda path: _write_names(review, path))]
    return Desk(review, shelf, darkroom, "ana", {"other": lambda: mined}, exports)


def _heat(pattern: str, record: str) -> HeatMap:
    del pattern, record
    return HeatMap(np.eye(7, dtype=np.float32), (0.1, 0.0, 0.9, 1.0))


def _write_names(review: Review, path: Path) -> None:
    path.write_text(
        "\n".join(p.name for p in review.state.patterns.values() if p.status == "accepted"), encoding="utf-8"
    )


def _draw_pictures(corpus: Path, n_images: int) -> list[str]:
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "metadata.jsonl").write_text('{"file_name": "p000000.jpg"}\n')
    paths = [f"p{number:06}.jpg" for number in range(n_images)]
    for number, name in enumerate(paths):
        if (corpus / name).exists():
            continue
        if number < N_PICTURES:
            draw_scene(number, SIZE).convert("RGB").save(corpus / name, "JPEG", quality=80)
        else:
            os.link(corpus / paths[number % N_PICTURES], corpus / name)
    return paths


def _mine(types: list[str], paths: list[str], texts: list[str], n_patterns: int, n_evidence: int) -> Mined:
    rng = np.random.default_rng(0)
    rows, evidence = [], []
    for number in range(n_patterns):
        kind, rank = number % len(types), number // len(types) + 1
        word, other = WORDS[number % 18], WORDS[(number // 18) % 18]
        own = np.arange(kind, len(paths), len(types))
        chosen = rng.choice(own, min(n_evidence, len(own)), replace=False)
        rows.append(
            pattern_row(
                f"P{number:012x}", types[kind], rank, f"{word} {other}",
                alternatives=[f"{word} {other}", word, other], alternativeScores=[3.0, 2.0, 1.0],
                visualItems=[number % 500, 500 + number % 300], textItems=[number % 90], textWords=[word, other],
                nEvidence=len(chosen), nPhotoGroups=len(chosen), role="Thing", roles=[{"role": "Thing", "score": 0.7}],
            )
        )  # fmt: skip
        evidence += [_evidence(rows[-1]["pattern"], int(i), paths, texts, place) for place, i in enumerate(chosen)]
    return Mined(pa.Table.from_pylist(rows, PATTERNS), pa.Table.from_pylist(evidence, EVIDENCE), "drawn")


def _evidence(pattern: str, number: int, paths: list[str], texts: list[str], place: int) -> dict[str, Any]:
    return {
        "pattern": pattern, "record": f"r{number:06}", "image": paths[number], "box": [60.0, 50.0, 200.0, 190.0],
        "caption": texts[number], "captionRecord": f"r{number:06}", "captionIndex": 0, "start": 2, "end": 6,
        "score": 5.0 - place / 10, "group": number,
    }  # fmt: skip


def _tables(types: list[str], paths: list[str], texts: list[str]) -> dict[str, pa.Table]:
    n, records = len(paths), [f"r{number:06}" for number in range(len(paths))]
    images = {
        "record": records, "path": paths, "photoGroup": list(range(n)), "eventTypes": [[types[i % len(types)]] for i in range(n)],
        "width": [SIZE[0]] * n, "height": [SIZE[1]] * n, "imageHash": [path.rjust(16) for path in paths], "phash": ["0" * 16] * n,
        "credit": ["A. Photographer"] * n, "licence": ["CC BY 4.0"] * n,
    }  # fmt: skip
    counts = {
        "source": ["Corpus:drawn"] * len(types),
        "target": [f"EventType:{t}" for t in types],
        "nRecords": [n // len(types)] * len(types),
    }
    return {
        "Corpus": pa.table({"corpus": ["drawn <b>things</b>"]}),
        "Image": pa.table(images),
        "Caption": pa.table({"record": records, "caption": [0] * n, "text": texts}),
        "HAS_EVENT_TYPE": pa.table(counts),
    }


def _ontology(types: list[str]) -> Ontology:
    roles = (
        Role(name="Thing", fillers=("object",), definition="What is used."),
        Role(name="Place", fillers=("place",), definition="Where it happens."),
    )
    return Ontology(name="drawn", version="1", types=tuple(EventType(id=t, label=t, roles=roles) for t in types))


def write_picture(path: Path, size: tuple[int, int] = SIZE) -> None:
    """Write one grey picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 150)).save(path, "JPEG")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patterns", type=int, default=24)
    parser.add_argument("--images", type=int, default=240)
    arguments = parser.parse_args()
    desk = drawn_desk(arguments.folder, n_patterns=arguments.patterns, n_images=arguments.images)
    with listen() as listening:
        sys.stdout.write(f"{listening.address}\n")
        sys.stdout.flush()
        serve(desk, listening)


if __name__ == "__main__":
    main()

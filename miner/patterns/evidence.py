"""Where a pattern is in the pictures that support it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from PIL import Image
from scipy import ndimage

from miner.patterns.pictures import in_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from miner.patterns.candidates import Candidate
    from miner.patterns.detector import Detectors
    from miner.patterns.pictures import Float32s, Int64s, PatternInputs, Pictures
    from miner.visual.geometry import Box, Geometry

EVIDENCE = pa.schema(
    [
        pa.field("pattern", pa.string(), nullable=False),
        pa.field("record", pa.string(), nullable=False),
        pa.field("image", pa.string(), nullable=False),
        pa.field("box", pa.list_(pa.float64()), nullable=False),
        pa.field("caption", pa.string()),
        pa.field("captionRecord", pa.string()),
        pa.field("captionIndex", pa.int32()),
        pa.field("start", pa.int32()),
        pa.field("end", pa.int32()),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("group", pa.int64(), nullable=False),
    ]
)
"""One row per pattern and photo group that supports it: the representing picture, box in pixels of the upright original
(x0, y0, x1, y1), the words of the caption that say it (in a copy's caption where `captionRecord` differs from `record`) and
the detector's score in standard deviations."""

POINTS_PER_CELL = 8
"""Points of the upsampled heat map along each side of a cell."""

CUT = 0.5
"""Share of the maximum at which the heat map is cut."""


def find_evidence(patterns: Sequence[Candidate], detectors: Detectors, inputs: PatternInputs) -> list[dict[str, Any]]:
    """Box every pattern in the photo groups of its event type that support it, and find the words that say it.

    Args:
        patterns: What was kept.
        detectors: One per pattern.
        inputs: Pictures, votes and captions.

    Returns:
        Rows of `EVIDENCE`, by pattern, highest score first.
    """
    copies = _copies(inputs.picture_of)
    found = []
    for place, pattern in enumerate(patterns):
        pictures = np.unique(inputs.votes.picture[pattern.own])
        rows = [
            {
                "pattern": pattern.draft.pattern,
                "record": inputs.records[picture],
                "image": inputs.images[picture],
                "box": list(heat_box(cells, inputs.geometry(picture))),
                **_said(pattern.draft.text, inputs.records[picture], copies[picture], inputs),
                "score": float(score),
                "group": int(inputs.pictures.groups[picture]),
            }
            for picture, score, cells in _look(pictures, place, detectors, inputs.pictures)
        ]
        found.extend(sorted(rows, key=lambda row: (-row["score"], row["record"])))
    return found


def _look(rows: Int64s, place: int, detectors: Detectors, pictures: Pictures) -> Iterator[tuple[int, float, Float32s]]:
    """Yield each picture with the score of one pattern and its heat map."""
    one = detectors.select([place])
    for chunk in in_chunks(rows):
        scores = one.scores(pictures.pooled[chunk])[:, 0]
        yield from zip(chunk.tolist(), scores.tolist(), one.heat(pictures.projected[chunk], 0), strict=True)


def _copies(picture_of: Mapping[str, int]) -> dict[int, list[str]]:
    copies: dict[int, list[str]] = {}
    for record, picture in sorted(picture_of.items()):
        copies.setdefault(picture, []).append(record)
    return copies


def _said(text_items: Sequence[int], own: str, copies: Sequence[str], inputs: PatternInputs) -> dict[str, Any]:
    """Find the first words, in the picture's own captions or else a copy's, that say one of the text items."""
    for record in (own, *(copy for copy in copies if copy != own)):
        spans = inputs.spans(record, text_items)
        if spans:
            index, start, end, text = spans[0]
            return {"caption": text, "captionRecord": record, "captionIndex": index, "start": start, "end": end}
    return {"caption": None, "captionRecord": None, "captionIndex": None, "start": None, "end": None}


def heat_box(heat: Float32s, geometry: Geometry) -> Box:
    """Box the peak of a heat map.

    The map is upsampled bilinearly and cut at half of its maximum; the connected part around the maximum is boxed. Where
    nothing is above the mean cell, the box is that of the strongest cell.

    Args:
        heat: float32, (n_cells,), read row by row.
        geometry: Of the picture.

    Returns:
        In pixels of the upright original, inside the picture.
    """
    fine = _upsample(heat, geometry)
    if fine.max() <= 0:
        return geometry.cell_box(geometry.nearest_seen(int(heat.argmax())))
    parts, _ = ndimage.label(fine >= CUT * fine.max())
    rows, columns = np.nonzero(parts == parts.flat[fine.argmax()])
    edges = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) * geometry.stride / POINTS_PER_CELL
    x0, y0, x1, y1 = np.clip(edges, geometry.begin, geometry.input_size).tolist()
    return geometry.to_original((x0, y0, x1, y1))


def _upsample(heat: Float32s, geometry: Geometry) -> Float32s:
    """Spread a heat map over its cells; the outermost may reach beyond the input, where nothing is to be seen."""
    cells = np.ascontiguousarray(heat.reshape(geometry.grid, geometry.grid), dtype=np.float32)
    side = geometry.grid * POINTS_PER_CELL
    fine = np.asarray(Image.fromarray(cells).resize((side, side), Image.Resampling.BILINEAR))
    seen = math.ceil(geometry.input_size * POINTS_PER_CELL / geometry.stride)
    return fine[:seen, :seen]

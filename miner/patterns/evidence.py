"""Where a pattern is in the pictures that support it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from PIL import Image
from scipy import ndimage

if TYPE_CHECKING:
    from miner.patterns.pictures import Float32s
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

STEP = 4
"""Input pixels per point of the upsampled heat map."""

CUT = 0.5
"""Share of the maximum at which the heat map is cut."""


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
    peak = float(heat.max())
    if peak <= 0:
        return geometry.cell_box(int(heat.argmax()))
    side = geometry.input_size // STEP
    cells = np.ascontiguousarray(heat.reshape(geometry.grid, geometry.grid), dtype=np.float32)
    fine = np.asarray(Image.fromarray(cells).resize((side, side), Image.Resampling.BILINEAR))
    parts, _ = ndimage.label(fine >= CUT * fine.max())
    rows, columns = np.nonzero(parts == parts.flat[fine.argmax()])
    x0, y0, x1, y1 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return geometry.to_original((float(x0 * STEP), float(y0 * STEP), float(x1 * STEP), float(y1 * STEP)))

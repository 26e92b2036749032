"""Heat maps of evidence for the report: made anew from stored cells and detectors, never stored."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from miner.patterns.detector import Detectors
from miner.run.encoded import Encoded
from miner.store.formats import read_table, read_tensors
from miner.visual.geometry import geometry_of
from reports.inputs import Heat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from miner.store.artefact import Artefact
    from miner.visual.backbone import Backbone
    from miner.visual.geometry import View

DETECTORS = "detectors.safetensors"


class HeatMaps:
    """Gives the heat map of a pattern in the picture of a record.

    Args:
        artefacts: Of a finished run.
        backbone: The network of its cells.
        view: What of a picture they show.
    """

    def __init__(self, artefacts: Mapping[str, Artefact], backbone: Backbone, view: View) -> None:
        """Remember where cells and detectors are; nothing is read before it is asked for."""
        self._patterns, self._groups = artefacts["patterns"], artefacts["groups"]
        self._encoded = Encoded(artefacts["encode"])
        self._backbone, self._view = backbone, view

    def __call__(self, pattern: str, record: str) -> Heat | None:
        """Return it; none where the method has no detectors, or the picture was not encoded."""
        place, picture = self._places.get(pattern), self._pictures.get(record)
        if place is None or picture is None or self._detectors is None:
            return None
        row, width, height = picture
        cells = self._encoded.rows("projected", np.array([row]))[np.array([0])]
        geometry = geometry_of(width, height, self._backbone, self._view)
        heat = self._detectors.heat(cells, place)[0].reshape(geometry.grid, geometry.grid)
        levels = np.maximum(heat, 0) / max(float(heat.max()), 1e-6)
        return Heat(levels, geometry.frame)

    @cached_property
    def _places(self) -> dict[str, int]:
        patterns: list[str] = read_table(self._patterns.file("patterns.parquet"), ["pattern"])["pattern"].to_pylist()
        return {pattern: place for place, pattern in enumerate(patterns)}

    @cached_property
    def _detectors(self) -> Detectors | None:
        if DETECTORS not in self._patterns.files:
            return None
        return Detectors.from_tensors(read_tensors(self._patterns.file(DETECTORS)))

    @cached_property
    def _pictures(self) -> dict[str, tuple[int, int, int]]:
        """Row, width and height of every encoded picture, by record."""
        images = read_table(self._groups.file("images.parquet"), ["record", "row", "width", "height"])
        rows = images.filter(images["row"].is_valid()).to_pylist()
        return {row["record"]: (row["row"], row["width"], row["height"]) for row in rows}

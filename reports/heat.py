"""Heat maps over patches: what a pattern's detector does not look at is dimmed, so that they read without colour."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from reports.album import Album
    from reports.figures import Box
    from reports.gallery import Card
    from reports.inputs import ReportInputs

DARKEST = 215
"""Opacity, of 255, of the veil over what the detector does not look at at all."""


class Veil(NamedTuple):
    """A heat map as the page draws it: x, y, width and height in hundredths of the patch, and its pixels."""

    place: Box
    uri: str


def draw_veils(inputs: ReportInputs, cards: Iterable[Card], album: Album) -> Mapping[tuple[str, str], Veil]:
    """Draw the heat maps of the examples on cards, by pattern and record."""
    veils = {}
    for card in cards:
        for example in card.examples:
            plate = album.plates.get(example.cut)
            heat = inputs.heat(card.pattern, example.record) if plate and plate.reference else None
            place = plate.place(heat.box) if plate and heat else None
            if heat and place:
                veils[card.pattern, example.record] = Veil(place, veil_uri(heat.levels))
    return veils


def veil_uri(levels: NDArray[np.float32]) -> str:
    """Write a heat map as a data URI of a PNG, one pixel a cell: black, the less heat the more opaque.

    Args:
        levels: float32, (rows, columns), 0 to 1.
    """
    veil = np.zeros((*levels.shape, 2), dtype=np.uint8)
    veil[..., 1] = np.round(DARKEST * (1 - np.clip(levels, 0, 1)))
    buffer = io.BytesIO()
    Image.fromarray(veil, "LA").save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")

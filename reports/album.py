"""The pictures of a page: every patch cut and encoded once, together within a budget of bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reports.figures import Box, Cut, Patch, cut_patches, data_uri, encode_jpeg

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from PIL import Image

    from reports.inputs import ReportInputs

# All JPEGs of a page together; as base64 a third more, so that the whole page stays below 15 MB.
BUDGET_BYTES = 9_600_000
# Measured on news and Flickr photographs at quality 70, with a margin.
BYTES_PER_PIXEL = 0.24
QUALITIES = (70, 50, 35)
LEAST_SIDE, MOST_SIDE = 96, 176

Key = TypeVar("Key", bound="Hashable")


@dataclass(frozen=True)
class Plate:
    """A patch on the page.

    Attributes:
        reference: Id of its picture, empty where there is none.
        frame: x, y, width and height of the evidence box in hundredths of the patch, if there is one.
        note: Why there is no picture.
        window: What the patch shows, in upright original pixels.
    """

    reference: str
    frame: Box | None
    note: str
    window: Box | None = None

    def place(self, box: Box) -> Box | None:
        """Return x, y, width and height of a box of original pixels in hundredths of the patch, beyond which it may reach."""
        if self.window is None:
            return None
        left, top, right, _ = self.window
        x0, y0, x1, y1 = (
            100 * (edge - start) / (right - left) for edge, start in zip(box, (left, top, left, top), strict=True)
        )
        return (round(x0, 1), round(y0, 1), round(x1 - x0, 1), round(y1 - y0, 1))


@dataclass(frozen=True)
class Album:
    """All patches of a page, each picture once.

    Attributes:
        plates: How each patch is drawn.
        pictures: Data URI of each picture, by the id that plates refer to.
    """

    plates: Mapping[Cut, Plate]
    pictures: Mapping[str, str]


def build_album(inputs: ReportInputs, cuts: Sequence[Cut]) -> Album:
    """Cut and encode the patches a page shows, in the order of their first use."""
    order = list(dict.fromkeys(cuts))
    patches = cut_patches(order, inputs.open_image, inputs.decode, side=choose_side(len(order)))
    pictures = {cut: patch.picture for cut in order if (patch := patches[cut]).picture is not None}
    jpegs = encode_within(pictures, BUDGET_BYTES)
    references = {cut: f"i{number}" for number, cut in enumerate(jpegs, start=1)}
    plates = {cut: _plate(patches[cut], references.get(cut, "")) for cut in order}
    return Album(plates, {references[cut]: data_uri(jpeg) for cut, jpeg in jpegs.items()})


def choose_side(n_patches: int) -> int:
    """Choose the side of a patch, in pixels, so that `n_patches` ordinary ones fit into the budget."""
    pixels = BUDGET_BYTES / BYTES_PER_PIXEL / max(1, n_patches)
    return min(max(math.isqrt(int(pixels)) // 16 * 16, LEAST_SIDE), MOST_SIDE)


def encode_within(pictures: Mapping[Key, Image.Image], budget_bytes: int) -> dict[Key, bytes]:
    """Encode pictures at the best quality whose total fits the budget, or at the lowest if none does."""
    jpegs: dict[Key, bytes] = {}
    for quality in QUALITIES:
        jpegs = {key: encode_jpeg(picture, quality) for key, picture in pictures.items()}
        if sum(map(len, jpegs.values())) <= budget_bytes:
            break
    return jpegs


def _plate(patch: Patch, reference: str) -> Plate:
    if patch.frame is None:
        return Plate(reference, None, patch.note, patch.window)
    x0, y0, x1, y1 = patch.frame
    frame = (round(100 * x0, 1), round(100 * y0, 1), round(100 * (x1 - x0), 1), round(100 * (y1 - y0), 1))
    return Plate(reference, frame, patch.note, patch.window)

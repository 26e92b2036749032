"""The pictures of the review page: patches, whole photographs and heat maps.

Everything sent to a browser was decoded and drawn anew, so a file of the corpus can be no more than pixels; it is asked for
by the number of its row, so no path ever comes from outside. Patches are made when they are first looked at and kept on disk.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from miner.errors import ArtefactError, EventMinerError
from miner.store.fingerprint import digest_json
from miner.store.formats import write_bytes
from miner.visual.images import decode_image
from reports.figures import GREY, LEAST_WINDOW, MISSING, Cut, cut_patches, draw_frame, encode_jpeg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from reports.review.shelf import Shelf, Sighting

PATCH_SIDE = 176
"""Pixels; on a dense screen a patch of the sheet is some 150 points wide."""

PATCH_QUALITY, PHOTOGRAPH_QUALITY = 76, 84
MOST_SIDE = 1_400
HEAT_SIDE = 480
THUMB_SIDE = 240
DRAWING_VERSION = 1
"""Part of the key of a kept patch: raise it when patches are drawn otherwise."""


@dataclass(frozen=True)
class HeatMap:
    """Where a detector sees its pattern.

    Attributes:
        cells: float32, (grid, grid): scores, 0 for the mean cell.
        square: x0, y0, x1, y1 of the part of the upright picture that the cells tile, in shares of its width and height; it
            may reach beyond the right and lower edge.
    """

    cells: npt.NDArray[np.float32]
    square: tuple[float, float, float, float]


class HeatSource(Protocol):
    """Gives heat maps."""

    def __call__(self, pattern: str, record: str) -> HeatMap | None:
        """Return where a pattern shows in the picture of a record, or None where that is not known."""
        ...


def no_heat(pattern: str, record: str) -> None:
    """Know no heat map."""
    del pattern, record


@dataclass(frozen=True)
class Darkroom:
    """Draws the pictures of a corpus.

    Attributes:
        shelf: Says which picture a row means.
        open_image: From the path of a picture in the corpus to its bytes; refuses what is not in the corpus.
        heat: Where patterns show.
        kept: Folder for patches, or None to keep none.
        max_pixels: A larger picture is not decoded.
    """

    shelf: Shelf
    open_image: Callable[[str], bytes]
    heat: HeatSource
    kept: Path | None
    max_pixels: int

    def patch(self, sighting: Sighting) -> bytes:
        """Return the patch of a piece of evidence as JPEG, its box framed; a grey one that says so where there is none."""
        if sighting.picture < 0:
            return _blank((PATCH_SIDE, PATCH_SIDE), MISSING)
        return self._draw(sighting.picture, sighting.box, PATCH_SIDE)

    def thumbnail(self, picture: int) -> bytes:
        """Return the middle of a picture as JPEG."""
        return self._draw(picture, (), THUMB_SIDE)

    def photograph(self, picture: int) -> bytes:
        """Return a whole picture as JPEG, at most `MOST_SIDE` pixels along each side."""
        try:
            decoded = decode_image(self.open_image(self._path(picture)), max_pixels=self.max_pixels, min_side=MOST_SIDE)
        except (EventMinerError, OSError):
            return _blank((640, 480), MISSING)
        image = Image.fromarray(decoded.rgb)
        image.thumbnail((MOST_SIDE, MOST_SIDE), Image.Resampling.LANCZOS)
        return encode_jpeg(image, PHOTOGRAPH_QUALITY)

    def heat_map(self, sighting: Sighting) -> bytes:
        """Return the heat map of a piece of evidence as a transparent PNG to be laid over the whole picture."""
        found = self.heat(sighting.mined_for, sighting.record)
        width, height = self.size(sighting.picture)
        scale = HEAT_SIDE / max(width, height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        image = Image.new("RGBA", size) if found is None else draw_heat(found, size)
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return buffer.getvalue()

    def size(self, picture: int) -> tuple[int, int]:
        """Return width and height of the upright original in pixels, 4 by 3 where they are not known."""
        images = self.shelf.images
        width, height = images["width"][picture].as_py(), images["height"][picture].as_py()
        return (width, height) if width and height else (4, 3)

    def _path(self, picture: int) -> str:
        path: str | None = self.shelf.images["path"][picture].as_py()
        if not path:
            raise FileNotFoundError
        return path

    def _draw(self, picture: int, box: tuple[float, ...], side: int) -> bytes:
        images = self.shelf.images
        facts = [images[name][picture].as_py() for name in ("path", "imageHash", "phash")]
        key = digest_json([DRAWING_VERSION, side, *facts, list(box)])
        path = self.kept / key[:2] / f"{key}.jpg" if self.kept is not None else None
        if path is not None:
            try:
                return path.read_bytes()
            except OSError:
                pass
        jpeg, is_real = self._develop(facts[0] or "", box, side)
        if path is not None and is_real:
            _keep(path, jpeg)
        return jpeg

    def _develop(self, image: str, box: tuple[float, ...], side: int) -> tuple[bytes, bool]:
        cut = Cut(image, box)
        decode = partial(decode_image, max_pixels=self.max_pixels, min_side=round(side / LEAST_WINDOW))
        patch = cut_patches([cut], self.open_image, decode, side=side)[cut]
        if patch.picture is None:
            return _blank((side, side), patch.note), False
        if patch.frame is not None:
            draw_frame(ImageDraw.Draw(patch.picture), patch.frame, (0, 0), side)
        return encode_jpeg(patch.picture, PATCH_QUALITY), True


def draw_heat(heat: HeatMap, size: tuple[int, int]) -> Image.Image:
    """Draw a heat map: amber where the score is above that of the mean cell, up to red and opaque at its maximum.

    Args:
        heat: What to draw.
        size: Width and height of the drawing, in the proportions of the picture.
    """
    width, height = size
    x0, y0, x1, y1 = heat.square
    place = (round(x0 * width), round(y0 * height))
    extent = (max(1, round((x1 - x0) * width)), max(1, round((y1 - y0) * height)))
    cells = np.maximum(heat.cells, 0).astype(np.float32)
    cells /= max(float(cells.max()), 1e-6)
    fine = np.asarray(Image.fromarray(cells).resize(extent, Image.Resampling.BICUBIC)).clip(0, 1)
    rgba = np.empty((*fine.shape, 4), dtype=np.uint8)
    rgba[..., 0] = 255
    rgba[..., 1] = (200 * (1 - fine) ** 1.2).astype(np.uint8)
    rgba[..., 2] = 20
    rgba[..., 3] = (190 * fine**1.3).astype(np.uint8)
    drawing = Image.new("RGBA", size)
    drawing.paste(Image.fromarray(rgba, "RGBA"), place)
    return drawing


def _keep(path: Path, data: bytes) -> None:
    """Keep a patch; a disk that is full or must not be written only costs drawing it again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.access(path.parent, os.W_OK):
            write_bytes(path, data)
    except (OSError, ArtefactError):
        return


def _blank(size: tuple[int, int], note: str) -> bytes:
    image = Image.new("RGB", size, GREY)
    font = ImageFont.load_default(size=max(10, size[0] // 12))
    middle = (size[0] / 2, size[1] / 2)
    ImageDraw.Draw(image).text(middle, note.replace(" not ", "\nnot "), "white", font, "mm", align="center")
    return encode_jpeg(image, PATCH_QUALITY)

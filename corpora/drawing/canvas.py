"""A picture drawn at twice its size, so that edges come out smooth when it is halved.

All coordinates are pixels of the final picture, as floats; only this module knows of the doubling.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageChops, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corpora.drawing.colours import Colour

SCALE: Final = 2
Point = tuple[float, float]
Box = tuple[float, float, float, float]


Edge = tuple[float, float, float]
"""A level line: its height, its left end, its right end."""


def trapezoid(top: Edge, bottom: Edge) -> list[Point]:
    """List the corners of a figure between two level lines."""
    return [(top[1], top[0]), (top[2], top[0]), (bottom[2], bottom[0]), (bottom[1], bottom[0])]


def polar(centre: Point, radius: float, angle: float) -> Point:
    """Find the point at a distance and an angle (radians, clockwise from three o'clock) from a centre."""
    return centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)


class Canvas:
    """An RGBA picture and the pens that draw on it.

    Args:
        width: Width of the final picture, pixels.
        height: Height of the final picture, pixels.
        colour: Colour it is filled with; None leaves it transparent, for a thing that is pasted somewhere later.
    """

    def __init__(self, width: float, height: float, *, colour: Colour | None = None) -> None:
        """Make an empty picture."""
        size = (max(1, round(width * SCALE)), max(1, round(height * SCALE)))
        self.width = size[0] / SCALE
        self.height = size[1] / SCALE
        self.image = Image.new("RGBA", size, (0, 0, 0, 0) if colour is None else (*colour, 255))
        self._pen = ImageDraw.Draw(self.image)

    def at(self, *shares: Point) -> list[Point]:
        """Turn shares of width and height into points."""
        return [(x * self.width, y * self.height) for x, y in shares]

    def span(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Turn shares of width and height into a box."""
        return left * self.width, top * self.height, right * self.width, bottom * self.height

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        """Fill a polygon."""
        self._pen.polygon(_doubled(points), fill=(*fill, 255))

    def rect(self, box: Box, fill: Colour, *, radius: float = 0.0, edge: Colour | None = None) -> None:
        """Fill an upright rectangle, with round corners if asked, and a thin edge in another colour."""
        self._pen.rounded_rectangle(
            _sorted_box(box), radius * SCALE, fill=(*fill, 255), outline=None if edge is None else (*edge, 255)
        )

    def ellipse(self, box: Box, fill: Colour) -> None:
        """Fill an ellipse inscribed in a box."""
        self._pen.ellipse(_sorted_box(box), fill=(*fill, 255))

    def disc(self, centre: Point, radius: float, fill: Colour) -> None:
        """Fill a circle."""
        x, y = centre
        self.ellipse((x - radius, y - radius, x + radius, y + radius), fill)

    def line(self, points: Sequence[Point], fill: Colour, width: float = 1.0) -> None:
        """Draw a line through points."""
        self._pen.line(_doubled(points), fill=(*fill, 255), width=max(1, round(width * SCALE)), joint="curve")

    def arc(self, box: Box, start: float, end: float, fill: Colour, width: float = 1.0) -> None:
        """Draw part of an ellipse, from one angle to another in degrees, clockwise from three o'clock."""
        self._pen.arc(_sorted_box(box), start, end, fill=(*fill, 255), width=max(1, round(width * SCALE)))

    def shaded(self, points: Sequence[Point], top: Colour, bottom: Colour) -> None:
        """Fill a polygon with a colour that changes from its top to its bottom."""
        doubled = _doubled(points)
        left, upper = (int(min(axis)) for axis in zip(*doubled, strict=True))
        right, lower = (int(max(axis)) + 1 for axis in zip(*doubled, strict=True))
        size = (max(1, right - left), max(1, lower - upper))
        mask = Image.new("1", size, 0)
        ImageDraw.Draw(mask).polygon([(x - left, y - upper) for x, y in doubled], fill=1)
        self.image.paste(_gradient(top, bottom, size), (left, upper), mask)

    def band(self, top: float, bottom: float, first: Colour, last: Colour) -> None:
        """Fill the whole width between two heights with a vertical gradient."""
        upper, lower = round(top * SCALE), round(bottom * SCALE)
        self.image.paste(_gradient(first, last, (self.image.width, max(1, lower - upper))), (0, upper))

    def stamp(self, layer: Canvas, x: float, y: float) -> None:
        """Lay another canvas over this one, its top left corner at (x, y); what sticks out is cut off."""
        self.lay(layer.image, x, y)

    def lay(self, picture: Image.Image, x: float, y: float) -> None:
        """Lay a picture of doubled size over this one, its top left corner at (x, y)."""
        left, top = round(x * SCALE), round(y * SCALE)
        crop = (
            max(0, -left),
            max(0, -top),
            min(picture.width, self.image.width - left),
            min(picture.height, self.image.height - top),
        )
        if crop[0] < crop[2] and crop[1] < crop[3]:
            self.image.alpha_composite(picture.crop(crop), (left + crop[0], top + crop[1]))

    def veil(self, colour: Colour, alpha: np.ndarray, box: Box | None = None) -> None:
        """Blend one colour over a box, as strongly as `alpha` says.

        Args:
            colour: The colour.
            alpha: float, (rows, columns) of any size, 0 to 1; stretched over the box.
            box: Where; the whole picture if not given.
        """
        mask = Image.fromarray((np.clip(alpha, 0.0, 1.0) * 255).astype(np.uint8), "L")
        left, top, right, bottom = _sorted_box(box or (0, 0, self.width, self.height))
        size = (max(1, round(right - left)), max(1, round(bottom - top)))
        layer = Image.new("RGBA", size, (*colour, 0))
        layer.putalpha(mask.resize(size, Image.Resampling.BILINEAR))
        self.lay(layer, left / SCALE, top / SCALE)

    def grain(self, noise: np.ndarray, box: Box | None = None) -> None:
        """Lighten and darken a box by a field of levels around 0, leaving transparent parts transparent.

        Args:
            noise: float, (rows, columns) of any size, levels from -128 to 127; stretched over the box.
            box: Where; the whole picture if not given.
        """
        left, top, right, bottom = (round(edge) for edge in _sorted_box(box or (0, 0, self.width, self.height)))
        left, top, right, bottom = (
            max(0, left),
            max(0, top),
            min(right, self.image.width),
            min(bottom, self.image.height),
        )
        if left >= right or top >= bottom:
            return
        field = Image.fromarray((np.clip(noise, -128, 127) + 128).astype(np.uint8), "L")
        field = field.resize((right - left, bottom - top), Image.Resampling.BILINEAR)
        part = self.image.crop((left, top, right, bottom))
        same = Image.new("L", part.size, 128)
        self.image.paste(ImageChops.add(part, Image.merge("RGBA", (field, field, field, same)), 1.0, -128), (left, top))


def _gradient(top: Colour, bottom: Colour, size: tuple[int, int]) -> Image.Image:
    """Make a picture whose colour changes from its first row to its last."""
    share = np.linspace(0.0, 1.0, size[1])[:, None]
    column = np.full((size[1], 1, 4), 255, dtype=np.uint8)
    column[:, 0, :3] = np.array(top) * (1 - share) + np.array(bottom) * share
    return Image.fromarray(column, "RGBA").resize(size, Image.Resampling.NEAREST)


def _doubled(points: Sequence[Point]) -> list[Point]:
    return [(x * SCALE, y * SCALE) for x, y in points]


def _sorted_box(box: Box) -> Box:
    x0, y0, x1, y1 = box
    return min(x0, x1) * SCALE, min(y0, y1) * SCALE, max(x0, x1) * SCALE, max(y0, y1) * SCALE

"""Things of the road: cars, on their wheels or on their roofs, and traffic cones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from corpora.drawing.canvas import Canvas
from corpora.drawing.colours import GLASS, PAINT, Colour, pick, shade, vary

if TYPE_CHECKING:
    import numpy as np

    from corpora.drawing.canvas import Point


def draw_wheel(canvas: Canvas, centre: Point, radius: float) -> None:
    """Draw a wheel with tyre, rim and hub."""
    for share, colour in ((1.0, (22, 22, 24)), (0.64, (150, 152, 156)), (0.52, (90, 92, 96)), (0.2, (200, 200, 204))):
        canvas.disc(centre, radius * share, colour)


def draw_car(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a car from its side."""
    canvas = Canvas(width, height)
    paint = vary(rng, pick(rng, PAINT), 10)
    canvas.shaded(canvas.at((0.2, 0.46), (0.33, 0.08), (0.68, 0.08), (0.86, 0.46)), shade(paint, 1.1), paint)
    for pane in (
        ((0.26, 0.44), (0.35, 0.15), (0.5, 0.15), (0.5, 0.44)),
        ((0.53, 0.44), (0.53, 0.15), (0.66, 0.15), (0.79, 0.44)),
    ):
        canvas.shaded(canvas.at(*pane), shade(GLASS, 1.7), GLASS)
    body = canvas.at((0.01, 0.82), (0.02, 0.52), (0.2, 0.43), (0.86, 0.43), (0.98, 0.54), (0.99, 0.82))
    canvas.shaded(body, shade(paint, 1.15), shade(paint, 0.6))
    canvas.line(canvas.at((0.52, 0.44), (0.52, 0.82)), shade(paint, 0.5), width * 0.008)
    canvas.rect(canvas.span(0.56, 0.52, 0.62, 0.55), shade(paint, 0.4))
    canvas.ellipse(canvas.span(0.01, 0.53, 0.07, 0.64), (250, 240, 190))
    canvas.ellipse(canvas.span(0.94, 0.54, 0.99, 0.64), (200, 30, 30))
    for wheel in canvas.at((0.22, 0.82), (0.78, 0.82)):
        draw_wheel(canvas, wheel, height * 0.18)
    return canvas


def draw_overturned_car(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a car lying on its roof."""
    canvas = Canvas(width, height)
    car = draw_car(rng, width * 0.94, height * 0.86).image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    turned = car.rotate(float(rng.uniform(-9, 9)), Image.Resampling.BICUBIC, expand=True)
    canvas.lay(turned.resize(canvas.image.size, Image.Resampling.BILINEAR), 0, 0)
    return canvas


def draw_cones(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a row of three to five traffic cones."""
    canvas = Canvas(width, height)
    count = int(rng.integers(3, 6))
    for index in range(count):
        near = rng.uniform(0.8, 1.0)
        cone = _draw_cone(rng, width / count * 0.84, height * near * 0.95)
        canvas.stamp(cone, width * (index + 0.08) / count, height * near - cone.height)
    return canvas


def _draw_cone(rng: np.random.Generator, width: float, height: float) -> Canvas:
    canvas = Canvas(width, height)
    orange = vary(rng, (248, 96, 20), 6)
    white: Colour = (246, 246, 246)
    canvas.polygon(canvas.at((0, 1), (1, 1), (0.92, 0.9), (0.08, 0.9)), shade(orange, 0.7))
    for low, high, colour in ((0.06, 1.0, orange), (0.28, 0.48, white), (0.64, 0.8, white)):
        foot, top = 0.4 - 0.33 * low, 0.4 - 0.33 * high
        canvas.polygon(
            canvas.at((0.5 - foot, 1 - low), (0.5 + foot, 1 - low), (0.5 + top, 1 - high), (0.5 - top, 1 - high)),
            colour,
        )
        shadow = canvas.at(
            (0.5 + foot * 0.35, 1 - low), (0.5 + foot, 1 - low), (0.5 + top, 1 - high), (0.5 + top * 0.35, 1 - high)
        )
        canvas.polygon(shadow, shade(colour, 0.78))
    return canvas

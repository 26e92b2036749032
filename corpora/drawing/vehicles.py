"""Things with engines: cars, lorries for fires and for the sick, boats, helicopters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from corpora.drawing.canvas import Canvas
from corpora.drawing.colours import PAINT, Colour, pick, shade, vary
from corpora.drawing.people import draw_head

if TYPE_CHECKING:
    import numpy as np

GLASS: Colour = (60, 78, 96)
BLUE_LIGHT: Colour = (40, 110, 255)


def draw_wheel(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """Draw a wheel with tyre, rim and hub."""
    for share, colour in ((1.0, (22, 22, 24)), (0.64, (150, 152, 156)), (0.52, (90, 92, 96)), (0.2, (200, 200, 204))):
        canvas.disc((x, y), radius * share, colour)


def draw_car(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a car from its side."""
    canvas = Canvas(width, height)
    paint = vary(rng, pick(rng, PAINT), 10)
    low = height * 0.82
    canvas.shaded(
        [
            (width * 0.2, height * 0.46),
            (width * 0.33, height * 0.08),
            (width * 0.68, height * 0.08),
            (width * 0.86, height * 0.46),
        ],
        shade(paint, 1.1),
        paint,
    )
    canvas.shaded(
        [
            (width * 0.26, height * 0.44),
            (width * 0.35, height * 0.15),
            (width * 0.5, height * 0.15),
            (width * 0.5, height * 0.44),
        ],
        shade(GLASS, 1.7),
        GLASS,
    )
    canvas.shaded(
        [
            (width * 0.53, height * 0.44),
            (width * 0.53, height * 0.15),
            (width * 0.66, height * 0.15),
            (width * 0.79, height * 0.44),
        ],
        shade(GLASS, 1.7),
        GLASS,
    )
    canvas.shaded(
        [
            (width * 0.01, low),
            (width * 0.02, height * 0.52),
            (width * 0.2, height * 0.43),
            (width * 0.86, height * 0.43),
            (width * 0.98, height * 0.54),
            (width * 0.99, low),
        ],
        shade(paint, 1.15),
        shade(paint, 0.6),
    )
    canvas.line([(width * 0.52, height * 0.44), (width * 0.52, low)], shade(paint, 0.5), width * 0.008)
    canvas.rect((width * 0.56, height * 0.52, width * 0.62, height * 0.55), shade(paint, 0.4))
    canvas.ellipse((width * 0.01, height * 0.53, width * 0.07, height * 0.64), (250, 240, 190))
    canvas.ellipse((width * 0.94, height * 0.54, width * 0.99, height * 0.64), (200, 30, 30))
    for x in (0.22, 0.78):
        draw_wheel(canvas, width * x, low, height * 0.18)
    return canvas


def draw_overturned_car(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a car lying on its roof."""
    canvas = Canvas(width, height)
    car = draw_car(rng, width * 0.94, height * 0.86)
    turned = car.image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).rotate(
        float(rng.uniform(-9, 9)), Image.Resampling.BICUBIC, expand=True
    )
    canvas.lay(turned.resize(canvas.image.size, Image.Resampling.BILINEAR), 0, 0)
    return canvas


def _draw_light_bar(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    canvas.rect((x, y, x + width, y + height), BLUE_LIGHT, radius=height * 0.4)
    canvas.rect((x + width * 0.15, y + height * 0.2, x + width * 0.4, y + height * 0.6), (190, 220, 255))


def draw_ambulance(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw an ambulance: a white van with a chequered stripe, a red cross and blue lights."""
    canvas = Canvas(width, height)
    white = vary(rng, (242, 242, 238), 4)
    low, front = height * 0.84, width * 0.74
    canvas.shaded(
        [(width * 0.02, height * 0.1), (front, height * 0.1), (front, low), (width * 0.02, low)],
        white,
        shade(white, 0.82),
    )
    canvas.shaded(
        [
            (front, height * 0.24),
            (width * 0.86, height * 0.24),
            (width * 0.96, height * 0.54),
            (width * 0.99, height * 0.6),
            (width * 0.99, low),
            (front, low),
        ],
        white,
        shade(white, 0.8),
    )
    canvas.shaded(
        [
            (width * 0.77, height * 0.29),
            (width * 0.85, height * 0.29),
            (width * 0.93, height * 0.53),
            (width * 0.77, height * 0.53),
        ],
        shade(GLASS, 1.6),
        GLASS,
    )
    _draw_chequers(canvas, rng, front, height * 0.54, height * 0.68)
    canvas.line([(front, height * 0.12), (front, low)], shade(white, 0.6), width * 0.006)
    red: Colour = (214, 30, 36)
    x, y, arm = width * 0.3, height * 0.33, height * 0.15
    canvas.rect((x - arm, y - arm * 0.36, x + arm, y + arm * 0.36), red)
    canvas.rect((x - arm * 0.36, y - arm, x + arm * 0.36, y + arm), red)
    canvas.rect((width * 0.48, height * 0.2, width * 0.66, height * 0.44), shade(GLASS, 1.3), radius=2)
    _draw_light_bar(canvas, width * 0.58, height * 0.02, width * 0.2, height * 0.1)
    canvas.ellipse((width * 0.95, height * 0.62, width * 0.99, height * 0.72), (255, 244, 190))
    for centre in (0.2, 0.82):
        draw_wheel(canvas, width * centre, low, height * 0.15)
    return canvas


def _draw_chequers(canvas: Canvas, rng: np.random.Generator, front: float, top: float, bottom: float) -> None:
    first, second = (((232, 226, 40), (30, 130, 60)), ((255, 132, 20), (250, 250, 250)))[int(rng.integers(2))]
    step = (front - canvas.width * 0.02) / 9
    for row in range(2):
        for column in range(12):
            x = canvas.width * 0.02 + column * step
            if x + step < canvas.width:
                half = (bottom - top) / 2
                canvas.rect(
                    (x, top + row * half, x + step, top + (row + 1) * half), first if (row + column) % 2 else second
                )


def draw_fire_engine(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a red fire engine with shutters, a ladder and blue lights."""
    canvas = Canvas(width, height)
    red = vary(rng, (204, 28, 26), 6)
    low, front = height * 0.84, width * 0.7
    canvas.shaded(
        [(width * 0.02, height * 0.26), (front, height * 0.26), (front, low), (width * 0.02, low)],
        shade(red, 1.1),
        shade(red, 0.65),
    )
    canvas.shaded(
        [
            (front, height * 0.2),
            (width * 0.97, height * 0.2),
            (width * 0.99, height * 0.5),
            (width * 0.99, low),
            (front, low),
        ],
        shade(red, 1.15),
        shade(red, 0.7),
    )
    for x0, x1 in ((0.74, 0.83), (0.86, 0.96)):
        canvas.shaded(
            [
                (width * x0, height * 0.26),
                (width * x1, height * 0.26),
                (width * (x1 + 0.01), height * 0.5),
                (width * x0, height * 0.5),
            ],
            shade(GLASS, 1.7),
            GLASS,
        )
    for column in range(4):
        x = width * (0.06 + 0.155 * column)
        canvas.rect((x, height * 0.33, x + width * 0.13, height * 0.6), (176, 180, 184))
        for slat in range(6):
            y = height * (0.35 + 0.043 * slat)
            canvas.line([(x + 1, y), (x + width * 0.13 - 1, y)], (120, 124, 130), 0.6)
    canvas.rect((width * 0.02, height * 0.64, width * 0.99, height * 0.7), (244, 230, 60))
    canvas.rect((width * 0.02, height * 0.7, width * 0.99, height * 0.73), (244, 244, 244))
    _draw_ladder(canvas, (width * 0.02, height * 0.2), (width * 0.72, height * rng.uniform(0.02, 0.1)), height * 0.09)
    _draw_light_bar(canvas, width * 0.78, height * 0.1, width * 0.16, height * 0.1)
    for centre in (0.16, 0.3, 0.84):
        draw_wheel(canvas, width * centre, low, height * 0.145)
    return canvas


def _draw_ladder(canvas: Canvas, start: tuple[float, float], end: tuple[float, float], gap: float) -> None:
    steel: Colour = (206, 208, 212)
    for rung in range(15):
        share = rung / 14
        x, y = start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
        canvas.line([(x, y), (x, y + gap)], steel, 0.9)
    for rail in (0.0, gap):
        canvas.line([(start[0], start[1] + rail), (end[0], end[1] + rail)], steel, 1.6)


def draw_dinghy(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw an inflatable boat with rescuers in helmets and life vests."""
    canvas = Canvas(width, height)
    rubber = pick(rng, ((240, 110, 20), (232, 84, 24), (250, 140, 30)))
    crew = int(rng.integers(3, 5))
    for index in range(crew):
        x, radius = width * (0.24 + 0.54 * index / (crew - 1)), height * 0.09
        y = height * rng.uniform(0.14, 0.2)
        vest = pick(rng, ((250, 226, 40), (214, 36, 36)))
        canvas.shaded(
            [
                (x - radius * 1.5, y + radius),
                (x + radius * 1.5, y + radius),
                (x + radius * 1.7, height * 0.66),
                (x - radius * 1.7, height * 0.66),
            ],
            vest,
            shade(vest, 0.7),
        )
        canvas.line(
            [(x - radius * 1.4, y + radius * 2.6), (x + radius * 1.4, y + radius * 2.6)],
            (240, 240, 240),
            height * 0.025,
        )
        draw_head(canvas, rng, x, y, radius)
        canvas.shaded(
            [(x - radius, y), (x - radius * 0.7, y - radius), (x + radius * 0.7, y - radius), (x + radius, y)],
            (236, 240, 244),
            (170, 176, 184),
        )
    for top, bottom, light in ((0.52, 0.8, 1.15), (0.68, 0.98, 0.9)):
        canvas.rect(
            (width * 0.02, height * top, width * 0.98, height * bottom), shade(rubber, light), radius=height * 0.14
        )
        canvas.rect(
            (width * 0.06, height * (top + 0.03), width * 0.9, height * (top + 0.07)),
            shade(rubber, light * 1.35),
            radius=height * 0.02,
        )
    for share in (0.15, 0.38, 0.61, 0.84):
        canvas.rect((width * share, height * 0.56, width * (share + 0.03), height * 0.96), (40, 40, 44))
    canvas.line(
        [
            (width * 0.05, height * 0.74),
            (width * 0.3, height * 0.8),
            (width * 0.6, height * 0.75),
            (width * 0.95, height * 0.8),
        ],
        (244, 244, 244),
        height * 0.02,
    )
    return canvas


def draw_helicopter(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a helicopter from its side."""
    canvas = Canvas(width, height)
    paint = pick(rng, ((206, 34, 34), (236, 150, 24), (40, 70, 130), (60, 80, 60)))
    dark: Colour = (44, 44, 48)
    canvas.shaded(
        [
            (width * 0.5, height * 0.36),
            (width * 0.98, height * 0.3),
            (width * 0.98, height * 0.38),
            (width * 0.5, height * 0.58),
        ],
        shade(paint, 1.1),
        shade(paint, 0.7),
    )
    canvas.polygon(
        [(width * 0.92, height * 0.34), (width * 0.99, height * 0.1), (width * 0.999, height * 0.36)],
        shade(paint, 0.85),
    )
    canvas.ellipse((width * 0.12, height * 0.24, width * 0.6, height * 0.78), paint)
    canvas.ellipse((width * 0.16, height * 0.5, width * 0.56, height * 0.77), shade(paint, 0.75))
    canvas.shaded(
        [
            (width * 0.13, height * 0.5),
            (width * 0.18, height * 0.36),
            (width * 0.29, height * 0.29),
            (width * 0.3, height * 0.54),
        ],
        (170, 200, 220),
        GLASS,
    )
    canvas.rect((width * 0.34, height * 0.34, width * 0.42, height * 0.54), shade(GLASS, 1.3), radius=2)
    canvas.rect((width * 0.24, height * 0.57, width * 0.57, height * 0.62), (244, 244, 244))
    canvas.rect((width * 0.34, height * 0.1, width * 0.39, height * 0.28), dark)
    canvas.line(
        [
            (width * 0.0, height * rng.uniform(0.04, 0.14)),
            (width * 0.365, height * 0.1),
            (width * 0.76, height * rng.uniform(0.04, 0.14)),
        ],
        (70, 72, 76),
        height * 0.03,
    )
    for x in (0.24, 0.48):
        canvas.line([(width * x, height * 0.74), (width * (x - 0.02), height * 0.94)], dark, height * 0.03)
    canvas.line(
        [(width * 0.08, height * 0.9), (width * 0.12, height * 0.95), (width * 0.6, height * 0.95)], dark, height * 0.04
    )
    return canvas


def draw_cones(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a row of three to five traffic cones."""
    canvas = Canvas(width, height)
    count = int(rng.integers(3, 6))
    for index in range(count):
        near = rng.uniform(0.8, 1.0)
        tall, wide = height * near, width / count * 0.84
        x, foot = width * (index + 0.5) / count, height - rng.uniform(0, 1 - near) * height
        _draw_cone(canvas, rng, (x, foot), wide, tall * 0.95)
    return canvas


def _draw_cone(canvas: Canvas, rng: np.random.Generator, foot: tuple[float, float], wide: float, tall: float) -> None:
    x, y = foot
    orange = vary(rng, (248, 96, 20), 6)

    def half(share: float) -> float:
        return wide * (0.4 - 0.33 * share)

    canvas.polygon(
        [(x - wide / 2, y), (x + wide / 2, y), (x + wide * 0.42, y - tall * 0.09), (x - wide * 0.42, y - tall * 0.09)],
        shade(orange, 0.7),
    )
    for low, high, colour in ((0.06, 1.0, orange), (0.28, 0.48, (246, 246, 246)), (0.64, 0.8, (246, 246, 246))):
        canvas.polygon(
            [
                (x - half(low), y - tall * low),
                (x + half(low), y - tall * low),
                (x + half(high), y - tall * high),
                (x - half(high), y - tall * high),
            ],
            colour,
        )
        canvas.polygon(
            [
                (x + half(low) * 0.35, y - tall * low),
                (x + half(low), y - tall * low),
                (x + half(high), y - tall * high),
                (x + half(high) * 0.35, y - tall * high),
            ],
            shade(colour, 0.78),
        )

"""Things people carry, wave and speak from: placards, flags, lecterns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from corpora.drawing.canvas import Canvas, polar
from corpora.drawing.colours import Colour, pick, shade, vary

if TYPE_CHECKING:
    from corpora.drawing.canvas import Point

BOARDS: tuple[Colour, ...] = ((248, 248, 246), (244, 242, 236), (250, 246, 224))
INKS: tuple[Colour, ...] = ((16, 16, 20), (16, 16, 20), (150, 16, 24), (20, 34, 110))
BANDS: tuple[Colour, ...] = (
    (200, 24, 36),
    (240, 240, 240),
    (24, 60, 150),
    (20, 130, 70),
    (250, 204, 40),
    (26, 26, 28),
    (236, 120, 30),
    (90, 170, 224),
)
WOODS: tuple[Colour, ...] = ((122, 76, 42), (96, 58, 34), (150, 104, 62), (70, 46, 36))


def draw_placards(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw two to four hand-written boards held up on sticks."""
    canvas = Canvas(width, height)
    count = int(rng.integers(2, 5))
    for index in rng.permutation(count):
        board = _draw_board(rng, width / count * rng.uniform(0.98, 1.12), height * 0.66)
        x = width * (index + 0.5) / count
        y = board.height * 0.55 + rng.uniform(0, height * 0.15)
        canvas.line([(x, y), (x + rng.normal(0, width * 0.02), height)], (146, 106, 66), max(1.5, width * 0.02))
        turned = board.image.rotate(float(rng.normal(0, 5)), Image.Resampling.BICUBIC, expand=True)
        canvas.lay(turned, x - turned.width / 4, y - turned.height / 4)
    return canvas


def _draw_board(rng: np.random.Generator, width: float, most_height: float) -> Canvas:
    canvas = Canvas(width, min(most_height, width * rng.uniform(0.75, 1.0)))
    paper, ink = vary(rng, pick(rng, BOARDS), 4), pick(rng, INKS)
    canvas.rect((0, 0, canvas.width - 0.5, canvas.height - 0.5), paper, edge=shade(paper, 0.5))
    lines = int(rng.integers(3, 5))
    for line in range(lines):
        _scribble(canvas, rng, canvas.height * (line + 0.5) / lines, canvas.height / lines * 0.7, ink)
    return canvas


def _scribble(canvas: Canvas, rng: np.random.Generator, y: float, size: float, ink: Colour) -> None:
    """Write a line of strokes that look like capital letters and say nothing."""
    x, end = canvas.width * 0.1, canvas.width * rng.uniform(0.75, 0.92)
    step, pen = size * 0.72, max(1.0, size * 0.17)
    while x + step * 0.7 < end:
        if rng.random() < 0.85:
            corners = [
                (x + step * 0.7 * dx, y + size * (dy - 0.5))
                for dx, dy in rng.permutation(_CORNERS)[: int(rng.integers(3, 6))]
            ]
            canvas.line(corners, ink, pen)
        x += step


_CORNERS = np.array([(0, 0), (1, 0), (0, 1), (1, 1), (0, 0.5), (1, 0.5), (0.5, 0), (0.5, 1)])


def draw_flags(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a row of three to five flags waving from poles."""
    canvas = Canvas(width, height)
    count = int(rng.integers(3, 6))
    slot = width / count
    for index in range(count):
        x = slot * (index + 0.12)
        canvas.line([(x, height * 0.02), (x, height)], (206, 196, 160), max(1.5, width * 0.014))
        canvas.disc((x, height * 0.02 + 1), max(1.5, width * 0.013), (232, 190, 70))
        canvas.stamp(
            _draw_flag(rng, slot * 1.05, height * rng.uniform(0.38, 0.46)), x, height * rng.uniform(0.03, 0.07)
        )
    return canvas


def _draw_flag(rng: np.random.Generator, width: float, height: float) -> Canvas:
    rows, columns = max(6, round(height)), max(6, round(width))
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    phase, waves = rng.uniform(0, 6.3), rng.uniform(1.0, 1.8)
    angle = phase + waves * 2 * np.pi * x / columns
    lift = np.sin(angle) * 0.07 * rows * (0.3 + x / columns)
    v = (y - lift - 0.12 * rows) / (0.76 * rows)
    palette = np.array([BANDS[i] for i in rng.choice(len(BANDS), 3, replace=False)], dtype=np.float32)
    along = v if rng.random() < 0.5 else x / columns
    colours = palette[np.clip((along * 3).astype(np.int64), 0, 2)]
    if rng.random() < 0.4:
        colours[np.hypot((x / columns - 0.5) * 1.5, v - 0.5) < 0.2] = BANDS[int(rng.integers(len(BANDS)))]
    colours = colours * (0.82 + 0.2 * np.cos(angle))[..., None]
    layer = np.concatenate([np.clip(colours, 0, 255), ((v > 0) & (v < 1))[..., None] * 255.0], axis=2)
    canvas = Canvas(width, height)
    canvas.image.paste(
        Image.fromarray(layer.astype(np.uint8), "RGBA").resize(canvas.image.size, Image.Resampling.BILINEAR)
    )
    return canvas


def draw_lectern(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a wooden lectern with an emblem and a bunch of microphones."""
    canvas = Canvas(width, height)
    wood = vary(rng, pick(rng, WOODS), 8)
    _draw_microphones(canvas, rng, height * 0.36)
    canvas.shaded(canvas.at((0.12, 0.44), (0.88, 0.44), (0.8, 1), (0.2, 1)), wood, shade(wood, 0.55))
    for top, foot in ((0.2, 0.25), (0.77, 0.73)):
        canvas.line(canvas.at((top, 0.46), (foot, 1)), shade(wood, 0.7), width * 0.03)
    canvas.shaded(canvas.at((0, 0.36), (1, 0.36), (0.94, 0.45), (0.06, 0.45)), shade(wood, 1.35), wood)
    _draw_emblem(canvas, rng, (width * 0.5, height * 0.66), width * 0.17)
    return canvas


def _draw_emblem(canvas: Canvas, rng: np.random.Generator, centre: Point, radius: float) -> None:
    gold: Colour = (226, 186, 84)
    canvas.disc(centre, radius, gold)
    canvas.disc(centre, radius * 0.77, pick(rng, BANDS[2:4]))
    tips = [polar(centre, radius * (0.24 if corner % 2 else 0.6), (corner / 5 - 0.5) * math.pi) for corner in range(10)]
    canvas.polygon(tips, gold)


def _draw_microphones(canvas: Canvas, rng: np.random.Generator, top: float) -> None:
    width, size = canvas.width, canvas.width * 0.055
    for offset in np.linspace(-0.26, 0.26, int(rng.integers(3, 6))):
        foot = width * (0.5 + offset * 0.6)
        x, y = width * (0.5 + offset) + rng.normal(0, width * 0.02), top * rng.uniform(0.12, 0.45)
        stem = [(foot, top + 2), (foot + (x - foot) * 0.3, top * 0.6), (x, y)]
        canvas.line(stem, (52, 52, 56), max(1.0, width * 0.022))
        canvas.ellipse((x - size, y - size * 1.5, x + size, y + size * 1.5), (30, 30, 34))
        canvas.ellipse((x - size * 0.5, y - size * 1.2, x, y), (104, 104, 112))
        if rng.random() < 0.5:
            canvas.rect((x - size, y + size, x + size, y + size * 2.6), pick(rng, BANDS))

"""Things that come to help: ambulances, fire engines, rubber boats, helicopters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpora.drawing.canvas import Canvas
from corpora.drawing.cars import draw_wheel
from corpora.drawing.colours import GLASS, Colour, pick, shade, vary
from corpora.drawing.people import draw_head

if TYPE_CHECKING:
    import numpy as np

    from corpora.drawing.canvas import Box

RED: Colour = (214, 30, 36)
WHITE: Colour = (244, 244, 244)


def draw_ambulance(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw an ambulance: a white van with a chequered stripe, a red cross and blue lights."""
    canvas = Canvas(width, height)
    white = vary(rng, (242, 242, 238), 4)
    canvas.shaded(canvas.at((0.02, 0.1), (0.74, 0.1), (0.74, 0.84), (0.02, 0.84)), white, shade(white, 0.82))
    cab = canvas.at((0.74, 0.24), (0.86, 0.24), (0.96, 0.54), (0.99, 0.6), (0.99, 0.84), (0.74, 0.84))
    canvas.shaded(cab, white, shade(white, 0.8))
    canvas.shaded(canvas.at((0.77, 0.29), (0.85, 0.29), (0.93, 0.53), (0.77, 0.53)), shade(GLASS, 1.6), GLASS)
    _draw_chequers(canvas, rng)
    canvas.line(canvas.at((0.74, 0.12), (0.74, 0.84)), shade(white, 0.6), width * 0.006)
    _draw_cross(canvas, width * 0.3, height * 0.33, height * 0.15)
    canvas.rect(canvas.span(0.48, 0.2, 0.66, 0.44), shade(GLASS, 1.3), radius=2)
    _draw_light_bar(canvas, canvas.span(0.58, 0.02, 0.78, 0.12))
    canvas.ellipse(canvas.span(0.95, 0.62, 0.99, 0.72), (255, 244, 190))
    for wheel in canvas.at((0.2, 0.84), (0.82, 0.84)):
        draw_wheel(canvas, wheel, height * 0.15)
    return canvas


def _draw_cross(canvas: Canvas, x: float, y: float, arm: float) -> None:
    canvas.rect((x - arm, y - arm * 0.36, x + arm, y + arm * 0.36), RED)
    canvas.rect((x - arm * 0.36, y - arm, x + arm * 0.36, y + arm), RED)


def _draw_chequers(canvas: Canvas, rng: np.random.Generator) -> None:
    pairs: tuple[tuple[Colour, Colour], ...] = (((232, 226, 40), (30, 130, 60)), ((255, 132, 20), (250, 250, 250)))
    pair = pairs[int(rng.integers(2))]
    for row in range(2):
        for column in range(12):
            x, y = 0.02 + 0.08 * column, 0.54 + 0.07 * row
            canvas.rect(canvas.span(x, y, x + 0.08, y + 0.07), pair[(row + column) % 2])


def _draw_light_bar(canvas: Canvas, box: Box) -> None:
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    canvas.rect(box, (40, 110, 255), radius=height * 0.4)
    canvas.rect((left + width * 0.15, top + height * 0.2, left + width * 0.4, top + height * 0.6), (190, 220, 255))


def draw_fire_engine(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a red fire engine with shutters, a ladder and blue lights."""
    canvas = Canvas(width, height)
    red = vary(rng, (204, 28, 26), 6)
    canvas.shaded(canvas.at((0.02, 0.26), (0.7, 0.26), (0.7, 0.84), (0.02, 0.84)), shade(red, 1.1), shade(red, 0.65))
    cab = canvas.at((0.7, 0.2), (0.97, 0.2), (0.99, 0.5), (0.99, 0.84), (0.7, 0.84))
    canvas.shaded(cab, shade(red, 1.15), shade(red, 0.7))
    for left, right in ((0.74, 0.83), (0.86, 0.96)):
        pane = canvas.at((left, 0.26), (right, 0.26), (right + 0.01, 0.5), (left, 0.5))
        canvas.shaded(pane, shade(GLASS, 1.7), GLASS)
    for column in range(4):
        _draw_shutter(canvas, 0.06 + 0.155 * column)
    canvas.rect(canvas.span(0.02, 0.64, 0.99, 0.7), (244, 230, 60))
    canvas.rect(canvas.span(0.02, 0.7, 0.99, 0.73), WHITE)
    _draw_ladder(canvas, rng.uniform(0.02, 0.1))
    _draw_light_bar(canvas, canvas.span(0.78, 0.1, 0.94, 0.2))
    for wheel in canvas.at((0.16, 0.84), (0.3, 0.84), (0.84, 0.84)):
        draw_wheel(canvas, wheel, height * 0.145)
    return canvas


def _draw_shutter(canvas: Canvas, left: float) -> None:
    canvas.rect(canvas.span(left, 0.33, left + 0.13, 0.6), (176, 180, 184))
    for slat in range(6):
        y = 0.35 + 0.043 * slat
        canvas.line(canvas.at((left + 0.005, y), (left + 0.125, y)), (120, 124, 130), 0.6)


def _draw_ladder(canvas: Canvas, tip: float) -> None:
    """Draw a ladder along the roof, its far end at the height `tip`."""
    steel: Colour = (206, 208, 212)
    for rung in range(15):
        share = rung / 14
        x, y = 0.02 + 0.7 * share, 0.2 + (tip - 0.2) * share
        canvas.line(canvas.at((x, y), (x, y + 0.09)), steel, 0.9)
    for rail in (0.0, 0.09):
        canvas.line(canvas.at((0.02, 0.2 + rail), (0.72, tip + rail)), steel, 1.6)


def draw_dinghy(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw an inflatable boat with rescuers in helmets and life vests."""
    canvas = Canvas(width, height)
    rubber = pick(rng, ((240, 110, 20), (232, 84, 24), (250, 140, 30)))
    crew = int(rng.integers(3, 5))
    for index in range(crew):
        _draw_rescuer(canvas, rng, width * (0.24 + 0.54 * index / (crew - 1)), height * rng.uniform(0.14, 0.2))
    for top, bottom, light in ((0.52, 0.8, 1.15), (0.68, 0.98, 0.9)):
        canvas.rect(canvas.span(0.02, top, 0.98, bottom), shade(rubber, light), radius=height * 0.14)
        canvas.rect(canvas.span(0.06, top + 0.03, 0.9, top + 0.07), shade(rubber, light * 1.35), radius=height * 0.02)
    for left in (0.15, 0.38, 0.61, 0.84):
        canvas.rect(canvas.span(left, 0.56, left + 0.03, 0.96), (40, 40, 44))
    canvas.line(canvas.at((0.05, 0.74), (0.3, 0.8), (0.6, 0.75), (0.95, 0.8)), WHITE, height * 0.02)
    return canvas


def _draw_rescuer(canvas: Canvas, rng: np.random.Generator, x: float, y: float) -> None:
    size, low = canvas.height * 0.09, canvas.height * 0.66
    vest = pick(rng, ((250, 226, 40), (214, 36, 36)))
    chest = [(x - size * 1.5, y + size), (x + size * 1.5, y + size), (x + size * 1.7, low), (x - size * 1.7, low)]
    canvas.shaded(chest, vest, shade(vest, 0.7))
    canvas.line([(x - size * 1.4, y + size * 2.6), (x + size * 1.4, y + size * 2.6)], WHITE, size * 0.28)
    draw_head(canvas, rng, x, y, size)
    helmet = [(x - size, y), (x - size * 0.7, y - size), (x + size * 0.7, y - size), (x + size, y)]
    canvas.shaded(helmet, (236, 240, 244), (170, 176, 184))


def draw_helicopter(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a helicopter from its side."""
    canvas = Canvas(width, height)
    paint = pick(rng, ((206, 34, 34), (194, 28, 32), (216, 48, 30)))
    dark: Colour = (44, 44, 48)
    tail = canvas.at((0.5, 0.36), (0.98, 0.3), (0.98, 0.38), (0.5, 0.58))
    canvas.shaded(tail, shade(paint, 1.1), shade(paint, 0.7))
    canvas.polygon(canvas.at((0.92, 0.34), (0.99, 0.1), (0.999, 0.36)), shade(paint, 0.85))
    canvas.ellipse(canvas.span(0.12, 0.24, 0.6, 0.78), paint)
    canvas.ellipse(canvas.span(0.16, 0.5, 0.56, 0.77), shade(paint, 0.75))
    canvas.shaded(canvas.at((0.13, 0.5), (0.18, 0.36), (0.29, 0.29), (0.3, 0.54)), (170, 200, 220), GLASS)
    canvas.rect(canvas.span(0.34, 0.34, 0.42, 0.54), shade(GLASS, 1.3), radius=2)
    canvas.rect(canvas.span(0.24, 0.57, 0.57, 0.62), WHITE)
    canvas.rect(canvas.span(0.34, 0.1, 0.39, 0.28), dark)
    rotor = canvas.at((0.0, rng.uniform(0.04, 0.14)), (0.365, 0.1), (0.76, rng.uniform(0.04, 0.14)))
    canvas.line(rotor, (70, 72, 76), height * 0.03)
    for strut in (0.24, 0.48):
        canvas.line(canvas.at((strut, 0.74), (strut - 0.02, 0.94)), dark, height * 0.03)
    canvas.line(canvas.at((0.08, 0.9), (0.12, 0.95), (0.6, 0.95)), dark, height * 0.04)
    return canvas

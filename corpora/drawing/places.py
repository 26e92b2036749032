"""Places in which a scene happens: they fill the whole picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corpora.drawing.canvas import trapezoid
from corpora.drawing.colours import Colour, mix, pick, shade, vary
from corpora.drawing.nature import draw_ground, draw_hills, draw_sky, draw_tree, draw_water
from corpora.drawing.texture import fine_noise, smooth_noise
from corpora.drawing.town import draw_curtain, draw_house, draw_panels, draw_skyline, draw_table

if TYPE_CHECKING:
    from corpora.drawing.canvas import Canvas, Point

ASPHALT: tuple[Colour, ...] = ((104, 106, 110), (126, 122, 116), (90, 92, 98))
CARPETS: tuple[Colour, ...] = ((120, 40, 44), (70, 76, 90), (150, 130, 104), (96, 80, 66))
HOARDINGS: tuple[Colour, ...] = ((30, 60, 130), (200, 40, 40), (240, 240, 240), (20, 110, 70), (240, 190, 40))
GRASS: tuple[Colour, ...] = ((70, 124, 54), (92, 132, 60), (58, 106, 62), (120, 134, 66))


def draw_street(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a town street: sky, a row of houses, asphalt or paving."""
    horizon = canvas.height * rng.uniform(0.42, 0.56)
    draw_sky(canvas, rng, horizon)
    draw_skyline(canvas, rng, horizon + canvas.height * 0.03, canvas.height * 0.2, canvas.height * 0.46)
    draw_ground(canvas, rng, horizon + canvas.height * 0.03, vary(rng, pick(rng, ASPHALT)))
    kerb = horizon + canvas.height * rng.uniform(0.05, 0.09)
    canvas.rect((0, kerb, canvas.width, kerb + 2), (178, 176, 170))


def draw_road(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a country road that runs to the horizon between fields, with hills and a crash barrier."""
    width, height = canvas.width, canvas.height
    horizon = height * rng.uniform(0.36, 0.48)
    draw_sky(canvas, rng, horizon)
    draw_hills(canvas, rng, horizon)
    draw_ground(canvas, rng, horizon, vary(rng, pick(rng, GRASS)), rough=12)
    vanish, grey = width * rng.uniform(0.35, 0.65), vary(rng, pick(rng, ASPHALT))
    lanes = trapezoid((horizon, vanish - 4, vanish + 4), (height, -width * 0.25, width * 1.25))
    canvas.shaded(lanes, mix(grey, (190, 194, 198), 0.3), shade(grey, 0.85))
    canvas.grain(fine_noise(rng, (90, 120), 5), (0, horizon, width, height))
    for near in np.linspace(0.08, 0.95, 7):
        _draw_dash(canvas, (vanish, horizon), float(near))
    for share in (0.06, 0.1):
        canvas.line([(vanish, horizon), (width, horizon + height * (share + 0.08))], (196, 200, 204), 1.2)


def _draw_dash(canvas: Canvas, vanish: Point, near: float) -> None:
    x, y = vanish
    low, middle = canvas.height - y, canvas.width / 2 - x
    half, far = 3.2 * near, near**1.6
    close = far * 1.15
    top = (y + low * far, x + middle * far - half, x + middle * far + half)
    bottom = (y + low * close, x + middle * close - half, x + middle * close + half)
    canvas.polygon(trapezoid(top, bottom), (232, 230, 220))


def draw_flood(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a flooded village: houses and trees standing in water."""
    width, height = canvas.width, canvas.height
    horizon = height * rng.uniform(0.4, 0.52)
    draw_sky(canvas, rng, horizon)
    draw_hills(canvas, rng, horizon)
    draw_water(canvas, rng, horizon)
    for _ in range(int(rng.integers(3, 6))):
        size = height * rng.uniform(0.2, 0.34)
        house = draw_house(rng, size * 1.2, size) if rng.random() < 0.7 else draw_tree(rng, size * 1.1)
        x = rng.uniform(-0.1, 0.9) * width
        sunk = house.height * rng.uniform(0.62, 0.8)
        dry = house.image.crop((0, 0, house.image.width, int(sunk * 2)))
        canvas.lay(dry, x, horizon + height * 0.03 - sunk)
    gleam = np.clip(smooth_noise(rng, (20, 12), (18, 4)) * 0.3, 0, 0.4)
    canvas.veil((226, 230, 232), gleam, (0, horizon + height * 0.03, width, height))


def draw_village(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a village green: hills, houses, trees and grass."""
    width, height = canvas.width, canvas.height
    horizon = height * rng.uniform(0.4, 0.52)
    draw_sky(canvas, rng, horizon)
    draw_hills(canvas, rng, horizon)
    draw_ground(canvas, rng, horizon, vary(rng, pick(rng, GRASS)), rough=12)
    for _ in range(int(rng.integers(3, 6))):
        size = height * rng.uniform(0.18, 0.32)
        thing = draw_house(rng, size * 1.25, size) if rng.random() < 0.5 else draw_tree(rng, size * 1.2)
        canvas.stamp(thing, rng.uniform(-0.1, 0.95) * width, horizon + height * rng.uniform(0.02, 0.06) - thing.height)


def draw_hall(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a hall: curtain or panelled wall, ceiling lamps, carpet, sometimes a table."""
    width, height = canvas.width, canvas.height
    floor = height * rng.uniform(0.6, 0.74)
    (draw_curtain if rng.random() < 0.45 else draw_panels)(canvas, rng, floor)
    dusk = np.abs(np.linspace(-0.5, 0.5, 32))[None, :] * rng.uniform(0.3, 0.9)
    canvas.veil((0, 0, 0), dusk, (0, 0, width, floor))
    draw_ground(canvas, rng, floor, vary(rng, pick(rng, CARPETS)), rough=6)
    if rng.random() < 0.6:
        for share in np.linspace(0.1, 0.9, int(rng.integers(3, 7))):
            canvas.ellipse((width * share - 7, 2, width * share + 7, 8), (255, 246, 214))
    if rng.random() < 0.35:
        draw_table(canvas, rng, height * rng.uniform(0.84, 0.9))


def draw_pitch(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a stadium: stands full of people, hoardings, mown grass and chalk lines."""
    width, height = canvas.width, canvas.height
    horizon = height * rng.uniform(0.3, 0.42)
    _draw_stands(canvas, rng, horizon)
    grass = vary(rng, pick(rng, GRASS[:3]), 8)
    draw_ground(canvas, rng, horizon, grass, rough=6)
    vanish = rng.uniform(0.2, 0.8) * width
    _draw_stripes(canvas, rng, (vanish, horizon), grass)
    chalk = mix(grass, (250, 250, 250), 0.75)
    y = horizon + (height - horizon) * rng.uniform(0.15, 0.3)
    canvas.line([(0, y), (width, y + rng.normal(0, 3))], chalk, 1.4)
    x = vanish + rng.normal(0, width * 0.2)
    canvas.line([(x, y), (x + (x - vanish) * 1.5, height)], chalk, 1.8)
    middle = (height + y) / 2
    canvas.arc((x - width * 0.3, middle - height * 0.1, x + width * 0.3, middle + height * 0.12), 0, 360, chalk, 1.6)


def _draw_stripes(canvas: Canvas, rng: np.random.Generator, vanish: Point, grass: Colour) -> None:
    """Mow stripes of grass that run towards the viewer."""
    (x, horizon), width = vanish, canvas.width
    edges = np.linspace(-0.5, 0.5, int(rng.integers(8, 14)))
    for left, right in zip(edges[::2], edges[1::2], strict=False):
        far = (horizon, x + left * width * 1.3, x + right * width * 1.3)
        near = (canvas.height, x + left * width * 3.4, x + right * width * 3.4)
        canvas.shaded(trapezoid(far, near), shade(grass, 1.22), shade(grass, 0.96))


def _draw_stands(canvas: Canvas, rng: np.random.Generator, bottom: float) -> None:
    base = pick(rng, ((90, 96, 110), (120, 116, 116), (70, 80, 96)))
    canvas.band(0, bottom, shade(base, 0.7), base)
    canvas.grain(fine_noise(rng, (36, 90), 46), (0, bottom * 0.16, canvas.width, bottom))
    tint = pick(rng, ((190, 40, 40), (40, 70, 160), (220, 200, 60)))
    canvas.veil(tint, np.clip(fine_noise(rng, (36, 90), 0.5), 0, 0.55), (0, bottom * 0.16, canvas.width, bottom))
    x = 0.0
    while x < canvas.width:
        board = canvas.width * rng.uniform(0.12, 0.3)
        canvas.rect((x, bottom - canvas.height * 0.045, x + board, bottom), vary(rng, pick(rng, HOARDINGS)))
        x += board

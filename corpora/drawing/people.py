"""People: single figures, rows of heads, players."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpora.drawing.canvas import Canvas, trapezoid
from corpora.drawing.colours import CLOTHES, HAIR, SKIN, Colour, pick, shade, vary

if TYPE_CHECKING:
    import numpy as np

SUITS: tuple[Colour, ...] = ((32, 36, 50), (52, 52, 58), (26, 26, 28), (70, 64, 60), (96, 30, 40))


def draw_head(canvas: Canvas, rng: np.random.Generator, x: float, y: float, radius: float) -> None:
    """Draw a head seen from the front or, as often, from behind."""
    skin, hair = pick(rng, SKIN), vary(rng, pick(rng, HAIR), 8)
    canvas.ellipse((x - radius * 0.85, y - radius, x + radius * 0.85, y + radius * 1.15), hair)
    if rng.random() < 0.5:
        return
    canvas.ellipse((x - radius * 0.7, y - radius * 0.65, x + radius * 0.7, y + radius * 1.15), skin)
    for side in (-0.3, 0.3):
        canvas.disc((x + side * radius, y + radius * 0.1), max(0.4, radius * 0.1), (40, 30, 30))
    mouth = [(x - radius * 0.25, y + radius * 0.7), (x + radius * 0.25, y + radius * 0.7)]
    canvas.line(mouth, shade(skin, 0.6), radius * 0.12)


def draw_bust(canvas: Canvas, rng: np.random.Generator, x: float, y: float, radius: float) -> None:
    """Draw head and shoulders; (x, y) is the middle of the head."""
    cloth = vary(rng, pick(rng, CLOTHES))
    wide, neck, arm = radius * 2.1, y + radius * 1.1, y + radius * 1.9
    canvas.shaded(
        trapezoid((neck, x - radius * 0.6, x + radius * 0.6), (arm, x - wide * 0.9, x + wide * 0.9)), cloth, cloth
    )
    chest = trapezoid((arm, x - wide * 0.9, x + wide * 0.9), (y + radius * 4.2, x - wide, x + wide))
    canvas.shaded(chest, cloth, shade(cloth, 0.6))
    draw_head(canvas, rng, x, y, radius)


def draw_crowd(canvas: Canvas, rng: np.random.Generator, top: float, bottom: float, *, rows: int = 4) -> None:
    """Fill a strip of the picture with rows of people, small behind and large in front."""
    for row in range(rows):
        depth = (row + 1) / rows
        radius = (0.013 + 0.022 * depth) * canvas.height * rng.uniform(0.85, 1.15)
        y = top + (bottom - top) * (row + 0.3) / rows
        x = rng.uniform(-2, 1) * radius
        while x < canvas.width + radius:
            draw_bust(canvas, rng, x, y + rng.normal(0, radius * 0.5), radius * rng.uniform(0.85, 1.1))
            x += radius * rng.uniform(2.4, 4.6)


def draw_figure(rng: np.random.Generator, height: float, *, suit: bool = False) -> Canvas:
    """Draw one standing person, in working clothes or in a suit."""
    canvas = Canvas(height * 0.42, height)
    middle, wide = canvas.width / 2, height * 0.105
    upper = vary(rng, pick(rng, SUITS if suit else CLOTHES))
    lower = shade(upper, 0.9) if suit else vary(rng, pick(rng, SUITS))
    for side in (-1, 1):
        _draw_limbs(canvas, rng, side, upper, lower)
    shoulder, hip = height * 0.19, height * 0.52 + 2
    trunk = trapezoid((shoulder, middle - wide, middle + wide), (hip, middle - wide * 0.8, middle + wide * 0.8))
    canvas.shaded(trunk, upper, shade(upper, 0.7))
    if suit:
        low = shoulder + height * 0.13
        canvas.polygon(
            trapezoid((shoulder, middle - wide * 0.3, middle + wide * 0.3), (low, middle, middle)), (236, 236, 232)
        )
        canvas.line([(middle, shoulder + 1), (middle, low - 1)], pick(rng, CLOTHES), height * 0.016)
    draw_head(canvas, rng, middle, height * 0.094, height * 0.075)
    return canvas


def _draw_limbs(canvas: Canvas, rng: np.random.Generator, side: int, sleeve: Colour, trousers: Colour) -> None:
    """Draw the leg and the arm of one side: -1 left, 1 right."""
    middle, height = canvas.width / 2, canvas.height
    foot = middle + side * height * rng.uniform(0.02, 0.08)
    canvas.line([(middle + side * height * 0.035, height * 0.52), (foot, height * 0.96)], trousers, height * 0.075)
    canvas.ellipse((foot - height * 0.045, height * 0.94, foot + height * 0.045, height), (24, 22, 22))
    hand = (middle + side * height * rng.uniform(0.11, 0.19), height * rng.uniform(0.38, 0.52))
    canvas.line([(middle + side * height * 0.085, height * 0.21), hand], shade(sleeve, 0.85), height * 0.055)
    canvas.disc(hand, height * 0.027, pick(rng, SKIN))


def draw_player(rng: np.random.Generator, height: float, shirt: Colour) -> Canvas:
    """Draw one running player in shirt, shorts and socks."""
    canvas = Canvas(height * 0.7, height)
    middle, skin = canvas.width / 2, pick(rng, SKIN)
    chest = middle + rng.normal(0, 0.05) * height
    for side in (-1, 1):
        _draw_running_leg(canvas, rng, side, skin, shade(shirt, 0.9))
        elbow = (chest + side * height * rng.uniform(0.12, 0.2), height * rng.uniform(0.28, 0.38))
        hand = (elbow[0] + side * height * 0.04, elbow[1] + height * rng.uniform(-0.1, 0.1))
        canvas.line([(chest, height * 0.2), elbow, hand], skin, height * 0.045)
    thigh, waist, wide = height * 0.12, height * 0.1, height * 0.11
    shorts = trapezoid((height * 0.46, middle - waist, middle + waist), (height * 0.62, middle - thigh, middle + thigh))
    canvas.polygon(shorts, (238, 238, 238))
    trunk = trapezoid((height * 0.2, chest - wide, chest + wide), (height * 0.5, middle - waist, middle + waist))
    canvas.shaded(trunk, shirt, shade(shirt, 0.75))
    draw_head(canvas, rng, chest, height * 0.1, height * 0.07)
    return canvas


def _draw_running_leg(canvas: Canvas, rng: np.random.Generator, side: int, skin: Colour, sock: Colour) -> None:
    middle, height = canvas.width / 2, canvas.height
    knee = (middle + side * height * rng.uniform(0.06, 0.16), height * rng.uniform(0.68, 0.76))
    x, y = knee[0] + height * rng.normal(0, 0.08), height * rng.uniform(0.9, 0.97)
    canvas.line([(middle, height * 0.52), knee], skin, height * 0.075)
    canvas.line([knee, (x, y)], sock, height * 0.06)
    canvas.ellipse((x - height * 0.05, y - height * 0.015, x + height * 0.05, y + height * 0.03), (20, 20, 20))

"""Houses, lamps, benches, curtains: what stands about in towns and halls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpora.drawing.canvas import Canvas, trapezoid
from corpora.drawing.colours import GLASS, Colour, mix, pick, shade, vary

if TYPE_CHECKING:
    import numpy as np

    from corpora.drawing.canvas import Point

WALLS: tuple[Colour, ...] = (
    (196, 180, 156),
    (160, 120, 96),
    (206, 204, 196),
    (140, 146, 152),
    (178, 150, 120),
    (120, 96, 84),
    (214, 196, 150),
)
ROOFS: tuple[Colour, ...] = ((128, 62, 46), (86, 78, 76), (104, 84, 68), (66, 70, 80))


def draw_building(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a town house: wall, cornice, rows of windows, often shops below."""
    canvas = Canvas(width, height)
    wall = vary(rng, pick(rng, WALLS))
    canvas.shaded(canvas.at((0, 0), (1, 0), (1, 1), (0, 1)), wall, shade(wall, 0.85))
    canvas.rect(canvas.span(0, 0, 1, 0.03), shade(wall, 0.7))
    columns, rows = max(2, round(width / rng.uniform(14, 22))), max(2, round(height / rng.uniform(20, 30)))
    for row in range(rows):
        for column in range(columns):
            x, y = width * (column + 0.5) / columns, height * (0.06 + 0.92 * (row + 0.45) / rows)
            _draw_window(canvas, rng, (x, y), (width / columns * 0.5, height / rows * 0.55))
    if rng.random() < 0.5:
        top = height * (1 - 0.9 / rows)
        canvas.rect((0, top, width, height), shade(GLASS, rng.uniform(0.7, 1.1)))
        canvas.rect(
            (0, top, width, top + height * 0.05),
            vary(rng, pick(rng, ((150, 40, 40), (40, 90, 60), (50, 70, 120), (190, 160, 60)))),
        )
    return canvas


def _draw_window(canvas: Canvas, rng: np.random.Generator, centre: Point, size: Point) -> None:
    (x, y), (width, height) = centre, size
    pane = mix(GLASS, (230, 210, 150) if rng.random() < 0.2 else (160, 186, 210), rng.uniform(0, 0.6))
    canvas.rect((x - width / 2, y - height / 2, x + width / 2, y + height / 2), pane, edge=(226, 222, 214))
    canvas.line([(x, y - height / 2), (x, y + height / 2)], (226, 222, 214), 0.5)


def draw_house(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a small house with a pitched roof, a door and two windows."""
    canvas = Canvas(width, height)
    wall, roof = vary(rng, pick(rng, WALLS)), vary(rng, pick(rng, ROOFS))
    canvas.shaded(canvas.at((0.08, 0.4), (0.92, 0.4), (0.92, 1), (0.08, 1)), wall, shade(wall, 0.8))
    canvas.shaded(canvas.at((0, 0.44), (0.2, 0.06), (0.8, 0.06), (1, 0.44)), shade(roof, 1.15), roof)
    for row in range(5):
        y, inset = 0.12 + 0.065 * row, 0.17 - 0.034 * row
        canvas.line(canvas.at((inset, y), (1 - inset, y)), shade(roof, 0.8), 0.5)
    for x in (0.27, 0.73):
        _draw_window(canvas, rng, (width * x, height * 0.62), (width * 0.16, height * 0.2))
    canvas.rect(canvas.span(0.44, 0.58, 0.56, 1), shade(roof, 0.7))
    return canvas


def draw_skyline(canvas: Canvas, rng: np.random.Generator, foot: float, low: float, high: float) -> None:
    """Draw a closed row of town houses standing on `foot`, between `low` and `high` pixels tall."""
    x = -rng.uniform(0, 30)
    while x < canvas.width:
        width = canvas.width * rng.uniform(0.16, 0.34)
        height = rng.uniform(low, high)
        canvas.stamp(draw_building(rng, width, height), x, foot - height)
        x += width


def draw_lamp(rng: np.random.Generator, height: float) -> Canvas:
    """Draw a street lamp."""
    canvas = Canvas(height * 0.3, height)
    canvas.line(canvas.at((0.25, 1), (0.25, 0.04), (0.85, 0.04)), vary(rng, (62, 66, 70), 8), height * 0.018)
    canvas.ellipse(canvas.span(0.62, 0.03, 1, 0.075), (246, 236, 200))
    return canvas


def draw_bench(rng: np.random.Generator, width: float) -> Canvas:
    """Draw a park bench."""
    canvas = Canvas(width, width * 0.5)
    wood = vary(rng, (132, 92, 56))
    for top in (0.08, 0.22, 0.36, 0.56):
        canvas.rect(canvas.span(0, top, 1, top + 0.09), shade(wood, 1.2 - top))
    for left in (0.08, 0.88):
        canvas.rect(canvas.span(left, 0.1, left + 0.04, 1), (50, 50, 54))
    return canvas


def draw_curtain(canvas: Canvas, rng: np.random.Generator, bottom: float) -> None:
    """Hang a folded curtain over the whole width."""
    cloth = vary(rng, pick(rng, ((90, 24, 30), (30, 44, 84), (116, 96, 70), (60, 72, 66))), 8)
    fold = canvas.width / int(rng.integers(14, 22))
    x = 0.0
    while x < canvas.width:
        for step, light in ((0.0, 0.7), (0.3, 1.0), (0.55, 1.2), (0.8, 0.9)):
            canvas.rect((x + fold * step, 0, x + fold * (step + 0.3), bottom), shade(cloth, light))
        x += fold


def draw_panels(canvas: Canvas, rng: np.random.Generator, bottom: float) -> None:
    """Cover the whole width with a panelled wall."""
    wood = vary(rng, pick(rng, ((150, 116, 80), (190, 184, 170), (110, 82, 60), (170, 176, 182))), 8)
    canvas.band(0, bottom, shade(wood, 1.1), shade(wood, 0.85))
    count = int(rng.integers(3, 6))
    for column in range(count):
        left, right = canvas.width * (column + 0.1) / count, canvas.width * (column + 0.9) / count
        for top, low in ((0.08, 0.55), (0.62, 0.95)):
            canvas.rect((left, bottom * top, right, bottom * low), shade(wood, 0.96), edge=shade(wood, 0.68))


def draw_table(canvas: Canvas, rng: np.random.Generator, top: float) -> None:
    """Set a long table with glasses and papers before the viewer."""
    wood = vary(rng, pick(rng, ((120, 80, 50), (84, 56, 40), (160, 150, 140))), 8)
    board = trapezoid((top, canvas.width * 0.06, canvas.width * 0.94), (canvas.height, 0, canvas.width))
    canvas.shaded(board, shade(wood, 1.2), shade(wood, 0.8))
    for _ in range(int(rng.integers(4, 9))):
        x, y = rng.uniform(0.1, 0.85) * canvas.width, rng.uniform(top + 3, canvas.height - 6)
        if rng.random() < 0.5:
            canvas.polygon([(x, y), (x + 14, y - 1), (x + 17, y + 6), (x - 1, y + 7)], (240, 240, 236))
        else:
            canvas.rect((x, y - 8, x + 5, y), (200, 220, 230), edge=(150, 170, 180))

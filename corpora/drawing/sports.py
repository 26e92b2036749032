"""Things of the playing field: goals, balls, cups, score boards."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from corpora.drawing.canvas import Canvas, polar
from corpora.drawing.colours import Colour, shade, vary

if TYPE_CHECKING:
    from corpora.drawing.canvas import Point

WHITE: Colour = (246, 246, 246)
BLACK: Colour = (26, 26, 30)


def draw_goal(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a goal: white frame and net."""
    canvas = Canvas(width, height)
    post = max(2.0, height * 0.045)
    left, right, top = post, width - post, post
    back = (width * rng.uniform(0.08, 0.16), width * rng.uniform(0.84, 0.92))
    mesh: Colour = (214, 218, 220)
    _draw_mesh(
        canvas,
        ((left, top), (right, top), (back[1], height * 0.92), (back[0], height * 0.92)),
        int(rng.integers(14, 19)),
        mesh,
    )
    _draw_mesh(
        canvas, ((left, top), (back[0], height * 0.3), (back[0], height * 0.92), (left, height)), 7, shade(mesh, 0.9)
    )
    _draw_mesh(
        canvas, ((right, top), (back[1], height * 0.3), (back[1], height * 0.92), (right, height)), 7, shade(mesh, 0.9)
    )
    canvas.line([(left, height), (left, top), (right, top), (right, height)], WHITE, post)
    return canvas


def _draw_mesh(canvas: Canvas, corners: tuple[Point, Point, Point, Point], cells: int, colour: Colour) -> None:
    """Draw a grid of cords in a four-sided figure given clockwise from its top left corner."""
    a, b, c, d = (np.array(corner) for corner in corners)
    for share in np.linspace(0.0, 1.0, cells):
        for start, end in ((a + (b - a) * share, d + (c - d) * share), (a + (d - a) * share, b + (c - b) * share)):
            canvas.line([(float(start[0]), float(start[1])), (float(end[0]), float(end[1]))], colour, 0.5)


def draw_football(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a football of black and white patches."""
    canvas = Canvas(width, height)
    x, y, radius = width / 2, height / 2, min(width, height) * 0.48
    for share, level in ((1.0, 178), (0.94, 214), (0.84, 240)):
        canvas.disc(
            (x - (1 - share) * radius * 0.6, y - (1 - share) * radius * 0.6), radius * share, (level, level, level)
        )
    turn = rng.uniform(0, 2 * math.pi)
    corners = [turn + corner * 2 * math.pi / 5 for corner in range(5)]
    canvas.polygon([polar((x, y), radius * 0.32, corner) for corner in corners], BLACK)
    for corner in corners:
        seam = [polar((x, y), radius * share, corner) for share in (0.32, 0.68)]
        canvas.line(seam, (60, 60, 64), max(0.8, radius * 0.04))
        rim = ((0.68, 0.0), (0.84, 0.3), (0.985, 0.2), (0.985, -0.2), (0.84, -0.3))
        canvas.polygon([polar((x, y), radius * share, corner + swing) for share, swing in rim], BLACK)
    return canvas


def draw_trophy(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a golden cup with two handles on a dark foot."""
    canvas = Canvas(width, height)
    metal = vary(rng, (230, 186, 60), 7)
    for left in (0.04, 0.62):
        canvas.arc(canvas.span(left, 0.08, left + 0.34, 0.46), 0, 360, shade(metal, 0.75), width * 0.055)
    right_side = ((0.8, 0.03), (0.77, 0.32), (0.66, 0.5), (0.55, 0.57), (0.55, 0.7), (0.66, 0.76))
    left_side = tuple((1 - x, y) for x, y in reversed(right_side))
    canvas.shaded(canvas.at(*right_side, *left_side), shade(metal, 1.1), shade(metal, 0.6))
    canvas.polygon(canvas.at((0.28, 0.07), (0.38, 0.07), (0.4, 0.46), (0.33, 0.36)), shade(metal, 1.4))
    canvas.polygon(canvas.at((0.7, 0.07), (0.77, 0.07), (0.74, 0.33), (0.64, 0.48)), shade(metal, 0.62))
    canvas.ellipse(canvas.span(0.2, 0, 0.8, 0.07), shade(metal, 0.8))
    canvas.ellipse(canvas.span(0.24, 0.012, 0.76, 0.058), shade(metal, 0.45))
    canvas.shaded(canvas.at((0.28, 0.76), (0.72, 0.76), (0.78, 1), (0.22, 1)), (74, 50, 36), (30, 20, 16))
    canvas.rect(canvas.span(0.38, 0.83, 0.62, 0.93), shade(metal, 0.9))
    return canvas


def draw_scoreboard(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a dark score board with glowing digits."""
    canvas = Canvas(width, height)
    for x in (0.22, 0.78):
        canvas.rect((width * x - width * 0.02, height * 0.7, width * x + width * 0.02, height), (90, 92, 96))
    canvas.rect(canvas.span(0, 0, 1, 0.8), (18, 20, 26), radius=2, edge=(120, 120, 126))
    lamp = ((255, 190, 30), (255, 70, 40), (90, 255, 110))[int(rng.integers(3))]
    for x in (0.08, 0.26, 0.6, 0.78):
        _draw_digit(canvas, canvas.span(x, 0.28, x + 0.13, 0.72), int(rng.integers(10)), lamp)
    for y in (0.42, 0.58):
        canvas.disc((width * 0.495, height * y), width * 0.018, lamp)
    for x in (0.08, 0.6):
        canvas.rect(canvas.span(x, 0.08, x + 0.31, 0.18), (210, 214, 220))
    return canvas


_SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcfgd")


def _draw_digit(canvas: Canvas, box: tuple[float, float, float, float], digit: int, colour: Colour) -> None:
    x0, y0, x1, y1 = box
    middle = (y0 + y1) / 2
    lines: dict[str, list[Point]] = {
        "a": [(x0, y0), (x1, y0)],
        "b": [(x1, y0), (x1, middle)],
        "c": [(x1, middle), (x1, y1)],
        "d": [(x0, y1), (x1, y1)],
        "e": [(x0, middle), (x0, y1)],
        "f": [(x0, y0), (x0, middle)],
        "g": [(x0, middle), (x1, middle)],
    }
    for segment in _SEGMENTS[digit]:
        canvas.line(lines[segment], colour, (x1 - x0) * 0.22)

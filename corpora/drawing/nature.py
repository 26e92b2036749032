"""Sky, clouds, trees, hills, water and grass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corpora.drawing.canvas import Canvas
from corpora.drawing.colours import Colour, mix, pick, shade, vary
from corpora.drawing.texture import fractal_noise, smooth_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((84, 140, 206), (190, 216, 236)),
    ((150, 164, 180), (210, 214, 216)),
    ((70, 92, 140), (238, 178, 130)),
    ((176, 182, 186), (226, 226, 222)),
    ((40, 52, 84), (112, 120, 144)),
)
LEAVES: tuple[Colour, ...] = ((54, 92, 44), (76, 110, 52), (42, 74, 48), (128, 112, 48))


def draw_sky(canvas: Canvas, rng: np.random.Generator, horizon: float) -> None:
    """Fill the picture down to the horizon with a sky, half of them cloudy."""
    high, low = SKIES[int(rng.integers(len(SKIES)))]
    canvas.band(0, horizon, vary(rng, high, 8), vary(rng, low, 8))
    if rng.random() < 0.6:
        field = fractal_noise(rng, (60, 90), (4, 4), octaves=4)
        canvas.veil((250, 250, 252), np.clip(field * 0.55 - 0.15, 0.0, 0.85), (0, 0, canvas.width, horizon))


def draw_ground(
    canvas: Canvas, rng: np.random.Generator, horizon: float, colour: Colour, *, rough: float = 9.0
) -> None:
    """Fill the picture below the horizon with ground, rougher towards the viewer."""
    canvas.band(horizon, canvas.height, mix(colour, (190, 194, 198), 0.25), shade(colour, 0.82))
    bumps = _receding(fractal_noise(rng, (80, 110), (10, 14), octaves=4))
    canvas.grain(bumps * rough, (0, horizon, canvas.width, canvas.height))


def draw_water(canvas: Canvas, rng: np.random.Generator, horizon: float) -> None:
    """Fill the picture below the horizon with muddy or blue water and its ripples."""
    colour = vary(rng, pick(rng, ((118, 100, 72), (96, 104, 92), (84, 106, 120))), 8)
    canvas.band(horizon, canvas.height, mix(colour, (210, 216, 220), 0.45), colour)
    rows = _receding(smooth_noise(rng, (90, 60), (60, 7)) + 0.5 * smooth_noise(rng, (90, 60), (90, 16)))
    canvas.grain(rows * 13, (0, horizon, canvas.width, canvas.height))


def draw_hills(canvas: Canvas, rng: np.random.Generator, horizon: float) -> None:
    """Draw two ranges of hills on the horizon."""
    for distance in (1.0, 0.45):
        colour = mix(vary(rng, pick(rng, LEAVES)), (170, 186, 200), 0.65 * distance)
        line = smooth_noise(rng, (1, 24), (1, 6))[0] * canvas.height * 0.05 - canvas.height * 0.09 * distance
        across = np.linspace(0, canvas.width, 24)
        crest = [(float(x), horizon + float(min(dy, -1.0))) for x, dy in zip(across, line, strict=True)]
        canvas.polygon([(0.0, horizon + 1), *crest, (canvas.width, horizon + 1)], colour)


def draw_tree(rng: np.random.Generator, height: float) -> Canvas:
    """Draw a broad-leaved tree."""
    canvas = Canvas(height * 0.75, height)
    bark = vary(rng, (84, 62, 44), 8)
    canvas.polygon(canvas.at((0.45, 1), (0.47, 0.5), (0.53, 0.5), (0.55, 1)), bark)
    leaf = vary(rng, pick(rng, LEAVES), 8)
    for _ in range(26):
        radius = height * rng.uniform(0.08, 0.15)
        x, y = canvas.width / 2 + rng.normal(0, height * 0.12), height * 0.32 + rng.normal(0, height * 0.1)
        light = 1.25 - 0.9 * (y / height) + rng.normal(0, 0.08)
        canvas.disc((x, max(radius, y)), radius, shade(leaf, light))
    canvas.grain(fractal_noise(rng, (40, 30), (20, 16), octaves=2) * 14)
    return canvas


def _receding(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squeeze a field upwards, as a plane looks that runs away from the viewer."""
    rows = field.shape[0]
    steps = np.linspace(0.0, 1.0, rows) ** 0.45
    strength = np.linspace(0.25, 1.0, rows, dtype=np.float32)[:, None]
    receding: NDArray[np.float32] = field[(steps * (rows - 1)).astype(np.int64)] * strength
    return receding

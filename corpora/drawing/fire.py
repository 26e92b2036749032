"""Flames, smoke, burning tyres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from corpora.drawing.canvas import Canvas
from corpora.drawing.texture import fractal_noise, smooth_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEAT = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
_HEAT_COLOURS = np.array([[110, 16, 4], [214, 62, 10], [252, 134, 22], [255, 208, 74], [255, 250, 206]])


def draw_flames(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a fire: tongues of noise that cool from white at the foot to red at the tips."""
    rows, columns = max(8, round(height)), max(8, round(width))
    heat = _flame_heat(rng, rows, columns)
    layer = np.empty((rows, columns, 4), dtype=np.uint8)
    for channel in range(3):
        layer[..., channel] = np.interp(heat, _HEAT, _HEAT_COLOURS[:, channel])
    layer[..., 3] = np.clip(heat * 5.0, 0.0, 1.0) * 255
    return _enlarged(layer, width, height)


def _flame_heat(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.floating]:
    across = np.linspace(-1.0, 1.0, columns, dtype=np.float32)
    up = np.linspace(1.0, 0.0, rows, dtype=np.float32)[:, None]
    tongues = 0.68 + 0.34 * smooth_noise(rng, (1, columns), (1, int(rng.integers(5, 8))))
    reach = np.clip(tongues, 0.2, 1.0) * (1.0 - np.abs(across) ** 3)
    sway = (smooth_noise(rng, (rows, columns), (6, 5)) * 0.06 * columns * up).astype(np.int64)
    reach = np.take_along_axis(
        np.broadcast_to(reach, (rows, columns)), np.clip(np.arange(columns) + sway, 0, columns - 1), axis=1
    )
    licks = 0.2 * fractal_noise(rng, (rows, columns), (5, 7))
    return np.clip(1.15 * (reach - up) / (reach + 0.05) + licks * (0.35 + up), 0.0, 1.0) * (reach > up * 0.98)


def draw_smoke(rng: np.random.Generator, width: float, height: float, *, dark: float = 0.25) -> Canvas:
    """Draw a plume that widens upwards out of overlapping billows.

    Args:
        rng: Source of randomness.
        width: Width, pixels.
        height: Height, pixels.
        dark: Lightness of the shaded side, 0 black to 1 white.
    """
    rows, columns = max(8, round(height)), max(8, round(width))
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    light = np.full((rows, columns), dark * 255, dtype=np.float32)
    alpha = np.zeros((rows, columns), dtype=np.float32)
    lean = rng.normal(0, 0.12)
    for height_up in np.linspace(0.94, 0.14, 22):
        spread = 0.07 + 0.2 * (1.0 - height_up)
        radius = spread * columns * rng.uniform(0.75, 1.25)
        centre_x = columns * (0.5 + lean * (1.0 - height_up) + rng.normal(0, spread * 0.55))
        centre_y = rows * height_up + rng.normal(0, 0.02) * rows
        distance = np.hypot(x - centre_x, (y - centre_y) * 1.1) / radius
        billow = np.clip((1.0 - distance) * 3.0, 0.0, 1.0)
        glow = (dark + 0.35 * np.clip(0.5 - (x - centre_x + 1.3 * (y - centre_y)) / (3 * radius), 0.0, 1.0)) * 255
        light += (glow - light) * billow
        alpha = np.maximum(alpha, billow)
    light += 16 * fractal_noise(rng, (rows, columns), (8, 8))
    alpha *= np.clip(0.92 + 0.1 * fractal_noise(rng, (rows, columns), (6, 6)), 0.0, 1.0)
    layer = np.repeat(np.clip(light, 0, 255)[..., None], 4, axis=2)
    layer[..., 3] = alpha * 255
    return _enlarged(layer.astype(np.uint8), width, height)


def draw_burning_tyres(rng: np.random.Generator, width: float, height: float) -> Canvas:
    """Draw a heap of tyres in flames."""
    canvas = Canvas(width, height)
    canvas.stamp(draw_smoke(rng, width * 0.8, height * 0.6, dark=0.1), width * 0.1, 0)
    canvas.stamp(draw_flames(rng, width * 0.9, height * 0.8), width * 0.05, height * 0.1)
    size = width * rng.uniform(0.3, 0.36)
    for row, count in ((0, 3), (1, 2)):
        for column in range(count):
            x = width * 0.5 + (column - (count - 1) / 2) * size * 0.92 + rng.normal(0, size * 0.05)
            y = height - size * (0.42 + 0.6 * row) + rng.normal(0, size * 0.04)
            _draw_tyre(canvas, rng, x, y, size)
    canvas.stamp(draw_flames(rng, width * 0.5, height * 0.4), width * rng.uniform(0.1, 0.4), height * 0.42)
    return canvas


def _draw_tyre(canvas: Canvas, rng: np.random.Generator, x: float, y: float, size: float) -> None:
    flat = rng.uniform(0.7, 0.95)
    for share, level in ((1.0, 22), (0.88, 44), (0.8, 28), (0.5, 58), (0.44, 12)):
        half = size / 2 * share
        canvas.ellipse((x - half, y - half * flat, x + half, y + half * flat), (level, level, level + 2))


def _enlarged(layer: NDArray[np.uint8], width: float, height: float) -> Canvas:
    canvas = Canvas(width, height)
    canvas.image.paste(Image.fromarray(layer, "RGBA").resize(canvas.image.size, Image.Resampling.BILINEAR))
    return canvas

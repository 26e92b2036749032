"""Random fields: smooth noise in several sizes, the stuff of clouds, walls, grass, smoke and fire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> NDArray[np.float32]:
    """Draw a field of standard normal values at a coarse grid and interpolate between them.

    Args:
        rng: Source of randomness.
        shape: Rows and columns of the field.
        cells: Rows and columns of the coarse grid.

    Returns:
        float32, `shape`, mean about 0.
    """
    coarse = Image.fromarray(rng.standard_normal(cells, dtype=np.float32), "F")
    return np.asarray(coarse.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def fractal_noise(
    rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int], *, octaves: int = 3
) -> NDArray[np.float32]:
    """Add smooth noise of ever finer grids, each of half the strength (and twice the cells) of the one before."""
    field = np.zeros(shape, dtype=np.float32)
    for octave in range(octaves):
        grid = (min(shape[0], cells[0] << octave), min(shape[1], cells[1] << octave))
        field += smooth_noise(rng, shape, grid) * np.float32(0.5**octave)
    return field


def fine_noise(rng: np.random.Generator, shape: tuple[int, int], levels: float) -> NDArray[np.float32]:
    """Draw independent noise per pixel, with a standard deviation of `levels`."""
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(levels)

"""Where a place in the network's input lies in the original picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from miner.visual.backbone import Backbone

Box = tuple[float, float, float, float]
View = Literal["centre", "letterbox", "whole"]

MOST_STRETCH = {"letterbox": 1.0, "whole": 2.0}
"""How much longer, relative to the other, the shorter side of a picture may become in views that show all of it."""


@dataclass(frozen=True)
class Geometry:
    """The part of a picture that the network's cells look at, as a rectangle of original pixels that may reach beyond it.

    Coordinates are continuous, x to the right and y down, with 0 at the outer edge of the first pixel; boxes are
    (x0, y0, x1, y1). *Original* means the upright picture, after its EXIF rotation.

    Cells tile that rectangle, which is the network's whole input but for networks whose outermost cells begin inside it, or
    reach beyond it as where the stride does not divide the input; places "of the input" are counted from the first cell. Networks padded the TensorFlow way have a theoretical receptive field up to half a stride further
    right and down, but where EfficientNet-Lite0 looks is the tile: over the inner cells of 16 photographs the centroid of
    the squared input gradients lies 0 and 4 px from the middle of the cell (y and x; a cell has 32).

    Attributes:
        width: Of the original picture, in pixels.
        height: Of the original picture, in pixels.
        left: Left edge of the rectangle, in original pixels; below 0 where there is a bar beside the picture.
        top: Top edge of the rectangle, in original pixels; below 0 where there is a bar above the picture.
        scale: Original pixels per input pixel, to the right.
        input_size: Where the input ends to the right and below, in input pixels from the first cell.
        stride: Side of a cell, in input pixels.
        stretch: Original pixels per input pixel downwards, over those to the right.
        begin: Where the input begins, in input pixels from the first cell; above 0 where that reaches beyond it.
    """

    width: int
    height: int
    left: float
    top: float
    scale: float
    input_size: float
    stride: int
    stretch: float = 1.0
    begin: float = 0

    @property
    def scale_down(self) -> float:
        """Original pixels per input pixel, downwards."""
        return self.scale * self.stretch

    @property
    def frame(self) -> Box:
        """The rectangle that all cells tile, in original pixels, also where it reaches beyond the picture."""
        side = self.grid * self.stride
        return (self.left, self.top, self.left + side * self.scale, self.top + side * self.scale_down)

    @property
    def grid(self) -> int:
        """Cells in a row, and rows, of a map."""
        return math.ceil(self.input_size / self.stride)

    def to_original(self, box: Box) -> Box:
        """Map a box of the input to original pixels, clipped to the picture."""
        x0, y0, x1, y1 = box
        return (
            _clip(self.left + x0 * self.scale, self.width),
            _clip(self.top + y0 * self.scale_down, self.height),
            _clip(self.left + x1 * self.scale, self.width),
            _clip(self.top + y1 * self.scale_down, self.height),
        )

    def to_input(self, box: Box) -> Box:
        """Map a box of original pixels to the input, clipped to what the network sees."""
        x0, y0, x1, y1 = box
        return (
            _clip((x0 - self.left) / self.scale, self.input_size, self.begin),
            _clip((y0 - self.top) / self.scale_down, self.input_size, self.begin),
            _clip((x1 - self.left) / self.scale, self.input_size, self.begin),
            _clip((y1 - self.top) / self.scale_down, self.input_size, self.begin),
        )

    def cell_box(self, cell: int) -> Box:
        """Return where a cell lies in original pixels.

        Args:
            cell: Index in a map read row by row, from 0.

        Raises:
            ValueError: The map has no such cell.
        """
        if not 0 <= cell < self.grid**2:
            raise ValueError(f"cell {cell} is outside a map of {self.grid} x {self.grid} cells")
        row, column = divmod(cell, self.grid)
        (x0, x1), (y0, y1) = self._along(column), self._along(row)
        return self.to_original((x0, y0, x1, y1))

    @cached_property
    def seen(self) -> tuple[range, range]:
        """Rows and columns of the cells that show the picture: at least half of each side, or the most that any does."""
        return self._covered(self.top, self.scale_down, self.height), self._covered(self.left, self.scale, self.width)

    @property
    def is_full(self) -> bool:
        """Whether every cell shows the picture, so that none lies on a bar."""
        return all(len(cells) == self.grid for cells in self.seen)

    def nearest_seen(self, cell: int) -> int:
        """Return the cell itself if it shows the picture, else the nearest that does; cells are counted row by row."""
        row, column = divmod(cell, self.grid)
        rows, columns = self.seen
        return min(max(row, rows[0]), rows[-1]) * self.grid + min(max(column, columns[0]), columns[-1])

    def _along(self, cell: int) -> tuple[float, float]:
        """Return from where to where one cell of a row shows the input, in input pixels."""
        return max(cell * self.stride, self.begin), min((cell + 1) * self.stride, self.input_size)

    def _covered(self, start: float, scale: float, length: int) -> range:
        """Return which cells along one side lie on the picture, which is one piece."""
        low, high = -start / scale, (length - start) / scale
        shares = []
        for cell in range(self.grid):
            begin, end = self._along(cell)
            shares.append((min(high, end) - max(low, begin)) / (end - begin))
        least = min(0.5, max(shares))
        # a share is a quotient of rounded numbers: equal shares may differ in their last digits
        inside = [cell for cell, share in enumerate(shares) if share >= least - 1e-9]
        return range(inside[0], inside[-1] + 1)


def geometry_of(width: int, height: int, backbone: Backbone, view: View = "centre") -> Geometry:
    """Return where the cells of a network lie in a picture.

    `centre` looks at a square in its middle, as the network was trained. The other views show all of the picture: the longer
    side fills the input; the shorter one too as long as that stretches it no more than `MOST_STRETCH`, else there are bars.

    Args:
        width: Of the upright original, in pixels.
        height: Of the upright original, in pixels.
        backbone: The network.
        view: How the picture is brought to the network's input.
    """
    before = max(0, -backbone.offset)
    end = min(before + backbone.input_size, backbone.grid * backbone.stride)
    if view == "centre":
        side = min(width, height) * backbone.input_size / backbone.short_side
        across, left = side / backbone.input_size, (width - side) / 2
        down, top = across, (height - side) / 2
    else:
        most = max(width, height) / MOST_STRETCH[view]
        across, left = _spread(width, most, backbone.input_size)
        down, top = _spread(height, most, backbone.input_size)
    left, top = left + backbone.offset * across, top + backbone.offset * down
    return Geometry(width, height, left, top, across, end, backbone.stride, down / across, before)


def _spread(length: int, most: float, size: int) -> tuple[float, float]:
    """Spread a side over the input, or over a whole number of its pixels where it is shorter than `most` and bars remain.

    Returns:
        Original pixels per input pixel, and where the input begins, in original pixels.
    """
    n_pixels = min(size, max(1, round(length * size / most)))
    scale = length / n_pixels
    return scale, -((size - n_pixels) // 2) * scale


def _clip(value: float, high: float, low: float = 0.0) -> float:
    return min(max(value, float(low)), float(high))

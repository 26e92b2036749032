"""Where a place in the network's input lies in the original picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miner.visual.backbone import Backbone

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Geometry:
    """The part of a picture that the network's cells look at, as a square of original pixels.

    Coordinates are continuous, x to the right and y down, with 0 at the outer edge of the first pixel; boxes are
    (x0, y0, x1, y1). *Original* means the upright picture, after its EXIF rotation.

    Cells tile that square, which is the network's whole input but for networks whose outermost cells begin inside it; places
    "of the input" are counted from the first cell. Networks padded the TensorFlow way have a theoretical receptive field up to half a stride further
    right and down, but where EfficientNet-Lite0 looks is the tile: over the inner cells of 16 photographs the centroid of
    the squared input gradients lies 0 and 4 px from the middle of the cell (y and x; a cell has 32).

    Attributes:
        width: Of the original picture, in pixels.
        height: Of the original picture, in pixels.
        left: Left edge of the visible square, in original pixels.
        top: Top edge of the visible square, in original pixels.
        scale: Original pixels per input pixel.
        input_size: Side of the square, in input pixels.
        stride: Side of a cell, in input pixels.
    """

    width: int
    height: int
    left: float
    top: float
    scale: float
    input_size: int
    stride: int

    @property
    def grid(self) -> int:
        """Cells in a row, and rows, of a map."""
        return -(-self.input_size // self.stride)

    def to_original(self, box: Box) -> Box:
        """Map a box of the input to original pixels, clipped to the picture."""
        x0, y0, x1, y1 = box
        return (
            _clip(self.left + x0 * self.scale, self.width),
            _clip(self.top + y0 * self.scale, self.height),
            _clip(self.left + x1 * self.scale, self.width),
            _clip(self.top + y1 * self.scale, self.height),
        )

    def to_input(self, box: Box) -> Box:
        """Map a box of original pixels to the input, clipped to what the network sees."""
        x0, y0, x1, y1 = box
        return (
            _clip((x0 - self.left) / self.scale, self.input_size),
            _clip((y0 - self.top) / self.scale, self.input_size),
            _clip((x1 - self.left) / self.scale, self.input_size),
            _clip((y1 - self.top) / self.scale, self.input_size),
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
        x, y = column * self.stride, row * self.stride
        x1, y1 = min(x + self.stride, self.input_size), min(y + self.stride, self.input_size)
        return self.to_original((x, y, x1, y1))


def geometry_of(width: int, height: int, backbone: Backbone) -> Geometry:
    """Return where the cells of a network lie in a picture: in its centre, as a square.

    Args:
        width: Of the upright original, in pixels.
        height: Of the upright original, in pixels.
        backbone: The network.
    """
    side = min(width, height) * backbone.input_size / backbone.short_side
    scale = side / backbone.input_size
    begin = backbone.offset * scale
    size = min(backbone.input_size, backbone.grid * backbone.stride)
    return Geometry(
        width, height, (width - side) / 2 + begin, (height - side) / 2 + begin, scale, size, backbone.stride
    )


def _clip(value: float, high: float) -> float:
    return min(max(value, 0.0), float(high))

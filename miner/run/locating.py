"""Where the network looked in a picture whose pixels are no longer at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miner.visual.geometry import Geometry

if TYPE_CHECKING:
    from miner.visual.backbone import Backbone


def geometry_of(width: int, height: int, backbone: Backbone) -> Geometry:
    """Return the geometry that `miner.visual.images.fit` gives a picture of this size.

    Args:
        width: Of the upright original, in pixels.
        height: Of the upright original, in pixels.
        backbone: The network.
    """
    size = backbone.input_size
    side = min(width, height) * size / backbone.short_side
    return Geometry(width, height, (width - side) / 2, (height - side) / 2, side / size, size, backbone.stride)

"""The strongest filters of each cell: what a mid-level pattern miner makes its transactions of.

Source: Li, Liu, Shen and van den Hengel, "Mid-level Deep Pattern Mining", CVPR 2015, section 3.2: of the activations of a
patch only the indices of the largest are kept, and they are the items of its transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from miner.visual.activations import Float32

N_STRONGEST = 20
NONE = np.iinfo(np.uint16).max
"""Stands where fewer filters than asked for are above 0."""


def strongest_filters(filters: Float32, k: int = N_STRONGEST) -> npt.NDArray[np.uint16]:
    """Return the filters with the largest values in each cell.

    Args:
        filters: float32, (n_filters, rows, columns), at least 0: the maps of one picture.
        k: How many.

    Returns:
        uint16, (n_cells, k), ascending; `NONE` in place of filters that are 0. Of equal values the first filters are taken.
    """
    values = filters.reshape(len(filters), -1).T
    # A stable sort of all filters would take ten times as long; ties at the threshold are settled below.
    least = -np.partition(-values, k - 1, axis=1)[:, k - 1 : k]
    above, level = values > least, values == least
    room = k - above.sum(axis=1, keepdims=True)
    chosen = (above | (level & (level.cumsum(axis=1) <= room))) & (values > 0)
    found = np.full((len(values), k), NONE, dtype=np.uint16)
    cell, item = np.nonzero(chosen)
    found[cell, chosen.cumsum(axis=1)[cell, item] - 1] = item
    return found

"""The encoded pictures of a run, joined from the shards of the encode artefact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from miner.store.formats import read_array, read_table
from miner.visual.encode import join_images

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    from miner.store.artefact import Artefact

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Encoded:
    """Reads what the encode stage wrote; nothing is loaded before it is asked for.

    Attributes:
        artefact: The encode artefact.
    """

    artefact: Artefact

    def images(self) -> pa.Table:
        """Return the IMAGES table of all records; `row` points into the arrays below."""
        return join_images([read_table(shard / "images.parquet") for shard in self.artefact.shards])

    def maxima(self) -> npt.NDArray[np.float16]:
        """Return float16, (n_rows, n_items): the largest value of each map, of filters and then classes."""
        return self._join("maxima")

    def cells(self) -> npt.NDArray[np.unsignedinteger[Any]]:
        """Return uint8 or uint16, (n_rows, n_items): the cell of that value."""
        return self._join("cells")

    def pooled(self) -> npt.NDArray[np.float16]:
        """Return float16, (n_rows, n_filters): the mean of each filter map."""
        return self._join("pooled")

    def projected(self) -> npt.NDArray[np.float16]:
        """Return float16, (n_rows, n_cells, n_dims): every cell, projected."""
        return self._join("projected")

    def _join(self, name: str) -> Array:
        return np.concatenate([read_array(shard / f"{name}.npy") for shard in self.artefact.shards])

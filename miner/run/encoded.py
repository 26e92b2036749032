"""The encoded pictures of a run, joined from the shards of the encode artefact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from miner.store.formats import read_array, read_table
from miner.visual.encode import join_images

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    @property
    def n_rows(self) -> int:
        """Encoded pictures."""
        return sum(len(read_array(shard / "maxima.npy")) for shard in self.artefact.shards)

    def rows(self, name: str, rows: npt.NDArray[np.int64]) -> ShardRows:
        """Return some rows of `maxima`, `cells`, `pooled` or `projected`, left on the disk until they are asked for."""
        return ShardRows([read_array(shard / f"{name}.npy") for shard in self.artefact.shards], rows)

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


class ShardRows:
    """Chosen rows of an array that lies in several shards; memory is needed only for what is asked for.

    Args:
        shards: Of the array, in order, mapped into memory; at least one.
        rows: int64, (n,), of all shards together.
    """

    def __init__(self, shards: Sequence[Array], rows: npt.NDArray[np.int64]) -> None:
        """Remember where everything is."""
        self._shards, self._rows = shards, rows
        self._ends = np.cumsum([len(shard) for shard in shards])

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""
        return (len(self._rows), *self._shards[0].shape[1:])

    def __len__(self) -> int:
        """Number of chosen rows."""
        return len(self._rows)

    def __getitem__(self, rows: npt.NDArray[np.int64], /) -> Array:
        """Return a copy of some of the chosen rows, in the order asked for."""
        wanted = self._rows[rows]
        of_shard = np.searchsorted(self._ends, wanted, side="right")
        found = np.empty((len(wanted), *self.shape[1:]), self._shards[0].dtype)
        for shard in np.unique(of_shard).tolist():
            here = np.flatnonzero(of_shard == shard)
            first = self._ends[shard] - len(self._shards[shard])
            found[here] = self._shards[shard][wanted[here] - first]
        return found

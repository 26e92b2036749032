"""The encoded pictures of a run, joined from the shards of the encode artefact."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from miner.store.formats import read_array, read_table
from miner.visual.encode import join_images

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    import pyarrow as pa

    from miner.store.artefact import Artefact

Array = np.ndarray[Any, Any]

N_OPEN = 1024


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
        return int(self._ends[-1]) if len(self._ends) else 0

    @cached_property
    def _ends(self) -> npt.NDArray[np.int64]:
        """Return behind which row of all shards together each ends."""
        return count_ends([shard / "maxima.npy" for shard in self.artefact.shards])

    def rows(self, name: str, rows: npt.NDArray[np.int64]) -> ShardRows:
        """Return some rows of `maxima`, `cells`, `pooled` or `projected`, left on the disk until they are asked for."""
        return ShardRows([shard / f"{name}.npy" for shard in self.artefact.shards], self._ends, rows)

    def pooled(self) -> npt.NDArray[np.float16]:
        """Return float16, (n_rows, n_filters): the mean of each filter map."""
        return self._join("pooled")

    def projected(self) -> npt.NDArray[np.float16]:
        """Return float16, (n_rows, n_cells, n_dims): every cell, projected."""
        return self._join("projected")

    def _join(self, name: str) -> Array:
        every = np.arange(self.n_rows)
        return self.rows(name, every)[every]


def count_ends(shards: Sequence[Path]) -> npt.NDArray[np.int64]:
    """Return behind which row of all shards together each ends: int64, (n_shards,), from the headers of their files."""
    return np.cumsum([len(read_array(shard)) for shard in shards], dtype=np.int64)


class ShardRows:
    """Chosen rows of an array that lies in several shards; memory is needed only for what is asked for.

    Of the shards, the last `N_OPEN` that were asked for stay mapped: a process may have some 65,000 maps, a corpus more shards.

    Args:
        shards: Files of the array, in order; at least one.
        ends: int64, (n_shards,), behind which row of all shards together each ends.
        rows: int64, (n,), of all shards together.
    """

    def __init__(self, shards: Sequence[Path], ends: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> None:
        """Remember where everything is."""
        self._shards, self._ends, self._rows = shards, ends, rows
        self._open = lru_cache(maxsize=N_OPEN)(read_array)

    @cached_property
    def _form(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return shape and type of a row."""
        first = read_array(self._shards[0])
        return first.shape[1:], first.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""
        return (len(self._rows), *self._form[0])

    def __len__(self) -> int:
        """Number of chosen rows."""
        return len(self._rows)

    def __getitem__(self, rows: npt.NDArray[np.int64], /) -> Array:
        """Return a copy of some of the chosen rows, in the order asked for."""
        wanted = self._rows[rows]
        of_shard = np.searchsorted(self._ends, wanted, side="right")
        found = np.empty((len(wanted), *self._form[0]), self._form[1])
        for shard in np.unique(of_shard).tolist():
            here = np.flatnonzero(of_shard == shard)
            array = self._open(self._shards[shard])
            found[here] = array[wanted[here] - (self._ends[shard] - len(array))]
        return found

"""Votes on disk, as a folder of `.npy` shards that are read one at a time and never held in memory together.

```
FOLDER/transactions.json            {"nVisual": 640, "nText": 1000, "eventTypes": ["Sport.Climbing", ...]}
FOLDER/00000/visual_indptr.npy      int64, (n + 1,): the visual items of vote i are visual_indices[indptr[i] : indptr[i + 1]]
FOLDER/00000/visual_indices.npy     uint16 or int32, sorted and unique within a vote
FOLDER/00000/text_indptr.npy        the same for text items, numbered from 0
FOLDER/00000/text_indices.npy
FOLDER/00000/labels.npy             int32, (n,): index into eventTypes, -1 for none
FOLDER/00001/...
```

Shards are taken in the order of their names. Their sizes need not be equal; half a million votes each keep memory low.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

from miner.errors import MiningError
from miner.rules.parts import Csr, Part
from miner.rules.transactions import Transactions
from miner.store.formats import read_array, write_array, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from miner.rules.transactions import Int32s, Int64s

_NAMES = ("visual_indptr", "visual_indices", "text_indptr", "text_indices", "labels")
_HEADER = "transactions.json"


@dataclass(frozen=True, eq=False)
class Shards:
    """Votes on disk; labels are in memory, items are not.

    Attributes:
        folders: One folder per shard.
        edges: int64, (n_shards + 1,), the first vote of each shard.
        labels: int32, (n,), index into `event_types`, or -1.
        event_types: Names of the labels.
        n_visual: Number of visual items that exist.
        n_text: Number of text items that exist.
    """

    folders: tuple[Path, ...]
    edges: Int64s
    labels: Int32s
    event_types: tuple[str, ...]
    n_visual: int
    n_text: int

    def __len__(self) -> int:
        """Number of votes, unlabelled ones included."""
        return len(self.labels)

    @property
    def n_labelled(self) -> int:
        """Number of labelled votes, the m of every support."""
        return int(np.count_nonzero(self.labels >= 0))

    @property
    def visual_indptr(self) -> Int64s:
        """Where the visual items of each vote would stand if all were in memory; int64, (n + 1,)."""
        return self._joined("visual_indptr")

    @property
    def text_indptr(self) -> Int64s:
        """The same for text items; int64, (n + 1,)."""
        return self._joined("text_indptr")

    def parts(self) -> Sequence[Callable[[], Part]]:
        """Give one reader per shard; what it reads is mapped into memory only while it is in use."""
        return [lambda number=number: self._part(number) for number in range(len(self.folders))]  # type: ignore[misc]

    def read(self, number: int) -> Transactions:
        """Give the votes of one shard."""
        part = self._part(number)
        groups = np.arange(self.edges[number], self.edges[number + 1])
        csrs = (*part.visual, *part.text)
        return Transactions(*csrs, part.labels, groups, self.event_types, self.n_visual, self.n_text)

    def _part(self, number: int) -> Part:
        arrays = [np.asarray(read_array(self.folders[number] / f"{name}.npy")) for name in _NAMES[:-1]]
        labels = self.labels[self.edges[number] : self.edges[number + 1]]
        return Part(Csr(arrays[0], arrays[1]), Csr(arrays[2], arrays[3]), labels)

    def _joined(self, name: str) -> Int64s:
        sizes = [np.diff(read_array(folder / f"{name}.npy")) for folder in self.folders]
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(sizes))])


AnyVotes: TypeAlias = Transactions | Shards
Votes = TypeVar("Votes", bound=Transactions | Shards)


def open_shards(folder: Path) -> Shards:
    """Open a folder of shards and check every one of them, because the kernels index without checks.

    Raises:
        MiningError: The folder has no header or no shard, or a shard does not fit it; names the shard.
        ArtefactError: A file is missing or not an array.
    """
    header = _read_header(folder)
    folders = tuple(sorted(path for path in folder.iterdir() if path.is_dir()))
    if not folders:
        raise MiningError(f"{folder} holds no shard", hint="write one with miner.rules.shards.write_shards")
    event_types = tuple(header["eventTypes"])
    labels = [_checked_labels(shard, event_types, header) for shard in folders]
    edges = np.cumsum([0, *map(len, labels)], dtype=np.int64)
    return Shards(folders, edges, np.concatenate(labels), event_types, header["nVisual"], header["nText"])


def _read_header(folder: Path) -> dict[str, Any]:
    """Read what all shards share."""
    try:
        header = json.loads((folder / _HEADER).read_text(encoding="utf-8"))
        return {"nVisual": int(header["nVisual"]), "nText": int(header["nText"]), "eventTypes": header["eventTypes"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MiningError(
            f"{folder} is no folder of transactions: {_HEADER} must give nVisual, nText and eventTypes",
            hint="write one with miner.rules.shards.write_shards",
        ) from error


def _checked_labels(shard: Path, event_types: tuple[str, ...], header: dict[str, Any]) -> Int32s:
    """Check a shard as transactions in memory are checked; give its labels."""
    arrays = [np.asarray(read_array(shard / f"{name}.npy")) for name in _NAMES]
    if any(array.ndim != 1 or array.dtype.kind not in "iu" for array in arrays):
        raise MiningError(f"shard {shard.name}: every array must be a row of integers")
    labels = np.array(arrays[4], np.int32)
    groups = np.broadcast_to(np.int64(0), labels.shape)
    try:
        sizes = header["nVisual"], header["nText"]
        Transactions(arrays[0], arrays[1], arrays[2], arrays[3], labels, groups, event_types, *sizes)
    except MiningError as error:
        raise MiningError(f"shard {shard.name}: {error.message}", hint=error.hint) from error
    return labels


def write_shards(parts: Iterable[Transactions], folder: Path) -> int:
    """Write votes as a folder of shards, which appears once it is whole.

    Args:
        parts: One shard each; they share event types and items.
        folder: Must not exist yet.

    Returns:
        Number of votes.

    Raises:
        MiningError: The folder exists, there is no part, or the parts differ in event types or items.
        ArtefactError: The disk is full or the folder cannot be written; nothing stays behind.
    """
    if folder.exists():
        raise MiningError(f"{folder} exists already", hint="choose another folder, or remove it")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    header: dict[str, Any] = {}
    n_votes = 0
    try:
        for number, part in enumerate(parts):
            own = {"nVisual": part.n_visual, "nText": part.n_text, "eventTypes": list(part.event_types)}
            header = header or own
            if own != header:
                raise MiningError(f"shard {number} has other items or event types than the first")
            _write_shard(part, temporary / f"{number:05}")
            n_votes += len(part)
        if not header:
            raise MiningError("there are no votes to write")
        write_json(temporary / _HEADER, header)
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return n_votes


def _write_shard(part: Transactions, folder: Path) -> None:
    """Write the arrays of one shard, items as narrow as they can be."""
    folder.mkdir(parents=True)
    for name in _NAMES:
        array = getattr(part, name)
        few = name.endswith("indices") and max(part.n_visual, part.n_text) <= 2**16
        write_array(folder / f"{name}.npy", array.astype(np.uint16) if few else array)

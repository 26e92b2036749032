"""More rules than memory holds: written to disk as they are found, in an order that no thread can change."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from miner.rules.ruleset import FOUND, Rules
from miner.store.formats import ROW_GROUP_ROWS, replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from miner.rules.transactions import Int32s, Int64s
    from miner.rules.walk import Bounds

_MOST_WAITING = 2**20


@contextmanager
def writing(path: Path, event_types: Sequence[str]) -> Iterator[Callable[[Rules], None]]:
    """Give a function that appends rules to a Parquet file, one row group at a time; the file appears once it is whole.

    Raises:
        ArtefactError: The file cannot be written; nothing stays behind.
    """
    with replacing(path) as file, pq.ParquetWriter(file, FOUND, compression="zstd") as writer:
        yield lambda rules: writer.write_table(pa.Table.from_arrays(rules.columns(event_types), schema=FOUND))


class Stream:
    """Takes rules from threads in the order of the roots.

    The thread whose root is next writes at once; others leave their rules until it is their root's turn, and wait where
    too many are left already.
    """

    capacity = ROW_GROUP_ROWS

    def __init__(self, bounds: Bounds, name: Callable[[Int32s, Int64s], Rules], write: Callable[[Rules], None]) -> None:
        """Write rules above the bounds, row group by row group."""
        self._turn = Condition()
        self._name, self._write = name, write
        self._none = np.zeros(len(bounds.class_sizes), np.int64)
        self._left: dict[int, list[tuple[Int32s, Int64s]]] = {}
        self._done: set[int] = set()
        self._next = 0
        self._pending: list[tuple[Int32s, Int64s]] = []
        self._n_left = self._n_pending = self._n_written = 0
        self._stopped = False

    def take(self, place: int, items: Int32s, numbers: Int64s, *, done: bool) -> Int64s:
        """Write rules, or leave them until it is their turn."""
        with self._turn:
            self._turn.wait_for(
                lambda: self._stopped or place == self._next or self._n_left + len(items) <= _MOST_WAITING
            )
            self._left.setdefault(place, []).append((items.copy(), numbers.copy()))
            self._n_left += len(items)
            if done:
                self._done.add(place)
            if place == self._next and not self._stopped:
                self._write_next()
                self._turn.notify_all()
        return self._none

    def stop(self) -> None:
        """Let no thread wait any longer, and write nothing more."""
        with self._turn:
            self._stopped = True
            self._turn.notify_all()

    def close(self) -> int:
        """Write what is left, and give the number of rules written."""
        self._write_group(self._n_pending)
        return self._n_written

    def _write_next(self) -> None:
        """Write what is left of the next root, and go on to the one after it where it is done."""
        while True:
            for items, numbers in self._left.pop(self._next, []):
                self._n_left -= len(items)
                self._n_pending += len(items)
                self._pending.append((items, numbers))
                if self._n_pending >= ROW_GROUP_ROWS:
                    self._write_group(ROW_GROUP_ROWS)
            if self._next not in self._done:
                return
            self._done.remove(self._next)
            self._next += 1

    def _write_group(self, n_rules: int) -> None:
        """Write the first pending rules as one row group."""
        if not n_rules:
            return
        items, numbers = (np.concatenate(arrays) for arrays in zip(*self._pending, strict=True))
        self._write(self._name(items[:n_rules], numbers[:n_rules]))
        self._pending = [(items[n_rules:], numbers[n_rules:])]
        self._n_pending -= n_rules
        self._n_written += n_rules

"""Manifests in Parquet."""

from __future__ import annotations

import posixpath
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from corpora.readers.sheet import Row, Sheet, rows_of
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corpora.folder import Folder

__all__ = ["read_parquet"]

BATCH_ROWS = 1_024


def read_parquet(folder: Folder, paths: tuple[str, ...]) -> Sheet:
    """Read a Parquet file; columns that hold bytes, such as embedded pictures, are left out.

    Raises:
        CorpusError: It is not a Parquet file, or is damaged.
    """
    (path,) = paths
    with _readable(path), folder.open(path) as file:
        schema = pq.read_schema(file)
    columns = tuple(field.name for field in schema if not _holds_bytes(field.type))
    return Sheet(columns, rows_of(folder, partial(_rows, folder, path, columns)))


def _rows(folder: Folder, path: str, columns: tuple[str, ...]) -> Iterator[Row]:
    name, number = posixpath.basename(path), 0
    with _readable(path), folder.open(path) as file:
        # in this thread: one of Arrow's that lets go of a Python file aborts if the process ends just then (arrow#34314)
        for batch in pq.ParquetFile(file).iter_batches(BATCH_ROWS, columns=list(columns), use_threads=False):
            # Selected by name again, since `columns` also takes what only begins with such a name and a dot.
            for values in pa.Table.from_batches([batch]).select(list(columns)).to_pylist():
                number += 1
                yield Row(f"{name}:{number}", values)


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(f"{posixpath.basename(path)} is not a readable Parquet file: {error}") from error


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_holds_bytes(field.type) for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))

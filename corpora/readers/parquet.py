"""Manifests in Parquet."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from corpora.readers.sheet import Row, Sheet
from miner.errors import CorpusError

if TYPE_CHECKING:
    from corpora.folder import Folder

__all__ = ["read_parquet"]


def read_parquet(folder: Folder, paths: tuple[str, ...]) -> Sheet:
    """Read a Parquet file; columns that hold bytes, such as embedded pictures, are left out.

    Raises:
        CorpusError: It is not a Parquet file, or is damaged.
    """
    (path,) = paths
    name = posixpath.basename(path)
    try:
        with folder.open(path) as file:
            table = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(f"{name} is not a readable Parquet file: {error}") from error
    table = table.select([field.name for field in table.schema if not _holds_bytes(field.type)])
    rows = tuple(Row(f"{name}:{number}", values) for number, values in enumerate(table.to_pylist(), start=1))
    return Sheet(tuple(table.column_names), rows)


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_holds_bytes(field.type) for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))

"""The file formats of artefacts: Parquet, `.npy`, safetensors and JSON, written so that equal content gives equal bytes.

Every writer replaces its file in one step, so that a reader never meets half of one. No format here can carry pickled
objects.
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from miner.errors import ArtefactError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ROW_GROUP_ROWS = 1 << 16
_ONE_HEADER = Lock()


def write_error(path: Path, error: OSError) -> ArtefactError:
    """Turn a failure of the disk into one line for the user, naming the file and the way out."""
    if error.errno in DISK_FULL:
        return ArtefactError(
            f"No space left while writing {path}.",
            hint="Free some space (or choose another --out) and run the same command again: it goes on from here.",
        )
    reason = error.strerror or str(error)
    return ArtefactError(f"Cannot write {path}: {reason}.", hint="Check the folder and its permissions.")


def read_error(path: Path, error: Exception) -> ArtefactError:
    """Turn an unreadable file into one line for the user."""
    if isinstance(error, FileNotFoundError):
        return ArtefactError(f"{path} does not exist.", hint="Make it with 'eventminer run', or check the path.")
    reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
    return ArtefactError(f"Cannot read {path}: {reason}", hint="Check that it is the file you meant, and whole.")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file under a temporary name, and give it its own name once it is whole and on the disk.

    Raises:
        ArtefactError: The disk is full or the folder cannot be written; nothing stays behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write some bytes as one file.

    Raises:
        ArtefactError: The file cannot be written.
    """
    with replacing(path) as file:
        file.write(data)


def table_bytes(table: pa.Table) -> bytes:
    """Return the Parquet form of a table (zstd), the same for equal tables however they are chunked."""
    sink = pa.BufferOutputStream()
    _write_parquet(table, sink)
    return bytes(sink.getvalue())


def _write_parquet(table: pa.Table, sink: object) -> None:
    pq.write_table(table.combine_chunks(), sink, compression="zstd", row_group_size=ROW_GROUP_ROWS)


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table as Parquet (zstd).

    Raises:
        ArtefactError: The file cannot be written.
    """
    with replacing(path) as file:
        _write_parquet(table, file)


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet file.

    Args:
        path: The file.
        columns: Names to read, in this order; all of them when `None`.

    Raises:
        ArtefactError: The file is missing, not Parquet, or lacks a column.
    """
    try:
        # by name: a Python file would be let go by threads of Arrow, which abort if the process ends just then (arrow#34314)
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            missing = [name for name in columns or () if name not in names]
            if missing:
                raise ArtefactError(f"{path} has no column {missing[0]!r}; it has: {', '.join(names)}.")
            return file.read(columns=None if columns is None else list(columns))
    except (OSError, pa.ArrowInvalid) as error:
        raise read_error(path, error) from error


def write_array(path: Path, array: np.ndarray[Any, Any]) -> None:
    """Write an array as `.npy`.

    Raises:
        ArtefactError: The file cannot be written.
    """
    ordered = np.asarray(array, order="C")
    with replacing(path) as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(ordered))
        # NumPy's own writer hides the system's reason (a full disk) from its error.
        file.write(ordered.data)


def read_array(path: Path, *, mmap: bool = True) -> np.ndarray[Any, Any]:
    """Read an `.npy` file, mapped read-only into memory unless told otherwise.

    Raises:
        ArtefactError: The file is missing or not an array.
    """
    try:
        array = map_array(path) if mmap else np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise read_error(path, error) from error
    if not isinstance(array, np.ndarray):
        raise ArtefactError(f"Cannot read {path}: it is an archive, not one array.")
    return array


def map_array(path: Path, mode: Literal["r", "c"] = "r") -> np.ndarray[Any, Any]:
    """Map an array, or load it where it is empty: the system refuses to map nothing.

    Args:
        path: An `.npy` file.
        mode: Read-only, or copy-on-write.
    """
    # CPython before 3.11.8 and 3.12.2 now and then raises SystemError where two threads parse literals, as headers are
    # (github.com/python/cpython/issues/106905).
    with _ONE_HEADER:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            is_empty = 0 in header(file)[0]
        array: np.ndarray[Any, Any] = np.load(path, mmap_mode=None if is_empty else mode, allow_pickle=False)
    return array


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Write named arrays as safetensors.

    Raises:
        ArtefactError: The file cannot be written.
    """
    write_bytes(path, save({name: np.asarray(tensors[name], order="C") for name in sorted(tensors)}))


def read_tensors(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Read a safetensors file.

    Raises:
        ArtefactError: The file is missing or not safetensors.
    """
    try:
        tensors: dict[str, np.ndarray[Any, Any]] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise read_error(path, error) from error
    return tensors


def write_json(path: Path, obj: object) -> None:
    """Write a JSON value: sorted keys, UTF-8, a newline at the end.

    Raises:
        ArtefactError: The file cannot be written.
    """
    text = json.dumps(obj, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    write_bytes(path, f"{text}\n".encode())


def read_json(path: Path) -> Any:  # noqa: ANN401 - a JSON value has no narrower type
    """Read a JSON file.

    Raises:
        ArtefactError: The file is missing or not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise read_error(path, error) from error

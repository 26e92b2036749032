"""Folders of images with a metadata file, in the form of Hugging Face's `imagefolder`."""

from __future__ import annotations

import posixpath
from functools import partial
from typing import TYPE_CHECKING

from corpora.readers.delimited import read_delimited
from corpora.readers.jsonl import read_jsonl
from corpora.readers.parquet import read_parquet
from corpora.readers.sheet import Reader, Row, Sheet, rows_of
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from corpora.folder import Folder

__all__ = ["IMAGE_SUFFIXES", "read_imagefolder"]

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")

_READERS: dict[str, Reader] = {".csv": read_delimited, ".jsonl": read_jsonl, ".parquet": read_parquet}


def read_imagefolder(folder: Folder, paths: tuple[str, ...]) -> Sheet:
    """Read `metadata.jsonl`, `.csv` or `.parquet` files, whose `file_name` is relative to their own folder.

    Images beside a metadata file that it does not mention become rows without captions, noted `not-in-metadata`.

    Raises:
        CorpusError: A metadata file cannot be read, or has no column `file_name`.
    """
    sheets = {path: _read_one(folder, path) for path in paths}
    columns = dict.fromkeys(column for sheet in sheets.values() for column in sheet.columns)
    return Sheet(tuple(columns), rows_of(folder, partial(_rows, folder, sheets)), {"image": ("file_name",)})


def _read_one(folder: Folder, path: str) -> Sheet:
    sheet = _READERS[posixpath.splitext(path)[1].lower()](folder, (path,))
    if "file_name" not in sheet.columns:
        found = ", ".join(sheet.columns) or "none"
        raise CorpusError(f"{path} needs a column 'file_name'; its columns are: {found}.")
    return sheet


def _rows(folder: Folder, sheets: Mapping[str, Sheet]) -> Iterator[Row]:
    for path, sheet in sheets.items():
        below, mentioned = posixpath.dirname(path), set[str]()
        for row in sheet.rows:
            moved = _below(row, below)
            mentioned.add(posixpath.normpath(str(moved.values.get("file_name"))))
            yield moved
        yield from _unmentioned(folder, below, mentioned)


def _below(row: Row, below: str) -> Row:
    place = f"{below}/{row.where}" if below else row.where
    name = row.values.get("file_name")
    values = {**row.values, "file_name": posixpath.join(below, name)} if isinstance(name, str) and name else row.values
    return Row(place, values, row.notes, row.code, row.reason)


def _unmentioned(folder: Folder, below: str, mentioned: AbstractSet[str]) -> Iterator[Row]:
    for path in _walk(folder, below):
        if path.lower().endswith(IMAGE_SUFFIXES) and path not in mentioned:
            yield Row(path, {"file_name": path}, ("not-in-metadata",))


def _walk(folder: Folder, below: str) -> Iterator[str]:
    """Yield the files of a folder and of those below it that have no metadata of their own."""
    names = folder.files(below)
    yield from (posixpath.join(below, name) for name in names)
    for name in folder.folders(below):
        child = posixpath.join(below, name)
        if not any(posixpath.splitext(file)[0] == "metadata" for file in folder.files(child)):
            yield from _walk(folder, child)

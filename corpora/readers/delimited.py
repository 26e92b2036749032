"""Manifests with separators: CSV and TSV, with a header line."""

from __future__ import annotations

import csv
import json
import posixpath
import sys
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from corpora.readers.sheet import Row, Sheet, bad_row, rows_of
from corpora.text import open_text, restore_bytes
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TextIO

    from corpora.folder import Folder

__all__ = ["read_delimited"]


def read_delimited(folder: Folder, paths: tuple[str, ...]) -> Sheet:
    """Read a CSV or TSV file, whose first line names the columns.

    The separator is a tab in a `.tsv` file, else whichever of comma, semicolon and tab the first line has most of. A
    cell that holds a JSON list of strings is read as that list. Bytes that are not UTF-8 are read as Windows-1252.

    Raises:
        CorpusError: The file has no header, or names a column twice.
    """
    (path,) = paths
    name = posixpath.basename(path)
    with open_text(folder.open_whole(path)) as text:
        lines = _parse(name, text)
        header = tuple(restore_bytes(cell)[0].strip() for cell in _next(lines) or [])
    _check_header(name, header)
    return Sheet(header, rows_of(folder, partial(_rows, folder, path, header)))


def _parse(name: str, text: TextIO) -> Iterator[list[str]]:
    """Return the reader of the csv module for a text; its lines may end in any way."""
    first = list[str]()
    while not (first and first[-1].endswith("\n")) and (line := text.readline()):
        first.append(line)
    return csv.reader(chain(first, text), delimiter=_separator(name, "".join(first)))


def _next(lines: Iterator[list[str]]) -> list[str] | None:
    with _fields_of_any_size():
        return next(lines, None)


def _rows(folder: Folder, path: str, header: tuple[str, ...]) -> Iterator[Row]:
    name = posixpath.basename(path)
    with open_text(folder.open_whole(path)) as text:
        lines = _parse(name, text)
        _next(lines)
        start = _line(lines)
        while (cells := _next(lines)) is not None:
            first, start = start + 1, _line(lines)
            if any(cells):
                yield _checked(name, header, cells, first, start)


def _checked(name: str, header: tuple[str, ...], cells: list[str], first: int, last: int) -> Row:
    where = f"{name}:{first}"
    if len(cells) == len(header):
        return _row(where, header, cells)
    span = f"lines {first} to {last} have" if last > first else f"line {first} has"
    reason = f"{span} {len(cells)} fields where the header has {len(header)}; is a quotation mark left open?"
    return bad_row(where, "wrong-columns", reason)


def _row(where: str, header: tuple[str, ...], cells: list[str]) -> Row:
    values: dict[str, object] = {}
    notes: tuple[str, ...] = ()
    for column, cell in zip(header, cells, strict=True):
        text, restored = restore_bytes(cell)
        values[column] = _as_list(text) or text
        notes += restored
    return Row(where, values, notes)


def _as_list(text: str) -> list[str] | None:
    """Read a cell such as `["one caption", "another"]`; anything else is not a list."""
    if not (text.startswith("[") and text.rstrip().endswith("]")):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and all(isinstance(item, str) for item in found) else None


def _separator(name: str, first: str) -> str:
    if name.lower().endswith(".tsv"):
        return "\t"
    return max(",;\t", key=first.count)


def _check_header(name: str, header: tuple[str, ...]) -> None:
    if not any(header):
        raise CorpusError(f"{name} is empty.", hint="Its first line must name the columns, such as id,image,caption.")
    repeated: Mapping[str, int] = {column: header.count(column) for column in header if column}
    twice = [column for column, n in repeated.items() if n > 1]
    if twice:
        raise CorpusError(f"{name} has more than one column called {twice[0]!r}.", hint="Rename one of them.")


def _line(lines: Iterator[list[str]]) -> int:
    return int(getattr(lines, "line_num"))  # noqa: B009 - csv.reader has no public type


@contextmanager
def _fields_of_any_size() -> Iterator[None]:
    """Lift the csv module's limit of 128 kB a field, which is one setting for the whole process."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)

"""Manifests with separators: CSV and TSV, with a header line."""

from __future__ import annotations

import csv
import io
import json
import posixpath
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from corpora.readers.sheet import Row, Sheet, bad_row
from corpora.text import decode_text, restore_bytes
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    name, text = posixpath.basename(path), decode_text(folder.read(path))
    with _fields_of_any_size():
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(name, text))
        header = tuple(restore_bytes(cell)[0].strip() for cell in next(lines, []))
        _check_header(name, header)
        return Sheet(header, tuple(_rows(name, header, lines)))


def _rows(name: str, header: tuple[str, ...], lines: Iterator[list[str]]) -> Iterator[Row]:
    start = _line(lines)
    for cells in lines:
        first, start = start + 1, _line(lines)
        if not any(cells):
            continue
        where = f"{name}:{first}"
        if len(cells) == len(header):
            yield _row(where, header, cells)
        else:
            span = f"lines {first} to {start} have" if start > first else f"line {first} has"
            reason = f"{span} {len(cells)} fields where the header has {len(header)}; is a quotation mark left open?"
            yield bad_row(where, "wrong-columns", reason)


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


def _separator(name: str, text: str) -> str:
    if name.lower().endswith(".tsv"):
        return "\t"
    first = text.partition("\n")[0]
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

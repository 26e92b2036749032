"""Manifests of JSON Lines: one object a line."""

from __future__ import annotations

import codecs
import io
import json
import posixpath
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from corpora.readers.sheet import Row, Sheet, bad_row, rows_of
from corpora.text import decode_text, restore_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corpora.folder import Folder

__all__ = ["read_jsonl"]


def read_jsonl(folder: Folder, paths: tuple[str, ...]) -> Sheet:
    """Read a JSON Lines file; the columns are all keys that occur.

    Empty lines are passed over. Bytes that are not UTF-8 are read as Windows-1252.
    """
    (path,) = paths
    rows = rows_of(folder, partial(_rows, folder, path))
    return Sheet(tuple(dict.fromkeys(key for row in rows for key in row.values)), rows)


def _rows(folder: Folder, path: str) -> Iterator[Row]:
    name = posixpath.basename(path)
    with folder.open_whole(path) as file:
        for number, line in enumerate(_lines(file), start=1):
            if line.strip():
                yield _row(f"{name}:{number}", line.removesuffix(b"\n"))


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file as UTF-8, without a byte order mark."""
    head = file.read(len(codecs.BOM_UTF8))
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        file.seek(0)
        with io.TextIOWrapper(file, encoding="utf-16", errors="replace", newline="\n") as text:
            yield from (line.encode("utf-8", "surrogatepass") for line in text)
        return
    file.seek(len(head) if head == codecs.BOM_UTF8 else 0)
    yield from file


def _row(where: str, line: bytes) -> Row:
    text, notes = restore_bytes(decode_text(line))
    try:
        found = json.loads(text)
    except RecursionError:
        return bad_row(where, "unreadable-line", "the line is nested too deeply")
    except ValueError as error:
        return bad_row(where, "unreadable-line", f"the line is not valid JSON: {error}")
    if not isinstance(found, dict):
        return bad_row(where, "not-an-object", f"the line is a JSON {_kind(found)}, not an object")
    return Row(where, found, notes)


def _kind(value: object) -> str:
    names: dict[type, str] = {list: "list", str: "string", bool: "truth value", type(None): "null"}
    return names.get(type(value), "number")

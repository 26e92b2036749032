"""Making any text of a corpus fit to keep: nothing is lost, and every repair is noted."""

from __future__ import annotations

import codecs
import io
import math
import re
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["clean_text", "decode_text", "open_text", "restore_bytes"]

_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LONGEST_MARK = 3
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ESCAPED = re.compile("[\udc80-\udcff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def decode_text(data: bytes) -> str:
    """Decode the bytes of a text file as UTF-8, keeping every byte that is not as an escape for `restore_bytes`.

    A byte order mark is obeyed and dropped.
    """
    encoding, errors = _encoding_of(data)
    return data.decode(encoding, errors=errors)


def open_text(file: BinaryIO) -> TextIO:
    """Open a file that was just opened as text, which closes it in the end: decoded as by `decode_text`, with its line ends as they are."""
    encoding, errors = _encoding_of(file.read(_LONGEST_MARK))
    file.seek(0)
    return io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="")


def _encoding_of(start: bytes) -> tuple[str, str]:
    """Return the encoding of a text that begins so, and what becomes of bytes that do not fit it."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding, "surrogateescape" if encoding == "utf-8-sig" else "replace"
    return "utf-8", "surrogateescape"


def restore_bytes(text: str) -> tuple[str, tuple[str, ...]]:
    """Read the bytes that were not UTF-8 as Windows-1252, the usual other encoding of Western text.

    Returns:
        The text and, where something was restored, the note `not-utf8`.
    """
    if not _ESCAPED.search(text):
        return text, ()
    return _ESCAPED.sub(lambda found: _from_windows(ord(found[0]) - 0xDC00), text), ("not-utf8",)


def clean_text(value: object) -> tuple[str | None, tuple[str, ...]]:
    """Turn a value of a corpus into text that every file format and library takes.

    Spaces at both ends go; control characters go; halves of surrogate pairs become U+FFFD. Everything else stays:
    emoji, right-to-left text, line breaks, any length.

    Returns:
        The text, or None for nothing at all, and notes (`surrogate`, `control-character`, `not-text`).
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None, ()
    if isinstance(value, (dict, list, bytes)):
        return None, ("not-text",)
    text, notes = _without_surrogates(_spelled(value))
    if _CONTROL.search(text):
        text, notes = _CONTROL.sub("", text), (*notes, "control-character")
    return text.strip() or None, notes


def _spelled(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else str(value)


def _without_surrogates(text: str) -> tuple[str, tuple[str, ...]]:
    if not _SURROGATE.search(text):
        return text, ()
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), ("surrogate",)


def _from_windows(byte: int) -> str:
    """Read one byte as Windows-1252, or as Latin-1 where that leaves a hole."""
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)

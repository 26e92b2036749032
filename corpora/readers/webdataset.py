"""WebDataset tar shards, as img2dataset writes them: each sample is an image, a text and a JSON object of one name."""

from __future__ import annotations

import json
import posixpath
import tarfile
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from corpora.images import members
from corpora.readers.imagefolder import IMAGE_SUFFIXES
from corpora.readers.sheet import Row, Sheet, bad_row, rows_of
from corpora.text import decode_text, restore_bytes
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corpora.folder import Folder

__all__ = ["read_webdataset"]

_FIXED = {"id": ("@key",), "image": ("@image",), "caption": ("captions", "caption", "@text")}
_TEXT_SUFFIXES = (".txt", ".caption")


def read_webdataset(folder: Folder, paths: tuple[str, ...]) -> Sheet:
    """Read tar shards in the order of their names.

    Members whose names agree up to the first dot form one sample; its id is that name. The caption is what the JSON
    object says, else the text. Of several images the first is taken.

    Raises:
        CorpusError: A shard is not an uncompressed tar file.
    """
    rows = rows_of(folder, partial(_rows, folder, paths))
    columns = dict.fromkeys(key for row in rows for key in row.values if not key.startswith("@"))
    return Sheet((*columns, "@key", "@image", "@text"), rows, _FIXED)


def _rows(folder: Folder, paths: tuple[str, ...]) -> Iterator[Row]:
    for path in paths:
        try:
            with folder.open(path) as file:
                yield from _shard(file, path)
        except (tarfile.TarError, OSError) as error:
            raise CorpusError(f"{path} is not a readable, uncompressed tar file: {error}") from error


def _shard(file: BinaryIO, path: str) -> Iterator[Row]:
    """Yield a row per sample: consecutive members of one key, each kind of member once."""
    sample: dict[str, tarfile.TarInfo] = {}
    current = ""
    for member in members(file):
        if not member.isreg():
            yield bad_row(f"{path}::{member.name}", "not-a-file", "the member is a link or device, not a file")
            continue
        key, suffix = _split(member.name)
        if sample and (key != current or suffix in sample):
            yield _sample(file, path, current, sample)
            sample = {}
        current, sample[suffix] = key, member
    if sample:
        yield _sample(file, path, current, sample)


def _sample(file: BinaryIO, path: str, key: str, sample: dict[str, tarfile.TarInfo]) -> Row:
    where = f"{path}::{key}"
    image = next((member for suffix, member in sample.items() if suffix.endswith(IMAGE_SUFFIXES)), None)
    if image is None:
        return bad_row(where, "no-image", f"the sample has no image, only {', '.join(sample)}")
    values: dict[str, object] = {"@key": posixpath.basename(key), "@image": f"{path}::{image.name}"}
    notes: tuple[str, ...] = ()
    text = next((member for suffix, member in sample.items() if suffix in _TEXT_SUFFIXES), None)
    if text:
        values["@text"], notes = restore_bytes(decode_text(_content(file, text)))
    if ".json" in sample:
        found, more = _object(_content(file, sample[".json"]))
        values, notes = {**found, **values}, notes + more
    return Row(where, values, tuple(dict.fromkeys(notes)))


def _object(data: bytes) -> tuple[dict[str, object], tuple[str, ...]]:
    text, notes = restore_bytes(decode_text(data))
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    return (found, notes) if isinstance(found, dict) else ({}, (*notes, "unreadable-metadata"))


def _content(file: BinaryIO, member: tarfile.TarInfo) -> bytes:
    place = file.tell()
    file.seek(member.offset_data)
    data = file.read(member.size)
    file.seek(place)
    return data


def _split(name: str) -> tuple[str, str]:
    """Cut `folder/000.seg.png` into `folder/000` and `.seg.png`."""
    below, base = posixpath.split(name)
    stem, dot, suffix = base.partition(".")
    return posixpath.join(below, stem), (dot + suffix).lower()

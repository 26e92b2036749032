"""Which reader fits a location, and which of its files are the input."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpora.readers.coco import read_coco
from corpora.readers.delimited import read_delimited
from corpora.readers.imagefolder import read_imagefolder
from corpora.readers.jsonl import read_jsonl
from corpora.readers.parquet import read_parquet
from corpora.readers.webdataset import read_webdataset
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from corpora.folder import Folder
    from corpora.readers.sheet import Reader

__all__ = ["READERS", "Choice", "choose_reader"]

_TABLES: Mapping[str, Reader] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".txt": read_delimited,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".parquet": read_parquet,
}
_MANIFEST_STEMS = ("manifest", "captions", "records")
_METADATA_SUFFIXES = (".jsonl", ".csv", ".parquet")

READERS = ("auto", "table", "imagefolder", "coco", "webdataset")
"""The names a reader can be asked for by."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A reader and the files it shall read, relative to the folder of the corpus."""

    name: str
    reader: Reader
    paths: tuple[str, ...]


def choose_reader(folder: Folder, file: str | None, asked: str) -> Choice:
    """Choose the reader for a location.

    In a folder, the first of these that is there: a manifest (`manifest`, `captions` or `records`, as CSV, TSV, JSON Lines
    or Parquet), `metadata` files of an image folder, tar shards, a COCO file (`captions*.json`, also in `annotations/`), a
    single CSV, TSV, JSON Lines or Parquet file of any name.

    Args:
        folder: The folder of the corpus.
        file: The one file to read, or None for what the folder has.
        asked: One of `READERS`.

    Raises:
        CorpusError: Nothing fits, or more than one file does.
    """
    if asked not in READERS:
        raise CorpusError(f"There is no reader {asked!r}; there are: {', '.join(READERS)}.")
    if file is not None:
        return _of_file(file, asked)
    for name, find in _FINDERS:
        paths = find(folder) if asked in {"auto", name} else ()
        if paths:
            return _choice(name, paths)
    raise CorpusError(
        f"Nothing to read in the corpus {folder.name!r}: {_described(folder)}.",
        hint="Add manifest.csv with the columns id, image, caption, event, or give the file to read.",
    )


def _of_file(file: str, asked: str) -> Choice:
    suffix = posixpath.splitext(file)[1].lower()
    usual = {".json": "coco", ".tar": "webdataset"}.get(suffix, "table" if suffix in _TABLES else None)
    name = usual if asked == "auto" else asked
    if name is None or (name == "table" and suffix not in _TABLES):
        known = ", ".join([*_TABLES, ".json", ".tar"])
        raise CorpusError(f"{posixpath.basename(file)!r} is of no known kind; known are {known}.")
    return _choice(name, (file,))


def _choice(name: str, paths: tuple[str, ...]) -> Choice:
    if name == "table":
        return Choice(name, _TABLES[posixpath.splitext(paths[0])[1].lower()], _only(paths))
    readers: Mapping[str, Reader] = {
        "imagefolder": read_imagefolder,
        "coco": read_coco,
        "webdataset": read_webdataset,
    }
    return Choice(name, readers[name], _only(paths) if name == "coco" else paths)


def _only(paths: tuple[str, ...]) -> tuple[str, ...]:
    if len(paths) > 1:
        raise CorpusError(
            f"The corpus has more than one file to read: {', '.join(paths)}.",
            hint="Give the file instead of its folder.",
        )
    return paths


def _manifests(folder: Folder) -> tuple[str, ...]:
    names = [name for name in folder.files() if posixpath.splitext(name)[1].lower() in _TABLES]
    return tuple(n for n in names if posixpath.splitext(n)[0].lower() in _MANIFEST_STEMS and not n.endswith(".txt"))


def _metadata(folder: Folder) -> tuple[str, ...]:
    """Find the metadata files of the folder and of the folders directly in it."""
    wanted = [f"metadata{suffix}" for suffix in _METADATA_SUFFIXES]
    found = []
    for below in ("", *folder.folders()):
        names = [name for name in wanted if name in folder.files(below)]
        found += [posixpath.join(below, name) for name in _only(tuple(names))]
    return tuple(found)


def _shards(folder: Folder) -> tuple[str, ...]:
    return tuple(name for name in folder.files() if name.endswith(".tar"))


def _coco_files(folder: Folder) -> tuple[str, ...]:
    places = [(name, name) for name in folder.files()]
    places += [(name, f"annotations/{name}") for name in folder.files("annotations")]
    return tuple(path for name, path in places if name.startswith("captions") and name.endswith(".json"))


def _single_table(folder: Folder) -> tuple[str, ...]:
    suffixes = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
    return tuple(name for name in folder.files() if name.lower().endswith(suffixes))


_FINDERS: tuple[tuple[str, Callable[[Folder], tuple[str, ...]]], ...] = (
    ("table", _manifests),
    ("imagefolder", _metadata),
    ("webdataset", _shards),
    ("coco", _coco_files),
    ("table", _single_table),
)


def _described(folder: Folder) -> str:
    names = [*folder.files(), *(f"{name}/" for name in folder.folders())]
    return f"it has {', '.join(names[:8])}{' and more' if len(names) > 8 else ''}" if names else "it is empty"

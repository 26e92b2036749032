"""A corpus and what was added to it later, as one corpus: the records known before, then those that are new."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from corpora.folder import locate
from corpora.images import ImageSource
from corpora.records import RECORDS
from miner.errors import CorpusError, ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corpora.declaration import Declaration

__all__ = ["Joined", "SeveralFolders", "join_declarations", "join_records"]

SAME = ("imageHash", "captions", "events")


@dataclass(frozen=True)
class Joined:
    """Records of two corpora as one.

    Attributes:
        records: `corpora.records.RECORDS`: those known before, exactly as they were, then the new ones in their order.
        n_known: Known before.
        n_again: Of these, how many the newer corpus has as well.
    """

    records: pa.Table
    n_known: int
    n_again: int


def join_records(known: pa.Table, newer: pa.Table) -> Joined:
    """Append what is new to what was known.

    A record is known by its id if picture (by hash), captions and events are the same, or if the newer corpus cannot use it
    any more, as where the pictures of old records were deleted; it then stays as it was. A record with a known id and another
    content becomes a bad one with a reason, as a repeated id does within one corpus; so does a new record whose picture
    bears the name of a known one with another content, because the two could not be told apart.

    Args:
        known: `RECORDS`.
        newer: `RECORDS`.
    """
    old = {row["record"]: row for row in known.to_pylist()}
    hashes = {row["image"]: row["imageHash"] for row in old.values() if row["imageHash"] is not None}
    taken = {*old, *newer["record"].to_pylist()}
    fresh, n_again = [], 0
    for row in newer.to_pylist():
        before = old.get(row["record"])
        if before is None:
            fresh.append(_with_own_name(row, hashes))
        elif row["status"] == "bad" or all(row[name] == before[name] for name in SAME):
            n_again += 1
        else:
            reason = f"id {row['record']!r} is already known with another picture, other captions or other events"
            fresh.append(_refused(row, "duplicate-id", reason) | {"record": _numbered(row["record"], taken)})
    # What Parquet calls the elements of its lists would make equal tables different files.
    table = pa.concat_tables([known.cast(RECORDS), pa.Table.from_pylist(fresh, schema=RECORDS)]).combine_chunks()
    return Joined(table, known.num_rows, n_again)


def _with_own_name(row: dict[str, object], hashes: Mapping[str, str]) -> dict[str, object]:
    other = hashes.get(str(row["image"]))
    if row["status"] == "bad" or other in {None, row["imageHash"]}:
        return row
    return _refused(row, "image-name-taken", f"{row['image']} is the name of another picture among the known records")


def _refused(row: dict[str, object], code: str, reason: str) -> dict[str, object]:
    return row | {"status": "bad", "code": code, "reason": reason}


def _numbered(record: str, taken: set[str]) -> str:
    number = 2
    while f"{record}#{number}" in taken:
        number += 1
    taken.add(f"{record}#{number}")
    return f"{record}#{number}"


def join_declarations(known: Mapping[str, object], newer: Declaration) -> Declaration:
    """Give the declaration of both: the name stays, aliases and mask patterns add up.

    Args:
        known: `name`, `aliases`, `maskPatterns` and `language` of the known corpus.
        newer: Of the newer one.

    Raises:
        CorpusError: They are in different languages.
    """
    if known["language"] != newer.language:
        raise CorpusError(
            f"The known records are in language {known['language'] or 'en'!r}, the new ones in {newer.language or 'en'!r}.",
            hint="Declare the same language in corpus.toml, or mine them as two corpora.",
        )
    aliases, patterns = known["aliases"], known["maskPatterns"]
    return replace(
        newer,
        name=str(known["name"]),
        aliases={**(aliases if isinstance(aliases, dict) else {}), **newer.aliases},
        mask_patterns=tuple(dict.fromkeys((*(patterns if isinstance(patterns, list) else ()), *newer.mask_patterns))),
    )


class SeveralFolders:
    """Opens the images of records that lie in several corpora; a folder is looked at when its first image is wanted.

    Args:
        places: Where each image is: a location, and the images there.
    """

    def __init__(self, places: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Keep where every image is; the first place counts."""
        self._place_of = {image: location for location, images in reversed(places) for image in images}
        self._sources: dict[str, ImageSource] = {}

    def open(self, image: str) -> bytes:
        """Return the bytes of an image.

        Raises:
            ImageError: It is no image of these records, or cannot be opened.
        """
        if image not in self._place_of:
            raise ImageError("missing-image", f"{image} is no picture of these records")
        location = self._place_of[image]
        if location not in self._sources:
            try:
                self._sources[location] = ImageSource(locate(location)[0])
            except CorpusError as error:
                raise ImageError("missing-image", error.message) from error
        return self._sources[location].open(image)

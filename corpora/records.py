"""Reading a corpus: one row per input line, entry or sample, the unusable ones with a reason."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from corpora.columns import Columns, Fields, find_columns, read_fields
from corpora.declaration import Declaration, read_declaration
from corpora.folder import locate
from corpora.images import ImageSource
from corpora.readers.detect import choose_reader
from miner.errors import CorpusError, ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from corpora.images import ImageFinder
    from corpora.readers.sheet import Row, Sheet

__all__ = ["RECORDS", "Corpus", "Declaration", "read_corpus"]

RECORDS = pa.schema(
    [
        ("record", pa.string()),
        ("image", pa.string()),
        ("captions", pa.list_(pa.string())),
        ("events", pa.list_(pa.string())),
        ("source", pa.string()),
        ("time", pa.string()),
        ("licence", pa.string()),
        ("credit", pa.string()),
        ("where", pa.string()),
        ("imageBytes", pa.int64()),
        ("imageHash", pa.string()),
        ("status", pa.string()),
        ("code", pa.string()),
        ("reason", pa.string()),
        ("notes", pa.list_(pa.string())),
    ]
)
"""One row per record, in the order of the input.

`record` is unique. `image` is relative to the corpus folder, or null where none is named. `imageHash` is the BLAKE2b hash
of the file (32 hexadecimal digits), null like `imageBytes` where it was not read. `status` is `ok` or `bad`; bad rows have
a `code` and a `reason`. `notes` are codes of what was repaired or is missing in an otherwise usable record.
"""

_CHUNK = 512
_TASK = 16
_LOCAL_THREADS = 2
_REMOTE_THREADS = 16


@dataclass(frozen=True)
class Corpus:
    """A corpus that has been read.

    `reader` and `columns` say how: the reader's name, and for each field the columns it came from.
    """

    location: str
    declaration: Declaration
    records: pa.Table
    images: ImageFinder
    reader: str
    columns: Mapping[str, tuple[str, ...]]

    def open_image(self, image: str) -> bytes:
        """Return the bytes of an image of this corpus.

        Raises:
            ImageError: It is outside the corpus folder, missing, empty or unreadable.
        """
        return self.images.open(image)


def read_corpus(
    location: str,
    *,
    reader: str = "auto",
    columns: Mapping[str, str] | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Corpus:
    """Read a corpus and look at every image file, without decoding it.

    Without a column of ids, the path of the image is the id and lines of one image are one record with several captions.

    Args:
        location: A folder, a manifest, a COCO file or a tar shard: a path or any fsspec URL.
        reader: One of `corpora.readers.detect.READERS`.
        columns: Field to column, where the usual names do not fit; wins over `corpus.toml`.
        on_progress: Called with the number of records done so far.

    Raises:
        CorpusError: The location cannot be read, needed columns are missing, or no record is usable.
    """
    folder, file = locate(location)
    choice = choose_reader(folder, file, reader)
    declaration = read_declaration(folder)
    sheet = _read_sheet(choice.reader(folder, choice.paths), location)
    found = find_columns(sheet, {**declaration.columns, **(columns or {})})
    drafts = _with_unique_ids(_merge_lines(_drafts(sheet, found, declaration), merge="id" not in found))
    images = ImageSource(folder)
    threads = _LOCAL_THREADS if folder.is_local else _REMOTE_THREADS
    table = _look_at_images(drafts, images, threads=threads, on_progress=on_progress)
    _check_usable(table, location)
    return Corpus(location, declaration, table, images, choice.name, found)


@dataclass(slots=True)
class _Draft:
    """A record on its way: what its row says, and what is wrong with it."""

    record: str
    where: str
    fields: Fields
    code: str | None = None
    reason: str | None = None
    image_bytes: int | None = None
    image_hash: str | None = None
    notes: tuple[str, ...] = ()


def _read_sheet(sheet: Sheet, location: str) -> Sheet:
    if not sheet.rows:
        raise CorpusError(f"The corpus at {location!r} is empty.", hint="It needs at least one record.")
    if all(row.code for row in sheet.rows):
        first = sheet.rows[0]
        raise CorpusError(f"No record of {location!r} can be read; the first, {first.where}: {first.reason}.")
    return sheet


def _drafts(sheet: Sheet, columns: Columns, declaration: Declaration) -> Iterator[_Draft]:
    for row in sheet.rows:
        fields = read_fields(row, columns, declaration.aliases)
        fields = replace(
            fields, licence=fields.licence or declaration.licence, credit=fields.credit or declaration.credit
        )
        yield _draft(row, fields)


def _draft(row: Row, fields: Fields) -> _Draft:
    code, reason = row.code, row.reason
    if code is None and fields.image is None:
        code, reason = "no-image", "the record names no image"
    return _Draft(fields.id or fields.image or row.where, row.where, fields, code, reason, notes=fields.notes)


def _merge_lines(drafts: Iterator[_Draft], *, merge: bool) -> list[_Draft]:
    """Make one record of all lines that name the same image."""
    if not merge:
        return list(drafts)
    merged: dict[str, _Draft] = {}
    for draft in drafts:
        key = draft.where if draft.code else draft.record
        merged[key] = _merge(merged[key], draft) if key in merged else draft
    return list(merged.values())


def _merge(first: _Draft, second: _Draft) -> _Draft:
    one, other = first.fields, second.fields
    fields = replace(
        one,
        captions=one.captions + other.captions,
        events=tuple(dict.fromkeys(one.events + other.events)),
        source=one.source or other.source,
        time=one.time or other.time,
        licence=one.licence or other.licence,
        credit=one.credit or other.credit,
    )
    return replace(first, fields=fields, notes=(*first.notes, *second.notes, "merged-lines"))


def _with_unique_ids(drafts: Sequence[_Draft]) -> list[_Draft]:
    """Keep the first record of each id; later ones become bad and get a number after their id."""
    owners: dict[str, str] = {}
    taken = {draft.record for draft in drafts}
    for draft in drafts:
        if draft.record not in owners:
            owners[draft.record] = draft.where
            continue
        if draft.code is None:
            draft.code, draft.reason = "duplicate-id", f"id {draft.record!r} is already at {owners[draft.record]}"
        draft.record = _numbered(draft.record, taken)
        owners[draft.record] = draft.where
        taken.add(draft.record)
    return list(drafts)


def _numbered(record: str, taken: set[str]) -> str:
    number = 2
    while f"{record}#{number}" in taken:
        number += 1
    return f"{record}#{number}"


def _look_at_images(
    drafts: Sequence[_Draft], images: ImageSource, *, threads: int, on_progress: Callable[[int], None] | None
) -> pa.Table:
    def look(start: int) -> None:
        for draft in drafts[start : start + _TASK]:
            _look_at_image(draft, images)

    batches = []
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(drafts), _CHUNK):
            chunk = drafts[start : start + _CHUNK]
            list(pool.map(look, range(start, start + len(chunk), _TASK)))
            batches.append(pa.RecordBatch.from_pylist([_cells(draft) for draft in chunk], RECORDS))
            if on_progress:
                on_progress(start + len(chunk))
    return pa.Table.from_batches(batches, RECORDS)


def _look_at_image(draft: _Draft, images: ImageSource) -> None:
    if draft.code is not None or draft.fields.image is None:
        return
    try:
        facts = images.facts(draft.fields.image)
    except ImageError as error:
        draft.code, draft.reason = error.code, error.message
    else:
        draft.fields = replace(draft.fields, image=facts.image)
        draft.image_bytes, draft.image_hash = facts.size_bytes, facts.digest


def _cells(draft: _Draft) -> dict[str, object]:
    notes = {*draft.notes, *(() if draft.fields.captions or draft.code else ("no-caption",))}
    return {
        "record": draft.record,
        "image": draft.fields.image,
        "captions": draft.fields.captions,
        "events": draft.fields.events,
        "source": draft.fields.source,
        "time": draft.fields.time,
        "licence": draft.fields.licence,
        "credit": draft.fields.credit,
        "where": draft.where,
        "imageBytes": draft.image_bytes,
        "imageHash": draft.image_hash,
        "status": "bad" if draft.code else "ok",
        "code": draft.code,
        "reason": draft.reason,
        "notes": sorted(notes),
    }


def _check_usable(records: pa.Table, location: str) -> None:
    codes = Counter(records["code"].to_pylist())
    if None in codes:
        return
    code, count = codes.most_common(1)[0]
    reason = records["reason"][records["code"].to_pylist().index(code)].as_py()
    raise CorpusError(
        f"None of the {records.num_rows:,} records of {location!r} is usable; {count:,} are {code!r}, the first: {reason}.",
        hint="Image paths are relative to the folder of the manifest; another column can be named under [columns].",
    )

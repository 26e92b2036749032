"""Reading a corpus: one row per input line, entry or sample, the unusable ones with a reason."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

import pyarrow as pa

from corpora.columns import find_columns
from corpora.declaration import Declaration, read_declaration
from corpora.drafts import read_drafts, require_rows
from corpora.folder import locate
from corpora.images import ImageSource
from corpora.readers.detect import choose_reader
from miner.errors import CorpusError, ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from corpora.drafts import Draft
    from corpora.images import ImageFinder

__all__ = ["RECORDS", "Corpus", "Declaration", "look_at_images", "read_corpus"]

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

    `reader` and `columns` say how: the reader's name, and for each field the columns it came from. `numbered` gives, for each
    record whose id was there before, the id that its rows give it.
    """

    location: str
    declaration: Declaration
    records: pa.Table
    images: ImageFinder
    reader: str
    columns: Mapping[str, tuple[str, ...]]
    numbered: Mapping[str, str]

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
    sheet = choice.reader(folder, choice.paths)
    require_rows(sheet, location)
    found = find_columns(sheet, {**declaration.columns, **(columns or {})})
    drafts = sorted(read_drafts(sheet, found, declaration), key=attrgetter("number"))
    images = ImageSource(folder)
    table = _look_at_all(drafts, images, on_progress)
    _check_usable(table, location)
    numbered = {draft.record: draft.original for draft in drafts if draft.owner is not None}
    return Corpus(location, declaration, table, images, choice.name, found, numbered)


def _look_at_all(drafts: Iterable[Draft], images: ImageSource, on_progress: Callable[[int], None] | None) -> pa.Table:
    batches, n_done = [], 0
    for chunk in look_at_images(drafts, images):
        batches.append(pa.RecordBatch.from_pylist([_cells(draft) for draft in chunk], RECORDS))
        n_done += len(chunk)
        if on_progress:
            on_progress(n_done)
    return pa.Table.from_batches(batches, RECORDS)


def look_at_images(drafts: Iterable[Draft], images: ImageSource) -> Iterator[list[Draft]]:
    """Look at the image file of each record, without decoding it; yields the records with what was found, some at a time."""

    def look(some: Sequence[Draft]) -> None:
        for draft in some:
            _look_at_image(draft, images)

    rest = iter(drafts)
    with ThreadPoolExecutor(_LOCAL_THREADS if images.folder.is_local else _REMOTE_THREADS) as pool:
        while chunk := list(islice(rest, _CHUNK)):
            list(pool.map(look, (chunk[start : start + _TASK] for start in range(0, len(chunk), _TASK))))
            yield chunk


def _look_at_image(draft: Draft, images: ImageSource) -> None:
    if draft.code is not None or draft.fields.image is None:
        return
    try:
        facts = images.facts(draft.fields.image)
    except ImageError as error:
        draft.code, draft.reason = error.code, error.message
    else:
        draft.fields = replace(draft.fields, image=facts.image)
        draft.image_bytes, draft.image_hash = facts.size_bytes, facts.digest


def _cells(draft: Draft) -> dict[str, object]:
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

"""What to extract from: the records of any corpus with their texts and pictures, sentences of M2E2 without their gold, or one text.

The records of a corpus are those that `eventminer run` reads, with the same ids, captions and pictures; here a picture or a text is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from corpora.columns import find_columns
from corpora.declaration import read_declaration
from corpora.drafts import DUPLICATE, NO_IMAGE, Names, Tally, read_drafts, require_rows
from corpora.folder import locate
from corpora.images import ImageSource
from corpora.m2e2 import read_sentences
from corpora.readers.detect import choose_reader
from corpora.records import look_at_images
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import TextIO

    from corpora.drafts import Draft
    from corpora.images import ImageFinder

__all__ = ["NewCorpus", "NewRecord", "TextRecord", "open_new", "open_sentences", "read_file_text", "require_texts"]

PART_CHARS = 1 << 16
LONGEST_PART = 4
"""In parts of `PART_CHARS`: where to cut without an empty line."""


class TextRecord(NamedTuple):
    """A text.

    Attributes:
        id: Of the record.
        document: Id of the document that the text belongs to; that of the record where nothing says more.
        text: As it was read; a caption as `eventminer run` keeps it.
        caption: Number of the caption in its record, from 0; None where the record is one text.
        first: Where the text begins in the record, in characters, if it is a later part of a long one.
        time: When it was published, as the corpus says.
    """

    id: str
    document: str
    text: str
    caption: int | None = None
    first: int = 0
    time: str | None = None


class NewRecord(NamedTuple):
    """A record to extract from.

    Attributes:
        id: Of the record.
        document: Id of its document, of the first that has its picture; its own, as the corpus gives it, where nothing says more.
        texts: Its captions, or the text.
        image: Its picture, as the corpus names it; None where it has none or none is looked at.
        code: Why the picture cannot be used.
        reason: The same, for people.
        image_hash: Hash of the picture, where it was looked at.
        time: When it was published, as the corpus says.
        ends: Those of its documents and those of its texts that no later record belongs to.
        original: Its id as the corpus gives it, where it comes again there and this one is numbered.
    """

    id: str
    document: str
    texts: tuple[TextRecord, ...] = ()
    image: str | None = None
    code: str | None = None
    reason: str | None = None
    image_hash: str | None = None
    time: str | None = None
    ends: tuple[str, ...] = ()
    original: str | None = None


class NewCorpus(NamedTuple):
    """Records to extract from, and where their pictures are.

    Attributes:
        records: Read as they are needed, once.
        images: Opens their pictures; None where none are looked at.
        has_texts: Whether any of them may have a text.
    """

    records: Iterable[NewRecord]
    images: ImageFinder | None = None
    has_texts: bool = True

    def texts(self) -> Iterator[TextRecord]:
        """Yield the texts of all records."""
        return (text for record in self.records for text in record.texts)


def open_new(
    location: str,
    notes: Counter[str],
    *,
    reader: str = "auto",
    columns: Mapping[str, str] | None = None,
    images: bool = True,
) -> NewCorpus:
    """Open a corpus in any format that `eventminer run` reads, to go through it record by record.

    Args:
        location: As of `corpora.records.read_corpus`.
        notes: Counts what is wrong with records, by reason.
        reader: One of `corpora.readers.detect.READERS`.
        columns: Field to column, where the corpus has such a column; wins over `corpus.toml`.
        images: Look at pictures; otherwise they may be missing.

    Raises:
        CorpusError: It cannot be read, or has neither a column of images nor one of captions.
    """
    folder, file = locate(location)
    choice = choose_reader(folder, file, reader)
    declaration = read_declaration(folder)
    sheet = choice.reader(folder, choice.paths)
    require_rows(sheet, location)
    asked = {field: column for field, column in (columns or {}).items() if column in sheet.columns}
    found = find_columns(sheet, {**declaration.columns, **asked}, both=False)
    drafts = _noted(read_drafts(sheet, found, declaration), notes)
    if not images or "image" not in found:
        return NewCorpus(_new_record(draft)._replace(image=None) for draft in drafts)
    source = ImageSource(folder)
    looked_at = (draft for chunk in look_at_images(_noted_pictures(drafts, notes), source) for draft in chunk)
    return NewCorpus(map(_new_record, looked_at), source)


def _noted(drafts: Iterable[Draft], notes: Counter[str]) -> Iterator[Draft]:
    for draft in drafts:
        if draft.owner is not None:
            notes["records with an id that was there before, numbered"] += 1
        if draft.code not in (None, NO_IMAGE, DUPLICATE):
            notes[f"records left out: {draft.code}"] += 1
            continue
        if not draft.fields.captions:
            notes["records without a text"] += 1
        yield draft


def _noted_pictures(drafts: Iterable[Draft], notes: Counter[str]) -> Iterator[Draft]:
    for draft in drafts:
        if draft.code == NO_IMAGE:
            notes["records without a picture"] += 1
        if draft.has_several_documents:
            notes["pictures of several documents, joined with texts of the first alone"] += 1
        yield draft


def _new_record(draft: Draft) -> NewRecord:
    fields = draft.fields
    texts = tuple(
        TextRecord(draft.record, document or draft.document, caption, number, time=fields.time)
        for number, (caption, document) in enumerate(zip(fields.captions, draft.documents, strict=True))
    )
    return NewRecord(
        draft.record,
        draft.document,
        texts,
        fields.image,
        draft.code,
        draft.reason,
        draft.image_hash,
        fields.time,
        draft.ends,
        draft.original if draft.owner is not None else None,
    )


def open_sentences(path: Path, notes: Counter[str]) -> NewCorpus:
    """Open a file of M2E2's sentences; of an id that comes again, the later sentences get a number after it.

    Args:
        path: Of the file.
        notes: Counts such ids.

    Raises:
        CorpusError: The file cannot be read or has no sentences.
    """
    ids = Tally()
    for sentence in read_sentences(path):
        ids.add(sentence.id)
    return NewCorpus(_sentences(path, Names(ids), notes))


def _sentences(path: Path, names: Names, notes: Counter[str]) -> Iterator[NewRecord]:
    for sentence in read_sentences(path):
        name, owner = names.name(sentence.id, "")
        if owner is not None:
            notes["sentences with an id that was there before, numbered"] += 1
        text = TextRecord(name, sentence.document, sentence.text)
        yield NewRecord(name, sentence.document, (text,), original=None if owner is None else sentence.id)


def read_file_text(name: str, file: TextIO) -> Iterator[NewRecord]:
    """Read a file as one text; a long one in parts that end at empty lines, or at last anywhere, so that it need not fit into memory.

    Args:
        name: Id of the record and its document.
        file: Open for reading.
    """
    first, size, part = 0, 0, list[str]()
    for line in iter(lambda: file.readline(PART_CHARS), ""):
        part.append(line)
        size += len(line)
        if size >= PART_CHARS * (1 if not line.strip() else LONGEST_PART):
            yield _part(name, part, first)
            first, size, part = first + size, 0, []
    if part or not first:
        yield _part(name, part, first)


def _part(name: str, lines: Iterable[str], first: int) -> NewRecord:
    return NewRecord(name, name, (TextRecord(name, name, "".join(lines), first=first),))


def require_texts(location: str, n_texts: int) -> None:
    """Refuse a corpus in which nothing could be read.

    Raises:
        CorpusError: There was no text.
    """
    if not n_texts:
        raise CorpusError(f"{location} has no text.", hint="'eventminer corpus check' tells what is in it.")

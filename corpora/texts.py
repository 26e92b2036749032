"""The texts of a corpus, for extraction: sentences of M2E2 without their gold, or the captions of any corpus, with or without pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from corpora.columns import find_columns, read_fields
from corpora.declaration import read_declaration
from corpora.folder import locate
from corpora.m2e2 import looks_like_m2e2, read_sentences
from corpora.readers.detect import choose_reader
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from typing import TextIO

    from corpora.readers.sheet import Sheet

__all__ = ["TextRecord", "read_file_text", "read_texts", "require_texts"]

CAPTION_KEYS = ("caption", "captions", "text")
TIME_KEYS = ("time", "date", "published")
PART_CHARS = 1 << 16
LONGEST_PART = 4
"""In parts of `PART_CHARS`: where to cut without an empty line."""


class TextRecord(NamedTuple):
    """A text.

    Attributes:
        id: Of the record.
        document: Id of the document that the record belongs to; the record itself where nothing says more.
        text: As it was read.
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


def read_texts(location: str, notes: Counter[str]) -> Iterator[TextRecord]:
    """Read the texts of a corpus, one after another.

    Args:
        location: A file of M2E2's sentences, or whatever `eventminer run` reads; pictures are not opened and may be missing.
            JSON Lines with an id and a caption are read line by line, everything else at once.
        notes: Counts records that cannot be used, by reason.

    Raises:
        CorpusError: It cannot be read.
    """
    path = Path(location)
    if looks_like_m2e2(path):
        for sentence in read_sentences(path):
            yield TextRecord(sentence.id, sentence.document, sentence.text)
        return
    if path.suffix == ".jsonl" and path.is_file():
        yield from _lines(path, notes)
        return
    folder, file = locate(location)
    choice = choose_reader(folder, file, "auto")
    sheet: Sheet = choice.reader(folder, choice.paths)
    columns = find_columns(sheet, read_declaration(folder).columns)
    for row in sheet.rows:
        fields = read_fields(row, columns)
        identifier = fields.id or fields.image or row.where
        if row.code or not fields.captions:
            notes[row.reason or "records without a text"] += 1
        for number, caption in enumerate(fields.captions):
            yield TextRecord(identifier, identifier, caption, number, time=fields.time)


def _lines(path: Path, notes: Counter[str]) -> Iterator[TextRecord]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                notes["lines that are no JSON"] += 1
                continue
            value = next((row[key] for key in CAPTION_KEYS if row.get(key)), None) if isinstance(row, dict) else None
            captions = [value] if isinstance(value, str) else value
            if not isinstance(captions, list) or not all(isinstance(caption, str) for caption in captions):
                notes["records without a text"] += 1
                continue
            identifier = str(row.get("id", row.get("image", f"{path.name}:{number}")))
            document = str(row.get("document", identifier))
            time = next((str(row[key]) for key in TIME_KEYS if row.get(key)), None)
            for index, caption in enumerate(captions):
                yield TextRecord(identifier, document, caption, index, time=time)


def read_file_text(name: str, file: TextIO) -> Iterator[TextRecord]:
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
            yield TextRecord(name, name, "".join(part), first=first)
            first, size, part = first + size, 0, []
    if part or not first:
        yield TextRecord(name, name, "".join(part), first=first)


def require_texts(location: str, n_texts: int) -> None:
    """Refuse a corpus in which nothing could be read.

    Raises:
        CorpusError: There was no text.
    """
    if not n_texts:
        raise CorpusError(f"{location} has no text.", hint="'eventminer corpus check' tells what is in it.")

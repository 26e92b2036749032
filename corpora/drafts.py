"""From rows to records, one after another: lines that name the same picture become one record, and every id is made unique.

What has to be known of all rows beforehand, how often an id, a picture or a document occurs, is found in a first pass and kept as numbers
of 64 bits, so that a corpus need not fit into memory.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from corpora.columns import read_fields
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from corpora.columns import Columns, Fields
    from corpora.declaration import Declaration
    from corpora.readers.sheet import Row, Sheet

__all__ = ["DUPLICATE", "NO_IMAGE", "Draft", "Names", "Tally", "read_drafts", "require_rows"]

DUPLICATE = "duplicate-id"
NO_IMAGE = "no-image"


@dataclass(slots=True)
class Draft:
    """A record on its way: what its rows say, and what is wrong with it.

    Attributes:
        record: Its id, unique.
        original: Its id as its rows give it, which others may have too.
        where: Place of its first row.
        number: Number of that row, from 0.
        fields: What its rows say.
        groups: Document of each row that it was made of; its id, as its rows give it, where they say nothing of a document.
        documents: Document of each caption, where its row names one.
        code: Why it cannot be used.
        reason: The same, for people.
        owner: Place of the record that its id belongs to, where that is another one.
        image_bytes: Size of its picture, once that was looked at.
        image_hash: Hash of its picture, once that was looked at.
        notes: Codes of what was repaired.
        ends: Those of its documents that no later record belongs to.
    """

    record: str
    original: str
    where: str
    number: int
    fields: Fields
    groups: tuple[str, ...]
    documents: tuple[str | None, ...]
    code: str | None = None
    reason: str | None = None
    owner: str | None = None
    image_bytes: int | None = None
    image_hash: str | None = None
    notes: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()

    @property
    def document(self) -> str:
        """Id of its document, of the first where its rows name several; its own, as they give it, where they name none."""
        return self.fields.document or self.original

    @property
    def has_several_documents(self) -> bool:
        """Whether its rows name several."""
        return len(set(self.groups) - {self.original}) > 1


class Tally:
    """How often each of many texts occurs: 16 bytes for each, however long it is.

    Two texts may share a number, one pair in 10^19; then each counts for both.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._hashes = array("q")

    def add(self, text: str) -> None:
        """Count a text; not after the first question."""
        self._hashes.append(hash(text))

    def __getitem__(self, text: str) -> int:
        """Return how often a text occurs, 0 for never."""
        hashes, counts = self._counted
        place = int(np.searchsorted(hashes, hash(text)))
        return int(counts[place]) if place < len(hashes) and int(hashes[place]) == hash(text) else 0

    @cached_property
    def _counted(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        return np.unique(np.frombuffer(self._hashes, dtype=np.int64), return_counts=True)


class Names:
    """Makes ids unique: the first of each keeps it, later ones get a number after it.

    Args:
        tally: Of all ids that will come.
    """

    def __init__(self, tally: Tally) -> None:
        """Keep the tally; memory grows with ids that come more than once alone."""
        self._tally = tally
        self._owners: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._given: set[str] = set()

    def name(self, identifier: str, where: str) -> tuple[str, str | None]:
        """Return what the next record is called and, if its id was there before, where.

        Args:
            identifier: Its id.
            where: Its place.
        """
        if self._tally[identifier] < 2:
            return identifier, None
        if identifier not in self._owners:
            self._owners[identifier] = where
            return identifier, None
        number = self._numbers.get(identifier, 2)
        while self._tally[name := f"{identifier}#{number}"] or name in self._given:
            number += 1
        self._given.add(name)
        self._numbers[identifier] = number + 1
        return name, self._owners[identifier]


def require_rows(sheet: Sheet, location: str) -> None:
    """Refuse an input without a row that can be read.

    Raises:
        CorpusError: There is none; says why.
    """
    first: Row | None = None
    for row in sheet.rows:
        if row.code is None:
            return
        first = first or row
    if first is None:
        raise CorpusError(f"The corpus at {location!r} is empty.", hint="It needs at least one record.")
    raise CorpusError(f"No record of {location!r} can be read; the first, {first.where}: {first.reason}.")


def read_drafts(sheet: Sheet, columns: Columns, declaration: Declaration) -> Iterator[Draft]:
    """Yield the records of an input as soon as all of their rows have been read: mostly in the order of the input.

    Without a column of ids, the path of the image is the id and lines of one image are one record with several captions; it is
    complete, and yielded, with the last of them. Otherwise the second and later records of an id get a number after it and the code
    `duplicate-id`.

    Args:
        sheet: The input; gone through twice.
        columns: Which column holds which field.
        declaration: What the corpus says of itself.
    """
    ids, groups = Tally(), Tally()
    for draft in _drafts(sheet, columns, declaration):
        ids.add(_key(draft))
        groups.add(draft.groups[0])
    drafts = _drafts(sheet, columns, declaration)
    whole = _number(drafts, ids) if "id" in columns else _merge_lines(drafts, ids)
    return _end_documents(whole, groups)


def _drafts(sheet: Sheet, columns: Columns, declaration: Declaration) -> Iterator[Draft]:
    for number, row in enumerate(sheet.rows):
        fields = read_fields(row, columns, declaration.aliases)
        fields = replace(
            fields, licence=fields.licence or declaration.licence, credit=fields.credit or declaration.credit
        )
        yield _draft(row, number, fields)


def _draft(row: Row, number: int, fields: Fields) -> Draft:
    code, reason = row.code, row.reason
    if code is None and fields.image is None:
        code, reason = NO_IMAGE, "the record names no image"
    record = fields.id or fields.image or row.where
    groups, documents = (fields.document or record,), (fields.document,) * len(fields.captions)
    return Draft(record, record, row.where, number, fields, groups, documents, code, reason, notes=fields.notes)


def _key(draft: Draft) -> str:
    """Return what rows of one record share; without a column of ids, a row without a picture is a record of its own."""
    return draft.where if draft.code and not draft.fields.id else draft.record


def _merge_lines(drafts: Iterable[Draft], ids: Tally) -> Iterator[Draft]:
    """Make one record of all lines that name the same image."""
    begun: dict[str, Draft] = {}
    for draft in drafts:
        key = _key(draft)
        whole = _merge(begun.pop(key), draft) if key in begun else draft
        if len(whole.groups) < ids[key]:
            begun[key] = whole
        else:
            yield whole
    yield from begun.values()


def _merge(first: Draft, second: Draft) -> Draft:
    one, other = first.fields, second.fields
    fields = replace(
        one,
        captions=one.captions + other.captions,
        events=tuple(dict.fromkeys(one.events + other.events)),
        document=one.document or other.document,
        source=one.source or other.source,
        time=one.time or other.time,
        licence=one.licence or other.licence,
        credit=one.credit or other.credit,
    )
    return replace(
        first,
        fields=fields,
        groups=first.groups + second.groups,
        documents=first.documents + second.documents,
        notes=(*first.notes, *second.notes, "merged-lines"),
    )


def _number(drafts: Iterable[Draft], ids: Tally) -> Iterator[Draft]:
    """Keep the first record of each id; later ones become bad and get a number after their id."""
    names = Names(ids)
    for draft in drafts:
        name, owner = names.name(draft.original, draft.where)
        if owner is not None and draft.code is None:
            draft.code, draft.reason = DUPLICATE, f"id {draft.original!r} is already at {owner}"
        draft.record, draft.owner = name, owner
        yield draft


def _end_documents(drafts: Iterable[Draft], groups: Tally) -> Iterator[Draft]:
    """Say of each record to which of its documents no other is still to come."""
    left: dict[str, int] = {}
    for draft in drafts:
        for group in draft.groups:
            left[group] = (left[group] if group in left else groups[group]) - 1
        draft.ends = tuple(group for group in dict.fromkeys(draft.groups) if left[group] <= 0)
        for group in draft.ends:
            del left[group]
        yield draft

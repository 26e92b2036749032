"""Which column of an input holds which field of a record, and what its values mean."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpora.text import clean_text
from miner.errors import CorpusError

if TYPE_CHECKING:
    from corpora.readers.sheet import Row, Sheet

__all__ = ["FIELDS", "Columns", "Fields", "find_columns", "read_fields"]

_ALIASES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "id": (("id",), ("recordid",), ("record",), ("imageid",), ("key",), ("uid",), ("sampleid",)),
    "image": (("image",), ("imagepath",), ("imagefile",), ("filename",), ("file",), ("filepath",), ("path",), ("img",), ("photo",)),
    "caption": (("captions", "caption"), ("texts", "text"), ("sentences", "sentence"), ("description",), ("headline",), ("alttext",), ("alt",), ("title",)),
    "event": (("events", "event"), ("eventtypes", "eventtype"), ("labels", "label"), ("class",), ("category",)),
    "document": (("document",), ("documentid",), ("docid",), ("articleid",)),
    "source": (("source",), ("publisher",), ("site",), ("url",), ("cocourl",), ("flickrurl",)),
    "time": (("time",), ("timestamp",), ("datetime",), ("date",), ("published",), ("created",), ("datecaptured",)),
    "licence": (("licence",), ("license",), ("rights",)),
    "credit": (("credit",), ("author",), ("photographer",), ("copyright",)),
}  # fmt: skip
"""Spellings of each field, compared without case, spaces, hyphens and underscores. Of the names in one group,
the first that has a value in a row counts."""

FIELDS = tuple(_ALIASES)
"""The fields of a record that columns can fill."""

_NEEDED = ("image", "caption")
_NO_EVENT = frozenset({"none", "null", "nan", "n/a", "-"})

Columns = Mapping[str, tuple[str, ...]]
"""Field to the columns that hold it; the first that has a value in a row counts."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What one row says of its record, as clean text."""

    id: str | None
    image: str | None
    captions: tuple[str, ...]
    events: tuple[str, ...]
    document: str | None
    source: str | None
    time: str | None
    licence: str | None
    credit: str | None
    notes: tuple[str, ...]


def find_columns(sheet: Sheet, asked: Mapping[str, str], *, both: bool = True) -> Columns:
    """Decide which columns hold which field.

    Args:
        sheet: The input.
        asked: Field to column, as the user said; wins over the format and over the usual names.
        both: Images and captions are needed, not one of them.

    Raises:
        CorpusError: A field or column of `asked` does not exist, or images or captions have no column.
    """
    found = ", ".join(name for name in sheet.columns if not name.startswith("@")) or "none"
    for field, column in asked.items():
        if field not in FIELDS:
            raise CorpusError(f"Columns can be named for {', '.join(FIELDS)}, not for {field!r}.")
        if column not in sheet.columns:
            raise CorpusError(f"There is no column {column!r} for {field!r}; the columns are: {found}.")
    columns = {field: _columns_of(field, sheet, asked) for field in FIELDS}
    missing = [field for field in _NEEDED if not columns[field]]
    if missing and (both or len(missing) == len(_NEEDED)):
        raise CorpusError(
            f"No column for {' and '.join(missing) if both else ' or '.join(missing)}; the columns are: {found}.",
            hint=f'Name it under [columns] in corpus.toml, such as {missing[0]} = "<column>".',
        )
    return {field: names for field, names in columns.items() if names}


def read_fields(row: Row, columns: Columns, verbatim: Collection[str] = ()) -> Fields:
    """Read the fields of a row.

    A caption is one text or a list of them. An event value is a list, or one text in which `;` and `|` part several,
    except where the whole text is in `verbatim`; `none`, `null`, `nan`, `n/a` and `-` mean that there is none.
    """
    notes = list(row.notes)
    single = {field: _one(_value(row, columns, field), notes) for field in FIELDS if field not in {"caption", "event"}}
    captions = _captions(_value(row, columns, "caption"), notes)
    events = _events(_value(row, columns, "event"), verbatim, notes)
    return Fields(captions=captions, events=events, notes=tuple(sorted(set(notes))), **single)


def _columns_of(field: str, sheet: Sheet, asked: Mapping[str, str]) -> tuple[str, ...]:
    if field in asked:
        return (asked[field],)
    if field in sheet.fixed:
        return tuple(name for name in sheet.fixed[field] if name in sheet.columns)
    spelled = [(re.sub(r"[\W_]+", "", name.casefold()), name) for name in sheet.columns]
    for group in _ALIASES[field]:
        names = tuple(name for wanted in group for spelling, name in spelled if spelling == wanted)
        if names:
            return names
    return ()


def _value(row: Row, columns: Columns, field: str) -> object:
    values = (row.values.get(name) for name in columns.get(field, ()))
    return next((value for value in values if value not in (None, "", [])), None)


def _one(value: object, notes: list[str]) -> str | None:
    text, more = clean_text(value)
    notes += more
    return text


def _captions(value: object, notes: list[str]) -> tuple[str, ...]:
    if value is None:
        return ()
    texts = [_one(item, notes) for item in (value if isinstance(value, list) else [value])]
    captions = tuple(text for text in texts if text)
    if len(captions) < len(texts):
        notes.append("empty-caption")
    return captions


def _events(value: object, verbatim: Collection[str], notes: list[str]) -> tuple[str, ...]:
    if isinstance(value, list):
        texts = [_one(item, notes) for item in value]
    else:
        text = _one(value, notes)
        whole = text is None or text in verbatim
        texts = [text] if whole else [part.strip() for part in re.split(r"[;|]", text or "")]
    return tuple(dict.fromkeys(text for text in texts if text and text.casefold() not in _NO_EVENT))

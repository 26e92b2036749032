"""Small CAPTIONS tables written by hand: one token per word, no pipeline needed."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from miner.text.captions import CAPTIONS


def caption(record: str, index: int, words: str, **columns: list[Any]) -> dict[str, Any]:
    """Return a row of `CAPTIONS` from words written `form`, `form/POS` or `form/POS/lemma`.

    Without more, each word is a noun, is its own lemma and modifies the next one; `columns` replaces whole columns.
    """
    parts = [(*word.split("/"), "", "")[:3] for word in words.split()]
    forms = [form for form, _, _ in parts]
    ends = [sum(len(form) + 1 for form in forms[: number + 1]) - 1 for number in range(len(forms))]
    row: dict[str, Any] = {
        "record": record,
        "caption": index,
        "text": " ".join(forms),
        "language": "en",
        "cut": False,
        "starts": [end - len(form) for end, form in zip(ends, forms, strict=True)],
        "ends": ends,
        "lowers": [form.lower() for form in forms],
        "lemmas": [lemma or form.lower() for form, _, lemma in parts],
        "pos": [pos or "NOUN" for _, pos, _ in parts],
        "deps": [""] * len(forms),
        "heads": [min(number + 1, len(forms) - 1) for number in range(len(forms))],
        "entities": [""] * len(forms),
        "chunkStarts": [],
        "chunkEnds": [],
    }
    return row | columns


def captions_table(*rows: dict[str, Any]) -> pa.Table:
    """Return a `CAPTIONS` table of rows."""
    return pa.Table.from_pylist(list(rows), schema=CAPTIONS)


def said(*texts: str) -> pa.Table:
    """Return a `CAPTIONS` table of captions, each of a record of its own: "0", "1", and so on."""
    return captions_table(*(caption(str(number), 0, text) for number, text in enumerate(texts)))


def unmasked(table: pa.Table) -> list[list[bool]]:
    """Return masks that hide nothing."""
    return [[False] * len(lowers) for lowers in table["lowers"].to_pylist()]

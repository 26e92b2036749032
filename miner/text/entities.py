"""Named entities of captions, kept apart from text items: they fill roles, they are rarely concepts."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ENTITIES", "entities"]

ENTITIES = pa.schema(
    [
        pa.field("record", pa.string(), nullable=False),
        pa.field("caption", pa.int32(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("start", pa.int32(), nullable=False),
        pa.field("end", pa.int32(), nullable=False),
    ]
)
"""One row per named entity: its caption, its words, its spaCy type and its character span."""


COLUMNS = ["record", "caption", "text", "starts", "ends", "entities"]


def entities(captions: pa.Table) -> pa.Table:
    """List the named entities of every caption.

    Args:
        captions: A `CAPTIONS` table.

    Returns:
        An `ENTITIES` table in the order of the captions and of reading.
    """
    rows = [
        row
        for batch in captions.select(COLUMNS).to_batches()
        for caption in batch.to_pylist()
        for row in _found(caption)
    ]
    return pa.Table.from_pylist(rows, schema=ENTITIES)


def _found(caption: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for kind, group in groupby(enumerate(caption["entities"]), key=lambda pair: pair[1]):
        offsets = [offset for offset, _ in group]
        if not kind:
            continue
        start, end = caption["starts"][offsets[0]], caption["ends"][offsets[-1]]
        place = {"record": caption["record"], "caption": caption["caption"]}
        yield place | {"text": caption["text"][start:end], "kind": kind, "start": start, "end": end}

"""Which text items a record says, and where."""

from __future__ import annotations

from array import array
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from miner.text.phrases import with_phrases
from miner.text.words import content_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

__all__ = ["RECORD_ITEMS", "CaptionItems", "ItemSpan"]

BATCH = 4096

RECORD_ITEMS = pa.schema(
    [
        pa.field("record", pa.string(), nullable=False),
        pa.field("items", pa.list_(pa.int32()), nullable=False),
    ]
)
"""One row per record with a caption: the text items its captions say, sorted."""


class ItemSpan(NamedTuple):
    """A place where a caption says a text item.

    Attributes:
        caption: Index of the caption in its record.
        start: First character.
        end: Behind the last character.
        text: The caption.
    """

    caption: int
    start: int
    end: int
    text: str


class CaptionItems:
    """The text items of a corpus, found in its captions once and looked up by record; 12 bytes for each place.

    A phrase counts as itself and as its words: "fire truck" says the item of fire truck and that of truck.

    Args:
        captions: A `CAPTIONS` table.
        masks: For each caption, whether each token is masked (`miner.text.masking.token_masks`).
        items: A `TEXT_ITEMS` table.
        language: Language of the captions.
    """

    def __init__(
        self, captions: pa.Table, masks: Iterable[Sequence[bool]], items: pa.Table, *, language: str = "en"
    ) -> None:
        """Find the items."""
        rows = zip(items["textItem"].to_pylist(), items["words"].to_pylist(), strict=True)
        item_of = {word: item for item, words in rows for word in words}
        phrases = frozenset(word for word in item_of if " " in word)
        self._captions = captions.select(["caption", "text"])
        self._numbers: dict[str, int] = {}
        record_of, n_places = array("q"), array("q")
        found = array("i"), array("i"), array("i")
        for words, (record, starts, ends) in zip(
            content_words(captions, masks, language=language), _places(captions), strict=True
        ):
            record_of.append(self._numbers.setdefault(record, len(self._numbers)))
            said = [word for word in with_phrases(words, phrases) if word.text in item_of]
            n_places.append(len(said))
            for word in said:
                for column, value in zip(found, (item_of[word.text], starts[word.first], ends[word.last]), strict=True):
                    column.append(value)
        self._items, self._starts, self._ends = (np.array(column, dtype=np.int32) for column in found)
        self._record_of = np.array(record_of, dtype=np.int64)
        self._first = np.concatenate([[0], np.cumsum(np.array(n_places, dtype=np.int64))])
        self._rows = np.argsort(self._record_of, kind="stable")
        self._first_row = np.searchsorted(self._record_of[self._rows], np.arange(len(self._numbers) + 1))

    def table(self) -> pa.Table:
        """Return the items of every record that has a caption: a `RECORD_ITEMS` table, in the order of the captions."""
        records = np.repeat(self._record_of, np.diff(self._first))
        n_items = int(self._items.max(initial=0)) + 1
        pairs = np.unique(records * n_items + self._items)
        ends = np.searchsorted(pairs // n_items, np.arange(len(self._numbers) + 1))
        items = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(pairs % n_items, pa.int32()))
        return pa.table({"record": list(self._numbers), "items": items}, schema=RECORD_ITEMS)

    def spans(self, record: str, items: Collection[int]) -> list[ItemSpan]:
        """Return where the captions of a record say any of some items.

        Captions that say more of them come first, then in order; within a caption in reading order.

        Args:
            record: Record id; an unknown one has no spans.
            items: Text items.
        """
        found: set[ItemSpan] = set()
        said: dict[int, set[int]] = defaultdict(set)
        for row in self._rows_of(record):
            for place in range(self._first[row], self._first[row + 1]):
                item = int(self._items[place])
                if item in items:
                    span = self._span(row, place)
                    found.add(span)
                    said[span.caption].add(item)
        return sorted(found, key=lambda span: (-len(said[span.caption]), *span))

    def _rows_of(self, record: str) -> list[int]:
        number = self._numbers.get(record)
        if number is None:
            return []
        rows: list[int] = self._rows[self._first_row[number] : self._first_row[number + 1]].tolist()
        return rows

    def _span(self, row: int, place: int) -> ItemSpan:
        caption, text = (self._captions[name][row].as_py() for name in ("caption", "text"))
        return ItemSpan(caption, int(self._starts[place]), int(self._ends[place]), text)


def _places(captions: pa.Table) -> Iterator[tuple[str, list[int], list[int]]]:
    """Yield the record of each caption and where its tokens start and end, a few thousand captions in memory at a time."""
    for batch in captions.select(["record", "starts", "ends"]).to_batches(max_chunksize=BATCH):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

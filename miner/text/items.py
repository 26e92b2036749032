"""Which text items a record says, and where."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from miner.text.phrases import with_phrases
from miner.text.words import content_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

__all__ = ["RECORD_ITEMS", "CaptionItems", "ItemSpan"]

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
    """The text items of a corpus, found in its captions once and looked up by record.

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
        columns = (captions[name].to_pylist() for name in ("record", "caption", "text", "starts", "ends"))
        self._spans: dict[str, list[tuple[int, ItemSpan]]] = {}
        for words, record, caption, text, starts, ends in zip(
            content_words(captions, masks, language=language), *columns, strict=True
        ):
            spans = self._spans.setdefault(record, [])
            for word in with_phrases(words, phrases):
                if word.text in item_of:
                    spans.append((item_of[word.text], ItemSpan(caption, starts[word.first], ends[word.last], text)))

    def table(self) -> pa.Table:
        """Return the items of every record that has a caption: a `RECORD_ITEMS` table, in the order of the captions."""
        items = [sorted({item for item, _ in spans}) for spans in self._spans.values()]
        return pa.table({"record": list(self._spans), "items": items}, schema=RECORD_ITEMS)

    def spans(self, record: str, items: Collection[int]) -> list[ItemSpan]:
        """Return where the captions of a record say any of some items.

        Captions that say more of them come first, then in order; within a caption in reading order.

        Args:
            record: Record id; an unknown one has no spans.
            items: Text items.
        """
        wanted = [(item, span) for item, span in self._spans.get(record, ()) if item in items]
        said: dict[int, set[int]] = defaultdict(set)
        for item, span in wanted:
            said[span.caption].add(item)
        return sorted({span for _, span in wanted}, key=lambda span: (-len(said[span.caption]), *span))

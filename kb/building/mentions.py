"""Where captions say the words of the text items that patterns use."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kb.building.tables import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kb.building.inputs import BundleInputs
    from miner.text.words import Word

__all__ = ["Said", "find_said"]


class Said(NamedTuple):
    """The first place where a caption has a word of a text item: characters `start` to `end` of its text."""

    record: str
    caption: int
    item: int
    start: int
    end: int


def find_said(inputs: BundleInputs) -> Iterator[Said]:
    """Yield for each caption of a usable record the used text items that it names."""
    items = {word: item for item, words in inputs.used_words.items() for word in words}
    rows = read_rows(inputs.captions, "record", "caption", "starts", "ends")
    for row, words in zip(rows, _content_words(inputs, items), strict=True):
        if row["record"] not in inputs.usable:
            continue
        for item, word in _first_words(words, items).items():
            yield Said(row["record"], row["caption"], item, row["starts"][word.first], row["ends"][word.last])


def _content_words(inputs: BundleInputs, items: Iterable[str]) -> Iterator[list[Word]]:
    """Yield the content words and phrases of each caption, as the text items were found in the first place."""
    from miner.text.phrases import with_phrases  # noqa: PLC0415 - it loads spaCy, which loading a bundle does not need
    from miner.text.words import content_words  # noqa: PLC0415 - as above

    phrases = frozenset(word for word in items if " " in word)
    masks = inputs.masks
    if masks is None:
        masks = [[False] * len(row["starts"]) for row in read_rows(inputs.captions, "starts")]
    language = inputs.declaration.language or "en"
    for words in content_words(inputs.captions, masks, language=language):
        yield with_phrases(words, phrases)


def _first_words(words: Iterable[Word], items: Mapping[str, int]) -> dict[int, Word]:
    found: dict[int, Word] = {}
    for word in words:
        if word.text in items:
            found.setdefault(items[word.text], word)
    return found

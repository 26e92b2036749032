"""Captions of another language, by configuration alone: stop words, stems and masks are its own."""

from __future__ import annotations

from miner.config import TextConfig
from miner.text.captions import CaptionOptions, count_captions, parse_captions
from miner.text.learn import learn_items
from miner.text.masking import masked_words, token_masks
from miner.text.pipeline import resolve_pipeline

CAPTIONS = [
    "Die Demonstranten verbrennen einen Reifen auf der Strasse .",
    "Ein brennender Reifen liegt bei der Demonstration auf der Strasse .",
    "Auf der Strasse brennt ein Reifen , die Polizei schaut zu .",
    "Die Polizei steht neben dem Reifen , viele demonstrierten .",
]


def test_other_language_words_become_items_without_its_stop_words_and_masked_families() -> None:
    options = CaptionOptions(resolve_pipeline("auto", "de"))
    captions = parse_captions([str(i) for i in range(4)], [[text] for text in CAPTIONS], options)
    masked = masked_words(captions, [r"\bdemonstration\w*"], language="de")
    masks = token_masks(captions, masked).to_pylist()
    hidden = {
        word
        for lowers, row in zip(captions["lowers"].to_pylist(), masks, strict=True)
        for word, is_hidden in zip(lowers, row, strict=True)
        if is_hidden
    }
    assert hidden >= {"demonstration"}
    learned = learn_items(captions, masks, TextConfig(min_count=2, epochs=1), language="de")
    words = {word for row in learned.items["words"].to_pylist() for word in row}
    assert {"reifen", "strasse", "polizei"} <= words
    assert words.isdisjoint({"die", "der", "auf", "ein", "demonstration"})


def test_other_language_is_told_from_the_declared_one() -> None:
    options = CaptionOptions(resolve_pipeline("auto", "de"))
    captions = parse_captions(["a", "b"], [[CAPTIONS[0]], ["A brown dog runs over the green grass."]], options)
    counts = count_captions(captions, language="de")
    assert (counts["captions"], counts["otherLanguage"]) == (2, 1)

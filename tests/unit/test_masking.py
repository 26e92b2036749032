from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from miner.errors import TextError
from miner.text.captions import CaptionOptions, parse_captions
from miner.text.masking import masked_words, outer_spans, skips_text, token_masks
from miner.text.pipeline import resolve_pipeline
from miner.text.stems import stem_word, word_family
from tests.spoken import said

DEV = Path(__file__).parents[3] / "shared" / "data"
CHASE = r"\b(dogs?|puppy|puppies)\b.*\b(run\w*|chas\w*|leap\w*)\b"


def hidden(patterns: list[str], *texts: str) -> list[str]:
    """Return the masked words of each caption, joined."""
    table = said(*texts)
    masks = token_masks(table, masked_words(table, patterns)).to_pylist()
    return [
        " ".join(word for word, is_hidden in zip(words, mask, strict=True) if is_hidden)
        for words, mask in zip(table["lowers"].to_pylist(), masks, strict=True)
    ]


def test_a_trigger_is_masked_in_every_record_with_its_inflections_and_derivations() -> None:
    texts = ("man climbs wall", "climb", "climbing gear", "wall climber", "climax")
    assert hidden([r"\bclimbs\b"], *texts) == ["climbs", "climb", "climbing", "climber", ""]


def test_case_does_not_matter() -> None:
    assert hidden([r"\bprotest\b"], "PROTEST in Paris", "Protesters march") == ["protest", "protesters"]


def test_the_lemma_of_a_trigger_is_masked_too() -> None:
    assert hidden([r"\bran\b"], "dog ran/VERB/run", "runs/VERB/run home", "rainy day") == ["ran", "runs", ""]


def test_one_wrong_lemma_does_not_hide_another_word() -> None:
    texts = ("skis/NOUN/ski", "skis/NOUN/ski", "skis/NOUN/sky", "blue sky")
    assert hidden([r"\bskis\b"], *texts) == ["skis", "skis", "skis", ""]


def test_words_of_a_phrase_are_masked_inside_the_phrase_only() -> None:
    texts = ("boy eats ice cream", "ice on rocks", "two ice creams", "cream cake")
    assert hidden([r"\bice cream\b"], *texts) == ["ice cream", "", "ice creams", ""]


def test_a_phrase_with_one_content_word_masks_that_word() -> None:
    assert hidden([r"\bmeets? with\b"], "leader meets with/ADP king", "meet again") == ["meets", "meet"]


def test_a_skipping_pattern_masks_what_its_groups_capture_and_nothing_between() -> None:
    texts = ("a dog in the grass runs home", "grass and a red home", "a man runs", "dogs bark")
    assert hidden([CHASE], *texts) == ["dog runs", "", "runs", "dogs"]


def test_a_skipping_pattern_masks_every_alternative_on_its_way() -> None:
    assert hidden([CHASE], "puppy and dog leaps and runs then chases cats") == ["puppy dog leaps runs chases"]


@pytest.mark.parametrize(
    "pattern", [r"\bdogs?\b.*\bruns?\b", r"\b(dogs?\b.*\bruns?)\b", r"\bdogs?\b(?:\W+\w+)*?\W+runs?\b"]
)
def test_a_skipping_pattern_without_useful_groups_masks_its_ends(pattern: str) -> None:
    assert hidden([pattern], "the dog in tall grass runs home") == ["dog runs"]


@pytest.mark.parametrize(
    ("pattern", "skips"),
    [
        (r"a.*b", True),
        (r"a.{0,9}b", True),
        (r"a[^.]+b", True),
        (r"a(?:\W+\w+){0,3}", True),
        (r"mr\.+ x", False),
        (r"surf\w*|a.b", False),
    ],
)
def test_patterns_skip_where_a_wildcard_can_swallow_words(pattern: str, skips: bool) -> None:
    assert skips_text(pattern) is skips


def test_a_group_that_covers_part_of_a_match_masks_the_whole_match() -> None:
    texts = ("house fire breaks out", "fire destroys homes", "fire", "breaks")
    assert hidden([r"\bfire (destroy|break)s\b"], *texts) == ["fire breaks", "fire destroys", "", ""]


def test_nothing_to_mask_masks_nothing() -> None:
    assert hidden([], "a dog") == [""]
    assert hidden([r"\bcat\b"], "a dog", "") == ["", ""]


def test_a_pattern_that_is_no_regular_expression_is_named() -> None:
    with pytest.raises(TextError, match=r"\(dog"):
        masked_words(said("a dog"), ["(dog"])


def test_outer_spans_drop_inner_and_absent_groups() -> None:
    assert outer_spans([(5, 9), (-1, -1), (0, 4), (0, 2), (3, 4), (7, 7)]) == [(0, 4), (5, 9)]


def test_families_join_derivations_and_part_strangers() -> None:
    pairs = [
        ("swimmer", "swimming"),
        ("biker", "bikes"),
        ("rider", "ride"),
        ("bicyclist", "bicycles"),
        ("celebration", "celebrates"),
    ]
    assert all(word_family(a) & word_family(b) for a, b in pairs)
    strangers = [("water", "wave"), ("snow", "show"), ("dog", "dock"), ("list", "lift")]
    assert not any(word_family(a) & word_family(b) for a, b in strangers)


def test_stems_follow_the_language_and_unknown_languages_have_none() -> None:
    assert stem_word("h\u00e4user", "de") == stem_word("haus", "de")
    assert stem_word("dogs", "xx") == "dogs"
    assert word_family("maler", "de") == frozenset({stem_word("maler", "de")})


@pytest.mark.skipif(not (DEV / "flickr-dev").is_dir(), reason="needs ../shared/data/flickr-dev")
def test_real_triggers_leave_the_words_between_them() -> None:
    patterns = [rule["pattern"] for rule in tomllib.loads((DEV / "flickr-dev" / "triggers.toml").read_text())["rule"]]
    lines = (DEV / "flickr-dev" / "captions.jsonl").read_text().splitlines()[:100]
    rows = [json.loads(line) for line in lines]
    options = CaptionOptions(resolve_pipeline())
    table = parse_captions([row["id"] for row in rows], [row["captions"] for row in rows], options)
    masked = masked_words(table, patterns)
    pairs = [
        (word, is_hidden)
        for words, mask in zip(table["lowers"].to_pylist(), token_masks(table, masked).to_pylist(), strict=True)
        for word, is_hidden in zip(words, mask, strict=True)
    ]
    always = {word for word, is_hidden in pairs if is_hidden} - {word for word, is_hidden in pairs if not is_hidden}
    never = {word for word, _ in pairs} - {word for word, is_hidden in pairs if is_hidden}
    assert {"dog", "dogs", "running", "runs", "jumping", "climbing", "soccer"} <= always
    assert {"grass", "man", "water", "snow", "grassy", "white", "the", "field", "and"} <= never

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.config import TextConfig
from miner.text.captions import CaptionOptions, cut_text, parse_captions
from miner.text.clusters import by_first_seen, join_words, spherical_kmeans
from miner.text.items import CaptionItems
from miner.text.learn import learn_items
from miner.text.masking import masked_words, token_masks
from miner.text.skipgram import unit_rows
from tests.spoken import caption, captions_table, unmasked

BLANK = CaptionOptions("blank:en", max_chars=60)
VERBATIM = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
WORDS = st.lists(
    st.sampled_from(["dog", "dogs", "fire", "truck", "red", "man", "climbing", "climber", "ice", "cream", "the"]),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(VERBATIM, max_size=3), max_size=4))
def test_any_text_gives_a_row_whose_offsets_fit(captions: list[list[str]]) -> None:
    table = parse_captions([f"r{number}" for number in range(len(captions))], captions, BLANK)
    texts = [text for row in captions for text in row]
    assert len(table) == len(texts)
    for row, whole in zip(table.to_pylist(), texts, strict=True):
        assert whole.startswith(row["text"])
        assert row["cut"] == (row["text"] != whole)
        tokens = [row["text"][start:end] for start, end in zip(row["starts"], row["ends"], strict=True)]
        assert "".join("".join(tokens).split()) == "".join(row["text"].split()), "no character is lost"
        assert len(row["lowers"]) == len(row["lemmas"]) == len(row["pos"]) == len(row["heads"])


@given(st.text(max_size=40), st.integers(1, 30))
def test_a_cut_text_is_a_beginning_no_longer_than_allowed(text: str, max_chars: int) -> None:
    cut = cut_text(text, max_chars)
    assert text.startswith(cut)
    assert len(cut) <= max_chars
    assert bool(cut) == bool(text)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_masks_depend_on_no_order_and_cover_every_match(rows: list[list[str]], random: object) -> None:
    patterns = [r"\bdogs\b", r"\bice cream\b", r"\b(man)\b.*\b(climb\w*)\b"]
    table = captions_table(*(caption(str(number), 0, " ".join(row)) for number, row in enumerate(rows)))
    masks = token_masks(table, masked_words(table, patterns)).to_pylist()
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    turned = table.take(pa.array(order))
    assert token_masks(turned, masked_words(turned, patterns[::-1])).to_pylist() == [masks[row] for row in order]
    for row, mask in zip(rows, masks, strict=True):
        assert all(is_hidden for word, is_hidden in zip(row, mask, strict=True) if word == "dogs")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 30), st.integers(1, 8), st.integers(0, 5))
def test_kmeans_labels_are_dense_and_in_order_of_first_rows(n: int, n_clusters: int, seed: int) -> None:
    vectors = unit_rows(np.random.default_rng(seed).normal(size=(n, 5)).astype(np.float32))
    labels = spherical_kmeans(vectors, n_clusters=n_clusters, seed=seed)
    assert by_first_seen(labels.astype(np.int64)).tolist() == labels.tolist()
    assert len(set(labels.tolist())) <= n_clusters


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(0, 99), st.floats(0.05, 0.95))
def test_joined_words_all_keep_the_floor(n: int, seed: int, floor: float) -> None:
    vectors = unit_rows(np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32))
    affinities = vectors @ vectors.T
    groups = join_words(affinities, floor)
    same = groups[:, None] == groups
    assert affinities[same].min() >= floor - 1e-6


@settings(max_examples=15, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=8))
def test_every_frequent_word_is_in_one_item_and_found_again(rows: list[list[str]]) -> None:
    table = captions_table(*(caption(str(number), 0, " ".join(row)) for number, row in enumerate(rows)))
    learned = learn_items(table, unmasked(table), TextConfig(min_count=2, dims=4, epochs=1))
    words = [word for row in learned.items["words"].to_pylist() for word in row]
    assert sorted(words) == sorted(learned.vectors.words)
    assert len(words) == len(set(words))
    found = CaptionItems(table, unmasked(table), learned.items)
    for record, items in zip(*found.table().to_pydict().values(), strict=True):
        assert {span.caption for span in found.spans(record, items)} == ({0} if items else set())
        assert all(0 <= span.start < span.end <= len(span.text) for span in found.spans(record, items))

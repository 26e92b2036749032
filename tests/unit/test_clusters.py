from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from miner.text.affinity import Affinity, interchangeable
from miner.text.clusters import cluster_words, join_words, spherical_kmeans
from miner.text.skipgram import unit_rows
from miner.text.vocabulary import Occurrences, count_words, find_occurrences


def random_directions(n: int, d: int = 12, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return unit_rows(np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32))


def occurrences(sentences: list[str], records: str, words: str) -> Occurrences:
    """Find words in captions; `records` has one letter per caption; the order of `words` is kept."""
    rows = [sentence.split() for sentence in sentences]
    vocabulary = count_words([words.split()], ["-"], min_count=1)
    found = find_occurrences(rows, list(records), vocabulary)
    order = [vocabulary.words.index(word) for word in words.split()]
    return Occurrences(captions=found.captions[:, order], records=found.records[:, order])


def verdict(sentences: list[str], records: str, words: str = "jacket coat") -> bool:
    found = occurrences(sentences, records, words)
    in_records, in_captions = ((m.T @ m).toarray() for m in (found.records, found.captions))
    n_records, n_captions = found.records.shape[0], found.captions.shape[0]
    return bool(interchangeable(in_records, in_captions, n_records=n_records, n_captions=n_captions)[0, 1])


def test_words_of_the_same_picture_but_not_of_the_same_caption_are_interchangeable() -> None:
    others = ["dog"] * 6
    assert verdict(["jacket", "coat", "jacket", "coat", *others], "aabbccddee")
    assert not verdict(["jacket coat", "dog", "jacket coat", "dog", *others], "aabbccddee")
    assert not verdict(["jacket", "dog", "coat", "dog", *others], "aabbccddee"), "never said of the same picture"


def test_with_one_caption_a_picture_words_that_go_together_are_not_interchangeable() -> None:
    assert verdict(["jacket", "coat", *["dog"] * 8], "abcdefghij")
    assert not verdict(["jacket coat", "jacket coat", *["dog"] * 8], "abcdefghij")


def affinity(count: int, stems: str, *, trained_here: bool = True) -> float:
    """Return the affinity of two words of cosine 0.8 that `count` pictures are described with, by one writer each."""
    captions = ["one", "two"] * count + ["dog"] * 20 * count
    records = [f"r{number // 2}" for number in range(len(captions))]
    rows = [caption.split() for caption in captions]
    vocabulary = count_words([["one", "two"]], ["-"], min_count=1)
    found = find_occurrences(rows, records, vocabulary)
    vectors = np.array([[1, 0], [0.8, 0.6]], np.float32)
    return float(Affinity(vectors, tuple(stems.split()), found, trained_here).between(np.array([0, 1]))[0, 1])


def test_affinity_shrinks_where_few_records_speak_for_it() -> None:
    assert affinity(5, "one two") == pytest.approx(0.8 * 5 / 10)
    assert affinity(45, "one two") == pytest.approx(0.8 * 45 / 50)


def test_affinity_of_one_stem_or_of_foreign_vectors_is_the_cosine() -> None:
    assert affinity(5, "same same") == pytest.approx(0.8)
    assert affinity(5, "one two", trained_here=False) == pytest.approx(0.8)


def test_words_join_while_any_two_are_near() -> None:
    chain = np.array([[1, 0.9, 0.1], [0.9, 1, 0.8], [0.1, 0.8, 1]], np.float32)
    assert join_words(chain, 0.5).tolist() in ([0, 0, 1], [1, 1, 0])
    assert len(set(join_words(chain, 0.05).tolist())) == 1
    assert len(set(join_words(chain, 0.95).tolist())) == 3
    assert join_words(np.ones((1, 1), np.float32), 0.5).tolist() == [0]


def test_kmeans_finds_directions_whatever_their_order() -> None:
    angles = np.array([0.0, 3.0, 0.1, 3.1, 1.5, 0.05], np.float32)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert spherical_kmeans(vectors, n_clusters=3).tolist() == [0, 1, 0, 1, 2, 0]


def test_kmeans_ends_where_every_row_has_its_nearest_centre() -> None:
    vectors = random_directions(200)
    labels = spherical_kmeans(vectors, n_clusters=12, seed=4)
    centres = unit_rows(np.stack([vectors[labels == label].sum(axis=0) for label in range(labels.max() + 1)]))
    assert np.array_equal(np.argmax(vectors @ centres.T, axis=1), labels)


def test_kmeans_does_not_depend_on_threads() -> None:
    vectors = random_directions(500, 40)
    with threadpool_limits(limits=1):
        alone = spherical_kmeans(vectors, n_clusters=30, seed=1)
    with threadpool_limits(limits=2):
        together = spherical_kmeans(vectors, n_clusters=30, seed=1)
    assert np.array_equal(alone, together)


@pytest.mark.parametrize(("n", "n_clusters"), [(0, 3), (1, 5), (4, 9), (5, 1)])
def test_kmeans_of_few_words(n: int, n_clusters: int) -> None:
    labels = spherical_kmeans(random_directions(n), n_clusters=n_clusters)
    assert labels.dtype == np.int32
    assert sorted(set(labels.tolist())) == list(range(min(n, n_clusters)))


def test_kmeans_of_equal_or_missing_vectors_drops_empty_clusters() -> None:
    assert spherical_kmeans(np.tile(random_directions(1), (6, 1)), n_clusters=4).tolist() == [0] * 6
    assert spherical_kmeans(np.zeros((5, 3), np.float32), n_clusters=2).tolist() == [0] * 5


def test_clusters_are_numbered_by_their_most_frequent_word() -> None:
    # Rows 1 and 3 mean the same, nothing else does; no record has two of the words.
    vectors = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0.9, 0.1]], np.float32)
    found = occurrences(["one", "two", "three", "four"], "abcd", "one two three four")
    clustered = cluster_words(
        Affinity(unit_rows(vectors), ("a", "b", "c", "d"), found, trained_here=False),
        n_neighbourhoods=1,
        min_affinity=0.5,
    )
    assert clustered.tolist() == [0, 1, 2, 1]


def test_words_without_a_vector_are_clusters_of_their_own() -> None:
    vectors = np.array([[1, 0], [0, 0], [0, 0]], np.float32)
    found = occurrences(["one", "two", "three"], "abc", "one two three")
    affinities = Affinity(vectors, ("a", "b", "c"), found, trained_here=False)
    assert cluster_words(affinities, n_neighbourhoods=2, min_affinity=0.3).tolist() == [0, 1, 2]

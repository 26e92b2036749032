"""From parsed captions to text items: vocabulary, word vectors, clusters."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from miner.text.affinity import Affinity
from miner.text.clusters import TEXT_ITEMS, cluster_words
from miner.text.phrases import find_phrases, join_phrases
from miner.text.sentences import caption_sentences, record_sentences
from miner.text.skipgram import WordVectors, load_keyed_vectors, train, unit_rows
from miner.text.stems import stem_word
from miner.text.vocabulary import count_words, find_occurrences
from miner.text.words import content_words

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from miner.config import TextConfig
    from miner.text.vocabulary import Occurrences, Vocabulary

__all__ = ["LearnedItems", "learn_items"]

MAX_NEIGHBOURHOODS = 2_000
WORDS_PER_NEIGHBOURHOOD = 10
RECORD_WINDOW = 40
"""Reaches over all content words of a record with five captions."""


@dataclass(frozen=True)
class LearnedItems:
    """The text items of a corpus.

    Attributes:
        items: A `TEXT_ITEMS` table.
        vectors: The words of the vocabulary and their vectors, the most frequent word first.
        counts: What was counted on the way: `contentWords`, `vocabulary`, `rareWords`, `phrases`, `withoutVector`,
            `items`, `itemsOfSeveralWords`.
    """

    items: pa.Table
    vectors: WordVectors
    counts: dict[str, int]


def learn_items(
    captions: pa.Table, masks: Sequence[Sequence[bool]], config: TextConfig, *, language: str = "en", seed: int = 0
) -> LearnedItems:
    """Find the text items of a corpus.

    Two skip-gram models are trained and their vectors laid side by side: one on whole captions with a narrow window
    (what a word does), one on the content words of each record (what it is about). Words are alike where both say so.

    Args:
        captions: A `CAPTIONS` table.
        masks: For each caption, whether each token is masked (`miner.text.masking.token_masks`).
        config: Parameters of vectors and clusters.
        language: Language of the captions.
        seed: Seed of vectors and clusters.

    Raises:
        TextError: The user's word vectors cannot be read.
    """
    records = captions["record"].to_pylist()
    single = list(content_words(captions, masks, language=language))
    phrases = find_phrases(captions, single, min_npmi=config.phrase_npmi)
    words = [join_phrases(row, phrases) for row in single]
    sentences = [[word.text for word in row] for row in words]
    vocabulary = count_words(sentences, records, min_count=config.min_count)
    known = set(vocabulary.words)
    if config.vectors:
        vectors = load_keyed_vectors(config.vectors, known).select(vocabulary.words)
    else:
        narrow = caption_sentences(captions, masks, words)
        wide = record_sentences(records, ([word for word in row if word.text in known] for row in words))
        vectors = train_both(narrow, wide, vocabulary, config, seed=seed)
    occurrences = find_occurrences(sentences, records, vocabulary)
    labels = _clusters(vectors, occurrences, config, language=language, seed=seed)
    items = item_table(vocabulary, labels, occurrences)
    inner = count_words([[word.text for word in row] for row in single], records, min_count=config.min_count)
    items = add_inner_words(items, inner, known)
    counts = {
        "contentWords": sum(map(len, single)),
        "vocabulary": len(vocabulary.words),
        "rareWords": len({word for sentence in sentences for word in sentence}) - len(vocabulary.words),
        "phrases": len(known & phrases),
        "withoutVector": int((~vectors.vectors.any(axis=1)).sum()),
        "items": len(items),
        "itemsOfSeveralWords": sum(len(row) > 1 for row in items["words"].to_pylist()),
    }
    return LearnedItems(items, vectors, counts)


def add_inner_words(items: pa.Table, inner: Vocabulary, known: Collection[str]) -> pa.Table:
    """Add an item for every frequent word that is hardly ever said but inside phrases.

    "Rescue boat" and "rubber boat" say the item of boat as well; where nobody writes the plain word, it has no vector and so
    no item of its own yet.

    Args:
        items: A `TEXT_ITEMS` table.
        inner: All single words, those inside phrases too.
        known: Words that have an item.
    """
    extra = [(word, count) for word, count in zip(inner.words, inner.counts.tolist(), strict=True) if word not in known]
    added = {
        "textItem": range(len(items), len(items) + len(extra)),
        "words": [[word] for word, _ in extra],
        "count": [count for _, count in extra],
    }
    return pa.concat_tables([items, pa.table(added, schema=TEXT_ITEMS)])


def train_both(
    narrow: Sequence[Sequence[str]],
    wide: Sequence[Sequence[str]],
    vocabulary: Vocabulary,
    config: TextConfig,
    *,
    seed: int = 0,
) -> WordVectors:
    """Train one model on captions and one on records, and lay their vectors side by side.

    Args:
        narrow: Every word of each caption.
        wide: The content words of each record.
        vocabulary: Words that get a vector.
        config: `dims` (of each model), `window` (of the narrow one), `epochs` (the wide one gets half of them).
        seed: Seed of both.

    Returns:
        float32, (n_words, 2 * dims), rows of unit length.
    """
    # Each model is trained by one thread, so that its bytes are always the same; the two at the same time.
    with ThreadPoolExecutor(2) as pool:
        models = [
            pool.submit(
                train, sentences, dims=config.dims, window=window, epochs=n_epochs, min_count=min_count, seed=seed
            )
            for sentences, window, n_epochs, min_count in (
                (narrow, config.window, config.epochs, config.min_count),
                (wide, RECORD_WINDOW, max(1, config.epochs // 2), 1),
            )
        ]
        sides = [model.result().select(vocabulary.words).vectors for model in models]
    return WordVectors(vocabulary.words, unit_rows(np.hstack(sides)))


def _clusters(
    vectors: WordVectors, occurrences: Occurrences, config: TextConfig, *, language: str, seed: int
) -> NDArray[np.int32]:
    n_words = len(vectors.words)
    default = min(MAX_NEIGHBOURHOODS, max(1, n_words // WORDS_PER_NEIGHBOURHOOD))
    affinity = Affinity(
        vectors=vectors.vectors,
        stems=tuple(stem_word(word, language) for word in vectors.words),
        occurrences=occurrences,
        trained_here=not config.vectors,
    )
    return cluster_words(
        affinity, n_neighbourhoods=config.n_clusters or default, min_affinity=config.min_affinity, seed=seed
    )


def item_table(vocabulary: Vocabulary, labels: NDArray[np.int32], occurrences: Occurrences) -> pa.Table:
    """Return the `TEXT_ITEMS` table of clustered words.

    Args:
        vocabulary: Words, the most frequent first.
        labels: int32, (n_words,), cluster of each word, numbered from 0.
        occurrences: Where the words occur.
    """
    members = [np.flatnonzero(labels == item) for item in range(labels.max(initial=-1) + 1)]
    by_record = occurrences.records
    return pa.table(
        {
            "textItem": range(len(members)),
            "words": [[vocabulary.words[word] for word in row] for row in members],
            "count": [int((by_record[:, row].sum(axis=1) > 0).sum()) for row in members],
        },
        schema=TEXT_ITEMS,
    )

"""Word vectors: skip-gram with negative sampling on the corpus, or the user's own vectors.

The only module that imports gensim. One worker, a fixed hash and a fixed seed, so that equal sentences give equal bytes in
any process on one type of CPU.

Source: Mikolov, Sutskever, Chen, Corrado and Dean, "Distributed Representations of Words and Phrases and their
Compositionality", NeurIPS 2013 (https://arxiv.org/abs/1310.4546).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from gensim.models import KeyedVectors, Word2Vec

from miner.errors import TextError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

__all__ = ["WordVectors", "load_keyed_vectors", "train"]

TEXT_SUFFIXES = (".txt", ".vec")
SAMPLE = 1e-3
NEGATIVE = 5


@dataclass(frozen=True)
class WordVectors:
    """Words and their directions.

    Attributes:
        words: Words, parallel to the rows.
        vectors: float32, (n_words, n_dims), each row of unit length or zero.
    """

    words: tuple[str, ...]
    vectors: NDArray[np.float32]

    def select(self, words: Sequence[str]) -> WordVectors:
        """Return the rows of some words, in the order given; zero for a word without a vector."""
        row = {word: number for number, word in enumerate(self.words)}
        vectors = np.zeros((len(words), self.vectors.shape[1]), np.float32)
        for number, word in enumerate(words):
            if word in row:
                vectors[number] = self.vectors[row[word]]
        return WordVectors(tuple(words), vectors)


def train(
    sentences: Sequence[Sequence[str]], *, dims: int, window: int, epochs: int, min_count: int, seed: int
) -> WordVectors:
    """Train skip-gram vectors, centred and of unit length.

    Small corpora push all vectors into one direction; with the mean taken away, cosines tell words apart again.

    Args:
        sentences: Words of each sentence.
        dims: Dimensions.
        window: Greatest distance of a context word.
        epochs: Passes over the sentences.
        min_count: Words that occur less often in the sentences are left out.
        seed: Seed of the first vectors and of the sampling.

    Returns:
        The words by falling frequency; none where no word is frequent enough.

    Source:
        Centring: Mu and Viswanath, "All-but-the-Top", ICLR 2018, algorithm 1 with D = 0.
    """
    model = Word2Vec(
        vector_size=dims,
        window=window,
        min_count=min_count,
        seed=seed,
        sg=1,
        negative=NEGATIVE,
        sample=SAMPLE,
        epochs=epochs,
        workers=1,
        hashfxn=_hash,
    )
    model.build_vocab(sentences)
    if not model.wv.index_to_key:
        return WordVectors((), np.zeros((0, dims), np.float32))
    model.train(sentences, total_examples=model.corpus_count, epochs=model.epochs)
    vectors = model.wv.vectors
    return WordVectors(tuple(model.wv.index_to_key), unit_rows(vectors - vectors.mean(axis=0)))


def load_keyed_vectors(path: Path | str, words: Collection[str] | None = None) -> WordVectors:
    """Load word vectors in word2vec's text or binary format.

    Args:
        path: The file: text where it ends in `.txt` or `.vec`, else binary; `.gz` behind either.
        words: Only these are kept, where given (a phrase is looked up with `_` for its space too).

    Raises:
        TextError: The file is missing or in none of these formats.
    """
    path = Path(path)
    try:
        loaded = _load(path)
    except (OSError, ValueError, EOFError, KeyError, AttributeError) as error:
        raise TextError(
            f"The word vectors {path} cannot be read: {' '.join(str(error).split())[:200]}",
            hint="Set text.vectors to a file in word2vec text (.txt, .vec) or binary (.bin) format, or '' to train.",
        ) from error
    index = loaded.key_to_index
    rows = {word: index.get(word, index.get(word.replace(" ", "_"))) for word in (index if words is None else words)}
    known = sorted((row, word) for word, row in rows.items() if row is not None)
    vectors = loaded.vectors[[row for row, _ in known]].astype(np.float32)
    return WordVectors(tuple(word for _, word in known), unit_rows(vectors))


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each row to unit length; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: NDArray[np.float32] = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return units.astype(np.float32)


def _load(path: Path) -> KeyedVectors:
    name = path.name.removesuffix(".gz")
    return KeyedVectors.load_word2vec_format(str(path), binary=not name.endswith(TEXT_SUFFIXES))


def _hash(word: str) -> int:
    """Hash a word alike in every process, unlike `hash`."""
    return crc32(word.encode())

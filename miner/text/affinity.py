"""How well one word can stand for another.

Cosines of skip-gram vectors from some ten thousand short captions mix up three things: words that mean the same
(jacket, coat), words of one kind (red, blue; boy, girl) and words of one scene (greyhound, muzzle). Only the first make a
concept. Where pictures have several captions, the first can be told from the others: different writers use *either* word
for the same picture, the same writer rarely both. That is the interchange test; it and the shrinking of cosines that rest
on few records were worth more than any parameter of skip-gram (docs/decisions/text-items.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from miner.text.vocabulary import Occurrences

__all__ = ["Affinity", "interchangeable"]

SEVERAL_CAPTIONS = 1.5
PRIOR_RECORDS = {True: 5, False: 20}
"""Records that speak against any likeness before the first is seen: with several captions a picture, and with one."""

MAX_TOGETHER = 0.3
MIN_RECORD_LIFT = 2.0
MAX_CAPTION_LIFT = 2.0
VETO = -1.0


@dataclass(frozen=True)
class Affinity:
    """Affinities between the words of a vocabulary, for a few of them at a time.

    Attributes:
        vectors: float32, (n_words, n_dims), rows of unit length or zero.
        stems: Stem of each word; words that share one need no further evidence than their cosine.
        occurrences: Where the words occur.
        trained_here: Whether the vectors come from this corpus; cosines of others do not rest on its counts.
    """

    vectors: NDArray[np.float32]
    stems: tuple[str, ...]
    occurrences: Occurrences
    trained_here: bool = True

    def between(self, words: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the affinities of some words: float32, (n, n), in [-1, 1]; -1 where they cannot be interchanged.

        Args:
            words: int64, (n,), rows of `vectors`.
        """
        rows = self.vectors[words]
        # Sums element by element do not depend on how a matrix product is split over threads.
        affinities: NDArray[np.float64] = np.einsum("id,jd->ij", rows, rows).astype(np.float64)
        records, captions = self.occurrences.records, self.occurrences.captions
        n_records, n_captions = records.shape[0], captions.shape[0]
        in_records, in_captions = _together(records, words), _together(captions, words)
        if self.trained_here:
            stems = np.array([self.stems[word] for word in words])
            counts = np.diagonal(in_records)
            least = np.minimum.outer(counts, counts)
            prior = PRIOR_RECORDS[n_captions >= SEVERAL_CAPTIONS * n_records]
            affinities *= np.where(stems[:, None] == stems, 1.0, least / (least + prior))
        apart = interchangeable(in_records, in_captions, n_records=n_records, n_captions=n_captions)
        np.fill_diagonal(apart, val=True)
        return np.where(apart, affinities, VETO).astype(np.float32)


def interchangeable(
    in_records: NDArray[np.int64], in_captions: NDArray[np.int64], *, n_records: int, n_captions: int
) -> NDArray[np.bool_]:
    """Tell which words writers use instead of each other.

    With several captions a picture (1.5 on average): both are said of the same pictures (lift at least 2), but within one
    caption at most 0.3 times as often as that lets expect. With one caption each: they stand in one caption at most
    twice as often as by chance.

    Args:
        in_records: int64, (k, k), records that have both of two words.
        in_captions: int64, (k, k), captions that have both.
        n_records: Records of the corpus.
        n_captions: Captions of the corpus.
    """
    caption_lift = lift(in_captions, n_captions)
    if n_captions < SEVERAL_CAPTIONS * n_records:
        return caption_lift <= MAX_CAPTION_LIFT
    record_lift = lift(in_records, n_records)
    verdict: NDArray[np.bool_] = (record_lift >= MIN_RECORD_LIFT) & (caption_lift <= MAX_TOGETHER * record_lift)
    return verdict


def lift(together: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Return the lift of each pair: how much more often than by chance two words occur together.

    Args:
        together: int64, (k, k), in how many of the units both occur; the diagonal counts each word.
        n: Number of units.
    """
    counts = np.diagonal(together).astype(np.float64)
    lifts: NDArray[np.float64] = together * n / np.maximum(np.outer(counts, counts), 1.0)
    return lifts


def _together(incidence: sparse.csc_array, words: NDArray[np.int64]) -> NDArray[np.int64]:
    chosen = incidence[:, words]
    counts: NDArray[np.int64] = (chosen.T @ chosen).toarray()
    return counts

"""Text items: words that mean the same.

Spherical k-means cuts the vocabulary into neighbourhoods of related words; inside each, words join while any two of them
keep an affinity above a floor (complete linkage). A word without such a companion is an item of its own, so an item is a
tight concept rather than a topic.

Source: Dhillon and Modha, "Concept Decompositions for Large Sparse Text Data Using Clustering", Machine Learning 42, 2001
(spherical k-means); Arthur and Vassilvitskii, "k-means++", SODA 2007 (the first centres).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.cluster import kmeans_plusplus
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from miner.text.skipgram import unit_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from miner.text.affinity import Affinity

__all__ = ["TEXT_ITEMS", "cluster_words", "spherical_kmeans"]

TEXT_ITEMS = pa.schema(
    [
        pa.field("textItem", pa.int32(), nullable=False),
        pa.field("words", pa.list_(pa.string()), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
    ]
)
"""One row per text item, its number equal to its row: its words, the most frequent first, and the records that say one."""

MAX_ROUNDS = 50


def cluster_words(
    affinity: Affinity, *, n_neighbourhoods: int, min_affinity: float, seed: int = 0
) -> NDArray[np.int32]:
    """Put words that mean the same into one cluster.

    Args:
        affinity: Vectors and occurrences of the words, the most frequent word first.
        n_neighbourhoods: Cells of the k-means step; words of different cells never join.
        min_affinity: Least affinity of any two words of a cluster.
        seed: Seed of the first centres.

    Returns:
        int32, (n_words,), the cluster of each word, numbered in the order of the clusters' most frequent words.
    """
    cells = spherical_kmeans(affinity.vectors, n_clusters=n_neighbourhoods, seed=seed)
    labels = np.zeros(len(cells), np.int64)
    for cell in range(cells.max(initial=-1) + 1):
        members = np.flatnonzero(cells == cell)
        labels[members] = labels.max() + 1 + join_words(affinity.between(members), min_affinity)
    return by_first_seen(labels)


def spherical_kmeans(vectors: NDArray[np.float32], *, n_clusters: int, seed: int = 0) -> NDArray[np.int32]:
    """Cluster directions: each row belongs to the centre of greatest cosine, each centre is the mean direction of its rows.

    Args:
        vectors: float32, (n, d), rows of unit length or zero.
        n_clusters: Centres to start with; those that lose all their rows are dropped.
        seed: Seed of the first centres.

    Returns:
        int32, (n,), numbered in the order of first rows, whatever the number of threads.
    """
    if len(vectors) == 0:
        return np.zeros(0, np.int32)
    with threadpool_limits(limits=1):
        centres, _ = kmeans_plusplus(vectors, min(n_clusters, len(vectors)), random_state=seed)
        labels = np.full(len(vectors), -1)
        for _ in range(MAX_ROUNDS):
            nearest = np.argmax(vectors @ centres.T, axis=1)
            if np.array_equal(nearest, labels):
                break
            labels = nearest
            sums = np.zeros_like(centres)
            np.add.at(sums, labels, vectors)
            centres = unit_rows(sums)
    return by_first_seen(labels)


def join_words(affinities: NDArray[np.float32], min_affinity: float) -> NDArray[np.int64]:
    """Join words by complete linkage: any two of a group have at least the given affinity.

    Args:
        affinities: float32, (n, n), symmetric.
        min_affinity: Where to stop.

    Returns:
        int64, (n,), group numbers from 0.
    """
    if len(affinities) == 1:
        return np.zeros(1, np.int64)
    distances = 1.0 - affinities.astype(np.float64)
    np.fill_diagonal(distances, 0.0)
    tree = linkage(squareform(np.maximum(distances, 0.0), checks=False), method="complete")
    groups: NDArray[np.int64] = fcluster(tree, 1.0 - min_affinity, criterion="distance").astype(np.int64) - 1
    return groups


def by_first_seen(labels: NDArray[np.int64]) -> NDArray[np.int32]:
    """Renumber labels in the order in which they first appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    renumbered: NDArray[np.int32] = rank[inverse]
    return renumbered

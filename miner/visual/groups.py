"""Photo groups: records whose pictures are copies of one photograph, as agencies sell one to many papers."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from miner.visual.hashing import MIRROR, close_pairs, parse_hashes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.visual.quantiles import Rows

Indices = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Floats = npt.NDArray[np.floating[Any]]

logger = logging.getLogger(__name__)

# hashes of pictures with nothing in them: no frequency at all, or only the mean brightness
BLANK_HASHES = (0, 1 << 63)
NEAR_BITS = 2
NEAR_SLACK = 0.3
# of so many pictures with one hash all are compared with those of close hashes, of more only their leaders
FEW = 32
SUSPICIOUS_SHARE = 0.01
SUSPICIOUS_SIZE = 50
MAX_CHUNK = 1 << 14
BLOCK = 512


@dataclass(frozen=True)
class GroupSizes:
    """How many pictures share a photograph.

    Attributes:
        n_images: Pictures.
        n_groups: Photographs.
        largest: Size of the largest group.
        sizes: Group size -> number of groups of that size, ascending.
    """

    n_images: int
    n_groups: int
    largest: int
    sizes: dict[int, int]

    @property
    def n_copies(self) -> int:
        """Pictures beyond the first of their group."""
        return self.n_images - self.n_groups


def photo_groups(phash: Sequence[str], pooled: Rows, *, max_bits: int, min_cosine: float) -> Indices:
    """Group pictures that are copies of one photograph.

    The perceptual hash proposes and the network confirms: pictures belong together when their hashes differ in at most
    `max_bits` bits and their pooled features have a cosine of at least `min_cosine`, directly or through further copies.
    Where hashes differ in no more than 2 bits the cosine may be 0.3 less: a copy at half the size or in grey keeps its
    hash but not its features, and different photographs hardly ever come so close. Mirrored copies belong as well: the hash
    of a mirrored picture follows from that of the picture. Blank pictures have a hash that says nothing, so it is never
    compared with others and needs the full cosine.

    Args:
        phash: 16 hexadecimal digits per picture.
        pooled: (n, n_filters), at least 0; may lie on the disk, only what must be compared is read.
        max_bits: Most bits in which hashes of copies differ.
        min_cosine: Least cosine of pooled features of copies.

    Returns:
        int64, (n,): the smallest row of each picture's group.
    """
    n = len(phash)
    if n == 0:
        return np.empty(0, np.int64)
    hashes, bucket_of = np.unique(parse_hashes(phash), return_inverse=True)
    blank = np.isin(hashes, np.array(BLANK_HASHES, np.uint64))
    leaders, edges = _group_equal(bucket_of, pooled, _needed(np.where(blank, max_bits, 0), min_cosine))
    for flip in (0, MIRROR):
        left, right = close_pairs(hashes, max_bits, flip=flip)
        told = ~(blank[left] | blank[right])
        left, right = left[told], right[told]
        candidates, origins = _pair_leaders(leaders, left, right)
        n_bits = np.bitwise_count(hashes[left] ^ hashes[right] ^ np.uint64(flip))
        edges.append(candidates[:, _cosines(pooled, candidates) >= _needed(n_bits, min_cosine)[origins]])
    groups = _components(np.concatenate(edges, axis=1), n)
    _warn_of_large(groups)
    return groups


def _needed(n_bits: npt.NDArray[np.integer[Any]], min_cosine: float) -> Float32:
    """Return the cosine that confirms copies whose hashes differ in so many bits."""
    return np.where(n_bits <= NEAR_BITS, min_cosine - NEAR_SLACK, min_cosine).astype(np.float32)


def group_sizes(groups: Indices) -> GroupSizes:
    """Count the groups that `photo_groups` returned, by size."""
    counts = np.unique(groups, return_counts=True)[1]
    sizes, n_groups = np.unique(counts, return_counts=True)
    by_size = {int(size): int(number) for size, number in zip(sizes, n_groups, strict=True)}
    return GroupSizes(len(groups), len(counts), max(by_size, default=0), by_size)


def _group_equal(bucket_of: Indices, pooled: Rows, needed: Float32) -> tuple[list[Indices], list[Indices]]:
    """Group pictures of equal hash around leaders.

    Each picture joins the first leader that it resembles, or leads itself; not all pairs are compared, since thousands of
    blank pictures may share a hash.

    Returns:
        Leaders (rows) of each hash, all pictures where they are few, and edges (2, m) from leaders to their followers.
    """
    order = np.argsort(bucket_of, kind="stable")
    buckets = np.split(order, np.flatnonzero(np.diff(bucket_of[order])) + 1)
    leaders, edges = [], [np.empty((2, 0), np.int64)]
    for rows, min_cosine in zip(buckets, needed.tolist(), strict=True):
        if len(rows) == 1:
            leaders.append(rows)
            continue
        leader_of = _lead(_unit(pooled[rows]), min_cosine)
        edges.append(np.stack([rows[leader_of], rows]))
        leaders.append(rows if len(rows) <= FEW else rows[np.unique(leader_of)])
    return leaders, edges


def _lead(features: Float32, min_cosine: float) -> Indices:
    """Return each row's leader: the first earlier leader that it resembles, or itself."""
    leader_of = np.arange(len(features))
    leaders = np.empty(0, np.int64)
    for start in range(0, len(features), BLOCK):
        block = features[start : start + BLOCK]
        known = block @ features[leaders].T >= min_cosine
        joins, which = np.nonzero(known)
        joins, first = np.unique(joins, return_index=True)
        leader_of[start + joins] = leaders[which[first]]
        fresh = np.setdiff1d(np.arange(start, start + len(block)), start + joins)
        for row, alike in zip(fresh.tolist(), features[fresh] @ features[fresh].T >= min_cosine, strict=True):
            leads = fresh[alike & (leader_of[fresh] == fresh)]
            leader_of[row] = min(row, leads[0]) if len(leads) else row
        leaders = np.concatenate([leaders, fresh[leader_of[fresh] == fresh]])
    return leader_of


def _pair_leaders(leaders: list[Indices], left: Indices, right: Indices) -> tuple[Indices, Indices]:
    """Return all pairs (2, m) of leaders of paired hashes, and which pair of hashes each comes from."""
    pairs = [np.empty((2, 0), np.int64)]
    for i, j in zip(left.tolist(), right.tolist(), strict=True):
        pairs.append(np.stack([np.repeat(leaders[i], len(leaders[j])), np.tile(leaders[j], len(leaders[i]))]))
    origins = np.repeat(np.arange(len(left)), [part.shape[1] for part in pairs[1:]])
    return np.concatenate(pairs, axis=1), origins


def _cosines(pooled: Rows, pairs: Indices) -> Float32:
    """Return the cosine of the features of each pair of rows."""
    cosines = np.empty(pairs.shape[1], np.float32)
    for start in range(0, pairs.shape[1], MAX_CHUNK):
        chunk = slice(start, start + MAX_CHUNK)
        left, right = _unit(pooled[pairs[0, chunk]]), _unit(pooled[pairs[1, chunk]])
        cosines[chunk] = np.einsum("ij,ij->i", left, right)
    return cosines


def _unit(features: Floats) -> Float32:
    """Scale rows to length 1; a row of zeros stays, and resembles nothing."""
    unit = features.astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", unit, unit))
    unit /= np.where(lengths > 0, lengths, 1)[:, None]
    return unit


def _components(edges: Indices, n: int) -> Indices:
    """Join rows along edges; name each component by its smallest row."""
    graph = coo_array((np.ones(edges.shape[1], np.int8), (edges[0], edges[1])), shape=(n, n))
    component = connected_components(graph, directed=False)[1]
    first = np.unique(component, return_index=True)[1]
    groups: Indices = first[component].astype(np.int64)
    return groups


def _warn_of_large(groups: Indices) -> None:
    """Say which groups are so large that a placeholder picture is likelier than one photograph."""
    limit = max(SUSPICIOUS_SIZE, SUSPICIOUS_SHARE * len(groups))
    rows, counts = np.unique(groups, return_counts=True)
    for row, count in zip(rows[counts > limit], counts[counts > limit], strict=True):
        logger.warning("%d of %d pictures count as copies of the one in row %d", count, len(groups), row)

"""Perceptual hashes: making them and finding close pairs among many."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Hashes = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]

N_BITS = 64
BAND_BITS = 16
N_BANDS = N_BITS // BAND_BITS
MAX_CHUNK = 1 << 22
# the bits of odd horizontal frequencies, which change their sign when a picture is mirrored
MIRROR = 0x5555_5555_5555_5555


def perceptual_hash(rgb: npt.NDArray[np.uint8]) -> str:
    """Return the perceptual hash of an upright picture: signs of its lowest cosine frequencies.

    Args:
        rgb: uint8, (h, w, 3).

    Returns:
        16 hexadecimal digits; copies of a picture differ in few of the 64 bits.

    Source: Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010), as in `imagehash.phash`.
    """
    return str(imagehash.phash(Image.fromarray(rgb)))


def parse_hashes(hashes: Sequence[str]) -> Hashes:
    """Turn hashes of 16 hexadecimal digits into numbers."""
    return np.array([int(digits, 16) for digits in hashes], np.uint64)


def close_pairs(hashes: Hashes, max_bits: int, *, flip: int = 0) -> tuple[Indices, Indices]:
    """Find all pairs of different hashes that differ in at most so many bits.

    Of two hashes that differ in b bits, some one of four bands of 16 bits differs in at most b / 4. So each band of each
    hash is looked up in a table together with its near variants: below quadratic while the bands spread.

    Args:
        hashes: Distinct.
        max_bits: Most bits that differ.
        flip: Bits of one hash of each pair that are turned round first, such as `MIRROR`.

    Returns:
        Indices i < j of the pairs, sorted.

    Source: Norouzi, Punjani and Fleet, "Fast exact search in Hamming space with multi-index hashing", TPAMI 36 (2014).
    """
    found = [np.empty((2, 0), np.int64)]
    turned = hashes ^ np.uint64(flip)
    for band in range(N_BANDS):
        keys = ((hashes >> np.uint64(band * BAND_BITS)) & np.uint64(0xFFFF)).astype(np.int64)
        order = np.argsort(keys, kind="stable")
        starts = np.searchsorted(keys[order], np.arange(2**BAND_BITS + 1))
        for variant in _variants(max_bits // N_BANDS):
            for left, right in _joined(keys ^ (flip >> band * BAND_BITS & 0xFFFF) ^ variant, order, starts):
                apart = np.bitwise_count(turned[left] ^ hashes[right])
                close = (left < right) & (apart <= max_bits)
                found.append(np.stack([left[close], right[close]]))
    return _distinct(np.concatenate(found, axis=1), len(hashes))


def _variants(max_bits: int) -> list[int]:
    """Return the masks of a band with at most so many bits."""
    counts = range(max_bits + 1)
    return [sum(1 << bit for bit in bits) for count in counts for bits in combinations(range(BAND_BITS), count)]


def _joined(keys: Indices, order: Indices, starts: Indices) -> Iterator[tuple[Indices, Indices]]:
    """Yield the pairs of an item and each item of the table under the item's key, in bounded pieces."""
    sizes = starts[keys + 1] - starts[keys]
    ends = np.cumsum(sizes)
    cuts = np.searchsorted(ends, np.arange(MAX_CHUNK, ends[-1] if len(ends) else 0, MAX_CHUNK))
    for piece in np.split(np.arange(len(keys)), cuts):
        left = np.repeat(piece, sizes[piece])
        within = np.arange(len(left)) - np.repeat(np.cumsum(sizes[piece]) - sizes[piece], sizes[piece])
        yield left, order[starts[keys[left]] + within]


def _distinct(pairs: Indices, n: int) -> tuple[Indices, Indices]:
    left, right = np.divmod(np.unique(pairs[0] * n + pairs[1]), max(n, 1))
    return left, right

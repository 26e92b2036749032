"""Perceptual hashes: making them and finding close pairs among many."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL import Image

Hashes = npt.NDArray[np.uint64]
Float32 = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

N_BITS = 64
N_FREQUENCIES = 8
SIDE = 32
LANCZOS = 3
BAND_BITS = 16
N_BANDS = N_BITS // BAND_BITS
MAX_CHUNK = 1 << 22
# the bits of odd horizontal frequencies, which change their sign when a picture is mirrored
MIRROR = 0x5555_5555_5555_5555


def perceptual_hash(picture: Image.Image) -> str:
    """Return the perceptual hash of an upright picture: signs of its lowest cosine frequencies.

    The picture in grey is reduced to 32 x 32 points by a Lanczos filter, of whose 32 x 32 cosine frequencies the lowest 8 x 8 are
    compared with their median. Both steps are linear, so they are one matrix for each side; without the rounding in between,
    one bit of a photograph differs now and then from that of `imagehash.phash`.

    Args:
        picture: In mode RGB or L.

    Returns:
        16 hexadecimal digits; copies of a picture differ in few of the 64 bits.

    Source: Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010).
    """
    grey = np.asarray(picture.convert("L")).astype(np.float32)
    height, width = grey.shape
    frequencies = _reduction(height) @ grey @ _reduction(width).T
    # what is 0 but for rounding, as in a picture of one colour, is 0; frequencies of photographs are in the thousands
    lowest = np.round(frequencies).ravel()
    middle = np.sort(lowest)[N_BITS // 2 - 1 : N_BITS // 2 + 1]
    return np.packbits(lowest > middle.mean()).tobytes().hex()


@lru_cache(maxsize=256)
def _reduction(length: int) -> Float32:
    """Return the matrix from a side's pixels to its lowest cosine frequencies: float32, (8, length).

    Source: the Lanczos filter of Pillow's `resize`, and the second cosine transform.
    """
    scale = length / SIDE
    reach = LANCZOS * max(scale, 1.0)
    centres = (np.arange(SIDE) + 0.5) * scale
    away = (np.arange(length) + 0.5 - centres[:, None]) / max(scale, 1.0)
    weights = np.where(abs(away) < LANCZOS, np.sinc(away) * np.sinc(away / LANCZOS), 0.0)
    # pixels that the filter only touches have no weight in Pillow, whose windows are whole pixels
    first = np.floor(np.maximum(centres - reach + 0.5, 0))[:, None]
    last = np.floor(np.minimum(centres + reach + 0.5, length))[:, None]
    place = np.arange(length)
    weights *= (place >= first) & (place < last)
    weights /= weights.sum(axis=1, keepdims=True)
    waves = np.cos(np.pi / SIDE * np.arange(N_FREQUENCIES)[:, None] * (np.arange(SIDE) + 0.5))
    matrix: Float32 = (waves @ weights).astype(np.float32)
    return matrix


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

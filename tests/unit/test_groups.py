from __future__ import annotations

import io
import itertools
import logging
from typing import TYPE_CHECKING

import imagehash
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageEnhance

from miner.visual.groups import GroupSizes, group_sizes, photo_groups
from miner.visual.hashing import MIRROR, close_pairs, parse_hashes, perceptual_hash
from tests.pictures import PHOTOGRAPHS, draw_scene, to_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence


def group(hashes: Sequence[int], features: object, *, max_bits: int = 6, min_cosine: float = 0.95) -> list[int]:
    digits = [f"{value:016x}" for value in hashes]
    found = photo_groups(digits, np.array(features, np.float16), max_bits=max_bits, min_cosine=min_cosine)
    assert found.dtype == np.int64
    return [int(row) for row in found]


def brute_force(hashes: npt.NDArray[np.uint64], max_bits: int) -> list[tuple[int, int]]:
    pairs = itertools.combinations(range(len(hashes)), 2)
    return [(i, j) for i, j in pairs if int(hashes[i] ^ hashes[j]).bit_count() <= max_bits]


def test_groups_are_named_by_their_smallest_row() -> None:
    """Rows 1, 3 and 4 are copies, within 1 bit of the next; row 0 has another hash, row 2 other features."""
    features = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0.1], [0, 1, 0]]
    assert group([0xFFFF, 0b1, 0b1, 0b11, 0b111], features) == [0, 1, 2, 1, 1]


def test_groups_join_through_a_further_copy() -> None:
    """The ends are 8 bits apart, the middle 4 from each."""
    assert group([0xA00, 0xAFF, 0xA0F], [[1, 1]] * 3) == [0, 0, 0]
    assert group([0xA00, 0xAFF], [[1, 1]] * 2) == [0, 1]


@pytest.mark.parametrize("max_bits", [0, 1, 3, 4, 6, 10])
def test_groups_look_exactly_as_far_as_asked(max_bits: int) -> None:
    near, far = (1 << max_bits) - 1, (1 << (max_bits + 1)) - 1
    base = 0x123456789ABCDEF0
    assert group([base, base ^ near], [[1, 1]] * 2, max_bits=max_bits) == [0, 0]
    assert group([base, base ^ far], [[1, 1]] * 2, max_bits=max_bits) == [0, 1]


def test_groups_of_nothing() -> None:
    assert group([], np.empty((0, 3))) == []
    assert group_sizes(np.empty(0, np.int64)) == GroupSizes(0, 0, 0, {})


def test_groups_need_features_to_agree() -> None:
    assert group([5, 5, 5], [[1, 0], [0, 1], [1, 0.1]]) == [0, 1, 0]
    assert group([0xA0, 0xAF, 0xAF], [[1, 0], [0, 1], [1, 0.1]]) == [0, 1, 0]
    assert group([5, 5], [[0, 0], [0, 0]]) == [0, 1]


def test_groups_of_nearly_equal_hashes_need_less_agreement() -> None:
    """A cosine of 0.66: enough for 0.95 - 0.3 at 2 bits, not at 3; and not for blank pictures."""
    features = [[1, 0], [0.66, 0.7512]]
    assert group([0xA0, 0xA3], features) == [0, 0]
    assert group([0xA0, 0xA7], features) == [0, 1]
    assert group([0xA0, 0xA0], features) == [0, 0]
    assert group([0, 0], features) == [0, 1]


def test_groups_hold_mirrored_copies_and_ask_them_for_the_same_agreement() -> None:
    """The hash of the second is that of the first as a mirror turns it, but for three bits."""
    mirrored = 0x123456789ABCDEF0 ^ MIRROR ^ 0b111
    assert group([0x123456789ABCDEF0, mirrored], [[1, 0], [0.96, 0.28]]) == [0, 0]
    assert group([0x123456789ABCDEF0, mirrored], [[1, 0], [0.8, 0.6]]) == [0, 1]


def test_groups_join_a_copy_to_any_of_those_with_one_hash() -> None:
    """Rows 0 (in grey) and 1 share a hash; the cut copy in row 2 resembles row 1 only."""
    angles = np.radians([0, 40, 55])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert group([0xF00, 0xF00, 0xF1F], features) == [0, 0, 0]


def test_groups_do_not_chain_through_blank_pictures(caplog: pytest.LogCaptureFixture) -> None:
    """A hundred blanks of two colours: two groups; a picture whose hash is near theirs stays out; and it is said."""
    blanks = np.repeat([[1.0, 0.0], [0.0, 1.0]], 50, axis=0)
    hashes = [1 << 63] * 100 + [(1 << 63) | 3]
    with caplog.at_level(logging.WARNING):
        found = group(hashes, np.concatenate([blanks, [[1.0, 0.0]]]))
    assert found == [0] * 50 + [50] * 50 + [100]
    assert not caplog.text
    with caplog.at_level(logging.WARNING):
        group([1 << 63] * 60, [[1, 1]] * 60)
    assert "60 of 60 pictures count as copies of the one in row 0" in caplog.text


def test_groups_of_many_equal_hashes_follow_leaders(monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks or at once: each picture goes with the first it resembles."""
    which = np.random.default_rng(1).integers(0, 9, 200)
    features = np.eye(9)[which]
    expected = [int(np.flatnonzero(which == own)[0]) for own in which]
    assert group([77] * 200, features) == expected
    monkeypatch.setattr("miner.visual.groups.BLOCK", 16)
    assert group([77] * 200, features) == expected


def test_groups_count_their_sizes() -> None:
    sizes = group_sizes(np.array([0, 0, 2, 0, 4, 2]))
    assert sizes == GroupSizes(n_images=6, n_groups=3, largest=3, sizes={1: 1, 2: 1, 3: 1})
    assert sizes.n_copies == 3


@pytest.mark.parametrize("max_bits", [0, 2, 6, 9])
def test_groups_close_pairs_are_those_of_brute_force(max_bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clustered hashes, in pieces so small that every boundary is met."""
    rng = np.random.default_rng(max_bits)
    centres = rng.integers(0, 1 << 63, 12, dtype=np.uint64)
    flips = np.bitwise_or.reduce(np.uint64(1) << rng.integers(0, 64, (300, 2), dtype=np.uint64), axis=1)
    hashes = np.unique(centres[rng.integers(0, 12, 300)] ^ flips)
    expected = brute_force(hashes, max_bits)
    monkeypatch.setattr("miner.visual.hashing.MAX_CHUNK", 50)
    left, right = close_pairs(hashes, max_bits)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == expected
    assert max_bits == 0 or expected


def test_groups_find_copies_among_20_000_pictures() -> None:
    """Every tenth picture is a copy of the one before it, with two bits of its hash changed."""
    rng = np.random.default_rng(5)
    hashes = rng.integers(0, 1 << 63, 20_000, dtype=np.uint64)
    features = rng.exponential(size=(20_000, 16)).astype(np.float16)
    copies = np.arange(9, 20_000, 10)
    hashes[copies] = hashes[copies - 1] ^ np.uint64(0x8000_0000_0000_0001)
    features[copies] = features[copies - 1]
    found = photo_groups([f"{value:016x}" for value in hashes.tolist()], features, max_bits=10, min_cosine=0.99)
    expected = np.arange(20_000)
    expected[copies] -= 1
    assert np.array_equal(found, expected)


def hash_of(picture: Image.Image) -> int:
    return int(parse_hashes([perceptual_hash(picture.convert("RGB"))])[0])


def apart(first: Image.Image, second: Image.Image) -> int:
    return (hash_of(first) ^ hash_of(second)).bit_count()


def versions(picture: Image.Image) -> list[Image.Image]:
    """Return a picture as other papers print it: smaller, re-encoded, brighter."""
    width, height = picture.size
    return [
        picture.resize((width // 2, height // 2)),
        picture.resize((width * 3 // 2, height * 3 // 2)),
        Image.open(io.BytesIO(to_bytes(picture, "JPEG", quality=30))),
        ImageEnhance.Brightness(picture).enhance(1.15),
    ]


def test_groups_find_mirrored_hashes_as_brute_force_does() -> None:
    hashes = np.unique(np.random.default_rng(3).integers(0, 1 << 63, 300, dtype=np.uint64))
    turned = np.concatenate([hashes, hashes[:40] ^ np.uint64(MIRROR) ^ np.uint64(0b1011)])
    pairs = itertools.combinations(range(len(turned)), 2)
    expected = [(i, j) for i, j in pairs if int(turned[i] ^ turned[j] ^ np.uint64(MIRROR)).bit_count() <= 6]
    left, right = close_pairs(turned, 6, flip=MIRROR)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == expected
    assert len(expected) >= 40


@pytest.mark.parametrize("seed", range(6))
def test_groups_know_the_hash_of_a_mirrored_picture(seed: int) -> None:
    scene = draw_scene(seed)
    mirrored = scene.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert (hash_of(scene) ^ hash_of(mirrored) ^ MIRROR).bit_count() <= 8


@pytest.mark.parametrize("seed", range(6))
def test_groups_hash_of_a_copy_is_close_and_of_another_picture_far(seed: int) -> None:
    scene = draw_scene(seed)
    assert max(apart(scene, version) for version in versions(scene)) <= 6
    assert apart(scene, draw_scene(seed + 1)) > 12


def test_groups_hash_of_photographs_behaves_the_same() -> None:
    if not PHOTOGRAPHS.is_dir():
        pytest.skip("no photographs: shared/data/coco-dev is not beside the project")
    photographs = [Image.open(path).convert("RGB") for path in sorted(PHOTOGRAPHS.iterdir())[:12]]
    for photograph in photographs:
        assert max(apart(photograph, version) for version in versions(photograph)) <= 6
    assert min(apart(*pair) for pair in itertools.combinations(photographs, 2)) > 10


def test_hash_is_that_of_imagehash_but_for_rounding() -> None:
    """Of drawings and photographs, larger and smaller than 32 px; two frequencies next to the median may change places."""
    drawings = enumerate([(480, 360), (33, 70), (20, 20), (640, 31)])
    pictures = [draw_scene(seed).resize(size) for seed, size in drawings]
    if PHOTOGRAPHS.is_dir():
        pictures += [Image.open(path).convert("RGB") for path in itertools.islice(sorted(PHOTOGRAPHS.iterdir()), 60)]
    ours = parse_hashes([perceptual_hash(picture) for picture in pictures])
    theirs = parse_hashes([str(imagehash.phash(picture)) for picture in pictures])
    apart = np.bitwise_count(ours ^ theirs)
    assert apart.max() <= 4
    assert apart.mean() < 0.5


def test_hash_of_one_colour_is_its_brightness_alone() -> None:
    assert perceptual_hash(Image.new("RGB", (301, 200), (90, 20, 1))) == "8000000000000000"
    assert perceptual_hash(Image.new("RGB", (5, 1000), "white")) == "8000000000000000"

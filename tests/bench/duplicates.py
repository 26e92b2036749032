"""How fast and how well copies are found among 100,000 pictures: `python -m tests.bench.duplicates [--pictures N] [--keep FILE]`.

Real photographs (`../shared/data/flickr-dev` and `news-dev`) are decoded, hashed and encoded as a run does it, and so are
real copies of some of them, one of each kind. The rest, up to the number asked for, is made of these: each bit of the hash and
each filter comes from one of three photographs, so that hashes crowd together as real ones do and features look alike,
but no two are copies. Copies are planted truth; what is made must stay alone; photographs that already were copies of each
other in their corpus are counted apart. Only the grouping is timed. `--keep` stores what was encoded, for the next time.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from miner.config import VisualConfig
from miner.visual.engine import open_engine
from miner.visual.groups import photo_groups
from miner.visual.hashing import parse_hashes, perceptual_hash
from miner.visual.images import decode_image, fit
from miner.visual.registry import load_backbone
from tests.pictures import to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float16]
    Hashes = NDArray[np.uint64]
    Rows = NDArray[np.int64]

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CORPORA = ("flickr-dev", "news-dev")
BATCH = 16
MAX_PIXELS = 10**8


def crop(picture: Image.Image, share: float) -> Image.Image:
    width, height = picture.size
    return picture.crop((int(width * share), int(height * share), int(width * (1 - share)), int(height * (1 - share))))


def add_bar(picture: Image.Image) -> Image.Image:
    """Print a line of a paper over the lowest eighth."""
    barred = picture.copy()
    top = picture.height * 7 // 8
    drawing = ImageDraw.Draw(barred)
    drawing.rectangle((0, top, picture.width, picture.height), fill=(20, 20, 60))
    drawing.text((8, top + 4), "BREAKING: what happened today", fill="white")
    return barred


def scale(picture: Image.Image, share: float) -> Image.Image:
    return picture.resize((max(1, int(picture.width * share)), max(1, int(picture.height * share))))


KINDS: dict[str, Callable[[Image.Image], bytes]] = {
    "half the size": lambda picture: to_bytes(scale(picture, 0.5), "JPEG", quality=85),
    "one and a half": lambda picture: to_bytes(scale(picture, 1.5), "JPEG", quality=85),
    "JPEG quality 30": lambda picture: to_bytes(picture, "JPEG", quality=30),
    "15 % brighter": lambda picture: to_bytes(ImageEnhance.Brightness(picture).enhance(1.15), "JPEG", quality=85),
    "grey": lambda picture: to_bytes(picture.convert("L").convert("RGB"), "JPEG", quality=85),
    "2 % cut off all round": lambda picture: to_bytes(crop(picture, 0.02), "JPEG", quality=85),
    "5 % cut off all round": lambda picture: to_bytes(crop(picture, 0.05), "JPEG", quality=85),
    "bar across the foot": lambda picture: to_bytes(add_bar(picture), "JPEG", quality=85),
    "mirrored": lambda picture: to_bytes(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "JPEG", quality=85),
}


@dataclass(frozen=True)
class Pictures:
    """Hashes and pooled features, and what each picture is.

    Attributes:
        hashes: uint64, (n,).
        pooled: float16, (n, n_filters).
        original: int64, (n,): the row it is a copy of, or its own.
        kind: int64, (n,): 0 for a photograph, k for the k-th kind of copy, -1 for one that was made.
    """

    hashes: Hashes
    pooled: Floats
    original: Rows
    kind: Rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, nargs="+", default=[25_000, 50_000, 100_000])
    parser.add_argument("--originals", type=int, default=500, help="photographs that get one copy of each kind")
    parser.add_argument("--keep", type=Path, help="file for what was encoded")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    real = load_real(options.keep, options.originals, options.seed)
    say(
        f"{int((real.kind == 0).sum()):,} photographs, {int((real.kind > 0).sum()):,} real copies of {options.originals:,}"
    )
    for n_pictures in options.pictures:
        measure(fill_up(real, n_pictures, options.seed))


def load_real(keep: Path | None, n_originals: int, seed: int) -> Pictures:
    if keep is not None and keep.exists():
        with np.load(keep, allow_pickle=False) as held:
            return Pictures(held["hashes"], held["pooled"], held["original"], held["kind"])
    real = encode_real(n_originals, seed)
    if keep is not None:
        np.savez(keep, hashes=real.hashes, pooled=real.pooled, original=real.original, kind=real.kind)
    return real


def encode_real(n_originals: int, seed: int) -> Pictures:
    paths = [path for name in CORPORA for path in sorted((DATA / name / "images").iterdir())]
    chosen = np.sort(np.random.default_rng(seed).choice(len(paths), n_originals, replace=False))
    hashes, pooled = encode(path.read_bytes() for path in paths)
    copies = [encode(kind(Image.open(paths[row]).convert("RGB")) for row in chosen.tolist()) for kind in KINDS.values()]
    own = np.arange(len(paths))
    kinds = np.repeat(np.arange(len(KINDS) + 1), [len(paths), *[n_originals] * len(KINDS)])
    return Pictures(
        np.concatenate([hashes, *(found[0] for found in copies)]),
        np.concatenate([pooled, *(found[1] for found in copies)]),
        np.concatenate([own, *[chosen] * len(KINDS)]),
        kinds,
    )


def encode(files: Iterator[bytes]) -> tuple[Hashes, Floats]:
    backbone = load_backbone(VisualConfig().backbone)
    engine = open_engine(backbone)
    hashes: list[str] = []
    pooled: list[Floats] = []
    batch: list[NDArray[np.float32]] = []

    def flush() -> None:
        if batch:
            pooled.append(engine.forward(np.stack(batch)).filters.mean(axis=(2, 3)).astype(np.float16))
            batch.clear()

    for data in files:
        decoded = decode_image(data, max_pixels=MAX_PIXELS)
        hashes.append(perceptual_hash(decoded.picture))
        batch.append(fit(decoded, backbone)[0])
        if len(batch) == BATCH:
            flush()
    flush()
    return parse_hashes(hashes), np.concatenate(pooled)


def fill_up(real: Pictures, n_pictures: int, seed: int) -> Pictures:
    """Add pictures that are mixed of three photographs each, and shuffle all."""
    rng = np.random.default_rng(seed)
    n_made = max(0, n_pictures - len(real.hashes))
    hashes, pooled = mix(real, three_parents(int((real.kind == 0).sum()), n_made, rng), rng)
    order = rng.permutation(len(real.hashes) + n_made)
    original = np.concatenate([real.original, np.arange(len(real.hashes), len(order))])
    return Pictures(
        np.concatenate([real.hashes, hashes])[order],
        np.concatenate([real.pooled, pooled])[order],
        np.argsort(order)[original[order]],
        np.concatenate([real.kind, np.full(n_made, -1)])[order],
    )


def three_parents(n_photographs: int, n_made: int, rng: np.random.Generator) -> Rows:
    """Draw three different photographs for each picture: int64, (n_made, 3)."""
    first = rng.integers(0, n_photographs, n_made)
    second = rng.integers(1, n_photographs, n_made)
    third = rng.integers(1, n_photographs - 1, n_made)
    third += third >= second
    return np.stack([first, first + second, first + third], axis=1) % n_photographs


def mix(real: Pictures, parents: Rows, rng: np.random.Generator) -> tuple[Hashes, Floats]:
    """Take each bit and each filter from one of the parents."""
    n_filters = real.pooled.shape[1]
    bits = np.uint64(1) << np.arange(64, dtype=np.uint64)
    hashes = np.empty(len(parents), np.uint64)
    pooled = np.empty((len(parents), n_filters), np.float16)
    for row, own in enumerate(parents):
        bits_of = real.hashes[own][rng.integers(0, 3, 64)]
        hashes[row] = np.bitwise_or.reduce(bits_of & bits)
        pooled[row] = real.pooled[own[rng.integers(0, 3, n_filters)], np.arange(n_filters)]
    return hashes, pooled


def measure(pictures: Pictures) -> None:
    """Group the pictures, timed, and print what was found of what was planted."""
    wall, cpu = time.perf_counter(), time.process_time()
    groups = group(pictures)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"\n{len(groups):,} pictures: {wall:.1f} s, {cpu:.1f} CPU s; peak of the process {peak:,.0f} MB")
    report_recall(pictures, groups)
    report_precision(pictures, groups)


def group(pictures: Pictures) -> Rows:
    visual = VisualConfig()
    digits = [f"{value:016x}" for value in pictures.hashes.tolist()]
    return photo_groups(digits, pictures.pooled, max_bits=visual.duplicate_bits, min_cosine=visual.duplicate_cosine)


def report_recall(pictures: Pictures, groups: Rows) -> None:
    """Say of each kind of copy how many are in the group of their original, among all copies and as its only one."""
    found = groups == groups[pictures.original]
    say("  found  as only copy")
    for number, name in enumerate(KINDS, start=1):
        own = pictures.kind == number
        say(f"  {found[own].mean():6.1%}  {found_alone(pictures, number):6.1%}  of {own.sum():,}: {name}")
    copies = pictures.kind > 0
    say(f"  {found[copies].mean():6.1%}  of {copies.sum():,} copies (recall)")


def found_alone(pictures: Pictures, kind: int) -> float:
    """Return the share of one kind of copies that is found where photographs have no other copies."""
    rows = np.flatnonzero((pictures.kind == 0) | (pictures.kind == kind))
    place = np.full(len(pictures.kind), -1)
    place[rows] = np.arange(len(rows))
    own = pictures.kind[rows]
    some = Pictures(pictures.hashes[rows], pictures.pooled[rows], place[pictures.original[rows]], own)
    groups = group(some)
    return float((groups == groups[some.original])[own == kind].mean())


def report_precision(pictures: Pictures, groups: Rows) -> None:
    """Say of all pairs within groups how many are planted, real but not planted, or wrong."""
    pairs: Counter[str] = Counter()
    order = np.argsort(groups, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        left, right = np.triu_indices(len(rows), 1)
        pairs.update(judge(pictures, rows[left], rows[right]))
    planted, wrong = pairs["planted"], pairs["made"]
    say(
        f"  {planted / max(1, planted + wrong):7.2%} of {planted + wrong:,} pairs are planted (precision); {wrong:,} are not copies"
    )
    say(f"  {pairs['photographs']:7,} pairs are of two photographs of the corpora")


def judge(pictures: Pictures, left: Rows, right: Rows) -> Iterator[str]:
    """Tell pairs of pictures apart: planted, with one that was made, or of different photographs (or their copies)."""
    same = pictures.original[left] == pictures.original[right]
    made = (pictures.kind[left] < 0) | (pictures.kind[right] < 0)
    both = (pictures.kind[left] == 0) & (pictures.kind[right] == 0)
    names = np.select([same, made, both], ["planted", "made", "photographs"], "copies of photographs")
    yield from names.tolist()


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    main()

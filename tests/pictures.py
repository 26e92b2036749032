"""Pictures for tests: drawn scenes, their bytes in any format, and sources that hold them."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw

from miner.config import VisualConfig
from miner.run.encoded import ShardRows, count_ends
from miner.store.formats import write_array
from miner.visual.encode import EncodedShard, encode_shard
from miner.visual.filters import fire_items
from miner.visual.registry import load_backbone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.visual.engine import EngineKind

PHOTOGRAPHS = Path(__file__).resolve().parents[2] / "shared" / "data" / "coco-dev" / "images"


@dataclass
class MemorySource:
    """An image source that holds its files."""

    files: dict[str, bytes] = field(default_factory=dict)

    def open(self, image: str) -> bytes:
        try:
            return self.files[image]
        except KeyError:
            raise FileNotFoundError(image) from None


def photographs(n: int) -> dict[str, bytes]:
    """Return files by name: photographs, or drawn scenes where there are none."""
    if PHOTOGRAPHS.is_dir():
        return {path.name: path.read_bytes() for path in sorted(PHOTOGRAPHS.iterdir())[:n]}
    return {f"{seed}.jpg": to_bytes(draw_scene(seed), "JPEG", quality=92) for seed in range(n)}


def encode_files(files: dict[str, bytes], kind: EngineKind) -> EncodedShard:
    """Encode files as the encode stage does by default."""
    rows = pa.table({"record": list(files), "image": list(files)})
    return encode_shard(rows, MemorySource(files), VisualConfig(), kind=kind)


def agreement(one: EncodedShard, other: EncodedShard) -> tuple[float, float]:
    """Compare two encodings of the same pictures.

    Returns:
        How many of the items that fire in either fire in both, and how many of these do so in the same cell; shares.
    """
    marks = []
    for shard in (one, other):
        maxima = shard.activations.maxima
        _, fired = fire_items(maxima, np.arange(len(maxima)), load_backbone("efficientnet-lite0"), VisualConfig())
        mark = np.zeros(maxima.shape, bool)
        mark[np.repeat(np.arange(len(maxima)), np.diff(fired.indptr)), fired.indices] = True
        marks.append(mark)
    both = marks[0] & marks[1]
    same_cell = (one.activations.cells == other.activations.cells)[both].mean()
    return float(both.sum() / (marks[0] | marks[1]).sum()), float(same_cell)


def stored_rows(folder: Path, parts: Sequence[np.ndarray[Any, Any]], rows: np.ndarray[Any, Any]) -> ShardRows:
    """Write the parts of an array as shards and choose rows of it."""
    files = [folder / f"{place}.npy" for place in range(len(parts))]
    for file, part in zip(files, parts, strict=True):
        write_array(file, part)
    return ShardRows(files, count_ends(files), rows)


def draw_scene(seed: int, size: tuple[int, int] = (480, 360)) -> Image.Image:
    """Draw a scene of smooth ground and many shapes; every seed gives a different one."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    scene = Image.fromarray(ground).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(scene)
    for _ in range(25):
        x, y = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        w, h = rng.uniform(10, size[0] / 3), rng.uniform(10, size[1] / 3)
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)((x, y, x + w, y + h), fill=colour)
    return scene


def to_bytes(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:  # noqa: ANN401 - Pillow's own
    """Return the bytes of a picture as a file."""
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """Return a small PNG file that says it has many pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")

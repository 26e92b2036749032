"""Pictures for tests: drawn scenes, their bytes in any format, and sources that hold them."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

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

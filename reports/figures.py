"""Patches of evidence pictures and the sheets made of them.

A patch is a square window around an evidence box with some of its surroundings, so that the frame is seen in context.
"""

from __future__ import annotations

import base64
import io
import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from miner.errors import EventMinerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reports.inputs import Picture

Box = tuple[float, float, float, float]

# Window side over the longer side of the box, and its least share of the picture's shorter side.
CONTEXT = 1.5
LEAST_WINDOW = 0.4
# Frames this close to the border of a patch (share of its side) would be cut by it.
FRAME_INSET = 0.02
GREY = (128, 128, 128)
MISSING = "picture not available"
UNREADABLE = "picture not readable"


@dataclass(frozen=True, order=True)
class Cut:
    """One patch to cut: an image of the corpus and a box in upright pixels; an empty box means the whole picture."""

    image: str
    box: tuple[float, ...] = ()


@dataclass(frozen=True)
class Patch:
    """A square piece of a picture.

    Attributes:
        picture: RGB, square, or None where the picture could not be used.
        frame: The evidence box in shares of the patch (0 to 1), if there is one.
        note: Why there is no picture.
        window: What the patch shows, in upright original pixels.
    """

    picture: Image.Image | None
    frame: Box | None = None
    note: str = ""
    window: Box | None = None


def clip_box(box: Sequence[float], width: int, height: int) -> Box | None:
    """Clip a box to a picture; None for boxes that are malformed, empty or outside."""
    if len(box) != 4 or not all(math.isfinite(edge) for edge in box):
        return None
    x0, x1 = (min(max(edge, 0.0), float(width)) for edge in (box[0], box[2]))
    y0, y1 = (min(max(edge, 0.0), float(height)) for edge in (box[1], box[3]))
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def scale_box(box: Box, factor: float) -> Box:
    """Multiply the edges of a box."""
    x0, y0, x1, y1 = box
    return (x0 * factor, y0 * factor, x1 * factor, y1 * factor)


def crop_window(width: int, height: int, box: Box | None) -> Box:
    """Find the square window that shows a box in context.

    The window lies inside the picture whenever the box fits into such a square; for a box longer than the picture's
    shorter side the window sticks out and is padded. Without a box it is the central square.
    """
    short = float(min(width, height))
    x0, y0, x1, y1 = box or ((width - short) / 2, (height - short) / 2, (width + short) / 2, (height + short) / 2)
    longer = max(x1 - x0, y1 - y0)
    side = max(longer, min(max(longer * CONTEXT, short * LEAST_WINDOW), short))
    left = _place((x0 + x1) / 2 - side / 2, side, width)
    top = _place((y0 + y1) / 2 - side / 2, side, height)
    return (left, top, left + side, top + side)


def _place(start: float, side: float, extent: int) -> float:
    if side > extent:
        return (extent - side) / 2
    return min(max(start, 0.0), extent - side)


def cut_patch(image: Image.Image, box: Sequence[float], side: int) -> Patch:
    """Cut one patch of `side` by `side` pixels from an upright picture."""
    clipped = clip_box(box, image.width, image.height)
    window = crop_window(image.width, image.height, clipped)
    return Patch(_resample(image, window, side), _frame(clipped, window), window=window)


def _resample(image: Image.Image, window: Box, side: int) -> Image.Image:
    inside = clip_box(window, image.width, image.height)
    if inside is None or inside == window:
        return image.resize((side, side), Image.Resampling.LANCZOS, box=window)
    scale = side / (window[2] - window[0])
    size = (max(1, round((inside[2] - inside[0]) * scale)), max(1, round((inside[3] - inside[1]) * scale)))
    patch = Image.new("RGB", (side, side), GREY)
    offset = (round((inside[0] - window[0]) * scale), round((inside[1] - window[1]) * scale))
    patch.paste(image.resize(size, Image.Resampling.LANCZOS, box=inside), offset)
    return patch


def _frame(box: Box | None, window: Box) -> Box | None:
    if box is None:
        return None
    side = window[2] - window[0]
    shares = [(edge - window[i % 2]) / side for i, edge in enumerate(box)]
    x0, y0, x1, y1 = (min(max(share, FRAME_INSET), 1 - FRAME_INSET) for share in shares)
    return (x0, y0, x1, y1)


def cut_patches(
    cuts: Iterable[Cut], open_image: Callable[[str], bytes], decode: Callable[[bytes], Picture], *, side: int
) -> dict[Cut, Patch]:
    """Cut many patches, opening each picture once and keeping only the patches.

    A picture that cannot be opened or decoded gives patches without pixels that say so.
    """
    patches: dict[Cut, Patch] = {}
    for name, group in itertools.groupby(sorted(set(cuts)), key=lambda cut: cut.image):
        loaded = _load(name, open_image, decode)
        for cut in group:
            patches[cut] = Patch(None, note=loaded) if isinstance(loaded, str) else loaded.cut(cut.box, side)
    return patches


@dataclass(frozen=True)
class _Loaded:
    image: Image.Image
    scale: float

    def cut(self, box: Sequence[float], side: int) -> Patch:
        patch = cut_patch(self.image, [edge * self.scale for edge in box], side)
        return replace(patch, window=scale_box(patch.window, 1 / self.scale)) if patch.window else patch


def _load(name: str, open_image: Callable[[str], bytes], decode: Callable[[bytes], Picture]) -> _Loaded | str:
    try:
        data = open_image(name)
    except (EventMinerError, OSError):
        return MISSING
    try:
        picture = decode(data)
    except (EventMinerError, OSError):
        return UNREADABLE
    image = Image.fromarray(picture.rgb)
    return _Loaded(image, image.width / picture.width)


def encode_jpeg(picture: Image.Image, quality: int) -> bytes:
    """Encode a patch as JPEG without metadata."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def data_uri(jpeg: bytes) -> str:
    """Write JPEG bytes as a data URI."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def pattern_sheet(patches: Sequence[Patch], *, columns: int = 6, side: int = 160, heading: str = "") -> Image.Image:
    """Draw patches with their frames as a contact sheet, best first.

    Args:
        patches: At least one patch.
        columns: Patches in a row, at most.
        side: Side of a patch on the sheet, in pixels.
        heading: Line of text above the patches, if not empty.

    Raises:
        ValueError: There is no patch.
    """
    if not patches:
        raise ValueError("a sheet needs at least one patch, got none")
    gap = max(4, side // 20)
    top = gap + (side // 4 if heading else 0)
    columns = min(columns, len(patches))
    rows = -(-len(patches) // columns)
    sheet = Image.new("RGB", (gap + columns * (side + gap), top + rows * (side + gap)), "white")
    draw = ImageDraw.Draw(sheet)
    if heading:
        _draw_heading(draw, heading, gap, sheet.width - 2 * gap, side)
    for i, patch in enumerate(patches):
        corner = (gap + (i % columns) * (side + gap), top + (i // columns) * (side + gap))
        _draw_patch(sheet, draw, patch, corner, side)
    return sheet


def _draw_heading(draw: ImageDraw.ImageDraw, heading: str, gap: int, width: int, side: int) -> None:
    font = ImageFont.load_default(size=max(10, side // 7))
    text = heading
    while len(text) > 1 and draw.textlength(text, font=font) > width:
        text = text[:-2] + "…"
    draw.text((gap, gap), text, fill="black", font=font)


def _draw_patch(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, patch: Patch, corner: tuple[int, int], side: int
) -> None:
    x, y = corner
    if patch.picture is None:
        draw.rectangle((x, y, x + side - 1, y + side - 1), fill=GREY)
        font = ImageFont.load_default(size=max(8, side // 12))
        draw.text(
            (x + side / 2, y + side / 2), patch.note.replace(" not ", "\nnot "), "white", font, "mm", align="center"
        )
        return
    sheet.paste(patch.picture.resize((side, side), Image.Resampling.LANCZOS), corner)
    if patch.frame is not None:
        draw_frame(draw, patch.frame, corner, side)


def draw_frame(draw: ImageDraw.ImageDraw, frame: Box, corner: tuple[int, int], side: int) -> None:
    """Draw the evidence box of a patch that lies with its upper left corner at `corner`."""
    x, y = corner
    x0, y0, x1, y1 = (round(offset + share * side) for share, offset in zip(frame, (x, y, x, y), strict=True))
    draw.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline="black", width=4)
    draw.rectangle((x0, y0, x1, y1), outline="white", width=2)

"""A whole picture: a place, the people and things that stand about, and the objects that matter, with their boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageFilter

from corpora.drawing.canvas import SCALE, Box, Canvas
from corpora.drawing.cast import add_cast, add_clutter
from corpora.drawing.people import draw_crowd
from corpora.drawing.places import draw_flood, draw_hall, draw_pitch, draw_road, draw_street, draw_village
from corpora.drawing.texture import fine_noise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Painter = Callable[[Canvas, np.random.Generator], None]
    Maker = Callable[[np.random.Generator, float, float], Canvas]


PLACES: Final[Mapping[str, Painter]] = {
    "street": draw_street,
    "road": draw_road,
    "flood": draw_flood,
    "village": draw_village,
    "hall": draw_hall,
    "pitch": draw_pitch,
}
CENTRE: Final = 0.875
_TRIES: Final = 14
_SOLID: Final = [0] * 97 + [255] * 159


@dataclass(frozen=True)
class Thing:
    """How an object is drawn.

    Attributes:
        draw: Makes it in a given width and height.
        aspect: Width over height, least and most.
        area: Share of the picture that its box covers, least and most.
        foot: Where its lower edge stands, as a share of the picture's height, least and most.
        flips: Whether its mirror image is as good.
    """

    draw: Maker
    aspect: tuple[float, float]
    area: tuple[float, float]
    foot: tuple[float, float]
    flips: bool = True


@dataclass(frozen=True)
class Layout:
    """What one picture shows, before it is drawn.

    Attributes:
        size: Width and height, pixels.
        place: Key of `PLACES`.
        cast: Who is there: `crowd`, `suits`, `players`, `traffic` or `bystanders`.
        things: The objects that matter.
    """

    size: tuple[int, int]
    place: str
    cast: str
    things: tuple[Thing, ...]


def draw_scene(rng: np.random.Generator, layout: Layout) -> tuple[Image.Image, list[Box]]:
    """Draw a picture.

    Returns:
        The RGB picture, and one box (left, top, right, bottom, pixels) per thing, in the order of `layout.things`.
    """
    canvas = Canvas(*layout.size, colour=(0, 0, 0))
    PLACES[layout.place](canvas, rng)
    add_clutter(canvas, rng, indoors=layout.place == "hall")
    add_cast(canvas, rng, layout.cast)
    boxes: list[Box] = []
    for thing in layout.things:
        boxes.append(_add_thing(canvas, rng, thing, boxes))
    if layout.cast == "crowd":
        draw_crowd(canvas, rng, canvas.height * 0.93, canvas.height * 1.02, rows=1)
    return _developed(canvas, rng), boxes


def _add_thing(canvas: Canvas, rng: np.random.Generator, thing: Thing, taken: Sequence[Box]) -> Box:
    """Put an object where it hides others least, mostly inside the centre square that a network looks at."""
    aspect, area = rng.uniform(*thing.aspect), rng.uniform(*thing.area) * canvas.width * canvas.height
    side = CENTRE * min(canvas.width, canvas.height)
    width = min(float(np.sqrt(area * aspect)), side * 0.96)
    height = min(width / aspect, side * 0.9)
    sprite = _warped(thing.draw(rng, width, height), rng, flips=thing.flips)
    left, top = (canvas.width - side) / 2, (canvas.height - side) / 2
    spots = []
    for _ in range(_TRIES):
        x = left + rng.uniform(0, 1) * (side - width)
        y = rng.uniform(*thing.foot) * canvas.height - height
        spots.append((x, min(max(y, top), top + side - height)))
    hidden = [sum(_overlap((x, y, x + width, y + height), box) for box in taken) for x, y in spots]
    x, y = spots[int(np.argmin(hidden))]
    canvas.lay(sprite, x, y)
    return _visible_box(sprite, x, y, canvas)


def _warped(layer: Canvas, rng: np.random.Generator, *, flips: bool) -> Image.Image:
    """Look at an object from a slightly different side: mirrored, tilted, foreshortened, in another light."""
    picture = layer.image
    if flips and rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    w, h = picture.size
    jitter = rng.uniform(-0.02, 0.07, 8) * np.array([-w, -h, -w, h, w, h, w, -h])
    corners = np.array([0, 0, 0, h, w, h, w, 0]) + jitter
    picture = picture.transform((w, h), Image.Transform.QUAD, tuple(corners), Image.Resampling.BILINEAR)
    gain = rng.uniform(0.86, 1.12)
    light = [min(255, int(level * gain)) for level in range(256)]
    return picture.point([*light, *light, *light, *range(256)])


def _visible_box(sprite: Image.Image, x: float, y: float, canvas: Canvas) -> Box:
    solid = sprite.getchannel("A").point(_SOLID).getbbox() or (0, 0, *sprite.size)
    left, top, right, bottom = (edge / SCALE for edge in solid)
    return max(0.0, x + left), max(0.0, y + top), min(canvas.width, x + right), min(canvas.height, y + bottom)


def _overlap(first: Box, second: Box) -> float:
    wide = min(first[2], second[2]) - max(first[0], second[0])
    tall = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, wide) * max(0.0, tall)


def _developed(canvas: Canvas, rng: np.random.Generator) -> Image.Image:
    """Halve the drawing and make a photograph of it: light, colour cast, soft focus, grain."""
    picture = canvas.image.convert("RGB").reduce(SCALE)
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 0.8))))
    pixels = np.asarray(picture, dtype=np.float32)
    contrast = rng.uniform(0.9, 1.06)
    gain = (contrast * rng.uniform(0.86, 1.1) * (1 + rng.normal(0, 0.03, 3))).astype(np.float32)
    pixels = pixels * gain + np.float32(128 * (1 - contrast))
    pixels += fine_noise(rng, (pixels.shape[0], pixels.shape[1]), rng.uniform(1.0, 3.5))[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255, out=pixels).astype(np.uint8), "RGB")

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from corpora.drawing.canvas import Canvas, polar, trapezoid
from corpora.drawing.civic import draw_flags, draw_lectern, draw_placards
from corpora.drawing.fire import draw_burning_tyres, draw_flames, draw_smoke
from corpora.drawing.rescue import draw_ambulance, draw_dinghy, draw_fire_engine, draw_helicopter
from corpora.drawing.scene import PLACES, Layout, Thing, draw_scene
from corpora.drawing.sports import draw_goal, draw_trophy
from corpora.drawing.texture import fractal_noise, smooth_noise

if TYPE_CHECKING:
    from corpora.drawing.scene import Maker

MAKERS: tuple[Maker, ...] = (
    draw_placards,
    draw_burning_tyres,
    draw_flames,
    draw_smoke,
    draw_flags,
    draw_lectern,
    draw_ambulance,
    draw_fire_engine,
    draw_dinghy,
    draw_helicopter,
    draw_goal,
    draw_trophy,
)


def pixels(canvas: Canvas) -> np.ndarray:
    return np.asarray(canvas.image.reduce(2))


def draw_square(_: np.random.Generator, width: float, height: float) -> Canvas:
    return Canvas(width, height, colour=(255, 0, 255))


def test_canvas_fills_the_pixels_it_is_asked_for() -> None:
    canvas = Canvas(8, 6, colour=(0, 0, 0))
    canvas.polygon([(2, 1), (5.5, 1), (5.5, 3.5), (2, 3.5)], (200, 100, 50))
    painted = np.argwhere(pixels(canvas)[..., 0] == 200)
    assert painted.min(axis=0).tolist() == [1, 2]
    assert painted.max(axis=0).tolist() == [3, 5]


def test_canvas_without_colour_is_transparent() -> None:
    assert not pixels(Canvas(4, 4))[..., 3].any()


def test_canvas_shading_runs_from_top_to_bottom() -> None:
    canvas = Canvas(4, 8)
    canvas.shaded(canvas.at((0, 0), (1, 0), (1, 1), (0, 1)), (0, 0, 0), (240, 120, 60))
    red = pixels(canvas)[:, 2, 0].astype(int)
    assert np.all(np.diff(red) > 0)
    assert red[0] < 20
    assert red[-1] > 215


def test_canvas_stamp_cuts_off_what_sticks_out() -> None:
    canvas = Canvas(6, 6, colour=(0, 0, 0))
    canvas.stamp(draw_square(np.random.default_rng(0), 4, 4), -2, 4)
    assert np.argwhere(pixels(canvas)[..., 0] == 255).tolist() == [[4, 0], [4, 1], [5, 0], [5, 1]]
    before = pixels(canvas)
    canvas.stamp(draw_square(np.random.default_rng(0), 4, 4), 20, 0)
    assert np.array_equal(before, pixels(canvas))


def test_canvas_grain_leaves_transparency_alone() -> None:
    canvas = Canvas(4, 4)
    canvas.rect(canvas.span(0, 0, 0.5, 1), (100, 100, 100))
    alpha = pixels(canvas)[..., 3]
    canvas.grain(np.full((2, 2), 40.0))
    assert np.array_equal(pixels(canvas)[..., 3], alpha)
    assert pixels(canvas)[1, 0, 0] == 140


def test_canvas_veil_blends_by_alpha() -> None:
    canvas = Canvas(4, 4, colour=(0, 0, 0))
    canvas.veil((200, 200, 200), np.full((1, 1), 0.5))
    assert pixels(canvas)[2, 2, 0] == pytest.approx(100, abs=2)


def test_canvas_geometry_by_hand() -> None:
    assert trapezoid((1, 2, 3), (5, 0, 9)) == [(2, 1), (3, 1), (9, 5), (0, 5)]
    assert polar((1, 1), 2, np.pi / 2) == pytest.approx((1, 3))


@pytest.mark.parametrize("maker", MAKERS)
def test_drawing_fills_its_frame_and_is_repeatable(maker: Maker) -> None:
    first, second = (maker(np.random.default_rng(7), 90, 70).image for _ in range(2))
    assert first.size == (180, 140)
    assert first.tobytes() == second.tobytes()
    left, top, right, bottom = first.getchannel("A").getbbox() or (0, 0, 0, 0)
    assert right - left > 0.6 * 180
    assert bottom - top > 0.6 * 140


@pytest.mark.parametrize("place", PLACES)
def test_scene_box_is_where_the_object_is(place: str) -> None:
    thing = Thing(draw_square, (1.0, 1.6), (0.08, 0.2), (0.5, 0.95))
    picture, boxes = draw_scene(np.random.default_rng(2), Layout((320, 240), place, "bystanders", (thing,)))
    colours = np.asarray(picture).astype(int)
    square = (colours[..., 0] > 150) & (colours[..., 1] < 70) & (colours[..., 2] > 150)
    down, across = np.nonzero(square)
    seen = (across.min(), down.min(), across.max() + 1, down.max() + 1)
    assert np.abs(np.array(seen) - np.array(boxes[0])).max() <= 2.5


def test_scene_objects_avoid_each_other() -> None:
    thing = Thing(draw_square, (1.0, 1.0), (0.06, 0.08), (0.3, 0.95))
    for seed in range(5):
        _, boxes = draw_scene(np.random.default_rng(seed), Layout((300, 300), "street", "bystanders", (thing, thing)))
        wide = min(boxes[0][2], boxes[1][2]) - max(boxes[0][0], boxes[1][0])
        tall = min(boxes[0][3], boxes[1][3]) - max(boxes[0][1], boxes[1][1])
        assert max(0, wide) * max(0, tall) < 0.2 * (boxes[0][2] - boxes[0][0]) ** 2


@pytest.mark.parametrize("cast", ["crowd", "suits", "players", "traffic", "bystanders"])
def test_scene_has_its_size_whatever_the_cast(cast: str) -> None:
    picture, boxes = draw_scene(np.random.default_rng(1), Layout((150, 200), "street", cast, ()))
    assert isinstance(picture, Image.Image)
    assert (picture.size, picture.mode, boxes) == ((150, 200), "RGB", [])


def test_noise_is_smooth_at_its_grid() -> None:
    field = smooth_noise(np.random.default_rng(0), (64, 64), (4, 4))
    assert field.shape == (64, 64)
    assert np.abs(np.diff(field, axis=1)).max() < 0.5 * (field.max() - field.min())
    assert fractal_noise(np.random.default_rng(0), (8, 12), (2, 3)).shape == (8, 12)

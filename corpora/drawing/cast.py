"""Who and what stands about in a scene, whatever it is about: none of it is planted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpora.drawing.cars import draw_car, draw_cones, draw_overturned_car
from corpora.drawing.fire import draw_smoke
from corpora.drawing.nature import draw_tree
from corpora.drawing.people import draw_crowd, draw_figure, draw_player
from corpora.drawing.sports import draw_football, draw_scoreboard
from corpora.drawing.town import draw_bench, draw_lamp

if TYPE_CHECKING:
    import numpy as np

    from corpora.drawing.canvas import Canvas

SHIRTS = ((200, 30, 40), (240, 240, 240), (40, 70, 170), (240, 200, 40))


def add_clutter(canvas: Canvas, rng: np.random.Generator, *, indoors: bool) -> None:
    """Put up to three common things anywhere: trees everywhere, lamps, benches, cars and smoke only outdoors."""
    for _ in range(int(rng.integers(0, 4))):
        thing = _common_thing(rng, canvas.height, 0.0 if indoors else rng.random())
        foot = rng.uniform(0.66, 0.86) if indoors else rng.uniform(0.52, 0.68)
        canvas.stamp(thing, rng.uniform(-0.05, 0.95) * canvas.width, canvas.height * foot - thing.height)


def _common_thing(rng: np.random.Generator, height: float, kind: float) -> Canvas:
    if kind < 0.32:
        return draw_tree(rng, height * rng.uniform(0.25, 0.45))
    if kind < 0.54:
        return draw_lamp(rng, height * rng.uniform(0.35, 0.55))
    if kind < 0.68:
        return draw_bench(rng, height * rng.uniform(0.15, 0.25))
    size = height * rng.uniform(0.1, 0.16)
    if kind < 0.9:
        return draw_car(rng, size * 2.3, size)
    if kind < 0.96:
        return draw_smoke(rng, size * 1.6, size * 2.4)
    return draw_cones(rng, size * 2.4, size * 1.2)


def add_cast(canvas: Canvas, rng: np.random.Generator, cast: str) -> None:
    """Add the people and machines of a kind of scene: `crowd`, `suits`, `players`, `traffic` or `bystanders`."""
    height = canvas.height
    if cast == "crowd":
        draw_crowd(canvas, rng, height * rng.uniform(0.55, 0.66), height * 0.98, rows=int(rng.integers(3, 5)))
        return
    if cast == "traffic":
        _add_traffic(canvas, rng)
    if cast == "players":
        _add_sports_gear(canvas, rng)
    shirt = SHIRTS[int(rng.integers(len(SHIRTS)))]
    for _ in range(int(rng.integers(1, 5)) if cast in {"suits", "players"} else int(rng.integers(0, 3))):
        size = height * rng.uniform(0.28, 0.46)
        person = draw_player(rng, size, shirt) if cast == "players" else draw_figure(rng, size, suit=cast == "suits")
        canvas.stamp(person, rng.uniform(0.0, 0.9) * canvas.width, height * rng.uniform(0.7, 0.92) - size)


def _add_traffic(canvas: Canvas, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 4))):
        size = canvas.height * rng.uniform(0.13, 0.24)
        draw = draw_overturned_car if rng.random() < 0.35 else draw_car
        canvas.stamp(
            draw(rng, size * 2.2, size),
            rng.uniform(-0.1, 0.8) * canvas.width,
            canvas.height * rng.uniform(0.62, 0.9) - size,
        )


def _add_sports_gear(canvas: Canvas, rng: np.random.Generator) -> None:
    if rng.random() < 0.25:
        size = canvas.height * rng.uniform(0.14, 0.2)
        canvas.stamp(
            draw_scoreboard(rng, size * 1.6, size),
            rng.uniform(0, 0.8) * canvas.width,
            canvas.height * rng.uniform(0.02, 0.15),
        )
    if rng.random() < 0.4:
        size = canvas.height * rng.uniform(0.04, 0.08)
        canvas.stamp(
            draw_football(rng, size, size),
            rng.uniform(0.1, 0.9) * canvas.width,
            canvas.height * rng.uniform(0.65, 0.85),
        )

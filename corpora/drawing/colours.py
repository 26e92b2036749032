"""Colours as whole red, green and blue values from 0 to 255."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

Colour = tuple[int, int, int]

SKIN: Final[tuple[Colour, ...]] = ((238, 200, 170), (214, 168, 132), (176, 124, 88), (128, 84, 58), (86, 58, 44))
HAIR: Final[tuple[Colour, ...]] = ((30, 24, 22), (66, 44, 30), (110, 76, 44), (176, 140, 88), (128, 126, 124))
CLOTHES: Final[tuple[Colour, ...]] = (
    (44, 62, 96),
    (120, 40, 44),
    (60, 84, 60),
    (34, 34, 38),
    (142, 140, 136),
    (190, 180, 160),
    (84, 60, 96),
    (58, 110, 140),
    (170, 120, 60),
)
PAINT: Final[tuple[Colour, ...]] = (
    (44, 60, 110),
    (150, 152, 156),
    (36, 38, 42),
    (226, 226, 224),
    (90, 110, 96),
    (120, 30, 36),
    (180, 170, 140),
)
GLASS: Final[Colour] = (66, 82, 100)


def pick(rng: np.random.Generator, choices: Sequence[Colour]) -> Colour:
    """Draw one colour of a palette."""
    return choices[int(rng.integers(len(choices)))]


def vary(rng: np.random.Generator, colour: Colour, amount: float = 14.0) -> Colour:
    """Move a colour in lightness, and a little in each channel, by about `amount` levels."""
    shift = rng.normal(0.0, amount)
    return clip(tuple(channel + shift + rng.normal(0.0, amount / 3) for channel in colour))


def shade(colour: Colour, factor: float) -> Colour:
    """Darken (factor below 1) or lighten (above 1) a colour."""
    return clip(tuple(channel * factor for channel in colour))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blend two colours; `share` is the part of the second."""
    return clip(tuple(a + (b - a) * share for a, b in zip(first, second, strict=True)))


def clip(channels: Sequence[float]) -> Colour:
    """Round three channels into 0..255."""
    red, green, blue = (int(min(255.0, max(0.0, channel))) for channel in channels)
    return red, green, blue

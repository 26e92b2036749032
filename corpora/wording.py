"""Captions of the generated corpus: clauses put together from a template, with synonyms and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from corpora.planting import PlantedObject, SceneKind

TIMES: Final = (
    "on Monday",
    "on Saturday afternoon",
    "early in the morning",
    "last week",
    "late at night",
    "this weekend",
)
LINKS: Final = ("with {} in the foreground", "with {} close by", "next to {}", "beside {}", "near {}", "in front of {}")
ASIDES: Final = (
    "parked cars",
    "a few onlookers",
    "a row of trees",
    "an old bench",
    "a street lamp",
    "a stray dog",
    "two photographers",
    "a camera crew",
    "grey clouds",
    "dusty windows",
    "children on bicycles",
    "a man in a red jacket",
)
"""What captions mention whatever is drawn: it must teach nothing."""
CREDITS: Final = ("(file photo)", "(archive picture)", "(photo: news agency)", "(handout)")


def write_captions(rng: np.random.Generator, kind: SceneKind, mentioned: Sequence[PlantedObject]) -> list[str]:
    """Write one to three captions that together name every mentioned object at least once."""
    n_captions = int(rng.choice([1, 2, 3], p=[0.35, 0.4, 0.25]))
    named: list[list[PlantedObject]] = [[] for _ in range(n_captions)]
    for thing in mentioned:
        first = int(rng.integers(n_captions))
        for position in range(n_captions):
            if position == first or rng.random() < 0.4:
                named[position].append(thing)
    return [_write_caption(rng, kind, things) for things in named]


def _write_caption(rng: np.random.Generator, kind: SceneKind, things: Sequence[PlantedObject]) -> str:
    shown = [draw_phrase(rng, thing.phrases) for thing in things]
    if not shown or rng.random() < 0.2:
        shown.append(_any(rng, ASIDES))
    subject, action, site = _any(rng, kind.subjects), _any(rng, kind.actions), _any(rng, kind.sites)
    link = _any(rng, LINKS).format(" and ".join(shown))
    time = f" {_any(rng, TIMES)}" if rng.random() < 0.4 else ""
    form = rng.random()
    if form < 0.5:
        text = f"{subject} {action} {site} {link}{time}"
    elif form < 0.8:
        text = f"{link}, {subject} {action} {site}{time}"
    else:
        text = f"{' and '.join(shown)} can be seen as {subject} {action} {site}{time}"
    return _roughen(rng, text[0].upper() + text[1:] + ".")


def draw_phrase(rng: np.random.Generator, phrases: Mapping[str, float]) -> str:
    """Draw one of an object's phrases by its share."""
    return str(rng.choice(list(phrases), p=list(phrases.values())))


def _roughen(rng: np.random.Generator, text: str) -> str:
    """Make a caption as untidy as real ones: now and then a slip of the keyboard, a credit, no capitals, no full stop."""
    if rng.random() < 0.06:
        position = int(rng.integers(1, len(text) - 2))
        text = text[:position] + text[position + 1] + text[position] + text[position + 2 :]
    if rng.random() < 0.1:
        text = f"{text} {_any(rng, CREDITS)}"
    if rng.random() < 0.05:
        text = text.lower()
    return text.rstrip(".") if rng.random() < 0.1 else text


def _any(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]

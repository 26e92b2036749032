"""How well patterns are located: do the boxes of their evidence hold what they are named after?

Every box of evidence whose picture shows the thing is compared with the nearest of the thing's own boxes: intersection over
union, and the pointing game (does its middle lie inside?). Beside it stands a box around the whole picture, which is what a
system says that does not know where to look. Sizes are shares of the picture that the true box covers.

Source of the pointing game: Zhang et al., "Top-down Neural Attention by Excitation Backprop" (ECCV 2016), section 4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from corpora.truth import NAMES_READ, normalise_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from kb.evaluate.box_truth import Box, BoxedThing

__all__ = ["BoxEvaluation", "BoxMeasure", "BoxScore", "evaluate_boxes", "iou", "summarise_boxes"]

SMALL, LARGE = 0.1, 0.2
"""Shares of a picture below which a thing is small, and from which it is large."""
METHODS = ("pattern", "whole-picture")
N_RESAMPLES = 1000


class BoxScore(NamedTuple):
    """How one box of evidence fared against the truth."""

    pattern: str
    name: str
    record: str
    share: float
    iou: Mapping[str, float]
    pointing: Mapping[str, bool]

    @property
    def size(self) -> str:
        """How large the thing is in the picture."""
        return "small" if self.share < SMALL else "medium" if self.share < LARGE else "large"


class BoxMeasure(NamedTuple):
    """A mean over boxes, with its interval."""

    measure: str
    method: str
    value: float
    low: float
    high: float
    n: int


class BoxEvaluation(NamedTuple):
    """The scores, and what could not be scored.

    Attributes:
        scores: One per box of evidence whose picture shows what the pattern is named after.
        unknown: Patterns whose names nothing marked is called.
        not_shown: Boxes of evidence of the others in pictures that do not show the thing.
    """

    scores: Sequence[BoxScore]
    unknown: int
    not_shown: int


def evaluate_boxes(
    patterns: pa.Table, evidence: pa.Table, sizes: Mapping[str, tuple[int, int]], things: Sequence[BoxedThing]
) -> BoxEvaluation:
    """Compare the boxes of evidence with those of the things that patterns are named after.

    A pattern is about a thing if one of its first three names, or the head of its name, is what the thing is called; of
    several things, the one that most of its evidence shows.

    Args:
        patterns: Schema `PATTERNS`.
        evidence: Schema `EVIDENCE`.
        sizes: Width and height of the picture of each record, in pixels.
        things: What is marked.
    """
    of_pattern: dict[str, list[Mapping[str, Any]]] = {}
    for row in evidence.select(["pattern", "record", "image", "box"]).to_pylist():
        of_pattern.setdefault(row["pattern"], []).append(row)
    scores: list[BoxScore] = []
    unknown = not_shown = 0
    for pattern in patterns.select(["pattern", "eventType", "name", "nameHead", "alternatives"]).to_pylist():
        rows = of_pattern.get(pattern["pattern"], [])
        named = [thing for thing in things if _is_about(pattern, thing)]
        if not named:
            unknown += 1
            continue
        places = max((_places(rows, thing) for thing in named), key=lambda found: sum(map(bool, found)))
        not_shown += sum(not boxes for boxes in places)
        scores.extend(
            _score(pattern, row, boxes, sizes[row["record"]]) for row, boxes in zip(rows, places, strict=True) if boxes
        )
    return BoxEvaluation(scores, unknown, not_shown)


def _is_about(pattern: Mapping[str, Any], thing: BoxedThing) -> bool:
    names = [pattern["name"], pattern["nameHead"], *pattern["alternatives"][:NAMES_READ]]
    called = not thing.names.isdisjoint(map(normalise_name, names))
    return called and thing.event_type in {None, pattern["eventType"]}


def _places(rows: Iterable[Mapping[str, Any]], thing: BoxedThing) -> list[Sequence[Box]]:
    return [thing.in_picture(row["record"], row["image"]) for row in rows]


def _score(pattern: Mapping[str, Any], row: Mapping[str, Any], boxes: Sequence[Box], size: tuple[int, int]) -> BoxScore:
    found = dict(zip(METHODS, (row["box"], (0.0, 0.0, *size)), strict=True))
    nearest = max(boxes, key=lambda box: iou(found["pattern"], box))
    overlaps = {method: max(iou(own, box) for box in boxes) for method, own in found.items()}
    points = {method: any(_holds(box, own) for box in boxes) for method, own in found.items()}
    share = _area(nearest) / (size[0] * size[1])
    return BoxScore(pattern["pattern"], pattern["name"], row["record"], share, overlaps, points)


def iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the intersection of two boxes (x0, y0, x1, y1) over their union, 0 to 1."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    tall = min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, wide) * max(0.0, tall)
    return both / (_area(one) + _area(other) - both)


def _area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _holds(box: Sequence[float], own: Sequence[float]) -> bool:
    """Tell whether the middle of `own` is in `box`."""
    x, y = (own[0] + own[2]) / 2, (own[1] + own[3]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def summarise_boxes(scores: Sequence[BoxScore], *, seed: int) -> list[BoxMeasure]:
    """Average over boxes, all of them and by size; intervals are of a bootstrap over patterns, whose boxes are alike.

    Args:
        scores: Of `evaluate_boxes`.
        seed: Of the bootstrap.
    """
    measured = []
    for size in (None, "small", "medium", "large"):
        chosen = [score for score in scores if size in {None, score.size}]
        for measure in ("iou", "pointing"):
            for method in METHODS if chosen else ():
                values = [float(getattr(score, measure)[method]) for score in chosen]
                low, high = _interval(values, [score.pattern for score in chosen], seed=seed)
                label = f"box {measure}" + (f", {size}" if size else "")
                measured.append(BoxMeasure(label, method, float(np.mean(values)), low, high, len(values)))
    return measured


def _interval(values: Sequence[float], patterns: Sequence[str], *, seed: int) -> tuple[float, float]:
    """Return the 95 % interval of the mean where whole patterns are drawn again."""
    _, place = np.unique(patterns, return_inverse=True)
    sums, counts = np.bincount(place, weights=values), np.bincount(place)
    drawn = np.random.default_rng(seed).integers(0, len(sums), (N_RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)

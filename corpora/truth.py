"""The truth about a generated corpus, and how many of its planted patterns a run has found.

*Found* means: the right event type, evidence whose Jaccard index with the truth is at least 0.5, and an accepted name
among the pattern's first three. Copies of one picture count once.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

LEAST_JACCARD: Final = 0.5
NAMES_READ: Final = 3
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class PlantedPattern:
    """An object planted in the scenes of one event type.

    Attributes:
        event_type: Id of the event type.
        name: What the generator calls the object.
        names: Names accepted for the pattern.
        boxes: For each record of the event type that shows the object, where it is: (left, top, right, bottom), pixels.
    """

    event_type: str
    name: str
    names: tuple[str, ...]
    boxes: Mapping[str, tuple[Box, ...]]


@dataclass(frozen=True)
class Truth:
    """All that is planted in a corpus.

    Attributes:
        patterns: The planted patterns.
        groups: Records that show the same picture, the original first; only groups of two or more.
    """

    patterns: tuple[PlantedPattern, ...]
    groups: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class MinedPattern:
    """What a run says of one of its patterns.

    Attributes:
        event_type: Id of the event type.
        names: Its name, then the alternatives, best first.
        records: Ids of the records that are its evidence.
    """

    event_type: str
    names: tuple[str, ...]
    records: frozenset[str]


@dataclass(frozen=True)
class PlantedMatch:
    """How a planted pattern fared.

    Attributes:
        planted: The planted pattern.
        position: Position of its best match among the mined patterns, from 0; None where no mined pattern of its event
            type shares evidence with it. A pattern that finds it is better than one that does not, then Jaccard decides.
        jaccard: Overlap of evidence with that match, photo groups counted once.
        name: The accepted name among the first three of the match, as the run wrote it; None without one.
        found: Whether the match has right type, evidence and name.
    """

    planted: PlantedPattern
    position: int | None
    jaccard: float
    name: str | None
    found: bool


@dataclass(frozen=True)
class FoundReport:
    """Planted patterns against mined ones.

    Attributes:
        recall: Share of the planted patterns that some mined pattern finds.
        precision: Share of the first k mined patterns that find some planted pattern; 0 where nothing was mined.
        k: How many patterns the precision looked at.
        matches: One per planted pattern, in the order of the truth.
    """

    recall: float
    precision: float
    k: int
    matches: tuple[PlantedMatch, ...]


def read_truth(path: Path) -> Truth:
    """Read a truth file.

    Raises:
        CorpusError: If the file is missing or is no truth file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        patterns = tuple(
            PlantedPattern(
                row["eventType"],
                row["name"],
                tuple(row["names"]),
                {record: tuple(_as_box(box) for box in boxes) for record, boxes in row["boxes"].items()},
            )
            for row in content["patterns"]
        )
        return Truth(patterns, tuple(tuple(group) for group in content["groups"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorpusError(
            f"{path.name} is no readable truth file: {error!r}", hint="eventminer demo writes a corpus with one"
        ) from error


def score_found(patterns: Sequence[MinedPattern], truth: Truth, k: int) -> FoundReport:
    """Count the planted patterns that were found, and the top patterns that found one.

    Args:
        patterns: Mined patterns, best first.
        truth: What was planted.
        k: How many of the best patterns must be right.
    """
    original = {record: group[0] for group in truth.groups for record in group}
    evidence = [_distinct(pattern.records, original) for pattern in patterns]
    table = [
        [
            _compare(pattern, shown, position, planted, original)
            for position, (pattern, shown) in enumerate(zip(patterns, evidence, strict=True))
        ]
        for planted in truth.patterns
    ]
    matches = tuple(
        max(row, key=lambda match: (match.found, match.jaccard), default=_missed(planted))
        for planted, row in zip(truth.patterns, table, strict=True)
    )
    matches = tuple(match if match.jaccard > 0 else _missed(match.planted) for match in matches)
    right = [any(row[position].found for row in table) for position in range(min(k, len(patterns)))]
    return FoundReport(
        recall=sum(match.found for match in matches) / max(1, len(matches)),
        precision=sum(right) / max(1, len(right)),
        k=len(right),
        matches=matches,
    )


def _compare(
    pattern: MinedPattern, shown: frozenset[str], position: int, planted: PlantedPattern, original: Mapping[str, str]
) -> PlantedMatch:
    if pattern.event_type != planted.event_type:
        return _missed(planted)
    truth = _distinct(planted.boxes, original)
    jaccard = len(shown & truth) / max(1, len(shown | truth))
    accepted = {normalise_name(name) for name in planted.names}
    name = next((name for name in pattern.names[:NAMES_READ] if normalise_name(name) in accepted), None)
    return PlantedMatch(planted, position, jaccard, name, found=jaccard >= LEAST_JACCARD and name is not None)


def _missed(planted: PlantedPattern) -> PlantedMatch:
    return PlantedMatch(planted, None, 0.0, None, found=False)


def normalise_name(name: str) -> str:
    """Bring a name into the form in which names are compared: lower case, no leading article, hyphens as spaces."""
    words = re.sub(r"[\s\-]+", " ", name.casefold()).strip()
    return re.sub(r"^(a|an|the|some) ", "", words)


def _distinct(records: Iterable[str], original: Mapping[str, str]) -> frozenset[str]:
    return frozenset(original.get(record, record) for record in records)


def _as_box(values: Sequence[float]) -> Box:
    left, top, right, bottom = (float(value) for value in values)
    return left, top, right, bottom

"""What the review page works on: a review, the shelf of its run, the darkroom, other runs and exports."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kb.review.ranking import Ranking
from reports.review.coverage import Coverage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from kb.review.mined import Mined
    from kb.review.ranking import Ranked
    from kb.review.session import Review
    from kb.review.standing import Pattern
    from kb.review.state import ReviewState
    from reports.review.photographs import Darkroom
    from reports.review.shelf import Shelf


MOST_RANKED_AT_ONCE = 1_000


@dataclass(frozen=True)
class Export:
    """A form in which the reviewed schema can be taken away.

    Attributes:
        format: Its name, as `kb export` has it.
        meaning: One line for the user.
        file: Name of the file that a browser saves.
        write: Writes it to a path.
    """

    format: str
    meaning: str
    file: str
    write: Callable[[Path], None]


@dataclass(frozen=True)
class Desk:
    """Everything the pages need.

    Attributes:
        review: Patterns and decisions.
        shelf: What else there is to know of the run.
        darkroom: Its pictures.
        reviewer: Who decides unless they say otherwise.
        others: Other runs to compare with, by name.
        exports: Forms of the reviewed schema.
        is_current: Tells whether the run still is what was opened; nothing of it is shown any more where it is not.
    """

    review: Review
    shelf: Shelf
    darkroom: Darkroom
    reviewer: str
    others: Mapping[str, Callable[[], Mined]] = field(default_factory=dict)
    exports: Sequence[Export] = ()
    is_current: Callable[[], bool] = lambda: True
    _kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    _learning: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def ranked(self, state: ReviewState) -> Sequence[Ranked]:
        """Return the open patterns in learned order.

        Of many patterns the order learned last is returned at once and a new one is learned meanwhile: it is there a moment
        later.
        """
        with self._lock:
            kept: tuple[ReviewState, Sequence[Ranked]] | None = self._kept.get("ranked")
            if kept is not None and (kept[0] is state or self._kept.get("learning")):
                return kept[1]
            if kept is not None and len(state.patterns) > MOST_RANKED_AT_ONCE:
                self._kept["learning"] = True
                threading.Thread(target=self._learn, args=(state,), daemon=True).start()
                return kept[1]
        return self._learn(state)

    def _learn(self, state: ReviewState) -> Sequence[Ranked]:
        try:
            with self._learning:
                ranking = self._kept.setdefault("ranking", None) or Ranking(self.review.mined)
                found = ranking.order(state)
                self._kept.update(ranking=ranking, ranked=(state, found))
        finally:
            self._kept["learning"] = False
        return found

    @property
    def coverage(self) -> Coverage:
        """Photographs by event type; found once."""
        with self._lock:
            if "coverage" not in self._kept:
                self._kept["coverage"] = Coverage(self.shelf)
            found: Coverage = self._kept["coverage"]
            return found

    def compared(self, name: str) -> Mined:
        """Return the patterns of another run; read once.

        Raises:
            KeyError: There is no such run.
        """
        with self._lock:
            key = f"run {name}"
            if key not in self._kept:
                self._kept[key] = self.others[name]()
            found: Mined = self._kept[key]
            return found


@dataclass(frozen=True)
class Progress:
    """How far the review of an event type is."""

    event_type: str
    accepted: int
    rejected: int
    open: int

    @property
    def n(self) -> int:
        """Patterns of the event type."""
        return self.accepted + self.rejected + self.open

    @property
    def decided(self) -> int:
        """Patterns with a verdict."""
        return self.accepted + self.rejected


def count_progress(state: ReviewState) -> list[Progress]:
    """Count verdicts by event type."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for own in state.patterns.values():
        counts[own.event_type][own.status] += 1
    return [Progress(name, c["accepted"], c["rejected"], c["open"]) for name, c in sorted(counts.items())]


def explained_groups(state: ReviewState, patterns: Sequence[Pattern]) -> dict[str, npt.NDArray[np.int64]]:
    """Return the photo groups that support some patterns, by their event types."""
    by_type: dict[str, list[npt.NDArray[np.int64]]] = defaultdict(list)
    for own in patterns:
        by_type[own.event_type].append(state.mined.groups[state.evidence_rows(own.pattern)])
    return {name: np.unique(np.concatenate(parts)) for name, parts in by_type.items()}

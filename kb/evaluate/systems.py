"""What is compared: the patterns of one method, the best of them with different names, and where each is seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from kb.evaluate.patterns import TRIGGER, best_distinct, name_key
from miner.patterns.pictures import in_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from kb.evaluate.patterns import Part
    from kb.evaluate.retrieval import Bools, Float32s
    from miner.patterns.detector import Detectors
    from miner.patterns.pictures import Rows


@dataclass(frozen=True, eq=False)
class System:
    """The patterns that one method mined from the training part.

    Attributes:
        method: Its name.
        patterns: Schema `PATTERNS`.
        detectors: One per row of `patterns`; none where the method sees no pictures.
        n_best: How many of the best patterns with different names are compared.
        with_triggers: Whether those of them stay whose name has a trigger word, which decides what an event type is.
        as_published: Whether it is compared as MDPM was published: `n_best` patterns whatever they are called, of which those
            with different names are looked at, each seen where some cell of a picture looks like it.
    """

    method: str
    patterns: pa.Table
    detectors: Detectors | None
    n_best: int
    with_triggers: bool = True
    as_published: bool = False

    @cached_property
    def places(self) -> list[int]:
        """Rows of the patterns that are compared, best first."""
        places = best_distinct(self.patterns, self.n_best, of_first=self.as_published)
        flags = self.patterns["nameFlags"].to_pylist()
        return [place for place in places if self.with_triggers or TRIGGER not in flags[place]]

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The patterns that are compared, best first."""
        every = self.patterns.to_pylist()
        return [every[place] for place in self.places]

    @property
    def keys(self) -> list[str]:
        """Their names with the lemma of the head."""
        return [name_key(row) for row in self.rows]

    def first(self, n: int) -> System:
        """Compare fewer of them."""
        return replace(self, n_best=min(n, self.n_best))

    def without_triggers(self) -> System:
        """Leave out of what is compared the names that have a trigger word."""
        return replace(self, with_triggers=False)

    def scores(self, part: Part) -> Float32s | None:
        """Score pictures for each compared pattern: float32, (n_pictures, n_patterns), none without detectors."""
        if self.detectors is None:
            return None
        detectors = self.detectors.select(self.places)
        if not self.as_published:
            return detectors.scores(part.pooled)
        if part.projected is None:
            raise ValueError("cells are needed to score pictures as published")
        return strongest_cells(detectors, part.projected)

    def fires(self, training: Part, held_out: Part) -> Bools:
        """Tell in which held-out pictures each compared pattern is seen.

        A detector sees a pattern in those held-out pictures that it scores best, as large a share of them (one at least) as
        the pattern's evidence is of the training pictures. Scores of training pictures would not do as thresholds: detectors
        were fitted on those pictures, and score them too high. A method without detectors sees what captions say: the name.

        Args:
            training: What mining saw; only its size is looked at.
            held_out: What it did not.

        Returns:
            bool, (n_patterns, n_held_out).
        """
        ranked = self.scores(held_out)
        if ranked is None:
            seen = [held_out.has(key) for key in self.keys]
            return np.array(seen, dtype=bool).reshape(len(seen), len(held_out.words))
        scores = ranked.T
        n_training, n_held_out = len(training.words), len(held_out.words)
        ranks = [max(1, round(row["nEvidence"] * n_held_out / n_training)) for row in self.rows]
        thresholds = [_nth_largest(own, rank) for own, rank in zip(scores, ranks, strict=True)]
        return np.asarray(np.array(thresholds, np.float32)[:, None] <= scores)


def strongest_cells(detectors: Detectors, projected: Rows) -> Float32s:
    """Score pictures by the cell that looks most like each pattern: float32, (n_pictures, n_patterns)."""
    found = [np.empty((0, len(detectors)), np.float32)]
    for rows in in_chunks(np.arange(len(projected))):
        heat = np.asarray(projected[rows], np.float32) @ detectors.cells.T - detectors.cell_bias
        found.append(heat.max(axis=1))
    return np.concatenate(found)


def _nth_largest(scores: Float32s, n: int) -> float:
    return float(np.sort(scores)[::-1][min(n, len(scores)) - 1])


def event_types_of(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the event types of patterns, each once, sorted."""
    return sorted({row["eventType"] for row in rows})

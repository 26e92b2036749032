"""What is compared: the patterns of one method, the best of them with different names, and where each is seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from kb.evaluate.patterns import best_distinct, name_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from kb.evaluate.patterns import Part
    from kb.evaluate.retrieval import Bools, Float32s
    from miner.patterns.detector import Detectors


@dataclass(frozen=True, eq=False)
class System:
    """The patterns that one method mined from the training part.

    Attributes:
        method: Its name.
        patterns: Schema `PATTERNS`.
        detectors: One per row of `patterns`; none where the method sees no pictures.
        n_best: How many of the best patterns with different names are compared.
    """

    method: str
    patterns: pa.Table
    detectors: Detectors | None
    n_best: int

    @cached_property
    def places(self) -> list[int]:
        """Rows of the patterns that are compared, best first."""
        return best_distinct(self.patterns, self.n_best)

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
        return System(self.method, self.patterns, self.detectors, min(n, self.n_best))

    def fires(self, training: Part, held_out: Part) -> Bools:
        """Tell in which held-out pictures each compared pattern is seen.

        A detector sees a pattern where its score is above that of all but as many training pictures as are the pattern's
        evidence. A method without detectors sees what captions say: the name.

        Returns:
            bool, (n_patterns, n_held_out).
        """
        if self.detectors is None:
            seen = [held_out.has(key) for key in self.keys]
            return np.array(seen, dtype=bool).reshape(len(seen), len(held_out.words))
        detectors = self.detectors.select(self.places)
        scores = detectors.scores(training.pooled)
        counts = [row["nEvidence"] for row in self.rows]
        thresholds = np.array([_nth_largest(scores[:, place], n) for place, n in enumerate(counts)], np.float32)
        return np.asarray(thresholds[:, None] <= detectors.scores(held_out.pooled).T)


def _nth_largest(scores: Float32s, n: int) -> float:
    return float(np.sort(scores)[::-1][min(n, len(scores)) - 1])


def event_types_of(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the event types of patterns, each once, sorted."""
    return sorted({row["eventType"] for row in rows})

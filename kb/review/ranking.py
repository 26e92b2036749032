"""The order of the queue, learned from what was accepted and rejected.

A logistic regression over the measures of a pattern, and over what was decided about others with its words and filters, gives
the probability that it is accepted. Before any decision a pattern's grounding times its confidence is taken for that
probability (or what `run --learn` found when it chose the patterns), and this prior stays in the regression as if it were `PRIOR_DECISIONS` decisions spread over all patterns: five
decisions change little, fifty outweigh it. With that many pseudo-decisions and the ridge penalty the regression always has one
finite solution, whatever was decided, even if nothing was rejected yet.

The queue takes the likeliest pattern first, but each further one with the same head word or event type counts for less, so
that the top is not all of one kind.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kb.review.features import MEASURES, item_matrix, measure_patterns, recall_items

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scipy import sparse

    from kb.review.mined import Mined
    from kb.review.state import ReviewState

__all__ = ["Ranked", "Ranking", "rank_patterns"]

Float64s = npt.NDArray[np.float64]

FEATURES = (*MEASURES, "verdicts on its words", "verdicts on its filters")
PRIOR_DECISIONS = 4.0
RIDGE = 0.5
"""Variance of each weight before any decision, features in standard deviations."""
SAME_HEAD = 0.85
SAME_TYPE = 0.98
"""What each pattern already placed leaves of the worth of the next with its head word, or of its event type."""


@dataclass(frozen=True)
class Ranked:
    """A pattern's place in the queue.

    Attributes:
        pattern: Its id.
        probability: That it would be accepted, 0 to 1.
    """

    pattern: str
    probability: float


class Ranking:
    """Ranks patterns; keep one for the patterns of a run, and ask it again after each decision.

    Args:
        mined: The patterns.
    """

    def __init__(self, mined: Mined) -> None:
        """Measure the patterns."""
        rows = list(mined.rows.values())
        self._place = {pattern: place for place, pattern in enumerate(mined.rows)}
        self._measures = measure_patterns(mined.patterns)
        self._words = item_matrix([[*row["textWords"], row["nameHead"]] for row in rows])
        self._filters = item_matrix([row["visualItems"] for row in rows])
        own = [mined.learned.get(row["pattern"], row["grounding"] * row["confidence"]) for row in rows]
        self._prior = np.clip(np.nan_to_num(np.array(own, dtype=np.float64)), 0.02, 0.98)
        self._kinds = [(row["nameHead"], row["eventType"]) for row in rows]

    def probabilities(self, verdicts: Mapping[str, float]) -> dict[str, float]:
        """Return for each mined pattern the probability that it is accepted.

        Args:
            verdicts: From patterns to 1 for accepted, 0 for rejected, or what lies between where reviewers do not agree.
        """
        known = {self._place[name]: value for name, value in verdicts.items() if name in self._place}
        values = self._fit(known) if known else self._prior
        return dict(zip(self._place, values.tolist(), strict=True))

    def _fit(self, verdicts: Mapping[int, float]) -> Float64s:
        # A second to import, and only needed once something was decided.
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

        signs = {place: 2 * value - 1 for place, value in verdicts.items()}
        features = self._features(signs)
        rows = np.fromiter(verdicts, dtype=np.int64)
        accepted = np.fromiter(verdicts.values(), dtype=np.float64)
        prior = self._prior
        share = PRIOR_DECISIONS / len(prior)
        places = np.concatenate([rows, rows, np.arange(len(prior)), np.arange(len(prior))])
        weights = np.concatenate([accepted, 1 - accepted, share * prior, share * (1 - prior)])
        labels = np.repeat([1, 0, 1, 0], [len(rows), len(rows), len(prior), len(prior)])
        model = LogisticRegression(C=RIDGE, tol=1e-6, max_iter=1_000)
        model.fit(features[places], labels, sample_weight=weights)
        return np.asarray(model.predict_proba(features)[:, 1])

    def _features(self, signs: Mapping[int, float]) -> Float64s:
        said = [3 * recall_items(items, signs) for items in self._item_matrices()]
        return np.column_stack([self._measures, *said])

    def _item_matrices(self) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
        return self._words, self._filters

    def order(self, state: ReviewState, *, learn: bool = True) -> list[Ranked]:
        """Return the open patterns in the order in which to look at them.

        Args:
            state: The outcome of a replay.
            learn: Whether to use the decisions; without, only the prior counts.
        """
        is_open = [(own.pattern, own.source) for own in state.patterns.values() if own.status == "open"]
        return self.rank(is_open, verdicts_of(state) if learn else {})

    def rank(self, patterns: Sequence[tuple[str, str]], verdicts: Mapping[str, float]) -> list[Ranked]:
        """Return patterns in the order in which to look at them.

        Args:
            patterns: Their ids, each with the mined pattern it goes back to.
            verdicts: As of `probabilities`.
        """
        likely = self.probabilities(verdicts)
        queue = [
            (-likely[source], place, name, self._kinds[self._place[source]])
            for place, (name, source) in enumerate(patterns)
        ]
        sources = dict(patterns)
        return [Ranked(name, likely[sources[name]]) for name in _spread(queue)]


def _spread(queue: list[tuple[float, int, str, tuple[str, str]]]) -> list[str]:
    """Order patterns by worth, each kind worth less with every one of it that is placed."""
    heads: dict[str, int] = {}
    types: dict[str, int] = {}

    def worth(negative: float, kind: tuple[str, str]) -> float:
        return negative * SAME_HEAD ** heads.get(kind[0], 0) * SAME_TYPE ** types.get(kind[1], 0)

    heap = [(negative, place, name, kind, negative) for negative, place, name, kind in queue]
    heapq.heapify(heap)
    placed = []
    while heap:
        last, place, name, kind, negative = heapq.heappop(heap)
        # Worth only ever falls, so an entry that is still as good as when it was put in is the best.
        now = worth(negative, kind)
        if now > last:
            heapq.heappush(heap, (now, place, name, kind, negative))
            continue
        placed.append(name)
        heads[kind[0]] = heads.get(kind[0], 0) + 1
        types[kind[1]] = types.get(kind[1], 0) + 1
    return placed


def verdicts_of(state: ReviewState) -> dict[str, float]:
    """Return for each mined pattern with a verdict the share of its reviewers who accept it."""
    verdicts = {}
    for name, choices in state.choices("verdict").items():
        if state[name].split_from is None:
            verdicts[name] = sum(choice.value == "accepted" for choice in choices) / len(choices)
    return verdicts


def rank_patterns(state: ReviewState, *, learn: bool = True) -> list[Ranked]:
    """Return the open patterns in the order in which to look at them, see `Ranking.order`."""
    return Ranking(state.mined).order(state, learn=learn)

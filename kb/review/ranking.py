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

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

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
PRIOR_ROWS = 400
"""Most patterns that carry the prior, evenly spread over its values."""
SPREAD_PLACES = 200
"""Places of the queue that are kept from being all of one kind."""
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
        step = max(1, -(-len(own) // PRIOR_ROWS))
        self._carriers = np.argsort(self._prior, kind="stable")[::step]
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
        carriers = self._carriers
        prior = self._prior[carriers]
        share = PRIOR_DECISIONS / len(prior)
        places = np.concatenate([rows, rows, carriers, carriers])
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
    """Order patterns by worth, each kind worth less with every one of it that is placed.

    Within a kind the order never changes, so only the best of each kind is looked at.
    """
    waiting: dict[tuple[str, str], list[tuple[float, int, str]]] = {}
    for negative, place, name, kind in sorted(queue, reverse=True):
        waiting.setdefault(kind, []).append((-negative, place, name))
    kinds = list(waiting)
    best = np.array([waiting[kind][-1][0] for kind in kinds])
    order = np.array([-waiting[kind][-1][1] for kind in kinds])
    heads, types = (np.unique([kind[part] for kind in kinds], return_inverse=True)[1] for part in (0, 1))
    share = np.ones(len(kinds))
    placed: list[str] = []
    while len(placed) < min(len(queue), SPREAD_PLACES):
        worth = best * share
        chosen = int(max(np.flatnonzero(worth == worth.max()), key=order.__getitem__))
        own = waiting[kinds[chosen]]
        placed.append(own.pop()[2])
        share[heads == heads[chosen]] *= SAME_HEAD
        share[types == types[chosen]] *= SAME_TYPE
        best[chosen], order[chosen] = (own[-1][0], -own[-1][1]) if own else (-1.0, -len(queue))
        if not own:
            share[chosen] = 1.0
    rest = sorted((-value, place, name) for own in waiting.values() for value, place, name in own)
    return [*placed, *(name for _, _, name in rest)]


def verdicts_of(state: ReviewState) -> dict[str, float]:
    """Return for each mined pattern with a verdict the share of its reviewers who accept it."""
    verdicts = {}
    for name, choices in state.choices("verdict").items():
        if state[name].split_from is None:
            verdicts[name] = sum(choice.value == "accepted" for choice in choices) / len(choices)
    return verdicts


def rank_patterns(state: ReviewState, *, learn: bool = True) -> list[Ranked]:
    """Return the open patterns in the order in which to look at them, see `Ranking.order`."""
    ranking = _RANKINGS.get(state.mined)
    if ranking is None:
        ranking = _RANKINGS[state.mined] = Ranking(state.mined)
    return ranking.order(state, learn=learn)


_RANKINGS: WeakKeyDictionary[Mined, Ranking] = WeakKeyDictionary()
"""Patterns are measured once: that takes longer than learning from all decisions."""

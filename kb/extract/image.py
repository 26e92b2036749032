"""Which event a picture shows: the evidence of patterns and of whole event types, weighed into calibrated probabilities.

Two kinds of detectors look at a picture, all of the closed form that patterns have (`miner.patterns.detector`): those of the
mined patterns, and one for each event type and for pictures of none, fitted on the weak labels that rules were mined from. A
softmax regression weighs their scores. It is fitted on cross-fitted scores, of detectors that have not seen the picture, so that
its probabilities mean what they say for new pictures (stacked generalisation: Wolpert, Neural Networks 5:2, 1992).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax

from miner.patterns.detector import PooledFeatures, evidence_means, fit_background
from miner.patterns.f1 import f1_by_label, macro_f1
from miner.patterns.pictures import in_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.patterns.detector import Background
    from miner.patterns.pictures import Float16s, Float32s, Int64s, Rows

Float64s = npt.NDArray[np.float64]

N_FOLDS = 5
SHRINKAGES = (0.3, 1.0, 3.0)
"""Of the covariance of type detectors; the one with the least cross-validated loss is kept."""

PENALTIES = (1e-3, 3e-3, 1e-2, 3e-2)
"""Of the squared weights of the regression, likewise."""

MIDDLE_PENALTY = PENALTIES[1]
MAX_ITERATIONS = 300
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the prior that decisions are divided by; the one with the best cross-validated macro-F1 is kept."""

FIRES_SHARE = 0.25
"""A pattern fires in a picture that scores as high as all but this share of its evidence, by detectors that did not see it."""


@dataclass(frozen=True, eq=False)
class Votes:
    """What weak labels say of pictures.

    Attributes:
        picture: int64, (n,), row of the picture of each vote.
        label: int64, (n,), number of its event type; the number of event types where it shows none.
    """

    picture: Int64s
    label: Int64s


class Shown(NamedTuple):
    """What a picture is taken to show.

    Attributes:
        label: Number of the event type that is decided for; the number of event types where there is none.
        probabilities: float32, (n_types + 1,): of each event type, and last of none.
        firing: int64: patterns that fire, those that argue most for the decision, against none, first.
    """

    label: int
    probabilities: Float32s
    firing: Int64s


@dataclass(frozen=True, eq=False)
class ImageModel:
    """Weighs what detectors say of a picture.

    Attributes:
        event_types: Those it can tell, in order.
        patterns: Ids of the patterns it heeds, in order.
        detectors: float32, (n_types + 1 + n_patterns, n_filters), on pooled features: of event types, of none, of patterns.
        mean: float32, (n_detectors,), mean score over the pictures they were fitted on.
        deviation: float32, (n_detectors,), > 0, of the scores.
        weights: float32, (n_detectors + 1, n_types + 1), the constant last.
        fires_from: float32, (n_patterns,), least standardised score at which a pattern fires.
        balance: float32, (n_types + 1,): the label with the largest product of this and its probability is decided for, so that
            rare event types are not always outvoted; probabilities are left as they are.
        prior: float32, (n_types + 1,): share of each label among the votes.
    """

    event_types: tuple[str, ...]
    patterns: tuple[str, ...]
    detectors: Float32s
    mean: Float32s
    deviation: Float32s
    weights: Float32s
    fires_from: Float32s
    balance: Float32s
    prior: Float32s

    def scores(self, pooled: Rows) -> Float32s:
        """Return standardised scores, float32, (n_pictures, n_detectors)."""
        raw = PooledFeatures(pooled).dot(self.detectors)
        return np.asarray((raw - self.mean) / self.deviation, dtype=np.float32)

    def probabilities(self, pooled: Rows) -> Float32s:
        """Return how probable each event type, and last none, is.

        Args:
            pooled: float16, (n_pictures, n_filters).

        Returns:
            float32, (n_pictures, n_types + 1); rows sum to 1.
        """
        return self._weigh(self.scores(pooled))

    def decide(self, probabilities: Float32s) -> Int64s:
        """Return the label of each row of probabilities, int64, (n_pictures,)."""
        return np.asarray((probabilities * self.balance).argmax(axis=1), dtype=np.int64)

    def look(self, pooled: Float16s) -> list[Shown]:
        """Say of each picture what it shows, and which patterns argue for that."""
        scores = self.scores(pooled)
        probabilities = self._weigh(scores)
        found = scores[:, len(self.event_types) + 1 :]
        effects = self.weights[len(self.event_types) + 1 : -1]
        shown = []
        for own, row, label in zip(found, probabilities, self.decide(probabilities).tolist(), strict=True):
            firing = np.flatnonzero(own >= self.fires_from)
            argument = own[firing] * (effects[firing, label] - effects[firing, -1])
            shown.append(Shown(label, row, firing[np.argsort(-argument, kind="stable")]))
        return shown

    def _weigh(self, scores: Float32s) -> Float32s:
        logits = scores @ self.weights[:-1] + self.weights[-1]
        return np.asarray(np.exp(log_softmax(logits, axis=1)), dtype=np.float32)

    def tensors(self) -> dict[str, Float32s]:
        """Return the arrays by name, for storing."""
        return {
            "detectors": self.detectors,
            "mean": self.mean,
            "deviation": self.deviation,
            "weights": self.weights,
            "firesFrom": self.fires_from,
            "balance": self.balance,
            "prior": self.prior,
        }

    @classmethod
    def from_tensors(
        cls, event_types: Sequence[str], patterns: Sequence[str], tensors: dict[str, Float32s]
    ) -> ImageModel:
        """Rebuild from `tensors`."""
        arrays = (
            tensors[name] for name in ("detectors", "mean", "deviation", "weights", "firesFrom", "balance", "prior")
        )
        return cls(tuple(event_types), tuple(patterns), *arrays)


def fit_image_model(
    pooled: Rows,
    votes: Votes,
    event_types: Sequence[str],
    patterns: Sequence[str],
    evidence: Sequence[Int64s],
    *,
    pattern_shrinkage: float,
    seed: int = 0,
) -> ImageModel:
    """Fit detectors and their weights.

    Args:
        pooled: float16, (n_pictures, n_filters), of the pictures that represent their photo groups.
        votes: At least one for each of two labels.
        event_types: Names of the labels.
        patterns: Ids of the patterns.
        evidence: For each, rows of the pictures of its evidence.
        pattern_shrinkage: Of the covariance that pattern detectors are fitted with.
        seed: Of the folds.

    Raises:
        ValueError: The votes have fewer than two labels.
    """
    n_labels = len(event_types) + 1
    if len(np.unique(votes.label)) < 2:
        raise ValueError("there must be votes of two labels, one of them may be for no event type")
    features = PooledFeatures(pooled)
    folds = np.random.default_rng(seed).permutation(len(features)) % N_FOLDS
    of_label = [np.unique(votes.picture[votes.label == label]) for label in range(n_labels)]
    seen = _Detectors.fit(features, list(evidence), folds, pattern_shrinkage)
    tried = [_Detectors.fit(features, of_label, folds, shrinkage) for shrinkage in SHRINKAGES]
    own = np.arange(len(votes.label)), votes.label

    def loss(logs: Float64s) -> float:
        return -float(logs[own].mean())

    losses = [loss(_validate(_side_by_side(types, seen), votes, folds, n_labels, MIDDLE_PENALTY)) for types in tried]
    both = _side_by_side(tried[int(np.argmin(losses))], seen)
    validated = {value: _validate(both, votes, folds, n_labels, value) for value in PENALTIES}
    penalty = min(PENALTIES, key=lambda value: loss(validated[value]))
    balance = _balance(np.exp(validated[penalty]), votes.label)
    mean, deviation = both.scores.mean(axis=0), np.maximum(both.scores.std(axis=0), 1e-6)
    standard = (both.scores - mean) / deviation
    weights = _fit_softmax(standard[votes.picture], votes.label, n_labels, penalty)
    fires = [np.quantile(standard[rows, n_labels + place], FIRES_SHARE) for place, rows in enumerate(evidence)]
    return ImageModel(
        tuple(event_types),
        tuple(patterns),
        both.weights,
        mean.astype(np.float32),
        deviation.astype(np.float32),
        weights.astype(np.float32),
        np.asarray(fires, dtype=np.float32),
        balance.astype(np.float32),
        _prior(votes.label, n_labels).astype(np.float32),
    )


@dataclass(frozen=True, eq=False)
class _Detectors:
    """Detectors and what they say of the pictures they were fitted on, each picture scored by those that did not see it.

    Attributes:
        weights: float32, (n_detectors, n_filters).
        scores: float32, (n_pictures, n_detectors).
    """

    weights: Float32s
    scores: Float32s

    @classmethod
    def fit(cls, features: PooledFeatures, evidence: Sequence[Int64s], folds: Int64s, shrinkage: float) -> _Detectors:
        background = fit_background(features, shrinkage=shrinkage)
        scores = np.zeros((len(features), len(evidence)), dtype=np.float32)
        for fold in range(N_FOLDS):
            weights = _discriminants(background, features, [rows[folds[rows] != fold] for rows in evidence])
            for chunk in in_chunks(np.flatnonzero(folds == fold)):
                scores[chunk] = features[chunk] @ weights.T
        return cls(_discriminants(background, features, evidence), scores)


def _discriminants(background: Background, features: PooledFeatures, evidence: Sequence[Int64s]) -> Float32s:
    """Return the discriminant of each set of evidence, 0 where there is none."""
    weights = np.zeros((len(evidence), features.shape[1]), dtype=np.float32)
    known = [place for place, rows in enumerate(evidence) if len(rows)]
    if known:
        weights[known] = background.discriminants(evidence_means(features, [evidence[place] for place in known]))
    return weights


def _side_by_side(first: _Detectors, second: _Detectors) -> _Detectors:
    return _Detectors(np.vstack([first.weights, second.weights]), np.hstack([first.scores, second.scores]))


def _validate(detectors: _Detectors, votes: Votes, folds: Int64s, n_labels: int, penalty: float) -> Float64s:
    """Return the log-probabilities of the votes of each fold under a regression fitted on the others, (n_votes, n_labels)."""
    scores = (detectors.scores - detectors.scores.mean(axis=0)) / np.maximum(detectors.scores.std(axis=0), 1e-6)
    fold_of = folds[votes.picture]
    logs = np.full((len(votes.label), n_labels), -np.log(n_labels))
    for fold in range(N_FOLDS):
        inside = fold_of == fold
        if inside.all() or not inside.any():
            continue
        weights = _fit_softmax(scores[votes.picture[~inside]], votes.label[~inside], n_labels, penalty)
        logs[inside] = log_softmax(scores[votes.picture[inside]] @ weights[:-1] + weights[-1], axis=1)
    return logs


def _balance(probabilities: Float64s, labels: Int64s) -> Float64s:
    """Choose the power of the prior that decisions are divided by."""
    n_labels = probabilities.shape[1]
    prior = _prior(labels, n_labels)
    weights = [prior**-power for power in POWERS]

    def worth(weight: Float64s) -> float:
        return macro_f1(f1_by_label((probabilities * weight).argmax(axis=1), labels, n_labels - 1))

    return max(weights, key=worth)


def _prior(labels: Int64s, n_labels: int) -> Float64s:
    """Return the share of each label, as if each had one vote more."""
    return (np.bincount(labels, minlength=n_labels) + 1) / (len(labels) + n_labels)


def _fit_softmax(scores: Float32s, labels: Int64s, n_labels: int, penalty: float) -> Float64s:
    """Fit a softmax regression by L-BFGS: mean log-loss plus half the penalty times the squared weights.

    Returns:
        float64, (n_scores + 1, n_labels), the constant last.
    """
    n = len(labels)
    shape = (scores.shape[1] + 1, n_labels)
    places = np.arange(n)

    def loss(flat: Float64s) -> tuple[float, Float64s]:
        weights = flat.reshape(shape)
        logs = log_softmax(scores @ weights[:-1] + weights[-1], axis=1)
        wrong = np.exp(logs)
        wrong[places, labels] -= 1
        gradient = np.vstack([scores.T @ wrong / n + penalty * weights[:-1], wrong.mean(axis=0)])
        value = -logs[places, labels].mean() + penalty * (weights[:-1] ** 2).sum() / 2
        return float(value), gradient.ravel()

    found = minimize(
        loss, np.zeros(shape[0] * shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": MAX_ITERATIONS}
    )
    return np.asarray(found.x, dtype=np.float64).reshape(shape)

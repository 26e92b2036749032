"""Fitting the detectors of pattern drafts, and how well each can be seen in pictures it was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from miner.patterns.detector import (
    Background,
    Detectors,
    Scale,
    evidence_means,
    fit_background,
    peak_cells,
    pooled_features,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.patterns.merge import Draft
    from miner.patterns.pictures import Bools, Float32s, Int64s, Pictures, Votes

N_FOLDS = 2
MAX_CELL_PICTURES = 2048
"""Pictures whose cells the background of cells is fitted on, evenly spaced; its means settle long before."""


@dataclass(frozen=True, eq=False)
class Fit:
    """Detectors and what they see.

    Attributes:
        detectors: One per draft, fitted on all its evidence.
        scores: float32, (n_pictures, n_drafts): scores of each picture by a detector whose evidence did not include the
            picture's fold, in standard deviations.
        grounding: float32, (n_drafts,), 0 to 1: average precision with which those scores find the pictures whose captions
            have the draft's words.
    """

    detectors: Detectors
    scores: Float32s
    grounding: Float32s


def fit_drafts(
    drafts: Sequence[Draft],
    matches: Sequence[Int64s],
    votes: Votes,
    pictures: Pictures,
    *,
    shrinkage: float,
    seed: int,
) -> Fit:
    """Fit a detector for each draft, and cross-fitted scores of all pictures.

    Args:
        drafts: At least one.
        matches: Rows of the votes that match each draft, at least one; unlabelled votes are evidence of what a pattern
            looks like as well.
        votes: The rules were mined from them.
        pictures: Behind the votes.
        shrinkage: See `fit_background`.
        seed: Of the division into folds.
    """
    evidence = [np.unique(votes.picture[rows]) for rows in matches]
    features = pooled_features(pictures.pooled)
    background = fit_background(features, shrinkage=shrinkage)
    pooled = background.discriminants(evidence_means(features, evidence))
    background_of_cells = _cell_background(pictures, shrinkage=shrinkage)
    peaks = [_peak_mean(draft, rows, votes, pictures) for draft, rows in zip(drafts, matches, strict=True)]
    cells = _fit_cells(background_of_cells, peaks, evidence, pictures)
    bias = (cells @ background_of_cells.mean).astype(np.float32)
    detectors = Detectors(pooled, Scale.of(features @ pooled.T), cells, bias)
    scores = _cross_fit(features, background, evidence, seed=seed)
    grounding = [
        average_precision(scores[:, place], _mask(votes.picture[draft.says(votes)], len(pictures)))
        for place, draft in enumerate(drafts)
    ]
    return Fit(detectors, scores, np.array(grounding, dtype=np.float32))


def _mask(rows: Int64s, n: int) -> Bools:
    mask = np.zeros(n, dtype=bool)
    mask[rows] = True
    return mask


def _cross_fit(features: Float32s, background: Background, evidence: Sequence[Int64s], *, seed: int) -> Float32s:
    """Score each fold by discriminants of the evidence outside it; 0 where there is none."""
    folds = np.random.default_rng(seed).permutation(len(features)) % N_FOLDS
    scores = np.zeros((len(features), len(evidence)), dtype=np.float32)
    for fold in range(N_FOLDS):
        rest = [rows[folds[rows] != fold] for rows in evidence]
        known = np.flatnonzero([len(rows) > 0 for rows in rest])
        if not len(known):
            continue
        weights = background.discriminants(evidence_means(features, [rest[place] for place in known]))
        raw = features @ weights.T
        inside = np.flatnonzero(folds == fold)
        scores[np.ix_(inside, known)] = Scale.of(raw)(raw)[inside]
    return scores


def average_precision(scores: Float32s, relevant: Bools) -> float:
    """Return the mean precision at the rank of each relevant picture, 0 where none is.

    Ties are broken by position, so that the value is deterministic.
    """
    hits = relevant[np.argsort(-scores, kind="stable")]
    ranks = np.flatnonzero(hits) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).mean()) if len(ranks) else 0.0


def _cell_background(pictures: Pictures, *, shrinkage: float) -> Background:
    step = -(-len(pictures) // MAX_CELL_PICTURES)
    sample = pictures.projected[::step].astype(np.float32)
    return fit_background(sample.reshape(-1, sample.shape[-1]), shrinkage=shrinkage)


def _fit_cells(
    background: Background, peaks: Sequence[Float32s], evidence: Sequence[Int64s], pictures: Pictures
) -> Float32s:
    """Fit the discriminants of cells: once on the peaks of the filters, once more on the peaks that finds."""
    first = background.discriminants(np.stack(peaks))
    means = [_strongest_mean(weights, rows, pictures) for weights, rows in zip(first, evidence, strict=True)]
    return background.discriminants(np.stack(means))


def _peak_mean(draft: Draft, rows: Int64s, votes: Votes, pictures: Pictures) -> Float32s:
    """Return the mean cell at the peaks of the firing filters over the votes that match."""
    items = list(draft.visual)
    fires = votes.visual[:, items][rows].toarray() > 0
    own = votes.picture[rows]
    peaks = peak_cells(pictures.cells[own][:, items], fires, n_cells=pictures.projected.shape[1])
    return np.asarray(pictures.projected[own, peaks].astype(np.float32).mean(axis=0))


def _strongest_mean(weights: Float32s, evidence: Int64s, pictures: Pictures) -> Float32s:
    """Return the mean over the evidence of the cell that scores highest under the weights."""
    cells = pictures.projected[evidence].astype(np.float32)
    best = (cells @ weights).argmax(axis=1)
    return np.asarray(cells[np.arange(len(cells)), best].mean(axis=0))

"""Fitting the detectors of pattern drafts, and how well each can be seen in pictures it was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from miner.patterns.detector import (
    Background,
    Detectors,
    Moments,
    PooledFeatures,
    Scale,
    evidence_means,
    fit_background,
    peak_cells,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.patterns.detector import Float64s
    from miner.patterns.merge import Draft
    from miner.patterns.pictures import Bools, Float32s, Int64s, Pictures, Rows, Votes

N_FOLDS = 2
MAX_CELL_PICTURES = 2048
"""Pictures whose cells a background, or the detector of one pattern, is fitted on, evenly spaced; means settle long before."""

WORD_WEIGHT = 0.7
"""Weight of the pictures whose captions have a pattern's words, whatever fires, in the mean that its detector is fitted on; the
rest is that of the pictures that match (docs/decisions/detectors.md)."""

FINAL_SHRINKAGE = 1.0
"""Shrinkage of the covariance behind the final detectors of pictures. That of the scores which choose names and rank patterns, and of
the cells that boxes are found in, is configured (docs/decisions/detectors.md)."""

REGION_CUT = 0.3
"""Share of the strongest cell's score from which a cell belongs to the region a pattern covers in a picture."""

N_REGION_FITS = 3
"""Fits of a cell detector on the regions that the one before finds (docs/decisions/boxes.md)."""


@dataclass(frozen=True, eq=False)
class Fit:
    """Detectors and what they see.

    Attributes:
        detectors: One per draft, fitted on all its evidence.
        scores: float32, (n_pictures, n_drafts): scores of each picture by a detector whose evidence did not include the
            picture's fold, in standard deviations.
        grounding: float32, (n_drafts,), 0 to 1: average precision with which those scores find the pictures whose captions
            have the draft's words.
        alike: float64, (n_drafts, n_drafts), -1 to 1: correlation over the pictures of what the detectors of two drafts say.
    """

    detectors: Detectors
    scores: Float32s
    grounding: Float32s
    alike: Float64s


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
        shrinkage: Of the covariances behind cross-fitted scores and cells (see `Moments`).
        seed: Of the division into folds.
    """
    evidence = [np.unique(votes.picture[rows]) for rows in matches]
    features = PooledFeatures(pictures.pooled)
    moments = Moments.of(features)
    shown = [np.flatnonzero(_mask(votes.picture[draft.says(votes)], len(pictures))) for draft in drafts]
    final = moments.background(shrinkage=FINAL_SHRINKAGE)
    pooled = final.discriminants(_mixed_means(features, evidence, shown))
    background_of_cells = _cell_background(pictures, shrinkage=shrinkage)
    cells = np.stack(
        [
            _fit_cells(background_of_cells, _peak_mean(draft, rows, votes, pictures), own, pictures)
            for draft, rows, own in zip(drafts, matches, evidence, strict=True)
        ]
    )
    bias = (cells @ background_of_cells.mean).astype(np.float32)
    detectors = Detectors(pooled, Scale.of(features.dot(pooled)), cells, bias)
    scores = _cross_fit(features, moments.background(shrinkage=shrinkage), evidence, seed=seed)
    grounding = [average_precision(scores[:, place], _mask(rows, len(pictures))) for place, rows in enumerate(shown)]
    return Fit(detectors, scores, np.array(grounding, dtype=np.float32), moments.correlations(pooled))


def _mask(rows: Int64s, n: int) -> Bools:
    mask = np.zeros(n, dtype=bool)
    mask[rows] = True
    return mask


def _mixed_means(features: Rows, evidence: Sequence[Int64s], said: Sequence[Int64s]) -> Float64s:
    """Return the mean features of each draft, float64, (n_drafts, n_features).

    Pictures that match are surely of the draft but look too much like its filters; those whose captions have its words are
    more, but not all show it. The mean between both is better than either.
    """
    both = (1 - WORD_WEIGHT) * evidence_means(features, evidence) + WORD_WEIGHT * evidence_means(features, said)
    return np.asarray(both)


def _cross_fit(features: PooledFeatures, background: Background, evidence: Sequence[Int64s], *, seed: int) -> Float32s:
    """Score each fold by discriminants of the evidence outside it; 0 where there is none.

    Of the matches alone: where the words add to the evidence, names and ranks follow the words and not what is seen.
    """
    folds = np.random.default_rng(seed).permutation(len(features)) % N_FOLDS
    scores = np.zeros((len(features), len(evidence)), dtype=np.float32)
    for fold in range(N_FOLDS):
        rest = [rows[folds[rows] != fold] for rows in evidence]
        known = np.flatnonzero([len(rows) > 0 for rows in rest])
        if not len(known):
            continue
        weights = background.discriminants(evidence_means(features, [rest[place] for place in known]))
        raw = features.dot(weights)
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


def _evenly(rows: Int64s) -> Int64s:
    """Return at most `MAX_CELL_PICTURES` of some rows, evenly spaced."""
    step = -(-len(rows) // MAX_CELL_PICTURES)
    return rows[::step]


def _cell_background(pictures: Pictures, *, shrinkage: float) -> Background:
    sample = pictures.projected[_evenly(np.arange(len(pictures)))].astype(np.float32)
    return fit_background(sample.reshape(-1, sample.shape[-1]), shrinkage=shrinkage)


def _fit_cells(background: Background, peak: Float64s, evidence: Int64s, pictures: Pictures) -> Float32s:
    """Fit the discriminant of a pattern's cells.

    First on the peaks of its filters, then on the cells that finds strongest, then on the regions around those: the
    strongest cell is often a part of a thing only, and its box would be too.

    Args:
        background: Of cells.
        peak: float64, (n_dims,), mean cell at the peaks of the filters.
        evidence: Pictures that show the pattern.
        pictures: All pictures.

    Returns:
        float32, (n_dims,).
    """
    cells = pictures.projected[_evenly(evidence)].astype(np.float32)
    weights: Float32s = background.discriminants(peak[None])[0]
    weights = background.discriminants(_strongest_mean(cells @ weights, cells)[None])[0]
    for _ in range(N_REGION_FITS):
        heat = cells @ weights - np.float32(weights @ background.mean)
        weights = background.discriminants(_region_mean(heat, cells)[None])[0]
    return weights


def _peak_mean(draft: Draft, rows: Int64s, votes: Votes, pictures: Pictures) -> Float64s:
    """Return the mean cell at the peaks of the firing filters over the votes that match."""
    items, chosen = list(draft.visual), _evenly(rows)
    fires = votes.visual[:, items][chosen].toarray() > 0
    own = votes.picture[chosen]
    cells = pictures.projected[own]
    peaks = peak_cells(pictures.cells[own][:, items], fires, n_cells=cells.shape[1])
    return np.asarray(cells[np.arange(len(own)), peaks].mean(axis=0, dtype=np.float64))


def _strongest_mean(heat: Float32s, cells: Float32s) -> Float64s:
    """Return the mean over pictures of the hottest cell."""
    return np.asarray(cells[np.arange(len(cells)), heat.argmax(axis=1)].mean(axis=0, dtype=np.float64))


def _region_mean(heat: Float32s, cells: Float32s) -> Float64s:
    """Return the mean over the cells whose heat is a good part of that of the hottest of their picture.

    Args:
        heat: float32, (n_pictures, n_cells), 0 for the mean cell.
        cells: float32, (n_pictures, n_cells, n_dims).
    """
    hottest = heat.max(axis=1, keepdims=True)
    inside = np.where(hottest > 0, heat >= REGION_CUT * hottest, heat == hottest)
    return np.asarray(cells[inside].mean(axis=0, dtype=np.float64))

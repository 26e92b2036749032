from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from miner.patterns.detector import PooledFeatures, evidence_means, fit_background
from miner.patterns.fit import Fit, average_precision, fit_drafts
from miner.patterns.merge import Draft, Member
from miner.patterns.pictures import Pictures, Votes
from tests.pattern_cases import N_CELLS, pictures_of, votes_where

N = 240
PLANTED = range(60)
NOISE = range(5, N, 4)
PLACE = 7
DRAFTS = [Draft("A", (Member(0, (0,), (0,)),)), Draft("A", (Member(1, (1,), (1,)),))]
# The words of the planted pattern are also said of four pictures that do not show it.
VOTES = votes_where({0: PLANTED, 1: NOISE}, {0: [*PLANTED, 70, 80, 90, 100], 1: NOISE}, [0] * N)


def planted() -> Pictures:
    """Draw pictures of noise in which a direction of features, and of the cell `PLACE`, comes with filter 0."""
    rng = np.random.default_rng(3)
    pooled = rng.random((N, 6))
    pooled[PLANTED, 2] += 3
    projected = rng.normal(size=(N, N_CELLS, 4))
    projected[PLANTED, PLACE, 1] += 8
    cells = {0: [PLACE] * N, 1: rng.integers(0, N_CELLS, N).tolist()}
    return replace(
        pictures_of(N, 6, cells=cells), pooled=pooled.astype(np.float16), projected=projected.astype(np.float16)
    )


def fitted(matches: list[list[int]] | None = None) -> Fit:
    rows = [np.flatnonzero(draft.matches(VOTES)) for draft in DRAFTS] if matches is None else map(np.array, matches)
    return fit_drafts(DRAFTS, list(rows), VOTES, planted(), shrinkage=0.3, seed=0)


@pytest.mark.parametrize(
    ("scores", "relevant", "precision"),
    [
        ([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0], (1 + 2 / 3) / 2),
        ([0.1, 0.2, 0.3], [1, 1, 0], (1 / 2 + 2 / 3) / 2),
        ([0.5, 0.5], [0, 1], 1 / 2),
        ([0.5, 0.5], [1, 0], 1),
        ([0.5, 0.5], [0, 0], 0),
    ],
)
def test_average_precision_by_hand(scores: list[float], relevant: list[int], precision: float) -> None:
    found = average_precision(np.array(scores, dtype=np.float32), np.array(relevant, dtype=bool))
    assert found == pytest.approx(precision)


def test_fit_finds_what_was_planted() -> None:
    fit = fitted()
    assert int(fit.detectors.pooled[0].argmax()) == 2
    assert set(np.argsort(-fit.scores[:, 0])[: len(PLANTED)].tolist()) == set(PLANTED)
    assert (fit.detectors.heat(planted().projected[np.array(PLANTED)], 0).argmax(axis=1) == PLACE).all()


def test_fit_grounding_is_how_well_unseen_pictures_tell_the_words() -> None:
    fit = fitted()
    for place, said in enumerate(([*PLANTED, 70, 80, 90, 100], NOISE)):
        order = sorted(range(N), key=lambda row: -fit.scores[row, place])
        ranks = [rank for rank, row in enumerate(order, 1) if row in said]
        precisions = [hits / rank for hits, rank in enumerate(ranks, 1)]
        assert fit.grounding[place] == pytest.approx(sum(precisions) / len(said))
    assert fit.grounding[0] > 0.8
    assert fit.grounding[1] < 0.5


def test_fit_detectors_are_as_alike_as_what_they_say_of_the_pictures() -> None:
    fit = fitted()
    scores = fit.detectors.scores(planted().pooled[np.arange(N)]).astype(np.float64)
    np.testing.assert_allclose(fit.alike, np.corrcoef(scores.T), atol=1e-4)


def test_fit_scores_a_picture_without_its_own_evidence() -> None:
    full = fitted()
    for picture in (0, 7, 59):
        without = fitted([[row for row in PLANTED if row != picture], list(NOISE)])
        assert without.scores[picture, 0] == full.scores[picture, 0]
        assert np.any(without.scores[:, 0] != full.scores[:, 0])
        assert np.any(without.detectors.pooled[0] != full.detectors.pooled[0])
        np.testing.assert_array_equal(without.scores[:, 1], full.scores[:, 1])


def test_fit_gives_no_score_where_all_evidence_is_in_the_pictures_own_fold() -> None:
    fit = fitted([[4], list(NOISE)])
    assert fit.scores[4, 0] == 0
    assert np.count_nonzero(fit.scores[:, 0]) == N // 2


def test_fit_depends_on_the_seed_of_the_folds_only_in_cross_fitted_scores() -> None:
    rows = [np.flatnonzero(draft.matches(VOTES)) for draft in DRAFTS]
    a, b = (fit_drafts(DRAFTS, rows, VOTES, planted(), shrinkage=0.3, seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(a.detectors.pooled, b.detectors.pooled)
    np.testing.assert_array_equal(a.detectors.cells, b.detectors.cells)
    assert np.any(a.scores != b.scores)


def test_fit_counts_a_picture_with_two_event_types_once_as_evidence() -> None:
    twice = Votes(VOTES.transactions, np.where(np.arange(N) == 1, 0, VOTES.picture))
    rows = [np.flatnonzero(draft.matches(twice)) for draft in DRAFTS]
    fit = fit_drafts(DRAFTS, rows, twice, planted(), shrinkage=0.3, seed=0)
    said = votes_where(
        {0: PLANTED, 1: NOISE}, {0: [row for row in (*PLANTED, 70, 80, 90, 100) if row != 1], 1: NOISE}, [0] * N
    )
    without = [np.array([row for row in PLANTED if row != 1]), np.array(NOISE)]
    once = fit_drafts(DRAFTS, without, said, planted(), shrinkage=0.3, seed=0)
    np.testing.assert_array_equal(fit.detectors.pooled, once.detectors.pooled)


def test_fit_shrinks_the_final_detectors_alike_and_names_and_cells_as_it_is_told() -> None:
    rows = [np.flatnonzero(draft.matches(VOTES)) for draft in DRAFTS]
    a, b = (fit_drafts(DRAFTS, rows, VOTES, planted(), shrinkage=shrinkage, seed=0) for shrinkage in (0.3, 0.9))
    np.testing.assert_array_equal(a.detectors.pooled, b.detectors.pooled)
    assert np.any(a.detectors.cells != b.detectors.cells)
    assert np.any(a.scores != b.scores)
    features = PooledFeatures(planted().pooled)
    said = [[*PLANTED, 70, 80, 90, 100], list(NOISE)]
    means = 0.3 * evidence_means(features, rows) + 0.7 * evidence_means(features, [np.array(own) for own in said])
    by_hand = fit_background(features, shrinkage=1.0).discriminants(means)
    np.testing.assert_allclose(a.detectors.pooled, by_hand, rtol=1e-6)


def test_cell_detector_covers_the_whole_of_a_thing_and_not_only_its_most_striking_part() -> None:
    """A thing of two cells that look different: the filters peak in the first, the second must be hot, too."""
    rng = np.random.default_rng(4)
    projected = rng.normal(size=(N, N_CELLS, 4))
    projected[PLANTED, PLACE, 1] += 8
    projected[PLANTED, PLACE, 2] += 3
    projected[PLANTED, PLACE - 1, 2] += 8
    pictures = replace(planted(), projected=projected.astype(np.float16))
    rows = [np.flatnonzero(draft.matches(VOTES)) for draft in DRAFTS]
    detectors = fit_drafts(DRAFTS, rows, VOTES, pictures, shrinkage=0.3, seed=0).detectors
    heat = detectors.heat(pictures.projected[np.array(PLANTED)], 0)
    hottest = heat.max(axis=1)
    assert (heat[:, [PLACE - 1, PLACE]].min(axis=1) > hottest / 2).mean() > 0.6
    assert (np.delete(heat, [PLACE - 1, PLACE], axis=1).max(axis=1) < hottest / 2).mean() > 0.9


def test_detector_learns_from_pictures_that_only_the_words_speak_of() -> None:
    """A feature of the pictures that have the words but do not match weighs in the detector, in the cross-fitted scores not."""
    pictures = planted()
    pooled = np.array(pictures.pooled[np.arange(N)])
    pooled[[70, 80, 90, 100], 4] += 3
    fit = fit_drafts(
        DRAFTS, [np.array(PLANTED), np.array(NOISE)], VOTES, replace(pictures, pooled=pooled), shrinkage=0.3, seed=0
    )
    assert fit.detectors.pooled[0, 4] > np.delete(fit.detectors.pooled[0], [2, 4]).max()
    assert fit.scores[[70, 80, 90, 100], 0].mean() < fit.scores[list(PLANTED), 0].mean() / 3

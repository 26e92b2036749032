from __future__ import annotations

import numpy as np
import pytest

from kb.evaluate.images import calibration_error, probe_types, reliability
from kb.extract.image import ImageModel, Votes, fit_image_model
from kb.extract.picture import KnownPattern, PictureReader, Seen
from miner.patterns.detector import Detectors, Scale
from miner.patterns.f1 import f1_by_label, macro_f1
from miner.visual.geometry import Geometry

TYPES = ("Fire", "Flood")
N_FILTERS = 12


def pictures(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of fire light up filter 0, of flood filter 1, of neither none of them; a third of each kind."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=n)
    pooled = rng.gamma(2.0, 1.0, size=(n, N_FILTERS))
    pooled[labels == 0, 0] += 6
    pooled[labels == 1, 1] += 6
    return pooled.astype(np.float16), labels


@pytest.fixture(scope="module")
def model() -> ImageModel:
    pooled, labels = pictures(600, 0)
    flames = np.flatnonzero((labels == 0) & (pooled[:, 2] > 2)).astype(np.int64)
    votes = Votes(np.arange(600), labels.astype(np.int64))
    return fit_image_model(pooled, votes, TYPES, ["flames"], [flames], pattern_shrinkage=0.3)


def test_image_model_tells_what_new_pictures_show(model: ImageModel) -> None:
    pooled, labels = pictures(600, 1)
    probabilities = model.probabilities(pooled)
    assert probabilities.shape == (600, 3)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert macro_f1(f1_by_label(model.decide(probabilities), labels, 2)) > 0.9
    assert calibration_error(reliability(probabilities, labels)) < 0.05


def test_image_model_is_not_sure_where_labels_mean_nothing() -> None:
    pooled, labels = pictures(600, 0)
    mixed = np.random.default_rng(5).permutation(labels).astype(np.int64)
    blind = fit_image_model(pooled, Votes(np.arange(600), mixed), TYPES, [], [], pattern_shrinkage=0.3)
    new, _ = pictures(300, 1)
    fresh = np.random.default_rng(6).integers(3, size=300)
    assert blind.probabilities(new).max(axis=1).mean() < 0.5
    assert calibration_error(reliability(blind.probabilities(new), fresh)) < 0.1


def test_image_model_is_the_same_after_storing(model: ImageModel) -> None:
    again = ImageModel.from_tensors(model.event_types, model.patterns, model.tensors())
    pooled, _ = pictures(20, 2)
    assert np.array_equal(again.probabilities(pooled), model.probabilities(pooled))


def test_image_model_names_patterns_that_fire(model: ImageModel) -> None:
    pooled, labels = pictures(400, 3)
    fired = np.array([len(shown.firing) for shown in model.look(pooled)])
    assert fired[labels == 0].mean() > 5 * fired[labels != 0].mean()


def test_image_model_needs_two_labels() -> None:
    pooled, _ = pictures(10, 0)
    with pytest.raises(ValueError, match="two labels"):
        fit_image_model(pooled, Votes(np.arange(10), np.zeros(10, np.int64)), TYPES, [], [], pattern_shrinkage=0.3)


def test_image_decisions_help_rare_event_types() -> None:
    """One event type in fifty pictures; by probability alone it would hardly ever be decided for."""
    rng = np.random.default_rng(0)
    labels = (rng.random(2000) < 0.98).astype(np.int64) * 2
    pooled = rng.gamma(2.0, 1.0, size=(2000, N_FILTERS))
    pooled[labels == 0, 0] += 3
    rare = fit_image_model(
        pooled.astype(np.float16), Votes(np.arange(2000), labels), TYPES, [], [], pattern_shrinkage=0.3
    )
    probabilities = rare.probabilities(pooled.astype(np.float16))
    decided = f1_by_label(rare.decide(probabilities), labels, 2)[0]
    assert decided > f1_by_label(probabilities.argmax(axis=1), labels, 2)[0]


def reader(model: ImageModel, role: str | None) -> PictureReader:
    """A pattern whose cells answer to the first of two dimensions."""
    scale = Scale(np.zeros(1, np.float32), np.ones(1, np.float32))
    cells = np.array([[1.0, 0.0]], np.float32)
    detectors = Detectors(np.zeros((1, N_FILTERS), np.float32), scale, cells, np.zeros(1, np.float32))
    return PictureReader(model, [KnownPattern("flames", "Fire", role, 0.8)], detectors)


def burning(n_cells: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture in which flames show in the last cell."""
    pooled = np.full((1, N_FILTERS), 1.0, np.float16)
    pooled[0, [0, 2]] = 12
    projected = np.zeros((1, n_cells, 2), np.float16)
    projected[0, -1, 0] = 5
    return pooled, projected


def test_picture_becomes_a_mention_with_the_box_of_its_pattern(model: ImageModel) -> None:
    seen = Seen("r1", "d1", "images/r1.jpg", Geometry(90, 90, 0, 0, 1, 90, 30))
    (mention,) = reader(model, "Instrument").read([seen], *burning(9))
    row = mention.as_json()
    assert (row["record"], row["document"], row["eventType"]) == ("r1", "d1", "Fire")
    assert row["image"] == {"path": "images/r1.jpg", "box": row["arguments"][0]["box"]}
    assert row["trigger"] is None
    assert row["patterns"] == ["flames"]
    (argument,) = row["arguments"]
    assert argument["role"] == "Instrument"
    assert argument["score"] == pytest.approx(0.8 * row["score"], abs=1e-4)
    x0, y0, x1, y1 = argument["box"]
    assert 45 <= x0 < 75 < x1 <= 90
    assert 45 <= y0 < 75 < y1 <= 90


def test_picture_without_a_role_has_no_argument(model: ImageModel) -> None:
    seen = Seen("r1", "d1", "r1.jpg", Geometry(90, 90, 0, 0, 1, 90, 30))
    (mention,) = reader(model, None).read([seen], *burning(9))
    assert mention.arguments == ()
    assert mention.image is not None
    assert mention.image.box is not None
    assert mention.patterns == ("flames",)


def test_picture_that_shows_nothing_has_no_mention(model: ImageModel) -> None:
    seen = Seen("r1", "d1", "r1.jpg", Geometry(90, 90, 0, 0, 1, 90, 30))
    pooled = np.full((1, N_FILTERS), 1.0, np.float16)
    assert reader(model, None).read([seen], pooled, np.zeros((1, 9, 2), np.float16)) == []


def test_f1_by_hand() -> None:
    """Label 0: 2 decided, 1 right, 2 true: 2/4. Label 1: 2 decided, 1 right, 1 true: 2/3. None has no F1."""
    decided, labels = np.array([0, 0, 1, 1, 2]), np.array([0, 2, 1, 0, 2])
    assert f1_by_label(decided, labels, 2) == {0: 0.5, 1: pytest.approx(2 / 3)}
    assert macro_f1({}) == 0.0


def test_calibration_by_hand() -> None:
    """Two pictures at 0.9, one right; two at 0.6, both right: 0.5 * 0.4 + 0.5 * 0.4."""
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.6, 0.4]], np.float32)
    bins = reliability(probabilities, np.array([0, 1, 1, 0]))
    assert [(each.share, round(each.confidence, 3), each.accuracy) for each in bins] == [
        (0.5, 0.6, 1.0),
        (0.5, 0.9, 0.5),
    ]
    assert calibration_error(bins) == pytest.approx(0.4)


def test_probe_decides_for_what_it_was_taught() -> None:
    pooled, labels = pictures(300, 0)
    new, truth = pictures(300, 1)
    decided = probe_types(pooled.astype(np.float32), labels.astype(np.int64), new.astype(np.float32), 2, seed=0)
    assert (decided == truth).mean() > 0.9

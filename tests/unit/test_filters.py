from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest

from miner.config import VisualConfig
from miner.errors import ConfigError
from miner.visual.backbone import Classifier
from miner.visual.filters import fire_items, fired, fired_top_k, firing_share, fit_thresholds, item_columns
from miner.visual.registry import load_backbone
from tests.pictures import stored_rows

if TYPE_CHECKING:
    from pathlib import Path


def test_filters_fire_in_the_asked_share_by_hand() -> None:
    """Of 10 pictures 20 % are 2: those above the third largest value."""
    maxima = np.array([[0, 9], [1, 8], [2, 7], [3, 6], [4, 5], [5, 4], [6, 3], [7, 2], [8, 1], [9, 0]], np.float16)
    thresholds = fit_thresholds(maxima, fires_top=0.2)
    assert thresholds.tolist() == [7, 7]
    found = fired(maxima, thresholds)
    assert found.indptr.tolist() == [0, 1, 2, 2, 2, 2, 2, 2, 2, 3, 4]
    assert found.indices.tolist() == [1, 1, 0, 0]


def test_filters_that_never_rise_are_dead() -> None:
    maxima = np.array([[0, 1], [0, 2]], np.float16)
    thresholds = fit_thresholds(maxima, fires_top=0.5)
    assert thresholds.tolist() == [np.inf, 1]
    # dead on the pictures it was fitted to, so it has no say on others either
    assert fired(np.array([[50, 50]], np.float16), thresholds).indices.tolist() == [1]


def test_filters_of_equal_values_fire_less_rather_than_more() -> None:
    maxima = np.array([[3, 3], [3, 2], [3, 1], [1, 0]], np.float16)
    found = fired(maxima, fit_thresholds(maxima, fires_top=0.5))
    assert found.indices.tolist() == [1, 1]


def test_filters_of_a_small_corpus_fire_once() -> None:
    maxima = np.arange(8, dtype=np.float16)[:, None]
    assert fit_thresholds(maxima, fires_top=0.02).tolist() == [6]


def test_filters_of_one_picture_and_of_none() -> None:
    assert fit_thresholds(np.array([[2.0]], np.float16), fires_top=0.5).tolist() == [2]
    assert fit_thresholds(np.empty((0, 3), np.float16), fires_top=0.5).tolist() == [np.inf] * 3
    assert fired(np.empty((0, 3), np.float16), np.zeros(3, np.float32)).indptr.tolist() == [0]


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_filters_refuse_a_share_out_of_range(share: float) -> None:
    with pytest.raises(ConfigError, match="fires_top is"):
        fit_thresholds(np.ones((2, 1), np.float16), fires_top=share)


def test_filters_top_k_takes_the_first_of_equals_and_nothing_at_zero() -> None:
    maxima = np.array([[1, 5, 5, 2], [0, 0, 3, 0], [4, 4, 4, 4]], np.float16)
    found = fired_top_k(maxima, 2)
    assert found.indptr.tolist() == [0, 2, 3, 5]
    assert found.indices.tolist() == [1, 2, 2, 0, 1]


def test_filters_top_k_of_each_family_leaves_others_alone() -> None:
    """Filters 0 to 2 and classes 3 to 5 have their own scales; a negative class is no evidence."""
    maxima = np.array([[1, 3, 2, 40, 50, 60], [1, 0, 0, -2, -1, 9]], np.float16)
    both = fired_top_k(maxima, 2, (slice(0, 3), slice(3, 6)))
    assert both.indptr.tolist() == [0, 4, 6]
    assert both.indices.tolist() == [1, 2, 4, 5, 0, 5]
    assert fired_top_k(maxima, 1, (slice(3, 6),)).indices.tolist() == [5, 5]


def test_filters_thresholds_of_classes_may_be_negative() -> None:
    """Half of four pictures: above -2; the last class is never above 0, so nowhere to be seen."""
    maxima = np.array([[-3, -3], [-2, -2], [-1, -1], [4, 0]], np.float16)
    thresholds = fit_thresholds(maxima, fires_top=0.5)
    assert thresholds.tolist() == [-2, np.inf]
    assert fired(maxima, thresholds).indices.tolist() == [0, 0]


def test_filters_columns_follow_the_wanted_items() -> None:
    backbone = load_backbone("efficientnet-lite0")
    assert item_columns(backbone, "filters") == (slice(0, 1280),)
    assert item_columns(backbone, "classes") == (slice(1280, 2280),)
    assert item_columns(backbone, "both") == (slice(0, 1280), slice(1280, 2280))


def test_filters_columns_of_a_network_without_a_classifier_are_its_filters() -> None:
    bare = replace(load_backbone("efficientnet-lite0"), classifier=None)
    assert item_columns(bare, "both") == item_columns(bare, "filters") == (slice(0, 1280),)
    with pytest.raises(ConfigError, match="efficientnet-lite0 has no classifier"):
        item_columns(bare, "classes")


@pytest.mark.parametrize(("items", "first", "end"), [("filters", 0, 3), ("classes", 3, 5), ("both", 0, 5)])
@pytest.mark.parametrize("firing", ["quantile", "top_k"])
def test_filters_fire_only_in_the_wanted_families(items: Any, first: int, end: int, firing: Any) -> None:  # noqa: ANN401
    """Three filters and two classes; all are numbered, whichever may fire."""
    tiny = replace(load_backbone("efficientnet-lite0"), n_filters=3, classifier=Classifier("fc", "relu6", n_classes=2))
    maxima = np.random.default_rng(0).random((40, 5)).astype(np.float16)
    cfg = VisualConfig(items=items, firing=firing, fires_top=0.1, top_k=1)
    thresholds, found = fire_items(maxima, np.arange(40), tiny, cfg)
    assert thresholds.shape == (5,)
    assert set(found.indices.tolist()) == set(range(first, end))
    if firing == "quantile":
        assert np.bincount(found.indices, minlength=5)[first:end].tolist() == [4] * (end - first)


def test_filters_share_follows_the_number_of_groups() -> None:
    assert firing_share(VisualConfig(), 9_999) == 0.05
    assert firing_share(VisualConfig(), 10_000) == 0.02
    assert firing_share(VisualConfig(fires_top=0.11), 10_000) == 0.11


def test_filters_work_in_pieces_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    maxima = np.random.default_rng(0).random((50, 7)).astype(np.float16)
    thresholds = fit_thresholds(maxima, fires_top=0.1)
    whole, top = fired(maxima, thresholds), fired_top_k(maxima, 3)
    monkeypatch.setattr("miner.visual.quantiles.MAX_CHUNK", 60)
    assert np.array_equal(fit_thresholds(maxima, fires_top=0.1), thresholds)
    for found, expected in ((fired(maxima, thresholds), whole), (fired_top_k(maxima, 3), top)):
        assert np.array_equal(found.indptr, expected.indptr)
        assert np.array_equal(found.indices, expected.indices)


@pytest.mark.parametrize("sizes", [[1] * 200, [199, 1], [64, 64, 64, 8], [3, 0, 150, 47]])
@pytest.mark.parametrize("firing", ["quantile", "top_k"])
def test_filters_are_calibrated_alike_however_pictures_are_cut_into_shards(
    sizes: list[int], firing: Literal["quantile", "top_k"], tmp_path: Path
) -> None:
    """Of one picture each, of very different sizes, or all at once: the same bytes, with ties and values below 0."""
    rng = np.random.default_rng(3)
    maxima = np.round(rng.normal(0, 3, (200, 5)), 1).astype(np.float16)
    tiny = replace(
        load_backbone("efficientnet-lite0"), name="tiny", n_filters=3, classifier=Classifier("fc", "none", 2)
    )
    cfg = VisualConfig(firing=firing, fires_top=0.07, top_k=1)
    representatives = np.flatnonzero(rng.random(200) < 0.8)
    shards = np.split(maxima, np.cumsum(sizes)[:-1])
    cut = fire_items(stored_rows(tmp_path, shards, np.arange(200)), representatives, tiny, cfg)
    whole = fire_items(maxima, representatives, tiny, cfg)
    assert cut[0].tobytes() == whole[0].tobytes()
    assert [each.tobytes() for each in cut[1]] == [each.tobytes() for each in whole[1]]


def test_filters_are_calibrated_in_memory_that_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    """Eight times as many pictures, which lie on the disk, need no more memory to find thresholds."""
    rng = np.random.default_rng(0)
    peaks = []
    for n in (5_000, 40_000):
        maxima = stored_rows(tmp_path, [rng.random((n, 300), dtype=np.float32).astype(np.float16)], np.arange(n))
        tracemalloc.start()
        fit_thresholds(maxima, fires_top=0.05)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # the list of rows alone grows, by 8 bytes a picture
    assert peaks[1] <= peaks[0] + 4 * 8 * 35_000
    assert peaks[1] < 40e6

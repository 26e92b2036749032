from __future__ import annotations

import numpy as np
import pytest
import typer

from miner.cli.run import read_method
from miner.config import RunConfig
from miner.rules.transactions import Transactions
from miner.run.baseline_stages import with_method
from miner.run.evaluation_splits import MINING, held_out_config, shuffle_labels, shuffle_pictures
from miner.run.stages import STAGES

N = 40


def votes() -> Transactions:
    """Every vote has its own visual item and its own text item; every fourth has no event type."""
    labels = [-1 if row % 4 == 3 else row % 4 % 2 for row in range(N)]
    return Transactions.from_rows(
        [[row] for row in range(N)], [[row] for row in range(N)], labels, event_types=("A", "B")
    )


def visual(transactions: Transactions) -> list[int]:
    return [int(item) for item in transactions.visual_indices]


def test_shuffled_labels_are_the_same_ones_elsewhere() -> None:
    shuffled = shuffle_labels(votes(), 0)
    assert sorted(shuffled.labels) == sorted(votes().labels)
    assert shuffled.labels.tolist() != votes().labels.tolist()
    assert np.array_equal(shuffled.labels < 0, votes().labels < 0)
    assert visual(shuffled) == visual(votes())
    assert shuffle_labels(votes(), 0).labels.tolist() == shuffled.labels.tolist()


def test_shuffled_pictures_stay_with_their_event_type_and_leave_their_captions() -> None:
    before, after = votes(), shuffle_pictures(votes(), 0)
    assert after.text_indices.tolist() == before.text_indices.tolist()
    assert after.labels.tolist() == before.labels.tolist()
    assert visual(after) != visual(before)
    for label in (-1, 0, 1):
        own = np.flatnonzero(before.labels == label)
        assert sorted(after.visual_indices[own]) == sorted(before.visual_indices[own])


def test_held_out_config_changes_nothing_else() -> None:
    changed = held_out_config(RunConfig(seed=3), 0.4, 2)
    assert (changed.holdout.share, changed.holdout.seed, changed.seed) == (0.4, 2, 3)
    assert changed.model_copy(update={"holdout": RunConfig().holdout}) == RunConfig(seed=3)


def test_mining_ends_with_the_patterns() -> None:
    assert [stage.name for stage in MINING] == [stage.name for stage in STAGES][: len(MINING)]
    assert MINING[-1].name == "patterns"


def test_baselines_take_the_places_of_our_stages() -> None:
    names = [stage.name for stage in STAGES]
    assert with_method(STAGES, "ours") == STAGES
    visual_only = [stage.name for stage in with_method(STAGES, "visual-only")]
    assert visual_only == [own for name in names for own in (["cells", "mine"] if name == "mine" else [name])]
    text_only = with_method(STAGES, "text-only")
    assert [stage.name for stage in text_only] == names
    changed = [stage.name for stage, ours in zip(text_only, STAGES, strict=True) if stage is not ours]
    assert changed == ["mine", "patterns"]
    assert all("method" in stage.settings for stage in text_only if stage.name in changed)


def test_an_unknown_method_is_refused_with_those_there_are() -> None:
    assert read_method("text-only") == "text-only"
    with pytest.raises(typer.BadParameter, match=r"'best' is not one of ours, visual-only, mdpm, text-only"):
        read_method("best")

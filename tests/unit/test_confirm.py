"""Rules proven on one half of the photo groups are put to the other half."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import hypergeom
from typer.testing import CliRunner

from miner.cli.app import app
from miner.config import MineConfig
from miner.errors import MiningError
from miner.rules.confirm import halves, holm, in_first_half
from miner.rules.mine import mine_rules
from miner.rules.shards import open_shards, write_shards
from miner.run.executor import LocalExecutor
from miner.run.spread import Workplace, mine_votes
from miner.store.formats import write_table
from tests.unit.test_mine import planted

if TYPE_CHECKING:
    from pathlib import Path

    from miner.rules.transactions import Transactions
    from miner.run.spread import Spread

HALF = MineConfig(confirm="half")


def test_photo_groups_never_straddle_the_halves() -> None:
    corpus = replace(planted(linked=True), groups=np.arange(300) // 4)
    searched, other = halves(corpus, seed=3)
    assert len(searched) + len(other) == 300
    assert not set(searched.groups.tolist()) & set(other.groups.tolist())


def test_halves_are_even_differ_by_seed_and_keep_a_group_when_others_come() -> None:
    groups = np.arange(10_000)
    first = in_first_half(groups, 0)
    assert 4_800 < first.sum() < 5_200
    assert 4_800 < np.sum(first == in_first_half(groups, 1)) < 5_200
    assert np.array_equal(in_first_half(groups[::7], 0), first[::7])


def test_holm_steps_down() -> None:
    # 3 x 0.01, 2 x 0.02, 1 x 0.04
    assert holm(np.array([0.04, 0.01, 0.02])).tolist() == pytest.approx([0.04, 0.03, 0.04])
    assert holm(np.empty(0)).tolist() == []


def test_a_real_rule_is_confirmed_with_the_p_value_of_the_other_half() -> None:
    corpus = planted(900, linked=True)
    result = mine_rules(corpus, HALF)
    (row,) = result.rules.to_pylist()
    assert (row["visual"], row["text"], row["confirmed"]) == ([0], [0], True)
    searched, other = halves(corpus, 0)
    assert result.summary["votes"] == len(searched)
    own = other.labels == 0
    seen, said = holds(other.visual_indptr, other.visual_indices), holds(other.text_indptr, other.text_indices)
    both = int(np.sum(own & seen & said))
    associated = hypergeom.sf(both - 1, len(other), own.sum(), np.sum(seen & said))
    linked = hypergeom.sf(both - 1, own.sum(), np.sum(own & seen), np.sum(own & said))
    assert row["pConfirm"] == pytest.approx(max(associated, linked), rel=1e-9)
    assert result.summary["eventTypes"]["Sport.Climbing"]["confirmed"] == 1


def holds(indptr: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Which rows hold item 0."""
    return np.array([0 in indices[first:last] for first, last in itertools.pairwise(indptr)])


def test_a_rule_that_holds_in_one_half_only_is_dropped_or_marked() -> None:
    corpus = spoilt(planted(900, linked=True))
    result = mine_rules(corpus, HALF)
    assert result.rules.num_rows == 0
    assert result.summary["eventTypes"]["Sport.Climbing"]["proven"] == 1
    assert result.summary["eventTypes"]["Sport.Climbing"]["confirmed"] == 0
    rows = mine_rules(corpus, HALF.model_copy(update={"exploratory": True})).rules.to_pylist()
    assert [row["confirmed"] for row in rows if row["proven"]] == [False]
    assert {row["confirmed"] for row in rows if not row["proven"]} == {None}


def spoilt(corpus: Transactions) -> Transactions:
    """Permute the labels of the half that confirms."""
    rng = np.random.default_rng(0)
    other = np.flatnonzero(~in_first_half(corpus.groups, 0))
    labels = corpus.labels.copy()
    labels[other] = rng.permutation(labels[other])
    return replace(corpus, labels=labels)


def test_permuted_labels_confirm_nothing() -> None:
    corpus = planted(600, linked=True)
    rng = np.random.default_rng(1)
    for _ in range(8):
        permuted = replace(corpus, labels=rng.permutation(corpus.labels))
        assert mine_rules(permuted, HALF).rules.num_rows == 0


def test_without_confirmation_its_columns_are_null() -> None:
    (row,) = mine_rules(planted(linked=True), MineConfig()).rules.to_pylist()
    assert row["pConfirm"] is None
    assert row["confirmed"] is None


@pytest.mark.parametrize("spread", ["votes", "prefix"])
def test_workers_confirm_what_one_process_confirms(spread: Spread) -> None:
    corpus = planted(900, linked=True)
    alone = mine_rules(corpus, HALF)
    shared = mine_votes(corpus, HALF, Workplace(LocalExecutor(2), spread))
    assert shared.rules.equals(alone.rules)
    assert shared.summary == alone.summary


def test_the_command_says_how_many_were_confirmed(tmp_path: Path) -> None:
    write_table(tmp_path / "votes.parquet", planted(900, linked=True).to_table())
    arguments = ["rules", "mine", str(tmp_path / "votes.parquet"), "--out", str(tmp_path / "rules.parquet")]
    done = CliRunner().invoke(app, [*arguments, "--threads", "1", "-o", "mine.confirm=half"])
    assert done.exit_code == 0
    assert "1 of 1 rules proven on one half of the photo groups were confirmed on the other." in done.output
    assert "smallest p-value that a rule could have reached: 1e-" in done.output


@pytest.mark.parametrize("spread", ["none", "votes", "prefix"])
def test_shards_without_photo_groups_are_never_halved(spread: Spread, tmp_path: Path) -> None:
    write_shards([planted(60, linked=True), planted(60, linked=True)], tmp_path / "votes")
    with pytest.raises(MiningError, match="votes in shards have no photo groups to split"):
        mine_votes(open_shards(tmp_path / "votes"), HALF, Workplace(LocalExecutor(2), spread))

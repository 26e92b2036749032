"""mine_rules: verdicts and errors on small hand-made corpora."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from miner.config import MineConfig
from miner.errors import MiningError
from miner.rules.mine import mine_rules
from miner.rules.ruleset import RULES
from miner.rules.transactions import Transactions

TYPES = ("Sport.Climbing", "Sport.Cycling")


def planted(n: int = 300, *, linked: bool, seed: int = 0) -> Transactions:
    """Visual item 0 and text item 0 mark Climbing (every third vote); `linked` makes them appear together."""
    rng = np.random.default_rng(seed)
    visual, text, labels = [], [], []
    for row in range(n):
        climbing = row % 3 == 0
        there = climbing and rng.random() < 0.5
        seen = rng.random() < (0.9 if there and linked else 0.5 if climbing and not linked else 0.05)
        said = rng.random() < (0.9 if there and linked else 0.5 if climbing and not linked else 0.05)
        visual.append([item for item in range(1, 6) if rng.random() < 0.2] + [0] * seen)
        text.append([item for item in range(1, 6) if rng.random() < 0.2] + [0] * said)
        labels.append(0 if climbing else 1)
    return Transactions.from_rows(visual, text, labels, event_types=TYPES)


def antecedents(transactions: Transactions, config: MineConfig | None = None) -> list[tuple[list[int], list[int], str]]:
    rows = mine_rules(transactions, config or MineConfig()).rules.to_pylist()
    return [(row["visual"], row["text"], row["eventType"]) for row in rows]


def test_mine_finds_the_planted_pair_and_nothing_that_adds_nothing() -> None:
    assert antecedents(planted(linked=True)) == [([0], [0], "Sport.Climbing")]


def test_mine_refuses_two_independent_cues_of_one_type() -> None:
    result = mine_rules(planted(linked=False), MineConfig())
    assert result.rules.num_rows == 0
    assert result.summary["eventTypes"]["Sport.Climbing"]["associated"] > 0


def test_mine_table_repeats_the_counts_exactly() -> None:
    result = mine_rules(planted(linked=True), MineConfig())
    assert result.rules.schema.equals(RULES)
    (row,) = result.rules.to_pylist()
    assert row["support"] == row["classCount"] / 300
    assert row["antecedentSupport"] == row["count"] / 300
    assert row["confidence"] == row["classCount"] / row["count"]
    assert row["lift"] == row["confidence"] * 3
    assert row["pValue"] == pytest.approx(np.exp(row["logP"]))


def test_mine_exploratory_adds_unproven_rules_and_changes_no_verdict() -> None:
    proven = mine_rules(planted(linked=True), MineConfig()).rules.to_pylist()
    everything = mine_rules(planted(linked=True), MineConfig(exploratory=True)).rules.to_pylist()
    assert len(everything) > len(proven)
    assert [row for row in everything if row["proven"]] == proven


def test_mine_refuses_a_single_event_type() -> None:
    one = Transactions.from_rows([[0]] * 9, [[0]] * 9, [0] * 9, event_types=TYPES)
    with pytest.raises(MiningError, match=r"one event type, Sport\.Climbing"):
        mine_rules(one, MineConfig())


def test_mine_refuses_transactions_without_labels() -> None:
    none = Transactions.from_rows([[0]], [[0]], [-1], event_types=TYPES)
    with pytest.raises(MiningError, match="no labelled votes among 1 transactions"):
        mine_rules(none, MineConfig())


def test_mine_ignores_unlabelled_votes_unless_they_are_background() -> None:
    labelled = planted(linked=True)
    hidden = replace(labelled, labels=np.where(labelled.labels == 1, -1, 0).astype(np.int32))
    with pytest.raises(MiningError, match="one event type"):
        mine_rules(hidden, MineConfig())
    assert antecedents(hidden, MineConfig(background=True)) == [([0], [0], "Sport.Climbing")]


def test_mine_gives_an_empty_table_where_no_item_is_frequent() -> None:
    rare = Transactions.from_rows(
        [[row] for row in range(8)], [[row] for row in range(8)], [0, 1] * 4, event_types=TYPES
    )
    result = mine_rules(rare, MineConfig())
    assert result.rules.num_rows == 0
    assert result.rules.schema.equals(RULES)


def test_mine_refuses_more_rules_than_fit_and_names_the_nearest_setting_that_does() -> None:
    corpus, config = planted(linked=True), MineConfig(exploratory=True, max_rules=20)
    with pytest.raises(MiningError, match=r"more than the 20 that fit; min_support_count = \d+ leaves") as refusal:
        mine_rules(corpus, config)
    least = int(str(refusal.value.hint).split("=")[1])
    fitting = mine_rules(corpus, config.model_copy(update={"min_support_count": least}))
    assert f"leaves {fitting.rules.num_rows}" in refusal.value.message
    with pytest.raises(MiningError, match="that fit"):
        mine_rules(corpus, config.model_copy(update={"min_support_count": least - 1}))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_mine_refuses_alike_with_any_number_of_threads(threads: int) -> None:
    with pytest.raises(MiningError, match=r"leaves \d+") as alone:
        mine_rules(planted(linked=True), MineConfig(exploratory=True, max_rules=15))
    with pytest.raises(MiningError) as shared:
        mine_rules(planted(linked=True), MineConfig(exploratory=True, max_rules=15), threads=threads)
    assert shared.value.hint == alone.value.hint


def test_mine_with_mlxtend_gives_the_same_table() -> None:
    for exploratory in (False, True):
        fast = mine_rules(planted(linked=True), MineConfig(exploratory=exploratory))
        slow = mine_rules(planted(linked=True), MineConfig(exploratory=exploratory, miner="mlxtend"))
        assert slow.rules.equals(fast.rules)
        assert slow.summary == fast.summary


def test_mine_condenses_what_the_tests_proved_or_all_rules_where_exploratory() -> None:
    votes = planted(linked=True)
    proven = mine_rules(votes, MineConfig()).rules.to_pylist()
    everything = mine_rules(votes, MineConfig(exploratory=True)).rules.to_pylist()
    best = mine_rules(
        votes, MineConfig(exploratory=True, condensed="top_k", top_k=1, top_by="leverage")
    ).rules.to_pylist()
    assert all(row in everything for row in best)
    assert len({row["eventType"] for row in best}) == len(best)
    assert mine_rules(votes, MineConfig(condensed="closed")).rules.to_pylist() == proven
    maximal = mine_rules(votes, MineConfig(exploratory=True, condensed="maximal")).rules.to_pylist()
    assert 0 < len(maximal) < len(everything)


def test_mine_holds_wanted_items_and_not_unwanted_ones() -> None:
    config = MineConfig(exploratory=True, must_have_visual=(0,), must_not_have_text=(0, 1))
    expected = [
        row
        for row in mine_rules(planted(linked=True), MineConfig(exploratory=True)).rules.to_pylist()
        if 0 in row["visual"] and not {0, 1} & set(row["text"])
    ]
    found = mine_rules(planted(linked=True), config).rules.to_pylist()
    assert [(row["visual"], row["text"], row["count"]) for row in found] == [
        (row["visual"], row["text"], row["count"]) for row in expected
    ]
    slow = mine_rules(planted(linked=True), config.model_copy(update={"miner": "mlxtend"}))
    assert slow.rules.to_pylist() == found


@pytest.mark.parametrize(
    "wanted", [{"must_have_visual": (6,)}, {"must_have_visual": (0, 6)}, {"must_have_visual": (6,), "max_len": 4}]
)
def test_mine_finds_nothing_where_a_wanted_item_is_too_rare(wanted: dict[str, object]) -> None:
    votes = planted(linked=True)
    rare = replace(votes, n_visual=7)
    config = MineConfig(exploratory=True, min_lift=0.0).model_copy(update=wanted)
    assert mine_rules(rare, MineConfig(exploratory=True, min_lift=0.0)).rules.num_rows > 0
    assert mine_rules(rare, config).rules.num_rows == 0


def test_mine_gives_the_smallest_p_value_of_types_of_any_size() -> None:
    n = 10_000
    pair = [[0] if row % 2 else [] for row in range(n)]
    votes = Transactions.from_rows(pair, pair, [row % 2 for row in range(n)], event_types=TYPES)
    result = mine_rules(votes, MineConfig(min_lift=0.0, exploratory=True))
    smallest = result.summary["eventTypes"]["Sport.Cycling"]["smallestAttainableLog10P"]
    # All votes of a type and no other hold the pair: one of C(10000, 5000) ways.
    assert smallest == pytest.approx(-math.log10(math.comb(n, n // 2)))
    (row,) = result.rules.to_pylist()
    assert row["logP"] / math.log(10) == pytest.approx(smallest)

"""The family of pairs that chance could link, on tables small enough to check by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import hypergeom

from miner.config import MineConfig
from miner.rules import chance
from miner.rules.census import LocalCensus
from miner.rules.chance import PairFamily, find_family
from miner.rules.mine import mine_rules
from miner.rules.search import bounds_of
from miner.rules.thresholds import ItemChoice, Thresholds
from miner.rules.transactions import Transactions

if TYPE_CHECKING:
    from miner.rules.transactions import Int64s
    from miner.rules.walk import Bounds

TYPES = ("Sport.Climbing", "Sport.Cycling")
HALF = np.log(0.5)


def family(*pairs: tuple[int, int, int, int], label: int = 0) -> PairFamily:
    columns = np.array(pairs, np.int64).reshape(-1, 4).T
    return PairFamily(np.full(len(pairs), label), *columns)


def columns(pairs: PairFamily) -> list[Int64s]:
    return [pairs.labels, pairs.visual_counts, pairs.text_counts, pairs.sizes, pairs.least]


def corpus() -> Transactions:
    """Four votes of each type; visual item 0 and text items 0 and 1 in Climbing, and once together in Cycling."""
    visual = [[0], [0], [0], [1], [0], [1], [1], [1]]
    text = [[0, 1], [0, 1], [0], [1], [0], [], [], []]
    return Transactions.from_rows(visual, text, [0, 0, 0, 0, 1, 1, 1, 1], event_types=TYPES)


def bounds() -> Bounds:
    config = MineConfig(min_support_count=2, min_confidence=0.6, min_lift=0.0)
    return bounds_of(Thresholds.of(config), LocalCensus(corpus()).class_sizes, None)


def test_expected_adds_what_each_pair_can_do() -> None:
    # 2 of 4 votes have each item: they meet twice with p 1/6, and at least once with p 5/6
    pair = family((2, 2, 4, 1))
    assert pair.expected(np.log([0.1, 1 / 6, 0.5, 5 / 6, 1.0])) == pytest.approx([0, 1 / 6, 1 / 6, 5 / 6, 5 / 6])


def test_expected_counts_a_pair_only_where_it_would_be_a_rule() -> None:
    pairs = family((2, 2, 4, 2), (2, 2, 4, 3))
    assert pairs.expected(np.zeros(1)) == pytest.approx([1 / 6])
    assert pairs.n_by_chance == pytest.approx(1 / 6)


def test_expected_of_outcomes_that_hardly_ever_happen_is_not_too_little() -> None:
    pair = family((500, 500, 1000, 300))
    levels = np.array([1e-290, 1e-200, 1e-25, 1e-9])
    tails = hypergeom.sf(np.arange(299, 500), 1000, 500, 500)
    exact = np.array([tails[tails <= level].max() for level in levels])
    expected = pair.expected(np.log(levels))
    assert (expected >= exact * (1 - 1e-9)).all()
    assert expected == pytest.approx(exact, rel=1e-9, abs=1e-30)


def test_q_values_are_what_chance_gives_over_what_is_found() -> None:
    pairs = family((2, 2, 4, 1), (2, 2, 4, 1))
    found = np.log([5 / 6, 1 / 6, 1 / 6])
    # at 1/6: 1/3 expected, two found; at 5/6: 5/3 expected, three found
    assert pairs.q_values(found, np.zeros(3, np.int32), 0.2) == pytest.approx([5 / 9, 1 / 6, 1 / 6])


def test_q_values_of_one_event_type_do_not_pay_for_those_of_another() -> None:
    """A type with 100 links and one with a single surprise: 100 found would make that one look sure."""
    rich, poor = family(*[(20, 20, 60, 5)] * 200), family(*[(20, 20, 60, 5)] * 100, label=1)
    both = PairFamily(*(np.concatenate([own, other]) for own, other in zip(columns(rich), columns(poor), strict=True)))
    met = np.log(hypergeom.sf(np.array([18] * 100 + [11]), 60, 20, 20))
    labels = np.array([0] * 100 + [1], np.int32)
    alone = rich.q_values(met[:100], labels[:100], 0.035)
    q_values = both.q_values(met, labels, 0.035)
    assert q_values[:100] == pytest.approx(2 * alone)
    assert q_values[:100].max() < 0.001
    expected = poor.expected(met[100:])[0]
    assert 0.035 < expected < 0.5
    assert q_values[100] == pytest.approx(min(1.0, 2 * expected))


def test_q_values_never_fall_with_the_p_value() -> None:
    pairs = family(*[(20, 20, 60, 5)] * 50)
    met = np.log(hypergeom.sf(np.array([17, 6, 9, 12, 4]), 60, 20, 20))
    q_values = pairs.q_values(met, np.zeros(5, np.int32), 0.05)
    assert (np.diff(q_values[np.argsort(met)]) >= 0).all()
    assert q_values.max() <= 1


def test_find_family_knows_the_least_count_from_votes_of_other_types() -> None:
    found = find_family(LocalCensus(corpus()), bounds(), np.log(0.3), ItemChoice(), 2)
    assert found is not None
    rows = zip(
        *(column.tolist() for column in (found.visual_counts, found.text_counts, found.sizes, found.least)), strict=True
    )
    # Climbing, visual 0 with text 0: once in Cycling, and 3 of the 4 votes with both has p 0.24 (2 of 3: 0.5); with text 1: 2 of 2, 0.21
    assert sorted(rows) == [(3, 3, 4, 2), (3, 3, 4, 3)]


def test_find_family_holds_the_pairs_that_are_asked_for() -> None:
    def n_pairs(items: ItemChoice) -> int:
        found = find_family(LocalCensus(corpus()), bounds(), np.log(0.3), items, 2)
        assert found is not None
        return len(found)

    assert n_pairs(ItemChoice(must_have_text=(1,))) == 1
    assert n_pairs(ItemChoice(must_not_have_visual=(0,))) == 0
    assert n_pairs(ItemChoice(must_have_text=(0, 1))) == 0


def test_mine_does_without_a_family_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    there = rng.random(200) < 0.3
    labels = (~there | (rng.random(200) < 0.1)).astype(int).tolist()
    items = [[0] if own else [] for own in there]
    votes = Transactions.from_rows(items, items, labels, event_types=TYPES)
    counted = mine_rules(votes, MineConfig()).summary
    monkeypatch.setattr(chance, "MOST_PAIRS", 0)
    uncounted = mine_rules(votes, MineConfig()).summary
    assert counted["pairsAssociatedByChance"] > 0
    assert uncounted["pairsAssociatedByChance"] is None
    assert counted["pairsAssociated"] == uncounted["pairsAssociated"] == 1

"""Votes with several regions: rules and counts equal those of brute force over regions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from miner.config import MineConfig
from miner.errors import MiningError
from miner.rules.mine import mine_rules
from miner.rules.regions import has_regions
from miner.rules.transactions import Transactions
from tests.oracle import itemsets

TYPES = ("A.One", "B.Two")
Vote = tuple[list[frozenset[tuple[str, int]]], int]


@st.composite
def regional(draw: st.DrawFn) -> Transactions:
    """Votes with one to three regions; regions of a vote share its words and lie anywhere in the table."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_votes = draw(st.integers(10, 60))
    visual, text, labels, groups = [], [], [], []
    for vote in range(n_votes):
        label = vote if vote < 2 else int(rng.integers(-1, 2))
        words = np.flatnonzero(rng.random(3) < 0.5).tolist()
        for _ in range(int(rng.integers(1, 4))):
            visual.append(np.flatnonzero(rng.random(4) < (0.6 if label == 0 else 0.3)).tolist())
            text.append(words)
            labels.append(label)
            groups.append(vote // 2)
    rows = Transactions.from_rows(visual, text, labels, event_types=TYPES)
    return replace(rows, groups=np.array(groups)).select(rng.permutation(len(labels)))


def votes_of(corpus: Transactions) -> list[Vote]:
    """The regions of each labelled vote."""
    regions: dict[tuple[int, int], list[frozenset[tuple[str, int]]]] = defaultdict(list)
    visual = np.split(corpus.visual_indices, corpus.visual_indptr[1:-1])
    text = np.split(corpus.text_indices, corpus.text_indptr[1:-1])
    for row, label in enumerate(corpus.labels.tolist()):
        items = {("v", int(item)) for item in visual[row]} | {("x", int(item)) for item in text[row]}
        if label >= 0:
            regions[int(corpus.groups[row]), label].append(frozenset(items))
    return [(held, label) for (_, label), held in regions.items()]


def matches(vote: Vote, items: frozenset[tuple[str, int]]) -> bool:
    return any(items <= region for region in vote[0])


@settings(max_examples=60, deadline=None)
@given(
    regional(),
    st.builds(
        partial(MineConfig, exploratory=True),
        min_support_count=st.integers(1, 4),
        min_support=st.sampled_from([0.0, 0.2]),
        min_confidence=st.sampled_from([0.3, 0.6]),
        min_lift=st.sampled_from([0.0, 1.2]),
        max_len=st.integers(2, 4),
    ),
)
def test_rules_of_regions_equal_those_of_brute_force(corpus: Transactions, config: MineConfig) -> None:
    votes = votes_of(corpus)
    sizes = [sum(label == own for _, own in votes) for label in range(2)]
    expected = {}
    for items in itemsets(corpus, config.max_len):
        held = [label for vote in votes if matches(vote, items) for label in [vote[1]]]
        for label, name in enumerate(TYPES):
            both = held.count(label)
            if (
                both >= config.min_support_count
                and len(held) / len(votes) >= config.min_support
                and both / len(held) >= config.min_confidence
                and both * len(votes) / (len(held) * sizes[label]) >= config.min_lift
            ):
                expected[items, name] = (both, len(held))
    result = mine_rules(corpus, config)
    rows = result.rules.to_pylist()
    found = {}
    for row in rows:
        items = frozenset(("v", item) for item in row["visual"]) | frozenset(("x", item) for item in row["text"])
        found[items, row["eventType"]] = (row["classCount"], row["count"])
        size = sizes[TYPES.index(row["eventType"])]
        tail = hypergeom.sf(row["classCount"] - 1, len(votes), size, row["count"])
        assert row["pValue"] == pytest.approx(tail, rel=1e-9)
    assert found == expected
    assert result.summary["votes"] == corpus.n_labelled == len(votes)


@settings(max_examples=20, deadline=None)
@given(regional())
def test_one_region_per_vote_changes_nothing(corpus: Transactions) -> None:
    first = np.unique(np.stack([corpus.groups, corpus.labels]), axis=1, return_index=True)[1]
    single = corpus.select(np.sort(first))
    assert not has_regions(single)
    repeated = single.select(np.repeat(np.arange(len(single)), 2))
    config = MineConfig(exploratory=True, min_support_count=1, min_lift=1.0)
    alone, twice = mine_rules(single, config), mine_rules(repeated, config)
    assert twice.rules.drop_columns(["proven"]).equals(alone.rules.drop_columns(["proven"]))
    assert twice.rules.equals(alone.rules)


def test_only_rules_of_regions_count_against_the_most_that_fit() -> None:
    rng = np.random.default_rng(0)
    visual, text = ([np.flatnonzero(row).tolist() for row in rng.random((600, n_items)) < 0.4] for n_items in (10, 8))
    rows = Transactions.from_rows(visual, text, (np.arange(600) // 2 % 2).tolist(), event_types=TYPES)
    regional = replace(rows, groups=np.arange(600) // 2)
    config = MineConfig(min_support_count=3, min_confidence=0.95, min_lift=0.0, exploratory=True, max_len=4)
    n_rules = mine_rules(regional, config).rules.num_rows
    assert n_rules > 1
    assert mine_rules(regional, config.model_copy(update={"max_rules": n_rules})).rules.num_rows == n_rules
    with pytest.raises(
        MiningError, match=f"{n_rules:,} rules reach the thresholds, more than the {n_rules - 1:,} that fit"
    ):
        mine_rules(regional, config.model_copy(update={"max_rules": n_rules - 1}))


def test_mlxtend_refuses_regions() -> None:
    rows = Transactions.from_rows([[0], [1], [0]], [[0], [0], [0]], [0, 0, 1], event_types=TYPES)
    with pytest.raises(Exception, match="regions"):
        mine_rules(replace(rows, groups=np.array([0, 0, 1])), MineConfig(miner="mlxtend"))

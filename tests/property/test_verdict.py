"""The verdict on every rule against brute force with scipy's distribution."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, hypergeom

from miner.config import MineConfig
from miner.rules.mine import mine_rules
from miner.rules.transactions import Transactions
from tests.oracle import itemsets, votes

if TYPE_CHECKING:
    from collections.abc import Iterable

TYPES = ("A.One", "B.Two")
Item = tuple[str, int]
Row = dict[str, Any]


def tail(n_hit: int, n_drawn: int, n_good: int, n_all: int) -> float:
    return float(hypergeom.sf(n_hit - 1, n_all, n_good, n_drawn))


@st.composite
def corpora(draw: st.DrawFn) -> Transactions:
    """Small corpora with a cue of the first type in the pictures, one in the words, and a link between them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_rows = draw(st.integers(30, 120))
    labels = rng.integers(0, 2, n_rows)
    labels[:2] = [0, 1]
    holds = rng.random((n_rows, 5)) < 0.4
    cue = (labels == 0) & (rng.random(n_rows) < 0.6)
    holds[:, 0] = cue | (rng.random(n_rows) < 0.1)
    holds[:, 3] = (cue if draw(st.booleans()) else labels == 0) & (rng.random(n_rows) < 0.8)
    return Transactions.from_rows(
        [np.flatnonzero(row[:3]).tolist() for row in holds],
        [np.flatnonzero(row[3:]).tolist() for row in holds],
        labels.tolist(),
        event_types=TYPES,
    )


configs = st.builds(
    partial(MineConfig, exploratory=True),
    min_support_count=st.integers(1, 3),
    min_confidence=st.sampled_from([0.3, 0.6]),
    min_lift=st.sampled_from([0.0, 1.2]),
    max_len=st.integers(2, 4),
    family_wise=st.sampled_from([0.05, 0.5]),
    link_fdr=st.sampled_from([0.05, 0.5]),
    item_alpha=st.sampled_from([0.05, 0.3]),
)


def counts(rows: Iterable[tuple[frozenset[Item], int]], items: frozenset[Item], label: int) -> tuple[int, int]:
    """Votes with the items: of the type, of all."""
    matching = [own for held, own in rows if items <= held]
    return matching.count(label), len(matching)


def items_of(row: Row) -> frozenset[Item]:
    return frozenset(("v", item) for item in row["visual"]) | frozenset(("x", item) for item in row["text"])


@settings(max_examples=60, deadline=None)
@given(corpora(), configs)
def test_family_wise_error_of_each_length_is_bounded(corpus: Transactions, config: MineConfig) -> None:
    rows = votes(corpus)
    summary = mine_rules(corpus, config).summary
    sizes = [sum(own == label for _, own in rows) for label in range(2)]
    for length in range(2, config.max_len + 1):
        level = summary["level"][str(length)]
        tests = 0
        for items in itemsets(corpus, length):
            n_votes = counts(rows, items, 0)[1] if len(items) == length else 0
            if n_votes >= config.min_support_count:
                tests += sum(tail(min(n_votes, size), min(n_votes, size), size, len(rows)) <= level for size in sizes)
        assert level * tests <= config.family_wise / (config.max_len - 1) * (1 + 1e-9)


@settings(max_examples=40, deadline=None)
@given(corpora(), configs)
def test_family_wise_error_of_links_by_margins_is_bounded(corpus: Transactions, config: MineConfig) -> None:
    rows = votes(corpus)
    levels = mine_rules(corpus, config).summary["linkLevel"]
    for length in range(2, config.max_len + 1):
        level, tests = levels[str(length)], 0
        for items in itemsets(corpus, length):
            for label in range(2) if len(items) == length else ():
                size, n_visual, n_text = (counts(rows, part, label)[0] for part in (frozenset(), *parts(items)))
                least = tail(min(n_visual, n_text), n_visual, n_text, size)
                tests += min(n_visual, n_text) >= config.min_support_count and least <= level
        assert level * tests <= 0.1 * config.link_fdr / (config.max_len - 1) * (1 + 1e-9)


def parts(items: frozenset[Item]) -> tuple[frozenset[Item], frozenset[Item]]:
    """The visual and the textual part."""
    visual = frozenset(item for item in items if item[0] == "v")
    return visual, items - visual


@settings(max_examples=60, deadline=None)
@given(corpora(), configs)
def test_verdicts_equal_those_of_brute_force(corpus: Transactions, config: MineConfig) -> None:
    rows = votes(corpus)
    result = mine_rules(corpus, config)
    levels = result.summary["level"]
    sizes = {name: sum(TYPES[own] == name for _, own in rows) for name in TYPES}
    associated = []
    for row in result.rules.to_pylist():
        items, size = items_of(row), sizes[row["eventType"]]
        p_value = tail(row["classCount"], row["count"], size, len(rows))
        assert row["pValue"] == pytest.approx(p_value, rel=1e-9)
        assert 0 <= row["qValue"] <= 1
        passed = row["logP"] <= math.log(levels[str(len(items))])
        assert passed == (row["qLink"] is not None)
        if passed:
            associated.append(row)
    p_links = [link_p(row, rows, config, levels[str(len(items_of(row)))]) for row in associated]
    lengths = [len(items_of(row)) for row in associated]
    by_chance = chance_rates(corpus, associated, config, levels["2"])
    if by_chance is not None:
        p_links = [4.5 * p if length == 2 else p for p, length in zip(p_links, lengths, strict=True)]
    for row, conditional in zip(associated, layered(p_links, lengths), strict=True):
        margin_level = result.summary["linkLevel"][str(len(items_of(row)))]
        q_link = min(conditional / 0.9, config.link_fdr * met_p(row, rows) / margin_level, 1.0)
        if len(items_of(row)) == 2 and by_chance is not None:
            q_link = min(q_link, by_chance[items_of(row), row["eventType"]] / 0.7)
        assert row["qLink"] == pytest.approx(q_link, rel=1e-6)
        linked = row["qLink"] <= config.link_fdr
        assert linked == (row["pItem"] is not None)
        if linked:
            worst = worst_item(row, rows)
            assert row["proven"] == (worst <= config.item_alpha)
            assert row["pItem"] <= worst * (1 + 1e-9)
            if row["proven"]:
                assert row["pItem"] == pytest.approx(worst, rel=1e-9)


def link_p(row: Row, rows: list[tuple[frozenset[Item], int]], config: MineConfig, level: float) -> float:
    """P(A >= a) / P(A >= a*), a* the least class count that would have passed the thresholds and (a)."""
    label = TYPES.index(row["eventType"])
    size = sum(own == label for _, own in rows)
    others = row["count"] - row["classCount"]
    chosen = next(
        both
        for both in range(config.min_support_count, row["classCount"] + 1)
        if both / (both + others) >= config.min_confidence
        and both * len(rows) / ((both + others) * size) >= config.min_lift
        and (both == row["classCount"] or tail(both, both + others, size, len(rows)) <= level)
    )
    n_visual, n_text = (counts(rows, part, label)[0] for part in parts(items_of(row)))
    return met_p(row, rows) / tail(chosen, n_visual, n_text, size)


def chance_rates(
    corpus: Transactions, associated: list[Row], config: MineConfig, level: float
) -> dict[tuple[frozenset[Item], str], float] | None:
    """Expected over found within each type, the types selected by Benjamini and Hochberg; none where no pair could be a rule."""
    outcomes = [chance_outcomes(corpus, label, config, level) for label in range(2)]
    n_types = sum(map(bool, outcomes))
    if not n_types:
        return None
    rows = votes(corpus)
    pairs = [row for row in associated if len(items_of(row)) == 2]
    rates: dict[tuple[frozenset[Item], str], float] = {}
    for label, name in enumerate(TYPES):
        met = {items_of(row): met_p(row, rows) for row in pairs if row["eventType"] == name}
        at = {
            p: sum(chance for own, chance in outcomes[label] if own <= p * (1 + 1e-8))
            / sum(own <= p * (1 + 1e-8) for own in met.values())
            for p in met.values()
        }
        rates |= {(key, name): min(at[p2] for p2 in at if p2 >= p * (1 - 1e-8)) for key, p in met.items()}
    best = sorted(min(own) for name in TYPES if (own := [rate for (_, of), rate in rates.items() if of == name]))
    passing = [k for k, rate in enumerate(best, 1) if rate <= 0.7 * config.link_fdr * k / n_types]
    return {key: min(1.0, rate * n_types / max([1, *passing])) for key, rate in rates.items()}


def chance_outcomes(corpus: Transactions, label: int, config: MineConfig, level: float) -> list[tuple[float, float]]:
    """The p-value and probability of every number of meetings with which some pair of a type would be a rule that passes (a)."""
    rows = votes(corpus)
    outcomes: list[tuple[float, float]] = []
    for items in itemsets(corpus, 2):
        size, n_visual, n_text, both = (counts(rows, part, label)[0] for part in (frozenset(), *parts(items), items))
        others = counts(rows, items, label)[1] - both
        possible = [
            met
            for met in range(max(1, config.min_support_count), min(n_visual, n_text) + 1)
            if met / (met + others) >= config.min_confidence
            and met * len(rows) / ((met + others) * size) >= config.min_lift
            and tail(met, met + others, size, len(rows)) <= level
        ]
        for met in range(min(possible), min(n_visual, n_text) + 1) if possible else ():
            here = tail(met, n_visual, n_text, size)
            outcomes.append((here, here - tail(met + 1, n_visual, n_text, size)))
    return outcomes


def met_p(row: Row, rows: list[tuple[frozenset[Item], int]]) -> float:
    """P(A >= a) within the type, however the rule was chosen."""
    label = TYPES.index(row["eventType"])
    n_visual, n_text = (counts(rows, part, label)[0] for part in parts(items_of(row)))
    return tail(row["classCount"], n_visual, n_text, sum(own == label for _, own in rows))


def layered(p_values: list[float], lengths: list[int]) -> list[float]:
    """Benjamini-Hochberg with each non-empty length given the same share: p times lengths times tests of its length."""
    if not p_values:
        return []
    n_layers = len(set(lengths))
    weighted = [p * n_layers * lengths.count(own) / len(lengths) for p, own in zip(p_values, lengths, strict=True)]
    order = np.argsort(weighted, kind="stable")
    ranked = np.array(weighted)[order] * len(weighted) / np.arange(1, len(weighted) + 1)
    out = np.empty(len(weighted))
    out[order] = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 1.0)
    if n_layers == 1:
        np.testing.assert_allclose(out, false_discovery_control(np.minimum(p_values, 1.0)), rtol=1e-9)
    return [float(value) for value in out]


def worst_item(row: Row, rows: list[tuple[frozenset[Item], int]]) -> float:
    label = TYPES.index(row["eventType"])
    tails = []
    for item in items_of(row):
        both, n_votes = counts(rows, items_of(row) - {item}, label)
        tails.append(tail(row["classCount"], row["count"], both, n_votes))
    return max(tails)


@settings(max_examples=30, deadline=None)
@given(corpora(), configs, st.integers(2, 3))
def test_results_do_not_depend_on_threads(corpus: Transactions, config: MineConfig, threads: int) -> None:
    alone, shared = mine_rules(corpus, config), mine_rules(corpus, config, threads=threads)
    assert shared.rules.equals(alone.rules)
    assert shared.summary == alone.summary

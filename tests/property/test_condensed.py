"""Wanted items and condensed rules: the engine drops in its walk what the definitions drop from all rules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.config import MineConfig
from miner.errors import MiningError
from miner.rules.collect import optimistic
from miner.rules.condense import Condensing
from miner.rules.measures import MEASURES
from miner.rules.reference import MlxtendMiner
from miner.rules.search import BitmapMiner
from miner.rules.thresholds import ItemChoice, Thresholds
from miner.rules.transactions import Transactions
from tests.oracle import as_found, brute_force
from tests.property.test_miners import TYPES, corpora, rounded, thresholds

if TYPE_CHECKING:
    from tests.oracle import ExactThresholds, Found

MEASURE_NAMES = st.sampled_from(sorted(MEASURES))


@st.composite
def choices(draw: st.DrawFn, n_visual: int, n_text: int) -> ItemChoice:
    """Some wanted and some unwanted items that do not contradict each other."""
    kinds = []
    for n_items in (n_visual, n_text):
        order = draw(st.permutations(range(n_items)))
        n_wanted = draw(st.integers(0, min(2, n_items)))
        kinds.append((order[:n_wanted], order[n_wanted : n_wanted + draw(st.integers(0, 2))]))
    (visual, no_visual), (text, no_text) = kinds
    return ItemChoice(tuple(visual), tuple(text), tuple(no_visual), tuple(no_text))


def least_items(items: ItemChoice) -> int:
    return sum(max(1, number) for number in items.n_forced)


def allowed(rule: Found, items: ItemChoice) -> bool:
    _, visual, text, _, _ = rule
    return (
        set(items.must_have_visual) <= set(visual)
        and set(items.must_have_text) <= set(text)
        and not set(items.must_not_have_visual) & set(visual)
        and not set(items.must_not_have_text) & set(text)
    )


@settings(max_examples=200, deadline=None)
@given(st.data(), corpora(), thresholds())
def test_wanted_items_are_those_of_brute_force(
    data: st.DataObject, corpus: Transactions, exact: ExactThresholds
) -> None:
    items = data.draw(choices(corpus.n_visual, corpus.n_text))
    limits = replace(rounded(exact), items=items)
    if least_items(items) > exact.max_len:
        with pytest.raises(MiningError, match="hold all wanted items"):
            BitmapMiner().mine(corpus, limits)
        return
    found = as_found(BitmapMiner().mine(corpus, limits, threads=data.draw(st.sampled_from([1, 2]))), TYPES)
    assert set(found) == {rule for rule in brute_force(corpus, exact) if allowed(rule, items)}
    assert len(found) == len(set(found))


@settings(max_examples=30, deadline=None)
@given(st.data(), corpora(), thresholds())
def test_mlxtend_honours_wanted_items(data: st.DataObject, corpus: Transactions, exact: ExactThresholds) -> None:
    items = data.draw(choices(corpus.n_visual, corpus.n_text).filter(lambda items: least_items(items) <= exact.max_len))
    limits = replace(rounded(exact), items=items)
    assert as_found(MlxtendMiner().mine(corpus, limits), TYPES) == as_found(BitmapMiner().mine(corpus, limits), TYPES)


def holds(longer: Found, shorter: Found) -> bool:
    """Tell whether one antecedent is a proper part of another of the same event type."""
    inside = set(shorter[1]) <= set(longer[1]) and set(shorter[2]) <= set(longer[2])
    return inside and longer[0] == shorter[0] and longer[1:3] != shorter[1:3]


def condensed(rules: set[Found], wanted: Condensing, corpus: Transactions) -> set[Found]:
    """The definitions, word by word."""
    if wanted.kind == "closed":
        return {rule for rule in rules if not any(holds(other, rule) and other[3:] == rule[3:] for other in rules)}
    if wanted.kind == "maximal":
        return {rule for rule in rules if not any(holds(other, rule) for other in rules)}
    sizes = np.bincount(corpus.labels[corpus.labels >= 0], minlength=len(TYPES))

    def rank(rule: Found) -> tuple[float, int, int, list[int]]:
        name, visual, text, both, count = rule
        value = float(MEASURES[wanted.by](both, count, sizes[TYPES.index(name)], sizes.sum()))
        return -value, -both, len(visual) + len(text), [*visual, *(100 + item for item in text)]

    return {rule for name in TYPES for rule in sorted((r for r in rules if r[0] == name), key=rank)[: wanted.k]}


@settings(max_examples=300, deadline=None)
@given(
    corpora(),
    thresholds(),
    st.sampled_from(["closed", "maximal", "top_k"]),
    st.integers(1, 12),
    MEASURE_NAMES,
    st.sampled_from([1, 2]),
)
def test_condensed_rules_are_those_of_the_definitions(
    corpus: Transactions, exact: ExactThresholds, kind: str, k: int, by: str, threads: int
) -> None:
    wanted = Condensing(kind, k, by)  # type: ignore[arg-type]
    found = as_found(BitmapMiner(condensing=wanted).mine(corpus, rounded(exact), threads=threads), TYPES)
    assert set(found) == condensed(brute_force(corpus, exact), wanted, corpus)
    assert len(found) == len(set(found))


@settings(max_examples=30, deadline=None)
@given(st.data(), corpora(), thresholds(), st.sampled_from(["closed", "maximal", "top_k"]), MEASURE_NAMES)
def test_condensed_rules_are_mlxtends_with_wanted_items_too(
    data: st.DataObject, corpus: Transactions, exact: ExactThresholds, kind: str, by: str
) -> None:
    items = data.draw(choices(corpus.n_visual, corpus.n_text).filter(lambda items: least_items(items) <= exact.max_len))
    wanted, limits = Condensing(kind, 3, by), replace(rounded(exact), items=items)  # type: ignore[arg-type]
    fast = as_found(BitmapMiner(condensing=wanted).mine(corpus, limits), TYPES)
    assert fast == as_found(MlxtendMiner(condensing=wanted).mine(corpus, limits), TYPES)


@given(MEASURE_NAMES, st.integers(1, 300), st.integers(1, 300), st.data())
def test_no_rule_exceeds_the_bound_of_its_class_count(by: str, size: int, others: int, data: st.DataObject) -> None:
    both = data.draw(st.integers(1, size))
    count = both + data.draw(st.integers(0, others))
    limit = optimistic(by, size, size + others)
    assert MEASURES[by](both, count, size, size + others) <= limit[both]
    assert np.all(np.diff(limit[1:][np.isfinite(limit[1:])]) >= 0)


def test_every_measure_can_be_chosen() -> None:
    assert set(get_args(MineConfig.model_fields["top_by"].annotation)) == set(MEASURES)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"kind": "short"}, "condensed = short does not exist: allowed are all, closed, maximal, top_k"),
        ({"by": "beauty"}, "top_by = beauty is no measure: allowed are support, confidence, lift"),
        ({"k": 0}, "top_k = 0 is out of range: allowed is 1 or more"),
    ],
)
def test_what_cannot_be_wanted_is_named(wanted: dict[str, object], message: str) -> None:
    with pytest.raises(MiningError, match=message):
        Condensing(**wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (ItemChoice(must_have_visual=(9,)), "there is no visual item 9: allowed is 0 to 1"),
        (ItemChoice(must_not_have_text=(-1,)), "there is no text item -1: allowed is 0 to 1"),
        (ItemChoice(must_have_text=(1,), must_not_have_text=(1,)), "text item 1 stands in both"),
    ],
)
def test_items_that_cannot_be_wanted_are_named(items: ItemChoice, message: str) -> None:
    corpus = Transactions.from_rows([[0, 1]] * 4, [[0, 1]] * 4, [0, 1, 0, 1], event_types=TYPES)
    with pytest.raises(MiningError, match=message):
        BitmapMiner().mine(corpus, Thresholds(items=items))

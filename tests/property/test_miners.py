"""The engines find what brute force finds, ties at the thresholds included."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.rules.reference import MlxtendMiner
from miner.rules.search import BitmapMiner
from miner.rules.thresholds import Thresholds
from miner.rules.transactions import Transactions
from tests.oracle import ExactThresholds, as_found, brute_force

if TYPE_CHECKING:
    from random import Random

TYPES = ("A.One", "B.Two", "C.Three")


@st.composite
def corpora(draw: st.DrawFn) -> Transactions:
    n_rows = draw(st.one_of(st.integers(1, 40), st.integers(60, 70), st.integers(120, 400)))
    density = draw(st.sampled_from([0.2, 0.5, 0.8]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_visual, n_text = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    visual = [np.flatnonzero(row).tolist() for row in rng.random((n_rows, n_visual)) < density]
    text = [np.flatnonzero(row).tolist() for row in rng.random((n_rows, n_text)) < density]
    labels = rng.integers(draw(st.sampled_from([-1, 0])), len(TYPES), n_rows).tolist()
    labels[0] = 0
    return Transactions.from_rows(visual, text, labels, event_types=TYPES)


@st.composite
def thresholds(draw: st.DrawFn) -> ExactThresholds:
    """Fractions of small whole numbers, so that counts meet them exactly again and again."""
    shares = st.fractions(min_value=0, max_value=1, max_denominator=12)
    return ExactThresholds(
        min_support=draw(shares),
        min_class_count=draw(st.integers(1, 4)),
        min_confidence=draw(shares.filter(lambda share: share > 0)),
        min_lift=draw(st.sampled_from([Fraction(0), Fraction(1), Fraction(6, 5), Fraction(2)])),
        max_len=draw(st.integers(2, 5)),
    )


def rounded(exact: ExactThresholds) -> Thresholds:
    return Thresholds(
        min_support=float(exact.min_support),
        min_class_count=exact.min_class_count,
        min_confidence=float(exact.min_confidence),
        min_lift=float(exact.min_lift),
        max_len=exact.max_len,
    )


@settings(max_examples=250, deadline=None)
@given(corpora(), thresholds())
def test_bitmap_miner_finds_exactly_what_brute_force_finds(corpus: Transactions, exact: ExactThresholds) -> None:
    found = as_found(BitmapMiner().mine(corpus, rounded(exact)), TYPES)
    assert found == sorted(found, key=lambda rule: (rule[0], list(rule[1]) + [100 + item for item in rule[2]]))
    assert set(found) == brute_force(corpus, exact)
    assert len(found) == len(set(found))


@settings(max_examples=40, deadline=None)
@given(corpora(), thresholds())
def test_mlxtend_miner_agrees_rule_by_rule(corpus: Transactions, exact: ExactThresholds) -> None:
    reference = as_found(MlxtendMiner().mine(corpus, rounded(exact)), TYPES)
    assert reference == as_found(BitmapMiner().mine(corpus, rounded(exact)), TYPES)


@settings(max_examples=40, deadline=None)
@given(corpora(), thresholds(), st.integers(2, 4))
def test_bitmap_miner_gives_the_same_with_any_number_of_threads(
    corpus: Transactions, exact: ExactThresholds, threads: int
) -> None:
    alone = BitmapMiner().mine(corpus, rounded(exact))
    shared = BitmapMiner().mine(corpus, rounded(exact), threads=threads)
    assert as_found(shared, TYPES) == as_found(alone, TYPES)


@settings(max_examples=40, deadline=None)
@given(corpora(), thresholds(), st.randoms(use_true_random=False))
def test_bitmap_miner_does_not_depend_on_the_order_of_votes(
    corpus: Transactions, exact: ExactThresholds, random: Random
) -> None:
    order = list(range(len(corpus)))
    random.shuffle(order)
    shuffled = corpus.select(np.array(order, np.int64))
    assert as_found(BitmapMiner().mine(shuffled, rounded(exact)), TYPES) == as_found(
        BitmapMiner().mine(corpus, rounded(exact)), TYPES
    )

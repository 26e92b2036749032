from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from miner.patterns.candidates import CUT_RULES
from reports.dropped import Step, list_steps
from tests.report_fakes import drawn_source, fake_inputs

if TYPE_CHECKING:
    from reports.inputs import ReportInputs


@pytest.fixture(scope="module")
def inputs() -> ReportInputs:
    counters = {
        "rules": {
            "eventTypes": {
                "A": {"rules": 90, "associated": 50, "linked": 20, "proven": 12},
                "B": {"rules": 10, "associated": 10, "linked": 3, "proven": 3},
            }
        },
        "captions": {"vocabulary": 60, "rareWords": 25, "withoutVector": 4},
        "patterns": {"too few photo groups": 2, "a new reason": 1, CUT_RULES: 5},
        "split": {"heldOut": 48, "training": 72},
        "visual items": {"items": 2280, "neverFire": 30},
    }
    return replace(fake_inputs(drawn_source(), n_patterns=4), counters=counters, masked_words=["mark"])


def steps(inputs: ReportInputs) -> dict[str, Step]:
    return {step.name: step for step in list_steps(inputs, n_shown=100)}


def test_steps_add_up(inputs: ReportInputs) -> None:
    found = steps(inputs)
    assert len(found) == 12
    for step in found.values():
        assert step.before - step.kept == sum(count for _, count in step.reasons), step.name


def test_steps_of_rules_lose_them_test_by_test(inputs: ReportInputs) -> None:
    """Of 100 rules 60 point to their type, 23 are linked as well, 15 proven."""
    rules = steps(inputs)["Rules"]
    assert (rules.before, rules.kept) == (100, 15)
    assert [count for _, count in rules.reasons] == [40, 37, 8]
    assert rules.share == 15.0


def test_steps_count_proven_rules_that_were_not_asked_for(inputs: ReportInputs) -> None:
    rules = steps(replace(inputs, rules=inputs.rules.slice(0, 9)))["Rules"]
    assert rules.kept == 9
    assert rules.reasons[-1][1] == 6


def test_steps_of_words_count_hidden_rare_and_unknown_ones(inputs: ReportInputs) -> None:
    words = steps(inputs)["Different words"]
    assert (words.before, words.kept) == (86, 56)
    assert [count for _, count in words.reasons] == [1, 25, 4]


def test_steps_say_how_many_rules_are_in_patterns(inputs: ReportInputs) -> None:
    """Three types of four patterns, each with two members of seven rules."""
    members = steps(inputs)["Rules in patterns"]
    assert (members.before, members.kept) == (84, 24)
    assert [count for _, count in members.reasons] == [5, 55]


def test_steps_explain_reasons_and_keep_those_they_do_not_know(inputs: ReportInputs) -> None:
    reasons = dict(steps(inputs)["Merged rules"].reasons)
    assert reasons == {"evidence from too few different photographs": 2, "a new reason": 1}


def test_steps_without_counts_are_left_out(inputs: ReportInputs) -> None:
    found = steps(replace(inputs, counters={}))
    assert "Records" in found
    assert {"Rules", "Visual items", "Different words", "Records for mining"}.isdisjoint(found)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from miner.patterns.assemble import PATTERNS
from miner.patterns.evidence import EVIDENCE
from miner.patterns.typical import TYPICAL, describe_event, typical_rows
from tests.kb_run import pattern_row

if TYPE_CHECKING:
    from collections.abc import Iterable

N = 20
"""Votes of the event type, of 40."""


def rows_of(**patterns: tuple[Iterable[int], str | None]) -> list[dict[str, Any]]:
    """Return the typical rows of patterns, each with the photo groups that support it and its role."""
    rows: list[dict[str, Any]] = []
    evidence: list[dict[str, Any]] = []
    for name, (groups, role) in patterns.items():
        own = list(groups)
        numbers = {"classCount": len(own), "support": len(own) / 40, "confidence": 0.8, "lift": 0.8 / (N / 40)}
        roles = [{"role": role, "score": 0.7}] if role else []
        rows.append(pattern_row(name, "A", 1, name) | numbers | {"role": role, "roles": roles})
        place = {"pattern": name, "record": "r", "image": "i", "box": [0.0, 0.0, 1.0, 1.0], "score": 1.0}
        evidence.extend(place | {"group": group} for group in own)
    found = typical_rows(pa.Table.from_pylist(rows, schema=PATTERNS), pa.Table.from_pylist(evidence, schema=EVIDENCE))
    return list(pa.Table.from_pylist(found, schema=TYPICAL).to_pylist())


def test_typical_rows_put_the_commonest_roles_and_fillers_first() -> None:
    found = rows_of(
        smoke=(range(12), None),
        banner=(range(4), "Instrument"),
        flag=(range(2, 8), "Instrument"),
        crowd=(range(6), "Entity"),
    )
    assert [(row["role"], row["name"], row["share"]) for row in found] == [
        ("Instrument", "flag", 0.3),
        ("Instrument", "banner", 0.2),
        ("Entity", "crowd", 0.3),
        (None, "smoke", 0.6),
    ]
    # banners and flags are together in 8 of 20 pictures
    assert [row["roleShare"] for row in found] == pytest.approx([0.4, 0.4, 0.3, 0.6])
    assert [row["position"] for row in found] == [1, 2, 3, 4]
    assert [row["roleScore"] for row in found] == [0.7, 0.7, 0.7, None]


def test_typical_rows_name_what_comes_together_more_often_than_by_chance() -> None:
    found = {
        row["name"]: row["together"] for row in rows_of(a=(range(5), "R"), b=(range(1, 6), "R"), c=(range(10), "R"))
    }
    (with_b, with_c) = found["a"]
    assert (with_b["name"], with_b["count"], with_b["lift"]) == ("b", 4, pytest.approx(4 * 20 / 25))
    # 4 or more of 5 among 5 of 20: (5 * 15 + 1) / 15504
    assert with_b["pValue"] == pytest.approx(76 / 15504)
    assert (with_c["name"], with_c["lift"]) == ("c", pytest.approx(2.0))
    assert rows_of(a=(range(10), "R"), b=(range(5, 15), "R"))[0]["together"] == []


def test_typical_rows_ask_the_more_of_a_pair_the_more_pairs_there_are() -> None:
    pair: dict[str, tuple[Iterable[int], str | None]] = {"a": (range(4), "R"), "b": (range(1, 5), "R")}
    assert len(rows_of(**pair)[0]["together"]) == 1
    others: dict[str, tuple[Iterable[int], str | None]] = {f"c{at}": ([at, at + 6, at + 12], "R") for at in range(2, 7)}
    assert [row["together"] for row in rows_of(**pair, **others)] == [[]] * 7


def test_typical_rows_tell_how_many_items_two_patterns_share() -> None:
    (together,) = rows_of(a=(range(5), "R"), b=(range(5), "R"))[0]["together"]
    assert together["sharedItems"] == 2


def test_typical_rows_do_not_pair_what_meets_twice_only() -> None:
    assert rows_of(a=(range(2), "R"), b=(range(2), "R"))[0]["together"] == []


def test_description_is_a_sentence_an_analyst_reads() -> None:
    text = describe_event(
        rows_of(crowd=(range(12), "Entity"), banners=(range(8, 14), "Instrument"), smoke=(range(3), None)), "a protest"
    )
    assert text.startswith("In a protest one typically sees crowd in 60% (Entity); banners in 30% (Instrument).")
    assert "Also seen: smoke in 15%." in text


def test_description_names_pairs_once() -> None:
    text = describe_event(rows_of(a=(range(5), "R"), b=(range(5), "R")))
    assert text.endswith("Often together: a with b (4.0 times as often as by chance).")


def test_description_of_patterns_without_roles_and_of_none() -> None:
    assert describe_event(rows_of(smoke=(range(5), None))) == "In A one typically sees smoke in 25%."
    assert describe_event([]) == ""
    assert rows_of() == []

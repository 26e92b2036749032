"""Which mentions of different documents are taken for one event: cases made by hand."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from datetime import date
from typing import Any
from zlib import crc32

import pytest

from kb.extract.clues import Clues, read_clues
from kb.extract.coref import compare, resolve, word_weights
from kb.extract.coref_pairs import LARGEST_BLOCK
from kb.extract.days import Day, find_days, read_day


def report(document: str, text: str, trigger: str, lemma: str, time: str | None = None, **roles: str) -> Clues:
    row: dict[str, Any] = {
        "document": document,
        "eventType": "Conflict.Attack",
        "trigger": {"text": trigger},
        "lemma": lemma,
        "sentence": {"text": text},
        "time": time,
        "arguments": [{"role": role, "text": words} for role, words in roles.items()],
    }
    return read_clues(document, row)


ALEPPO = report(
    "a", "Government soldiers attacked the city of Aleppo on Tuesday, killing ten.", "attacked", "attack",
    "2016-07-06", Attacker="Government soldiers", Place="Aleppo",
)  # fmt: skip
AGAIN = report(
    "b", "Ten people died in an attack by soldiers on Aleppo, July 5.", "attack", "attack",
    "2016-07-07", Attacker="soldiers", Place="Aleppo",
)  # fmt: skip
MOSUL = report(
    "c", "Government soldiers attacked the city of Mosul on Tuesday, killing ten.", "attacked", "attack",
    "2016-07-06", Attacker="Government soldiers", Place="Mosul",
)  # fmt: skip
LATER = report(
    "d", "Government soldiers attacked the city of Aleppo on September 14, killing ten.", "attacked", "attack",
    "2016-09-15", Attacker="Government soldiers", Place="Aleppo",
)  # fmt: skip


def pairs(*mentions: Clues, threshold: float = 0.5) -> list[tuple[str, str]]:
    return [(same.first, same.second) for same in resolve(mentions, threshold=threshold)]


def test_the_same_event_in_two_reports_is_found_and_told_from_other_places_and_days() -> None:
    assert pairs(ALEPPO, AGAIN, MOSUL, LATER) == [("a", "b")]
    (same,) = resolve([AGAIN, ALEPPO])
    assert same.score > 0.9
    assert {reason.partition(" (")[0] for reason in same.reasons} >= {
        "trigger attack", "place aleppo", "same day", "arguments agree in Attacker"
    }  # fmt: skip


def test_another_place_or_another_day_outweighs_all_that_agrees() -> None:
    weights = word_weights([ALEPPO, AGAIN, MOSUL, LATER])
    for other, reason in ((MOSUL, "against: places differ (-7.0)"), (LATER, "against: other days (-7.0)")):
        said = compare(ALEPPO, other, weights)
        assert said.score < 0.5
        assert reason in said.reasons


def test_order_does_not_matter_and_nothing_within_a_document_is_joined() -> None:
    mentions = [ALEPPO, AGAIN, MOSUL, LATER]
    assert resolve(mentions) == resolve(mentions[::-1])
    twice = [ALEPPO, Clues(**{**vars(ALEPPO), "id": "a2"})]
    assert resolve(twice) == []


def test_of_several_mentions_in_a_document_the_best_goes_with_one_elsewhere() -> None:
    weak = report("b", "Another attack on Aleppo, July 5.", "attack", "attack", "2016-07-07", Place="Aleppo")
    weak = Clues(**{**vars(weak), "id": "b weak"})
    assert pairs(ALEPPO, AGAIN, weak, threshold=0.3) == [("a", "b")]


def test_other_event_types_are_never_compared() -> None:
    counts: Counter[str] = Counter()
    other = Clues(**{**vars(AGAIN), "event_type": "Life.Die"})
    assert resolve([ALEPPO, other], counts=counts) == []
    assert counts["pairs compared"] == 0


@pytest.mark.parametrize(("bits", "word"), [(0b111, "same photograph"), (0b1111_1111, "photographs alike")])
def test_prints_of_one_photograph_speak_for_one_event(bits: int, word: str) -> None:
    phash = 0x0F0F_3C3C_5A5A_9696
    one = Clues("x", "x", "Life.Die", phash=phash)
    other = Clues("y", "y", "Life.Die", phash=phash ^ bits)
    assert any(word in reason for reason in compare(one, other, {}).reasons)
    assert (pairs(one, other) == [("x", "y")]) == (word == "same photograph")
    assert compare(one, Clues("z", "z", "Life.Die", phash=~phash & (2**64 - 1)), {}).reasons == ()


def test_triggers_are_compared_by_word_family_and_vector() -> None:
    def value(other: str, cosine: float | None) -> list[str]:
        second = Clues("y", "y", "E", lemma=other)
        return list(compare(Clues("x", "x", "E", lemma="attack"), second, {}, lambda *_: cosine).reasons)

    assert value("attacker", None) == ["triggers attack, attacker (+0.8)"]
    assert value("assault", 0.7) == ["triggers attack, assault (+0.4)"]
    assert value("assault", 0.1) == ["against: triggers attack, assault (-0.5)"]
    assert value("assault", None) == []


def test_the_number_of_comparisons_grows_with_the_mentions_not_with_their_square() -> None:
    def n_compared(n: int) -> int:
        counts: Counter[str] = Counter()
        resolve(
            [report(f"d{i:05}", "Soldiers attacked Aleppo.", "attacked", "attack") for i in range(n)], counts=counts
        )
        assert counts["blocks too large to compare all"] > 0
        return counts["pairs compared"]

    assert n_compared(300) <= 300 * LARGEST_BLOCK
    assert n_compared(600) <= 2.3 * n_compared(300)


def test_days_are_read_from_texts() -> None:
    tuesday = date(2016, 7, 5)
    assert set(find_days("on Tuesday", tuesday)) == {Day(2016, 7, 5)}
    assert set(find_days("on Sunday", tuesday)) == {Day(2016, 7, 3)}
    assert set(find_days("on Sunday", None)) == set()
    assert set(find_days("2016-07-05; Sept. 3rd; 4 of May 1999; july 12; 5 Mar. 2016; MARCH 6", None)) == {
        Day(2016, 7, 5), Day(None, 9, 3), Day(1999, 5, 4), Day(None, 7, 12), Day(2016, 3, 5), Day(None, 3, 6)
    }  # fmt: skip
    assert Day(None, 7, 5).may_be(Day(2016, 7, 5))
    assert not Day(2015, 7, 5).may_be(Day(2016, 7, 5))
    assert read_day("2016-07-05T10:00:00Z") == tuesday
    assert read_day("2016-13-05") is read_day("yesterday") is None


@pytest.mark.parametrize(
    "text",
    [
        "At least 10 may have been killed.", "Protesters march 20 miles.", "Protesters March 20 Miles to the Capital",
        "At Least 10 May Have Been Killed", "At Least 12 March on the Capital", "In March 20,000 people fled.",
        "Prices rose in May 10%.", "dec 5", "February 31", "April 0", "2016-13-45",
    ],
)  # fmt: skip
def test_verbs_and_numbers_are_no_days(text: str) -> None:
    assert set(find_days(text, None)) == set()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("On July 5 soldiers attacked Aleppo.", Day(None, 7, 5)),
        ("On March 5 soldiers attacked Aleppo.", Day(None, 3, 5)),
        ("Since May 5 people have fled.", Day(None, 5, 5)),
        ("March 5: soldiers attacked Aleppo.", Day(None, 3, 5)),
    ],
)
def test_a_day_is_one_whoever_acts_on_it(text: str, day: Day) -> None:
    assert set(find_days(text, None)) == {day}


@pytest.mark.parametrize(
    ("text", "published", "day"),
    [
        ("on May 1", date(2016, 5, 3), Day(2016, 5, 1, guessed=True)),
        ("on 30 December", date(2017, 1, 2), Day(2016, 12, 30, guessed=True)),
        ("from January 2", date(2016, 12, 30), Day(2017, 1, 2, guessed=True)),
        ("on February 29", date(2023, 6, 1), Day(2024, 2, 29, guessed=True)),
        ("on February 29", date(2022, 6, 1), Day(None, 2, 29)),
        ("on May 1, 2009", date(2016, 5, 3), Day(2009, 5, 1)),
    ],
)
def test_a_day_without_a_year_is_the_one_nearest_to_the_publication(text: str, published: date, day: Day) -> None:
    assert set(find_days(text, published)) == {day}


def test_the_same_day_of_other_years_is_another_day() -> None:
    text = "Soldiers attacked Aleppo on May 1."
    first, again, later, summer = (
        report(time, text, "attacked", "attack", time, Place="Aleppo", Attacker="Soldiers")
        for time in ("2016-05-02", "2016-05-03", "2023-05-02", "2016-08-02")
    )
    assert pairs(first, again, later) == [("2016-05-02", "2016-05-03")]
    assert "against: other days (-7.0)" in compare(first, later, {}).reasons
    # Nobody said in which year, so it counts how far apart both were published.
    assert "same day (+1.5)" in compare(first, again, {}).reasons
    against = "against: same day of a year that is not said, published 92 days apart (-2.5)"
    assert against in compare(first, summer, {}).reasons


def test_a_weekday_before_the_first_day_of_all_is_left_alone() -> None:
    assert report("a", "Attacked on Sunday.", "attacked", "attack", "0001-01-01").days == frozenset()
    assert report("a", "Attacked on Monday.", "attacked", "attack", "0001-01-01").days == {Day(1, 1, 1)}


@pytest.mark.parametrize(
    ("place", "other", "said"),
    [
        ("Aleppo", "Mosul", "against: places differ (-7.0)"),
        ("the city of Aleppo", "the city of Mosul", "against: places differ (-7.0)"),
        ("New York", "New Delhi", "against: places differ (-7.0)"),
        ("the city", "Aleppo", None),
        ("Streets", "Mosul City", None),
        ("the street", "a market", None),
        ("the city", "Aleppo City", "place citi (+1.5)"),
        ("US", "the U.S.", "place usa (+1.5)"),
        ("US", "the United States", "place usa (+1.5)"),
        ("US", "Aleppo", "against: places differ (-7.0)"),
        ("U.N. headquarters", "the UN", "place un (+1.5)"),
    ],
)
def test_only_names_of_places_contradict_each_other(place: str, other: str, said: str | None) -> None:
    one, two = (report(name, "", "attacked", "attack", Place=name) for name in (place, other))
    found = [reason for reason in compare(one, two, {}).reasons if "place" in reason]
    assert found == ([said] if said else [])


def test_us_is_a_place_only_in_capitals() -> None:
    assert report("a", "They told us of the US.", "told", "tell").words == {"told", "usa"}
    assert report("a", "They told us.", "told", "tell").words == {"told"}


def test_the_score_is_the_same_in_whatever_order_a_process_has_its_sets() -> None:
    def score(salt: str) -> float:
        class Word(str):
            """A word whose place in a set depends on the salt, as that of a string on PYTHONHASHSEED."""

            __slots__ = ()

            def __hash__(self) -> int:
                return crc32(f"{salt}{self}".encode())

        words: list[str] = [Word(f"word{n}") for n in range(60)]
        weights = {word: 1 / (3 + n) for n, word in enumerate(words)}
        one, other = (
            Clues(name, name, "E", words=frozenset(own)) for name, own in (("a", words[:50]), ("b", words[5:]))
        )
        return compare(one, other, weights).score

    assert len({score(str(salt)) for salt in range(20)}) == 1


def test_memory_grows_with_the_mentions_not_with_the_pairs() -> None:
    def peak(n: int) -> int:
        told = [Clues(f"{i:04}", f"{i:04}", "E", words=frozenset(f"w{i % 7}{j}" for j in range(6))) for i in range(n)]
        tracemalloc.start()
        resolve(told, threshold=0.99)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    # Each of them is compared with 50 others.
    assert peak(350) < 350 * 1_500


def test_undated_mentions_that_are_alike_are_compared_however_many_there_are() -> None:
    words = [f"w{i:03}" for i in range(100)]
    told = [Clues(f"{i:03}", f"{i:03}", "E", words=frozenset({"all", word})) for i, word in enumerate(words)]
    # So both words of the twins have blocks of more than a hundred, in which they are far from each other by their ids.
    crowd = [Clues(f"x{i}", f"x{i}", "E", words=frozenset(words[:1])) for i in range(100)]
    twin = Clues("zzz", "zzz", "E", words=told[0].words)
    counts: Counter[str] = Counter()
    assert ("000", "zzz") in [(a, b) for a, b, *_ in resolve([*told, *crowd, twin], counts=counts)]
    assert counts["blocks too large to compare all"] > 0

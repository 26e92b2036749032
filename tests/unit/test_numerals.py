from __future__ import annotations

import math

import pytest

from reports.numerals import decimal, p_value, percent, score, whole


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00d7", "x")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.00042, "0.042 %"), (0.0263, "2.6 %"), (0.0999, "10 %"), (0.901, "90 %"), (1.0, "100 %")],
)
def test_percent_keeps_two_digits_that_matter(share: float, text: str) -> None:
    assert plain(percent(share)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (0.0412, "0.041"), (3.14e-12, "3.1 x 10⁻¹²"), (9.99e-5, "1.0 x 10⁻⁴"), (0.0, "< 10⁻³⁰⁰")],
)
def test_p_value_is_a_power_of_ten_when_small(value: float, text: str) -> None:
    assert plain(p_value(value)) == text


def test_decimal_has_three_digits_that_matter() -> None:
    assert [decimal(value) for value in (0.0421, 2.0, 11.34, 1234.5)] == ["0.0421", "2", "11.3", "1,234"]


def test_score_and_whole_line_up_with_their_neighbours() -> None:
    assert (score(0.735), score(11), whole(12345)) == ("0.73", "11.00", "12,345")


@pytest.mark.parametrize("write", [percent, p_value, decimal])
@pytest.mark.parametrize("value", [None, math.nan])
def test_missing_numbers_are_a_dash(write: type, value: float | None) -> None:
    assert write(value) == "\u2013"

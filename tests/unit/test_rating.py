from __future__ import annotations

import pytest

from kb.evaluate.rating import Rated, Ratings, krippendorff_alpha, read_ratings, score_ratings, wilson_interval
from miner.errors import EvaluationError

KEY = [Rated("a", "ours", "c"), Rated("b", "ours", "c"), Rated("x", "visual-only", "c"), Rated("y", "visual-only", "c")]
IDS = [rated.id for rated in KEY]


def rows(*answers: str, sheet: str = "S", ids: str = "abxy", rater: str = "") -> str:
    lines = [f"{sheet},{id_},{answer},{rater}" for id_, answer in zip(ids, answers, strict=True)]
    return "\n".join(["sheet,id,rating,rater", *lines]) + "\n"


def read(text: str) -> Ratings:
    return read_ratings(text, rater="anna", sheet="S", ids=IDS)


def units(*raters: str) -> list[list[str]]:
    return [[value for value in unit if value != "."] for unit in zip(*raters, strict=True)]


def test_alpha_is_that_of_krippendorffs_example_with_missing_values() -> None:
    """Krippendorff (2011), part C: four observers, twelve units, five values; alpha of nominal data is 0.743."""
    found = krippendorff_alpha(units("123321412...", "1233224125.3", ".3332342251.", "12332441251."))
    assert found == pytest.approx(0.743, abs=5e-4)


def test_alpha_is_that_of_krippendorffs_examples_of_two_observers() -> None:
    """Parts A (binary, 0.095) and B (nominal, 0.692)."""
    assert krippendorff_alpha(units("0100000010", "1110010000")) == pytest.approx(0.095, abs=5e-4)
    assert krippendorff_alpha(units("aabbdcccedda", "babbbcccedddd"[:12])) == pytest.approx(0.692, abs=5e-4)


def test_alpha_needs_two_values_that_differ() -> None:
    assert krippendorff_alpha([["yes", "yes"], ["yes", "yes"]]) is None
    assert krippendorff_alpha([["yes"], ["no"], []]) is None
    assert krippendorff_alpha([["yes", "yes"], ["no", "no"]]) == 1


def test_wilson_interval_of_eight_in_ten() -> None:
    """(p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n) with z = 1.96 gives 0.490 and 0.943."""
    assert wilson_interval(8, 10) == pytest.approx((0.490, 0.943), abs=1e-3)


def test_scores_go_by_the_majority_of_those_who_answered() -> None:
    """a: yes of all; b: yes and no, no majority; x: one yes, one open; y: unsure twice, yes once."""
    sheets = [
        Ratings("anna", {"a": "yes", "b": "yes", "x": "yes", "y": "unsure"}),
        Ratings("ben", {"a": "yes", "b": "no", "y": "unsure"}),
        Ratings("cleo", {"a": "yes", "y": "yes"}),
    ]
    ours, visual, alpha = score_ratings(KEY, sheets)
    assert (ours.method, ours.value, ours.n, ours.n_unsure) == ("ours", 0.5, 2, 0)
    assert (visual.method, visual.value, visual.n, visual.n_unsure) == ("visual-only", 0.5, 2, 2)
    assert (ours.low, ours.high) == wilson_interval(1, 2)
    assert alpha.measure == "alpha"
    assert (alpha.n, alpha.n_raters) == (3, 3)
    assert alpha.value == krippendorff_alpha([["yes"] * 3, ["yes", "no"], ["yes"], ["unsure", "unsure", "yes"]])


def test_scores_of_what_nobody_rated_are_open() -> None:
    ours, visual, alpha = score_ratings(KEY, [Ratings("anna", {"a": "no"})])
    assert (ours.value, ours.n) == (0.0, 1)
    assert (visual.value, visual.low, visual.n, visual.n_raters) == (None, None, 0, 0)
    assert alpha.value is None


def test_ratings_leave_out_what_is_open_and_know_their_rater() -> None:
    """As a spreadsheet saves them: with a byte order mark, capitals and spaces."""
    assert read("\ufeff" + rows("yes", "No ", "", "unsure")) == Ratings("anna", {"a": "yes", "b": "no", "y": "unsure"})
    assert read(rows("yes", "no", "", "", rater="Ben")).rater == "Ben"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (rows("yes", "no", "no", ids="abx"), "lacks ids of the key: y"),
        (rows("yes", "no", "no", "no", "no", ids="abxyz"), "ids that are not in the key: z"),
        (rows("yes", "no", "no", "no", "no", ids="abxyy"), "ids more than once: y"),
        (rows("yes", "no", "no", "no", sheet="T"), "'T', the key belongs to 'S'"),
        (rows("yes", "maybe", "", ""), "rates b as 'maybe'"),
        ("id,name\na,b\n", "no column sheet, rating"),
    ],
)
def test_ratings_of_another_sheet_are_refused(text: str, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        read(text)


def test_scores_refuse_two_sheets_of_one_rater() -> None:
    with pytest.raises(EvaluationError, match="'anna'"):
        score_ratings(KEY, [Ratings("anna", {}), Ratings("anna", {})])

"""What raters who did not know the methods said: accuracy of each method, and how far the raters agree.

A rater looks at patches of a pattern and says whether a name fits them. A pattern counts as right when more than half of the
raters who answered said yes. The interval is over patterns, not over answers, since answers about one pattern depend on
each other.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from scipy.stats import binomtest

from miner.errors import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

ANSWERS = ("yes", "no", "unsure")
COLUMNS = ("sheet", "id", "number", "eventType", "name", "rating", "rater", "comment")


@dataclass(frozen=True)
class Rated:
    """One line of a key: what stands behind an id of the sheet.

    Attributes:
        id: As on the sheet.
        method: What made the pattern.
        corpus: What it was mined from.
    """

    id: str
    method: str
    corpus: str


@dataclass(frozen=True)
class Ratings:
    """The filled sheet of one rater: an answer by id, without those that were left open."""

    rater: str
    answers: Mapping[str, str]


class RatingScore(NamedTuple):
    """One number, with its interval where it has one.

    Attributes:
        measure: `accuracy`, or `alpha` (Krippendorff's, over raters).
        method: Whose; `all` for alpha.
        corpus: What its patterns were mined from.
        value: None where nothing was rated, or alpha is not defined.
        low: Of the 95 % interval.
        high: Of it.
        n: Patterns (accuracy), or patterns that at least two raters rated (alpha).
        n_unsure: Answers `unsure`.
        n_raters: Raters who answered.
    """

    measure: str
    method: str
    corpus: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    n_unsure: int
    n_raters: int


def read_ratings(text: str, *, rater: str, sheet: str, ids: Sequence[str]) -> Ratings:
    """Read the sheet of a rater, and refuse it if it is not the one that the key belongs to.

    Args:
        text: The filled CSV.
        rater: Whose it is, where its column `rater` does not say.
        sheet: Id of the sheet in the key.
        ids: All ids of the key.

    Raises:
        EvaluationError: Columns or rows are missing, doubled or of another sheet, or an answer is not one of `ANSWERS`.
    """
    rows = _rows(text, rater)
    _require_sheet(rows, rater=rater, sheet=sheet, ids=ids)
    answers = {row["id"]: row["rating"].strip().lower() for row in rows if row["rating"].strip()}
    for id_, answer in answers.items():
        if answer not in ANSWERS:
            raise EvaluationError(
                f"The sheet of {rater} rates {id_} as {answer!r}; allowed are {', '.join(ANSWERS)}, or nothing.",
                hint="Correct the column 'rating' of that row.",
            )
    named = {row["rater"].strip() for row in rows} - {""}
    return Ratings(named.pop() if len(named) == 1 else rater, answers)


def _rows(text: str, rater: str) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = [column for column in ("sheet", "id", "rating") if column not in (reader.fieldnames or ())]
    if missing:
        raise EvaluationError(
            f"The sheet of {rater} has no column {', '.join(missing)}.",
            hint="Fill in the CSV that 'eventminer evaluate rating-sheet' wrote, or save one from its page.",
        )
    return [{key: row.get(key) or "" for key in COLUMNS} for row in reader]


def _require_sheet(rows: Sequence[Mapping[str, str]], *, rater: str, sheet: str, ids: Sequence[str]) -> None:
    """Refuse rows that are not exactly those of the key."""
    own = Counter(row["id"] for row in rows)
    problems = {
        "has ids that are not in the key": own.keys() - set(ids),
        "lacks ids of the key": set(ids) - own.keys(),
        "has ids more than once": {id_ for id_, count in own.items() if count > 1},
    }
    for problem, found in problems.items():
        if found:
            raise EvaluationError(
                f"The sheet of {rater} {problem}: {', '.join(sorted(found)[:3])}{' ...' if len(found) > 3 else ''}"
                f" ({len(found)} of {len(ids)}).",
                hint="Give the key that was written together with this sheet, and all rows of the sheet.",
            )
    if others := {row["sheet"] for row in rows} - {sheet}:
        raise EvaluationError(
            f"The sheet of {rater} is {min(others)!r}, the key belongs to {sheet!r}.",
            hint="Give the key that was written together with this sheet.",
        )


def score_ratings(key: Sequence[Rated], sheets: Sequence[Ratings]) -> list[RatingScore]:
    """Compute the accuracy of each method on each corpus, and the agreement of the raters.

    Args:
        key: What stands behind the ids.
        sheets: One per rater.

    Raises:
        EvaluationError: There is no sheet, or two are of one rater.
    """
    doubled = [rater for rater, count in Counter(sheet.rater for sheet in sheets).items() if count > 1]
    if doubled or not sheets:
        raise EvaluationError(
            f"Two sheets are of the rater {doubled[0]!r}." if doubled else "There is no filled sheet.",
            hint="Give one sheet per rater; the name stands in its column 'rater', or is that of the file.",
        )
    kinds = dict.fromkeys((rated.method, rated.corpus) for rated in key)
    scores = [_accuracy(method, corpus, key, sheets) for method, corpus in sorted(kinds)]
    units = [[sheet.answers[rated.id] for sheet in sheets if rated.id in sheet.answers] for rated in key]
    n_pairable = sum(len(unit) > 1 for unit in units)
    n_unsure = sum(unit.count("unsure") for unit in units)
    alpha = krippendorff_alpha(units)
    corpora = ", ".join(sorted({rated.corpus for rated in key}))
    return [*scores, RatingScore("alpha", "all", corpora, alpha, None, None, n_pairable, n_unsure, len(sheets))]


def _accuracy(method: str, corpus: str, key: Iterable[Rated], sheets: Sequence[Ratings]) -> RatingScore:
    own = [rated.id for rated in key if (rated.method, rated.corpus) == (method, corpus)]
    units = [unit for id_ in own if (unit := [sheet.answers[id_] for sheet in sheets if id_ in sheet.answers])]
    n_right = sum(2 * unit.count("yes") > len(unit) for unit in units)
    low, high = wilson_interval(n_right, len(units)) if units else (None, None)
    return RatingScore(
        "accuracy",
        method,
        corpus,
        n_right / len(units) if units else None,
        low,
        high,
        len(units),
        sum(unit.count("unsure") for unit in units),
        sum(any(id_ in sheet.answers for id_ in own) for sheet in sheets),
    )


def wilson_interval(n_right: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    interval = binomtest(n_right, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Compute the agreement of raters beyond chance for nominal values; 1 is perfect, 0 is chance.

    Args:
        units: Of each thing that was rated the values that were given, in any order, by any number of raters; what was
            not rated is not there. Units with fewer than two values say nothing about agreement.

    Returns:
        Alpha, or None where no two values can be compared or all values are the same.

    Source: Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), part C.
    """
    totals: Counter[Hashable] = Counter()
    agreed = 0.0
    for unit in units:
        if len(unit) > 1:
            counts = Counter(unit)
            totals.update(counts)
            agreed += sum(count * (count - 1) for count in counts.values()) / (len(unit) - 1)
    n = totals.total()
    expected = sum(count * (count - 1) for count in totals.values())
    if len(totals) < 2:
        return None
    return ((n - 1) * agreed - expected) / (n * (n - 1) - expected)

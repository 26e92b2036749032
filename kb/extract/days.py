"""Which days a text names, read with the day on which it was published."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Day", "find_days", "read_day"]

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LEAP_YEAR = 2000

_MAY_VERBS = "have|be|not|never|also|still|soon|yet|well|only|now|need|face|die|lose"
_MONTH = (
    r"((?i:jan(?:uary|\.)?|feb(?:ruary|\.)?|apr(?:il|\.)?|june?|july?|aug(?:ust|\.)?|sept?(?:ember|\.)?|oct(?:ober|\.)?"
    r"|nov(?:ember|\.)?|december)|Mar(?:ch|\.)?|MAR(?:CH|\.)?|Dec\.?|DEC\.?"
    rf"|(?:May|MAY)(?!\s+(?i:{_MAY_VERBS})\b))"
)
"""Months that are words of other meanings too (may, march, mar, dec) count only in capitals."""

_QUANTITY = "".join(rf"(?<!(?i:{word})\s)" for word in ("least", "most", "than", "another", "nearly", "almost", "some"))
_COUNTED = (
    "miles?|km|kilomet(?:er|re)s?|met(?:er|re)s?|blocks?|people|persons?|men|women|children|protesters?|troops|soldiers|others|more"
    "|times|hours?|days?|weeks?|minutes?|percent|per cent|thousand|million|billion"
)
_BEFORE_DAYS = "".join(
    rf"(?<!\b(?i:{word})\s)" for word in ("on", "since", "until", "by", "from", "before", "after", "of", "last")
)
_MARCHED = rf"{_BEFORE_DAYS}M(?:arch|ARCH)\s+\d{{1,2}}[-\s]\s*(?i:{_COUNTED})\b"
"""Protesters March 20 Miles; but on March 20 protesters did."""

_YEAR = r"(?:,?\s+(\d{4})\b)?"
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})")
_MONTH_FIRST = re.compile(
    rf"(?!{_MARCHED})\b{_MONTH}\s+(\d{{1,2}})(?i:st|nd|rd|th)?(?!\w|,\d{{3}}(?!\d)|[.:]\d|\s*%){_YEAR}"
)
_DAY_FIRST = re.compile(rf"(?<![\d.,:]){_QUANTITY}\b(\d{{1,2}})(?i:st|nd|rd|th)?\s+(?i:of\s+)?{_MONTH}(?!\w){_YEAR}")
_WEEKDAY = re.compile(rf"\b({'|'.join(WEEKDAYS)})\b", re.IGNORECASE)


class Day(NamedTuple):
    """A day of some year.

    Attributes:
        year: None where none is said and none can be guessed.
        month: 1 to 12.
        day: 1 to 31.
        guessed: Whether no year is said, and this is the one in which the day is nearest to the publication.
    """

    year: int | None
    month: int
    day: int
    guessed: bool = False

    @property
    def is_said(self) -> bool:
        """Whether the text leaves no doubt about the year."""
        return self.year is not None and not self.guessed

    def may_be(self, other: Day) -> bool:
        """Tell whether both can be the same day."""
        same_year = self.year is None or other.year is None or self.year == other.year
        return same_year and (self.month, self.day) == (other.month, other.day)


def read_day(time: object) -> date | None:
    """Return the day of a time that a corpus gives, none where it is written in another way than ISO 8601 begins."""
    match = _ISO.match(str(time or "").strip())
    return _date(*map(int, match.groups())) if match else None


def find_days(text: str, published: date | None) -> Iterable[Day]:
    """Yield the days that a text names.

    Where the day of publication is known, a day without a year is the one nearest to it, of two the earlier, and a weekday the last
    one up to it.

    Example:
        >>> list(find_days("On July 4, 2023 and on 5 May", None))
        [Day(year=2023, month=7, day=4, guessed=False), Day(year=None, month=5, day=5, guessed=False)]
    """
    for year, month, day in _said(text):
        if _date(year or LEAP_YEAR, month, day) is not None:
            yield Day(year, month, day) if year or published is None else _nearest(month, day, published)
    if published is None:
        return
    for weekday in _WEEKDAY.findall(text):
        back = (published.weekday() - WEEKDAYS.index(weekday.lower())) % 7
        if back < published.toordinal():
            then = published - timedelta(days=back)
            yield Day(then.year, then.month, then.day)


def _said(text: str) -> Iterator[tuple[int | None, int, int]]:
    for year, month, day in _ISO.findall(text):
        yield int(year), int(month), int(day)
    for month, day, year in _MONTH_FIRST.findall(text):
        yield int(year) if year else None, _month(month), int(day)
    for day, month, year in _DAY_FIRST.findall(text):
        yield int(year) if year else None, _month(month), int(day)


def _nearest(month: int, day: int, published: date) -> Day:
    near = [_date(published.year + more, month, day) for more in (-1, 0, 1)]
    known = [one for one in near if one is not None]
    if not known:
        return Day(None, month, day)
    return Day(min(known, key=lambda one: abs(one - published)).year, month, day, guessed=True)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(name: str) -> int:
    return MONTHS.index(name[:3].lower()) + 1

"""The queue: which patterns a reviewer looks at, in which order, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args
from urllib.parse import urlencode

from kb.review.standing import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kb.review.ranking import Ranked
    from kb.review.standing import Pattern
    from kb.review.state import ReviewState

N_ON_PAGE = 50
STATUSES: tuple[str, ...] = (*get_args(Status), "conflict", "all")
ORDERS = ("rank", "learned")


@dataclass(frozen=True)
class Choice:
    """What a queue shows.

    Attributes:
        event_type: Only patterns of this type; all where empty.
        status: One of `STATUSES`.
        order: `rank` within event types, or `learned` from decisions.
        page: From 1.
    """

    event_type: str = ""
    status: str = "open"
    order: str = "rank"
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Choice:
        """Read the choice from the address of a page; what makes no sense there is as if it were not there."""
        status, order, page = query.get("status", ""), query.get("order", ""), query.get("page", "")
        return cls(
            event_type=query.get("type", "")[:200],
            status=status if status in STATUSES else "open",
            order=order if order in ORDERS else "rank",
            page=max(1, int(page)) if page.isascii() and page.isdecimal() and len(page) < 7 else 1,
        )

    def address(self, pattern: str = "", **changes: str | int) -> str:
        """Return the address of the queue with another choice and with a pattern chosen."""
        other = replace(self, **changes)  # type: ignore[arg-type]  # the names are those of the fields
        query = {
            "type": other.event_type,
            "status": other.status,
            "order": other.order,
            "page": other.page,
            "p": pattern,
        }
        plain = {"type": "", "status": "open", "order": "rank", "page": 1, "p": ""}
        query = {name: value for name, value in query.items() if value != plain[name]}
        return f"/queue?{urlencode(query)}" if query else "/queue"


@dataclass(frozen=True)
class Queue:
    """A queue.

    Attributes:
        choice: What it shows.
        ids: All patterns of it, in order.
        probabilities: How likely each is accepted, where that is known.
    """

    choice: Choice
    ids: Sequence[str]
    probabilities: Mapping[str, float]

    @property
    def n_pages(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-len(self.ids) // N_ON_PAGE))

    @property
    def page(self) -> int:
        """The page shown, from 1."""
        return min(self.choice.page, self.n_pages)

    @property
    def shown(self) -> Sequence[str]:
        """The patterns of the page."""
        first = (self.page - 1) * N_ON_PAGE
        return self.ids[first : first + N_ON_PAGE]

    def after(self, pattern: str) -> str:
        """Return the pattern that takes the place of one that leaves the queue, empty where none is left."""
        shown = list(self.shown)
        if pattern not in shown:
            return shown[0] if shown else ""
        place = shown.index(pattern)
        rest = [*shown[place + 1 :], *reversed(shown[:place])]
        return rest[0] if rest else ""


def build_queue(state: ReviewState, choice: Choice, ranked: Sequence[Ranked]) -> Queue:
    """Choose and order patterns.

    Args:
        state: The outcome of a replay.
        choice: What to show.
        ranked: The open patterns in learned order, empty unless that is asked for.
    """
    disputed = (
        {state.root(c.pattern) for c in state.conflicts if c.pattern in state} if choice.status == "conflict" else set()
    )

    def fits(own: Pattern) -> bool:
        if choice.event_type and own.event_type != choice.event_type:
            return False
        if choice.status == "conflict":
            return own.pattern in disputed
        return choice.status in {"all", own.status}

    def rank(own: Pattern) -> tuple[str, int, str]:
        return own.event_type, state.mined.rows[own.source]["rank"], own.pattern

    ids = [own.pattern for own in sorted(filter(fits, state.patterns.values()), key=rank)]
    if choice.order == "learned":
        place = {one.pattern: number for number, one in enumerate(ranked)}
        ids.sort(key=lambda pattern: place.get(pattern, len(place)))
    return Queue(choice, ids, {one.pattern: one.probability for one in ranked})

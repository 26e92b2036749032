"""What all pages have in common: who is asking, what is on top of every page, and how a problem looks."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from starlette.responses import HTMLResponse

from kb.review.decisions import LONGEST, clean_line
from reports.review import wording
from reports.review.desk import count_progress

if TYPE_CHECKING:
    import jinja2
    from starlette.requests import Request

    from kb.review.state import ReviewState
    from reports.review.desk import Desk

REVIEWER_COOKIE = "eventminer-reviewer"
YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True)
class Renderer:
    """Turns what pages know into HTML.

    Attributes:
        desk: What the pages are about.
        environment: Of the templates.
        version: Changes with every start of the server, so that browsers fetch scripts and styles anew.
    """

    desk: Desk
    environment: jinja2.Environment
    version: str

    def text(self, template: str, **values: Any) -> str:  # noqa: ANN401 - whatever the template needs
        """Render a template."""
        return self.environment.get_template(template).render(**values)

    def page(self, request: Request, template: str, state: ReviewState, **values: Any) -> HTMLResponse:  # noqa: ANN401
        """Render a page with all that stands on top of it."""
        who = self.reviewer(request)
        undo, redo = state.next_undo(who), state.next_redo(who)
        progress = values.pop("progress", None) or count_progress(state)
        values.setdefault("choice", None)
        text = self.text(
            f"review/{template}",
            desk=self.desk,
            corpus=wording.shorten(self.desk.shelf.corpus, 60),
            version=self.version,
            who=who,
            progress=progress,
            n_decided=sum(one.decided for one in progress),
            n_patterns=sum(one.n for one in progress),
            n_conflicts=len(state.conflicts),
            undo=undo and wording.say_decision(undo, state),
            redo=redo and wording.say_decision(redo, state),
            revision=len(state.history),
            say_time=wording.say_time,
            shorten=wording.shorten,
            **values,
        )
        return HTMLResponse(text)

    def problem(self, status: int, reason: str) -> HTMLResponse:
        """Render the page that says why something was refused, and nothing more."""
        text = self.text("review/problem.html.j2", version=self.version, status=int(status), reason=reason)
        return HTMLResponse(text, status_code=status)

    def missing(self, what: str) -> HTMLResponse:
        """Render the page for what is not there."""
        return self.problem(HTTPStatus.NOT_FOUND, f"There is no such {what}.")

    def reviewer(self, request: Request) -> str:
        """Return who is asking."""
        name = clean_line(unquote(request.cookies.get(REVIEWER_COOKIE, ""))[: LONGEST["who"]])
        return name or self.desk.reviewer


def remember(response: HTMLResponse | Any, name: str) -> None:  # noqa: ANN401 - any response
    """Let the browser remember who is asking."""
    response.set_cookie(REVIEWER_COOKIE, quote(name), max_age=YEAR_S, httponly=True, samesite="strict")

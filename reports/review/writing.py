"""What changes something: decisions, and who decides."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlencode

from starlette.responses import RedirectResponse, Response

from kb.review.decisions import FIELDS, LONGEST, REVERSALS, clean_line
from miner.errors import ReviewError
from reports.review.pages import remember
from reports.review.queue import Choice, build_queue

if TYPE_CHECKING:
    from starlette.requests import Request

    from kb.review.decisions import Decision
    from kb.review.state import ReviewState
    from reports.review.pages import Renderer

MOST_FIELDS = 2_000
LEAVES = frozenset({"accept", "reject"})
"""After these the next pattern is shown; after the others the same one."""


def read_form(body: bytes) -> dict[str, list[str]]:
    """Read the fields of a form.

    Raises:
        ReviewError: It is no form.
    """
    try:
        return parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise ReviewError("That form cannot be read.") from error


def decide(renderer: Renderer, request: Request, body: bytes) -> Response:
    """Keep a decision and lead to the page that comes next."""
    form = read_form(body)
    review, who = renderer.desk.review, renderer.reviewer(request)
    before = review.state
    action, pattern = _one(form, "action"), _one(form, "pattern")
    if action in REVERSALS:
        reverse = review.undo if action == "undo" else review.redo
        decision = reverse(who, _one(form, "decision") or None)
        pattern = decision.pattern
    else:
        decision = review.decide(who, action, pattern, **_fields(action, form))
    if _one(form, "to") == "history":
        return _lead_to(f"/history?{urlencode({'done': decision.id})}")
    choice = Choice.of(dict(parse_qsl(_one(form, "back"))))
    return _lead_to(_next_page(renderer, before, choice, decision, pattern))


def introduce(renderer: Renderer, request: Request, body: bytes) -> Response:
    """Remember who is at this browser."""
    del renderer, request
    form = read_form(body)
    name = clean_line(_one(form, "name"))[: LONGEST["who"]]
    if not name:
        raise ReviewError("A reviewer needs a name.")
    response = _lead_to(Choice.of(dict(parse_qsl(_one(form, "back")))).address(_one(form, "p")[: LONGEST["pattern"]]))
    remember(response, name)
    return response


def _next_page(renderer: Renderer, before: ReviewState, choice: Choice, decision: Decision, pattern: str) -> str:
    state = renderer.desk.review.state
    current = state.matches.current(pattern)
    stay = state.root(current) if current is not None and current in state else ""
    if decision.action in LEAVES and choice.status in {"open", "conflict"}:
        ranked = renderer.desk.ranked(before) if choice.order == "learned" else ()
        stay = build_queue(before, choice, ranked).after(pattern)
    address = choice.address(stay)
    return f"{address}{'&' if '?' in address else '?'}done={decision.id}"


def _fields(action: str, form: dict[str, list[str]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in FIELDS.get(action, ()):
        if name in {"others", "records"}:
            fields[name] = form.get(name, [])
        elif name in form:
            fields[name] = _one(form, name)
    if action == "set-role" and not fields.get("role"):
        fields["role"] = None
    return fields


def _one(form: dict[str, list[str]], name: str) -> str:
    return form.get(name, [""])[-1]


def _lead_to(address: str) -> RedirectResponse:
    return RedirectResponse(address, status_code=HTTPStatus.SEE_OTHER)

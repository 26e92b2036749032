"""The web application: every address of the review page, and what answers there.

Pages are whole HTML pages; the script in the browser fetches them and replaces the main part of the page, so that a link, a
key and a reload all lead to the same thing. Every decision is a form sent to `/decide`, answered with the way to the next page.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from importlib import resources
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from reports.page import template_environment
from reports.review import pictures, views, writing
from reports.review.guard import Guard
from reports.review.pages import Renderer

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from reports.review.desk import Desk
    from reports.review.guard import Rules

STATIC = {
    "review.css": "text/css",
    "review.js": "text/javascript",
    "graph.js": "text/javascript",
    "graph.css": "text/css",
    "cytoscape.min.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}

OUTDATED = (
    "This run has been mined again, or a record of it was forgotten, since the page was started. "
    "Stop 'eventminer review' and start it again; every decision is kept."
)


def build_app(desk: Desk, rules: Rules) -> ASGIApp:
    """Return the application.

    Args:
        desk: What it works on.
        rules: Whom it answers.
    """
    renderer = Renderer(desk, template_environment(), secrets.token_hex(4))

    def bind(page: Callable[[Renderer, Request], Response]) -> Callable[[Request], Response]:
        return lambda request: page(renderer, request) if desk.is_current() else outdated()

    def refuse(status: int, reason: str) -> Response:
        return renderer.problem(status, reason)

    def outdated() -> Response:
        return refuse(HTTPStatus.GONE, OUTDATED)

    async def fail(request: Request, error: Exception) -> Response:
        del request
        status = getattr(error, "status_code", HTTPStatus.NOT_FOUND)
        return refuse(
            status, "There is nothing here." if status == HTTPStatus.NOT_FOUND else "This cannot be done here."
        )

    pages = {
        "/queue": views.queue, "/photo/{row:int}": views.photo, "/schema": views.schema, "/schema/{name}": views.event_type,
        "/graph": views.graph, "/graph.json": views.graph_data, "/coverage": views.coverage, "/compare": views.compare,
        "/search": views.search, "/history": views.history, "/export": views.export, "/pulse": views.pulse,
        "/export/{name}": views.download,
        "/patch/{row:int}": pictures.patch, "/picture/{row:int}": pictures.photograph,
        "/thumbnail/{row:int}": pictures.thumbnail, "/heat/{row:int}": pictures.heat,
    }  # fmt: skip
    routes = [
        Route("/", lambda _: RedirectResponse("/queue")),
        *[Route(path, bind(page), methods=["GET"]) for path, page in pages.items()],
        Route("/decide", _writing(renderer, writing.decide), methods=["POST"]),
        Route("/me", _writing(renderer, writing.introduce), methods=["POST"]),
        Route("/static/{name}", lambda request: _static(renderer, request), methods=["GET"]),
    ]
    missing = {HTTPStatus.NOT_FOUND: fail, HTTPStatus.METHOD_NOT_ALLOWED: fail}
    guard = Middleware(Guard, rules=rules, refuse=refuse)
    return Starlette(
        routes=routes, exception_handlers=missing, middleware=[guard, Middleware(GZipMiddleware, minimum_size=2_000)]
    )


def _writing(renderer: Renderer, page: Callable[[Renderer, Request, bytes], Response]) -> Callable[[Request], object]:
    async def answer(request: Request) -> Response:
        body = await request.body()
        if not await run_in_threadpool(renderer.desk.is_current):
            return renderer.problem(HTTPStatus.GONE, OUTDATED)
        return await run_in_threadpool(page, renderer, request, body)

    return answer


def _static(renderer: Renderer, request: Request) -> Response:
    name = request.path_params["name"]
    headers = {"Cache-Control": "private, max-age=86400"}
    if name == "style.css":
        return Response(renderer.text("style.css.j2"), media_type="text/css", headers=headers)
    if name not in STATIC:
        return HTMLResponse("", status_code=HTTPStatus.NOT_FOUND)
    data = (resources.files("reports") / "review" / "static" / name).read_bytes()
    return Response(data, media_type=STATIC[name], headers=headers)

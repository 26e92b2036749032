"""The addresses of pictures: each names a row of a table, never a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

    from reports.review.pages import Renderer
    from reports.review.shelf import Sighting


KEEP = {"Cache-Control": "private, max-age=3600"}


def patch(renderer: Renderer, request: Request) -> Response:
    """Send the patch of a piece of evidence."""
    sighting = find_sighting(renderer, request.path_params["row"])
    if sighting is None:
        return renderer.missing("picture")
    return Response(renderer.desk.darkroom.patch(sighting), media_type="image/jpeg", headers=KEEP)


def heat(renderer: Renderer, request: Request) -> Response:
    """Send the heat map of a piece of evidence."""
    sighting = find_sighting(renderer, request.path_params["row"])
    if sighting is None or sighting.picture < 0:
        return renderer.missing("picture")
    drawing = renderer.desk.darkroom.heat_map(sighting)
    return Response(drawing, media_type="image/png", headers=KEEP)


def photograph(renderer: Renderer, request: Request) -> Response:
    """Send a whole picture."""
    row = request.path_params["row"]
    if row >= renderer.desk.shelf.images.num_rows:
        return renderer.missing("picture")
    return Response(renderer.desk.darkroom.photograph(row), media_type="image/jpeg", headers=KEEP)


def thumbnail(renderer: Renderer, request: Request) -> Response:
    """Send the middle of a picture."""
    row = request.path_params["row"]
    if row >= renderer.desk.shelf.images.num_rows:
        return renderer.missing("picture")
    return Response(renderer.desk.darkroom.thumbnail(row), media_type="image/jpeg", headers=KEEP)


def find_sighting(renderer: Renderer, row: int) -> Sighting | None:
    """Return a piece of evidence, none where there is none."""
    shelf = renderer.desk.shelf
    return shelf.sightings([row])[0] if row < shelf.n_evidence else None

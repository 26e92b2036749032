"""The pages that are looked at."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, JSONResponse, Response

from miner.errors import OntologyError
from reports.review import search as finder
from reports.review import wording
from reports.review.comparison import compare_runs
from reports.review.desk import count_progress, explained_groups
from reports.review.network import MOST_PATTERNS, draw_network
from reports.review.panel import MOST_PATCHES, N_PATCHES, build_line, build_panel, build_patches, build_rows
from reports.review.pictures import find_sighting
from reports.review.queue import N_ON_PAGE, STATUSES, Choice, build_queue

if TYPE_CHECKING:
    from starlette.requests import Request

    from kb.review.standing import Pattern
    from kb.review.state import ReviewState
    from reports.review.pages import Renderer

N_LINES = 100
N_SHEET = 5
MOST_HITS = 40


def queue(renderer: Renderer, request: Request) -> Response:
    """Show the queue and one pattern of it."""
    desk, state = renderer.desk, renderer.desk.review.state
    choice = Choice.of(request.query_params)
    found = build_queue(state, choice, desk.ranked(state) if choice.order == "learned" else ())
    wanted = request.query_params.get("p", "")
    chosen = state.root(wanted) if wanted in state else next(iter(found.shown), None)
    n_patches = MOST_PATCHES if request.query_params.get("sheet") == "all" else N_PATCHES
    shown = list(found.shown)
    place = shown.index(chosen) if chosen in shown else -1
    return renderer.page(
        request,
        "queue.html.j2",
        state,
        here="queue",
        title="Queue",
        choice=choice,
        queue=found,
        statuses=STATUSES,
        rows=build_rows(state, found.shown, found.probabilities),
        first=(found.page - 1) * N_ON_PAGE,
        panel=build_panel(desk, state, chosen, n_patches=n_patches) if chosen is not None else None,
        is_whole_sheet=n_patches == MOST_PATCHES,
        previous=shown[place - 1] if place > 0 else None,
        next=shown[place + 1] if 0 <= place < len(shown) - 1 else None,
        event_types=desk.review.ontology.types,
        reasons=wording.REASONS,
        done=_done(state, request),
    )


def _done(state: ReviewState, request: Request) -> tuple[str, str] | None:
    """Return what was just decided and its id, if the address says that something was."""
    wanted = request.query_params.get("done")
    if not wanted:
        return None
    entry = next((e for e in reversed(state.history) if e.decision.id == wanted), None)
    if entry is None:
        return None
    name = state[entry.current].name if entry.current is not None and entry.current in state else "a pattern"
    return wording.say_done(entry.decision, name), entry.decision.id


def photo(renderer: Renderer, request: Request) -> Response:
    """Show one photograph with box, heat map and captions."""
    state, desk = renderer.desk.review.state, renderer.desk
    sighting = find_sighting(renderer, request.path_params["row"])
    if sighting is None:
        return renderer.missing("photograph")
    pattern = request.query_params.get("p", "")
    pattern = state.root(pattern) if pattern in state else state.root(sighting.mined_for)
    rows = state.evidence_rows(pattern).tolist()
    place = rows.index(sighting.row) if sighting.row in rows else -1
    width, height = desk.darkroom.size(sighting.picture) if sighting.picture >= 0 else (4, 3)
    facts = desk.shelf.images.slice(sighting.picture, 1).to_pylist()[0] if sighting.picture >= 0 else {}
    return renderer.page(
        request,
        "photo.html.j2",
        state,
        here="queue",
        title="Photograph",
        pattern=pattern,
        name=wording.shorten(state[pattern].name),
        patch=build_patches(desk, [sighting.row])[0],
        width=width,
        height=height,
        facts=facts,
        place=place,
        n=len(rows),
        previous=rows[place - 1] if place > 0 else None,
        next=rows[place + 1] if 0 <= place < len(rows) - 1 else None,
    )


def schema(renderer: Renderer, request: Request) -> Response:
    """List the event types with what is accepted of each."""
    state = renderer.desk.review.state
    return renderer.page(
        request,
        "schema.html.j2",
        state,
        here="schema",
        title="Schema",
        types={one.id: one for one in renderer.desk.review.ontology.types},
        n_records=renderer.desk.shelf.n_records,
        accepted=_accepted(state),
        covers={own.pattern: _first(state, own.pattern) for many in _accepted(state).values() for own in many[:6]},
    )


def event_type(renderer: Renderer, request: Request) -> Response:
    """Show the schema of an event type so far, as one would print it."""
    desk, state, name = renderer.desk, renderer.desk.review.state, request.path_params["name"]
    try:
        kind = desk.review.ontology.get(name)
    except OntologyError:
        return renderer.missing("event type")
    own = _accepted(state).get(name, [])
    by_role: dict[str | None, list[tuple[Pattern, Any]]] = defaultdict(list)
    known = {role.name for role in kind.roles}
    for pattern in own:
        patches = build_patches(desk, state.evidence_rows(pattern.pattern)[:N_SHEET].tolist())
        by_role[pattern.role if pattern.role in known else None].append((pattern, patches))
    waiting = next((one for one in count_progress(state) if one.event_type == name), None)
    return renderer.page(
        request,
        "event_type.html.j2",
        state,
        here="schema",
        title=kind.label,
        kind=kind,
        by_role=by_role,
        waiting=waiting,
        n_records=desk.shelf.n_records.get(name, 0),
        n_photographs={p.pattern: len(state.evidence_rows(p.pattern)) for p in own},
    )


def _accepted(state: ReviewState) -> dict[str, list[Pattern]]:
    found: dict[str, list[Pattern]] = defaultdict(list)
    for own in state.patterns.values():
        if own.status == "accepted":
            found[own.event_type].append(own)
    for many in found.values():
        many.sort(key=lambda own: (state.mined.rows[own.source]["rank"], own.pattern))
    return dict(sorted(found.items()))


def _first(state: ReviewState, pattern: str) -> int | None:
    rows = state.evidence_rows(pattern)
    return int(rows[0]) if len(rows) else None


def graph(renderer: Renderer, request: Request) -> Response:
    """Show an event type and its patterns as a graph."""
    state = renderer.desk.review.state
    progress = count_progress(state)
    chosen = _chosen_type(request, [one.event_type for one in progress])
    network = draw_network(renderer.desk, state, chosen) if chosen else None
    return renderer.page(
        request,
        "graph.html.j2",
        state,
        here="graph",
        title="Graph",
        progress=progress,
        chosen=chosen,
        network=network,
        most=MOST_PATTERNS,
    )


def graph_data(renderer: Renderer, request: Request) -> Response:
    """Send the nodes and edges of the graph of an event type."""
    state = renderer.desk.review.state
    network = draw_network(renderer.desk, state, request.query_params.get("type", ""))
    return JSONResponse({"nodes": network.nodes, "edges": network.edges})


def _chosen_type(request: Request, names: list[str]) -> str:
    wanted = request.query_params.get("type", "")
    return wanted if wanted in names else (names[0] if names else "")


def coverage(renderer: Renderer, request: Request) -> Response:
    """Show what of the corpus no pattern explains."""
    state = renderer.desk.review.state
    standing = state.patterns.values()
    accepted = explained_groups(state, [own for own in standing if own.status == "accepted"])
    waiting = explained_groups(state, [own for own in standing if own.status == "open"])
    counted = renderer.desk.coverage
    shares = counted.shares(accepted, waiting)
    chosen = _chosen_type(request, [share.event_type for share in shares])
    explained = [groups[chosen] for groups in (accepted, waiting) if chosen in groups]
    return renderer.page(
        request,
        "coverage.html.j2",
        state,
        here="coverage",
        title="Coverage",
        shares=shares,
        chosen=chosen,
        gap=counted.gap(chosen, explained) if chosen else None,
    )


def compare(renderer: Renderer, request: Request) -> Response:
    """Show what another run found of the same, what it lost and what it found new."""
    desk, state = renderer.desk, renderer.desk.review.state
    names = list(desk.others)
    wanted = request.query_params.get("run", "")
    chosen = wanted if wanted in names else (names[0] if names else None)
    comparison = compare_runs(state, desk.compared(chosen)) if chosen is not None else None
    return renderer.page(
        request,
        "compare.html.j2",
        state,
        here="compare",
        title="Compare",
        names=names,
        chosen=chosen,
        comparison=comparison,
    )


def search(renderer: Renderer, request: Request) -> Response:
    """Find words in names and captions."""
    desk, state = renderer.desk, renderer.desk.review.state
    query = request.query_params.get("q", "")[:200]
    words = finder.query_words(query)
    named: list[str] = []
    if words:
        rows = state.mined.rows
        named = [
            own.pattern
            for own in state.patterns.values()
            if finder.has_all([own.name, *rows[own.source]["alternatives"], *rows[own.source]["textWords"]], words)
        ]
    hits, n_hits = finder.find_captions(desk.shelf, words, MOST_HITS)
    return renderer.page(
        request,
        "search.html.j2",
        state,
        here="search",
        title="Search",
        query=query,
        rows=build_rows(state, named[:MOST_HITS], {}),
        n_named=len(named),
        hits=hits,
        n_hits=n_hits,
    )


def history(renderer: Renderer, request: Request) -> Response:
    """Show who did what when, the last first, and what re-mining lost."""
    state = renderer.desk.review.state
    page = Choice.of(request.query_params).page
    entries = list(reversed(state.history))
    first = (page - 1) * N_LINES
    return renderer.page(
        request,
        "history.html.j2",
        state,
        here="history",
        title="History",
        lines=[build_line(entry, state) for entry in entries[first : first + N_LINES]],
        page=page,
        n_pages=max(1, -(-len(entries) // N_LINES)),
        n=len(entries),
        unmatched=[(was, [build_line(e, state) for e in lost]) for was, lost in state.unmatched],
        done=_done(state, request),
    )


def export(renderer: Renderer, request: Request) -> Response:
    """List the forms in which the reviewed schema can be taken away."""
    state = renderer.desk.review.state
    return renderer.page(
        request,
        "export.html.j2",
        state,
        here="export",
        title="Export",
        exports=renderer.desk.exports,
        counts=state.counts(),
    )


def download(renderer: Renderer, request: Request) -> Response:
    """Send the reviewed schema in one form."""
    name = request.path_params["name"]
    chosen = next((one for one in renderer.desk.exports if one.format == name), None)
    if chosen is None:
        return renderer.missing("format")
    folder = tempfile.TemporaryDirectory(prefix="eventminer-export-")
    path = Path(folder.name) / chosen.file
    try:
        chosen.write(path)
    except BaseException:
        folder.cleanup()
        raise
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(chosen.file)}"}
    return FileResponse(
        path, media_type="application/octet-stream", headers=headers, background=BackgroundTask(folder.cleanup)
    )


def pulse(renderer: Renderer, request: Request) -> Response:
    """Tell a page that is open what others have decided since."""
    state, who = renderer.desk.review.state, renderer.reviewer(request)
    since = request.query_params.get("since", "")
    first = int(since) if since.isascii() and since.isdecimal() and len(since) < 10 else len(state.history)
    theirs = [entry.decision.who for entry in state.history[first:] if entry.decision.who != who]
    names = [wording.shorten(name, 40) for name in dict.fromkeys(theirs)]
    return JSONResponse(
        {"revision": len(state.history), "n": len(theirs), "who": names[:5], "conflicts": len(state.conflicts)}
    )

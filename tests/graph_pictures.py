"""Draws the pictures of `docs/neo4j-browser.md` and the diagram of the schema with Cytoscape.js in a headless Chromium.

`python -m tests.graph_pictures RUN --cytoscape cytoscape.min.js`, the latter from `npm pack cytoscape`. The diagram carries a
digest of what it shows, by which a test knows whether it is of the present schema.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, PngImagePlugin

from kb.contents import LABELS
from kb.export.grass import STYLES
from kb.schema import SCHEMA
from kb.store import open_store
from miner.store.fingerprint import digest_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from kb.graph_schema import NodeType

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "neo4j-browser.md"
PICTURES = DOCS / "pictures"
DIAGRAM = PICTURES / "schema.png"
DRAWN = re.compile(r"<!-- drawn: (\S+) -->\n\n```cypher\n(.*?)```", re.DOTALL)
DIGEST_KEY = "eventminer-schema"
N_COLOURS = 96
PLACES = {
    "Extraction": (620, 60), "Argument": (1400, 740), "Mention": (1560, 20), "Document": (1640, 400),
    "ArgumentRole": (90, 240), "EventType": (450, 240), "Corpus": (850, 240), "Image": (1240, 240),
    "MiningRun": (620, 375),
    "Review": (90, 540), "Pattern": (450, 540), "Evidence": (850, 540),
    "VisualItem": (90, 830), "TextItem": (450, 830), "Caption": (850, 830),
}  # fmt: skip
"""Middle of each label in the diagram, in pixels; others go below."""
LOOPS = {"COPY_OF": ("90deg", 140), "CO_OCCURS_WITH": ("215deg", 110)}
"""Where a relationship from a label to itself is drawn, if not above it, and how far out."""
HTML = "<body style='margin:0;background:#fff'><div id='cy' style='width:{width}px;height:{height}px'></div></body>"
GRAPH_STYLE = [
    {"selector": "node", "style": {
        "label": "data(text)", "background-color": "data(colour)", "border-color": "data(border)", "border-width": 2,
        "color": "data(ink)", "width": "data(size)", "height": "data(size)", "text-valign": "center", "text-wrap": "wrap",
        "text-max-width": "data(inner)", "font-size": "data(letters)", "font-family": "DejaVu Sans, sans-serif"}},
    {"selector": "edge", "style": {
        "label": "data(text)", "width": 1, "line-color": "#a5abb6", "target-arrow-color": "#a5abb6", "target-arrow-shape": "triangle",
        "arrow-scale": 0.8, "curve-style": "bezier", "font-size": 7, "color": "#333333", "text-rotation": "autorotate",
        "text-background-color": "#ffffff", "text-background-opacity": 1, "text-background-padding": 1, "font-family": "DejaVu Sans, sans-serif"}},
]  # fmt: skip
BOX_STYLE = [
    {"selector": "node", "style": {
        "label": "data(text)", "shape": "round-rectangle", "background-color": "data(colour)", "border-color": "data(border)",
        "border-width": 2, "color": "data(ink)", "width": 190, "height": "data(size)", "text-valign": "center", "text-wrap": "wrap",
        "text-max-width": 180, "font-size": 13, "line-height": 1.25, "font-family": "DejaVu Sans, sans-serif"}},
    {"selector": "edge", "style": {
        "label": "data(text)", "width": 1.5, "line-color": "#7f8c8d", "target-arrow-color": "#7f8c8d", "target-arrow-shape": "triangle",
        "curve-style": "bezier", "control-point-step-size": "data(step)", "font-size": 12, "color": "#222222", "loop-direction": "data(loop)", "loop-sweep": "-50deg",
        "text-background-color": "#ffffff", "text-background-opacity": 0.92, "text-background-padding": 2, "font-family": "DejaVu Sans, sans-serif"}},
]  # fmt: skip


def schema_elements() -> list[dict[str, Any]]:
    """Return the labels and relationship types of the schema as elements of Cytoscape."""
    below = iter(range(90, 4000, 260))
    nodes = [_label(node, PLACES.get(node.label) or (next(below), 1000)) for node in LABELS]
    ends = [(r, source, target) for r in SCHEMA.relationships for source, target in r.ends]
    return nodes + [
        {
            "data": {
                "id": f"{r.type}.{source}.{target}",
                "source": source,
                "target": target,
                "text": r.type,
                **_bend(r.type),
            }
        }
        for r, source, target in ends
    ]


def _bend(name: str) -> dict[str, Any]:
    direction, step = LOOPS.get(name, ("0deg", 60))
    return {"loop": direction, "step": step}


def _label(node: NodeType, place: tuple[int, int]) -> dict[str, Any]:
    names = [p.name for p in node.properties if p.required]
    lines = [":".join(node.labels), *(", ".join(names[i : i + 2]) for i in range(0, min(len(names), 8), 2))]
    data = {"id": node.label, "text": "\n".join(lines), **_look(node.label), "size": 30 + 20 * len(lines)}
    return {"data": data, "position": {"x": place[0], "y": place[1]}}


def schema_digest() -> str:
    """Return the digest of what the diagram shows."""
    return digest_json(schema_elements())


def drawn_queries() -> Iterator[tuple[str, str]]:
    """Yield the name of each picture of the page and the query that it answers."""
    yield from DRAWN.findall(PAGE.read_text(encoding="utf-8"))


def path_elements(paths: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the nodes and relationships of paths, each once, as elements of Cytoscape."""
    elements: dict[str, dict[str, Any]] = {}
    for path in paths:
        for node in path["nodes"]:
            elements[node["properties"]["id"]] = {"data": _node_data(node)}
        for i, r in enumerate(path["relationships"]):
            first, second = (path["nodes"][k]["properties"]["id"] for k in (i, i + 1))
            forth = (first.partition(":")[0], second.partition(":")[0]) in SCHEMA.relationship(r["type"]).ends
            source, target = (first, second) if forth else (second, first)
            key = f"{r['type']} {source} {target}"
            elements[key] = {"data": {"id": key, "source": source, "target": target, "text": r["type"]}}
    return list(elements.values())


def _node_data(node: dict[str, Any]) -> dict[str, Any]:
    label = node["properties"]["id"].partition(":")[0]
    value = node["properties"].get(STYLES[label].caption) or ""
    text = ", ".join(value) if isinstance(value, list) else str(value)
    short = text if len(text) <= 40 else f"{text[:38]}…"
    look = _look(label)
    letters = min(10.0, 1.55 * look["inner"] / max(map(len, short.split()), default=1))
    return {"id": node["properties"]["id"], "text": short, "letters": letters, **look}


def _look(label: str) -> dict[str, Any]:
    style = STYLES[label]
    size = style.diameter
    return {"colour": style.colour, "border": style.border, "ink": style.text, "size": size, "inner": size - 6}


def draw(page: Page, library: Path, elements: list[dict[str, Any]], size: tuple[int, int], **options: Any) -> bytes:  # noqa: ANN401 - options of a layout
    """Return a PNG of elements."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.set_content(HTML.format(width=size[0], height=size[1]))
    page.add_script_tag(path=library)
    given = {
        "elements": elements,
        "layout": {"animate": False, "padding": 15, **options},
        "style": BOX_STYLE if options["name"] == "preset" else GRAPH_STYLE,
    }
    page.evaluate("given => new Promise(done => { given.container = document.getElementById('cy'); const cy = cytoscape(given); cy.ready(() => requestAnimationFrame(() => requestAnimationFrame(done))) })", given)  # fmt: skip
    return page.screenshot()


def save(png: bytes, path: Path, **said: str) -> None:
    """Write a picture with few colours, and what it says of itself."""
    info = PngImagePlugin.PngInfo()
    for key, value in said.items():
        info.add_text(key.replace("_", "-"), value)
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(N_COLOURS)
    image.save(path, optimize=True, pnginfo=info)


def main() -> None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only to draw

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", help="run folder or address of a store that holds the demo")
    parser.add_argument("--cytoscape", type=Path, required=True, help="cytoscape.min.js")
    asked = parser.parse_args()
    with sync_playwright() as playwright, open_store(asked.store) as store:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page()
        diagram = draw(page, asked.cytoscape, schema_elements(), (1700, 1080), name="preset", fit=True)
        save(diagram, DIAGRAM, **{DIGEST_KEY: schema_digest()})
        for name, query in drawn_queries():
            rows = store.read(query, {}, timeout_s=30).rows
            elements = path_elements([row[0] for row in rows])
            options = {
                "randomize": False,
                "nodeRepulsion": 9000,
                "idealEdgeLength": 90,
                "numIter": 3000,
                "nodeOverlap": 20,
            }
            save(draw(page, asked.cytoscape, elements, (1000, 640), name="cose", **options), PICTURES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()

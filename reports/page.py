"""One HTML file that shows what a run found: no network, pictures inside.

Everything can be read without scripts; one small script, the only one that the page's own policy allows, adds the search and
a choice of light or dark. The bytes follow from the inputs alone: no times, no paths, no host names.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import jinja2
import pyarrow as pa
import pyarrow.compute as pc

from reports import charts, losses, numerals
from reports.album import Album, build_album
from reports.comparison import compare_methods
from reports.dropped import list_losses, list_steps
from reports.figures import Cut
from reports.gallery import Section, build_sections, find_links
from reports.heat import draw_veils
from reports.links import KINDS
from reports.reliability import draw_reliability
from reports.structure import find_structures

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reports.inputs import ReportInputs

N_PATCHES = 12
N_COPY_GROUPS, N_COPIES_SHOWN = 12, 4


def render_report(inputs: ReportInputs, *, images: bool = True) -> str:
    """Render the report of a run as one self-contained HTML page.

    Args:
        inputs: The run's tables and a way to open its pictures.
        images: Embed pictures; without them the page holds the same facts and stays small.

    Returns:
        The page; nothing in it refers to anything outside of it.
    """
    sections = build_sections(inputs.patterns, inputs.evidence, records=inputs.records, n_examples=N_PATCHES)
    copies = losses.find_copies(inputs.images, inputs.groups, n_largest=N_COPY_GROUPS, n_shown=N_COPIES_SHOWN)
    copy_cuts = _copy_cuts(inputs.records, copies)
    balance, n_unlabelled = losses.label_balance(inputs.labels)
    lines, tables = losses.read_counters(inputs.counters)
    panels, unmeasured = compare_methods(inputs.evaluation)
    album = build_album(inputs, [*_cuts(sections), *copy_cuts.values()]) if images else Album({}, {})
    environment = template_environment()
    script = environment.get_template("script.js").render()
    return environment.get_template("report.html.j2").render(
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        inputs=inputs,
        images=images,
        album=album,
        veils=draw_veils(inputs, (card for section in sections for card in section.cards), album),
        sections=sections,
        structures=find_structures(inputs.patterns, inputs.evidence),
        links=find_links(sections, inputs.evidence),
        link_kinds=KINDS,
        cards={card.pattern: card for section in sections for card in section.cards},
        roles=sorted({card.role for section in sections for card in section.cards if card.role}),
        panels=panels,
        unmeasured=unmeasured,
        reliability=draw_reliability(inputs.reliability),
        headline=_headline(inputs, balance),
        overview=_overview(sections, balance),
        most_patterns=max((len(section.cards) for section in sections), default=0),
        plots=_plots(sections),
        copies=copies,
        copy_cuts=copy_cuts,
        balance=balance,
        n_unlabelled=n_unlabelled,
        most_records=max(n_unlabelled, *balance.values()) if balance else n_unlabelled,
        steps=list_steps(inputs, n_shown=sum(1 for _ in _cuts(sections))),
        dropped=list_losses(inputs),
        counter_lines=lines,
        counter_tables=tables,
    )


def template_environment() -> jinja2.Environment:
    """Return what renders the templates of reports: everything is escaped, and control characters are replaced."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters |= {
        "whole": numerals.whole,
        "decimal": numerals.decimal,
        "percent": numerals.percent,
        "score": numerals.score,
        "p_value": numerals.p_value,
    }
    return environment


def _printable(value: object) -> object:
    """Replace control characters, which HTML forbids, in text that comes from a corpus."""
    if type(value) is str and not value.isprintable():
        return "".join("\ufffd" if _is_control(character) else character for character in value)
    return value


def _is_control(character: str) -> bool:
    return (character < " " and character not in "\t\n\r") or "\x7f" <= character <= "\x9f"


def _headline(inputs: ReportInputs, balance: dict[str, int]) -> list[tuple[str, int]]:
    return [
        ("records", inputs.records.num_rows),
        ("photo groups", pc.count_distinct(pa.array(inputs.groups)).as_py()),
        ("event types", len(balance)),
        ("rules", inputs.rules.num_rows),
        ("proven rules", pc.sum(inputs.rules["proven"]).as_py() or 0),
        ("patterns", inputs.patterns.num_rows),
    ]


def _overview(sections: Sequence[Section], balance: dict[str, int]) -> list[tuple[int, Section]]:
    by_type = {section.event_type: section for section in sections}
    return [
        (balance.get(name, 0), by_type.get(name, Section(name, ()))) for name in sorted(balance.keys() | by_type.keys())
    ]


def _plots(sections: Sequence[Section]) -> list[tuple[str, charts.Scatter]]:
    points = [
        charts.Point(card.pattern, card.name, card.event_type, card.rank, card.support, card.confidence, card.proven)
        for section in sections
        for card in section.cards
    ]
    if not points:
        return []
    return [
        ("wide", charts.scatter(points, width=1000, height=460)),
        ("narrow", charts.scatter(points, width=350, height=400)),
    ]


def _cuts(sections: Iterable[Section]) -> Iterable[Cut]:
    return (example.cut for section in sections for card in section.cards for example in card.examples)


def _copy_cuts(records: pa.Table, copies: losses.Copies) -> dict[str, Cut]:
    wanted = pa.array([record for group in copies.largest for record in group], pa.string())
    rows = records.filter(pc.is_in(records["record"], value_set=wanted)).select(["record", "image"]).to_pylist()
    return {row["record"]: Cut(row["image"]) for row in rows}

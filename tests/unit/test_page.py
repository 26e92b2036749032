from __future__ import annotations

import base64
import hashlib
import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from miner.visual.registry import load_backbone
from reports.page import render_report
from tests.report_fakes import FLICKR, drawn_source, fake_inputs, flickr_source

if TYPE_CHECKING:
    from reports.inputs import ReportInputs

VOID = {"meta", "link", "br", "img", "hr", "input"}
HOSTILE = "</style></title></svg><script>alert('x')</script><img src=x onerror=alert(1)>\" onload=\"alert(2)\x00\u202e"


class Page(HTMLParser):
    """Elements, ids and text of a page; refuses tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _, attributes in self.elements if "id" in attributes]


@pytest.fixture(scope="module")
def inputs() -> ReportInputs:
    return fake_inputs(drawn_source(), n_patterns=6)


@pytest.fixture(scope="module")
def html(inputs: ReportInputs) -> str:
    return render_report(inputs)


def set_column(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))


def test_page_nests_and_every_link_leads_somewhere(html: str) -> None:
    page = Page(html)
    assert len(page.ids) == len(set(page.ids))
    links = [attributes["href"] or "" for attributes in [*page.all("a"), *page.all("use")]]
    assert {link[:1] for link in links} == {"#"}
    assert {link[1:] for link in links} <= set(page.ids)


def test_page_shows_every_pattern_with_its_name(inputs: ReportInputs, html: str) -> None:
    page = Page(html)
    cards = [attributes["id"] for attributes in page.all("article")]
    assert sorted(map(str, cards)) == sorted(inputs.patterns["pattern"].to_pylist())
    for name in inputs.patterns["name"].to_pylist():
        assert name in page.text


def test_page_says_what_each_visual_item_is(inputs: ReportInputs) -> None:
    patterns = set_column(inputs.patterns, "visualItems", [[1279, 2075]] * inputs.patterns.num_rows)
    name_item = load_backbone("efficientnet-lite0").name_item
    page = Page(render_report(replace(inputs, patterns=patterns, name_item=name_item), images=False))
    assert "filter 1279, class 795" in page.text


def test_page_refers_to_nothing_outside_and_runs_its_own_script_only(html: str) -> None:
    page = Page(html)
    assert page.all("link") == page.all("img") == page.all("iframe") == []
    assert page.all("script") == [{}]
    for _, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "srcset", "xlink:href", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/jpeg;base64,"))
    assert "url(" not in html
    assert "@import" not in html
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    script = html[html.index("<script>") + len("<script>") : html.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy


def test_page_says_what_each_event_type_typically_looks_like(html: str) -> None:
    page = Page(html)
    assert len([text for text in page.text if text.startswith("In Drawn.Kind")]) == 3
    assert html.count('class="slots"') == 3


def test_page_marks_the_words_that_match(html: str) -> None:
    assert re.search(r"A <mark>(disc|square|bar)</mark> lies on the", html)


def test_page_gives_every_patch_a_name_and_a_frame(html: str) -> None:
    patches = re.findall(r'<svg class="patch".*?</svg>', html, re.DOTALL)
    cards = html[html.index('<article class="card"') : html.index('<section id="dropped"')]
    assert len(patches) > 100
    assert all(re.search(r"<title>[^<]{3,}</title>", patch) for patch in patches)
    assert cards.count('class="frame"') == cards.count('class="patch"')


def test_page_has_one_h1_and_skips_no_heading_level(html: str) -> None:
    levels = [int(tag[1]) for tag, _ in Page(html).elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_page_states_the_run_in_numbers(inputs: ReportInputs, html: str) -> None:
    headline = dict(re.findall(r"<dt>([a-z ]+)</dt><dd>([\d,]+)</dd>", html))
    assert headline == {
        "records": "120",
        "photo groups": str(len(set(inputs.groups.tolist()))),
        "event types": "3",
        "rules": str(inputs.rules.num_rows),
        "proven rules": str(pc.sum(inputs.rules["proven"]).as_py()),
        "patterns": str(inputs.patterns.num_rows),
    }


def test_page_lists_what_was_dropped(html: str) -> None:
    dropped = html[html.index('<section id="dropped"') : html.index('<section id="copies"')]
    for text in (
        "missing-image",
        "captions.jsonl:11: images/none.jpg is not in the corpus",
        "truncated",
        "unknown-event",
    ):
        assert text in dropped
    assert "48,210" in dropped


def test_page_compares_methods_or_says_what_would(inputs: ReportInputs, html: str) -> None:
    assert "This run has not been measured" in html
    rows = [
        {"measure": "concepts", "method": "ours", "corpus": "c", "value": 30.0, "low": 25.0, "high": 36.0, "n": 5},
        {
            "measure": "concepts",
            "method": "visual-only",
            "corpus": "c",
            "value": 20.0,
            "low": None,
            "high": None,
            "n": 5,
        },
    ]
    measured = render_report(replace(inputs, evaluation=rows), images=False)
    assert "This run has not been measured" not in measured
    assert "25 to 36" in measured
    assert Page(measured).all("caption") == [{}]


def test_page_shows_words_that_were_hidden(inputs: ReportInputs) -> None:
    html = render_report(replace(inputs, masked_words=["protest", "riot"]), images=False)
    assert "2 words define an event type" in html
    assert "protest, riot" in html


def test_page_is_the_same_twice(inputs: ReportInputs, html: str) -> None:
    assert render_report(inputs) == html


def test_page_without_images_keeps_the_facts(inputs: ReportInputs) -> None:
    def refuse(image: str) -> bytes:
        raise AssertionError(image)

    html = render_report(replace(inputs, open_image=refuse), images=False)
    page = Page(html)
    assert page.all("image") == []
    assert len(page.all("article")) == inputs.patterns.num_rows
    assert "<mark>" in html
    assert len(html) < 1_000_000


def test_page_says_where_a_picture_is_missing(inputs: ReportInputs) -> None:
    def open_image(image: str) -> bytes:
        if image == "images/0000.jpg":
            raise FileNotFoundError(image)
        return inputs.open_image(image)

    html = render_report(replace(inputs, open_image=open_image))
    assert "(picture not available)</title>" in html
    assert html.count("<image ") > 50
    Page(html)


def test_page_without_patterns_explains_itself(inputs: ReportInputs) -> None:
    empty = replace(
        inputs,
        patterns=inputs.patterns.slice(0, 0),
        evidence=inputs.evidence.slice(0, 0),
        rules=inputs.rules.slice(0, 0),
        labels=set_column(inputs.labels, "eventTypes", [[]] * inputs.labels.num_rows),
        groups=np.arange(inputs.records.num_rows),
        counters={},
    )
    html = render_report(empty)
    Page(html)
    assert "No pattern was found" in html
    assert "No two pictures are copies" in html


def test_page_escapes_hostile_text_everywhere(inputs: ReportInputs) -> None:
    n_records, n_evidence, n_patterns = inputs.records.num_rows, inputs.evidence.num_rows, inputs.patterns.num_rows
    patterns = inputs.patterns
    for name in ("name", "role", "method"):
        patterns = set_column(patterns, name, [HOSTILE] * n_patterns)
    for name in ("nameFlags", "textWords"):
        patterns = set_column(patterns, name, [[HOSTILE]] * n_patterns)
    patterns = set_column(patterns, "alternatives", [[HOSTILE] * len(a) for a in patterns["alternatives"].to_pylist()])
    patterns = set_column(patterns, "eventType", [HOSTILE] * n_patterns)
    evidence = inputs.evidence
    for name in ("record", "caption", "image"):
        evidence = set_column(evidence, name, [HOSTILE] * n_evidence)
    evidence = set_column(evidence, "start", [9] * n_evidence)
    evidence = set_column(evidence, "end", [30] * n_evidence)
    records = inputs.records
    for name in ("where", "code", "reason", "credit"):
        records = set_column(records, name, [HOSTILE] * n_records)
    hostile = replace(
        inputs,
        corpus=HOSTILE,
        run_key=HOSTILE,
        config_toml=HOSTILE,
        patterns=patterns,
        evidence=evidence,
        records=records,
        labels=set_column(inputs.labels, "eventTypes", [[HOSTILE]] * n_records),
        counters={HOSTILE: {HOSTILE: {HOSTILE: HOSTILE}}},
        masked_words=[HOSTILE],
        evaluation=[{"measure": HOSTILE, "method": HOSTILE, "corpus": HOSTILE, "value": 0.5, "n": HOSTILE}],
        open_image=lambda _: b"",
    )
    html = render_report(hostile)
    page = Page(html)
    assert page.all("script") == [{}]
    assert page.all("img") == []
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert "\x00" not in html
    assert html.count("<style>") == html.count("</style>") == 1
    assert any("<script>alert('x')</script>" in text for text in page.text)


def test_page_of_a_whole_corpus_stays_below_15_megabytes() -> None:
    if not FLICKR.exists():
        pytest.skip("needs the development data in ../shared/data/flickr-dev")
    inputs = fake_inputs(flickr_source())
    html = render_report(inputs)
    assert inputs.patterns.num_rows == 260
    assert html.count("<image ") > 2000
    assert len(html.encode()) < 15_000_000

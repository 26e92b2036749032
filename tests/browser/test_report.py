from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from reports.inputs import Heat
from reports.page import render_report
from tests.report_fakes import drawn_source, fake_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from playwright.sync_api import Page as BrowserPage

LAPTOP, PHONE = (1366, 768), (390, 844)
AXE = Path(__file__).parent / "axe" / "axe.min.js"


EVALUATION = [
    {
        "measure": measure,
        "method": method,
        "corpus": "drawn",
        "value": value,
        "low": value - 0.1,
        "high": value + 0.1,
        "n": 9,
    }
    for measure in ("r-precision of names", "consistency")
    for method, value in (("ours", 0.6), ("visual-only", 0.25), ("text-only", 0.05))
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    inputs = replace(fake_inputs(drawn_source(), n_patterns=10), masked_words=["mark", "marker"], evaluation=EVALUATION)
    dark = Heat(np.zeros((2, 2), np.float32), (-500.0, -500.0, 900.0, 900.0))
    inputs = replace(inputs, heat=lambda _pattern, _record: dark)
    path.write_text(render_report(inputs), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(params=[LAPTOP, PHONE], ids=["laptop", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[BrowserPage]:
    width, height = request.param
    page = browser.new_page(viewport={"width": width, "height": height})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda sent: problems.append(sent.url) if not sent.url.startswith(("file:", "data:")) else None)
    page.goto(address)
    yield page
    page.close()
    assert problems == []


def test_report_fits_the_width_of_the_screen(page: BrowserPage) -> None:
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    page.add_style_tag(content=".card { content-visibility: visible !important }")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("window.innerWidth")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_report_is_accessible(page: BrowserPage, theme: str) -> None:
    page.select_option("#theme", theme)
    page.select_option("#by-type", "Drawn.Kind2")  # all cards are alike, and checking them takes long
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    page.add_style_tag(content=".card { content-visibility: visible !important }")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})")
    assert [(violation["id"], violation["nodes"][0]["html"]) for violation in found["violations"]] == []


def test_report_theme_outlives_a_reload(page: BrowserPage) -> None:
    page.select_option("#theme", "dark")
    page.reload()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_report_search_leaves_the_patterns_that_fit(page: BrowserPage) -> None:
    everything = page.locator("article.card").count()
    page.keyboard.press("/")
    page.keyboard.type("kind1")
    assert page.locator("article.card:visible").count() == 10
    assert page.inner_text("#found") == f"10 of {everything} patterns"
    assert page.locator("section.event:visible").count() == 1
    page.keyboard.press("Enter")
    assert page.locator(".card:target").count() == 1
    page.keyboard.press("Escape")
    assert page.locator("article.card:visible").count() == everything


def test_report_filters_by_type_role_and_proof(page: BrowserPage) -> None:
    page.select_option("#by-type", "Drawn.Kind0")
    page.select_option("#by-role", "Place")
    shown = page.locator("article.card:visible")
    assert 0 < shown.count() < 10
    assert {card.get_attribute("data-role") for card in shown.all()} == {"Place"}
    page.click("#clear")
    page.check("#only-proven")
    assert page.locator('article.card[data-proven="no"]:visible').count() == 0
    page.fill("#search", "nothing has this word")
    assert page.locator("#none").is_visible()


def test_report_links_lead_to_cards_that_the_search_hides(page: BrowserPage) -> None:
    page.select_option("#by-type", "Drawn.Kind0")
    hidden = page.locator('article.card[data-type="Drawn.Kind1"]').first.get_attribute("id")
    page.evaluate("id => { location.hash = id }", hidden)
    page.wait_for_selector(f"#{hidden}", state="visible")


def test_report_compares_methods_on_one_scale(page: BrowserPage) -> None:
    """The marks of a measure stand in the order of their values."""
    marks = page.locator(".panel").first.locator(".mark")
    places = [mark.evaluate("mark => mark.getBoundingClientRect().x") for mark in marks.all()]
    assert places == sorted(places, reverse=True)
    assert len(set(places)) == 3
    assert page.locator(".panel").first.locator("caption").bounding_box()["width"] > 300  # type: ignore[index]


def test_report_prints_cards_and_no_controls(page: BrowserPage) -> None:
    page.emulate_media(media="print")
    assert page.locator("article.card:visible").count() == page.locator("article.card").count()
    assert not page.locator("#find").is_visible()
    assert not page.locator("#contents").is_visible()
    page.emulate_media(media="screen")


def test_report_draws_its_patches(page: BrowserPage) -> None:
    sizes = page.eval_on_selector_all(
        ".best .patch", "all => all.map(one => [one.getBoundingClientRect().width, one.getBoundingClientRect().height])"
    )
    assert len(sizes) == 18
    assert all(width > 50 and abs(width - height) < 1 for width, height in sizes)
    colours = page.evaluate(
        """async () => {
            const image = new Image();
            image.src = document.querySelector('.album image').getAttribute('href');
            await image.decode();
            return image.naturalWidth;
        }"""
    )
    assert colours == 176


def test_report_shows_pictures_and_their_frames_on_the_screen(page: BrowserPage) -> None:
    """A screenshot of a patch has the colours of a drawn scene, and at the left edge of its frame white beside black."""
    patch = page.locator("article.card .patch").first
    patch.scroll_into_view_if_needed()
    frame = patch.locator(".frame").evaluate("one => ['x', 'y', 'height'].map(name => one[name].baseVal.value / 100)")
    shot = Image.open(io.BytesIO(patch.screenshot())).convert("RGB")
    grey = np.asarray(shot.convert("L")).astype(int)
    assert len(np.unique(np.asarray(shot.resize((16, 16))).reshape(-1, 3), axis=0)) > 20
    row = round((frame[1] + frame[2] / 2) * (len(grey) - 1))
    at = round(frame[0] * (grey.shape[1] - 1))
    edge = grey[row, max(0, at - 5) : at + 6]
    assert edge.max() - edge.min() > 150


def test_report_dims_what_detectors_do_not_look_at_when_asked(page: BrowserPage) -> None:
    patch = page.locator("article.card .patch").first
    patch.scroll_into_view_if_needed()

    def median() -> float:
        return float(np.median(np.asarray(Image.open(io.BytesIO(patch.screenshot())).convert("L"))))

    lit = median()
    page.check("#show-heat")
    assert median() < 0.5 * lit
    page.uncheck("#show-heat")
    assert median() == pytest.approx(lit, abs=2)


def test_report_leads_from_the_overview_to_a_pattern(page: BrowserPage) -> None:
    page.locator(".best a").nth(3).click()
    card = page.locator(".card:target")
    assert card.count() == 1
    assert 0 <= card.evaluate("card => card.getBoundingClientRect().top") < 100


def test_report_shows_one_plot_that_fits(page: BrowserPage) -> None:
    shown = page.locator(".plot:visible")
    assert shown.count() == 1
    assert shown.locator(".name").first.evaluate("text => text.getBoundingClientRect().height") >= 10


def test_report_opens_the_evidence_of_a_pattern(page: BrowserPage) -> None:
    card = page.locator(".card").first
    assert not card.locator("table").is_visible()
    card.locator("summary").first.press("Enter")
    assert card.locator("table").is_visible()

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reports.page import render_report
from tests.report_fakes import drawn_source, fake_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser
    from playwright.sync_api import Page as BrowserPage

LAPTOP, PHONE = (1280, 900), (390, 844)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(fake_inputs(drawn_source(), n_patterns=8)), encoding="utf-8")
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
    card.locator("summary").press("Enter")
    assert card.locator("table").is_visible()

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kb.evaluate.rating import Rated, read_ratings, score_ratings
from reports.rating import Sheet, build_sheet, render_sheet
from tests.unit.test_rating_sheet import make_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from playwright.sync_api import Page as BrowserPage

AXE = Path(__file__).parent / "axe" / "axe.min.js"
LAPTOP, PHONE = (1366, 768), (390, 844)


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    return build_sheet([make_run("run-1", "ours"), make_run("run-2", "visual-only")], n_patterns=3, seed=1)


@pytest.fixture(params=[LAPTOP, PHONE], ids=["laptop", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, sheet: Sheet, tmp_path: Path) -> Iterator[BrowserPage]:
    path = tmp_path / "sheet.html"
    path.write_text(render_sheet(sheet), encoding="utf-8")
    width, height = request.param
    page = browser.new_page(viewport={"width": width, "height": height})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    local = ("file:", "data:", "blob:")
    page.on("request", lambda sent: problems.append(sent.url) if not sent.url.startswith(local) else None)
    page.goto(path.as_uri())
    yield page
    page.close()
    assert problems == []


def save(page: BrowserPage) -> str:
    with page.expect_download() as waiting:
        page.keyboard.press("s")
    return Path(waiting.value.path()).read_text(encoding="utf-8")


def test_rating_by_keyboard_gives_a_csv_that_can_be_scored(page: BrowserPage, sheet: Sheet) -> None:
    page.fill("#rater", 'Anna "A" Example')
    page.locator("#rater").press("Escape")
    for letter in "ynuyn":
        page.keyboard.press(letter)
    assert page.inner_text("#done") == "5 of 6 answered"
    text = save(page)
    key = [Rated(item.id, item.method, "c") for item in sheet.items]
    ratings = read_ratings(text, rater="file", sheet=sheet.id, ids=[rated.id for rated in key])
    assert ratings.rater == 'Anna "A" Example'
    assert [ratings.answers.get(item.id) for item in sheet.items] == ["yes", "no", "unsure", "yes", "no", None]
    assert {score.method for score in score_ratings(key, [ratings])} == {"ours", "visual-only", "all"}


def test_rating_goes_back_and_to_what_is_open(page: BrowserPage) -> None:
    page.keyboard.press("y")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("n")
    assert page.locator(".item:visible .place").inner_text().startswith("4 of 6")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".item:visible input:checked").get_attribute("value") == "no"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("g")
    assert page.locator(".item:visible .place").inner_text().startswith("2 of 6")


def test_rating_comments_are_saved_and_letters_in_them_are_no_commands(page: BrowserPage) -> None:
    page.keyboard.press("c")
    page.keyboard.type("yes, nearly: =1")
    assert page.inner_text("#done") == "0 of 6 answered"
    page.keyboard.press("Escape")
    first = next(csv.DictReader(io.StringIO(save(page))))
    assert (first["comment"], first["rating"]) == ("yes, nearly: =1", "")


def test_rating_survives_a_reload(page: BrowserPage) -> None:
    page.keyboard.press("u")
    answered = "document.querySelector('#done').innerText === '1 of 6 answered'"
    page.wait_for_function(answered)
    page.reload()
    page.wait_for_function(answered)
    page.keyboard.press("ArrowLeft")
    assert page.locator(".item:visible input:checked").get_attribute("value") == "unsure"


def test_rating_fits_the_screen_and_is_accessible(page: BrowserPage) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("window.innerWidth")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})")
    assert [violation["id"] for violation in found["violations"]] == []

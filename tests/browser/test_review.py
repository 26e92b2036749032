"""An analyst at the review page, in a real browser."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

pytest.importorskip("playwright.sync_api", reason="browser tests need the playwright package")
from playwright.sync_api import expect

from kb.review.log import DecisionLog
from miner.run.demo import run_demo
from miner.run.job import Place
from miner.run.progress import Silent
from tests.desks import drawn_desk
from tests.review_server import Client, serving, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser
    from playwright.sync_api import Page as BrowserPage

    OpenPage = Callable[..., BrowserPage]

LAPTOP, PHONE = (1280, 800), (390, 844)
AXE = Path(__file__).parent / "axe" / "axe.min.js"
PICTURES = os.environ.get("EVENTMINER_PICTURES")
"""Folder for the pictures of the README; nothing is written without it."""
VIEWS = (
    "/queue",
    "/schema",
    "/schema/Accident.Crash",
    "/graph",
    "/coverage",
    "/compare",
    "/history",
    "/export",
    "/search?q=car",
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo")
    run_demo(out, seed=0, place=Place(), progress=Silent())
    return out / "run"


@pytest.fixture
def run(demo: Path) -> Path:
    """The demo's run without decisions."""
    shutil.rmtree(demo / "review", ignore_errors=True)
    return demo


@pytest.fixture
def address(run: Path) -> Iterator[str]:
    with started("-m", "miner.cli.app", "review", str(run), "--as", "Ana") as (_, address):
        yield address


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens pages as of different people, and fails on anything that a console tells."""
    contexts, problems = [], []

    def opened(address: str, size: tuple[int, int] = LAPTOP) -> BrowserPage:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, timezone_id="UTC")
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda sent: problems.append(sent.url) if not sent.url.startswith(address[:20]) else None)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == [], problems


def press(page: BrowserPage, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def decide(page: BrowserPage, *keys: str) -> None:
    """Press keys of which the last takes a decision, and wait until it is taken."""
    revision = page.locator("#bar").get_attribute("data-revision")
    press(page, *keys)
    expect(page.locator("#bar")).not_to_have_attribute("data-revision", revision or "")


def name_of(page: BrowserPage) -> str:
    return page.locator("#name").inner_text()


def state_of(run: Path) -> list[tuple[str, str]]:
    return [(d.who, d.action) for d in DecisionLog(run / "review" / "decisions.jsonl").read()]


def picture(page: BrowserPage, name: str) -> None:
    if PICTURES:
        page.wait_for_load_state("networkidle")
        page.screenshot(path=f"{PICTURES}/{name}.png")


def test_demo_is_reviewed_from_beginning_to_end_by_keyboard(address: str, run: Path, open_page: OpenPage) -> None:
    page = open_page(address)
    n_patterns = int(page.locator(".progress .n").inner_text().split("/")[1])
    first = name_of(page)
    picture(page, "review-queue")
    press(page, "f")
    page.locator("#photo-content").wait_for()
    press(page, "ArrowRight")
    expect(page.locator("#photo-content .n").first).to_have_text(re.compile("^2 of"))
    press(page, "h")
    expect(page.locator(".stage .heat")).to_have_attribute("href", re.compile("^/heat/"))
    picture(page, "review-photograph")
    press(page, "Escape")
    press(page, "j")
    expect(page.locator("#name")).not_to_have_text(first)
    press(page, "k")
    expect(page.locator("#name")).to_have_text(first)

    press(page, "n")
    page.keyboard.type("rescue car")
    decide(page, "Enter")
    assert name_of(page) == "rescue car"
    decide(page, "2")
    assert name_of(page) != "rescue car"
    decide(page, "u")
    assert name_of(page) == "rescue car"
    decide(page, "o", "2")
    press(page, "c")
    page.keyboard.type("the red cross is the clue")
    decide(page, "Control+Enter")
    assert "the red cross is the clue" in page.locator(".notes").inner_text()
    press(page, "e", "x", "ArrowRight", "x", "s")
    assert "2 chosen photographs" in page.locator("#split-count").inner_text()
    page.keyboard.type("van from the side")
    decide(page, "Enter")
    decide(page, "r", "1")
    assert name_of(page) != "rescue car"
    decide(page, "r", "Tab", "Tab", "Tab", "Tab", "Tab", "Enter")

    while page.locator("article.panel").count():
        decide(page, "a")
    assert name_of(page) == "Everything is decided"
    assert page.locator(".progress .n").inner_text() == f"{n_patterns + 1}/{n_patterns + 1}"
    press(page, "g", "s")
    page.wait_for_url("**/schema")
    assert page.locator(".tiny li").count() == n_patterns - 1
    press(page, "g", "h")
    page.wait_for_url("**/history")
    assert "split 2 photographs off as “van from the side”" in page.locator(".history").inner_text()
    picture(page, "review-history")
    assert {who for who, _ in state_of(run)} == {"Ana"}


def test_decisions_and_undo_outlive_the_server(run: Path, open_page: OpenPage) -> None:
    command = ("-m", "miner.cli.app", "review", str(run), "--as", "Ana")
    with started(*command) as (process, address):
        page = open_page(address)
        first = name_of(page)
        decide(page, "a")
        page.goto("about:blank")
        process.kill()
        process.wait(10)
    with started(*command) as (_, address):
        page = open_page(address)
        assert name_of(page) != first
        assert page.locator(".progress .n").inner_text().startswith("1/")
        decide(page, "u")
        assert name_of(page) == first
        assert page.locator(".progress .n").inner_text().startswith("0/")
        decide(page, "y")
        assert page.locator(".progress .n").inner_text().startswith("1/")
        page.goto("about:blank")
    assert [action for _, action in state_of(run)] == ["accept", "undo", "redo"]


def introduce(page: BrowserPage, name: str) -> None:
    page.locator("button.me").click()
    page.locator("#who input[name=name]").fill(name)
    page.locator("#who button.strong").click()
    expect(page.locator("button.me")).to_have_text(name)


def test_two_reviewers_see_each_other_and_keep_both(address: str, run: Path, open_page: OpenPage) -> None:
    ana, ben = open_page(address), open_page(address)
    introduce(ben, "Ben")
    first = name_of(ana)
    assert name_of(ben) == first
    decide(ana, "a")
    ben.locator("#news").wait_for(timeout=10_000)
    assert "Ana decided something meanwhile" in ben.locator("#news").inner_text()
    decide(ben, "r", "2")
    assert state_of(run) == [("Ana", "accept"), ("Ben", "reject")]
    for page in (ana, ben):
        page.goto(f"{address}queue?status=conflict")
        assert name_of(page) == first
        text = page.locator(".dispute").inner_text()
        assert "No agreement on the verdict" in text
        assert "Ana: accepted" in text
        assert "Ben: rejected" in text
    picture(ana, "review-conflict")
    ana.locator(".dispute li", has_text="Ben").get_by_role("button").click()
    expect(ana.locator("#bar")).to_have_attribute("data-revision", "3")
    assert ana.locator(".dispute").count() == 0


def test_patterns_are_merged_and_found_again(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    first = name_of(page)
    other = page.locator(".similar .name").first.inner_text()
    press(page, "m", "1")
    page.locator("#merge button.strong").click()
    expect(page.locator("#bar")).to_have_attribute("data-revision", "1")
    assert other in page.locator(".members").inner_text()
    press(page, "/")
    page.keyboard.type(first)
    press(page, "Enter")
    page.wait_for_url("**/search?q=*")
    assert page.locator(".found .name").first.inner_text() == first
    assert page.locator(".hits mark").first.inner_text().lower() == first.lower()


def test_learned_order_is_a_switch(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    decide(page, "a")
    press(page, "l")
    page.locator('[role=switch][aria-checked="true"]').wait_for()
    assert "likely" in page.locator(".rows").inner_text()
    decide(page, "a")
    assert page.locator('[role=switch][aria-checked="true"]').count() == 1


def test_graph_is_drawn_and_leads_to_patterns(address: str, open_page: OpenPage) -> None:
    page = open_page(f"{address}graph")
    page.locator("#graph[data-drawn]").wait_for()
    assert page.locator("#graph canvas").count() >= 1
    page.wait_for_timeout(300)
    picture(page, "review-graph")
    page.locator("summary").click()
    page.locator("tbody a").first.click()
    page.locator("article.panel").wait_for()


def test_reviewed_schema_is_taken_away(address: str, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(address)
    first = name_of(page)
    decide(page, "a")
    press(page, "g", "e")
    page.wait_for_url("**/export")
    with page.expect_download() as waiting:
        page.locator("a[href='/export/jsonl']").click()
    waiting.value.save_as(tmp_path / "schema.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "schema.jsonl").read_text(encoding="utf-8").splitlines()]
    names = [row["properties"]["displayName"] for row in rows if row.get("node") == "Pattern"]
    assert names == [first]


@pytest.mark.parametrize(("size", "scheme"), [(LAPTOP, "light"), (PHONE, "dark")], ids=["laptop", "phone"])
def test_views_fit_the_screen_and_are_accessible(
    address: str, open_page: OpenPage, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    page = open_page(address, size)
    page.emulate_media(color_scheme=scheme)
    Client(address).decide("accept", page.locator("article.panel").get_attribute("data-pattern") or "")
    for view in VIEWS:
        page.goto(address.rstrip("/") + view)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], view
        check_access(page, view)
    page.goto(f"{address}queue")
    for keys in ("?", "r", "n", "o", "t", "m", "s", "c", "f"):
        press(page, keys)
        expect(page.locator("dialog[open]"), keys).to_be_visible()
        check_access(page, f"dialog {keys}")
        page.evaluate("document.querySelector('dialog[open]').close()")


def check_access(page: BrowserPage, where: str) -> None:
    # the page forbids scripts of others, so axe is run by the browser itself
    page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})")
    problems = [(p["id"], [node["html"][:160] for node in p["nodes"][:3]]) for p in found["violations"]]
    assert problems == [], where


def test_phone_decides_with_the_thumb(address: str, run: Path, open_page: OpenPage) -> None:
    page = open_page(address, PHONE)
    accept = page.locator(".verdict button.strong")
    box = accept.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= PHONE[1]
    assert box["height"] >= 44
    picture(page, "review-phone")
    accept.click()
    expect(page.locator("#bar")).to_have_attribute("data-revision", "1")
    page.locator(".sheet a").first.click()
    stage = page.locator(".stage").bounding_box()
    assert stage is not None
    assert stage["width"] <= PHONE[0]
    assert state_of(run) == [("Ana", "accept")]


def test_hostile_names_stay_text_in_a_browser(tmp_path: Path, open_page: OpenPage) -> None:
    evil = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'
    with serving(drawn_desk(tmp_path, caption=evil)) as client:
        client.decide("rename", "P000000000000", name=evil)
        page = open_page(client.address)
        assert name_of(page).startswith("<img src=x")
        press(page, "f")
        page.locator("#photo-content").wait_for()
        press(page, "Escape")
        for view in ("graph", "history", "search?q=img"):
            page.goto(client.address + view)
            page.wait_for_load_state("networkidle")
            assert page.title() != "owned"
        page.goto("about:blank")

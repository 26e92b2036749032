"""Speed of the review page with a large run: `python -m tests.bench.review_page [--patterns N] [--images N]`.

Prints, in wall-clock milliseconds over HTTP on loopback, the best, the median and the 95th percentile of queue pages of 50 patterns,
patches, decisions (each on the disk before the answer) and, in headless Chromium, how long until a queue page can be used:
its scripts have run and the twelve patches of its first pattern are drawn.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import time
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.review_server import Client, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

N_REQUESTS = 60
N_VISITS = 12
DRAWN = "[...document.querySelectorAll('#sheet img')].filter(image => image.complete && image.naturalWidth).length"


def measure(ask: Callable[[str], object], paths: Iterable[str]) -> list[float]:
    """Return how long each request took, in ms."""
    times = []
    for path in paths:
        start = time.perf_counter()
        ask(path)
        times.append(1_000 * (time.perf_counter() - start))
    return times


def visit_all(address: str, paths: Iterable[str]) -> list[float]:
    """Return how long until each page can be used in a browser that has never seen it, in ms; none without one."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return []
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{address}export")

        def visit(path: str) -> None:
            page.goto(address.rstrip("/") + path, wait_until="domcontentloaded")
            while page.evaluate(DRAWN) < 12:
                page.wait_for_timeout(5)

        times = measure(visit, paths)
        browser.close()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patterns", type=int, default=10_000)
    parser.add_argument("--images", type=int, default=100_000)
    arguments = parser.parse_args()
    sizes = ("--patterns", str(arguments.patterns), "--images", str(arguments.images))
    chance = random.Random(0)  # noqa: S311 - the same pages every time
    pages = [f"/queue?page={chance.randint(1, arguments.patterns // 50)}" for _ in range(N_REQUESTS)]
    names = [f"P{chance.randrange(arguments.patterns):012x}" for _ in range(N_REQUESTS)]
    table = Table("what", "n", "best (ms)", "p50 (ms)", "p95 (ms)", box=None, pad_edge=False)

    def report(what: str, times: list[float]) -> None:
        if times:
            figures = (min(times), np.median(times), np.quantile(times, 0.95))
            table.add_row(what, str(len(times)), *(f"{figure:.0f}" for figure in figures))

    with tempfile.TemporaryDirectory() as folder, started("-m", "tests.desks", folder, *sizes) as (_, address):
        client = Client(address)
        report("first queue page after the start", measure(client.get, ["/queue"]))
        report("queue page of 50", measure(client.get, pages))
        report("queue page with a pattern", measure(client.get, [f"/queue?status=all&p={name}" for name in names]))
        report("patch, drawn first", measure(client.get, [f"/patch/{row}" for row in range(0, 16 * N_REQUESTS, 16)]))
        report("patch, kept", measure(client.get, [f"/patch/{row}" for row in range(0, 16 * N_REQUESTS, 16)]))
        report("decision, on the disk", measure(lambda name: client.decide("accept", name), names))
        report("queue page after decisions", measure(client.get, pages))
        report("usable in Chromium", visit_all(address, pages[:N_VISITS]))
        report("learned order, first", measure(client.get, ["/queue?order=learned"]))
        report("learned order", measure(client.get, [f"{page}&order=learned" for page in pages[:20]]))
        report(
            "search in captions", measure(client.get, [f"/search?q={word}+rain" for word in ("car", "boat", "tyre")])
        )
        report("coverage", measure(client.get, ["/coverage"] * 3))
    Console().print(f"{arguments.patterns:,} patterns, {arguments.images:,} images")
    Console().print(table)


if __name__ == "__main__":
    main()

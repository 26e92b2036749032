"""Progress of the stages: how far, how fast, how long still."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Display
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from rich.console import Console
    from rich.progress import Task

SLOW_S = 0.5


class Advance(Protocol):
    """Reports that some more units of a stage are done."""

    def __call__(self, n: int, /) -> None:
        """Add `n` finished units."""


class Progress(Protocol):
    """Where stages report to."""

    def note(self, line: str) -> None:
        """Say something that stays."""

    def stage(self, name: str, total: int | None = None, unit: str = "") -> AbstractContextManager[Advance]:
        """Show one stage while the block runs; `total` is the number of units, if it is known."""


class Silent:
    """Reports nothing."""

    def note(self, line: str) -> None:
        """Drop the line."""

    @contextmanager
    def stage(self, name: str, total: int | None = None, unit: str = "") -> Iterator[Advance]:
        """Run the block without a word."""
        del name, total, unit
        yield _ignore


def _ignore(_n: int, /) -> None:
    """Take no notice."""


class OnConsole:
    """Reports on a terminal: a bar with rate and remaining time while a stage runs, one line when it ends.

    Args:
        console: A console on stderr; stdout belongs to data.
    """

    def __init__(self, console: Console) -> None:
        """Keep the console."""
        self.console = console

    def note(self, line: str) -> None:
        """Print the line."""
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def stage(self, name: str, total: int | None = None, unit: str = "") -> Iterator[Advance]:
        """Show the bar; where the output is no terminal only the closing line appears."""
        started = time.monotonic()
        with _open_display(self.console) as display:
            task = display.add_task(name, total=total, unit=unit)
            yield lambda n: display.advance(task, n)
            done = display.tasks[task].completed
        elapsed_s = time.monotonic() - started
        if elapsed_s >= SLOW_S:
            self.note(_closing_line(name, done, unit, elapsed_s))


def _closing_line(name: str, done: float, unit: str, elapsed_s: float) -> str:
    rate = f", {done:,.0f} {unit} at {done / elapsed_s:,.1f}/s" if done else ""
    return f"{name}: {elapsed_s:,.1f} s{rate}"


def _open_display(console: Console) -> Display:
    return Display(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        _Rate(),
        TextColumn("elapsed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


class _Rate(ProgressColumn):
    """Units per second, once they are known."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.1f} {task.fields['unit']}/s" if speed else "")

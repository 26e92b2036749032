"""Where log records go: all of them into the run folder, warnings to the terminal as well."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

PACKAGES = ("corpora", "kb", "miner", "reports")


class _OnConsole(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(
            f"{record.levelname.capitalize()}: {record.getMessage()}", markup=False, highlight=False, soft_wrap=True
        )


@contextmanager
def log_to(path: Path, console: Console) -> Iterator[None]:
    """Log what this project's packages say while the block runs.

    Args:
        path: Log file; opened with the first record, when its folder exists.
        console: Where warnings appear.
    """
    file = logging.FileHandler(path, encoding="utf-8", delay=True)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handlers = [file, _OnConsole(console)]
    loggers = [logging.getLogger(name) for name in PACKAGES]
    for logger in loggers:
        logger.setLevel(logging.INFO)
        for handler in handlers:
            logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            for handler in handlers:
                logger.removeHandler(handler)
        file.close()

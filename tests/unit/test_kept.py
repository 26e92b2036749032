from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from miner.visual.kept import Kept

if TYPE_CHECKING:
    from pathlib import Path

MAKER = """
import sys, time, pathlib
from miner.visual.kept import Kept

folder = pathlib.Path(sys.argv[1])

def make():
    with (folder / "made").open("a") as log:
        log.write("once ")
    time.sleep(0.5)
    return b"content"

sys.exit(0 if Kept(folder, ".bin", "numbers").read("stem", make) == b"content" else 1)
"""


def test_kept_file_is_made_by_one_of_two_processes_that_ask_together(tmp_path: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", MAKER, str(tmp_path)]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert (tmp_path / "made").read_text() == "once "
    assert len(list(tmp_path.glob("stem-*.bin"))) == 1


def test_kept_file_may_need_another_one(tmp_path: Path) -> None:
    kept = Kept(tmp_path, ".bin", "numbers")
    assert kept.read("outer", lambda: kept.read("inner", lambda: b"1") + b"2") == b"12"
    assert kept.read("inner", lambda: pytest.fail("it is there")) == b"1"


def test_kept_file_that_cannot_be_read_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(tmp_path, ".bin", "numbers")
    (tmp_path / "stem-0.bin").mkdir()
    with caplog.at_level(logging.WARNING):
        assert kept.read("stem", lambda: b"1") == b"1"
    assert "cannot read" in caplog.text

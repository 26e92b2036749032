from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from miner.errors import ArtefactError
from miner.run.demo import run_demo
from miner.run.job import Place
from miner.run.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path


def demo(out: Path, seed: int = 0) -> None:
    run_demo(out, seed=seed, place=Place(), progress=Silent())


def test_demo_keeps_its_hands_off_a_folder_with_other_things(tmp_path: Path) -> None:
    (tmp_path / "a.tmp").write_text("mine")
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(ArtefactError, match=r"holds other things, such as 'a.tmp'"):
        demo(tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.tmp", "thesis.docx"]


def test_demo_does_not_mine_a_corpus_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    with pytest.raises(ArtefactError, match="not a corpus of the demo"):
        demo(tmp_path)


def test_demo_does_not_pass_one_seed_for_another(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "truth.json").write_text("{}")
    (tmp_path / "corpus" / "seed.txt").write_text("3\n")
    with pytest.raises(ArtefactError, match="drawn from seed 3, not 4"):
        demo(tmp_path, seed=4)

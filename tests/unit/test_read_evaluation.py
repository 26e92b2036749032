from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from miner.errors import ArtefactError
from miner.run.folder import EVALUATION, RunFolder
from miner.run.projections import read_evaluation

if TYPE_CHECKING:
    from pathlib import Path


def test_read_evaluation_returns_the_rows_and_nothing_where_nothing_was_measured(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert read_evaluation(folder) == []
    rows = [{"measure": "concepts", "method": "ours", "value": 3.0}]
    (tmp_path / EVALUATION).write_text(json.dumps({"rows": rows}), encoding="utf-8")
    assert read_evaluation(folder) == rows


def test_read_evaluation_refuses_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / EVALUATION).write_text('{"rows": [', encoding="utf-8")
    with pytest.raises(ArtefactError):
        read_evaluation(RunFolder(tmp_path))

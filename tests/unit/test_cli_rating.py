from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from miner.cli.app import app
from miner.errors import EvaluationError
from miner.run.rating import write_sheet

if TYPE_CHECKING:
    from pathlib import Path

ITEMS = [
    {"id": "r1", "method": "ours", "run": "one", "corpus": "c"},
    {"id": "r2", "method": "ours", "run": "two", "corpus": "c"},
    {"id": "r3", "method": "text-only", "run": "three", "corpus": "c"},
]


def write_filled(path: Path, *answers: str) -> str:
    lines = [f"s,{item['id']},{answer}" for item, answer in zip(ITEMS, answers, strict=True)]
    path.write_text("\n".join(["sheet,id,rating", *lines]), encoding="utf-8")
    return str(path)


@pytest.fixture
def key(tmp_path: Path) -> str:
    path = tmp_path / "key.json"
    path.write_text(json.dumps({"sheet": "s", "items": ITEMS}), encoding="utf-8")
    return str(path)


def test_ratings_of_two_raters_give_a_row_per_method_and_their_agreement(tmp_path: Path, key: str) -> None:
    """Two runs of one method on one corpus are told apart by their names."""
    sheets = [
        write_filled(tmp_path / "anna.csv", "yes", "no", "yes"),
        write_filled(tmp_path / "ben.csv", "yes", "no", ""),
    ]
    done = CliRunner().invoke(app, ["evaluate", "ratings", *sheets, "--key", key, "--json"])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["measure"], row["method"], row["value"], row["n"], row["raters"]) for row in rows] == [
        ("accuracy", "ours (one)", 1.0, 1, 2),
        ("accuracy", "ours (two)", 0.0, 1, 2),
        ("accuracy", "text-only", 1.0, 1, 1),
        ("alpha", "all", 1.0, 2, 2),
    ]


def test_ratings_refuse_the_sheet_of_another_key(tmp_path: Path, key: str) -> None:
    sheet = tmp_path / "anna.csv"
    sheet.write_text("sheet,id,rating\nt,r9,yes\n", encoding="utf-8")
    failed = CliRunner().invoke(app, ["evaluate", "ratings", str(sheet), "--key", key])
    assert isinstance(failed.exception, EvaluationError)
    assert "r9" in failed.exception.message


def test_ratings_refuse_a_file_that_is_no_key(tmp_path: Path) -> None:
    other = tmp_path / "run.json"
    other.write_text("{}", encoding="utf-8")
    failed = CliRunner().invoke(app, ["evaluate", "ratings", str(other), "--key", str(other)])
    assert isinstance(failed.exception, EvaluationError)
    assert "not the key" in failed.exception.message


def test_rating_sheet_keeps_its_key_out_of_the_folder_of_the_raters(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="which raters get"):
        write_sheet([tmp_path], tmp_path / "out", tmp_path / "out" / "key.json", n_patterns=1, seed=0)

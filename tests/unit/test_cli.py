from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from miner.config import RunConfig
from miner.config_file import iterate_fields
from tests.command_reference import README, iterate_commands, read_block, replace_block

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = dict(iterate_commands())


def eventminer(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "miner.cli.app", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


@pytest.mark.parametrize("name", COMMANDS)
def test_cli_every_command_and_parameter_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert [param.name for param in command.params if not param.help] == []


def test_cli_reference_in_the_readme_is_current() -> None:
    text = README.read_text(encoding="utf-8")
    assert read_block(text) == read_block(replace_block(text)), "run 'make readme'"


def test_cli_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; import miner.cli.app\n"
        "heavy = {'torch', 'onnxruntime', 'numpy', 'pyarrow', 'spacy', 'gensim', 'dask', 'neo4j', 'kglite', 'pydantic'}\n"
        "sys.stdout.write(' '.join(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_cli_config_show_prints_every_parameter_as_json() -> None:
    done = eventminer("config", "show", "--json", "-o", "mine.max_len=7")
    rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert list(rows) == [name for name, _, _ in iterate_fields(RunConfig())]
    assert rows["mine.max_len"]["value"] == 7
    assert rows["mine.max_len"]["default"] == RunConfig().mine.max_len
    assert all(row["meaning"] for row in rows.values())


def test_cli_known_error_is_one_line_a_hint_and_code_1() -> None:
    done = eventminer("config", "show", "-o", "mine.max_lenn=3")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "Error: Unknown parameter 'mine.max_lenn'. Did you mean 'mine.max_len'?",
        "Hint: See every parameter with 'eventminer config show'.",
    ]


def test_cli_wrong_usage_is_code_2() -> None:
    assert eventminer("config", "shoow").returncode == 2
    assert eventminer("rules", "mine").returncode == 2


def test_cli_doctor_names_packages_and_stores() -> None:
    done = eventminer("doctor", "--json")
    rows = {row["what"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows["numpy"]["status"] == "ok"
    assert {"python", "device", "processor", "disk", "embedded store", "neo4j store"} <= set(rows)
    assert all(row["advice"] for row in rows.values() if row["status"] != "ok")


def test_cli_rules_mine_finds_the_planted_rule(tmp_path: Path) -> None:
    # Filter 1 and word 0 each occur with both types; only together do they tell.
    planted = [{"visual": [1], "text": [0], "eventType": "Conflict.Attack"}] * 12
    plain = [{"visual": [], "text": [], "eventType": "Conflict.Attack"}] * 12
    filter_only = [{"visual": [1], "text": [1], "eventType": "Contact.Meet"}] * 24
    word_only = [{"visual": [2], "text": [0], "eventType": "Contact.Meet"}] * 24
    pq.write_table(pa.Table.from_pylist(planted + plain + filter_only + word_only), tmp_path / "votes.parquet")
    options = ["-o", "mine.max_len=2", "--threads", "1"]
    done = eventminer(
        "rules", "mine", tmp_path / "votes.parquet", "--out", tmp_path / "rules.parquet", *options, "--json"
    )
    assert done.returncode == 0, done.stderr
    rules = pq.read_table(tmp_path / "rules.parquet").to_pylist()
    assert json.loads(done.stdout)["rules"] == len(rules)
    attack = [rule for rule in rules if rule["eventType"] == "Conflict.Attack"]
    assert [(rule["visual"], rule["text"], rule["count"], rule["classCount"]) for rule in attack] == [
        ([1], [0], 12, 12)
    ]


def test_cli_rules_mine_says_what_is_missing(tmp_path: Path) -> None:
    pq.write_table(pa.table({"visual": [[1]]}), tmp_path / "votes.parquet")
    done = eventminer("rules", "mine", tmp_path / "votes.parquet", "--out", tmp_path / "rules.parquet")
    assert done.returncode == 1
    assert "column 'text' is missing" in done.stderr
    assert not (tmp_path / "rules.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--recalibrate",), "needs --extend RUN"),
        (("--spread", "evenly"), "is not one of auto, none, votes, prefix"),
    ],
)
def test_cli_run_refuses_options_that_make_no_sense(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = eventminer("run", tmp_path, "--out", tmp_path / "run", *arguments)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("\u2502", " ").split())
    assert not (tmp_path / "run").exists()


def test_cli_run_extends_only_what_is_a_run(tmp_path: Path) -> None:
    done = eventminer("run", tmp_path, "--out", tmp_path / "run", "--extend", tmp_path / "nothing")
    assert done.returncode == 1
    assert "is not the folder of a run" in done.stderr
    assert not (tmp_path / "run").exists()


def test_cli_rules_mine_gives_the_same_file_however_votes_are_shared_out(tmp_path: Path) -> None:
    rows = [{"visual": [0, row % 3], "text": [0, row % 5], "eventType": "A.One"} for row in range(20)]
    rows += [{"visual": [row % 4], "text": [row % 3], "eventType": "B.Two"} for row in range(40)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "input.parquet")
    for spread in ("none", "votes", "prefix"):
        out = tmp_path / f"{spread}.parquet"
        options = ("-o", "mine.exploratory=true", "--spread", spread)
        done = eventminer("rules", "mine", tmp_path / "input.parquet", "--out", out, *options)
        assert done.returncode == 0, done.stderr
    assert pq.read_table(tmp_path / "none.parquet").num_rows > 0
    assert len({(tmp_path / f"{spread}.parquet").read_bytes() for spread in ("none", "votes", "prefix")}) == 1

"""Runs that extend another: nothing old is done again, nothing is lost, and what differs is said."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from corpora.scenes import generate_scenes
from miner.config import MineConfig, RunConfig, TextConfig, VisualConfig
from miner.errors import ArtefactError, BackboneError, ConfigError, CorpusError
from miner.run.folder import RunFolder
from miner.run.job import Extension, Place, run_corpus
from miner.run.progress import Silent
from miner.run.reporting import write_report
from miner.store.formats import read_array, read_json, read_table
from tests.folders import read_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from miner.run.job import RunSummary
    from miner.run.progress import Advance

CONFIG = RunConfig(
    visual=VisualConfig(shard_size=16, n_dims=16),
    mine=MineConfig(exploratory=True, max_len=2),
    text=TextConfig(epochs=2),
)
N_OLD = 40
PLACE = Place(n_threads=1)


class Listening:
    """Remembers how much every stage had to do, and what was said; may be interrupted at a stage."""

    def __init__(self, interrupted_at: str = "") -> None:
        self.units: dict[str, int | None] = {}
        self.said: list[str] = []
        self.interrupted_at = interrupted_at

    def note(self, line: str) -> None:
        self.said.append(line)

    def stage(self, name: str, total: int | None = None, unit: str = "") -> AbstractContextManager[Advance]:
        if name == self.interrupted_at:
            raise KeyboardInterrupt
        self.units[name] = total
        return Silent().stage(name, total, unit)


def lines_of(corpus: Path) -> list[str]:
    return (corpus / "captions.jsonl").read_text().splitlines(keepends=True)


def image_of(line: str) -> str:
    return next(value for value in json.loads(line).values() if isinstance(value, str) and value.endswith(".jpg"))


def renamed(line: str, name: str) -> str:
    """Give a line another id and another picture."""
    image = image_of(line)
    record = {key: f"images/{name}.jpg" if value == image else value for key, value in json.loads(line).items()}
    return json.dumps({**record, "id": name}) + "\n"


def cut(whole: Path, target: Path, lines: Sequence[str]) -> Path:
    """Copy some lines of a corpus with their pictures."""
    target.mkdir()
    for path in whole.iterdir():
        if path.is_file() and path.name != "captions.jsonl":
            shutil.copy(path, target)
    (target / "captions.jsonl").write_text("".join(lines))
    for line in lines:
        (target / image_of(line)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(whole / image_of(line), target / image_of(line))
    return target


def run(
    corpus: Path, out: Path, *, base: Path | None = None, recalibrate: bool = False, config: RunConfig = CONFIG
) -> tuple[RunSummary, Listening]:
    progress = Listening()
    extension = Extension(base, recalibrate=recalibrate) if base else None
    summary = run_corpus(str(corpus), RunFolder(out), config, place=PLACE, progress=progress, extension=extension)
    return summary, progress


def table(out: Path, stage: str, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_table(RunFolder(out).artefact(stage).file(name)).to_pylist()
    return rows


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus, its first and its last records as corpora of their own, and a run over the first."""
    folder = tmp_path_factory.mktemp("extension")
    generate_scenes(folder / "whole", n_scenes=60)
    lines = lines_of(folder / "whole")
    cut(folder / "whole", folder / "old", lines[:N_OLD])
    cut(folder / "whole", folder / "new", lines[N_OLD:])
    run(folder / "old", folder / "RUN")
    return folder


def test_extension_with_nothing_new_gives_the_same_rules_and_patterns(home: Path, tmp_path: Path) -> None:
    _, progress = run(home / "old", tmp_path / "RUN2", base=home / "RUN")
    assert progress.units["encode"] == progress.units["captions"] == 0
    for stage, name in (("mine", "rules.parquet"), ("patterns", "patterns.parquet"), ("filters", "indices.npy")):
        before, after = (RunFolder(out).artefact(stage).file(name) for out in (home / "RUN", tmp_path / "RUN2"))
        assert before.read_bytes() == after.read_bytes()


def test_extension_looks_at_no_old_picture_again(home: Path, tmp_path: Path) -> None:
    lines = lines_of(home / "whole")
    old = cut(home / "whole", tmp_path / "old", lines[:N_OLD])
    run(old, tmp_path / "RUN")
    for line in lines[:N_OLD]:
        (old / image_of(line)).unlink(missing_ok=True)
    summary, progress = run(home / "new", tmp_path / "RUN2", base=tmp_path / "RUN")
    assert summary.n_bad == 0
    assert progress.units["encode"] == len(lines) - N_OLD
    assert summary.n_records == len(lines)
    # Added records alone and the grown corpus come to the same, and to the encodings of a fresh run.
    run(home / "whole", tmp_path / "GROWN", base=home / "RUN")
    for stage in ("encode", "filters", "text-items", "mine", "patterns"):
        found = [read_files(RunFolder(tmp_path / out).artefact(stage).path) for out in ("RUN2", "GROWN")]
        for files in found:
            del files["manifest.json"]
        assert {name: data for name, data in found[0].items() if "manifest" not in name} == {
            name: data for name, data in found[1].items() if "manifest" not in name
        }


def test_extension_by_records_of_the_same_kind_warns_of_nothing(home: Path, tmp_path: Path) -> None:
    lines = lines_of(home / "whole")
    order = np.random.default_rng(0).permutation(len(lines)).tolist()
    for name, part in (("one", order[: len(order) // 2]), ("other", order[len(order) // 2 :])):
        cut(home / "whole", tmp_path / name, [lines[at] for at in part])
    run(tmp_path / "one", tmp_path / "RUN")
    _, progress = run(tmp_path / "other", tmp_path / "RUN2", base=tmp_path / "RUN")
    assert not [line for line in progress.said if "drift" in line]


def test_extension_keeps_thresholds_words_and_masks_and_counts_all_votes(home: Path, tmp_path: Path) -> None:
    run(home / "new", tmp_path / "RUN2", base=home / "RUN")
    base, extended = RunFolder(home / "RUN"), RunFolder(tmp_path / "RUN2")
    for stage, name in (("filters", "thresholds.npy"), ("text-items", "text_items.parquet"), ("masks", "masked.json")):
        assert base.artefact(stage).file(name).read_bytes() == extended.artefact(stage).file(name).read_bytes()
    n_votes = [read_json(folder.artefact("mine").file("summary.json"))["votes"] for folder in (base, extended)]
    assert n_votes[1] > n_votes[0]
    transactions = [table(out, "transactions", "transactions.parquet") for out in (home / "RUN", tmp_path / "RUN2")]
    by_record = {(row["record"], row["eventType"]): row for row in transactions[1]}
    assert all(by_record[row["record"], row["eventType"]]["visual"] == row["visual"] for row in transactions[0])


@pytest.mark.slow
def test_extension_recalibrated_is_a_fresh_run_to_the_byte(home: Path, tmp_path: Path) -> None:
    _, progress = run(home / "whole", tmp_path / "RECALIBRATED", base=home / "RUN", recalibrate=True)
    assert progress.units["encode"] == len(lines_of(home / "whole")) - N_OLD
    run(home / "whole", tmp_path / "FRESH")
    for part in ("stages", "bundle"):
        assert read_files(tmp_path / "RECALIBRATED" / part) == read_files(tmp_path / "FRESH" / part)


@pytest.mark.slow
def test_extension_of_an_extension_goes_on_from_there(home: Path, tmp_path: Path) -> None:
    lines = lines_of(home / "whole")
    middle = N_OLD + 10
    cut(home / "whole", tmp_path / "first", lines[N_OLD:middle])
    cut(home / "whole", tmp_path / "second", lines[middle:])
    run(tmp_path / "first", tmp_path / "RUN2", base=home / "RUN")
    summary, progress = run(tmp_path / "second", tmp_path / "RUN3", base=tmp_path / "RUN2")
    assert progress.units["encode"] == len(lines) - middle
    assert summary.n_records == len(lines)
    run(home / "new", tmp_path / "ONCE", base=home / "RUN")
    assert table(tmp_path / "RUN3", "mine", "rules.parquet") == table(tmp_path / "ONCE", "mine", "rules.parquet")
    drift = read_json(RunFolder(tmp_path / "RUN3").artefact("drift").file("drift.json"))
    assert drift["calibratedPictures"] == N_OLD
    write_report(RunFolder(tmp_path / "RUN3"), tmp_path / "report.html")
    assert "not found" not in (tmp_path / "report.html").read_text()


@pytest.mark.slow
def test_extension_goes_on_where_it_was_interrupted(home: Path, tmp_path: Path) -> None:
    extension, out = Extension(home / "RUN"), RunFolder(tmp_path / "RUN2")
    with pytest.raises(KeyboardInterrupt):
        run_corpus(str(home / "new"), out, CONFIG, place=PLACE, progress=Listening("filters"), extension=extension)
    summary, progress = run(home / "new", tmp_path / "RUN2", base=home / "RUN")
    assert "encode" not in progress.units
    assert "filters" in summary.made
    run(home / "new", tmp_path / "WHOLE", base=home / "RUN")
    assert read_files(tmp_path / "RUN2" / "stages") == read_files(tmp_path / "WHOLE" / "stages")
    again, _ = run(home / "new", tmp_path / "RUN2", base=home / "RUN")
    assert again.made == ()


def test_extension_lets_a_copy_join_the_group_of_an_old_picture(home: Path, tmp_path: Path) -> None:
    first = lines_of(home / "whole")[0]
    copy = cut(home / "whole", tmp_path / "copy", [first])
    (copy / image_of(first)).rename(copy / "images/again.jpg")
    (copy / "captions.jsonl").write_text(renamed(first, "again"))
    run(copy, tmp_path / "RUN2", base=home / "RUN")
    groups = read_array(RunFolder(tmp_path / "RUN2").artefact("groups").file("groups.npy"))
    assert groups[-1] == groups[0]
    votes = [len(table(out, "transactions", "transactions.parquet")) for out in (home / "RUN", tmp_path / "RUN2")]
    assert votes[0] == votes[1]


def test_extension_warns_of_pictures_of_another_kind(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "images").mkdir(parents=True)
    rng, lines = np.random.default_rng(0), []
    pattern = lines_of(home / "whole")[0]
    for number in range(30):
        noise = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((224, 224)).save(other / f"images/noise{number}.jpg")
        lines.append(renamed(pattern, f"noise{number}"))
    for path in (home / "whole").glob("*.toml"):
        shutil.copy(path, other)
    (other / "captions.jsonl").write_text("".join(lines))
    _, progress = run(other, tmp_path / "RUN2", base=home / "RUN")
    assert any(line.startswith("drift of visualItems: effect") for line in progress.said)
    assert any("--recalibrate" in line for line in progress.said)
    write_report(RunFolder(tmp_path / "RUN2"), tmp_path / "report.html")
    assert "drift" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda config: config.model_copy(update={"seed": 1}), ConfigError, "other parameters of 'seed'"),
        (
            lambda config: config.model_copy(update={"text": TextConfig(dims=7)}),
            ConfigError,
            "other parameters of 'text'",
        ),
    ],
)
def test_extension_refuses_what_the_calibration_does_not_fit(
    home: Path, tmp_path: Path, change: Callable[[RunConfig], RunConfig], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(home / "new", tmp_path / "RUN2", base=home / "RUN", config=change(CONFIG))
    assert not (tmp_path / "RUN2" / "run.json").exists()


def test_extension_refuses_itself_and_what_is_no_run(home: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name the same folder"):
        run(home / "new", home / "RUN", base=home / "RUN")
    with pytest.raises(ArtefactError, match="is not the folder of a run"):
        run(home / "new", tmp_path / "RUN2", base=tmp_path)


def test_run_names_why_no_picture_can_be_used(home: Path, tmp_path: Path) -> None:
    broken = cut(home / "whole", tmp_path / "broken", lines_of(home / "whole")[:6])
    for path in (broken / "images").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(
        CorpusError, match=r"None of the 6 pictures can be used; 6 are '[a-z-]+', the first, scene-0000: "
    ):
        run(broken, tmp_path / "RUN")


def test_run_refuses_an_unknown_network_before_it_reads_anything(tmp_path: Path) -> None:
    config = RunConfig(visual=VisualConfig(backbone="lenet"))
    with pytest.raises(BackboneError, match="unknown backbone 'lenet'"):
        run(tmp_path / "nowhere", tmp_path / "RUN", config=config)
    assert not (tmp_path / "RUN").exists()

"""Every method goes through the whole pipeline, and can be compared with the others on what mining did not see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from corpora.scenes import generate_scenes
from kb.bundle import read_bundle
from miner.config import MineConfig, RunConfig, TextConfig, VisualConfig
from miner.errors import BackboneError, ConfigError, MiningError
from miner.run.catalogue import list_patterns, show_pattern
from miner.run.evaluation import evaluate_patterns
from miner.run.evaluation_stages import METHODS
from miner.run.folder import RunFolder, open_run
from miner.run.job import Place, run_corpus
from miner.run.progress import Silent
from miner.store.formats import read_json
from miner.visual.judges import judge_names, open_judge

if TYPE_CHECKING:
    from pathlib import Path

    from miner.config import Method
    from miner.run.evaluation import Evaluation
    from miner.run.job import RunSummary

pytestmark = pytest.mark.slow

CONFIG = RunConfig(
    visual=VisualConfig(shard_size=64, n_dims=16),
    mine=MineConfig(exploratory=True, max_len=2),
    text=TextConfig(epochs=2),
)
PLACE = Place(n_threads=1)


def run(home: Path, method: Method) -> RunSummary:
    config = CONFIG.model_copy(update={"method": method})
    return run_corpus(str(home / "corpus"), RunFolder(home / "RUN"), config, place=PLACE, progress=Silent())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus and a folder in which every method was run, ours last."""
    folder = tmp_path_factory.mktemp("methods")
    generate_scenes(folder / "corpus", n_scenes=90)
    return folder


@pytest.fixture(scope="module")
def runs(home: Path) -> dict[str, list[dict[str, Any]]]:
    """The patterns of every method; the bundle and the report are looked at on the way."""
    found = {}
    for method in reversed(METHODS):
        summary = run(home, method)  # type: ignore[arg-type]
        folder = open_run(home / "RUN")
        found[method] = list_patterns(folder)
        assert summary.n_patterns == len(found[method]) > 0
        bundle = read_bundle(home / "RUN" / "bundle")
        assert bundle.nodes["MiningRun"]["method"].to_pylist() == [method]
        assert set(bundle.nodes["Pattern"]["method"].to_pylist()) == {method}
        assert (home / "RUN" / "report.html").stat().st_size > 10_000
        assert show_pattern(folder, found[method][0]["id"])["evidence"]
    return found


def test_every_method_says_which_it_is(runs: dict[str, list[dict[str, Any]]]) -> None:
    assert {method: {row["method"] for row in rows} for method, rows in runs.items()} == {m: {m} for m in METHODS}


def test_baselines_look_at_one_side_only(runs: dict[str, list[dict[str, Any]]]) -> None:
    assert all(row["visualItems"] and not row["textItems"] for row in runs["visual-only"])
    assert all(row["textWords"] == [row["name"]] and not row["visualItems"] for row in runs["text-only"])
    assert all(row["visualItems"] and row["textItems"] for row in runs["ours"])


def test_methods_share_what_comes_before_them(home: Path, runs: dict[str, list[dict[str, Any]]]) -> None:
    assert runs
    assert set(run(home, "visual-only").made) <= {"bundle", "kb", "report.html"}
    stages = [path.name.rsplit("-", 1)[0] for path in (home / "RUN" / "stages").iterdir() if path.is_dir()]
    assert {name: stages.count(name) for name in ("encode", "transactions", "mine", "patterns")} == {
        "encode": 1,
        "transactions": 1,
        "mine": 4,
        "patterns": 4,
    }


def test_baselines_cannot_be_taught(home: Path) -> None:
    config = CONFIG.model_copy(update={"method": "text-only"})
    with pytest.raises(ConfigError, match="--learn cannot teach"):
        run_corpus(str(home / "corpus"), RunFolder(home / "RUN"), config, place=PLACE, progress=Silent(), learn=True)


@pytest.fixture(scope="module")
def measured(home: Path, runs: dict[str, list[dict[str, Any]]]) -> Evaluation:
    assert runs
    return evaluate_patterns(open_run(home / "RUN"), place=PLACE, progress=Silent(), seeds=[0])


def values(found: Evaluation, measure: str) -> dict[str, float | None]:
    return {row.method: row.value for row in found.rows if row.measure == measure}


@pytest.mark.slow
def test_methods_are_compared_with_as_many_patterns(measured: Evaluation) -> None:
    counts = {row.method: row.n for row in measured.rows if row.measure == "r-precision of names"}
    assert counts["ours"] == counts["probe"] == counts["filter-set"] == counts["base-rate"]
    assert counts["visual-only"] <= counts["ours"]
    assert counts["mdpm"] <= counts["ours"]
    assert counts["text-only probe"] <= counts["ours"]


@pytest.mark.slow
def test_planted_things_are_found_by_name_better_than_by_chance(measured: Evaluation) -> None:
    names = values(measured, "r-precision of names")
    assert names["ours"] is not None
    assert names["base-rate"] is not None
    assert names["ours"] > 2 * names["base-rate"]


@pytest.mark.slow
def test_every_measure_has_a_row_with_an_interval(measured: Evaluation) -> None:
    assert {"patterns", "concepts", "concepts seen", "discrimination", "representation", "redundancy"} <= {
        row.measure for row in measured.rows
    }
    for row in measured.rows:
        assert row.corpus == "demo scenes"
        assert row.seeds == [0] or row.value is None
        if row.value is not None:
            assert row.low is not None
            assert row.high is not None
            assert row.low - 1e-9 <= row.value <= row.high + 1e-9


@pytest.mark.slow
def test_patches_are_judged_by_every_encoder_that_is_installed(measured: Evaluation) -> None:
    judged = {row.measure for row in measured.rows if row.measure.startswith("consistency")}
    installed = set()
    for name in judge_names(CONFIG.visual.backbone):
        try:
            open_judge(name)
        except BackboneError:
            continue
        installed.add(f"consistency, {name}")
    assert judged == installed


@pytest.mark.slow
def test_measures_are_left_for_the_report(home: Path, measured: Evaluation) -> None:
    assert read_json(home / "RUN" / "evaluation.json")["rows"] == [row._asdict() for row in measured.rows]


class Watched(Silent):
    """Remembers what was worked on."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.notes: list[str] = []

    def note(self, line: str) -> None:
        self.notes.append(line)

    def stage(self, name: str, total: int | None = None, unit: str = "") -> Any:  # noqa: ANN401 - a context manager
        self.stages.append(name)
        return super().stage(name, total, unit)


@pytest.mark.slow
def test_what_was_measured_is_kept(home: Path, measured: Evaluation) -> None:
    progress = Watched()
    again = evaluate_patterns(open_run(home / "RUN"), place=PLACE, progress=progress, seeds=[0])
    assert again == measured
    assert progress.stages == ["read"]


@pytest.mark.slow
def test_another_corpus_can_be_what_is_held_out(
    home: Path, tmp_path: Path, runs: dict[str, list[dict[str, Any]]]
) -> None:
    generate_scenes(tmp_path / "other", n_scenes=60, seed=7)
    progress = Watched()
    found = evaluate_patterns(
        open_run(home / "RUN"), place=PLACE, progress=progress, heldout=str(tmp_path / "other"), methods=["ours"]
    )
    assert any(
        re.match(r"\d+ of \d+ records of demo scenes share a photograph or a caption", n) for n in progress.notes
    )
    assert {tuple(row.seeds) for row in found.rows} == {()}
    names = values(found, "r-precision of names")
    assert names["ours"] is not None
    assert names["base-rate"] is not None
    assert names["ours"] > names["base-rate"]
    assert values(found, "patterns") == {"ours": len(runs["ours"])}


@pytest.mark.slow
def test_another_corpus_that_is_the_same_is_refused(home: Path, runs: dict[str, list[dict[str, Any]]]) -> None:
    assert runs
    with pytest.raises(MiningError, match=r"All \d+ records of the other corpus share a photograph or a caption"):
        evaluate_patterns(
            open_run(home / "RUN"), place=PLACE, progress=Silent(), heldout=str(home / "corpus"), methods=["ours"]
        )

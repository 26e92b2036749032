from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pytest

from miner.config import MineConfig, RunConfig
from miner.errors import ArtefactError, ExecutorError, MiningError
from miner.run.executor import LocalExecutor
from miner.run.pipeline import Pipeline
from miner.run.progress import Silent
from miner.run.stage import Context, ShardedStage, Shards, WholeStage
from miner.store.artefact import ArtefactStore
from miner.store.formats import read_json, write_json
from tests.folders import read_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from corpora.records import Corpus

N_SHARDS = 6


def square(number: int) -> int:
    return number * number


def fail_at(bad: int, number: int) -> int:
    if number == bad:
        raise MiningError(f"{number} is unlucky")
    return square(number)


def save(result: object, directory: Path) -> None:
    write_json(directory / "square.json", result)


def add_up(context: Context, directory: Path) -> None:
    parts = [read_json(shard / "square.json") for shard in context.inputs["squares"].shards]
    write_json(directory / "sum.json", sum(parts) * context.config.mine.max_len)


def stages(work: Callable[[int], int] = square) -> list[ShardedStage | WholeStage]:
    def cut(_context: Context) -> Shards:
        return Shards(work=work, items=range(N_SHARDS), save=save, sizes=[1] * N_SHARDS)

    return [
        ShardedStage(name="squares", version=1, settings=("seed",), cut=cut),
        WholeStage(name="sum", version=1, inputs=("squares",), settings=("mine.max_len",), make=add_up),
    ]


def pipeline(root: Path, config: RunConfig | None = None, n_threads: int = 2) -> Pipeline:
    return Pipeline(
        store=ArtefactStore(root),
        config=config or RunConfig(),
        corpus=cast("Corpus", None),
        executor=LocalExecutor(n_threads),
        progress=Silent(),
        n_threads=n_threads,
    )


def test_pipeline_makes_everything_once(tmp_path: Path) -> None:
    first = pipeline(tmp_path)
    artefacts = first.run(stages())
    assert first.made == ["squares", "sum"]
    assert read_json(artefacts["sum"].file("sum.json")) == (0 + 1 + 4 + 9 + 16 + 25) * 3
    second = pipeline(tmp_path)
    assert {name: artefact.key for name, artefact in second.run(stages()).items()} == {
        name: artefact.key for name, artefact in artefacts.items()
    }
    assert second.made == []


def test_pipeline_remakes_only_what_a_parameter_touches(tmp_path: Path) -> None:
    pipeline(tmp_path).run(stages())
    changed = pipeline(tmp_path, RunConfig(mine=MineConfig(max_len=7)))
    artefacts = changed.run(stages())
    assert changed.made == ["sum"]
    assert read_json(artefacts["sum"].file("sum.json")) == 55 * 7
    reseeded = pipeline(tmp_path, RunConfig(seed=1))
    reseeded.run(stages())
    assert reseeded.made == ["squares", "sum"]


def test_pipeline_goes_on_at_the_shard_that_failed(tmp_path: Path) -> None:
    calls: list[int] = []

    def count(number: int) -> int:
        calls.append(number)
        return square(number)

    with pytest.raises(MiningError, match="3 is unlucky"):
        pipeline(tmp_path / "a", n_threads=1).run(stages(partial(fail_at, 3)))
    n_kept = len(list((tmp_path / "a").glob("*.partial/shard-*")))
    assert n_kept == 3
    pipeline(tmp_path / "a", n_threads=1).run(stages(count))
    assert calls == [3, 4, 5]
    pipeline(tmp_path / "b").run(stages())
    assert read_files(tmp_path / "a") == read_files(tmp_path / "b")


def test_pipeline_bytes_do_not_depend_on_threads(tmp_path: Path) -> None:
    for n_threads in (1, 3):
        pipeline(tmp_path / str(n_threads), n_threads=n_threads).run(stages())
    assert read_files(tmp_path / "1") == read_files(tmp_path / "3")


def test_pipeline_refuses_a_damaged_artefact(tmp_path: Path) -> None:
    artefact = pipeline(tmp_path).run(stages())["squares"]
    (artefact.shards[2] / "square.json").write_text("5\n")
    with pytest.raises(ArtefactError, match=r"shard-00002/square\.json is damaged") as caught:
        pipeline(tmp_path).run(stages())
    assert str(artefact.path) in str(caught.value.hint)


def test_pipeline_names_the_records_of_a_shard_that_fails_twice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[str] = []

    def look(rows: pa.Table) -> int:
        first = rows["record"][0].as_py()
        tried.append(first)
        if first == "c":
            raise ValueError("cannot be looked at")
        return len(rows)

    def cut(_context: Context) -> Shards:
        items = [pa.table({"record": pair}) for pair in (["a", "b"], ["c", "d"], ["e", "f"])]
        return Shards(work=look, items=items, save=save, sizes=[2, 2, 2])

    looking = ShardedStage(name="look", version=1, cut=cut)
    with pytest.raises(
        ExecutorError, match=r"look: 1 of 3 shards failed twice.*shard 1 \(c to d\): ValueError: cannot"
    ):
        pipeline(tmp_path, n_threads=1).run([looking])
    assert "its records: c d" in caplog.text
    assert sorted(tried) == ["a", "c", "c", "e"]
    tried.clear()
    with pytest.raises(ExecutorError):
        pipeline(tmp_path, n_threads=1).run([looking])
    assert tried == ["c", "c"]


def test_pipeline_leaves_nothing_of_a_stage_that_fails(tmp_path: Path) -> None:
    def fail(_context: Context, directory: Path) -> None:
        write_json(directory / "half.json", 1)
        raise MiningError("no rules")

    with pytest.raises(MiningError):
        pipeline(tmp_path).run([WholeStage(name="mine", version=1, make=fail)])
    assert list(tmp_path.iterdir()) == []

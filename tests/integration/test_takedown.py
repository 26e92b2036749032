"""A record that is forgotten is nowhere in the run, and everything is as if it had never been there."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import eventminer
from corpora.scenes import generate_scenes
from kb.asking.query import run_query
from kb.loading.copying import load_as
from kb.loading.finding import find_loaded
from kb.store import open_store
from miner.cli.app import app
from miner.errors import CorpusError
from miner.run.folder import RunFolder
from miner.run.forgetting import forget
from miner.run.job import Place
from miner.run.learning import PATCHES
from miner.run.progress import Silent
from miner.run.review_page import open_desk
from miner.run.reviewing import open_review
from tests.folders import read_files

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

OPTIONS = [
    "-o",
    "corpus.max_bad_ratio=0.6",
    "-o",
    "visual.shard_size=16",
    "-o",
    "visual.n_dims=16",
    "-o",
    "mine.exploratory=true",
    "-o",
    "mine.max_len=2",
]


def call(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, [*arguments, "--json", "--threads", "1"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate scenes, with every line twice: what forgets an id has to forget the later record of that id as well."""
    folder = tmp_path_factory.mktemp("corpus") / "scenes"
    generate_scenes(folder, n_scenes=60)
    lines = (folder / "captions.jsonl").read_text(encoding="utf-8")
    (folder / "captions.jsonl").write_text(lines * 2, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def finished(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    call("run", str(corpus), "--out", str(folder), *OPTIONS)
    return folder


def test_forgotten_record_is_nowhere_and_everything_is_as_if_it_had_not_been(
    corpus: Path, finished: Path, tmp_path: Path
) -> None:
    with open_store(str(finished)) as store:
        rows = run_query(
            store, "MATCH (:Evidence)-[:IN_IMAGE]->(m:Image) RETURN m.record AS r, m.imageHash AS h"
        ).records()
    eventminer.load(finished, str(tmp_path / "kb"))
    with open_store(str(tmp_path / "kb")) as store:
        load_as(finished, "copy", store)
    told = _extract_under_other_names(corpus, finished, str(tmp_path / "kb"))
    row = next(row for row in rows if {row["r"], f"{row['r']}#2"} <= told)
    _work_on(finished, str(tmp_path / "kb"), str(row["r"]))
    with open_desk(finished) as desk:
        assert desk.is_current()
        answer = call("corpus", "forget", row["r"], "--run", str(finished), "--kb", str(tmp_path / "kb"))
        assert not desk.is_current()
    assert answer["evidence"] > 0
    assert answer["patterns"]
    assert not (finished / PATCHES).exists()
    for path in (*finished.rglob("*"), *(tmp_path / "kb").rglob("*")):
        if path.is_file():
            assert not {row["r"], row["h"]} & set(_texts(path)), path
            assert str(row["r"]).encode() not in path.read_bytes(), path
    with open_store(str(tmp_path / "kb")) as store:
        runs = run_query(store, "MATCH (m:MiningRun)-[:USED_CORPUS]->(c) RETURN c.corpus, m.run ORDER BY 1").rows
        assert [corpus for corpus, _ in runs] == ["copy", "demo scenes"]
        assert len({run for _, run in runs}) == 1
        assert [one.path for one in find_loaded(store)] == [None, str(finished)]
        numbered = run_query(store, "MATCH (m:Mention) WHERE m.record ENDS WITH '#2' RETURN DISTINCT m.record").rows
        assert len(numbered) == len([name for name in told if name.endswith("#2")]) - 1
    for uri in (str(finished), str(tmp_path / "kb")):
        with open_store(uri) as store:
            assert run_query(store, "MATCH (m:Image) WHERE m.record = $r RETURN m", {"r": row["r"]}).rows == ()
            own = "MATCH (m:Mention)-[:HAS_ARGUMENT]->(a) WHERE m.source IS NULL RETURN m.id, a.id"
            assert run_query(store, own).rows == (("mine", "my"),)
            of_record = "MATCH (m:Mention) WHERE m.record STARTS WITH $r RETURN m"
            assert run_query(store, of_record, {"r": row["r"]}).rows == ()
            assert run_query(store, "MATCH (r:Review) RETURN r.decision").rows == (("split",),)
    assert call("run", str(corpus), "--out", str(finished), *OPTIONS)["made"] == []
    _interrupt(RunFolder(finished))
    assert call("corpus", "forget", row["r"], "--run", str(finished))["patternsNow"] == answer["patternsNow"]
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    shutil.copy(finished / "forgotten.json", fresh)
    call("run", str(corpus), "--out", str(fresh), *OPTIONS)
    assert read_files(fresh / "stages") == read_files(finished / "stages")
    assert read_files(fresh / "bundle") == read_files(finished / "bundle")


def _extract_under_other_names(corpus: Path, run: Path, uri: str) -> set[str]:
    """Extract from the captions as a source of another name, and from their file; return the records with a mention."""
    options = ["extract", "--kb", str(run), "--no-images", "--to", uri]
    for read in ([str(corpus), "--as", "mine"], [str(corpus / "captions.jsonl"), "--as", "their file"]):
        done = CliRunner().invoke(app, [*options, "--corpus", *read], catch_exceptions=False)
        assert done.exit_code == 0, done.output
    return {json.loads(line)["record"] for line in done.stdout.splitlines() if line.startswith("{")}


def _interrupt(folder: RunFolder) -> None:
    """Leave a run folder as a kill during the run leaves it."""
    folder.write_state({name: value for name, value in folder.read_state().items() if name != "stages"})


def _work_on(run: Path, uri: str, record: str) -> None:
    """Do what analysts do: decide about a pattern that the record supports, look at it, extract from it and from elsewhere."""
    (run / PATCHES / "ab").mkdir(parents=True)
    (run / PATCHES / "ab" / "abcd.jpg").write_bytes(b"what the record shows")
    review = open_review(run)
    rows = review.mined.evidence.select(["pattern", "record"]).to_pylist()
    pattern = next(row["pattern"] for row in rows if row["record"] == record)
    review.decide("ann", "split", pattern, records=[record], name="odd")
    extract = "CREATE (m:Mention {id: $m, record: $r})-[:HAS_ARGUMENT]->(a:Argument {id: $a, text: 'dog'})"
    for where in (str(run), uri):
        with open_store(where) as store:
            for mention, argument, of in (("theirs", "their", record), ("mine", "my", "another")):
                run_query(store, extract, {"m": mention, "r": of, "a": argument}, write=True)


def _texts(path: Path) -> list[str]:
    """Return every text in a Parquet file, none of others."""
    if path.suffix != ".parquet":
        return []
    columns = pq.read_table(path).to_pydict().values()
    return [value for column in columns for value in column if isinstance(value, str)]


def test_forgetting_what_is_not_there_is_a_known_error(finished: Path) -> None:
    with pytest.raises(CorpusError, match="no record 'nothere'"):
        call("corpus", "forget", "nothere", "--run", str(finished))


def test_interrupted_forgetting_and_a_changed_corpus_are_told(
    corpus: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run, scenes = tmp_path / "run", tmp_path / "scenes"
    shutil.copytree(finished, run)
    records = pq.read_table(RunFolder(run).artefact("read").file("records.parquet"))["record"].to_pylist()
    one, other = [record for record in records if not record.startswith("forgotten-")][:2]
    with monkeypatch.context() as patch:
        patch.setattr("miner.run.forgetting.run_corpus", _kill)
        with pytest.raises(KeyboardInterrupt):
            forget(run, one, kb="", location="", place=Place(n_threads=1), progress=Silent())
    assert "was interrupted" not in caplog.text
    call("run", str(corpus), "--out", str(run), "--force", *OPTIONS)
    assert "Forgetting was interrupted (records: 1)" in caplog.text
    caplog.clear()
    call("corpus", "forget", one, "--run", str(run))
    call("run", str(corpus), "--out", str(run), *OPTIONS)
    assert "interrupted" not in caplog.text
    assert "not as it was" not in caplog.text
    shutil.copytree(corpus, scenes)
    lines = (scenes / "captions.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (scenes / "captions.jsonl").write_text("".join(lines[:-1]), encoding="utf-8")
    call("corpus", "forget", other, "--run", str(run), "--corpus", str(scenes))
    assert "The corpus is not as it was" in caplog.text


def _kill(*_: object, **__: object) -> None:
    raise KeyboardInterrupt

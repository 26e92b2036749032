"""What analysts decide is what extracts: decisions beside a run, and decisions in a graph that it was loaded into."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import eventminer
from corpora.scenes import generate_scenes
from kb.review.graph import open_kb_review
from kb.store import open_store
from miner.cli.app import app
from miner.errors import KbError
from miner.run.known import open_known
from miner.run.reviewing import open_review

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reviewed")
    generate_scenes(folder / "corpus", n_scenes=80)
    generate_scenes(folder / "new", n_scenes=25, seed=7)
    eventminer.mine(str(folder / "corpus"), folder / "run", overrides=["mine.exploratory=true"], threads=1)
    return folder


@pytest.fixture
def run(home: Path, tmp_path: Path) -> Path:
    """A copy of the run, to decide about."""
    return shutil.copytree(home / "run", tmp_path / "run")


def extract(kb: Path | str, *options: str) -> Rows:
    done = CliRunner().invoke(app, ["extract", "--kb", str(kb), *options])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def strongest(mentions: Rows) -> str:
    """Return the pattern that argues for most pictures."""
    own: list[str] = [pattern for mention in mentions if mention["image"] for pattern in mention["patterns"]]
    return max(sorted(set(own)), key=own.count)


def argued(mentions: Rows) -> set[str]:
    return {pattern for mention in mentions for pattern in mention["patterns"]}


def test_a_rejected_pattern_neither_argues_nor_weighs_and_comes_back_with_undo(run: Path, home: Path) -> None:
    corpus = ("--corpus", str(home / "new"))
    before = extract(run, *corpus)
    pattern = strongest(before)
    review = open_review(run)
    review.decide("ann", "reject", pattern, reason="a stock photo")
    after = extract(run, *corpus)
    assert pattern in argued(before)
    assert pattern not in argued(after)
    assert [m["score"] for m in after] != [m["score"] for m in before]
    review.undo("ann")
    assert extract(run, *corpus) == before
    for other in list(review.state.patterns):
        review.decide("ann", "reject", other)
    without = extract(run, *corpus)
    assert without
    assert argued(without) == set()


def test_names_and_roles_of_analysts_extract(run: Path, home: Path, tmp_path: Path) -> None:
    pattern = strongest(extract(run, "--corpus", str(home / "new")))
    review = open_review(run)
    event_type = review.state[pattern].event_type
    story = tmp_path / "story.txt"
    story.write_text("There was a protest beside a purple zebra.", encoding="utf-8")
    assert [row["score"] for row in extract(run, "--text", str(story))] == [0.5]
    roles = [role.name for role in review.ontology.get(event_type).roles if role.name != review.state[pattern].role]
    for other in list(review.state.patterns):
        if other != pattern:
            review.decide("ann", "set-role", other, role=None)
    review.decide("ann", "rename", pattern, name="purple zebra")
    review.decide("ann", "set-role", pattern, role=roles[0])
    seen = extract(run, "--corpus", str(home / "new"))
    given = [a["role"] for m in seen for a in m["arguments"] if "box" in a and pattern in a.get("patterns", ())]
    assert set(given) == {roles[0]}
    assert {a["role"] for m in seen for a in m["arguments"] if "box" in a} == {roles[0]}
    (row,) = extract(run, "--text", str(story))
    assert (row["eventType"], row["score"]) == (event_type, 0.6)


def test_the_decisions_of_a_graph_extract_where_its_address_is_given(run: Path, home: Path, tmp_path: Path) -> None:
    corpus, uri = ("--corpus", str(home / "new")), str(tmp_path / "graph.kgl")
    before = extract(run, *corpus)
    pattern = strongest(before)
    eventminer.load(run, uri)
    with open_store(uri) as store:
        open_kb_review(store).decide("bob", "reject", pattern)
    assert extract(run, *corpus) == before
    after = extract(uri, *corpus, "--to", uri)
    assert pattern not in argued(after)
    (made,) = eventminer.query(uri, "MATCH (x:Extraction) RETURN x.decisions AS n").records()
    assert made["n"] == 1
    assert eventminer.query(uri, "MATCH (:Mention)-[:ARGUED_BY]->(p {pattern: $p}) RETURN p", {"p": pattern}).rows == ()


def test_a_graph_without_the_folder_of_its_run_says_what_is_missing(run: Path, tmp_path: Path) -> None:
    uri = str(tmp_path / "graph.kgl")
    with open_store(uri) as store:
        store.write("CREATE (n:Note {id: 'Note:1'})", {})
    with pytest.raises(KbError, match="has no run"):
        open_known(uri)
    eventminer.load(run, uri)
    moved = run.rename(tmp_path / "moved")
    with pytest.raises(KbError, match=r"models of 'demo scenes' are missing: .* was loaded from .*/run on ") as missing:
        open_known(uri)
    assert "--run FOLDER" in str(missing.value.hint)
    assert open_known(uri, moved).path == moved
    CliRunner().invoke(app, ["kb", "load", str(moved), "--to", uri, "--as", "copy"])
    with pytest.raises(KbError, match="has 2 runs") as several:
        open_known(uri)
    assert "--run FOLDER" in str(several.value.hint)
    assert open_known(uri, moved).corpus == "demo scenes"
    manifest = moved / "bundle" / "manifest.json"
    said = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(said | {"run": "f" * 32}), encoding="utf-8")
    with pytest.raises(KbError, match="has nothing of the run in"):
        open_known(uri, moved)

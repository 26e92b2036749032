"""A run, its review, a run that learns from it, and the bundle of what was accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from corpora.scenes import generate_scenes
from kb.asking.query import run_query
from kb.bundle import verify_bundle, write_bundle
from kb.loading.load import load_bundle
from kb.store import open_store
from miner.config import MineConfig, PatternConfig, RunConfig, TextConfig, VisualConfig
from miner.errors import ReviewError
from miner.run.folder import RunFolder
from miner.run.job import Place, run_corpus
from miner.run.progress import Silent
from miner.run.review_page import open_desk
from miner.run.reviewing import open_review, reviewed_bundle
from miner.store.formats import read_json

if TYPE_CHECKING:
    from pathlib import Path

    from miner.run.job import RunSummary

pytestmark = pytest.mark.slow


def configured(**pattern: Any) -> RunConfig:  # noqa: ANN401 - any parameters
    return RunConfig(
        visual=VisualConfig(shard_size=64, n_dims=16),
        mine=MineConfig(exploratory=True, max_len=2),
        text=TextConfig(epochs=2),
        pattern=PatternConfig(max_patterns=2, max_name_share=0.6, **pattern),
    )


def run(home: Path, config: RunConfig, *, learn: bool = False) -> RunSummary:
    corpus, out = str(home / "corpus"), RunFolder(home / "RUN")
    return run_corpus(corpus, out, config, place=Place(n_threads=1), progress=Silent(), learn=learn)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    generate_scenes(folder / "corpus", n_scenes=60)
    run(folder, configured())
    return folder


def test_review_of_a_run_from_decisions_to_bundle_and_back_into_mining(home: Path) -> None:
    with pytest.raises(ReviewError, match=r"No pattern of .* is accepted"):
        reviewed_bundle(home / "RUN")
    review = open_review(home / "RUN")
    first, second, third = list(review.state.patterns)[:3]
    review.decide("ann", "reject", first, reason="noise")
    review.decide("ann", "accept", second)
    review.decide("bob", "rename", second, name="ladder <b>on</b> a wall")
    review.decide("ann", "accept", third)
    review.decide("ann", "merge", second, others=[third])

    bundle = reviewed_bundle(home / "RUN")
    (row,) = bundle.nodes["Pattern"].to_pylist()
    assert (row["pattern"], row["displayName"], row["nameHead"]) == (second, "ladder <b>on</b> a wall", "wall")
    assert row["classCount"] <= row["count"]
    assert bundle.relationships["HAS_EVIDENCE"].num_rows == row["nEvidence"] == len(review.state.evidence_rows(second))
    (home / "accepted").mkdir()
    write_bundle(bundle, home / "accepted")
    assert verify_bundle(home / "accepted").run == bundle.manifest.run
    assert bundle.manifest.run != verify_bundle(home / "RUN" / "bundle").run
    with open_store(str(home / "kb")) as store:
        load_bundle(home / "accepted", store)
        assert store.read("MATCH (p:Pattern) RETURN p.pattern AS p", {}, timeout_s=30).rows == ((second,),)

    log = (home / "RUN" / "review" / "decisions.jsonl").read_bytes()
    summary = run(home, configured(), learn=True)
    assert (home / "RUN" / "review" / "decisions.jsonl").read_bytes() == log
    assert {"patterns", "bundle", "kb"} <= set(summary.made)
    assert "mine" not in summary.made
    later = open_review(home / "RUN")
    assert first not in later.state
    assert [was.pattern for was, _ in later.state.not_back] == [first]
    assert later.state.unmatched == []
    assert later.mined.rows[second]["name"] == "ladder <b>on</b> a wall"
    assert later.state.parts(second) == [second, third]
    used = read_json(RunFolder(home / "RUN").artefact("patterns").file("learned.json"))
    assert (used["decisions"], used["rejected"], used["accepted"]) == (5, [first], sorted([second, third]))
    assert "review" in (home / "RUN" / "run.json").read_text()
    with open_store(str(home / "RUN" / "kb")) as store:
        rows = store.read("MATCH (r:Review) RETURN count(r) AS n", {}, timeout_s=30).rows
    assert rows == ((5,),)
    assert run(home, configured(), learn=True).made == ()


def test_decisions_hold_after_mining_with_other_parameters(home: Path) -> None:
    run(home, configured())
    review = open_review(home / "RUN")
    keeper = list(review.state.patterns)[-1]
    review.decide("eve", "rename", keeper, name="kept name")
    run(home, configured(merge_jaccard=0.4))
    state = open_review(home / "RUN").state
    named = [own.name for own in state.patterns.values() if "name" in own.decided]
    lost = [was.pattern for was, _ in state.unmatched]
    assert ("kept name" in named) != (keeper in lost)
    assert (home / "RUN" / "review" / "decisions.jsonl").exists()


def test_what_is_accepted_in_a_store_is_exported_from_there(home: Path, tmp_path: Path) -> None:
    with open_store(str(tmp_path / "kb")) as store:
        load_bundle(home / "RUN" / "bundle", store)
    log = open_review(home / "RUN").journal.read()
    with open_desk(home / "RUN", kb=str(tmp_path / "kb")) as desk:
        assert desk.review.state.counts()["accepted"] == 0
        kept, left = list(desk.review.state.patterns)[:2]
        desk.review.decide("ann", "rename", kept, name="named in the store")
        desk.review.decide("ann", "accept", kept)
        export = next(one for one in desk.exports if one.format == "sdf")
        export.write(tmp_path / export.file)
    text = (tmp_path / export.file).read_text()
    assert "named in the store" in text
    assert kept in text
    assert left not in text
    assert open_review(home / "RUN").journal.read() == log


def test_decisions_are_in_the_graph_of_the_run_once_the_page_is_closed(home: Path) -> None:
    with open_desk(home / "RUN") as desk:
        desk.review.decide("ann", "note", next(iter(desk.review.state.patterns)), text="seen on the page")
    with open_store(str(home / "RUN")) as store:
        rows = run_query(store, "MATCH (r:Review {note: $text}) RETURN r.who", {"text": "seen on the page"}).rows
    assert [list(row) for row in rows] == [["ann"]]

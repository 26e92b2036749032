from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from miner.errors import ArtefactError
from miner.run.folder import RunFolder, open_run

if TYPE_CHECKING:
    from pathlib import Path


def test_folder_of_the_same_corpus_is_taken(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.claim():
        folder.check_corpus("news", "aa")
        folder.write_state({"corpus": "news", "records": "aa"})
    with folder.claim():
        folder.check_corpus("news", "aa")


def test_folder_of_another_corpus_is_refused_by_name(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_state({"corpus": "news", "records": "aa"})
    with pytest.raises(ArtefactError, match="belongs to corpus 'news', not to 'sport'"):
        folder.check_corpus("sport", "bb")
    with pytest.raises(ArtefactError, match="records of corpus 'news' have changed") as caught:
        folder.check_corpus("news", "bb")
    assert "--force" in str(caught.value.hint)


def test_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("")
    with (
        pytest.raises(ArtefactError, match=r"holds other things \(such as 'thesis.docx'\)"),
        RunFolder(tmp_path).claim(),
    ):
        pass
    with pytest.raises(ArtefactError, match="is a file"), RunFolder(tmp_path / "thesis.docx").claim():
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.docx"]


def test_folder_claim_sweeps_up_after_a_killed_run(tmp_path: Path) -> None:
    (tmp_path / ".report.html.123.tmp").write_text("half")
    (tmp_path / ".bundle.123.tmp").mkdir()
    with RunFolder(tmp_path).claim():
        assert [entry.name for entry in tmp_path.iterdir()] == ["stages"]


def test_folder_parts_are_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for content in ("old", "new"):
        with folder.replacing("bundle") as temporary:
            temporary.mkdir()
            (temporary / content).write_text(content)
    assert [entry.name for entry in (tmp_path / "bundle").iterdir()] == ["new"]

    def fail() -> None:
        with folder.replacing("bundle") as temporary:
            temporary.mkdir()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle"]
    assert [entry.name for entry in (tmp_path / "bundle").iterdir()] == ["new"]


def test_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="not the folder of a run"):
        open_run(tmp_path)
    RunFolder(tmp_path).write_state({"corpus": "news", "records": "aa", "stages": {"read": "aa"}})
    with pytest.raises(ArtefactError, match="has not finished"):
        open_run(tmp_path).artefact("patterns")


def test_folder_never_deletes_what_no_run_has_left(tmp_path: Path) -> None:
    (tmp_path / "notes.tmp").write_text("mine")
    with pytest.raises(ArtefactError, match="holds other things"), RunFolder(tmp_path).claim():
        pass
    RunFolder(tmp_path).write_state({"corpus": "news", "records": "aa"})
    with RunFolder(tmp_path).claim():
        pass
    assert (tmp_path / "notes.tmp").read_text() == "mine"


def test_folder_of_a_killed_first_run_says_that_it_has_not_finished(tmp_path: Path) -> None:
    RunFolder(tmp_path).write_state({"corpus": "news", "records": "aa"})
    with pytest.raises(ArtefactError, match="has not finished"):
        RunFolder(tmp_path).artefact("patterns")

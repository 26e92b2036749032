from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import fsspec
import pytest

from corpora.folder import Folder, locate
from corpora.records import read_corpus
from miner.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def memory() -> Iterator[Folder]:
    system = fsspec.filesystem("memory")
    system.pipe({"/place/corpus/a.jpg": b"a", "/place/corpus/in/b.jpg": b"b", "/place/secret.jpg": b"secret"})
    yield Folder("memory://place/corpus")
    system.rm("/place", recursive=True)


@pytest.mark.parametrize(
    ("path", "relative"),
    [
        ("a.jpg", "a.jpg"),
        ("./in/../a.jpg", "a.jpg"),
        ("in\\b.jpg", "in/b.jpg"),
        ("memory://place/corpus/a.jpg", "a.jpg"),
    ],
)
def test_folder_remote_paths_inside_are_made_normal(memory: Folder, path: str, relative: str) -> None:
    assert memory.inside(path) == relative


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../secret.jpg", "path-outside"),
        ("in/../../secret.jpg", "path-outside"),
        ("/place/secret.jpg", "path-outside"),
        ("memory://place/corpus/../secret.jpg", "path-outside"),
        ("memory://place/corpusx/a.jpg", "remote-image"),
        ("a.jpg::secret.jpg", "path-outside"),
        ("file:///etc/hostname", "remote-image"),
    ],
)
def test_folder_remote_paths_outside_are_refused(memory: Folder, path: str, code: str) -> None:
    with pytest.raises(ImageError) as caught:
        memory.inside(path)
    assert caught.value.code == code


def test_folder_remote_names_are_not_patterns(memory: Folder) -> None:
    with pytest.raises(FileNotFoundError):
        memory.read("*.jpg")


def test_folder_lists_files_and_folders(memory: Folder) -> None:
    assert (memory.files(), memory.folders(), memory.files("in"), memory.files("none")) == (
        ["a.jpg"],
        ["in"],
        ["b.jpg"],
        [],
    )


def test_folder_lists_what_links_lead_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "a.csv").touch()
    (tmp_path / "linked").symlink_to("real")
    (tmp_path / "b.csv").symlink_to("a.csv")
    folder = Folder(str(tmp_path))
    assert (folder.files(), folder.folders()) == (["a.csv", "b.csv"], ["linked", "real"])


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/data/flickr", "flickr"),
        ("s3://bucket/corpora/news", "news"),
        ("memory://", "corpus"),
        ("zip://::/data/news.zip", "news.zip"),
        ("zip://inner::/data/news.zip", "inner"),
    ],
)
def test_folder_name_is_the_last_part(url: str, name: str) -> None:
    assert Folder(url).name == name


@pytest.mark.parametrize(("inner", "location"), [("", "zip://::{}"), ("deep/corpus/", "zip://deep/corpus::{}")])
def test_folder_corpus_in_a_zip_file_is_read(tmp_path: Path, inner: str, location: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(f"{inner}manifest.csv", "id,image,caption\n1,img/a.jpg,x\n2,img/b.jpg,y\n3,../c.jpg,z\n")
        archive.writestr(f"{inner}img/a.jpg", b"a")
    corpus = read_corpus(location.format(tmp_path / "x.zip"))
    assert corpus.records["code"].to_pylist() == [None, "missing-image", "path-outside"]
    assert corpus.open_image("img/a.jpg") == b"a"


def test_folder_of_a_remote_file_is_found(memory: Folder) -> None:
    assert locate("memory://place/corpus/in/b.jpg") == (memory.child("in"), "b.jpg")
    assert locate("memory://place/corpus/") == (memory, None)

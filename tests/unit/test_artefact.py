from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from miner.errors import ArtefactError
from miner.store.artefact import ArtefactStore, Identity
from miner.store.formats import write_json

if TYPE_CHECKING:
    from pathlib import Path

IDENTITY = Identity(stage="count", key="0123456789abcdef" * 2, version=1, parameters={"n": 1}, inputs={"read": "ff"})


def build(store: ArtefactStore) -> Path:
    with store.build(IDENTITY) as directory:
        write_json(directory / "count.json", 3)
    return store.root / "count-0123456789abcdef"


def test_artefact_is_there_once_the_block_ends(tmp_path: Path) -> None:
    store = ArtefactStore(tmp_path)
    assert store.open("count", IDENTITY.key) is None
    path = build(store)
    artefact = store.open("count", IDENTITY.key)
    assert artefact is not None
    assert artefact.files == ("count.json",)
    assert artefact.file("count.json").read_text() == "3\n"
    artefact.verify()
    assert json.loads((path / "manifest.json").read_text()) == {
        "stage": "count",
        "key": IDENTITY.key,
        "version": 1,
        "parameters": {"n": 1},
        "inputs": {"read": "ff"},
        "files": {"count.json": {"bytes": 2, "hash": artefact.manifest["files"]["count.json"]["hash"]}},
    }


def test_artefact_of_a_failed_block_is_not_there(tmp_path: Path) -> None:
    def fail() -> None:
        with ArtefactStore(tmp_path).build(IDENTITY) as directory:
            write_json(directory / "count.json", 3)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "fault"),
    [(None, "it is missing"), ("33\n", "it has 3 bytes instead of 2"), ("4\n", "its content changed")],
)
def test_artefact_damage_is_named_with_a_way_out(tmp_path: Path, content: str | None, fault: str) -> None:
    store = ArtefactStore(tmp_path)
    file = build(store) / "count.json"
    file.unlink() if content is None else file.write_text(content)
    artefact = store.open("count", IDENTITY.key)
    assert artefact is not None
    with pytest.raises(ArtefactError, match=f"count.json is damaged: {fault}") as caught:
        artefact.verify()
    assert str(file.parent) in str(caught.value.hint)


def test_artefact_without_manifest_is_made_anew(tmp_path: Path) -> None:
    store = ArtefactStore(tmp_path)
    path = build(store)
    (path / "manifest.json").unlink()
    assert store.open("count", IDENTITY.key) is None
    build(store)
    assert store.open("count", IDENTITY.key) is not None


def test_artefact_of_another_key_with_the_same_start_is_refused(tmp_path: Path) -> None:
    store = ArtefactStore(tmp_path)
    build(store)
    with pytest.raises(ArtefactError, match="holds another artefact"):
        store.open("count", "0123456789abcdef" + "0" * 16)


def test_artefact_shards_are_found_again_and_become_the_artefact(tmp_path: Path) -> None:
    store = ArtefactStore(tmp_path)
    for index in (1, 0):
        with store.build_shard(IDENTITY, index) as directory:
            write_json(directory / "part.json", index)
    assert store.shard(IDENTITY, 1) is not None
    assert store.shard(IDENTITY, 2) is None
    assert store.open("count", IDENTITY.key) is None
    with pytest.raises(ArtefactError, match="lacks shard-00002"):
        store.finish(IDENTITY, 3)
    artefact = store.finish(IDENTITY, 2)
    artefact.verify()
    assert [path.name for path in artefact.shards] == ["shard-00000", "shard-00001"]
    assert (artefact.shards[1] / "part.json").read_text() == "1\n"
    assert [path.name for path in tmp_path.iterdir()] == ["count-0123456789abcdef"]


def test_artefact_damaged_shard_is_refused(tmp_path: Path) -> None:
    store = ArtefactStore(tmp_path)
    with store.build_shard(IDENTITY, 0) as directory:
        write_json(directory / "part.json", 7)
    next(tmp_path.glob("*.partial/shard-00000/part.json")).write_text("8\n")
    with pytest.raises(ArtefactError, match="its content changed"):
        store.shard(IDENTITY, 0)


def test_artefact_lock_keeps_a_second_process_out_and_sweeps(tmp_path: Path) -> None:
    (tmp_path / "count-00.99999.tmp").mkdir()
    code = (
        "import sys; from pathlib import Path; from miner.store.artefact import ArtefactStore\n"
        "from miner.errors import ArtefactError\n"
        "try:\n"
        "    with ArtefactStore(Path(sys.argv[1])).lock(): sys.stdout.write('entered')\n"
        "except ArtefactError as error: sys.stdout.write(error.message)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with ArtefactStore(tmp_path).lock():
        assert not list(tmp_path.glob("*.tmp"))
        inside = subprocess.run(command, capture_output=True, text=True, check=True)
    after = subprocess.run(command, capture_output=True, text=True, check=True)
    assert inside.stdout.startswith("Another run is writing to")
    assert after.stdout == "entered"

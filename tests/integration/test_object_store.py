"""A corpus and a run in an object store: what is wrong there is one clear error or a bad record, and a run goes on anywhere."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from corpora.records import read_corpus
from corpora.scenes import generate_scenes
from miner.config import VisualConfig
from miner.errors import ArtefactError, CorpusError, ImageError, StorageError
from miner.run.folder import RunFolder, open_run
from miner.run.visual_stages import encode_records
from miner.store.artefact import ArtefactStore, Identity
from miner.store.mirror import Mirror, MirroredStore
from miner.store.remote import connect
from tests.folders import read_files
from tests.object_store import BUCKET, ObjectStore, reached_through, running_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

OPTIONS = [
    "-o",
    "visual.shard_size=16",
    "-o",
    "visual.n_dims=16",
    "-o",
    "mine.exploratory=true",
    "-o",
    "mine.max_len=2",
]
NOBODY = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "wrong"}


def start(arguments: Sequence[str | Path], *, code: str = "") -> subprocess.CompletedProcess[str]:
    runner = ["-c", code] if code else ["-m", "miner.cli.app"]
    return subprocess.run(
        [sys.executable, *runner, *map(str, arguments)], capture_output=True, text=True, check=False, env=os.environ
    )


def manifest(*names: str) -> bytes:
    return "\n".join(["id,image,caption", *(f"{i},{name},a dog runs" for i, name in enumerate(names))]).encode()


@pytest.fixture
def own_store() -> Iterator[ObjectStore]:
    with running_store() as store:
        yield store


def test_object_store_bad_objects_become_bad_records(object_store: ObjectStore) -> None:
    place = f"{BUCKET}/odd"
    object_store.system.pipe(
        {
            f"{place}/manifest.csv": manifest("good.jpg", "gone.jpg", "empty.jpg", "../other/x.jpg", "s3://else/x.jpg"),
            f"{place}/good.jpg": b"a picture",
            f"{place}/empty.jpg": b"",
        }
    )
    rows = read_corpus(f"s3://{place}").records
    assert rows["code"].to_pylist() == [None, "missing-image", "empty-image", "path-outside", "remote-image"]


def test_object_store_shard_that_is_cut_off_loses_one_picture(object_store: ObjectStore) -> None:
    with io.BytesIO() as data:
        with tarfile.open(fileobj=data, mode="w") as tar:
            for name, size in (("a.txt", 9), ("a.jpg", 2_000), ("b.jpg", 4_000)):
                member = tarfile.TarInfo(name)
                member.size = size
                tar.addfile(member, io.BytesIO(b"x" * size))
        whole = data.getvalue()
    object_store.system.pipe(f"{BUCKET}/cut/0.tar", whole[: 512 * 3 + 2048 + 512 + 700])
    corpus = read_corpus(f"s3://{BUCKET}/cut")
    assert corpus.records["code"].to_pylist() == [None, "truncated-image"]
    assert corpus.open_image("0.tar::a.jpg") == b"x" * 2_000


@pytest.mark.parametrize("location", ["s3://no-such-bucket/corpus", f"s3://{BUCKET}/no-such-corpus"])
def test_object_store_place_that_is_not_there_is_one_error(object_store: ObjectStore, location: str) -> None:
    del object_store
    with pytest.raises(CorpusError, match=f"There is no corpus at '{location}'"):
        read_corpus(location)


@pytest.mark.parametrize("removed", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_object_store_without_credentials_is_one_error_with_a_hint(
    object_store: ObjectStore, tmp_path: Path, removed: str
) -> None:
    kept = {name: value for name, value in object_store.environment.items() if name != removed}
    no_files = {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"), "AWS_CONFIG_FILE": str(tmp_path / "none")}
    with reached_through(kept | no_files):
        done = start(["corpus", "check", f"s3://{BUCKET}/corpus"])
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: 's3://{BUCKET}/corpus' cannot be reached: ")
    assert "credentials" in done.stderr.splitlines()[0].lower()
    assert "AWS_ACCESS_KEY_ID" in done.stderr.splitlines()[1]
    assert len(done.stderr.splitlines()) == 2


def test_object_store_that_does_not_answer_is_one_error(object_store: ObjectStore) -> None:
    with (
        reached_through(object_store.environment | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}),
        pytest.raises(StorageError, match=r"cannot be reached: .*127\.0\.0\.1:9"),
    ):
        read_corpus(f"s3://{BUCKET}/corpus")


def test_object_store_without_permission_is_one_error(object_store: ObjectStore) -> None:
    place = f"{BUCKET}/private"
    object_store.system.pipe({f"{place}/manifest.csv": manifest("a.jpg"), f"{place}/a.jpg": b"a"})
    with (
        object_store.refusing_strangers(),
        reached_through(object_store.environment | NOBODY),
        pytest.raises((CorpusError, StorageError), match=f"s3://{place}' cannot be (opened|reached)"),
    ):
        read_corpus(f"s3://{place}")


def test_object_store_object_that_vanished_names_its_record(object_store: ObjectStore) -> None:
    place = f"{BUCKET}/vanishing"
    object_store.system.pipe({f"{place}/manifest.csv": manifest("a.jpg", "b.jpg"), f"{place}/a.jpg": b"a"})
    object_store.system.pipe(f"{place}/b.jpg", b"b")
    corpus = read_corpus(f"s3://{place}")
    object_store.system.rm_file(f"{place}/b.jpg")
    with pytest.raises(ImageError, match=r"b\.jpg does not exist"):
        corpus.open_image("b.jpg")
    with pytest.raises(CorpusError, match=r"Record 1: .*though it was readable when the run began"):
        encode_records(rows_of(corpus.records), source=corpus.images, config=VisualConfig(), seed=0, kind="onnx")


def test_object_store_that_goes_away_is_no_fault_of_its_pictures(own_store: ObjectStore) -> None:
    place = f"{BUCKET}/going"
    own_store.system.pipe({f"{place}/manifest.csv": manifest("a.jpg"), f"{place}/a.jpg": b"a"})
    corpus = read_corpus(f"s3://{place}")
    own_store.server.stop()
    with pytest.raises(StorageError, match="cannot be reached"):
        corpus.open_image("a.jpg")
    with pytest.raises(StorageError, match="cannot be reached"):
        encode_records(rows_of(corpus.records), source=corpus.images, config=VisualConfig(), seed=0, kind="onnx")


def rows_of(records: pa.Table) -> pa.Table:
    return records.select(["record", "image", "status", "code", "reason"])


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes") / "corpus"
    generate_scenes(folder, n_scenes=50)
    return folder


@pytest.fixture(scope="module")
def made_here(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run from files to files makes."""
    out = tmp_path_factory.mktemp("here") / "run"
    done = start(["run", scenes, "--out", out, *OPTIONS])
    assert done.returncode == 0, done.stderr
    return artefacts(read_files(out))


def artefacts(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name.startswith(("stages/", "bundle/"))}


KILLED = """
import os, signal
from miner.cli.app import main
from miner.run.progress import OnConsole
from miner.store.mirror import MirroredStore

finish, stage = MirroredStore.build_shard, OnConsole.stage
n_shards = iter(range(int(os.environ["KILLED_AFTER"])))

def build_shard(self, identity, index):
    if identity.stage == "encode" and next(n_shards, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    return finish(self, identity, index)

def shown(self, name, *more, **options):
    if name == os.environ["KILLED_IN"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return stage(self, name, *more, **options)

MirroredStore.build_shard, OnConsole.stage = build_shard, shown
main()
"""


@pytest.mark.slow
def test_object_store_run_from_and_to_it_goes_on_elsewhere_with_the_same_bytes(
    object_store: ObjectStore,
    scenes: Path,
    made_here: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    corpus, out = object_store.put(scenes, "scenes"), f"s3://{BUCKET}/runs/scenes"
    arguments = ["run", corpus, "--out", out, *OPTIONS, "--staging"]
    monkeypatch.setenv("KILLED_AFTER", "2")
    monkeypatch.setenv("KILLED_IN", "")
    assert start([*arguments, tmp_path / "one"], code=KILLED).returncode == -signal.SIGKILL
    left = object_store.files("runs/scenes")
    assert sum(name.endswith("/images.parquet") for name in left) == 2
    assert not any(name.startswith("stages/encode") and name.count("/") == 2 for name in left), "no whole artefact yet"
    # another machine: nothing of the first one's disk is there
    monkeypatch.setenv("KILLED_AFTER", "1000")
    monkeypatch.setenv("KILLED_IN", "patterns")
    second = start([*arguments, tmp_path / "two"], code=KILLED)
    assert second.returncode == -signal.SIGKILL
    assert "encode: 2 of 4 shards are there" in second.stderr
    shutil.rmtree(tmp_path / "two")
    third = start([*arguments, tmp_path / "three", "--json"])
    assert third.returncode == 0, third.stderr
    assert json.loads(third.stdout)["made"] == ["patterns", "bundle", "kb", "report.html"]
    kept = object_store.files("runs/scenes")
    assert artefacts(kept) == made_here
    assert {"run.toml", "run.json", "run.log", "report.html"} <= set(kept)
    fourth = start([*arguments, tmp_path / "four", "--json"])
    assert json.loads(fourth.stdout)["made"] == []
    assert artefacts(read_files(tmp_path / "four")) == made_here
    assert open_run(tmp_path / "four").is_finished


def test_object_store_bucket_that_cannot_be_written_is_said_before_any_work(
    object_store: ObjectStore, scenes: Path, tmp_path: Path
) -> None:
    del object_store
    done = start(["run", scenes, "--out", "s3://no-such-bucket/run", "--staging", tmp_path])
    assert done.returncode == 1
    assert done.stderr.startswith("Error: 's3://no-such-bucket/run' cannot be used for a run: ")
    assert "read" not in done.stderr.partition("Error")[0]
    assert not (tmp_path / "stages" / "read").exists()


def test_object_store_damaged_copy_is_one_error(object_store: ObjectStore, tmp_path: Path) -> None:
    del object_store
    identity = Identity(stage="encode", key="0" * 32, version=1, parameters={}, inputs={})
    url = f"s3://{BUCKET}/runs/damaged"
    with MirroredStore(tmp_path / "a" / "stages", Mirror(url)).build(identity) as directory:
        (directory / "maxima.npy").write_bytes(b"whole")
    connect(url)[0].pipe(f"{BUCKET}/runs/damaged/stages/{identity.directory}/maxima.npy", b"other")
    with pytest.raises(StorageError, match=r"encode-0{16} is damaged: .*maxima\.npy") as caught:
        MirroredStore(tmp_path / "b" / "stages", Mirror(url)).open("encode", "0" * 32)
    assert "Delete it there" in str(caught.value.hint)


def test_object_store_never_gets_what_was_damaged_here(object_store: ObjectStore, tmp_path: Path) -> None:
    identity = Identity(stage="read", key="1" * 32, version=1, parameters={}, inputs={})
    place = "runs/never-damaged"
    with ArtefactStore(tmp_path / "stages").build(identity) as directory:
        (directory / "records.parquet").write_bytes(b"whole")
    damaged = tmp_path / "stages" / identity.directory / "records.parquet"
    damaged.write_bytes(b"other")
    store = MirroredStore(tmp_path / "stages", Mirror(f"s3://{BUCKET}/{place}"))
    with pytest.raises(ArtefactError, match=r"records\.parquet is damaged"):
        store.open("read", identity.key)
    assert object_store.files(place) == {}
    damaged.write_bytes(b"whole")
    assert store.open("read", identity.key)
    assert f"stages/{identity.directory}/manifest.json" in object_store.files(place)


def test_object_store_parts_of_a_publication_that_was_killed_are_not_taken_over(
    object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"{BUCKET}/runs/half"
    one = RunFolder(tmp_path / "one", Mirror(f"s3://{place}"))
    write_run(one, "first")
    with one.claim():
        one.publish()
    write_run(one, "second")
    monkeypatch.setattr(Mirror, "put_part", put_until("kb"))
    with pytest.raises(KeyboardInterrupt):
        one.publish()
    assert object_store.files("runs/half/bundle")["rows"] == b"second"
    two = RunFolder(tmp_path / "two", Mirror(f"s3://{place}"))
    with two.claim():
        assert two.read_state()["stages"] == {"mine": "second"}
        assert not (two.path / "bundle").exists()
        assert not (two.path / "kb").exists()
    assert (two.path / "run.toml").read_text() == "second"


def put_until(last: str) -> Callable[[Mirror, Path, str], None]:
    put = Mirror.put_part

    def put_part(self: Mirror, folder: Path, part: str) -> None:
        if part == last:
            raise KeyboardInterrupt
        put(self, folder, part)

    return put_part


def write_run(folder: RunFolder, content: str) -> None:
    for name in ("run.toml", "bundle/rows", "kb/store.kgl"):
        path = folder.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    folder.write_state({"stages": {"mine": content}, "parts": {"bundle": content, "kb": content}})


def test_object_store_damaged_state_is_one_error(object_store: ObjectStore, tmp_path: Path) -> None:
    object_store.system.pipe(f"{BUCKET}/runs/no-state/run.json", b"[]")
    folder = RunFolder(tmp_path / "run", Mirror(f"s3://{BUCKET}/runs/no-state"))
    with pytest.raises(StorageError, match=r"runs/no-state/run\.json is damaged"), folder.claim():
        pass


def test_object_store_run_is_not_taken_for_a_local_folder() -> None:
    done = start(["pattern", "list", "s3://bucket/runs/june"])
    assert done.returncode == 1
    assert done.stderr.startswith("Error: s3://bucket/runs/june is not a folder of this machine")

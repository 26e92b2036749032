"""Immutable artefacts: directories named by stage and key, complete as soon as they exist.

```
stages/
  read-5f0c…/            manifest.json and the files it lists
  encode-91ab….partial/  a sharded artefact still being made
    shard-00007/         one finished shard, with its own manifest.json
```

A directory gets its name in one step, after every file in it and its manifest are on the disk. Whatever is killed earlier
leaves only a temporary directory (swept away by the next run) or finished shards (used by the next run).
"""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from miner.errors import ArtefactError
from miner.store.fingerprint import digest_file
from miner.store.formats import DISK_FULL, read_json, write_error, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
LOCK = ".lock"
KEY_DIGITS = 16
TEMPORARY = ".tmp"
PARTIAL = ".partial"


@dataclass(frozen=True)
class Identity:
    """What an artefact says of itself; the same on every machine, so no times, paths or worker counts.

    Attributes:
        stage: Name of the stage that makes it.
        key: 32 hexadecimal digits.
        version: Version of the stage's behaviour.
        parameters: What entered the key beside the inputs.
        inputs: Key of each input, by its stage.
    """

    stage: str
    key: str
    version: int
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str]

    @property
    def directory(self) -> str:
        """Name of the artefact's directory."""
        return f"{self.stage}-{self.key[:KEY_DIGITS]}"


@dataclass(frozen=True)
class Artefact:
    """A complete artefact on the disk.

    Attributes:
        path: Its directory.
        manifest: The content of `manifest.json`.
    """

    path: Path
    manifest: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The full key, 32 hexadecimal digits."""
        return str(self.manifest["key"])

    @property
    def files(self) -> tuple[str, ...]:
        """Names of its files, sorted."""
        return tuple(sorted(self.manifest["files"]))

    @property
    def shards(self) -> tuple[Path, ...]:
        """Directories of its shards, in their order."""
        names = {name.split("/")[0] for name in self.files if "/" in name}
        return tuple(self.path / name for name in sorted(names, key=lambda name: (len(name), name)))

    def file(self, name: str) -> Path:
        """Return the path of one of its files.

        Raises:
            ArtefactError: It has no such file.
        """
        if name not in self.manifest["files"]:
            raise ArtefactError(f"{self.path.name} has no file {name!r}; it has: {', '.join(self.files)}.")
        return self.path / name

    def verify(self) -> None:
        """Compare size and hash of every file with the manifest.

        Raises:
            ArtefactError: A file is missing, cut or changed.
        """
        for name, entry in sorted(self.manifest["files"].items()):
            fault = _find_fault(self.path / name, entry)
            if fault:
                raise ArtefactError(
                    f"{self.path.name}/{name} is damaged: {fault}.",
                    hint=f"Delete the folder {self.path} and run the same command again: it is made anew.",
                )


def _find_fault(path: Path, entry: Mapping[str, Any]) -> str | None:
    try:
        size_bytes = path.stat().st_size
    except OSError:
        return "it is missing"
    if size_bytes != entry["bytes"]:
        return f"it has {size_bytes} bytes instead of {entry['bytes']}"
    return None if digest_file(path) == entry["hash"] else "its content changed"


def load_artefact(path: Path) -> Artefact | None:
    """Return the artefact in a directory, `None` where there is none.

    Raises:
        ArtefactError: There is a manifest, but it is damaged.
    """
    if not (path / MANIFEST).is_file():
        return None
    manifest = read_json(path / MANIFEST)
    if not isinstance(manifest, dict) or not {"stage", "key", "files"} <= set(manifest):
        raise ArtefactError(f"{path / MANIFEST} is not the manifest of an artefact.", hint=f"Delete the folder {path}.")
    return Artefact(path=path, manifest=manifest)


def sync_directory(path: Path) -> None:
    """Make the names in a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def seal(directory: Path, identity: Identity) -> None:
    """Write the manifest of a directory whose files are all there, and force everything to the disk.

    Raises:
        ArtefactError: The disk is full or a file cannot be read back.
    """
    paths = sorted(path for path in directory.rglob("*") if path.is_file() and path != directory / MANIFEST)
    entries = {}
    for path in paths:
        _sync_file(path)
        entries[path.relative_to(directory).as_posix()] = {"bytes": path.stat().st_size, "hash": digest_file(path)}
    manifest = {
        "stage": identity.stage,
        "key": identity.key,
        "version": identity.version,
        "parameters": dict(identity.parameters),
        "inputs": dict(identity.inputs),
        "files": entries,
    }
    write_json(directory / MANIFEST, manifest)
    for folder in [path for path in directory.rglob("*") if path.is_dir()] + [directory]:
        sync_directory(folder)


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


class ArtefactStore:
    """A folder of artefacts.

    Args:
        root: The folder; made when the first artefact is.
    """

    def __init__(self, root: Path) -> None:
        """Remember the folder; nothing is touched yet."""
        self.root = root

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep every other run out of the folder, and sweep up what a killed one left.

        Raises:
            ArtefactError: Another run is at work there, or the folder cannot be made.
        """
        lock = FileLock(self.root / LOCK)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout as error:
            raise ArtefactError(
                f"Another run is writing to {self.root}.", hint="Wait until it ends, or choose another --out."
            ) from error
        except OSError as error:
            raise write_error(self.root, error) from error
        try:
            self._sweep()
            yield
        finally:
            lock.release()

    def _sweep(self) -> None:
        for left_over in [*self.root.glob(f"*{TEMPORARY}"), *self.root.glob(f"*{PARTIAL}/*{TEMPORARY}")]:
            discard(left_over)

    def open(self, stage: str, key: str) -> Artefact | None:
        """Return a finished artefact, `None` where it is not there yet.

        Raises:
            ArtefactError: Its manifest is damaged, or it is another artefact under the same short key.
        """
        path = self.root / f"{stage}-{key[:KEY_DIGITS]}"
        artefact = load_artefact(path)
        if artefact is not None and artefact.key != key:
            raise ArtefactError(
                f"{path} holds another artefact (key {artefact.key}).", hint=f"Delete the folder {path}."
            )
        return artefact

    @contextmanager
    def build(self, identity: Identity) -> Iterator[Path]:
        """Give a temporary directory to write into; it becomes the artefact when the block ends without an error.

        Raises:
            ArtefactError: The disk is full or the folder cannot be written; nothing half-written stays behind.
        """
        with _building(self.root / identity.directory, identity) as directory:
            yield directory

    def shard(self, identity: Identity, index: int) -> Artefact | None:
        """Return a finished shard of an artefact in the making, `None` where it is not there yet.

        Raises:
            ArtefactError: It is damaged.
        """
        artefact = load_artefact(self.partial(identity) / shard_name(index))
        if artefact is not None:
            artefact.verify()
        return artefact

    @contextmanager
    def build_shard(self, identity: Identity, index: int) -> Iterator[Path]:
        """Give a temporary directory for one shard; it counts as finished when the block ends without an error.

        Raises:
            ArtefactError: The disk is full or the folder cannot be written.
        """
        with _building(self.partial(identity) / shard_name(index), identity) as directory:
            yield directory

    def finish(self, identity: Identity, n_shards: int) -> Artefact:
        """Turn the finished shards of an artefact into the artefact.

        Raises:
            ArtefactError: A shard is missing, or the disk is full.
        """
        partial = self.partial(identity)
        expected = {shard_name(index) for index in range(n_shards)}
        partial.mkdir(parents=True, exist_ok=True)
        missing = expected - {path.parent.name for path in partial.glob(f"*/{MANIFEST}")}
        if missing:
            raise ArtefactError(f"{partial} lacks {min(missing)}.", hint="Run the same command again.")
        target = self.root / identity.directory
        _complete(partial, target, identity)
        return Artefact(path=target, manifest=read_json(target / MANIFEST))

    def partial(self, identity: Identity) -> Path:
        """Return where an artefact is in the making."""
        return self.root / f"{identity.directory}{PARTIAL}"


def shard_name(index: int) -> str:
    """Return the name of the directory of a shard."""
    return f"shard-{index:05d}"


def discard(path: Path) -> None:
    """Remove a file or a folder if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _publish(directory: Path, target: Path) -> None:
    """Give a sealed directory its name in one step, in place of one whose manifest is gone."""
    discard(target)
    directory.replace(target)
    sync_directory(target.parent)


@contextmanager
def _building(target: Path, identity: Identity) -> Iterator[Path]:
    temporary = target.with_name(f"{target.name}.{os.getpid()}{TEMPORARY}")
    try:
        _make(temporary)
        yield temporary
        _complete(temporary, target, identity)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise write_error(target, error) from error
    finally:
        discard(temporary)


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True)
    except OSError as error:
        raise write_error(directory, error) from error


def _complete(directory: Path, target: Path, identity: Identity) -> None:
    try:
        seal(directory, identity)
        _publish(directory, target)
    except OSError as error:
        raise write_error(target, error) from error

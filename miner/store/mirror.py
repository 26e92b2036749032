"""A copy elsewhere of what a run finishes here: object stores have no rename, no append and no memory map.

The run works in a folder of this machine. Each artefact and each finished shard is copied as soon as it is there, files first and
its manifest last, so that a directory with a manifest is complete by construction; nothing that has one is ever written again.
A run that starts in an empty folder fetches what it needs and goes on from there, on whatever machine.

```
stages/encode-91ab…/shard-00007/   its files, then its manifest.json: a finished shard
stages/encode-91ab…/manifest.json  last of all: a finished artefact
```
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from miner.errors import ArtefactError, StorageError
from miner.store.artefact import (
    MANIFEST,
    ArtefactStore,
    Identity,
    discard,
    load_artefact,
    shard_name,
    sync_directory,
)
from miner.store.remote import answering, connect, require_no_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from miner.store.artefact import Artefact

__all__ = ["Mirror", "MirroredStore"]

logger = logging.getLogger(__name__)

FETCHING = ".fetched.tmp"
PROBE = ".eventminer-probe"
OBJECT_STORES = frozenset({"abfs", "abfss", "az", "gcs", "gs", "oci", "oss", "s3", "s3a", "memory"})
"""Have no folders to make; asked to make one, some would make a bucket."""


class Mirror:
    """A folder elsewhere.

    Args:
        url: Any fsspec URL of a folder; made with the first file.
    """

    def __init__(self, url: str) -> None:
        """Remember the folder; nothing is asked yet.

        Raises:
            StorageError: There are credentials in its address.
        """
        require_no_secrets(url)
        self.url = url.rstrip("/")
        self._known: set[str] | None = None

    def require_writable(self) -> None:
        """Find out now, rather than after hours of work, whether files can be written and listed there.

        Raises:
            StorageError: They cannot.
        """
        with self._asking() as (system, root):
            _make_parent(system, f"{root}/{PROBE}")
            system.pipe_file(f"{root}/{PROBE}", b"eventminer")
            system.rm_file(f"{root}/{PROBE}")
        self._list()

    def has(self, name: str) -> bool:
        """Tell whether there is a file of this name, relative to the folder.

        Raises:
            StorageError: The files cannot be listed.
        """
        return name in self._list()

    def names(self, place: str) -> list[str]:
        """Return the names of all files below a folder of it, relative to the mirror, sorted.

        Raises:
            StorageError: The files cannot be listed.
        """
        return sorted(name for name in self._list() if name == place or name.startswith(f"{place}/"))

    def _list(self) -> set[str]:
        """List all files once; what is done here is kept up with."""
        if self._known is None:
            with self._asking() as (system, root):
                system.invalidate_cache()
                found = system.find(root)
            self._known = {name[name.index(root) + len(root) + 1 :] for name in found} - {PROBE}
        return self._known

    def put(self, folder: Path, names: Iterable[str], place: str = "") -> None:
        """Copy files of a local folder, in this order.

        Args:
            folder: Where they are.
            names: Relative to it.
            place: Folder below this one that they go to.

        Raises:
            StorageError: They cannot be written.
        """
        known = self._list()
        with self._asking() as (system, root):
            for name in names:
                target = f"{place}/{name}" if place else name
                _make_parent(system, f"{root}/{target}")
                system.put_file(str(folder / name), f"{root}/{target}")
                known.add(target)

    def get(self, folder: Path, names: Iterable[str]) -> None:
        """Copy files into a local folder, in this order.

        Raises:
            StorageError: They cannot be read.
        """
        with self._asking() as (system, root):
            for name in names:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                system.get_file(f"{root}/{name}", str(folder / name))

    def put_part(self, folder: Path, part: str) -> None:
        """Copy a file or a folder as a whole: what was in it elsewhere and is not here goes.

        Raises:
            StorageError: It cannot be written.
        """
        names = files_below(folder, part)
        self.put(folder, names)
        gone = set(self.names(part)) - set(names)
        with self._asking() as (system, root):
            for name in gone:
                system.rm_file(f"{root}/{name}")
        self._list().difference_update(gone)

    @contextmanager
    def _asking(self) -> Iterator[tuple[Any, str]]:
        """Give the file system and the path there; whatever it refuses is of the whole run.

        Raises:
            StorageError: No answer, no permission, no such bucket.
        """
        try:
            with answering(self.url):
                system, root = connect(self.url)
                yield system, root.rstrip("/")
        except OSError as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise StorageError(
                f"{self.url!r} cannot be used for a run: {said}",
                hint="The bucket must exist, and its objects must be yours to list, read and write.",
            ) from error


def _make_parent(system: Any, path: str) -> None:  # noqa: ANN401 - fsspec has no types
    protocols = {system.protocol} if isinstance(system.protocol, str) else set(system.protocol)
    if not protocols & OBJECT_STORES:
        system.makedirs(path.rpartition("/")[0], exist_ok=True)


def files_below(folder: Path, name: str = "") -> list[str]:
    """Return the names of a file or of all files below a folder, manifests after what they list, the innermost first."""
    path = folder / name
    paths = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    names = [each.relative_to(folder).as_posix() for each in paths]
    return sorted(names, key=lambda name: (name.rpartition("/")[2] == MANIFEST, -name.count("/"), name))


class MirroredStore(ArtefactStore):
    """A folder of artefacts that is mirrored elsewhere.

    Args:
        root: The folder here.
        mirror: Of the folder above it.
    """

    def __init__(self, root: Path, mirror: Mirror) -> None:
        """Remember both."""
        super().__init__(root)
        self.mirror = mirror

    def open(self, stage: str, key: str) -> Artefact | None:
        """Return a finished artefact, fetched if it is only elsewhere, and copied there if it is only here.

        Raises:
            ArtefactError: It is damaged.
            StorageError: The mirror does not answer.
        """
        name = Identity(stage=stage, key=key, version=0, parameters={}, inputs={}).directory
        artefact = super().open(stage, key)
        if artefact is None and self._fetch(name, self.root / name):
            artefact = super().open(stage, key)
        elif artefact is not None and not self._is_elsewhere(name):
            # What is damaged here must not be complete by construction there.
            artefact.verify()
            self._publish(self.root / name, name)
        return artefact

    @contextmanager
    def build(self, identity: Identity) -> Iterator[Path]:
        """Build an artefact here, and copy it.

        Raises:
            ArtefactError: The disk is full or the folder cannot be written.
            StorageError: The mirror does not answer.
        """
        with super().build(identity) as directory:
            yield directory
        self._publish(self.root / identity.directory, identity.directory)

    def shard(self, identity: Identity, index: int) -> Artefact | None:
        """Return a finished shard of an artefact in the making, fetched if it is only elsewhere.

        Raises:
            ArtefactError: It is damaged.
            StorageError: The mirror does not answer.
        """
        name, target = f"{identity.directory}/{shard_name(index)}", self.partial(identity) / shard_name(index)
        if not (target / MANIFEST).is_file():
            self._fetch(name, target)
        shard = super().shard(identity, index)
        if shard is not None:
            self._publish(target, name)
        return shard

    @contextmanager
    def build_shard(self, identity: Identity, index: int) -> Iterator[Path]:
        """Build a shard here, and copy it to where it will be when the artefact is finished.

        Raises:
            ArtefactError: The disk is full or the folder cannot be written.
            StorageError: The mirror does not answer.
        """
        with super().build_shard(identity, index) as directory:
            yield directory
        self._publish(self.partial(identity) / shard_name(index), f"{identity.directory}/{shard_name(index)}")

    def finish(self, identity: Identity, n_shards: int) -> Artefact:
        """Turn finished shards into the artefact; elsewhere only its manifest is missing.

        Raises:
            ArtefactError: A shard is missing, or the disk is full.
            StorageError: The mirror does not answer.
        """
        artefact = super().finish(identity, n_shards)
        self._publish(artefact.path, identity.directory)
        return artefact

    def _fetch(self, name: str, target: Path) -> bool:
        """Fetch what is finished elsewhere; tell whether there is anything.

        Raises:
            StorageError: The mirror does not answer, or what it has is damaged.
        """
        place = f"{self.root.name}/{name}"
        if not self._is_elsewhere(name):
            return False
        logger.info("fetching %s from %s", name, self.mirror.url)
        temporary = target.with_name(f"{target.name}{FETCHING}")
        discard(temporary)
        self.mirror.get(temporary, self.mirror.names(place))
        self._require_whole(temporary / place, place)
        discard(target)
        (temporary / place).replace(target)
        discard(temporary)
        sync_directory(target.parent)
        return True

    def _is_elsewhere(self, name: str) -> bool:
        return self.mirror.has(f"{self.root.name}/{name}/{MANIFEST}")

    def _require_whole(self, fetched: Path, place: str) -> None:
        try:
            artefact = load_artefact(fetched)
            if artefact is not None:
                artefact.verify()
        except ArtefactError as error:
            raise StorageError(
                f"{self.mirror.url}/{place} is damaged: {error.message}",
                hint="Delete it there and run the same command again: it is made anew.",
            ) from error

    def _publish(self, directory: Path, name: str) -> None:
        """Copy a finished directory, but for what is elsewhere already."""
        place = f"{self.root.name}/{name}"
        if self._is_elsewhere(name):
            return

        def is_there(each: str) -> bool:
            return self.mirror.has(f"{place}/{each}".rpartition("/")[0] + f"/{MANIFEST}")

        self.mirror.put(directory, [each for each in files_below(directory) if not is_there(each)], place)

"""The folder of a corpus, on this machine or behind any fsspec URL, from which nothing outside can be opened."""

from __future__ import annotations

import io
import os
import posixpath
import stat
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from fsspec.implementations.local import LocalFileSystem

from miner.errors import CorpusError, ImageError
from miner.store.remote import answering, connect, is_url, read_range

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

__all__ = ["Folder", "locate"]


@dataclass(frozen=True)
class Folder:
    """A folder, named by an absolute local path or by an fsspec URL.

    Holds nothing but its name, so it can be sent to other processes.
    """

    url: str

    @property
    def is_local(self) -> bool:
        """Whether the folder is on this machine."""
        return not is_url(self.url)

    @property
    def name(self) -> str:
        """The last part of the folder's name."""
        places = [place.rpartition("://")[2].rstrip("/") for place in self.url.split("::")]
        return next((posixpath.basename(place) for place in places if place), "corpus")

    def child(self, path: str) -> Self:
        """Return the folder at a path below this one."""
        return type(self)(self._join(path))

    def inside(self, path: str) -> str:
        """Return a path as a normal one relative to this folder.

        Args:
            path: As a corpus wrote it: relative to this folder, or in full. Backslashes count as slashes.

        Raises:
            ImageError: It leaves the folder (`path-outside`), also through a symbolic link, or is the address of a page
                elsewhere (`remote-image`).
        """
        path = path.replace("\\", "/")
        if path.startswith(self.url + "/"):
            path = path[len(self.url) + 1 :]
        if "://" in path:
            raise ImageError("remote-image", f"{path} is an address elsewhere; download the pictures into the corpus")
        relative = self._inside_local(path) if self.is_local else _inside_remote(path)
        if relative is None:
            raise ImageError("path-outside", f"{path} leads out of the corpus folder")
        return relative

    def open(self, path: str) -> BinaryIO:
        """Open a file below this folder for reading.

        Raises:
            OSError: It cannot be opened, or is not a regular file.
            StorageError: The place does not answer.
        """
        if not self.is_local:
            with self._answering():
                return cast("BinaryIO", self._system().open(self._full(path), "rb"))
        full = Path(self.url, path)
        if not stat.S_ISREG(full.stat().st_mode):
            raise IsADirectoryError(f"{path} is not a file")
        return full.open("rb")

    def read(self, path: str) -> bytes:
        """Return the bytes of a file below this folder.

        Raises:
            OSError: It cannot be read.
            StorageError: The place does not answer.
        """
        with self._answering(), self.open(path) as file:
            return file.read()

    def open_whole(self, path: str) -> BinaryIO:
        """Open a file below this folder that will be read from start to end: elsewhere, it is fetched at once.

        Raises:
            OSError: It cannot be read.
            StorageError: The place does not answer.
        """
        return self.open(path) if self.is_local else io.BytesIO(self.read(path))

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """Return the bytes of a file below this folder from `start` to before `end`, or to its end: elsewhere in one request.

        Raises:
            OSError: It cannot be read.
            StorageError: The place does not answer.
        """
        if not self.is_local:
            with self._answering():
                return read_range(self._system(), self._full(path), start, end)
        with self.open(path) as file:
            file.seek(start)
            return file.read(end - start)

    def size(self, path: str) -> int:
        """Return the size of a file below this folder in bytes.

        Raises:
            OSError: There is no such file.
            StorageError: The place does not answer.
        """
        if self.is_local:
            return Path(self.url, path).stat().st_size
        with self._answering():
            return int(self._system().size(self._full(path)) or 0)

    def files(self, path: str = "") -> list[str]:
        """Return the names of the files directly in this folder or one below it, sorted."""
        return self._names(path, "file")

    def folders(self, path: str = "") -> list[str]:
        """Return the names of the folders directly in this folder or one below it, sorted."""
        return self._names(path, "directory")

    def _names(self, path: str, kind: str) -> list[str]:
        try:
            with answering(self.url):
                entries = self._system().ls(self._full(path), detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = {posixpath.basename(entry["name"].rstrip("/")) for entry in entries if _kind(entry) == kind}
        return sorted(name for name in names if not name.startswith("."))

    def _inside_local(self, path: str) -> str | None:
        try:
            full = os.path.normpath(Path(self.url, path))
            real, root = os.path.realpath(full), _real_root(self.url)
        except ValueError:
            return None
        if not real.startswith(root.rstrip("/") + "/"):
            return None
        start = self.url if full.startswith(self.url.rstrip("/") + "/") else root
        return Path(os.path.relpath(full if start == self.url else real, start)).as_posix()

    def _join(self, path: str) -> str:
        head, chain, tail = self.url.partition("::")
        start = head if head.endswith("://") else head.rstrip("/") + "/"
        return f"{start}{path}{chain}{tail}" if path else self.url

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Tell a place that does not answer from a file that is not there; what is local speaks for itself."""
        with nullcontext() if self.is_local else answering(self.url):
            try:
                yield
            except KeyError as error:  # what some versions of fsspec say of a file that an archive does not have
                raise FileNotFoundError(*error.args) from error

    def _system(self) -> Any:  # noqa: ANN401 - fsspec has no types
        return _resolve(self.url)[0]

    def _full(self, path: str) -> str:
        root = _resolve(self.url)[1]
        return f"{root.rstrip('/')}/{path}" if path else root


def locate(location: str) -> tuple[Folder, str | None]:
    """Find the folder of a corpus and, where the location is a file, the name of that file.

    A file in a folder called `annotations` belongs to the folder above, as in MS-COCO.

    Args:
        location: A path or an fsspec URL of a folder or a file.

    Raises:
        CorpusError: There is nothing, or the kind of URL is not supported.
    """
    system, path = _resolve(location)
    local = isinstance(system, LocalFileSystem)
    url = str(Path(path).absolute()) if local else _without_slash(location)
    if _answers(system.isdir, path, location):
        return Folder(url), None
    if not _answers(system.isfile, path, location):
        raise CorpusError(
            f"There is no corpus at {location!r}.", hint="Give a folder, a manifest file, or the URL of one."
        )
    head, chain, tail = url.partition("::")
    parent, _, name = head.rpartition("/")
    if parent.rpartition("/")[2] == "annotations":
        parent, name = parent.rpartition("/")[0], f"annotations/{name}"
    return Folder(f"{parent}{chain}{tail}" if parent else "/"), name


@lru_cache(maxsize=16)
def _real_root(url: str) -> str:
    return os.path.realpath(url)


def _resolve(location: str) -> tuple[Any, str]:
    """Return the file system of a location and the path there."""
    return connect(location if is_url(location) else str(Path(location).expanduser().absolute()))


def _answers(question: Any, path: str, location: str) -> bool:  # noqa: ANN401 - a bound method of fsspec
    try:
        with answering(location):
            return bool(question(path))
    except OSError as error:
        raise CorpusError(
            f"{location!r} cannot be opened: {error}", hint="Check the address, and that you may read it."
        ) from error


def _kind(entry: dict[str, Any]) -> str:
    """Tell files from folders; the local file system calls a link to either `other` or `link`."""
    if entry.get("islink") or entry["type"] not in {"file", "directory"}:
        target = Path(str(entry["name"]))
        return "directory" if target.is_dir() else "file"
    return str(entry["type"])


def _without_slash(location: str) -> str:
    head, chain, tail = location.partition("::")
    return (head if head.endswith("://") else head.rstrip("/")) + chain + tail


def _inside_remote(path: str) -> str | None:
    """Return the normal form of a path, or None where it leads out; `::` would start another file system."""
    relative = posixpath.normpath(path)
    outside = relative in {".", ".."} or relative.startswith(("/", "../")) or "::" in relative
    return None if outside else relative

"""Opening the images of a corpus: files of its folder, or members of its tar shards."""

from __future__ import annotations

import os
import tarfile
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Protocol

from miner.errors import ImageError
from miner.store.fingerprint import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corpora.folder import Folder

__all__ = ["MAX_IMAGE_BYTES", "ImageFacts", "ImageFinder", "ImageSource", "members"]

MAX_IMAGE_BYTES = 1 << 29
"""A larger file is not taken for an image."""

_SHARD = ".tar::"
_INDEXING = threading.Lock()


class ImageFinder(Protocol):
    """Opens the images of a corpus, wherever they are."""

    def open(self, image: str) -> bytes:
        """Return the bytes of an image.

        Raises:
            ImageError: It cannot be opened.
        """
        ...


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What is known of an image file without decoding it."""

    image: str
    size_bytes: int
    digest: str


@dataclass(frozen=True)
class ImageSource:
    """Opens the images of one corpus, safely and in any process.

    Pickles as the name of its folder. `shard.tar::member` names a member of a tar file; the members of each shard are
    indexed once per process, on first use.
    """

    folder: Folder
    _indices: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict, repr=False, compare=False)

    def __reduce__(self) -> tuple[type[ImageSource], tuple[Folder]]:
        """Leave the indices behind."""
        return (ImageSource, (self.folder,))

    def normalise(self, image: str) -> str:
        """Return the name of an image relative to the corpus folder.

        Raises:
            ImageError: It is not inside (`path-outside`, `remote-image`).
        """
        shard, separator, member = image.partition(_SHARD)
        return f"{self.folder.inside(shard + '.tar')}::{member}" if separator else self.folder.inside(image)

    def open(self, image: str) -> bytes:
        """Return the bytes of an image.

        Raises:
            ImageError: There is no such image inside the corpus folder (`missing-image`, `path-outside`,
                `remote-image`), it has no bytes (`empty-image`), too many (`huge-image`), or cannot be read
                (`unreadable-image`).
            StorageError: The place does not answer, for this image or any other.
        """
        return self._read(self.normalise(image))

    def facts(self, image: str) -> ImageFacts:
        """Return the normal name, the size and the content hash of an image.

        Raises:
            ImageError: As `open`.
        """
        image = self.normalise(image)
        data = self._read(image)
        return ImageFacts(image, len(data), digest_bytes(data))

    def _read(self, image: str) -> bytes:
        try:
            return self._read_member(image) if _SHARD in image else self._read_file(image)
        except FileNotFoundError as error:
            raise ImageError("missing-image", f"{image} does not exist") from error
        except (OSError, ValueError, tarfile.TarError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ImageError("unreadable-image", f"{image} cannot be read: {reason}") from error

    def _read_file(self, image: str) -> bytes:
        if not self.folder.is_local:
            # Elsewhere, asking for the size first would be a second request for every image.
            data = self.folder.read_range(image, 0, MAX_IMAGE_BYTES + 1)
            return _checked(data, image, len(data))
        with self.folder.open(image) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            return _checked(file.read(min(size, MAX_IMAGE_BYTES)), image, size)

    def _read_member(self, image: str) -> bytes:
        shard, _, member = image.partition(_SHARD)
        path = shard + ".tar"
        place = self._index(path).get(member)
        if place is None:
            raise FileNotFoundError(image)
        start, size = place
        data = self.folder.read_range(path, start, start + min(size, MAX_IMAGE_BYTES))
        if len(data) < min(size, MAX_IMAGE_BYTES):
            raise ImageError("truncated-image", f"{image} has {len(data)} of {size} bytes; its shard is cut off")
        return _checked(data, image, size)

    def _index(self, path: str) -> dict[str, tuple[int, int]]:
        with _INDEXING:
            if path not in self._indices:
                with self.folder.open(path) as file:
                    index: dict[str, tuple[int, int]] = {}
                    for member in filter(tarfile.TarInfo.isreg, members(file)):
                        index.setdefault(member.name, (member.offset_data, member.size))
                self._indices[path] = index
        return self._indices[path]


def members(file: BinaryIO) -> Iterator[tarfile.TarInfo]:
    """Yield the members of an uncompressed tar file but its folders, stopping where it is cut off.

    Raises:
        tarfile.TarError: It is not a tar file.
    """
    with tarfile.open(fileobj=file, mode="r:") as shard:
        while True:
            try:
                member = shard.next()
            except tarfile.TarError:
                return
            if member is None:
                return
            if not member.isdir():
                yield member


def _checked(data: bytes, image: str, size: int) -> bytes:
    if size > MAX_IMAGE_BYTES:
        raise ImageError("huge-image", f"{image} is larger than {MAX_IMAGE_BYTES >> 20} MiB")
    if not data:
        raise ImageError("empty-image", f"{image} has no bytes")
    return data

"""MS-COCO captions JSON: images and annotations apart, several captions per image."""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from corpora.readers.sheet import Row, Sheet, bad_row
from corpora.text import decode_text, restore_bytes
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from corpora.folder import Folder

__all__ = ["read_coco"]

_SAMPLE = 50


def read_coco(folder: Folder, paths: tuple[str, ...]) -> Sheet:
    """Read a COCO captions file.

    Images are looked for in the folder of the corpus and in each folder below it (`val2017/`, `images/`); the one that
    has most of the first 50 is taken. Licence numbers become the names that the file gives them.

    Raises:
        CorpusError: It is not JSON, or has no images and annotations.
    """
    (path,) = paths
    name = posixpath.basename(path)
    text, notes = restore_bytes(decode_text(folder.read(path)))
    document = _Document(name, notes, *_parts(name, text))
    rows = (*document.images(_image_folder(folder, document.pictures)), *document.strays())
    columns = tuple(dict.fromkeys(key for row in rows for key in row.values))
    return Sheet(columns, rows, {"id": ("id",), "image": ("file_name",), "caption": ("captions",)})


@dataclass(frozen=True)
class _Document:
    name: str
    notes: tuple[str, ...]
    pictures: list[object]
    annotations: list[object]
    licences: Mapping[object, str]

    def images(self, below: str) -> Iterator[Row]:
        """Yield one row per image, with all of its captions in the order of the file."""
        captions = self._captions()
        for number, picture in enumerate(self.pictures):
            where = f"{self.name}:images[{number}]"
            if not isinstance(picture, dict) or "id" not in picture:
                yield bad_row(where, "not-an-object", "the image has no id")
                continue
            values = {**picture, "captions": captions.get(_key(picture["id"]), [])}
            if picture.get("license") in self.licences:
                values["license"] = self.licences[picture["license"]]
            if isinstance(picture.get("file_name"), str):
                values["file_name"] = posixpath.join(below, picture["file_name"])
            yield Row(where, values, self.notes)

    def strays(self) -> Iterator[Row]:
        """Yield a bad row for each annotation that belongs to no image."""
        known = {_key(picture["id"]) for picture in self.pictures if isinstance(picture, dict) and "id" in picture}
        for number, annotation in enumerate(self.annotations):
            image = annotation.get("image_id") if isinstance(annotation, dict) else None
            if _key(image) not in known:
                reason = f"the annotation is of image {image!r}, which the file does not list"
                yield bad_row(f"{self.name}:annotations[{number}]", "unknown-image", reason)

    def _captions(self) -> dict[str, list[object]]:
        captions: dict[str, list[object]] = {}
        for annotation in self.annotations:
            if isinstance(annotation, dict) and "caption" in annotation:
                captions.setdefault(_key(annotation.get("image_id")), []).append(annotation["caption"])
        return captions


def _parts(name: str, text: str) -> tuple[list[object], list[object], Mapping[object, str]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{name} is not valid JSON: {error}") from error
    lists = [document.get(key) for key in ("images", "annotations")] if isinstance(document, dict) else []
    if not lists or not all(isinstance(part, list) for part in lists):
        raise CorpusError(
            f"{name} is not a COCO captions file: it needs the lists 'images' and 'annotations'.",
            hint="For one JSON object a line, name the file .jsonl.",
        )
    return cast("list[object]", lists[0]), cast("list[object]", lists[1]), _licences(document.get("licenses"))


def _licences(entries: object) -> dict[object, str]:
    found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return {entry["id"]: str(entry["name"]) for entry in found if "id" in entry and entry.get("name")}


def _image_folder(folder: Folder, pictures: list[object]) -> str:
    names = [p["file_name"] for p in pictures[:_SAMPLE] if isinstance(p, dict) and isinstance(p.get("file_name"), str)]
    places = ["", *folder.folders()]
    return max(places, key=lambda place: sum(_exists(folder, posixpath.join(place, name)) for name in names))


def _exists(folder: Folder, path: str) -> bool:
    try:
        return folder.size(path) >= 0
    except OSError:
        return False


def _key(image_id: object) -> str:
    """Image ids are compared as text, since files mix 12 and "12"."""
    return str(image_id)

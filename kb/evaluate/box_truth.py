"""Where things are in the pictures of a corpus, as people or a generator have marked it.

Three formats are read:

- a table, `.jsonl`, `.csv`, `.tsv` or `.parquet`, of one box per row: `record` (or `image`), `name`, the edges `x0`, `y0`,
  `x1`, `y1` or one list `box`, and, if the thing counts in one event type only, `eventType`;
- COCO instances (`.json` with `images`, `annotations`, `categories`);
- the truth of a generated corpus (`.json` with `patterns`).

Edges are pixels of the upright original, x to the right and y down.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from corpora.truth import normalise_name, read_truth
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["Box", "BoxedThing", "find_boxes", "read_boxes"]

Box = tuple[float, float, float, float]
EDGES = ("x0", "y0", "x1", "y1")
HINT = "A table needs record, name, x0, y0, x1, y1 (or box); COCO instances need images, annotations, categories."


@dataclass(frozen=True)
class BoxedThing:
    """A kind of thing that is marked in some pictures.

    Attributes:
        names: What it may be called, normalised.
        event_type: The only event type whose patterns may be about it; None for any.
        boxes: For each record, or image, that shows it: where.
    """

    names: frozenset[str]
    event_type: str | None
    boxes: Mapping[str, Sequence[Box]]

    def in_picture(self, record: str, image: str) -> Sequence[Box]:
        """Return its boxes in a picture, which may be known by its record, its path, its file name or that less its suffix."""
        path = PurePosixPath(image)
        keys = (record, image, path.name, path.stem)
        return next((self.boxes[key] for key in keys if key in self.boxes), ())


def find_boxes(folder: Path) -> Path:
    """Return the file of a corpus folder that says where things are.

    Raises:
        CorpusError: It has none.
    """
    names = ("truth.json", "boxes.jsonl", "boxes.csv", "boxes.parquet", "instances.json")
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise CorpusError(f"{folder} has no file of boxes ({', '.join(names)}).", hint="Name one: --boxes FILE")
    return found


def read_boxes(path: Path) -> list[BoxedThing]:
    """Read a file of boxes.

    Raises:
        CorpusError: It is missing, in no known format, or holds no box.
    """
    try:
        things = _read_json(path) if path.suffix == ".json" else _group(_read_rows(path))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowInvalid) as error:
        raise CorpusError(f"{path} is no readable file of boxes: {error!r}", hint=HINT) from error
    if not things:
        raise CorpusError(f"{path} holds no box.", hint=HINT)
    return things


def _read_json(path: Path) -> list[BoxedThing]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if "annotations" in content:
        return _group(_coco_rows(content))
    return [
        BoxedThing(frozenset(map(normalise_name, (*planted.names, planted.name))), planted.event_type, planted.boxes)
        for planted in read_truth(path).patterns
    ]


def _coco_rows(content: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Give COCO instances as rows of a table; crowds are left out, since their boxes hold many things."""
    files = {image["id"]: image["file_name"] for image in content["images"]}
    categories = {category["id"]: category["name"] for category in content["categories"]}
    for row in content["annotations"]:
        if not row.get("iscrowd"):
            x, y, width, height = row["bbox"]
            name = categories[row["category_id"]]
            yield {"record": files[row["image_id"]], "name": name, "box": [x, y, x + width, y + height]}


def _read_rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    options = pyarrow.csv.ParseOptions(delimiter="\t" if path.suffix == ".tsv" else ",")
    types = pyarrow.csv.ConvertOptions(column_types={"record": pa.string(), "image": pa.string()})
    return list(pyarrow.csv.read_csv(path, parse_options=options, convert_options=types).to_pylist())


def _group(rows: Iterable[Mapping[str, Any]]) -> list[BoxedThing]:
    """Make one thing of all boxes with one name and event type."""
    boxes: dict[tuple[str, str], dict[str, list[Box]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        x0, y0, x1, y1 = map(float, row["box"] if row.get("box") is not None else (row[edge] for edge in EDGES))
        if not (x0 < x1 and y0 < y1):
            raise ValueError(f"the box {[x0, y0, x1, y1]} of {row['name']!r} is empty")
        key = (normalise_name(str(row["name"])), str(row.get("eventType") or ""))
        boxes[key][str(row.get("record") or row["image"])].append((x0, y0, x1, y1))
    return [
        BoxedThing(frozenset({name}), event_type or None, dict(of_record))
        for (name, event_type), of_record in sorted(boxes.items())
    ]

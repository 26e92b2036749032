"""Whatever a corpus looks like, extraction reads the records that a run reads, and says when their documents end."""

from __future__ import annotations

import csv
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.records import read_corpus
from corpora.texts import open_new

if TYPE_CHECKING:
    from collections.abc import Sequence

IMAGES = ("a.jpg", "b.jpg", "c.jpg", "none.jpg", "../out.jpg", "manifest.jsonl:2", "")
NAMES = st.sampled_from(["x", "x#2", "x#3", "y", "", None, 7, " x "])
CAPTION = st.one_of(st.none(), st.integers(0, 9), st.text(st.characters(), max_size=8))
ROW = st.fixed_dictionaries(
    {"image": st.sampled_from(IMAGES)},
    optional={"id": NAMES, "caption": st.one_of(CAPTION, st.lists(CAPTION, max_size=3)), "docId": NAMES},
)


def write(folder: str, rows: Sequence[dict[str, Any] | int], suffix: str) -> str:
    for image in IMAGES[:3]:
        Path(folder, image).write_bytes(image.encode())
    path = Path(folder, f"manifest.{suffix}")
    if suffix == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        return str(path)
    kept = [row for row in rows if isinstance(row, dict)]
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="") as file:
        columns = ["image", *sorted({key for row in kept for key in row} - {"image"})]
        lines = csv.writer(file)
        lines.writerow(columns)
        for row in kept:
            cells = [row.get(column) for column in columns]
            lines.writerow([json.dumps(cell) if isinstance(cell, list) else cell for cell in cells])
    return str(path)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.one_of(ROW, ROW, ROW, st.integers()), max_size=10), st.sampled_from(["jsonl", "csv"]))
def test_extraction_reads_the_records_of_a_run(rows: list[dict[str, Any] | int], suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        location = write(folder, [*rows, {"image": "b.jpg", "caption": "usable, whatever the others are"}], suffix)
        read = read_corpus(location).records.to_pylist()
        found = list(open_new(location, Counter()).records)
    assert len({record.id for record in found}) == len(found)
    assert {r.id: (tuple(t.text for t in r.texts), r.image, r.code, r.image_hash) for r in found} == {
        row["record"]: (tuple(row["captions"]), row["image"], row["code"], row["imageHash"])
        for row in read
        if row["code"] != "not-an-object"
    }
    assert all([text.caption for text in record.texts] == list(range(len(record.texts))) for record in found)
    last = {d: place for place, r in enumerate(found) for d in (r.document, *(text.document for text in r.texts))}
    ended = [(document, place) for place, record in enumerate(found) for document in record.ends]
    assert not [document for document, place in ended if last.get(document, -1) > place]
    assert len({document for document, _ in ended}) == len(ended)
    left_out = any(row["code"] == "not-an-object" for row in read)
    assert left_out or last.keys() <= {document for document, _ in ended}

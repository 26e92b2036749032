"""What is handed over to be looked at when pictures are extracted from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from miner.config import RunConfig
from miner.run.folder import RunFolder
from miner.run.picture_extraction import one_picture, read_pictures
from miner.run.progress import Silent
from miner.run.takedown import forgotten_hashes
from miner.store.fingerprint import digest_bytes
from miner.store.formats import write_json

if TYPE_CHECKING:
    from pathlib import Path

GONE = b"the forgotten picture"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run folder that was told to forget a picture."""
    (tmp_path / "run").mkdir()
    hashed = digest_bytes(b"forgotten\0" + digest_bytes(GONE).encode())
    write_json(tmp_path / "run" / "forgotten.json", {"hashes": [hashed]})
    return RunFolder(tmp_path / "run")


def test_a_forgotten_picture_does_not_come_back_under_another_id(folder: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    for name, content in (("a", b"another"), ("b", GONE)):
        (tmp_path / "c" / f"{name}.jpg").write_bytes(content)
    rows = [{"id": f"new {name}", "image": f"{name}.jpg", "caption": "They met"} for name in ("a", "b")]
    (tmp_path / "c" / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    pictures = read_pictures(str(tmp_path / "c"), RunConfig(), Silent(), folder)
    seen = pictures.records.to_pylist()
    assert [(row["record"], row["image"], row["code"]) for row in seen[:1]] == [("new a", "a.jpg", None)]
    assert (seen[1]["image"], seen[1]["code"]) == (None, "forgotten")
    assert pictures.forgotten == {"new b"}
    hashes = forgotten_hashes(folder)
    (one,) = one_picture(tmp_path / "c" / "b.jpg", forgotten=hashes).records.to_pylist()
    assert one["code"] == "forgotten"
    (other,) = one_picture(tmp_path / "c" / "a.jpg", forgotten=hashes).records.to_pylist()
    assert other["code"] is None

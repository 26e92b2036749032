"""What a run was told to forget is hidden when its corpus is read again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from corpora.records import read_corpus
from miner.run.folder import RunFolder
from miner.run.takedown import hide_forgotten
from miner.store.fingerprint import digest_bytes
from miner.store.formats import write_json

if TYPE_CHECKING:
    from pathlib import Path


def test_all_records_of_a_forgotten_id_are_hidden_and_those_that_only_look_so_stay(tmp_path: Path) -> None:
    write_json(tmp_path / "forgotten.json", {"hashes": [digest_bytes(b"forgotten\0ada")]})
    (tmp_path / "ok.jpg").write_bytes(b"a picture")
    ids = ("ada", "ada#2", "bob", "ada", "bob", "ada")
    rows = [{"id": name, "image": "ok.jpg", "caption": f"{name} in {n}"} for n, name in enumerate(ids)]
    rows[5]["image"] = ""
    (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    hidden = hide_forgotten(read_corpus(str(tmp_path)), RunFolder(tmp_path)).records.to_pylist()
    assert [row["captions"] for row in hidden] == [[], ["ada#2 in 1"], ["bob in 2"], [], ["bob in 4"], []]
    assert [row["code"] for row in hidden] == ["forgotten", None, None, "forgotten", "duplicate-id", "forgotten"]
    assert len({row["record"] for row in hidden}) == len(hidden)
    assert "'ada'" not in str(hidden)

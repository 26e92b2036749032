"""What becomes of the pictures, and the texts, of records that a run was told to forget; and how documents are put together."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from corpora.texts import NewCorpus, NewRecord, TextRecord, open_new
from kb.extract.evoked import Evoked
from kb.extract.mention import Mention, Picture, TextSpan
from miner.config import RunConfig
from miner.config_file import render_config
from miner.run.extracting import extract_all
from miner.run.extraction import Extraction
from miner.run.folder import RunFolder
from miner.run.job import Place
from miner.run.known import KnownRun
from miner.run.picture_extraction import one_picture
from miner.run.progress import Silent
from miner.store.fingerprint import digest_bytes
from miner.store.formats import write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

GONE = b"the forgotten picture"


class Looks:
    """Stands for the image model: every picture shows a fire."""

    priors: dict[str, float] = {"Fire": 0.5}  # noqa: RUF012 - never changed

    def look(self, records: Sequence[NewRecord]) -> list[Mention]:
        return [Mention(r.id, r.document, "Fire", 0.6, image=Picture(str(r.image))) for r in records if not r.code]


class Reads:
    """Stands for the text model: every text says that something burned."""

    def extract(self, texts: Iterable[TextRecord], out: Extraction) -> None:
        for text in texts:
            out.write(Mention(text.id, text.document, "Fire", 0.6, trigger=TextSpan(0, 6, "Burned")))


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KnownRun:
    """A run folder that was told to forget a picture, with stand-ins for its models."""
    (tmp_path / "run").mkdir()
    hashed = digest_bytes(b"forgotten\0" + digest_bytes(GONE).encode())
    write_json(tmp_path / "run" / "forgotten.json", {"hashes": [hashed]})
    (tmp_path / "run" / "run.toml").write_text(render_config(RunConfig()), encoding="utf-8")
    monkeypatch.setattr("miner.run.extracting.open_looker", lambda *_: Looks())
    monkeypatch.setattr("miner.run.extracting.TextPlace", lambda *_: Reads())
    monkeypatch.setattr("miner.run.extracting.evoked_by", lambda _: Evoked())
    return KnownRun(RunFolder(tmp_path / "run").path, "demo")


def extract(known: KnownRun, new: NewCorpus, counts: Counter[str]) -> list[tuple[str, str | None]]:
    """Return the record and the picture of every mention."""
    found: list[Mention] = []
    extract_all(known, new, Place(n_threads=1), Silent(), Extraction(found.append, counts))
    return [(mention.record, mention.image.path if mention.image else None) for mention in found]


def test_a_forgotten_picture_does_not_come_back_under_another_id(known: KnownRun, tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    for name, content in (("a", b"another"), ("b", GONE)):
        (tmp_path / "c" / f"{name}.jpg").write_bytes(content)
    rows = [{"id": f"new {name}", "image": f"{name}.jpg", "caption": "Burned"} for name in ("a", "b")]
    (tmp_path / "c" / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    counts: Counter[str] = Counter()
    assert extract(known, open_new(str(tmp_path / "c"), counts), counts) == [("new a", "a.jpg")]
    assert counts["texts left out: forgotten"] == counts["pictures left out: forgotten"] == 1
    assert extract(known, one_picture(tmp_path / "c" / "b.jpg"), counts) == []
    assert extract(known, one_picture(tmp_path / "c" / "a.jpg"), counts) == [("a.jpg", "a.jpg")]


def test_a_forgotten_id_does_not_come_back_with_a_number_after_it(known: KnownRun, tmp_path: Path) -> None:
    write_json(known.path / "forgotten.json", {"hashes": [digest_bytes(b"forgotten\0a")]})
    (tmp_path / "a.jpg").write_bytes(b"another")
    rows = [{"id": name, "image": "a.jpg", "caption": "Burned"} for name in ("a", "b", "a", "b")]
    (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    counts: Counter[str] = Counter()
    new = open_new(str(tmp_path / "captions.jsonl"), counts)
    assert {name for name, _ in extract(known, new, counts)} == {"b", "b#2"}
    assert counts["texts left out: forgotten"] == counts["pictures left out: forgotten"] == 2


def record(name: str, document: str, *, text: bool = False, image: bool = False, last: bool = False) -> NewRecord:
    texts = (TextRecord(name, document, "Burned"),) if text else ()
    return NewRecord(name, document, texts, f"{name}.jpg" if image else None, ends=(document,) if last else ())


@pytest.mark.parametrize("block", [1, 2, 100])
def test_texts_and_pictures_of_a_document_find_each_other_wherever_they_stand(
    known: KnownRun, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr("miner.run.extracting.BLOCK_RECORDS", block)
    records = [
        record("picture 1", "d", image=True),
        record("other", "e", text=True, last=True),
        record("text 1", "d", text=True),
        record("alone", "f", image=True, last=True),
        record("picture 2", "d", image=True),
        record("text 2", "d", text=True, last=True),
    ]
    counts: Counter[str] = Counter()
    new = NewCorpus(iter(records), one_picture(known.path / "run.toml").images)
    assert extract(known, new, counts) == [
        ("other", None),
        ("alone", "alone.jpg"),
        ("text 1", "picture 1.jpg"),
        ("text 2", "picture 2.jpg"),
    ]
    assert counts["mentions in words and picture"] == 2
    assert counts["mentions in pictures"] == 3


def test_a_document_that_never_ends_is_not_lost(known: KnownRun) -> None:
    records = [record("text", "d", text=True), record("picture", "d", image=True)]
    new = NewCorpus(records, one_picture(known.path / "run.toml").images)
    assert extract(known, new, Counter()) == [("text", "picture.jpg")]

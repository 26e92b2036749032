from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.folder import Folder
from corpora.readers.delimited import read_delimited
from corpora.readers.jsonl import read_jsonl
from corpora.text import clean_text, decode_text, restore_bytes
from kb.ontology import load_ontology, normalise_value
from miner.errors import CorpusError, ImageError

ANY_TEXT = st.text(st.characters(exclude_categories=[]))
PATH_PARTS = st.sampled_from(["..", ".", "", "a", "in", "link", "out.jpg", "\\", "a.jpg", "/", "~", "\x00", "in/.."])
NEWS = load_ontology("news")


@given(ANY_TEXT)
def test_text_can_be_stored_and_cleaning_again_changes_nothing(text: str) -> None:
    cleaned, _ = clean_text(text)
    if cleaned is not None:
        cleaned.encode("utf-8")
        assert clean_text(cleaned) == (cleaned, ())


@given(st.text())
def test_text_that_is_clean_is_only_stripped(text: str) -> None:
    cleaned, notes = clean_text(text)
    assert notes or (cleaned or "") == text.strip()


@given(st.binary())
def test_text_of_any_bytes_loses_no_valid_part(data: bytes) -> None:
    text, notes = restore_bytes(decode_text(data))
    text.encode("utf-8", "strict" if not data.startswith((b"\xff\xfe", b"\xfe\xff")) else "replace")
    try:
        expected = data.decode("utf-8")
    except UnicodeDecodeError:
        assert notes or data.startswith((b"\xff\xfe", b"\xfe\xff"))
    else:
        assert (text, notes) == (expected.removeprefix("\ufeff"), ())


@settings(max_examples=50)
@given(st.lists(st.one_of(st.binary(), st.dictionaries(ANY_TEXT, ANY_TEXT).map(lambda d: json.dumps(d).encode()))))
def test_jsonl_every_line_that_is_not_blank_has_a_row(lines: list[bytes]) -> None:
    data = b"\n".join(lines)
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        data = b"\n" + data
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "x.jsonl").write_bytes(data)
        found = [row.where for row in read_jsonl(Folder(folder), ("x.jsonl",)).rows]
    assert found == [f"x.jsonl:{n}" for n, line in enumerate(data.split(b"\n"), start=1) if line.strip()]


@settings(max_examples=50)
@given(st.binary())
def test_delimited_any_bytes_are_read_or_refused(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "x.csv").write_bytes(data)
        try:
            sheet = read_delimited(Folder(folder), ("x.csv",))
        except CorpusError:
            return
        assert all(row.code or set(row.values) == set(sheet.columns) for row in sheet.rows)


@settings(max_examples=200)
@given(st.lists(PATH_PARTS, min_size=1, max_size=6), st.booleans())
def test_folder_never_opens_a_file_outside(parts: list[str], absolute: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place, "corpus")
        (root / "in").mkdir(parents=True)
        (root / "in" / "a.jpg").write_bytes(b"inside")
        Path(place, "out.jpg").write_bytes(b"outside")
        (root / "link").symlink_to("..")
        (root / "in" / "out.jpg").symlink_to("../../out.jpg")
        path = ("/" if absolute else "") + "/".join(parts)
        folder = Folder(os.fspath(root))
        with contextlib.suppress(ImageError, OSError):
            assert folder.read(folder.inside(path)) == b"inside"


@given(ANY_TEXT)
def test_ontology_normal_form_is_stable(value: str) -> None:
    assert normalise_value(normalise_value(value)) == normalise_value(value)


@given(st.sampled_from(NEWS.ids), st.sampled_from(".:/"), st.sampled_from(["", "-", "_", " "]))
def test_ontology_ids_are_known_in_any_spelling(event_type: str, separator: str, hyphen: str) -> None:
    spelled = event_type.upper().replace(".", separator).replace("-", hyphen)
    assert NEWS.resolve(spelled) == event_type

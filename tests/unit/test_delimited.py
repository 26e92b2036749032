from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest

from corpora.folder import Folder
from corpora.readers.delimited import read_delimited
from miner.errors import CorpusError

if TYPE_CHECKING:
    from pathlib import Path

    from corpora.readers.sheet import Row, Sheet


def read(folder: Path, content: str | bytes, name: str = "manifest.csv") -> Sheet:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read_delimited(Folder(str(folder)), (name,))


def rows_of(sheet: Sheet) -> list[Row]:
    return list(sheet.rows)


def values(sheet: Sheet) -> list[Any]:
    return [dict(row.values) or row.code for row in sheet.rows]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("manifest.csv", "id,caption\n1,a;b\n"),
        ("manifest.csv", "id;caption\r\n1;a;b\r\n".replace("a;b", '"a;b"')),
        ("manifest.csv", "id\tcaption\n1\ta;b\n"),
        ("manifest.tsv", "id\tcaption\n1\ta;b"),
        ("manifest.csv", "\ufeffid,caption\n1,a;b\n"),
    ],
)
def test_delimited_separator_is_found(tmp_path: Path, name: str, content: str) -> None:
    assert values(read(tmp_path, content, name)) == [{"id": "1", "caption": "a;b"}]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_delimited_byte_order_mark_is_obeyed(tmp_path: Path, encoding: str) -> None:
    assert values(read(tmp_path, "id,caption\n1,café 😀\n".encode(encoding))) == [{"id": "1", "caption": "café 😀"}]


def test_delimited_bytes_that_are_not_utf8_are_read_as_windows_text(tmp_path: Path) -> None:
    sheet = read(tmp_path, b"id,caption\n1,\x93caf\xe9\x94 \x81\n2,caf\xc3\xa9\n")
    assert values(sheet) == [{"id": "1", "caption": "“café” \x81"}, {"id": "2", "caption": "café"}]
    assert [row.notes for row in sheet.rows] == [("not-utf8",), ()]


def test_delimited_rows_of_another_width_are_bad(tmp_path: Path) -> None:
    sheet = read(tmp_path, 'id,caption\n1,a\n2\n\n3,b,c\n4,"open\n5,e\n')
    assert [(row.where, row.code) for row in sheet.rows] == [
        ("manifest.csv:2", None),
        ("manifest.csv:3", "wrong-columns"),
        ("manifest.csv:5", "wrong-columns"),
        ("manifest.csv:6", None),
    ]
    assert rows_of(sheet)[2].reason == "line 5 has 3 fields where the header has 2; is a quotation mark left open?"
    assert rows_of(sheet)[3].values["caption"] == "open\n5,e\n"


def test_delimited_open_quotation_mark_names_all_lines_it_swallows(tmp_path: Path) -> None:
    (row,) = read(tmp_path, 'id,caption,event\n1,"open,x\n2,b,y\n3,c,z\n').rows
    assert (row.where, row.code) == ("manifest.csv:2", "wrong-columns")
    assert row.reason == "lines 2 to 4 have 2 fields where the header has 3; is a quotation mark left open?"


def test_delimited_line_breaks_inside_quotes_keep_the_line_numbers(tmp_path: Path) -> None:
    sheet = read(tmp_path, 'id,caption\n1,"two\nlines"\n2,b\n')
    assert [row.where for row in sheet.rows] == ["manifest.csv:2", "manifest.csv:4"]
    assert rows_of(sheet)[0].values["caption"] == "two\nlines"


def test_delimited_cells_that_are_json_lists_of_text_are_lists(tmp_path: Path) -> None:
    sheet = read(tmp_path, 'captions\n"[""a, b"", ""c""]"\n"[1, 2]"\n[not json]\n[]\n')
    assert values(sheet) == [{"captions": value} for value in (["a, b", "c"], "[1, 2]", "[not json]", "[]")]


def test_delimited_huge_fields_are_read_and_the_limit_is_restored(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    sheet = read(tmp_path, f"id,caption\n1,{'x' * 1_000_000}\n")
    assert len(str(rows_of(sheet)[0].values["caption"])) == 1_000_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(("content", "message"), [("", "is empty"), (" \n", "is empty"), ("a,b,a\n", "called 'a'")])
def test_delimited_unusable_header_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, content)

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from corpora.records import RECORDS
from reports.gallery import build_sections, choose_examples, draw_sheet, find_links, split_caption
from tests.report_fakes import EVIDENCE, PATTERNS, drawn_source, fake_inputs

BASE: dict[str, Any] = {
    "pattern": "Pa",
    "eventType": "Sport.Climbing",
    "rank": 1,
    "name": "rock wall",
    "nameFlags": [],
    "alternatives": ["cliff"],
    "alternativeScores": [2.5],
    "visualItems": [7],
    "textItems": [3],
    "textWords": ["rock"],
    "count": 5,
    "classCount": 4,
    "support": 0.1,
    "confidence": 0.8,
    "lift": 4.0,
    "pValue": 1e-4,
    "proven": True,
    "nEvidence": 4,
    "nPhotoGroups": 3,
    "role": None,
    "roles": [],
    "method": "ours",
}


def patterns(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([BASE | row for row in rows], schema=PATTERNS)


def evidence(*rows: dict[str, Any]) -> pa.Table:
    base = {"pattern": "Pa", "record": "r", "image": "r.jpg", "box": [0.0, 1.0, 2.0, 3.0], "caption": "A rock ."}
    return pa.Table.from_pylist(
        [base | {"score": 1.0, "group": i} | row for i, row in enumerate(rows)], schema=EVIDENCE
    )


def test_split_caption_marks_the_span() -> None:
    assert split_caption("A man climbs a rock .", 15, 19) == ("A man climbs a ", "rock", " .")


@pytest.mark.parametrize(("start", "end"), [(None, None), (3, None), (-1, 4), (4, 4), (5, 2), (0, 99)])
def test_split_caption_marks_nothing_for_a_span_outside(start: int | None, end: int | None) -> None:
    assert split_caption("A man climbs", start, end) == ("A man climbs", "", "")


@pytest.mark.parametrize("start", [0, 10, 1000, 1990])
def test_split_caption_shortens_around_the_span(start: int) -> None:
    caption = "x" * 2000
    before, match, after = split_caption(caption, start, start + 10)
    assert match == "x" * 10
    assert 200 <= len(before + match + after) <= 245
    assert before.startswith("…") == (start > 240)
    assert after.endswith("…") == (start < 1760)


def test_choose_examples_takes_the_best_picture_of_each_photo_group() -> None:
    rows = evidence(
        {"record": "a", "score": 1.0, "group": 1},
        {"record": "b", "score": 3.0, "group": 2},
        {"record": "b2", "score": 2.0, "group": 2},
        {"record": "c", "score": 0.5, "group": 3},
    )
    assert [example.record for example in choose_examples(rows, n_examples=2)["Pa"]] == ["b", "a"]


def test_choose_examples_lives_without_box_caption_or_image() -> None:
    (example,) = choose_examples(evidence({"box": None, "caption": None, "image": None}), n_examples=9)["Pa"]
    assert (example.box, example.caption, example.cut.image) == ("", "", "")


def test_build_sections_sorts_types_by_name_and_patterns_by_rank() -> None:
    table = patterns(
        {"pattern": "Pa", "eventType": "B", "rank": 2},
        {"pattern": "Pb", "eventType": "B", "rank": 1},
        {"pattern": "Pc", "eventType": "A"},
    )
    sections = build_sections(table, evidence())
    assert [(s.event_type, [c.pattern for c in s.cards]) for s in sections] == [("A", ["Pc"]), ("B", ["Pb", "Pa"])]


def test_build_sections_relates_patterns_that_share_items() -> None:
    table = patterns(
        {"pattern": "Pa", "visualItems": [7], "textItems": [3]},
        {"pattern": "Pb", "visualItems": [7], "textItems": [4], "name": "helmet"},
        {"pattern": "Pc", "visualItems": [3], "textItems": [7]},
    )
    links = find_links(build_sections(table, evidence()), evidence())
    assert {pattern: [(link.kind, link.pattern) for link in own] for pattern, own in links.items()} == {
        "Pa": [("alike", "Pb")],
        "Pb": [("alike", "Pa")],
        "Pc": [],
    }


def test_card_quotes_captions_that_show_different_words() -> None:
    """Of the words that match, "rope" comes third and "rock" again fourth."""
    captions = ["a rock", "the rock", "one rock", "a rope", "no word"]
    rows = [
        {"record": f"r{i}", "caption": text, "start": text.rindex(" ") + 1, "end": len(text), "score": -i, "group": i}
        for i, text in enumerate(captions[:4])
    ]
    (section,) = build_sections(
        patterns({}), evidence(*rows, {"record": "z", "caption": None, "score": -9, "group": 9})
    )
    assert [quote.caption for quote in section.cards[0].quotes] == ["a rock", "a rope", "the rock", "one rock"]


def test_card_is_found_by_its_names_words_and_event_type() -> None:
    table = patterns(
        {"name": "Rock Wall", "alternatives": ["cliff"], "alternativeScores": [2.0], "textWords": ["rope"]}
    )
    (section,) = build_sections(table, evidence())
    found = section.cards[0].search_text.split()
    assert {"rock", "wall", "cliff", "rope", section.event_type.lower()} <= set(found)


def test_build_sections_orders_roles_and_falls_back_to_the_plain_role() -> None:
    shares = [{"role": "Place", "score": 0.2}, {"role": "Instrument", "score": 0.8}]
    table = patterns(
        {"role": "Instrument", "roles": shares}, {"pattern": "Pb", "rank": 2, "role": "Place", "roles": None}
    )
    (section,) = build_sections(table, evidence())
    assert [card.roles for card in section.cards] == [(("Instrument", 0.8), ("Place", 0.2)), (("Place", None),)]


def test_build_sections_keep_the_captions_that_argue_for_the_role_and_what_is_left_to_none() -> None:
    table = patterns({"role": "Place", "roles": [{"role": "Place", "score": 0.7}, {"role": "Agent", "score": 0.1}]})
    arguing = [
        [{"role": "Agent", "captions": ["x"]}, {"role": "Place", "captions": ["on a wall", "at a wall", "by it"]}]
    ]
    (section,) = build_sections(table.append_column("roleCaptions", pa.array(arguing)), evidence())
    assert section.cards[0].role_captions == ("on a wall", "at a wall")
    assert section.cards[0].no_role == pytest.approx(0.2)


def test_build_sections_name_no_role_where_none_fits() -> None:
    (section,) = build_sections(patterns({"role": None, "roles": [{"role": "Place", "score": 0.1}]}), evidence())
    assert section.cards[0].role is None
    assert section.cards[0].roles == (("Place", 0.1),)


def test_build_sections_names_the_credit_of_pictures() -> None:
    records = pa.Table.from_pylist(
        [{"record": "r", "credit": "A. Photographer", "licence": None}, {"record": "s", "credit": "B."}], schema=RECORDS
    )
    (section,) = build_sections(patterns({}), evidence({}), records=records)
    assert section.cards[0].examples[0].credit == "A. Photographer"


def test_section_anchors_differ_for_names_that_only_differ_in_signs() -> None:
    (section,) = build_sections(patterns({}), evidence())
    names = ["A.B", "A B", "A-B", 'A"B', "AB"]
    anchors = {replace(section, event_type=name).anchor for name in names}
    assert len(anchors) == len(names)
    assert not any(sign in anchor for anchor in anchors for sign in ' "<>&')


def test_build_sections_says_what_a_flag_means() -> None:
    (section,) = build_sections(patterns({"nameFlags": ["trigger", "rare"]}), evidence())
    assert section.cards[0].flags == ("name restates the label", "rare")


def test_choose_examples_knows_whose_caption_it_is() -> None:
    rows = evidence({"record": "a", "captionRecord": "b"}, {"record": "c"})
    assert [example.caption_record for example in choose_examples(rows, n_examples=9)["Pa"]] == ["b", "c"]


def test_draw_sheet_shows_the_patches_of_one_pattern() -> None:
    inputs = fake_inputs(drawn_source(), n_patterns=2)
    pattern = inputs.patterns["pattern"][0].as_py()
    sheet = draw_sheet(inputs.evidence, pattern, open_image=inputs.open_image, decode=inputs.decode, n_examples=4)
    assert sheet.size == (8 + 4 * 168, 8 + 168)
    with pytest.raises(ValueError, match="at least one patch"):
        draw_sheet(inputs.evidence, "Pnone", open_image=inputs.open_image, decode=inputs.decode)

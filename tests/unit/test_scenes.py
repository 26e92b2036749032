from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import imagehash
import pytest
from PIL import Image

from corpora.labels import label_records
from corpora.planting import KINDS, MENTIONED
from corpora.records import read_corpus
from corpora.scenes import generate_scenes, plan_scenes
from corpora.truth import Truth, read_truth
from kb.ontology import load_ontology
from miner.errors import CorpusError

if TYPE_CHECKING:
    from pathlib import Path

N_SCENES = 60
Row = dict[str, Any]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes") / "corpus"
    generate_scenes(folder, n_scenes=N_SCENES, seed=3)
    return folder


@pytest.fixture(scope="module")
def rows(corpus: Path) -> list[Row]:
    return [json.loads(line) for line in (corpus / "captions.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def truth(corpus: Path) -> Truth:
    return read_truth(corpus / "truth.json")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def size_of(corpus: Path, record: str) -> tuple[int, int]:
    with Image.open(corpus / "images" / f"{record}.jpg") as picture:
        return picture.size


def test_scenes_are_the_same_bytes_for_the_same_seed_only(tmp_path: Path) -> None:
    for name, seed in (("first", 5), ("second", 5), ("other", 6)):
        generate_scenes(tmp_path / name, n_scenes=25, seed=seed)
    first, second, other = (contents(tmp_path / name) for name in ("first", "second", "other"))
    assert first == second
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first)


def test_scenes_are_a_corpus_that_reads_and_labels_without_complaint(corpus: Path) -> None:
    read = read_corpus(str(corpus))
    assert set(read.records["status"].to_pylist()) == {"ok"}
    assert read.declaration.licence == "generated"
    labels = label_records(read.records, read.declaration).table
    assert set(labels["code"].to_pylist()) == {None}
    types = Counter(event for events in labels["eventTypes"].to_pylist() for event in events)
    assert types.keys() == {kind.event_type for kind in KINDS}
    assert min(types.values()) >= N_SCENES // len(KINDS)


def test_scenes_have_one_to_three_captions_and_varied_pictures(corpus: Path, rows: list[Row]) -> None:
    assert {len(row["captions"]) for row in rows} == {1, 2, 3}
    assert all(caption.strip() and "{" not in caption for row in rows for caption in row["captions"])
    sizes = {size_of(corpus, row["id"]) for row in rows}
    assert len(sizes) > 5
    assert any(width > height for width, height in sizes)
    assert any(width < height for width, height in sizes)


def test_scenes_show_planted_objects_large_enough_and_near_the_middle(corpus: Path, truth: Truth) -> None:
    for pattern in truth.patterns:
        for record, boxes in pattern.boxes.items():
            width, height = size_of(corpus, record)
            ((left, top, right, bottom),) = boxes
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height
            assert 0.03 <= (right - left) * (bottom - top) / (width * height) <= 0.25, (pattern.name, record)
            side = min(width, height) * 0.875 / 2 + 2
            assert max(width / 2 - left, right - width / 2, height / 2 - top, bottom - height / 2) <= side


def test_scenes_truth_has_two_objects_per_event_type_and_only_records_of_that_type(
    rows: list[Row], truth: Truth
) -> None:
    events = {row["id"]: row["event"] for row in rows}
    assert Counter(pattern.event_type for pattern in truth.patterns) == {kind.event_type: 2 for kind in KINDS}
    for pattern in truth.patterns:
        assert {events[record] for record in pattern.boxes} == {pattern.event_type}
        assert pattern.name in pattern.names


def test_scenes_copies_look_alike_and_nothing_else_does(corpus: Path, rows: list[Row], truth: Truth) -> None:
    by_id = {row["id"]: row for row in rows}
    hashes = {}
    for record in by_id:
        with Image.open(corpus / "images" / f"{record}.jpg") as picture:
            hashes[record] = imagehash.phash(picture)
    pairs = {frozenset(group) for group in truth.groups}
    assert len(pairs) == len(rows) - N_SCENES > 0
    alike = {frozenset((a, b)) for a in hashes for b in hashes if a < b and hashes[a] - hashes[b] <= 6}
    assert alike == pairs
    for original, copy in truth.groups:
        assert size_of(corpus, original) != size_of(corpus, copy)
        assert by_id[original]["event"] == by_id[copy]["event"]
        assert by_id[original]["captions"] != by_id[copy]["captions"]
        for pattern in truth.patterns:
            assert (original in pattern.boxes) == (copy in pattern.boxes)


def test_scenes_plan_draws_and_names_objects_often_but_not_always() -> None:
    plans = plan_scenes(600, seed=11)
    for kind in KINDS:
        own = [plan for plan in plans if plan.kind is kind]
        others = [plan for plan in plans if plan.kind is not kind]
        for thing in kind.objects:
            shown = [plan for plan in own if thing in plan.drawn]
            unseen = [plan for plan in own if thing not in plan.drawn]
            assert 0.35 <= len(shown) / len(own) <= 0.6
            named = sum(thing in plan.mentioned for plan in shown) / len(shown)
            assert MENTIONED - 0.12 <= named < 1.0
            assert sum(thing in plan.mentioned for plan in unseen) < 0.15 * len(unseen)
            clutter = sum(thing in plan.drawn for plan in others)
            assert 0 < clutter < 0.05 * len(others)
            assert 0 < sum(thing in plan.mentioned for plan in others) < 0.08 * len(others)


def test_scenes_name_every_mentioned_object_by_one_of_its_phrases(rows: list[Row]) -> None:
    plans = plan_scenes(N_SCENES, seed=3)
    for row, plan in zip(rows, plans, strict=False):
        text = " ".join(row["captions"]).casefold()
        for thing in plan.mentioned:
            assert any(_nearly_in(phrase, text) for phrase in thing.phrases), (row, thing.name)


def _nearly_in(phrase: str, text: str) -> bool:
    """Allow for one pair of letters in the wrong order."""
    forms = {phrase} | {phrase[:at] + phrase[at + 1] + phrase[at] + phrase[at + 2 :] for at in range(len(phrase) - 1)}
    return any(form in text for form in forms) or phrase[1:-1] in text


def test_scenes_never_call_an_object_by_a_trigger_of_an_event_type() -> None:
    triggers = [pattern for event_type in load_ontology("news").types if (pattern := event_type.pattern)]
    for kind in KINDS:
        for thing in kind.objects:
            for phrase in (*thing.phrases, *thing.names):
                assert not any(re.search(trigger, phrase, re.IGNORECASE) for trigger in triggers), phrase


def test_scenes_phrases_have_shares_that_add_up() -> None:
    for kind in KINDS:
        for shares in (kind.places, kind.casts, *(thing.phrases for thing in kind.objects)):
            assert sum(shares.values()) == pytest.approx(1.0)


def test_scenes_refuse_a_folder_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(CorpusError, match="is not empty") as caught:
        generate_scenes(tmp_path, n_scenes=25)
    assert caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_scenes_refuse_too_few(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="at least 25 scenes, not 24"):
        generate_scenes(tmp_path / "corpus", n_scenes=24)
    assert not (tmp_path / "corpus").exists()

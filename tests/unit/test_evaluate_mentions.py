"""The scorer on cases counted by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from corpora.m2e2 import read_gold
from kb.evaluate.extraction import evaluate_files
from kb.evaluate.matching import box_iou
from kb.evaluate.scores import compare_f1
from miner.cli.app import app
from miner.errors import CorpusError
from tests.gold_files import mention, sentence, write_images, write_mentions, write_sentences

if TYPE_CHECKING:
    from pathlib import Path

    from kb.evaluate.mentions import Protocol

ATTACK = "Rebels attacked Aleppo and killed a soldier there ."
#         0      7        16     23  27     34 36      44
ATTACKED, KILLED = (7, 15), (27, 33)


def text_gold(path: Path) -> Path:
    return write_sentences(
        path / "gold.json",
        sentence(
            "d_0",
            ATTACK,
            ("Conflict:Attack", (1, 2), [("Attacker", 0, 1), ("Place", 2, 3), ("Target", 2, 3)]),
            ("Life:Die", (4, 5), [("Victim", 6, 7), ("Place", 2, 3)]),
            images=["d_0.jpg", "d_1.jpg"],
        ),
        sentence("d_1", "Nothing happened ."),
        sentence("e_0", "They met in Rome", ("Contact:Meet", (1, 2), [("Entity", 0, 1)])),
    )


def rows(
    path: Path, *mentions: dict[str, Any], protocol: Protocol = "all", gold: list[Path] | None = None
) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    """Return correct, predicted and gold counts by setting, measure and event type."""
    found = evaluate_files(gold or [text_gold(path)], write_mentions(path / "pred.jsonl", *mentions), protocol)
    return {
        (part.setting, score.measure, score.event_type): (score.n_correct, score.n_predicted, score.n_gold)
        for part in found.settings
        for score in part.scores
    }


def test_mentions_two_triggers_in_one_sentence_are_two(tmp_path: Path) -> None:
    found = rows(tmp_path, mention("d_0", "Conflict.Attack", ATTACKED), mention("d_0", "Life.Die", KILLED))
    assert found["text-only", "mention", "all"] == (2, 2, 3)
    assert found["text-only", "mention", "Life.Die"] == (1, 1, 1)


def test_mentions_predicted_twice_are_wrong_once(tmp_path: Path) -> None:
    twice = [mention("d_0", "Conflict.Attack", ATTACKED, ("Place", (16, 22)))] * 2
    found = rows(tmp_path, *twice)
    assert found["text-only", "mention", "all"] == (1, 2, 3)
    assert found["text-only", "trigger identification", "all"] == (1, 2, 3)
    assert found["text-only", "argument classification", "all"] == (1, 2, 6)


def test_mentions_of_a_wrong_type_are_identified_only(tmp_path: Path) -> None:
    found = rows(tmp_path, mention("d_0", "Life.Die", ATTACKED), mention("d_0", "Contact.Meet", ATTACKED))
    assert found["text-only", "trigger identification", "all"] == (1, 1, 3)
    assert found["text-only", "mention", "all"] == (0, 2, 3)


def test_mentions_argument_with_two_roles_is_one_to_identify_and_two_to_classify(tmp_path: Path) -> None:
    found = rows(tmp_path, mention("d_0", "Conflict.Attack", ATTACKED, ("Place", (16, 22)), ("Target", (16, 22))))
    assert found["text-only", "argument identification", "Conflict.Attack"] == (1, 1, 2)
    assert found["text-only", "argument classification", "Conflict.Attack"] == (2, 2, 3)
    found = rows(tmp_path, mention("d_0", "Conflict.Attack", ATTACKED, ("Instrument", (16, 22))))
    assert found["text-only", "argument identification", "Conflict.Attack"] == (1, 1, 2)
    assert found["text-only", "argument classification", "Conflict.Attack"] == (0, 1, 3)


def test_mentions_argument_of_another_event_type_is_wrong(tmp_path: Path) -> None:
    found = rows(tmp_path, mention("d_0", "Life.Die", KILLED, ("Attacker", (0, 6))))
    assert found["text-only", "argument identification", "all"] == (0, 1, 5)


def test_mentions_compare_words_not_characters(tmp_path: Path) -> None:
    found = rows(tmp_path, mention("d_0", "conflict:attack", (8, 15)), mention("d_0", "Life.Die", (27, 35)))
    assert found["text-only", "mention", "all"] == (1, 2, 3)


def test_mentions_outside_of_the_text_are_wrong_and_counted(tmp_path: Path) -> None:
    path = write_mentions(
        tmp_path / "p.jsonl", mention("d_0", "Life.Die", (900, 905)), mention("e_0", "Life.Die", (3, 3))
    )
    (part,) = evaluate_files([text_gold(tmp_path)], path, "all").settings
    assert part.scores[0].n_predicted == 2
    assert part.notes == {"with a trigger that touches no word, wrong": 2}


def test_mentions_protocol_decides_what_is_scored(tmp_path: Path) -> None:
    guesses = [mention("d_0", "Conflict.Attack", ATTACKED), mention("d_1", "Life.Die", (0, 7))]
    assert rows(tmp_path, *guesses)["text-only", "mention", "all"] == (1, 2, 3)
    assert rows(tmp_path, *guesses, protocol="event-only")["text-only", "mention", "all"] == (1, 1, 3)


def test_mentions_of_unknown_ids_and_types_are_counted_and_left_out(tmp_path: Path) -> None:
    guesses = [
        mention("d_0", "Conflict.Attack", ATTACKED),
        mention("z_7", "Life.Die", (0, 7)),
        mention("d_0", "Sports", KILLED),
        mention("d_1", "Life.Die", (0, 7)),
    ]
    (part,) = evaluate_files(
        [text_gold(tmp_path)], write_mentions(tmp_path / "p.jsonl", *guesses), "event-only"
    ).settings
    assert part.notes == {
        "of sentences or pictures that the gold does not know, left out": 1,
        "of event types that the gold does not know, left out": 1,
        "where the gold has no event, left out by protocol event-only": 1,
    }


def test_mentions_refuse_predictions_of_another_corpus(tmp_path: Path) -> None:
    path = write_mentions(tmp_path / "p.jsonl", mention("z_7", "Life.Die", (0, 7)))
    with pytest.raises(CorpusError, match="None of the 1 mentions"):
        evaluate_files([text_gold(tmp_path)], path, "all")


def test_mentions_refuse_lines_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('\n{"record": "d_0", "eventType": "Life.Die"}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match="Line 2"):
        evaluate_files([text_gold(tmp_path)], path, "all")


def test_mentions_gold_scored_against_itself_is_perfect(tmp_path: Path) -> None:
    gold = text_gold(tmp_path)
    (part,) = evaluate_files([gold], gold, "all").settings
    assert {score.f1 for score in part.scores} == {1.0}
    assert {(score.low, score.high) for score in part.scores if score.event_type == "all"} == {(1.0, 1.0)}


def image_gold(path: Path) -> Path:
    roles = {"Victim": [(0, 0, 10, 10), (20, 0, 30, 10)], "Agent": [(0, 0, 10, 10)]}
    return write_images(path / "images.json", {"d_0": ("Life:Die", roles), "e_5": ("Contact:Meet", {})})


def test_mentions_boxes_match_one_to_one_from_half_overlap(tmp_path: Path) -> None:
    gold = [text_gold(tmp_path), image_gold(tmp_path)]
    boxes = [
        ("Victim", (0, 0, 10, 5)),
        ("Victim", (0, 0, 10, 9)),
        ("Victim", (24, 0, 34, 10)),
        ("Agent", (0, 0, 9, 10)),
    ]
    found = rows(tmp_path, mention("x", "Life.Die", None, *boxes, image="pictures/d_0.jpg"), gold=gold)
    assert found["image-only", "mention", "all"] == (1, 1, 2)
    # The first two victims want the same box; the third overlaps too little.
    assert found["image-only", "argument classification", "all"] == (2, 4, 3)
    assert found["image-only", "argument identification", "all"] == (1, 4, 2)


def test_mentions_pictures_without_event_are_scored_by_protocol_all_alone(tmp_path: Path) -> None:
    gold = [text_gold(tmp_path), image_gold(tmp_path)]
    guess = mention("x", "Life.Die", None, image="d_1.jpg")
    assert rows(tmp_path, guess, gold=gold)["image-only", "mention", "all"] == (0, 1, 2)
    assert rows(tmp_path, guess, gold=gold, protocol="event-only")["image-only", "mention", "all"] == (0, 0, 2)
    with pytest.raises(CorpusError, match="only pictures with an event"):
        rows(tmp_path, guess, gold=[image_gold(tmp_path)])


def test_mentions_of_both_media_need_the_pair(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("d_0\td_0.jpg\tLife:Die\n", encoding="utf-8")
    gold = [text_gold(tmp_path), image_gold(tmp_path), pairs]
    right = mention("d_0", "Life.Die", KILLED, ("Victim", (36, 43)), ("Agent", (0, 0, 10, 10)), image="d_0.jpg")
    found = rows(tmp_path, right, mention("d_0", "Life.Die", None, image="d_0.jpg"), gold=gold)
    assert found["multimedia", "mention", "all"] == (1, 1, 1)
    assert found["multimedia", "argument classification", "all"] == (2, 2, 5)
    # A mention of both media counts on either side as well.
    assert found["text-only", "mention", "all"] == (1, 1, 3)
    assert found["image-only", "mention", "all"] == (1, 2, 2)
    other = mention("d_0", "Life.Die", KILLED, image="d_1.jpg")
    found = rows(tmp_path, other, gold=gold)
    assert found["multimedia", "mention", "all"] == (0, 1, 1)
    assert found["multimedia", "mention, either side", "all"] == (1, 1, 1)


def test_mentions_interval_of_one_right_document_in_two_spans_everything(tmp_path: Path) -> None:
    path = write_mentions(tmp_path / "p.jsonl", mention("e_0", "Contact.Meet", (5, 8)))
    (part,) = evaluate_files([text_gold(tmp_path)], path, "all").settings
    overall = next(score for score in part.scores if score.measure == "mention")
    assert overall.f1 == pytest.approx(2 / 4)
    assert (overall.low, overall.high) == (0.0, 1.0)


def test_scores_compare_a_system_with_itself_and_with_a_worse_one() -> None:
    good = np.array([[3, 3, 3], [2, 3, 3], [4, 5, 4]] * 4)
    bad = good - np.array([2, 0, 0])
    assert compare_f1(good, good) == (0.0, 0.0, 0.0, 1.0)
    difference, low, _, share = compare_f1(good, bad)
    assert difference == pytest.approx(2 * 2 * 12 / (11 * 4 + 10 * 4))
    assert low > 0
    assert share == 0.0


@pytest.mark.parametrize(("other", "iou"), [((0, 0, 2, 2), 1.0), ((1, 0, 3, 2), 1 / 3), ((2, 0, 3, 2), 0.0)])
def test_matching_iou_is_intersection_over_union(other: tuple[float, float, float, float], iou: float) -> None:
    assert box_iou((0, 0, 2, 2), other) == pytest.approx(iou)


def test_evaluate_extraction_prints_protocol_and_gold_in_every_row(tmp_path: Path) -> None:
    gold, pred = (
        text_gold(tmp_path),
        write_mentions(tmp_path / "p.jsonl", mention("q_1", "Life.Die", KILLED), mention("d_0", "Life.Die", KILLED)),
    )
    arguments = ["evaluate", "extraction", "--gold", str(gold), "--pred", str(pred), "--json"]
    done = CliRunner().invoke(app, [*arguments, "--protocol", "all"])
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(row["protocol"], row["gold"]) for row in printed} == {("all", "gold.json")}
    keys = [
        "setting",
        "measure",
        "eventType",
        "precision",
        "recall",
        "f1",
        "low",
        "high",
        "nCorrect",
        "nGold",
        "nPredicted",
    ]
    assert list(printed[0])[2:] == keys
    assert "1 of sentences or pictures that the gold does not know" in done.stderr


@pytest.mark.parametrize("missing", ["--gold", "--protocol"])
def test_evaluate_extraction_refuses_to_score_without_gold_or_protocol(tmp_path: Path, missing: str) -> None:
    options = {"--gold": str(text_gold(tmp_path)), "--protocol": "all", "--pred": str(text_gold(tmp_path))}
    done = CliRunner().invoke(
        app, ["evaluate", "extraction", *(x for o in options.items() if o[0] != missing for x in o)]
    )
    assert done.exit_code == 2
    assert not done.stdout


def test_evaluate_extraction_takes_several_gold_files_after_one_option(tmp_path: Path) -> None:
    gold = text_gold(tmp_path)
    more = write_sentences(tmp_path / "more.json", sentence("f_0", "He died", ("Life:Die", (1, 2), [])))
    done = CliRunner().invoke(
        app,
        ["evaluate", "extraction", "--gold", str(gold), str(more), "--pred", str(gold), "--protocol", "all", "--json"],
    )
    assert json.loads(done.stdout.splitlines()[0])["nGold"] == 4
    assert read_gold([gold, more]).name == "gold.json+more.json"

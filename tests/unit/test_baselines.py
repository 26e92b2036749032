from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from kb.ontology import EventType, Ontology
from miner.config import MineConfig, PatternConfig
from miner.patterns.baselines.itemsets import (
    CellVotes,
    best_itemsets,
    distinct_itemsets,
    frequent_itemsets,
    least_cells,
)
from miner.patterns.baselines.terms import find_span, find_terms, term_patterns, term_rules
from miner.patterns.baselines.visual import ALIKE_ALLOWED, mine_visual_patterns, mine_visual_rules
from miner.patterns.naming import caption_rows
from miner.patterns.pictures import PatternInputs
from miner.rules.ruleset import RULES
from miner.visual.geometry import Geometry
from miner.visual.strongest import NONE
from tests.pattern_cases import N_CELLS, pictures_of, votes_where
from tests.spoken import caption, captions_table, unmasked

if TYPE_CHECKING:
    from collections.abc import Sequence

N_FILTERS = 8
NO_TEXT: dict[int, list[int]] = {}


def cells_of(*pictures: Sequence[Sequence[int]], labels: Sequence[int]) -> CellVotes:
    """Return votes whose pictures have some cells with filters; the other cells of nine have none."""
    strongest = np.full((len(pictures), N_CELLS, 4), NONE, dtype=np.uint16)
    for picture, cells in enumerate(pictures):
        for cell, items in enumerate(cells):
            strongest[picture, cell, : len(items)] = items
    return CellVotes(
        strongest, np.arange(len(pictures)), np.array(labels, np.int32), event_types=("A", "B"), n_filters=N_FILTERS
    )


def planted() -> CellVotes:
    """Filters 1 and 2 share a cell in three pictures of A and one of B; 3 and 4 in three cells of one picture of A."""
    a: list[list[tuple[int, ...]]] = [[(1, 2), (5,)], [(1, 2, 6)], [(1,), (1, 2)], [(3, 4), (3, 4), (3, 4)]]
    b: list[list[tuple[int, ...]]] = [[(1, 2)], [(1, 6), (2,)], [(5,)], [(7,)]]
    return cells_of(*a, *b, labels=[0, 0, 0, 0, 1, 1, 1, 1])


def test_cells_match_where_one_has_all_filters() -> None:
    itemsets = np.array([[1, 2, -1], [1, 2, 6], [3, 4, -1], [0, -1, -1]], dtype=np.int32)
    assert planted().matches(itemsets).astype(int).tolist() == [
        [1, 1, 1, 0, 1, 0, 0, 0],
        [0, 1, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
    ]


def test_support_is_counted_in_cells_two_at_least() -> None:
    assert least_cells(100) == 2
    assert least_cells(70_000) == 7
    assert least_cells(70_001) == 8


def test_itemsets_of_one_photo_group_are_dropped_and_the_rest_counted_over_votes() -> None:
    votes = planted()
    rules, n_cells = frequent_itemsets(votes)
    assert n_cells == 8 * N_CELLS
    found = distinct_itemsets(rules, votes, 0)
    assert found.itemsets[found.itemsets >= 0].tolist() == [1, 2]
    assert found.matches.astype(int).tolist() == [[1, 1, 1, 0, 1, 0, 0, 0]]
    # 3 of the 4 votes with it are of A, which has 4 of 8: (C(4,3) C(4,1) + C(4,4)) / C(8,4)
    assert np.exp(found.log_p).tolist() == pytest.approx([(4 * 4 + 1) / 70])


def test_itemsets_that_say_the_same_are_one_and_weaker_repeats_are_left_out() -> None:
    cell = (1, 2, 3)
    votes = cells_of(*[[cell]] * 4, [(1, 2)], [(4, 5)], [(4, 5)], [(6,)], labels=[0] * 7 + [1])
    rules, _ = frequent_itemsets(votes)
    found = distinct_itemsets(rules, votes, 0)
    best = best_itemsets(found, votes.labels == 0, n_best=9, max_jaccard=0.5)
    chosen = [tuple(item for item in found.itemsets[place].tolist() if item >= 0) for place in best]
    assert chosen == [(1, 2), (4, 5)]
    assert len(best_itemsets(found, votes.labels == 0, n_best=1, max_jaccard=0.5)) == 1
    assert len({found.same_as[place] for place in range(len(found.itemsets))}) < len(found.itemsets)


def test_visual_rules_are_rules_without_words() -> None:
    rules, summary = mine_visual_rules(planted(), max_jaccard=0.5)
    assert rules.schema == RULES
    (row,) = rules.to_pylist()
    assert (row["visual"], row["text"], row["eventType"]) == ([1, 2], [], "A")
    assert (row["count"], row["classCount"], row["support"], row["confidence"]) == (4, 3, 3 / 8, 0.75)
    assert row["lift"] == 1.5
    assert summary["eventTypes"] == {
        "A": {"votes": 4, "rules": 2, "of several photo groups": 1, "chosen": 1},
        "B": {"votes": 4, "rules": 0, "of several photo groups": 0, "chosen": 0},
    }


CAPTIONS = (
    *(caption(str(row), 0, "A/DET red/ADJ rope/NOUN", chunkStarts=[0], chunkEnds=[3]) for row in range(4)),
    *(caption(str(row), 0, "a/DET Man/NOUN/man", chunkStarts=[0], chunkEnds=[2]) for row in range(4, 8)),
    *(caption(str(row), 1, "a/DET man/NOUN", chunkStarts=[0], chunkEnds=[2]) for row in range(4)),
)


def inputs_of(labels: Sequence[int], **changes: Any) -> PatternInputs:  # noqa: ANN401 - any field
    """Return eight pictures, four of which say red rope."""
    table = captions_table(*CAPTIONS)
    n = len(labels)
    found = PatternInputs(
        rules=RULES.empty_table(),
        votes=votes_where({}, NO_TEXT, labels),
        pictures=pictures_of(n, N_FILTERS),
        records=[str(row) for row in range(n)],
        images=[f"{row}.jpg" for row in range(n)],
        geometry=lambda _picture: Geometry(96, 96, left=0, top=0, scale=1, input_size=96, stride=32),
        captions=table,
        masks=unmasked(table),
        picture_of={str(row): row for row in range(n)},
        words={3: ["rope"], 5: ["man"]},
        spans=lambda _record, _items: [],
        ontology=Ontology(name="letters", version="1", types=tuple(EventType(id=t, label=t) for t in ("A", "B"))),
    )
    return replace(found, **changes)


MINE, PATTERN = MineConfig(min_support_count=3), PatternConfig(max_patterns=5)


def test_terms_are_those_with_the_greatest_tf_idf_and_enough_confidence() -> None:
    terms = find_terms(inputs_of([0, 0, 0, 0, 1, 1, 1, 1]), MINE, PATTERN)
    # rope and red rope are said by the same pictures: one of them is enough; man is said by all, so it weighs nothing
    assert [(term.event_type, term.label) for term in terms if term.weight > 0] == [("A", "red rope")]
    best = terms[0]
    assert best.weight == pytest.approx(4 * np.log(2))
    assert (best.candidate.class_count, best.candidate.count, best.candidate.confidence) == (4, 4, 1.0)


def test_terms_with_trigger_words_are_left_out() -> None:
    inputs = inputs_of([0, 0, 0, 0, 1, 1, 1, 1])
    masks = [[word == "rope" for word in row] for row in inputs.captions["lowers"].to_pylist()]
    assert all("rope" not in term.label for term in find_terms(replace(inputs, masks=masks), MINE, PATTERN))


def test_terms_are_names_of_persons_only_where_our_own_names_may_be() -> None:
    mary = [caption(str(row), 0, "Mary/PROPN", entities=["PERSON"], chunkStarts=[0], chunkEnds=[1]) for row in range(4)]
    said = captions_table(*mary, *CAPTIONS[4:8])
    inputs = inputs_of([0, 0, 0, 0, 1, 1, 1, 1], captions=said, masks=unmasked(said))
    assert "mary" not in {term.label for term in find_terms(inputs, MINE, PATTERN)}
    named = PATTERN.model_copy(update={"person_names": True})
    assert "mary" in {term.label for term in find_terms(inputs, MINE, named)}


def test_terms_below_the_confidence_are_left_out() -> None:
    mostly_b = inputs_of([0, 0, 0, 1, 1, 1, 1, 1])
    strict = MINE.model_copy(update={"min_confidence": 0.8})
    assert [term.label for term in find_terms(mostly_b, strict, PATTERN) if term.event_type == "A"] == []


def test_term_patterns_are_whole_pictures_with_the_words_that_say_them() -> None:
    inputs = inputs_of([0, 0, 0, 0, 1, 1, 1, 1])
    rules = term_rules(find_terms(inputs, MINE, PATTERN), inputs.words)
    found = term_patterns(replace(inputs, rules=rules), MINE, PATTERN)
    assert found.detectors is None
    row = found.patterns.to_pylist()[0]
    assert (row["name"], row["nameHead"], row["method"], row["textWords"]) == (
        "red rope",
        "rope",
        "text-only",
        ["red rope"],
    )
    assert (row["textItems"], row["visualItems"], row["nEvidence"]) == ([3], [], 4)
    own = [line for line in found.evidence.to_pylist() if line["pattern"] == row["pattern"]]
    assert [line["record"] for line in own] == ["0", "1", "2", "3"]
    assert all(line["box"] == [] and line["caption"][line["start"] : line["end"]] == "red rope" for line in own)


def test_no_terms_make_no_patterns() -> None:
    nothing = inputs_of([0] * 4 + [1] * 4, captions=captions_table(), masks=[])
    assert find_terms(nothing, MINE, PATTERN) == []
    assert term_patterns(nothing, MINE, PATTERN).patterns.num_rows == 0


def test_find_span_reads_forms_of_modifiers_and_the_lemma_of_the_head() -> None:
    row, short = caption_rows(captions_table(caption("r", 0, "Two Red ropes/NOUN/rope hang"), caption("r", 1, "rope")))
    assert find_span(row, ("red", "rope")) == (4, 13)
    assert find_span(row, ("blue", "rope")) is None
    assert find_span(short, ("red", "rope")) is None


def test_patterns_without_words_do_not_repeat_each_other_for_want_of_them() -> None:
    shown = cells_of(*[[(1, 2)]] * 3, *[[(3, 4)]] * 3, *[[(5,)]] * 2, labels=[0, 0, 0, 0, 0, 0, 1, 1])
    rules, _ = mine_visual_rules(shown, max_jaccard=0.5)
    votes = votes_where({1: range(3), 2: range(3), 3: range(3, 6), 4: range(3, 6)}, NO_TEXT, shown.labels.tolist())
    votes = replace(votes, transactions=replace(votes.transactions, n_visual=N_FILTERS))
    silent = inputs_of(shown.labels.tolist(), rules=rules, votes=votes, captions=captions_table(), masks=[])
    found = mine_visual_patterns(silent, shown, PATTERN, seed=0).patterns
    assert sorted(found["visualItems"].to_pylist()) == [[1, 2], [3, 4]]


def test_patterns_as_published_repeat_each_other_unless_their_evidence_is_the_same() -> None:
    # filters 1 and 2 show in four pictures of A, 1 to 3 in three of them, 6 wherever 3 does
    more = [(1, 2, 3, 6)]
    shown = cells_of(*[more] * 3, [(1, 2)], *[[(5,)]] * 4, labels=[0, 0, 0, 0, 1, 1, 1, 1])
    ours, published = (mine_visual_rules(shown, max_jaccard=overlap)[0] for overlap in (0.5, ALIKE_ALLOWED))
    places = {item: range(3) for item in (3, 6)} | {1: range(4), 2: range(4), 5: range(4, 8)}
    votes = votes_where(places, NO_TEXT, shown.labels.tolist())
    votes = replace(votes, transactions=replace(votes.transactions, n_visual=N_FILTERS))
    silent = inputs_of(shown.labels.tolist(), rules=published, votes=votes, captions=captions_table(), masks=[])
    found = mine_visual_patterns(silent, shown, PATTERN, seed=0, published=True).patterns
    assert found["classCount"].to_pylist() == [4, 3]
    assert found["rank"].to_pylist() == [1, 2]
    assert found["method"].to_pylist() == ["mdpm", "mdpm"]
    chosen = mine_visual_patterns(replace(silent, rules=ours), shown, PATTERN, seed=0).patterns
    assert chosen["classCount"].to_pylist() == [4]


def test_visual_patterns_are_named_from_the_captions_of_what_they_show() -> None:
    rng = np.random.default_rng(0)
    shown = cells_of(*[[(1, 2)]] * 4, *[[(5,)]] * 4, labels=[0, 0, 0, 0, 0, 0, 1, 1])
    pooled, projected = rng.random((8, N_FILTERS)), rng.random((8, N_CELLS, 2))
    pooled[:4, 1] += 5
    pictures = replace(
        pictures_of(8, N_FILTERS), pooled=pooled.astype(np.float16), projected=projected.astype(np.float16)
    )
    rules, _ = mine_visual_rules(shown, max_jaccard=0.5)
    votes = votes_where({1: range(4), 2: range(4), 5: range(4, 8)}, NO_TEXT, shown.labels.tolist())
    votes = replace(votes, transactions=replace(votes.transactions, n_visual=N_FILTERS))
    found = mine_visual_patterns(
        inputs_of(shown.labels.tolist(), rules=rules, votes=votes, pictures=pictures), shown, PATTERN, seed=0
    )
    (row,) = found.patterns.to_pylist()
    assert (row["method"], row["visualItems"], row["textItems"]) == ("visual-only", [1, 2], [])
    assert row["nameHead"] == "rope"
    assert (row["count"], row["classCount"]) == (4, 4)
    assert row["grounding"] > 0.5
    assert sorted(found.evidence["record"].to_pylist()) == ["0", "1", "2", "3"]
    assert all(len(box) == 4 for box in found.evidence["box"].to_pylist())
    assert isinstance(found.patterns, pa.Table)

"""Patterns of a planted corpus, from votes to tables, held against a count of the votes one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from kb.ontology import EventType, Ontology, Role
from miner.config import MineConfig, PatternConfig
from miner.patterns.assemble import PATTERNS, PatternSet, mine_patterns
from miner.patterns.evidence import EVIDENCE
from miner.patterns.pictures import PatternInputs, Pictures, Votes
from miner.rules.mine import mine_rules
from miner.rules.transactions import Transactions
from miner.text.clusters import TEXT_ITEMS
from miner.text.items import CaptionItems
from miner.visual.geometry import Geometry
from tests.pattern_cases import N_CELLS, rules_table
from tests.spoken import caption, captions_table, unmasked

N = 240
"""Photo groups; three quarters have an event type, some have two, the others none."""

TYPES = ("Climb", "Surf", "Parade")
THINGS = ("rope", "wave", "flag", "helmet")
"""Thing i is text item i; filters 2 i and 2 i + 1 see it, and it is planted in event type i (the last one in none)."""

N_FILTERS = 10
CONFIG = PatternConfig(max_name_share=0.5)
"""The things are in nearly half of the captions of their event type."""

ONTOLOGY = Ontology(
    name="planted",
    version="1",
    types=tuple(
        EventType(
            id=name, label=name, roles=(Role(name="Gear", fillers=("object",)), Role(name="Place", fillers=("place",)))
        )
        for name in TYPES
    ),
)


@dataclass(frozen=True)
class Planted:
    """Which things each photo group shows and says, and of which event types it is."""

    shows: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    cells: np.ndarray[tuple[int, int], np.dtype[np.uint8]]
    types: list[list[int]]


def plant() -> Planted:
    rng = np.random.default_rng(5)
    types = [[] if group % 4 == 3 else [group % 4] for group in range(N)]
    for group in range(0, N, 20):
        types[group].append(1)
    shows = rng.random((N, len(THINGS))) < 0.03
    for group, own in enumerate(types):
        for thing in own:
            shows[group, thing] |= rng.random() < 0.4
    shows[:, 3] = rng.random(N) < 0.2
    return Planted(shows, rng.integers(0, N_CELLS, (N, len(THINGS))).astype(np.uint8), types)


PLANT = plant()


def captions() -> pa.Table:
    """Write a caption for every group: what it shows, mostly, and some that it does not; group 0 has a copy that says more."""
    rng = np.random.default_rng(6)
    rows = []
    for group in range(N):
        said = [
            thing
            for thing, shown in zip(THINGS, PLANT.shows[group], strict=True)
            if rng.random() < (0.9 if shown else 0.12)
        ]
        words = ["street", *(f"red/ADJ {thing}" if group % 2 else thing for thing in said)]
        rows.append(chunked(f"r{group}", words))
    return captions_table(*rows, chunked("r0-copy", ["rope"]))


def chunked(record: str, nouns: list[str]) -> dict[str, Any]:
    """Return a caption of noun phrases."""
    sizes = [len(noun.split()) for noun in nouns]
    ends = np.cumsum(sizes).tolist()
    starts = [end - size for end, size in zip(ends, sizes, strict=True)]
    row = caption(record, 0, " ".join(nouns), chunkStarts=starts, chunkEnds=ends)
    return row | {"deps": ["dobj"] * len(row["lowers"]), "heads": [0] * len(row["lowers"])}


def pictures() -> Pictures:
    rng = np.random.default_rng(7)
    pooled = rng.random((N, N_FILTERS))
    cells = rng.integers(0, N_CELLS, (N, N_FILTERS)).astype(np.uint8)
    projected = rng.normal(size=(N, N_CELLS, 8))
    for thing in range(len(THINGS)):
        (rows,) = np.nonzero(PLANT.shows[:, thing])
        place = PLANT.cells[rows, thing]
        filters = slice(2 * thing, 2 * thing + 2)
        cells[rows, filters] = place[:, None]
        pooled[rows, filters] += 2
        projected[rows, place, thing] += 8
    return Pictures(np.arange(N) * 3, cells, pooled.astype(np.float16), projected.astype(np.float16))


@cache
def inputs() -> PatternInputs:
    rng = np.random.default_rng(8)
    table = captions()
    picture_of = {f"r{group}": group for group in range(N)} | {"r0-copy": 0}
    items = pa.Table.from_pylist(
        [{"textItem": item, "words": [word], "count": 9} for item, word in enumerate([*THINGS, "street"])],
        schema=TEXT_ITEMS,
    )
    found = CaptionItems(table, unmasked(table), items)
    said: list[set[int]] = [set() for _ in range(N)]
    for row in found.table().to_pylist():
        said[picture_of[row["record"]]].update(row["items"])
    fires = (np.repeat(PLANT.shows, 2, axis=1) & (rng.random((N, 8)) < 0.9)) | (rng.random((N, 8)) < 0.12)
    cast = [(group, label) for group in range(N) for label in PLANT.types[group] or [-1]]
    transactions = replace(
        Transactions.from_rows(
            [np.flatnonzero(fires[group]).tolist() for group, _ in cast],
            [sorted(said[group]) for group, _ in cast],
            [label for _, label in cast],
            event_types=TYPES,
        ),
        groups=np.array([3 * group for group, _ in cast]),
    )
    behind = pictures()
    return PatternInputs(
        rules=mine_rules(transactions, MineConfig()).rules,
        votes=Votes.of(transactions, behind),
        pictures=behind,
        records=[f"r{group}" for group in range(N)],
        images=[f"images/{group}.jpg" for group in range(N)],
        geometry=lambda _: Geometry(200, 120, left=40, top=0, scale=1.25, input_size=96, stride=32),
        captions=table,
        masks=unmasked(table),
        picture_of=picture_of,
        words={item: [word] for item, word in enumerate([*THINGS, "street"])},
        spans=found.spans,
        ontology=ONTOLOGY,
    )


def mined(given: PatternInputs, config: PatternConfig = CONFIG) -> PatternSet:
    return mine_patterns(given, config, min_confidence=0.3, seed=0)


@cache
def result() -> PatternSet:
    return mined(inputs())


def matching(row: dict[str, Any]) -> list[tuple[int, int]]:
    """Return group and label of every vote that has all items of some member, by going through the votes."""
    t = inputs().votes.transactions
    found = []
    for vote in range(len(t)):
        visual = set(t.visual_indices[t.visual_indptr[vote] : t.visual_indptr[vote + 1]].tolist())
        text = set(t.text_indices[t.text_indptr[vote] : t.text_indptr[vote + 1]].tolist())
        if any(
            visual >= set(v) and text >= set(x) for v, x in zip(row["memberVisual"], row["memberText"], strict=True)
        ):
            found.append((int(t.groups[vote]), int(t.labels[vote])))
    return found


def test_patterns_are_found_where_they_were_planted() -> None:
    best = {row["eventType"]: row for row in result().patterns.to_pylist() if row["rank"] == 1}
    assert set(best) == set(TYPES)
    for place, event_type in enumerate(TYPES):
        row = best[event_type]
        assert row["nameHead"] == THINGS[place]
        assert row["textWords"] == [THINGS[place]]
        assert set(row["visualItems"]) <= {2 * place, 2 * place + 1}
        assert row["grounding"] > 0.6
        assert row["proven"]
    assert best["Climb"]["role"] == "Gear"
    assert "helmet" not in result().patterns["nameHead"].to_pylist()


def test_counts_are_those_of_the_votes() -> None:
    labels = inputs().votes.transactions.labels
    m = int((labels >= 0).sum())
    rows = result().patterns.to_pylist()
    assert rows
    for row in rows:
        votes = matching(row)
        own = TYPES.index(row["eventType"])
        count, class_count = sum(label >= 0 for _, label in votes), sum(label == own for _, label in votes)
        assert (row["count"], row["classCount"]) == (count, class_count)
        assert row["support"] == pytest.approx(class_count / m)
        assert row["confidence"] == pytest.approx(class_count / count)
        assert row["lift"] == pytest.approx(class_count / count / ((labels == own).sum() / m))
        assert row["nEvidence"] == row["nPhotoGroups"] == len({group for group, label in votes if label == own})
        assert row["nPhotoGroups"] >= CONFIG.min_photo_groups


def test_evidence_is_every_photo_group_of_the_type_that_matches() -> None:
    for row in result().patterns.to_pylist():
        own = TYPES.index(row["eventType"])
        shown = result().evidence.filter(pc.equal(result().evidence["pattern"], row["pattern"])).to_pylist()
        assert sorted(item["group"] for item in shown) == sorted(g for g, label in matching(row) if label == own)
        assert [item["score"] for item in shown] == sorted((item["score"] for item in shown), reverse=True)
        for item in shown:
            assert item["image"] == f"images/{item['group'] // 3}.jpg"
            assert item["caption"][item["start"] : item["end"]] in row["textWords"]
            assert item["captionRecord"] in (item["record"], "r0-copy")


def test_evidence_boxes_hold_the_cell_where_the_thing_was_planted() -> None:
    (climb,) = (row for row in result().patterns.to_pylist() if row["eventType"] == "Climb" and row["rank"] == 1)
    hits, boxes = 0, 0
    for item in result().evidence.to_pylist():
        group = item["group"] // 3
        if item["pattern"] == climb["pattern"] and PLANT.shows[group, 0]:
            row, column = divmod(int(PLANT.cells[group, 0]), 3)
            x, y = 40 + 40 * column + 20, 40 * row + 20
            x0, y0, x1, y1 = item["box"]
            assert 40 <= x0 < x1 <= 160
            assert 0 <= y0 < y1 <= 120
            hits += x0 <= x <= x1 and y0 <= y <= y1
            boxes += 1
    assert boxes > 10
    assert hits >= 0.9 * boxes


def test_members_are_rows_of_the_rules() -> None:
    rules = inputs().rules.to_pylist()
    for row in result().patterns.to_pylist():
        members = [rules[place] for place in row["members"]]
        assert [member["visual"] for member in members] == row["memberVisual"]
        assert [member["text"] for member in members] == row["memberText"]
        assert {member["eventType"] for member in members} == {row["eventType"]}
        assert row["pValue"] == min(member["pValue"] for member in members)
        assert row["visualItems"] == sorted({item for member in members for item in member["visual"]})


def test_detectors_stand_in_the_order_of_the_patterns() -> None:
    found = result().detectors
    assert found is not None
    assert len(found) == len(result().patterns)
    pooled = inputs().pictures.pooled
    scores = found.scores(pooled[np.arange(len(pooled))])
    places = {pattern: place for place, pattern in enumerate(result().patterns["pattern"].to_pylist())}
    for item in result().evidence.to_pylist():
        assert item["score"] == pytest.approx(scores[item["group"] // 3, places[item["pattern"]]], abs=1e-4)


def test_patterns_do_not_depend_on_the_order_of_the_rules() -> None:
    order = np.random.default_rng(1).permutation(len(inputs().rules))
    again = mined(replace(inputs(), rules=inputs().rules.take(pa.array(order))))
    assert again.patterns.drop(["members"]).equals(result().patterns.drop(["members"]))
    assert again.evidence.equals(result().evidence)
    assert again.dropped == result().dropped


def test_patterns_beyond_the_asked_number_are_counted() -> None:
    few = mined(inputs(), CONFIG.model_copy(update={"max_patterns": 1}))
    assert few.patterns["rank"].to_pylist() == [1] * len(TYPES)
    assert sum(few.dropped.values()) == sum(result().dropped.values()) + len(result().patterns) - len(few.patterns)


def test_no_rules_make_empty_tables() -> None:
    none = mined(replace(inputs(), rules=rules_table()))
    assert none.patterns.equals(PATTERNS.empty_table())
    assert none.evidence.equals(EVIDENCE.empty_table())
    assert none.detectors is None
    assert not any(none.dropped.values())


def test_a_pattern_without_any_phrase_is_unnamed_and_has_no_role() -> None:
    bare = captions_table()
    found = mined(replace(inputs(), captions=bare, masks=[])).patterns.to_pylist()
    assert {(row["name"], row["role"]) for row in found} == {("unnamed", None)}
    assert all(row["alternatives"] == row["roles"] == [] for row in found)
    assert [row["count"] for row in found] == result().patterns["count"].to_pylist()

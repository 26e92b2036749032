from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from miner.patterns.evidence import heat_box
from miner.patterns.merge import merge_rules
from miner.visual.geometry import Geometry
from tests.pattern_cases import N_CELLS, pictures_of, rule, rules_table, votes_where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.patterns.merge import Draft
    from miner.patterns.pictures import Pictures, Votes

Heat = npt.NDArray[np.float32]
Row = dict[str, Any]

NETWORKS = st.sampled_from([(224, 32, 256), (240, 32, 272), (260, 32, 292), (299, 32, 320), (96, 16, 96)])
SIDES = st.integers(1, 20_000)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    """Draw the geometry of the centre of a picture of any shape."""
    width, height = draw(SIDES), draw(SIDES)
    size, stride, short_side = draw(NETWORKS)
    side = min(width, height) * size / short_side
    return Geometry(width, height, (width - side) / 2, (height - side) / 2, side / size, size, stride)


@st.composite
def heated(draw: st.DrawFn) -> tuple[Heat, Geometry]:
    """Draw a heat map: smooth values, few distinct ones, or all below zero."""
    geometry = draw(geometries())
    values = draw(
        st.sampled_from(
            [st.floats(-100, 100, width=32), st.sampled_from([-1.0, 0.0, 1.0]), st.floats(-9, -1, width=32)]
        )
    )
    return draw(arrays.arrays(np.float32, geometry.grid**2, elements=values)), geometry


@settings(deadline=None)
@given(heated())
def test_heat_box_is_a_place_that_the_network_sees(case: tuple[Heat, Geometry]) -> None:
    heat, geometry = case
    x0, y0, x1, y1 = heat_box(heat, geometry)
    side = geometry.scale * geometry.input_size
    edge = 1e-6 * max(geometry.width, geometry.height)
    assert 0 <= x0 < x1 <= geometry.width
    assert 0 <= y0 < y1 <= geometry.height
    assert geometry.left - edge <= x0 < x1 <= geometry.left + side + edge
    assert geometry.top - edge <= y0 < y1 <= geometry.top + side + edge


@settings(deadline=None)
@given(heated(), st.sampled_from([0.25, 8.0]))
def test_heat_box_does_not_depend_on_the_unit_of_heat(case: tuple[Heat, Geometry], unit: float) -> None:
    heat, geometry = case
    tiny = np.where(np.abs(heat) < 1e-20, 0, heat).astype(np.float32)
    assert heat_box(tiny * np.float32(unit), geometry) == heat_box(tiny, geometry)


@settings(deadline=None)
@given(geometries(), st.data())
def test_heat_box_of_one_hot_cell_is_about_that_cell(geometry: Geometry, data: st.DataObject) -> None:
    cell = data.draw(st.integers(0, geometry.grid**2 - 1))
    heat = np.zeros(geometry.grid**2, dtype=np.float32)
    heat[cell] = 1
    cells = np.array(geometry.cell_box(cell))
    # of a last cell that shows a sliver only, half of the heat lies in the cell before it
    assert np.abs(np.array(heat_box(heat, geometry)) - cells).max() <= geometry.scale * geometry.stride / 3


N_VOTES = 16
ITEMS = range(4)
PLACES = st.sets(st.integers(0, N_VOTES - 1), min_size=3)
ANTECEDENTS = st.tuples(
    st.sets(st.sampled_from(ITEMS), min_size=1, max_size=2), st.sets(st.sampled_from(ITEMS), min_size=1, max_size=2)
)


@st.composite
def rule_sets(draw: st.DrawFn) -> tuple[list[Row], Votes, Pictures]:
    """Draw rules of two event types over a few votes, often equally strong, often about the same pictures."""
    where = st.fixed_dictionaries(dict.fromkeys(ITEMS, PLACES))
    labels = draw(st.lists(st.sampled_from([0, 0, 0, 1, -1]), min_size=N_VOTES, max_size=N_VOTES))
    votes = votes_where(
        {item: sorted(rows) for item, rows in draw(where).items()},
        {item: sorted(rows) for item, rows in draw(where).items()},
        labels,
    )
    cells = draw(arrays.arrays(np.uint8, (len(ITEMS), N_VOTES), elements=st.integers(0, N_CELLS - 1)))
    pairs = draw(st.lists(ANTECEDENTS, min_size=1, max_size=12, unique_by=lambda pair: tuple(map(frozenset, pair))))
    rules = [
        rule(sorted(visual), sorted(text), draw(st.sampled_from("AAB")), qLink=draw(st.sampled_from([0.0, 0.01])))
        for visual, text in pairs
    ]
    return rules, votes, pictures_of(N_VOTES, len(ITEMS), cells={item: cells[item].tolist() for item in ITEMS})


def itemsets(drafts: Sequence[Draft]) -> list[list[tuple[tuple[int, ...], tuple[int, ...]]]]:
    return [[(member.visual, member.text) for member in draft.members] for draft in drafts]


@settings(deadline=None, max_examples=50)
@given(rule_sets(), st.randoms(use_true_random=False))
def test_merge_does_not_depend_on_the_order_of_the_rules(
    case: tuple[list[Row], Votes, Pictures],
    random: Any,  # noqa: ANN401 - hypothesis's own generator
) -> None:
    rules, votes, pictures = case
    shuffled = random.sample(rules, len(rules))
    drafts, others = (
        merge_rules(rules_table(*rows), votes, pictures, "A", min_jaccard=0.5, max_members=24)
        for rows in (rules, shuffled)
    )
    assert itemsets(drafts) == itemsets(others)
    assert [draft.pattern for draft in drafts] == [draft.pattern for draft in others]


@settings(deadline=None, max_examples=50)
@given(rule_sets(), st.sampled_from([0.3, 0.5, 0.75, 1.0]), st.sampled_from([2, 24]))
def test_merge_does_what_comparing_rules_one_by_one_does(
    case: tuple[list[Row], Votes, Pictures], min_jaccard: float, max_members: int
) -> None:
    rules, votes, pictures = case
    drafts = merge_rules(rules_table(*rules), votes, pictures, "A", min_jaccard=min_jaccard, max_members=max_members)
    assert itemsets(drafts) == merge_one_by_one(rules, votes, pictures, min_jaccard, max_members)


def merge_one_by_one(
    rules: list[Row], votes: Votes, pictures: Pictures, min_jaccard: float, max_members: int
) -> list[list[tuple[tuple[int, ...], tuple[int, ...]]]]:
    """Merge the rules of event type A by sets of vote numbers, as the module says in words."""
    groups: list[list[Row]] = []
    for row in sorted(
        (row for row in rules if row["eventType"] == "A"), key=lambda r: (r["qLink"], r["visual"], r["text"])
    ):
        home = next((group for group in groups if agree(group[0], row, votes, pictures, min_jaccard)), None)
        if home is None:
            groups.append([row])
        elif len(home) < max_members:
            home.append(row)
    return [[(tuple(row["visual"]), tuple(row["text"])) for row in group] for group in groups]


def agree(a: Row, b: Row, votes: Votes, pictures: Pictures, min_jaccard: float) -> bool:
    own = set(np.flatnonzero(votes.transactions.labels == 0).tolist())
    fires = [set.intersection(own, *(having(votes.visual, item) for item in row["visual"])) for row in (a, b)]
    says = [set.intersection(own, *(having(votes.text, item) for item in row["text"])) for row in (a, b)]
    if overlap(fires[0] & says[0], fires[1] & says[1]) >= min_jaccard:
        return True
    if overlap(*says) < min_jaccard:
        return False
    if set(a["visual"]) & set(b["visual"]):
        return True
    both = fires[0] & fires[1]
    if len(both) * len(own) <= len(fires[0]) * len(fires[1]):
        return False
    near = [any(close(pictures, row, i, j) for i in a["visual"] for j in b["visual"]) for row in both]
    return sum(near) * 2 >= len(near)


def having(matrix: Any, item: int) -> set[int]:  # noqa: ANN401 - a sparse matrix
    return set(np.flatnonzero(matrix[:, [item]].toarray().ravel()).tolist())


def overlap(a: set[int], b: set[int]) -> float:
    return len(a & b) / len(a | b) if a | b else 0


def close(pictures: Pictures, row: int, i: int, j: int) -> bool:
    (y0, x0), (y1, x1) = (divmod(int(pictures.cells[np.array([row])][0, item]), 3) for item in (i, j))
    return max(abs(y0 - y1), abs(x0 - x1)) <= 1

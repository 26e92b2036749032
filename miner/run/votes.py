"""Votes: what counts once. Copies of a photograph cast one vote for each event type that any of them has."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from miner.rules.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from miner.visual.filters import Fired
    from miner.visual.quantiles import Rows

WINDOW = 3
"""Cells along each side of a region."""
CHUNK = 512
"""Votes whose pictures' cells are in memory at once."""


@dataclass(frozen=True)
class Ballot:
    """What is known of the records that votes are made of.

    Attributes:
        records: Ids of the encoded records, by row.
        groups: int64, (n_rows,): photo group of each row, named by its smallest row.
        event_types: Event types of each row.
        text_items: Text items of each row.
        fired: Filters that fire in each row.
        voting: Whether mining may see each row; rows of one photo group all may or none.
    """

    records: Sequence[str]
    groups: npt.NDArray[np.int64]
    event_types: Sequence[Sequence[str]]
    text_items: Sequence[Sequence[int]]
    fired: Fired
    voting: Sequence[bool]


def cast_votes(ballot: Ballot, *, n_visual: int, n_text: int) -> Transactions:
    """Make one vote of each photo group and event type.

    Its visual items are those of the group's first picture, its text items all that the group's records of that type have.
    A group without any event type casts one unlabelled vote with the words of all its records.

    Args:
        ballot: The records.
        n_visual: Number of visual items that exist.
        n_text: Number of text items that exist.
    """
    names = sorted({name for types in ballot.event_types for name in types})
    rows_of = _rows_by_vote(ballot, {name: index for index, name in enumerate(names)})
    keys = sorted(rows_of)
    groups = np.array([group for group, _ in keys], np.int64)
    visual = [_fired_in(ballot.fired, group) for group, _ in keys]
    text = [_words_of(ballot, rows_of[key]) for key in keys]
    return Transactions(
        *_to_csr(visual),
        *_to_csr(text),
        labels=np.array([label for _, label in keys], np.int32),
        groups=groups,
        event_types=tuple(names),
        n_visual=n_visual,
        n_text=n_text,
        records=tuple(ballot.records[group] for group, _ in keys),
    )


def cut_regions(votes: Transactions, cells: Rows, grid: int) -> Transactions:
    """Cut each vote into regions: items fire together where their strongest cells lie in one window of 3 x 3 cells.

    Windows overlap, so that neighbours are never parted. One whose items another window has too is left out; a vote without
    any visual item keeps one region.

    Args:
        votes: One row each.
        cells: (n_pictures, n_visual): the strongest cell of each item, read row by row, by photo group.
        grid: Cells in a row of a map.

    Returns:
        One row per region, with the words of its vote, in the order of the votes.
    """
    of_vote: list[int] = []
    visual: list[npt.NDArray[np.int32]] = []
    for start in range(0, len(votes), CHUNK):
        groups, place = np.unique(votes.groups[start : start + CHUNK], return_inverse=True)
        strongest = cells[groups]
        for vote, row in enumerate(place.tolist(), start):
            items = votes.visual_indices[votes.visual_indptr[vote] : votes.visual_indptr[vote + 1]]
            windows = _windows(strongest[row, items].astype(np.int64), grid)
            of_vote.extend([vote] * len(windows))
            visual.extend(items[window] for window in windows)
    indptr, indices = _to_csr(visual)
    return replace(votes.select(np.array(of_vote, np.int64)), visual_indptr=indptr, visual_indices=indices)


def _windows(cells: npt.NDArray[np.int64], grid: int) -> npt.NDArray[np.bool_]:
    """Return which items lie in which window, one row for each window that none other holds: bool, (n, n_items)."""
    if not len(cells):
        return np.zeros((1, 0), dtype=bool)
    row, column = np.divmod(cells, grid)
    first = np.arange(max(1, grid - WINDOW + 1))[:, None]
    down, across = ((first <= each) & (each < first + WINDOW) for each in (row, column))
    inside = np.unique((down[:, None] & across[None, :]).reshape(-1, len(cells)), axis=0)
    # a window is held by another if it has nothing that the other has not; they are distinct, so none holds itself twice
    held = (inside.astype(np.int32) @ (~inside).astype(np.int32).T == 0) & ~np.eye(len(inside), dtype=bool)
    return np.asarray(inside[~held.any(axis=1)])


def _rows_by_vote(ballot: Ballot, index: Mapping[str, int]) -> dict[tuple[int, int], list[int]]:
    """Return the rows behind each vote (group, label); unlabelled copies of a labelled photograph cast none."""
    rows_of: dict[tuple[int, int], list[int]] = defaultdict(list)
    labelled = {int(group) for group, types in zip(ballot.groups, ballot.event_types, strict=True) if types}
    for row, (group, types) in enumerate(zip(ballot.groups.tolist(), ballot.event_types, strict=True)):
        if not ballot.voting[row]:
            continue
        for name in types:
            rows_of[group, index[name]].append(row)
        if group not in labelled:
            rows_of[group, -1].append(row)
    return rows_of


def _fired_in(fired: Fired, row: int) -> npt.NDArray[np.int32]:
    return fired.indices[fired.indptr[row] : fired.indptr[row + 1]]


def _words_of(ballot: Ballot, rows: Sequence[int]) -> npt.NDArray[np.int32]:
    return np.array(sorted({item for row in rows for item in ballot.text_items[row]}), np.int32)


def _to_csr(rows: Sequence[npt.NDArray[np.int32]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    indptr = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    return indptr, np.concatenate([np.empty(0, np.int32), *rows])

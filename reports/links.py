"""Which patterns belong together: those with the same pictures, those that show together, those made of the same items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from reports.numerals import percent, whole

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

N_LINKS = 4
LEAST_SAME = 0.3
LEAST_ALIKE = 0.25
LEAST_SHARED = 3
LEAST_LIFT = 1.5
KINDS = {
    "same": "Same pictures",
    "together": "Shown together with",
    "alike": "Alike, by items",
}


@dataclass(frozen=True)
class Linked:
    """What links are computed from.

    Attributes:
        pattern: Id.
        event_type: Whose pattern it is.
        items: Visual and text items.
        groups: Photo groups of its evidence.
    """

    pattern: str
    event_type: str
    items: frozenset[Hashable]
    groups: frozenset[Hashable]


@dataclass(frozen=True)
class Link:
    """Another pattern to go to, and how much of the same it is."""

    kind: str
    pattern: str
    note: str


def link_patterns(patterns: Sequence[Linked]) -> dict[str, tuple[Link, ...]]:
    """Link each pattern with the closest others of each kind, of whatever event type.

    - *same*: of the photo groups of both, at least 30 % are evidence of both.
    - *together*: at least 3 photo groups in common, and 1.5 times as many as by chance among those of the event types.
    - *alike*: of the items of both, at least 25 % are in both, and the pictures are not the same.
    """
    groups = _shared([pattern.groups for pattern in patterns])
    items = _shared([pattern.items for pattern in patterns])
    n_of_type = _groups_of_types(patterns)
    links: dict[str, tuple[Link, ...]] = {}
    for place, pattern in enumerate(patterns):
        found: dict[str, list[tuple[float, int, Link]]] = {kind: [] for kind in KINDS}
        for kind, score, other, note in _close(place, patterns, groups, items, n_of_type):
            found[kind].append((-score, other, Link(kind, patterns[other].pattern, note)))
        links[pattern.pattern] = tuple(link for kind in KINDS for *_, link in sorted(found[kind])[:N_LINKS])
    return links


def _shared(sets: Sequence[frozenset[Hashable]]) -> csr_array:
    """Count the members that each pair of sets has in common: sparse int64, (n, n)."""
    columns: dict[Hashable, int] = {}
    places = [sorted(columns.setdefault(member, len(columns)) for member in own) for own in sets]
    indptr = np.cumsum([0, *map(len, places)])
    indices = np.array([place for own in places for place in own], np.int64)
    incidence = csr_array((np.ones(len(indices), np.int64), indices, indptr), shape=(len(sets), max(1, len(columns))))
    return csr_array(incidence @ incidence.T)


def _groups_of_types(patterns: Sequence[Linked]) -> Mapping[str, frozenset[Hashable]]:
    found: dict[str, set[Hashable]] = {}
    for pattern in patterns:
        found.setdefault(pattern.event_type, set()).update(pattern.groups)
    return {event_type: frozenset(own) for event_type, own in found.items()}


def _close(
    place: int,
    patterns: Sequence[Linked],
    groups: csr_array,
    items: csr_array,
    groups_of_types: Mapping[str, frozenset[Hashable]],
) -> Iterator[tuple[str, float, int, str]]:
    """Yield kind, score, place and note of each link of a pattern."""
    own = patterns[place]
    same: set[int] = set()
    for other, n_shared in _row(groups, place):
        share = n_shared / len(own.groups | patterns[other].groups)
        if share >= LEAST_SAME:
            same.add(other)
            yield "same", share, other, f"{percent(share)} of both"
            continue
        n_both = len(groups_of_types[own.event_type] | groups_of_types[patterns[other].event_type])
        lift = n_shared * n_both / (len(own.groups) * len(patterns[other].groups))
        if n_shared >= LEAST_SHARED and lift >= LEAST_LIFT:
            yield "together", lift, other, f"{whole(n_shared)} pictures"
    for other, n_shared in _row(items, place):
        share = n_shared / len(own.items | patterns[other].items)
        if share >= LEAST_ALIKE and other not in same:
            yield "alike", share, other, f"{percent(share)} of both"


def _row(shared: csr_array, place: int) -> list[tuple[int, int]]:
    """Return the other sets that share something with one, and how much."""
    cells = slice(shared.indptr[place], shared.indptr[place + 1])
    pairs = zip(shared.indices[cells].tolist(), shared.data[cells].tolist(), strict=True)
    return [(other, n_shared) for other, n_shared in pairs if other != place]

"""What a knowledge base says of its patterns, indexed for a page that shows a few of many thousands.

Nothing is read before it is asked for; what was read stays in memory as Arrow columns and integer arrays.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from kb.review.mined import Mined
    from reports.review.sources import Tables

    Int64s = npt.NDArray[np.int64]

N_SIMILAR = 6
N_MOST_SHARED = 400
"""Patterns an item may belong to and still tell of likeness; what more share would only cost time."""


@dataclass(frozen=True)
class Sighting:
    """One piece of evidence.

    Attributes:
        row: Its row in EVIDENCE; addresses of pictures are made of it.
        picture: Row of its picture, -1 where the knowledge base has none.
        mined_for: Id of the mined pattern it was found for.
    """

    row: int
    mined_for: str
    record: str
    score: float
    box: tuple[float, ...]
    caption: str
    start: int | None
    end: int | None
    picture: int


@dataclass(frozen=True)
class Likeness:
    """How much another mined pattern is like one.

    Attributes:
        pattern: Id of the other.
        share: 0 to 1.
        n_items: Items that both have.
        n_photographs: Photographs that support both.
    """

    pattern: str
    share: float
    n_items: int
    n_photographs: int

    @property
    def reason(self) -> str:
        """What both have, in words."""
        parts = [_counted(self.n_items, "item"), _counted(self.n_photographs, "photograph")]
        return " and ".join(part for part in parts if part)


class Shelf:
    """The patterns of a knowledge base with everything the page shows of them.

    Args:
        mined: The patterns.
        tables: Pictures, captions and the ontology.

    Attributes:
        mined: As given.
    """

    def __init__(self, mined: Mined, tables: Tables) -> None:
        """Read nothing yet."""
        self.mined = mined
        self._tables = tables
        self._lock = threading.RLock()

    def warm(self) -> None:
        """Read what a queue page needs, so that the first one need not wait."""
        with self._lock:
            _ = (self.mined.rows, self.picture_of, self._owners, self._by_group)

    @cached_property
    def corpus(self) -> str:
        """Name of the corpus."""
        return ", ".join(self._tables.nodes("Corpus")["corpus"].to_pylist()) or "no corpus"

    @cached_property
    def images(self) -> pa.Table:
        """All pictures: `record`, `path`, `photoGroup`, `eventTypes` and more; rows are what pages refer to."""
        with self._lock:
            return self._tables.nodes("Image").combine_chunks()

    @cached_property
    def captions(self) -> pa.Table:
        """All captions: `record`, `caption`, `text`."""
        with self._lock:
            return self._tables.nodes("Caption").combine_chunks()

    @cached_property
    def picture_of(self) -> Int64s:
        """Row of the picture of every piece of evidence, -1 without one."""
        with self._lock:
            return self.pictures(self.mined.evidence["record"])

    def pictures(self, records: pa.ChunkedArray) -> Int64s:
        """Return the rows of the pictures of records, -1 for those without one."""
        found = pc.index_in(records, value_set=self.images["record"].combine_chunks())
        return np.asarray(pc.fill_null(found, -1).to_numpy(), dtype=np.int64)

    @property
    def n_evidence(self) -> int:
        """Pieces of evidence of all patterns."""
        return int(self.mined.evidence.num_rows)

    def sightings(self, rows: Sequence[int]) -> list[Sighting]:
        """Return pieces of evidence."""
        facts = self.mined.evidence.take(pa.array(rows, pa.int64())).to_pylist()
        return [
            Sighting(
                row=row,
                mined_for=fact["pattern"],
                record=fact["record"],
                score=fact["score"],
                box=tuple(fact["box"] or ()),
                caption=fact["caption"] or "",
                start=fact["start"],
                end=fact["end"],
                picture=int(self.picture_of[row]),
            )
            for row, fact in zip(rows, facts, strict=True)
        ]

    @cached_property
    def n_records(self) -> Mapping[str, int]:
        """How many usable records of the corpus have each event type."""
        rows = self._tables.relationships("HAS_EVENT_TYPE").to_pylist()
        return {row["target"].partition(":")[2]: row["nRecords"] for row in rows}

    @cached_property
    def _owners(self) -> Mapping[tuple[str, int], tuple[str, ...]]:
        """The patterns that have an item, by its kind and number."""
        owners: dict[tuple[str, int], list[str]] = defaultdict(list)
        for pattern, row in self.mined.rows.items():
            for item in items_of(row):
                owners[item].append(pattern)
        return {item: tuple(patterns) for item, patterns in owners.items()}

    @cached_property
    def _by_group(self) -> tuple[Int64s, Int64s]:
        """Photo groups of all evidence, ascending, and beside each the row."""
        order = np.argsort(self.mined.groups, kind="stable")
        return self.mined.groups[order], order

    def similar(self, pattern: str, n_most: int = N_SIMILAR) -> list[Likeness]:
        """Return the mined patterns that share the most items or photographs with one, of any event type."""
        own = items_of(self.mined.rows[pattern])
        owners = (self._owners[item] for item in own)
        items = Counter(other for patterns in owners if len(patterns) <= N_MOST_SHARED for other in patterns)
        photographs, n_own = self._shared_photographs(pattern)
        found = []
        for other in (items.keys() | photographs.keys()) - {pattern}:
            row = self.mined.rows[other]
            n_either = len(own | items_of(row))
            by_photographs = photographs[other] / max(1, min(n_own, row["nPhotoGroups"]))
            share = max(items[other] / n_either if n_either else 0.0, by_photographs)
            found.append(Likeness(other, min(1.0, share), items[other], photographs[other]))
        event_type = self.mined.rows[pattern]["eventType"]
        found.sort(key=lambda o: (-o.share, self.mined.rows[o.pattern]["eventType"] != event_type, o.pattern))
        return found[:n_most]

    def _shared_photographs(self, pattern: str) -> tuple[Counter[str], int]:
        groups, rows = self._by_group
        own = np.unique(self.mined.groups[self.mined.evidence_rows(pattern)])
        lows, highs = np.searchsorted(groups, own), np.searchsorted(groups, own, side="right")
        near = [rows[low:high] for low, high in zip(lows, highs, strict=True)]
        flat = np.concatenate(near) if near else np.empty(0, dtype=np.int64)
        patterns = self.mined.evidence["pattern"].take(pa.array(flat, pa.int64())).to_pylist()
        marks = np.repeat(np.arange(len(near)), [len(part) for part in near]).tolist()
        return Counter(name for name, _ in set(zip(patterns, marks, strict=True))), len(own)


def items_of(row: Mapping[str, Any]) -> set[tuple[str, int]]:
    """Return the items of a row of PATTERNS, each with its kind."""
    return {("visual", item) for item in row["visualItems"] or ()} | {("text", item) for item in row["textItems"] or ()}


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}" if number else ""

"""The mined patterns that decisions are about, indexed for quick answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from kb.review.decisions import Fingerprint, sketch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt
    import pyarrow as pa

    Int64s = npt.NDArray[np.int64]

__all__ = ["Mined", "fingerprint_of"]


@dataclass(frozen=True, eq=False)
class Mined:
    """Patterns as they were mined, before any decision.

    Attributes:
        patterns: Schema `PATTERNS`.
        evidence: Schema `EVIDENCE`.
        run: Key of what mined them, empty where not known.
        learned: Probability that each would be accepted, where `run --learn` has chosen them; it knew of patterns that it
            left out.
    """

    patterns: pa.Table
    evidence: pa.Table
    run: str = ""
    learned: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Row of PATTERNS of each pattern, in the order of the table."""
        return {row["pattern"]: row for row in self.patterns.to_pylist()}

    @cached_property
    def records(self) -> list[str]:
        """Record of each row of EVIDENCE."""
        records: list[str] = self.evidence["record"].to_pylist()
        return records

    @cached_property
    def groups(self) -> Int64s:
        """int64, (n rows of EVIDENCE,): photo group of each."""
        return np.asarray(self.evidence["group"].combine_chunks().to_numpy(zero_copy_only=False), dtype=np.int64)

    @cached_property
    def scores(self) -> npt.NDArray[np.float64]:
        """float64, (n rows of EVIDENCE,)."""
        return np.asarray(self.evidence["score"].combine_chunks().to_numpy(zero_copy_only=False), dtype=np.float64)

    @cached_property
    def _places(self) -> dict[str, Int64s]:
        encoded = pc.dictionary_encode(self.evidence["pattern"].combine_chunks())
        codes = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(len(encoded.dictionary) + 1))
        names = encoded.dictionary.to_pylist()
        return {name: order[starts[place] : starts[place + 1]] for place, name in enumerate(names)}

    def evidence_rows(self, pattern: str) -> Int64s:
        """Return the rows of EVIDENCE of a pattern, int64, as the table orders them."""
        return self._places.get(pattern, np.empty(0, dtype=np.int64))

    def fingerprint(self, pattern: str, formerly: Iterable[str] = ()) -> Fingerprint:
        """Return what tells a mined pattern from others, in this run and in others.

        Raises:
            KeyError: There is no such pattern.
        """
        if pattern not in self._prints:
            records = [self.records[row] for row in self.evidence_rows(pattern).tolist()]
            self._prints[pattern] = fingerprint_of(self.rows[pattern], records)
        return self._prints[pattern].model_copy(update={"formerly": tuple(sorted(set(formerly)))})

    @cached_property
    def _prints(self) -> dict[str, Fingerprint]:
        return {}


def fingerprint_of(row: dict[str, Any], records: list[str]) -> Fingerprint:
    """Return the fingerprint of a row of PATTERNS and the records that support it."""
    return Fingerprint(
        pattern=row["pattern"],
        event_type=row["eventType"],
        name=row["name"],
        visual=tuple(sorted(set(row["visualItems"]))),
        words=sketch(row["textWords"]),
        records=sketch(records),
        n_evidence=len(records),
    )

"""What a bundle is made of: the tables of one run, and what is looked up in them more than once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from kb.building.mentions import find_said
from kb.building.tables import read_rows
from kb.model import node_id
from miner.patterns.typical import typical_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from corpora.declaration import Declaration
    from kb.building.mentions import Said
    from kb.ontology import Ontology

__all__ = ["BundleInputs", "RunInfo"]

EVIDENCE_COLUMNS = ("pattern", "record", "box", "caption", "captionRecord", "captionIndex", "start", "end", "score")


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """What identifies a run; no times and no paths.

    Attributes:
        key: Key of the run.
        method: ours, visual-only, mdpm or text-only.
        config_digest: Hash of the resolved configuration.
        network: Network whose filters and classes are the visual items.
        versions: Version of each library that shapes the result.
    """

    key: str
    method: str
    config_digest: str
    network: str
    versions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, eq=False)
class BundleInputs:
    """All that a bundle is made of, as the stages of a run leave it.

    Attributes:
        declaration: What the corpus says of itself. Its name begins the ids of all that belongs to the corpus: the same
            name in one store means the same corpus.
        run: What found the patterns.
        ontology: The event types and their roles.
        records: RECORDS.
        labels: LABELS.
        images: IMAGES; `row` points into `groups`.
        groups: int64, (n encoded images,): row of the first copy of each photograph.
        captions: CAPTIONS.
        text_items: TEXT_ITEMS.
        rules: RULES.
        patterns: PATTERNS.
        evidence: EVIDENCE.
        masks: For each caption, which tokens are hidden from text items; none where it is left out.
    """

    declaration: Declaration
    run: RunInfo
    ontology: Ontology
    records: pa.Table
    labels: pa.Table
    images: pa.Table
    groups: NDArray[np.int64]
    captions: pa.Table
    text_items: pa.Table
    rules: pa.Table
    patterns: pa.Table
    evidence: pa.Table
    masks: Sequence[Sequence[bool]] | None = None

    def id(self, label: str, *parts: object) -> str:
        """Return the id of a node that belongs to the corpus."""
        return node_id(label, self.declaration.name, *(str(part) for part in parts))

    @cached_property
    def usable(self) -> frozenset[str]:
        """Ids of the records that become images."""
        return frozenset(self.records.filter(pc.equal(self.records["status"], "ok"))["record"].to_pylist())

    @cached_property
    def pictures(self) -> dict[str, dict[str, Any]]:
        """Row of IMAGES of each record."""
        columns = ("record", "width", "height", "status", "code", "phash", "row")
        return {row["record"]: row for row in read_rows(self.images, *columns)}

    @cached_property
    def event_types(self) -> dict[str, list[str]]:
        """Weak labels of each usable record."""
        rows = read_rows(self.labels, "record", "eventTypes")
        return {row["record"]: row["eventTypes"] or [] for row in rows if row["record"] in self.usable}

    def group(self, record: str) -> int | None:
        """Return the photo group of a record, None where its picture was not encoded."""
        row = self.pictures.get(record, {}).get("row")
        return None if row is None else int(self.groups[row])

    @cached_property
    def typical(self) -> dict[str, dict[str, Any]]:
        """Row of TYPICAL of each pattern."""
        return {row["pattern"]: row for row in typical_rows(self.patterns, self.evidence)}

    @cached_property
    def used_visual_items(self) -> frozenset[int]:
        """Filters that some pattern uses."""
        return _items(self.patterns, "visualItems")

    @cached_property
    def used_words(self) -> dict[int, list[str]]:
        """The words of each cluster that some pattern uses."""
        used = _items(self.patterns, "textItems")
        rows = read_rows(self.text_items, "textItem", "words")
        return {row["textItem"]: row["words"] for row in rows if row["textItem"] in used}

    @cached_property
    def said(self) -> list[Said]:
        """Where captions say the words that some pattern uses."""
        return list(find_said(self))

    @cached_property
    def origins(self) -> dict[str, dict[str, Any]]:
        """Source, licence and credit of each record; those of the corpus where a record has none of its own."""
        declared = {"source": None, "licence": self.declaration.licence, "credit": self.declaration.credit}
        rows = read_rows(self.records, "record", *declared)
        return {row["record"]: {name: row[name] or declared[name] for name in declared} for row in rows}

    @cached_property
    def numbered_evidence(self) -> list[tuple[str, dict[str, Any]]]:
        """Ids and rows of the evidence; the best of a record for a pattern is number 0, whatever the order of the table."""
        seen: Counter[tuple[str, str]] = Counter()
        numbered = []
        for row in sorted(read_rows(self.evidence, *EVIDENCE_COLUMNS), key=_evidence_order):
            key = (row["pattern"], row["record"])
            numbered.append((self.id("Evidence", *key, seen[key]), row))
            seen[key] += 1
        return numbered


def _items(patterns: pa.Table, column: str) -> frozenset[int]:
    return frozenset(item for row in read_rows(patterns, column) for item in row[column] or [])


def _evidence_order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    places = (row["captionIndex"], row["start"], row["end"])
    return (-row["score"], *(-1 if place is None else place for place in places), row["box"] or [])

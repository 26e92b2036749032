"""Mined patterns small enough to review by hand, and decisions about them.

`a` and `b` are patterns of climbing, `c` of surfing; each is supported by records of its own but `r2`, which supports `a` and `b`.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import pyarrow as pa

from kb.review.decisions import Decision, new_decision
from kb.review.mined import Mined
from kb.review.state import ReviewState, review_state
from miner.patterns.assemble import PATTERNS
from miner.patterns.evidence import EVIDENCE
from tests.kb_run import pattern_row

RECORDS = {"a": ("r1", "r2", "r3"), "b": ("r2", "r4"), "c": ("r5", "r6", "r7", "r8")}
GROUP = {f"r{n}": n for n in range(20)}
CLIMBING, SURFING = "Sport.Climbing", "Sport.Surfing"


def evidence_rows(records: dict[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    return [
        {
            "pattern": pattern,
            "record": record,
            "image": f"{record}.jpg",
            "box": [0.0, 0.0, 10.0, 10.0],
            "score": float(10 - place),
            "group": GROUP.get(record, 1_000 + place),
        }
        for pattern, own in records.items()
        for place, record in enumerate(own)
    ]


def pattern_rows() -> list[dict[str, Any]]:
    """As they were mined; `a` and `b` share a word and no filter, 100 votes are labelled, 20 of them climbing."""
    numbers = {"support": 0.03, "confidence": 0.6, "lift": 3.0, "count": 5, "classCount": 3}
    return [
        pattern_row("a", CLIMBING, 1, "rock face", alternatives=["rock face", "cliff"], alternativeScores=[2.0, 1.0])
        | numbers
        | {
            "textWords": ["rock", "cliff"],
            "nEvidence": 3,
            "nPhotoGroups": 3,
            "role": "Place",
            "roles": [{"role": "Place", "score": 0.7}],
        },
        pattern_row("b", CLIMBING, 2, "rope", visualItems=[5], memberVisual=[[5]], textItems=[1], textWords=["rope"])
        | numbers
        | {
            "support": 0.02,
            "confidence": 0.5,
            "lift": 2.5,
            "count": 4,
            "classCount": 2,
            "alternatives": ["rope", "cord"],
        }
        | {"alternativeScores": [3.0, 1.0], "nEvidence": 2, "memberText": [[1]]},
        pattern_row("c", SURFING, 1, "wave", visualItems=[9], textItems=[2], textWords=["wave"])
        | numbers
        | {
            "count": 4,
            "classCount": 4,
            "support": 0.04,
            "confidence": 1.0,
            "lift": 5.0,
            "nEvidence": 4,
            "nPhotoGroups": 4,
        }
        | {"alternatives": ["wave", "surf"], "alternativeScores": [1.0, 0.5]},
    ]


def mined(rows: list[dict[str, Any]] | None = None, records: dict[str, tuple[str, ...]] | None = None) -> Mined:
    return Mined(
        pa.Table.from_pylist(pattern_rows() if rows is None else rows, schema=PATTERNS),
        pa.Table.from_pylist(evidence_rows(RECORDS if records is None else records), schema=EVIDENCE),
        "run",
    )


class Reviewer:
    """Writes decisions with ids `d0`, `d1`, … of one log."""

    def __init__(self) -> None:
        self.log: list[Decision] = []
        self._ids = count()

    def __call__(self, who: str, action: str, pattern: str, **fields: Any) -> str:  # noqa: ANN401 - what a decision says
        made = new_decision(who, action, pattern, fields, about=PRINTS.get(pattern))
        self.log.append(made.model_copy(update={"id": f"d{next(self._ids)}"}))
        return self.log[-1].id

    def state(self) -> ReviewState:
        now = mined()
        return review_state(now.patterns, now.evidence, self.log, run="run")


PRINTS = {pattern: mined().fingerprint(pattern) for pattern in RECORDS}

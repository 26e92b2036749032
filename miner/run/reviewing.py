"""Reviewing a run: what of its folder a review reads, and the bundle of what was accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.review.log import DecisionLog
from kb.review.mined import Mined
from kb.review.session import Review
from miner.run.folder import open_run
from miner.run.read_stages import read_ontology
from miner.store.formats import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from miner.run.folder import RunFolder

__all__ = ["LOG", "decision_log", "open_review"]

LOG = "review/decisions.jsonl"
"""Where the decisions about a run lie in its folder; no stage touches it."""


def decision_log(folder: RunFolder) -> DecisionLog:
    """Return the log of the decisions about a run."""
    return DecisionLog(folder.path / LOG)


def open_review(run: Path) -> Review:
    """Open the review of a finished run.

    Raises:
        ArtefactError: There is no finished run in the folder.
    """
    folder = open_run(run)
    artefact = folder.artefact("patterns")
    mined = Mined(
        read_table(artefact.file("patterns.parquet")), read_table(artefact.file("evidence.parquet")), artefact.key
    )
    return Review(mined, decision_log(folder), read_ontology(folder.artefact("label")))

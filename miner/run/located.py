"""Measures where a run says its patterns are, against boxes that people or a generator have drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kb.evaluate.box_truth import find_boxes, read_boxes
from kb.evaluate.boxes import evaluate_boxes, summarise_boxes
from miner.config_file import load_config
from miner.errors import CorpusError
from miner.run.base import read_places
from miner.store.formats import read_json, read_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb.evaluate.boxes import BoxMeasure, BoxScore
    from miner.run.folder import RunFolder

__all__ = ["AUTO", "LocatedEvaluation", "evaluate_located"]

AUTO = "auto"
"""In place of a file of boxes: the one that lies in the folder of the corpus."""


@dataclass(frozen=True)
class LocatedEvaluation:
    """How tight the boxes of a run are.

    Attributes:
        corpus: Name of the corpus.
        scores: One per box of evidence that could be compared.
        measured: Means over them.
        unknown: Patterns named after nothing that is marked.
        not_shown: Boxes of the other patterns' evidence in pictures where the thing is not marked.
    """

    corpus: str
    scores: Sequence[BoxScore]
    measured: Sequence[BoxMeasure]
    unknown: int
    not_shown: int


def evaluate_located(folder: RunFolder, boxes: str) -> LocatedEvaluation:
    """Compare the boxes of the evidence of a run with true ones; nothing is mined.

    Args:
        folder: A finished run.
        boxes: A file that `kb.evaluate.box_truth.read_boxes` reads, or `AUTO`.

    Raises:
        ArtefactError: The run has not finished.
        CorpusError: There is no such file, it cannot be read, or no pattern is named after what is marked.
    """
    artefact, groups = folder.artefact("patterns"), folder.artefact("groups")
    things = read_boxes(_find(folder) if boxes == AUTO else Path(boxes))
    images = read_table(groups.file("images.parquet"), ["record", "width", "height"]).to_pylist()
    found = evaluate_boxes(
        read_table(artefact.file("patterns.parquet")),
        read_table(artefact.file("evidence.parquet")),
        {row["record"]: (row["width"], row["height"]) for row in images if row["width"]},
        things,
    )
    if not found.scores:
        raise CorpusError(
            f"None of the patterns of {folder.path} is named after anything marked in {boxes!r}, in a picture where it is.",
            hint=f"See the names with 'eventminer pattern list {folder.path}'.",
        )
    corpus = read_json(folder.artefact("read").file("declaration.json"))["name"]
    seed = load_config(folder.path / "run.toml").seed
    return LocatedEvaluation(
        corpus, found.scores, summarise_boxes(found.scores, seed=seed), found.unknown, found.not_shown
    )


def _find(folder: RunFolder) -> Path:
    """Return the file of boxes in the folder of the corpus, or beside its manifest."""
    location = Path(str(read_places(folder)[0]["location"]).removeprefix("file://"))
    return find_boxes(location if location.is_dir() else location.parent)

"""Draws the report of a finished run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpora.folder import locate
from corpora.images import ImageSource
from miner.config_file import load_config
from miner.run.projections import report_inputs
from miner.store.formats import write_bytes
from reports.page import render_report

if TYPE_CHECKING:
    from pathlib import Path

    from miner.run.folder import RunFolder


def write_report(folder: RunFolder, out: Path, *, location: str = "", images: bool = True) -> None:
    """Write the report of a run.

    Args:
        folder: A run folder.
        out: HTML file to write.
        location: Where the corpus is now, if it has moved since the run.
        images: Put pictures into it; without them it is small and needs no corpus.

    Raises:
        ArtefactError: The run has not finished, or the file cannot be written.
        CorpusError: The corpus is not where it was.
    """
    artefacts = folder.artefacts()
    source = ImageSource(locate(location or str(folder.read_state().get("location", "")))[0]) if images else None
    inputs = report_inputs(artefacts, load_config(folder.path / "run.toml"), source.open if source else _refuse)
    write_bytes(out, render_report(inputs, images=images).encode())


def _refuse(image: str) -> bytes:
    raise FileNotFoundError(image)

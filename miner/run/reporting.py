"""Draws the report of a finished run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpora.folder import locate
from corpora.images import ImageSource
from miner.config_file import load_config
from miner.run.base import finder, read_places
from miner.run.projections import read_evaluation, read_image_evaluation, report_inputs
from miner.store.formats import read_table, write_bytes
from reports.page import render_report

if TYPE_CHECKING:
    from pathlib import Path

    from corpora.images import ImageFinder
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
    open_image = find_images(folder, location).open if images else _refuse
    measured = read_evaluation(folder), read_image_evaluation(folder)
    inputs = report_inputs(artefacts, load_config(folder.path / "run.toml"), open_image, *measured)
    write_bytes(out, render_report(inputs, images=images).encode())


def find_images(folder: RunFolder, location: str) -> ImageFinder:
    """Open the one corpus of a run now, or those of a run that extends another when their pictures are wanted.

    Args:
        folder: A run folder.
        location: Where the corpus is now, if it has moved since the run.

    Raises:
        CorpusError: The corpus is not where it was.
    """
    places = read_places(folder)
    if location or len(places) == 1:
        return ImageSource(locate(location or str(places[0]["location"]))[0])
    return finder(read_table(folder.artefact("read").file("records.parquet"), ["image"]), places)


def _refuse(image: str) -> bytes:
    raise FileNotFoundError(image)

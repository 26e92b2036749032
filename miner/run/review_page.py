"""What the review page of a run works on, gathered from its folder."""

from __future__ import annotations

import getpass
import shutil
import tempfile
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from corpora.folder import locate
from corpora.images import ImageSource
from kb.bundle import verify_bundle, write_bundle
from kb.contents import StoreContents, open_contents
from kb.embedded_store import graph_file
from kb.export.formats import FORMATS, export_contents
from kb.store import open_store
from miner.config_file import load_config
from miner.errors import ArtefactError, CorpusError
from miner.patterns.detector import Detectors
from miner.run.folder import open_run
from miner.run.learning import PATCHES
from miner.run.reviewing import open_review, reviewed_bundle, sync_run_reviews
from miner.run.takedown import forgotten_hashes
from miner.store.formats import read_array, read_table, read_tensors
from miner.visual.geometry import geometry_of
from miner.visual.registry import load_backbone
from reports.review.desk import Desk, Export
from reports.review.photographs import Darkroom, HeatMap, no_heat
from reports.review.shelf import Shelf
from reports.review.sources import BundleTables, ContentsTables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from kb.export.formats import ExportFormat
    from kb.review.log import Journal
    from kb.review.mined import Mined
    from kb.review.session import Review
    from miner.config import VisualConfig
    from miner.run.folder import RunFolder
    from miner.store.artefact import Artefact
    from reports.review.photographs import HeatSource
    from reports.review.sources import Tables

__all__ = ["list_exports", "open_desk", "open_mined"]

ENDINGS = {
    "sdf": ".jsonld", "owl": ".ttl", "schema-org": ".jsonld", "graphml": ".graphml", "jsonl": ".jsonl", "shacl": ".ttl", "toml": ".toml", "grass": ".grass"
}  # fmt: skip


@contextmanager
def open_desk(
    run: Path, *, kb: str = "", location: str = "", others: Sequence[Path] = (), reviewer: str = ""
) -> Iterator[Desk]:
    """Open the review of a run for the page.

    Args:
        run: A run folder.
        kb: Store that the run was loaded into, to decide there; its folder if empty.
        location: Where the corpus is now, if it has moved since the run.
        others: Other runs to compare with.
        reviewer: Who decides unless they say otherwise; the user of this machine if not given.

    Raises:
        ArtefactError: There is no finished run in a folder.
        KbError: The bundle of the run is damaged, or the store cannot be read.
    """
    folder = open_run(run)
    config = load_config(run / "run.toml")
    named = {_name(path, others): partial(open_mined, path) for path in others}
    with _open(run, folder, kb) as (review, tables):
        shelf = Shelf(review.mined, tables)
        darkroom = Darkroom(
            shelf=shelf,
            open_image=_Images(location or str(folder.read_state().get("location", ""))),
            heat=_heat(folder, config.visual),
            kept=run / PATCHES,
            max_pixels=config.visual.max_pixels,
        )
        exports, opened = list_exports(run, review.journal), _version(folder)
        yield Desk(
            review, shelf, darkroom, reviewer or _user(), named, exports, is_current=lambda: _version(folder) == opened
        )


def _version(folder: RunFolder) -> tuple[object, frozenset[str]]:
    """Return what changes when a run is mined again or told to forget a record, and with nothing else."""
    stages = folder.read_state().get("stages")
    return stages.get("patterns") if isinstance(stages, dict) else None, forgotten_hashes(folder)


@contextmanager
def _open(run: Path, folder: RunFolder, kb: str) -> Iterator[tuple[Review, Tables]]:
    if not kb:
        verify_bundle(run / "bundle")
        review = open_review(run)
        before = len(review.journal.read())
        yield review, BundleTables(run / "bundle")
        if len(review.journal.read()) > before and graph_file(str(run)).is_file():
            with open_store(str(run)) as store:
                sync_run_reviews(run, store)
        return
    # It brings SciPy along, which takes a second or two to import.
    from kb.review.graph import open_kb_review  # noqa: PLC0415

    corpus = str(folder.read_state().get("corpus", ""))
    with open_store(kb) as store:
        yield open_kb_review(store, corpus=corpus), ContentsTables(StoreContents(store))


def list_exports(run: Path, journal: Journal) -> list[Export]:
    """Return every format of `kb export`, of what is accepted in the review of a run."""
    return [
        Export(made.name, made.holds, _file_name(made), partial(_export, run, journal, made))
        for made in FORMATS.values()
    ]


def _file_name(made: ExportFormat) -> str:
    return f"{made.name}{ENDINGS.get(made.name, '.zip' if made.write is None else '.json')}"


def _export(run: Path, journal: Journal, made: ExportFormat, out: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="eventminer-export-") as folder:
        bundle = Path(folder) / "bundle"
        bundle.mkdir()
        write_bundle(reviewed_bundle(run, journal=journal), bundle)
        with open_contents(str(bundle)) as contents:
            if made.write is not None:
                export_contents(contents, made.name, out)
                return
            export_contents(contents, made.name, Path(folder) / made.name)
        shutil.make_archive(str(out.with_suffix("")), "zip", folder, made.name)


def open_mined(run: Path) -> Mined:
    """Read the mined patterns of a run.

    Raises:
        ArtefactError: There is no finished run in the folder.
    """
    return open_review(run).mined


def _name(path: Path, others: Sequence[Path]) -> str:
    alike = sum(other.name == path.name for other in others)
    return path.name if alike == 1 else f"{path.parent.name}/{path.name}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "reviewer"


class _Images:
    """Opens the pictures of a corpus; a corpus that is not there is like one without pictures."""

    def __init__(self, location: str) -> None:
        self._location = location

    @cached_property
    def _source(self) -> ImageSource | None:
        try:
            return ImageSource(locate(self._location)[0])
        except (CorpusError, OSError):
            return None

    def __call__(self, image: str) -> bytes:
        if self._source is None:
            raise FileNotFoundError(image)
        return self._source.open(image)


def _heat(folder: RunFolder, visual: VisualConfig) -> HeatSource:
    """Return what draws heat maps, none where the run has kept no detectors."""
    artefacts = folder.artefacts()
    if "encode" not in artefacts or not artefacts["patterns"].file("detectors.safetensors").is_file():
        return no_heat
    return _Heat(artefacts["patterns"], artefacts["encode"], visual)


class _Heat:
    """Draws heat maps from the projected cells that a run has kept, one shard at a time and mapped from disk."""

    def __init__(self, patterns: Artefact, encode: Artefact, visual: VisualConfig) -> None:
        self._patterns, self._encode, self._visual = patterns, encode, visual

    @cached_property
    def _detectors(self) -> Detectors:
        return Detectors.from_tensors(read_tensors(self._patterns.file("detectors.safetensors")))

    @cached_property
    def _places(self) -> dict[str, int]:
        names = read_table(self._patterns.file("patterns.parquet"), ["pattern"])["pattern"].to_pylist()
        return {name: place for place, name in enumerate(names)}

    def __call__(self, pattern: str, record: str) -> HeatMap | None:
        for shard in self._encode.shards if pattern in self._places else ():
            try:
                images = read_table(shard / "images.parquet", ["record", "width", "height", "row"])
            except ArtefactError:
                return None
            found = images.filter(pc.and_(pc.equal(images["record"], record), pc.is_valid(images["row"]))).to_pylist()
            if found:
                cells = read_array(shard / "projected.npy")[found[0]["row"]]
                return self._draw(pattern, cells, found[0]["width"], found[0]["height"])
        return None

    def _draw(self, pattern: str, cells: npt.NDArray[np.float16], width: int, height: int) -> HeatMap:
        geometry = geometry_of(width, height, load_backbone(self._visual.backbone), self._visual.view)
        scores = self._detectors.heat(cells[None], self._places[pattern])[0]
        x0, y0, x1, y1 = geometry.frame
        frame = (x0 / width, y0 / height, x1 / width, y1 / height)
        return HeatMap(scores.reshape(geometry.grid, geometry.grid), frame)

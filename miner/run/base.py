"""The finished run that another one extends: its records, its calibration, and the work that need not be done again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpora.joint import Joined, SeveralFolders, join_declarations, join_records
from miner.config_file import load_config
from miner.errors import ArtefactError, ConfigError, CorpusError
from miner.run.folder import open_run
from miner.run.frozen_stages import BASE, CALIBRATION, extension_stages
from miner.store.formats import read_json, read_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from corpora.records import Corpus
    from miner.config import RunConfig
    from miner.run.folder import RunFolder
    from miner.run.stage import Stage
    from miner.store.artefact import Artefact

FROZEN_SECTIONS = ("seed", "holdout", "label", "visual", "text")

Places = list[dict[str, Any]]


@dataclass(frozen=True)
class BaseRun:
    """A finished run.

    Attributes:
        folder: Where it is.
        artefacts: What its stages made.
    """

    folder: RunFolder
    artefacts: Mapping[str, Artefact]

    @property
    def named(self) -> dict[str, Artefact]:
        """Its artefacts under the names by which stages that keep its calibration ask for them."""
        return {f"{BASE}{name}": artefact for name, artefact in self.artefacts.items()}

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages after labelling that keep its calibration."""
        return extension_stages(self.artefacts)

    def require_frozen(self, config: RunConfig) -> None:
        """Refuse parameters that the calibration was not made with, and calibrations that can be kept by nothing.

        Raises:
            ConfigError: Names the section that differs, or that the run held a part out.
            ArtefactError: The run was made by a version whose calibration means something else.
        """
        own = load_config(self.folder.path / "run.toml")
        for section in FROZEN_SECTIONS:
            if getattr(own, section) != getattr(config, section):
                raise ConfigError(
                    f"The calibration of {self.folder.path} was made with other parameters of {section!r}.",
                    hint="Leave them as they are, or add --recalibrate.",
                )
        if own.holdout.share:
            raise ConfigError(
                f"{self.folder.path} held out a part of its records, so more cannot join either side.",
                hint="Extend a run with holdout.share = 0, or add --recalibrate.",
            )
        for stage in CALIBRATION:
            if self.artefacts[stage.name].manifest["version"] != stage.version:
                raise ArtefactError(
                    f"{self.folder.path} was calibrated by another version of eventminer (stage {stage.name!r}).",
                    hint="Add --recalibrate.",
                )

    def require_same_labels(self, label: Artefact) -> None:
        """Refuse records that make another ontology or another source of labels fit better.

        Raises:
            CorpusError: Old and new records would be labelled in another way than the old ones were.
        """
        before, now = self.artefacts["label"], label
        same_mode = _mode(before) == _mode(now)
        if not same_mode or read_json(before.file("ontology.json")) != read_json(now.file("ontology.json")):
            raise CorpusError(
                f"With the new records, labels would come from another ontology or column than in {self.folder.path}.",
                hint="Name the ontology of both (label.ontology, label.mode), or add --recalibrate.",
            )

    def join(self, newer: Corpus) -> tuple[Corpus, Joined, Places]:
        """Give its records and those of a newer corpus as one corpus.

        Returns:
            The corpus; what of it is known; and where its pictures are: locations with numbers of records, in order.

        Raises:
            CorpusError: The two are in different languages.
        """
        known = read_table(self.artefacts["read"].file("records.parquet"))
        joined = join_records(known, newer.records)
        declaration = join_declarations(read_json(self.artefacts["read"].file("declaration.json")), newer.declaration)
        places = read_places(self.folder)
        location = absolute(newer.location)
        usable = set(newer.records.filter(newer.records["imageHash"].is_valid())["record"].to_pylist())
        if usable >= set(known.filter(known["imageHash"].is_valid())["record"].to_pylist()):
            places = [{"location": location, "records": joined.records.num_rows}]
        else:
            places = [*places, {"location": location, "records": joined.records.num_rows - joined.n_known}]
        images = newer.images if len(places) == 1 else finder(joined.records, places)
        return replace(newer, declaration=declaration, records=joined.records, images=images), joined, places


def open_base(path: Path) -> BaseRun:
    """Open the run that is to be extended.

    Raises:
        ArtefactError: There is none, or it has not finished.
    """
    folder = open_run(path)
    folder.artefact("bundle")
    return BaseRun(folder, folder.artefacts())


def read_places(folder: RunFolder) -> Places:
    """Return where the pictures of a run are: locations with numbers of records, in the order of its records.

    Raises:
        ArtefactError: `run.json` is damaged.
    """
    state = folder.read_state()
    places = state.get("places")
    if isinstance(places, list):
        return places
    n_records = read_table(folder.artefact("read").file("records.parquet"), ["record"]).num_rows
    return [{"location": str(state.get("location", "")), "records": n_records}]


def finder(records: pa.Table, places: Sequence[Mapping[str, Any]]) -> SeveralFolders:
    """Find the pictures of records that lie in several places."""
    images, first, found = records["image"].to_pylist(), 0, []
    for place in places:
        last = first + int(place["records"])
        found.append((str(place["location"]), [image for image in images[first:last] if image is not None]))
        first = last
    return SeveralFolders(found)


def absolute(location: str) -> str:
    """Return a location that holds from any working directory; `report` opens the pictures there."""
    return location if "://" in location else str(Path(location).absolute())


def _mode(label: Artefact) -> object:
    return read_json(label.file("labelling.json"))["mode"]

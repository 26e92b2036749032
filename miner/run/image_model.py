"""The image model of a run: fitted on what the run has encoded and labelled, kept beside it, used on new pictures.

`RUN/image-model/model.json` says what it tells apart and what it was made from, `model.safetensors` holds its arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from kb.extract.image import ImageModel, Votes, fit_image_model
from kb.extract.picture import KnownPattern, PictureReader
from miner.errors import ArtefactError, MiningError
from miner.patterns.detector import Detectors
from miner.run.encoded import Encoded
from miner.run.known import known_evidence, known_patterns, known_sources
from miner.run.rule_stages import by_record
from miner.run.split_stage import group_representatives, records_of_groups
from miner.store.fingerprint import digest_json
from miner.store.formats import read_json, read_table, read_tensors, write_json, write_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt
    import pyarrow as pa

    from miner.config import RunConfig
    from miner.run.known import KnownRun
    from miner.store.artefact import Artefact

IMAGE_MODEL = "image-model"
"""Part of a run folder: the image model that was fitted to the run."""

MODEL_VERSION = 1
DETECTORS = "detectors.safetensors"
INPUTS = ("encode", "groups", "split", "label", "patterns")


class Labelled(NamedTuple):
    """One side of a split, a row for each photo group.

    Attributes:
        event_types: All that records of either side are labelled with, sorted.
        rows: int64: rows of the encoded pictures that stand for the groups.
        votes: Event types of any record of the group; none where no record has one.
    """

    event_types: list[str]
    rows: npt.NDArray[np.int64]
    votes: Votes


def read_labelled(artefacts: Mapping[str, Artefact], *, held_out: bool = False) -> Labelled:
    """Gather what the weak labels say of the photo groups of one side of the split."""
    rows = group_representatives(artefacts["groups"], artefacts["split"], held_out=held_out)
    types = by_record(artefacts["label"].file("labels.parquet"), "eventTypes")
    event_types = sorted({name for own in types.values() for name in own or ()})
    groups = records_of_groups(artefacts["groups"], rows)
    shown = [{name for record in records for name in types.get(record) or ()} for records in groups]
    number = {name: place for place, name in enumerate(event_types)}
    pairs = [
        (place, label)
        for place, own in enumerate(shown)
        for label in sorted(number[name] for name in own) or [len(event_types)]
    ]
    picture, label = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Labelled(event_types, rows, Votes(picture, label))


def fit_from(
    artefacts: Mapping[str, Artefact], config: RunConfig, labelled: Labelled, known: KnownRun | None = None
) -> ImageModel:
    """Fit the image model to the training side of what a run has made.

    Args:
        artefacts: Those named in `INPUTS`.
        config: Of the run.
        labelled: The training side.
        known: The run with the decisions about it; none to take the patterns as they were mined.

    Raises:
        MiningError: The labels tell nothing apart.
    """
    if len(np.unique(labelled.votes.label)) < 2:
        raise MiningError(
            "All pictures of the run have the same event type, so there is nothing to tell apart.",
            hint="Add pictures of other event types, or of none.",
        )
    mined = artefacts["patterns"]
    table = read_table(mined.file("patterns.parquet")) if known is None else known_patterns(known)
    shown = read_table(mined.file("evidence.parquet"), ["pattern", "group"]) if known is None else known_evidence(known)
    patterns = [pattern.pattern for pattern in _visible(mined, table)]
    evidence = _evidence_rows(shown, patterns, labelled.rows)
    pooled = Encoded(artefacts["encode"]).rows("pooled", labelled.rows)
    shrinkage = config.pattern.shrinkage
    # The sums of a matrix product depend on the number of threads that share them.
    with threadpool_limits(1, user_api="blas"):
        return fit_image_model(
            pooled,
            labelled.votes,
            labelled.event_types,
            patterns,
            evidence,
            pattern_shrinkage=shrinkage,
            seed=config.seed,
        )


def _evidence_rows(
    evidence: pa.Table, patterns: Sequence[str], groups: npt.NDArray[np.int64]
) -> list[npt.NDArray[np.int64]]:
    """Return for each pattern where the photo groups of its evidence stand among those of the training side."""
    of_pattern: dict[str, list[int]] = {pattern: [] for pattern in patterns}
    for pattern, group in zip(evidence["pattern"].to_pylist(), evidence["group"].to_pylist(), strict=True):
        of_pattern[pattern].append(group)
    return [np.searchsorted(groups, np.unique(own)).astype(np.int64) for own in of_pattern.values()]


def train_image_model(known: KnownRun, config: RunConfig) -> ImageModel:
    """Fit the image model of a finished run, as it was reviewed, and keep it in the run's folder.

    Raises:
        ArtefactError: The run has not finished.
        MiningError: As of `fit_from`.
    """
    artefacts = known.folder.artefacts()
    model = fit_from(artefacts, config, read_labelled(artefacts), known)
    place = known.path / IMAGE_MODEL
    place.mkdir(exist_ok=True)
    write_tensors(place / "model.safetensors", model.tensors())
    made_from = _made_from(artefacts, known)
    about = {
        "version": MODEL_VERSION,
        "madeFrom": made_from,
        "eventTypes": model.event_types,
        "patterns": model.patterns,
    }
    write_json(place / "model.json", about)
    return model


def _made_from(artefacts: Mapping[str, Artefact], known: KnownRun) -> str:
    decided = {"decisions": list(known.decisions)} if known.decisions else {}
    return digest_json({name: artefacts[name].key for name in INPUTS} | decided)


def open_reader(known: KnownRun, config: RunConfig) -> PictureReader:
    """Open the image model of a run, fitting it where it is not there or was made from other artefacts or decisions."""
    artefacts = known.folder.artefacts()
    model = _read_model(known.path / IMAGE_MODEL, _made_from(artefacts, known)) or train_image_model(known, config)
    patterns = _visible(artefacts["patterns"], known_patterns(known))
    return PictureReader(model, patterns, _read_detectors(artefacts["patterns"], patterns, known_sources(known)))


def _visible(mined: Artefact, patterns: pa.Table) -> list[KnownPattern]:
    """Return the patterns that can be seen; those of a method that only reads captions cannot."""
    if DETECTORS not in mined.files:
        return []
    return [_known(row) for row in patterns.select(["pattern", "eventType", "role", "roles"]).to_pylist()]


def _read_detectors(mined: Artefact, patterns: Sequence[KnownPattern], sources: Mapping[str, str]) -> Detectors | None:
    """Return the detectors of patterns, in their order; a pattern that was split off has that of the one it was split from."""
    if DETECTORS not in mined.files or not patterns:
        return None
    names = read_table(mined.file("patterns.parquet"), ["pattern"])["pattern"].to_pylist()
    place = {name: at for at, name in enumerate(names)}
    own = Detectors.from_tensors(read_tensors(mined.file(DETECTORS)))
    return own.select([place[sources[pattern.pattern]] for pattern in patterns])


def _read_model(place: Path, made_from: str) -> ImageModel | None:
    try:
        about = read_json(place / "model.json")
        if about["version"] != MODEL_VERSION or about["madeFrom"] != made_from:
            return None
        return ImageModel.from_tensors(
            about["eventTypes"], about["patterns"], read_tensors(place / "model.safetensors")
        )
    except (ArtefactError, KeyError, FileNotFoundError):
        return None


def _known(row: Mapping[str, object]) -> KnownPattern:
    roles = row["roles"] if isinstance(row["roles"], list) else []
    scores = {item["role"]: float(item["score"]) for item in roles}
    role = row["role"]
    name = role if isinstance(role, str) and role else None
    return KnownPattern(str(row["pattern"]), str(row["eventType"]), name, scores.get(name or "", 0.0))

"""Measures a run on pictures that mining does not see: mines the training part of seeded splits, scores the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kb.evaluate.patterns import Measured, NameScore, Part, score_names, summarise, words_by_caption
from miner.config import HoldoutConfig
from miner.config_file import load_config
from miner.errors import ConfigError, MiningError
from miner.patterns.detector import Detectors
from miner.run.base import read_places
from miner.run.encoded import Encoded
from miner.run.job import count_threads, open_executor
from miner.run.pattern_stage import PATTERNS
from miner.run.pipeline import Pipeline
from miner.run.read_stages import LABEL, identify_corpus, keep_corpus, open_corpus
from miner.run.split_stage import group_representatives
from miner.run.stages import STAGES
from miner.run.text_stages import read_captions
from miner.store.formats import read_array, read_table, read_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from miner.run.folder import RunFolder
    from miner.run.job import Place
    from miner.run.progress import Progress
    from miner.store.artefact import Artefact


@dataclass(frozen=True)
class NameEvaluation:
    """R-precision of names over some splits.

    Attributes:
        corpus: Name of the corpus.
        scores: One per split and pattern.
        measured: Means over all of them.
        seeds: Of the splits.
    """

    corpus: str
    scores: Sequence[NameScore]
    measured: Sequence[Measured]
    seeds: Sequence[int]


def evaluate_names(
    folder: RunFolder, *, holdout: float, seeds: Sequence[int], place: Place, progress: Progress, location: str = ""
) -> NameEvaluation:
    """Mine again without a part of the photo groups, with the run's own parameters, and score the names on that part.

    What the run has read, encoded and parsed is used again; thresholds, word vectors, text items, rules, detectors and names
    are all made from the training part alone.

    Args:
        folder: A finished run.
        holdout: Share of the photo groups to hold out.
        seeds: One split each.
        place: Where the work is done.
        progress: Where to report.
        location: Where the corpus is now, if it has moved since the run.

    Raises:
        MiningError: The training part of a split has no patterns.
        EventMinerError: As of `run_corpus`.
    """
    config = load_config(folder.path / "run.toml")
    with folder.claim(), open_executor(place) as executor:
        corpus = open_corpus(location or _only_place(folder), config.corpus, progress)
        read, _ = keep_corpus(corpus, identify_corpus(corpus), folder.store)
        stages = STAGES[: STAGES.index(PATTERNS) + 1]
        scores: list[NameScore] = []
        for seed in seeds:
            split = config.model_copy(update={"holdout": HoldoutConfig(share=holdout, seed=seed)})
            pipeline = Pipeline(folder.store, split, corpus, executor, progress, count_threads(place), {"read": read})
            pipeline.run([LABEL])
            scores.extend(_score(pipeline.run(stages), progress))
    return NameEvaluation(corpus.declaration.name, scores, summarise(scores, seed=config.seed), seeds)


def _only_place(folder: RunFolder) -> str:
    """Return where the corpus of a run is.

    Raises:
        ConfigError: It lies in several places, because the run extends another.
    """
    places = read_places(folder)
    if len(places) > 1:
        raise ConfigError(
            f"The records of {folder.path} lie in {len(places)} places, so they cannot be split again.",
            hint="Put them into one corpus and run it; or evaluate the run that was extended.",
        )
    return str(places[0]["location"])


def _score(artefacts: Mapping[str, Artefact], progress: Progress) -> list[NameScore]:
    patterns = read_table(artefacts["patterns"].file("patterns.parquet"))
    if not len(patterns):
        raise MiningError("The training part of the split has no patterns, so there are no names to score.")
    detectors = Detectors.from_tensors(read_tensors(artefacts["patterns"].file("detectors.safetensors")))
    thresholds = read_array(artefacts["filters"].file("thresholds.npy"))
    with progress.stage("score names"):
        training, held_out = _part(artefacts, held_out=False), _part(artefacts, held_out=True)
        return score_names(patterns, detectors, np.asarray(thresholds), training, held_out)


def _part(artefacts: Mapping[str, Artefact], *, held_out: bool) -> Part:
    """Gather the pictures of one side of the split, one per photo group, with the captions of all copies."""
    rows = group_representatives(artefacts["groups"], artefacts["split"], held_out=held_out)
    encoded = Encoded(artefacts["encode"])
    images = encoded.images()
    records = images.filter(images["row"].is_valid())["record"].to_pylist()
    group_of = read_array(artefacts["groups"].file("groups.npy"))
    words = words_by_caption(read_captions(artefacts["captions"]))
    by_group: dict[int, list[frozenset[str]]] = {int(row): [] for row in rows}
    for record, group in zip(records, group_of.tolist(), strict=True):
        if group in by_group:
            by_group[group].extend(words.get(record, []))
    labels = read_table(artefacts["label"].file("labels.parquet"), ["record", "eventTypes"])
    types = dict(zip(labels["record"].to_pylist(), labels["eventTypes"].to_pylist(), strict=True))
    types_of: dict[int, set[str]] = {group: set() for group in by_group}
    for record, group in zip(records, group_of.tolist(), strict=True):
        if group in types_of:
            types_of[group].update(types.get(record, ()))
    return Part(
        list(by_group.values()),
        [frozenset(types_of[group]) for group in by_group],
        encoded.pooled()[rows],
        encoded.maxima()[rows],
    )

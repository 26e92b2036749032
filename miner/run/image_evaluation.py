"""Measures how well event types are read off pictures that neither mining nor the image model has seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kb.evaluate.images import calibration_error, pool_curves, probe_types, reliability
from kb.evaluate.intervals import estimate, estimate_quotient
from miner.config_file import load_config
from miner.errors import MiningError
from miner.patterns.detector import pooled_features
from miner.patterns.f1 import f1_by_label
from miner.run.encoded import Encoded
from miner.run.evaluation import Desk, Measure, only_place
from miner.run.evaluation_splits import Workshop, held_out_config
from miner.run.folder import IMAGE_EVALUATION
from miner.run.image_model import fit_from, read_labelled
from miner.run.job import count_threads, open_executor
from miner.store.formats import write_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kb.evaluate.images import Bin
    from kb.evaluate.intervals import Estimate
    from miner.config import RunConfig
    from miner.run.folder import RunFolder
    from miner.run.job import Place
    from miner.run.progress import Progress
    from miner.store.artefact import Artefact

MODEL, PROBE = "model", "probe"
MACRO_F1, F1, ECE = "macro-f1 of event types", "f1 of event type", "expected calibration error"


@dataclass
class _Splits:
    """What was measured, a list for each split: F1 by event type of each method, and the reliability curve of the model."""

    f1: dict[str, list[dict[str, float]]] = field(default_factory=lambda: {MODEL: [], PROBE: []})
    curves: list[list[Bin]] = field(default_factory=list)


def evaluate_images(
    folder: RunFolder,
    *,
    holdout: float,
    seeds: Sequence[int],
    place: Place,
    progress: Progress,
    location: str = "",
) -> list[Measure]:
    """Mine and fit without a part of the photo groups, decide for the event type of those, and compare with a probe.

    What is measured is kept in the folder of the run, for the report.

    Pictures without a label are of none: what is wrongly decided for them counts. The probe is a multinomial logistic
    regression on the same pooled features and labels, its strength chosen inside the training part.

    Args:
        folder: A finished run.
        holdout: Share of the photo groups to hold out.
        seeds: One split each.
        place: Where the work is done.
        progress: Where to report.
        location: Where the corpus is now, if it has moved since the run.

    Raises:
        MiningError: The labels tell nothing apart.
        EventMinerError: As of `run_corpus`.
    """
    config = load_config(folder.path / "run.toml")
    splits = _Splits()
    with folder.claim(), open_executor(place) as executor:
        desk = Desk(folder, config, executor, progress, count_threads(place))
        pipeline = desk.open(location or only_place(folder))
        for seed in seeds:
            progress.note(f"split {seed}")
            artefacts = Workshop(pipeline).mine(held_out_config(config, holdout, seed))
            with progress.stage("read event types off pictures"):
                _measure(artefacts, config, seed, splits)
        corpus = pipeline.corpus.declaration.name
        rows = _summarise(splits, corpus, list(seeds), config.seed)
        curve = [each._asdict() for each in pool_curves(splits.curves)]
        content = {"corpus": corpus, "holdout": holdout, "seeds": list(seeds), "curve": curve}
        write_json(folder.path / IMAGE_EVALUATION, content | {"rows": [row._asdict() for row in rows]})
    return rows


def _measure(artefacts: Mapping[str, Artefact], config: RunConfig, seed: int, splits: _Splits) -> None:
    training, held_out = read_labelled(artefacts), read_labelled(artefacts, held_out=True)
    event_types = training.event_types
    model = fit_from(artefacts, config, training)
    if not len(held_out.votes.label):
        raise MiningError(f"Nothing is held out by split {seed}.", hint="Use a larger --holdout or more pictures.")
    encoded = Encoded(artefacts["encode"])
    pooled = encoded.rows("pooled", held_out.rows)[held_out.votes.picture]
    labels, n_types = held_out.votes.label, len(event_types)
    probabilities = model.probabilities(pooled)
    seen = pooled_features(encoded.rows("pooled", training.rows)[training.votes.picture])
    probed = probe_types(seen, training.votes.label, pooled_features(pooled), n_types, seed=seed)
    for method, decided in ((MODEL, model.decide(probabilities)), (PROBE, probed)):
        scores = f1_by_label(decided, labels, n_types)
        splits.f1[method].append({event_types[label]: score for label, score in scores.items()})
    splits.curves.append(reliability(probabilities, labels))


def _summarise(splits: _Splits, corpus: str, seeds: list[int], seed: int) -> list[Measure]:
    samples = {method: [list(own.values()) for own in found] for method, found in splits.f1.items()}
    rows = [_row(MACRO_F1, method, corpus, estimate(sample, seed=seed), seeds) for method, sample in samples.items()]
    ratio = estimate_quotient(samples[MODEL], samples[PROBE], seed=seed)
    rows.append(_row(f"ratio, {MACRO_F1}", f"{MODEL} / {PROBE}", corpus, ratio, seeds))
    errors = estimate([[calibration_error(curve)] for curve in splits.curves], seed=seed)
    rows.append(_row(ECE, MODEL, corpus, errors, seeds))
    for event_type in sorted({name for own in splits.f1[MODEL] for name in own}):
        for method, found in splits.f1.items():
            values = [[own[event_type]] for own in found if event_type in own]
            rows.append(_row(f"{F1}, {event_type}", method, corpus, estimate(values, seed=seed), seeds))
    return rows


def _row(measure: str, method: str, corpus: str, found: Estimate, seeds: list[int]) -> Measure:
    return Measure(measure, method, corpus, found.value, found.low, found.high, found.n, seeds)

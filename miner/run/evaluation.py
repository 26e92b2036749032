"""Measures a run: mines parts of its corpus again, by our method and by the baselines, and scores them on what mining did not see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from kb.evaluate.intervals import estimate, estimate_quotient
from kb.evaluate.patterns import N_BEST
from miner.config_file import load_config
from miner.errors import BackboneError, ConfigError
from miner.run.base import read_places
from miner.run.evaluation_parts import OTHER, PART_INPUTS
from miner.run.evaluation_splits import APART, OWN, Workshop, held_out_config
from miner.run.evaluation_stages import METHODS, OURS, SHUFFLED, SHUFFLES, STABILITY, VALUES, measuring_stages
from miner.run.folder import EVALUATION
from miner.run.job import count_threads, open_executor
from miner.run.pipeline import Pipeline
from miner.run.read_stages import LABEL, identify_corpus, keep_corpus, open_corpus
from miner.run.split_stage import SPLIT_STAGE
from miner.run.stages import STAGES
from miner.run.takedown import hide_forgotten
from miner.store.formats import read_json, read_table, write_json
from miner.visual.judges import judge_names, open_judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corpora.records import Corpus
    from kb.evaluate.intervals import Estimate
    from miner.config import RunConfig
    from miner.run.executor import Executor
    from miner.run.folder import RunFolder
    from miner.run.job import Place
    from miner.run.progress import Progress
    from miner.run.stage import Stage
    from miner.store.artefact import Artefact

__all__ = ["Evaluation", "Measure", "evaluate_patterns"]

QUOTIENTS = (
    ("r-precision of names", OURS, "probe"),
    ("r-precision of names", OURS, "filter-set"),
    ("r-precision of names", OURS, "visual-only"),
    ("r-precision of names", OURS, "mdpm"),
    ("r-precision of names without triggers", OURS, "visual-only"),
    ("r-precision of names without triggers", OURS, "mdpm"),
    ("concepts", OURS, "visual-only"),
    ("concepts", OURS, "mdpm"),
    ("concepts", OURS, "text-only"),
    ("concepts without trigger names", OURS, "visual-only"),
    ("concepts without trigger names", OURS, "mdpm"),
    ("concepts without trigger names", OURS, "text-only"),
    ("concepts seen", OURS, "visual-only"),
    ("concepts seen", OURS, "mdpm"),
)
SAME_NAMES = frozenset({"probe", "filter-set"})
"""What is measured on our own names; what other methods have are other names."""
CONSISTENCY = "consistency, "
PATTERNS_OF_OURS = ("patterns", OURS)


class Measure(NamedTuple):
    """One measure of one method, averaged over splits, with its 95 % interval; `None` where there is nothing to measure.

    Attributes:
        seeds: Of the splits that it comes from: those with something to measure and, for ratios, with patterns of ours.
    """

    measure: str
    method: str
    corpus: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    seeds: list[int]


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        rows: By measure and method.
        names: Every name that was scored, with its scores; JSON.
    """

    rows: Sequence[Measure]
    names: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Desk:
    """What all measurements of one run need."""

    folder: RunFolder
    config: RunConfig
    executor: Executor
    progress: Progress
    n_threads: int

    def open(self, location: str) -> Pipeline:
        """Read a corpus into the run's folder."""
        corpus = hide_forgotten(open_corpus(location, self.config.corpus, self.progress), self.folder)
        read, _ = keep_corpus(corpus, identify_corpus(corpus), self.folder.store)
        return Pipeline(
            self.folder.store, self.config, corpus, self.executor, self.progress, self.n_threads, {"read": read}
        )

    def judges(self) -> list[str]:
        """Return the encoders of patches that are installed, and say what to do about the others."""
        found = []
        for name in judge_names(self.config.visual.backbone):
            try:
                open_judge(name)
            except BackboneError as error:
                self.progress.note(f"consistency is not judged by {name}: {error.message} ({error.hint})")
            else:
                found.append(name)
        return found


def evaluate_patterns(
    folder: RunFolder,
    *,
    place: Place,
    progress: Progress,
    holdout: float = 0.4,
    seeds: Sequence[int] = (0,),
    heldout: str = "",
    location: str = "",
    methods: Sequence[str] = METHODS,
) -> Evaluation:
    """Measure our patterns and those of the baselines on pictures that mining does not see, and leave the rows in the folder.

    What the run has read, encoded and parsed is used again; thresholds, word vectors, text items, rules, detectors and names
    are all made from the training part alone. What is mined and measured is kept, so that an interrupted measurement goes on.

    Args:
        folder: A finished run.
        place: Where the work is done.
        progress: Where to report.
        holdout: Share of the photo groups to hold out of each split.
        seeds: One split each.
        heldout: Another corpus to measure on, in place of splits: then mining sees all of the run's.
        location: Where the corpus is now, if it has moved since the run.
        methods: Ours and what it is compared with.

    Raises:
        ConfigError: The corpus lies in several places.
        MiningError: Every record of the other corpus has a photograph or a caption of the run's own.
        EventMinerError: As of `run_corpus`.
    """
    config = load_config(folder.path / "run.toml")
    with folder.claim(), open_executor(place) as executor:
        desk = Desk(folder, config, executor, progress, count_threads(place))
        pipeline = desk.open(location or only_place(folder))
        if heldout:
            kept = [_measure_other(desk, pipeline, heldout, methods)]
        else:
            # What compares methods first: who stops the rest has that already.
            kept = [_compare_split(desk, pipeline, holdout, seed, methods) for seed in seeds]
            kept += [_check_split(desk, pipeline, holdout, seed) for seed in seeds]
        name = kept[0].corpus
        found = Evaluation(summarise(kept, name, config.seed), [row for own in kept for row in own.names])
        _note_empty(kept, progress)
        write_json(folder.path / EVALUATION, {"rows": [row._asdict() for row in found.rows]})
    return found


class Kept(NamedTuple):
    """What was measured of one split.

    Attributes:
        corpus: Name of the corpus that was measured on.
        seed: Of the split; none where that was another corpus.
        values: As `miner.run.evaluation_stages.Values` are written.
        names: Every name that was scored.
    """

    corpus: str
    seed: int | None
    values: list[dict[str, Any]]
    names: list[dict[str, Any]]


def _compare_split(desk: Desk, pipeline: Pipeline, share: float, seed: int, methods: Sequence[str]) -> Kept:
    """Mine the training part of a split by every method, and measure on the rest."""
    desk.progress.note(f"split {seed}")
    config = held_out_config(desk.config, share, seed)
    artefacts = _mine_all(Workshop(pipeline), config, methods)
    stages = measuring_stages(methods, other=False, judges=desk.judges())
    return _read(replace(pipeline, config=config, artefacts=artefacts), stages, pipeline.corpus, seed)


def _check_split(desk: Desk, pipeline: Pipeline, share: float, seed: int) -> Kept:
    """Mine the halves of a split, and its training part made meaningless, by our method."""
    desk.progress.note(f"halves and shuffles of split {seed}")
    workshop = Workshop(pipeline)
    config, halves = held_out_config(desk.config, share, seed), held_out_config(desk.config, 0.5, seed)
    a, b = workshop.mine(halves), workshop.mine_rest(halves)
    artefacts = {"encode": a["encode"], "a.patterns": a["patterns"], "b.patterns": b["patterns"]}
    artefacts |= {f"{what}.patterns": workshop.mine_shuffled(config, what)["patterns"] for what in SHUFFLES}
    return _read(replace(pipeline, config=config, artefacts=artefacts), (STABILITY, SHUFFLED), pipeline.corpus, seed)


def _measure_other(desk: Desk, pipeline: Pipeline, location: str, methods: Sequence[str]) -> Kept:
    """Mine all of the run's corpus by every method, and measure on another corpus."""
    config = held_out_config(desk.config, 0.0, 0)
    artefacts = _mine_all(Workshop(pipeline), config, methods)
    other = replace(desk.open(location), config=config)
    other.artefacts |= {OWN + name: artefacts[name] for name in ("read", "encode")}
    found = other.run([LABEL, *STAGES[: STAGES.index(SPLIT_STAGE)], APART])
    apart = read_table(found["split"].file("split.parquet"))
    n_shared = sum(apart["heldOut"].to_pylist())
    desk.progress.note(
        f"{n_shared:,} of {len(apart):,} records of {other.corpus.declaration.name} share a photograph or a caption with the "
        "run's own corpus, directly or through others, and are left out"
    )
    artefacts |= {OTHER + name: found[name] for name in PART_INPUTS}
    stages = measuring_stages(methods, other=True, judges=desk.judges())
    return _read(replace(pipeline, config=config, artefacts=artefacts), stages, other.corpus, None)


def _mine_all(workshop: Workshop, config: RunConfig, methods: Sequence[str]) -> dict[str, Artefact]:
    """Return the artefacts that methods share, and the patterns of each."""
    mined = {method: workshop.mine(config, method=method) for method in methods}  # type: ignore[arg-type]
    shared = {name: artefact for name, artefact in mined[OURS].items() if name not in {"mine", "patterns"}}
    return shared | {f"{method}.patterns": own["patterns"] for method, own in mined.items()}


def _read(pipeline: Pipeline, stages: Sequence[Stage], corpus: Corpus, seed: int | None) -> Kept:
    """Run the measuring stages and read what they kept."""
    artefacts = pipeline.run(stages)
    contents = [read_json(artefacts[stage.name].file(VALUES)) for stage in stages]
    values = [own for content in contents for own in content["values"]]
    names = [{"seed": seed, **name} for own in contents for name in own["names"]]
    return Kept(corpus.declaration.name, seed, values, names)


def _note_empty(kept: Sequence[Kept], progress: Progress) -> None:
    """Say in which splits our method found nothing, as the baselines are not measured there by as many patterns as ours."""
    found = {
        one.seed
        for one in kept
        for own in one.values
        if (own["measure"], own["method"]) == PATTERNS_OF_OURS and own["values"]
    }
    empty = sorted({one.seed for one in kept if one.seed is not None} - found)
    if empty:
        progress.note(
            f"no patterns of ours in split {', '.join(map(str, empty))}: the {N_BEST} best of each baseline are measured there, "
            "and ratios leave it out"
        )


def summarise(kept: Sequence[Kept], corpus: str, seed: int) -> list[Measure]:
    """Average over splits, and divide what is compared.

    Args:
        kept: What was measured; several of one split are taken together.
        corpus: Name of the corpus that was measured on.
        seed: Of the bootstrap.
    """
    splits: dict[int | None, dict[tuple[str, str], dict[str, Any]]] = {one.seed: {} for one in kept}
    for one in kept:
        splits[one.seed] |= {(own["measure"], own["method"]): own for own in one.values}
    kinds = {key: own["kind"] for split in splits.values() for key, own in split.items()}
    samples = {key: [split[key]["values"] if key in split else [] for split in splits.values()] for key in kinds}
    rows = []
    for key, sample in samples.items():
        # A sum of no values is 0, a mean of none is nothing.
        used = [own for own, split in splits.items() if key in split and (kinds[key] == "sum" or split[key]["values"])]
        rows.append(_row(*key, corpus, estimate(sample, kinds[key], seed=seed), used))
    mined = {own for own, split in splits.items() if split.get(PATTERNS_OF_OURS, {"values": True})["values"]}
    for measure, method, other in _quotients(samples):
        pairs = zip(splits, samples[measure, method], samples[measure, other], strict=True)
        compared = [pair for pair in pairs if pair[0] in mined and (kinds[measure, method] == "sum" or all(pair[1:]))]
        used, above, below = (
            [pair[0] for pair in compared],
            [pair[1] for pair in compared],
            [pair[2] for pair in compared],
        )
        found = estimate_quotient(above, below, kinds[measure, method], seed=seed, paired=other in SAME_NAMES)
        rows.append(_row(f"ratio, {measure}", f"{method} / {other}", corpus, found, used))
    return rows


def _row(measure: str, method: str, corpus: str, found: Estimate, seeds: Sequence[int | None]) -> Measure:
    of = [own for own in seeds if own is not None]
    return Measure(measure, method, corpus, found.value, found.low, found.high, found.n, of)


def _quotients(samples: Mapping[tuple[str, str], object]) -> Iterator[tuple[str, str, str]]:
    """Yield what is compared, as far as it was measured."""
    judged = sorted({measure for measure, _ in samples if measure.startswith(CONSISTENCY)})
    patches = ((measure, OURS, other) for measure in judged for other in ("visual-only", "mdpm"))
    for measure, method, other in (*QUOTIENTS, *patches):
        if {(measure, method), (measure, other)} <= samples.keys():
            yield measure, method, other


def only_place(folder: RunFolder) -> str:
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

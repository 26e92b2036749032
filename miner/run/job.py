"""One `eventminer run`: a corpus in, a run folder out."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from miner.config_file import render_config
from miner.errors import ConfigError, CorpusError
from miner.run.base import absolute, open_base
from miner.run.baseline_stages import with_method
from miner.run.engines import kind_of
from miner.run.executor import LocalExecutor, count_cores
from miner.run.frozen_stages import BASE, describe_drift
from miner.run.learning import REVIEW, keep_decisions, learning, take_decisions
from miner.run.pipeline import Pipeline
from miner.run.projections import PROJECTIONS
from miner.run.read_stages import LABEL, identify_corpus, keep_corpus, open_corpus
from miner.run.stages import STAGES
from miner.run.takedown import count_unfinished, hide_forgotten, unchanged_work
from miner.store.formats import read_json, read_table, write_bytes
from miner.visual.registry import load_backbone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from corpora.joint import Joined
    from corpora.records import Corpus
    from miner.config import RunConfig
    from miner.run.base import BaseRun, Places
    from miner.run.executor import Executor
    from miner.run.folder import RunFolder
    from miner.run.progress import Progress
    from miner.run.spread import Spread
    from miner.store.artefact import Artefact

logger = logging.getLogger(__name__)

DEVICES = {"onnx": "CPU (ONNX Runtime)", "torch": "GPU (torch)"}


@dataclass(frozen=True)
class Place:
    """Where the work is done; never changes a result.

    Attributes:
        n_threads: Threads of this process; 0 for one per core.
        n_workers: Dask worker processes to start on this machine; 0 for none.
        scheduler: Address of a Dask scheduler to use instead; empty for none.
        spread: How votes are shared out among workers.
    """

    n_threads: int = 0
    n_workers: int = 0
    scheduler: str = ""
    spread: Spread = "auto"


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    Attributes:
        corpus: Name of the corpus.
        out: The run folder.
        n_records: Records, usable or not.
        n_bad: Those that cannot be used, for whatever reason.
        n_rules: Rules kept.
        smallest_log10_p: Decimal logarithm of the smallest p-value that any rule could have reached.
        n_patterns: Patterns found.
        n_event_types: Event types that have a pattern.
        made: What had to be made; empty when everything was there already.
        too_many_bad: Whether more records are bad than the configuration allows.
    """

    corpus: str
    out: Path
    n_records: int
    n_bad: int
    n_rules: int
    smallest_log10_p: float
    n_patterns: int
    n_event_types: int
    made: tuple[str, ...]
    too_many_bad: bool


@contextmanager
def open_executor(place: Place) -> Iterator[Executor]:
    """Open the place where shards are worked on.

    Raises:
        ConfigError: More threads or workers than cores, or two places at once.
        ExecutorError: Dask does not start or does not answer.
    """
    if place.n_workers and place.scheduler:
        raise ConfigError("--workers and --scheduler are two places to work at.", hint="Give one of them.")
    if not place.n_workers and not place.scheduler:
        yield LocalExecutor(count_threads(place))
        return
    # A second to import, and only needed here.
    from miner.run.dask_executor import local_cluster, remote_cluster  # noqa: PLC0415

    with local_cluster(place.n_workers) if place.n_workers else remote_cluster(place.scheduler) as executor:
        yield executor


def count_threads(place: Place) -> int:
    """Return the number of threads this process uses.

    Raises:
        ConfigError: It is more than there are cores.
    """
    n_cores = count_cores()
    if place.n_threads > n_cores:
        raise ConfigError(
            f"--threads {place.n_threads} is more than the {n_cores} cores of this machine.",
            hint=f"Use --threads {n_cores} or less.",
        )
    return place.n_threads or n_cores


@dataclass(frozen=True)
class Extension:
    """What a run extends.

    Attributes:
        base: Folder of a finished run.
        recalibrate: Fit thresholds, word clusters and masks again over old and new records.
    """

    base: Path
    recalibrate: bool = False


def run_corpus(
    location: str,
    folder: RunFolder,
    config: RunConfig,
    *,
    place: Place,
    progress: Progress,
    force: bool = False,
    extension: Extension | None = None,
    learn: bool = False,
    forgetting: bool = False,
) -> RunSummary:
    """Mine a corpus, or finish what a killed run began.

    Args:
        location: The corpus: a path or an fsspec URL.
        folder: Where everything goes.
        config: Parameters.
        place: Where the work is done.
        progress: Where to report.
        force: Turn a folder that belongs to another corpus over to this one.
        extension: The run whose records come first; the corpus has the new ones, and may have those too.
        learn: Heed what reviewers decided about this run, and about the one it extends.
        forgetting: The corpus is that of the folder, but for records to forget.

    Raises:
        EventMinerError: Anything that stops the run; what was finished before is kept.
    """
    load_backbone(config.visual.backbone)
    if learn and config.method != "ours":
        raise ConfigError(f"--learn cannot teach the baseline {config.method!r}.", hint="Leave --method out.")
    with folder.claim(), open_executor(place) as executor:
        progress.note(f"device: {DEVICES[kind_of(executor.engine)]}; {executor.description}")
        base = _open_base(extension, folder, config)
        corpus = hide_forgotten(open_corpus(location, config.corpus, progress), folder)
        places = [{"location": absolute(location), "records": corpus.records.num_rows}]
        if base:
            corpus, joined, places = base.join(corpus)
            progress.note(_describe_joined(joined, base))
        logger.info("corpus %s: %d records", corpus.declaration.name, corpus.records.num_rows)
        identity = identify_corpus(corpus)
        earlier = base.artefacts if base else unchanged_work(folder, corpus)
        for note in _doubts(folder, identity.key, same=bool(earlier)) if forgetting else _left_overs(folder):
            progress.note(note)
            logger.warning(note)
        _take_over(folder, corpus, identity.key, places, force=force or forgetting)
        read, is_new = keep_corpus(corpus, identity, folder.store)
        toml = f"{_title(corpus)}{render_config(config)}".encode()
        if not (folder.path / "run.toml").exists():
            write_bytes(folder.path / "run.toml", toml)
        pipeline = Pipeline(
            folder.store, config, corpus, executor, progress, count_threads(place), {"read": read}, ["read"] * is_new
        )
        pipeline.spread = place.spread
        pipeline.earlier = earlier
        pipeline.run([LABEL])
        for note in read_json(pipeline.artefacts["label"].file("labelling.json"))["notes"]:
            progress.note(note)
        _require_event_types(pipeline)
        is_learning = learn and _learn(pipeline, folder, base)
        recalibrate = extension is not None and extension.recalibrate
        artefacts = _run_stages(pipeline, base, recalibrate=recalibrate, learn=is_learning)
        write_bytes(folder.path / "run.toml", toml)
        renewed = _project(folder, pipeline)
        logger.info("made %s", ", ".join(dict.fromkeys((*pipeline.made, *renewed))) or "nothing")
        if folder.mirror:
            with progress.stage("publish"):
                folder.publish()
            progress.note(f"copied to {folder.mirror.url}")
        return _summarise(folder, pipeline, artefacts, renewed)


def _open_base(extension: Extension | None, folder: RunFolder, config: RunConfig) -> BaseRun | None:
    """Open the run to extend.

    Raises:
        ConfigError: It is the run folder itself, or its calibration cannot be kept under this configuration.
        ArtefactError: It has not finished.
    """
    if extension is None:
        return None
    if extension.base.absolute() == folder.path.absolute():
        raise ConfigError("--extend and --out name the same folder.", hint="Give the extended run a folder of its own.")
    base = open_base(extension.base)
    if not extension.recalibrate:
        base.require_frozen(config)
    return base


def _doubts(folder: RunFolder, records: str, *, same: bool) -> Iterator[str]:
    """Say so where the corpus has changed in more than the records to forget."""
    if not same and folder.read_state().get("records") != records:
        yield f"The corpus is not as it was when {folder.path} was made, or that cannot be told; what it has now is mined."


def _left_overs(folder: RunFolder) -> Iterator[str]:
    """Say so where a record was not forgotten to the end."""
    if n_records := count_unfinished(folder):
        yield (
            f"Forgetting was interrupted (records: {n_records:,}); old parts of {folder.path} and stores may still have them. "
            f"Give 'eventminer corpus forget RECORD_ID --run {folder.path}' again, with --kb if it was given."
        )


def _describe_joined(joined: Joined, base: BaseRun) -> str:
    n_new = joined.records.num_rows - joined.n_known
    again = f" ({joined.n_again:,} of them are in the corpus again)" if joined.n_again else ""
    return f"extends {base.folder.path}: {joined.n_known:,} records known{again}, {n_new:,} new"


def _learn(pipeline: Pipeline, folder: RunFolder, base: BaseRun | None) -> bool:
    """Make the decisions of reviewers an artefact that patterns depend on; tell whether there are any."""
    decisions = take_decisions(folder, base.folder if base else None)
    if decisions:
        pipeline.artefacts[REVIEW] = keep_decisions(decisions, folder.store)
    note = f"learns from {len(decisions):,} decisions" if decisions else "--learn: nobody has decided anything yet"
    pipeline.progress.note(note)
    return bool(decisions)


def _run_stages(pipeline: Pipeline, base: BaseRun | None, *, recalibrate: bool, learn: bool) -> Mapping[str, Artefact]:
    """Run everything after labelling, with the calibration of another run where that is kept."""
    method = pipeline.config.method
    if base is None or recalibrate:
        return pipeline.run(with_method(learning(STAGES) if learn else STAGES, method))
    base.require_same_labels(pipeline.artefacts["label"])
    pipeline.artefacts.update(base.named)
    artefacts = pipeline.run(with_method(learning(base.stages) if learn else base.stages, method))
    for line in describe_drift(artefacts["drift"]):
        pipeline.progress.note(line)
        logger.info(line)
    return artefacts


def _require_event_types(pipeline: Pipeline) -> None:
    """Stop before hours of encoding where no rule could ever beat the prior of its event type.

    Raises:
        CorpusError: Fewer than two event types have records, and unlabelled records are no background.
    """
    lists = read_table(pipeline.artefacts["label"].file("labels.parquet"), ["eventTypes"])["eventTypes"].to_pylist()
    types = {name for names in lists for name in names}
    if not types or (len(types) == 1 and not pipeline.config.mine.background):
        found = f"only {next(iter(types))!r}" if types else "no event type"
        raise CorpusError(
            f"Nothing can tell event types apart: the records have {found}.",
            hint="Label more types; or, with one type, count unlabelled records as contrast: -o mine.background=true.",
        )


def _title(corpus: Corpus) -> str:
    return f"# Corpus: {' '.join(corpus.declaration.name.split())}\n\n"


def _take_over(folder: RunFolder, corpus: Corpus, records: str, places: Places, *, force: bool) -> None:
    """Write the corpus into a new folder, or refuse one that belongs to another corpus."""
    name = corpus.declaration.name
    if not force:
        folder.check_corpus(name, records)
    if folder.read_state().get("records") != records:
        folder.write_state({"corpus": name, "records": records})
    folder.write_state(folder.read_state() | {"location": absolute(corpus.location), "places": places})


def _project(folder: RunFolder, pipeline: Pipeline) -> list[str]:
    """Renew what is made from the artefacts, and write down the artefacts of this run."""
    own = {name: artefact.key for name, artefact in pipeline.artefacts.items() if not name.startswith(BASE)}
    state = folder.read_state() | {"stages": own}
    parts = state.pop("parts", {})
    kept = dict(parts) if isinstance(parts, dict) else {}
    folder.write_state(state | {"parts": kept})
    renewed = []
    for projection in PROJECTIONS:
        key = projection.key(pipeline.artefacts)
        if kept.get(projection.target) == key and projection.is_whole(folder.path / projection.target):
            continue
        # Whoever kills the process now must not leave a part that passes for another one.
        kept.pop(projection.target, None)
        folder.write_state(state | {"parts": kept})
        projection.make(pipeline, folder)
        kept[projection.target] = key
        folder.write_state(state | {"parts": kept})
        renewed.append(projection.target)
    return renewed


def _summarise(
    folder: RunFolder, pipeline: Pipeline, artefacts: Mapping[str, Artefact], renewed: list[str]
) -> RunSummary:
    images = read_table(artefacts["groups"].file("images.parquet"), ["status"])
    patterns = read_table(artefacts["patterns"].file("patterns.parquet"), ["eventType"])
    n_bad = pc.sum(pc.equal(images["status"], "bad")).as_py() or 0
    return RunSummary(
        corpus=pipeline.corpus.declaration.name,
        out=folder.path,
        n_records=images.num_rows,
        n_bad=n_bad,
        n_rules=read_table(artefacts["mine"].file("rules.parquet"), ["eventType"]).num_rows,
        smallest_log10_p=read_json(artefacts["mine"].file("summary.json"))["smallestAttainableLog10P"],
        n_patterns=patterns.num_rows,
        n_event_types=len(pc.unique(patterns["eventType"])),
        # The bundle is both an artefact and a folder of the run.
        made=tuple(dict.fromkeys((*pipeline.made, *renewed))),
        too_many_bad=n_bad > pipeline.config.corpus.max_bad_ratio * images.num_rows,
    )

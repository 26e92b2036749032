"""One `eventminer run`: a corpus in, a run folder out."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from miner.config_file import render_config
from miner.errors import ConfigError, CorpusError
from miner.run.executor import LocalExecutor, count_cores
from miner.run.pipeline import Pipeline
from miner.run.projections import PROJECTIONS
from miner.run.read_stages import LABEL, identify_corpus, keep_corpus, open_corpus
from miner.run.stages import STAGES
from miner.store.formats import read_json, read_table, write_bytes
from miner.visual.engine import choose_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from corpora.records import Corpus
    from miner.config import RunConfig
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


def run_corpus(
    location: str, folder: RunFolder, config: RunConfig, *, place: Place, progress: Progress, force: bool = False
) -> RunSummary:
    """Mine a corpus, or finish what a killed run began.

    Args:
        location: The corpus: a path or an fsspec URL.
        folder: Where everything goes.
        config: Parameters.
        place: Where the work is done.
        progress: Where to report.
        force: Turn a folder that belongs to another corpus over to this one.

    Raises:
        EventMinerError: Anything that stops the run; what was finished before is kept.
    """
    with folder.claim(), open_executor(place) as executor:
        progress.note(f"device: {DEVICES[choose_engine()]}; {executor.description}")
        corpus = open_corpus(location, config.corpus, progress)
        logger.info("corpus %s: %d records", corpus.declaration.name, corpus.records.num_rows)
        identity = identify_corpus(corpus)
        _take_over(folder, corpus, identity.key, force=force)
        read, is_new = keep_corpus(corpus, identity, folder.store)
        toml = f"{_title(corpus)}{render_config(config)}".encode()
        if not (folder.path / "run.toml").exists():
            write_bytes(folder.path / "run.toml", toml)
        pipeline = Pipeline(
            folder.store, config, corpus, executor, progress, count_threads(place), {"read": read}, ["read"] * is_new
        )
        pipeline.spread = place.spread
        pipeline.run([LABEL])
        for note in read_json(pipeline.artefacts["label"].file("labelling.json"))["notes"]:
            progress.note(note)
        _require_event_types(pipeline)
        artefacts = pipeline.run(STAGES)
        write_bytes(folder.path / "run.toml", toml)
        renewed = _project(folder, pipeline)
        logger.info("made %s", ", ".join((*pipeline.made, *renewed)) or "nothing")
        return _summarise(folder, pipeline, artefacts, renewed)


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


def _take_over(folder: RunFolder, corpus: Corpus, records: str, *, force: bool) -> None:
    """Write the corpus into a new folder, or refuse one that belongs to another corpus."""
    name = corpus.declaration.name
    if not force:
        folder.check_corpus(name, records)
    if folder.read_state().get("records") != records:
        folder.write_state({"corpus": name, "records": records})
    folder.write_state(folder.read_state() | {"location": _absolute(corpus.location)})


def _absolute(location: str) -> str:
    """Return a location that holds from any working directory; `report` opens the pictures there."""
    return location if "://" in location else str(Path(location).absolute())


def _project(folder: RunFolder, pipeline: Pipeline) -> list[str]:
    """Renew what is made from the artefacts, and write down the artefacts of this run."""
    state = folder.read_state() | {"stages": {name: artefact.key for name, artefact in pipeline.artefacts.items()}}
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
        n_patterns=patterns.num_rows,
        n_event_types=len(pc.unique(patterns["eventType"])),
        made=(*pipeline.made, *renewed),
        too_many_bad=n_bad > pipeline.config.corpus.max_bad_ratio * images.num_rows,
    )

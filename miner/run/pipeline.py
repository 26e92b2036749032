"""Runs the stages one after another, each only if its artefact is not there yet."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from miner.errors import ArtefactError, ExecutorError
from miner.run.executor import FailedItemsError, describe_failure
from miner.run.stage import Context, ShardedStage, WholeStage, identify
from miner.store.fingerprint import digest_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corpora.records import Corpus
    from miner.config import RunConfig
    from miner.run.executor import Executor
    from miner.run.progress import Advance, Progress
    from miner.run.spread import Spread
    from miner.run.stage import Shards, Stage
    from miner.store.artefact import Artefact, ArtefactStore, Identity

logger = logging.getLogger(__name__)

MAX_SHOWN = 3


@dataclass
class Pipeline:
    """One execution of some stages over one corpus.

    Attributes:
        store: Where artefacts are kept.
        config: The configuration.
        corpus: The corpus.
        executor: Where shards are worked on.
        progress: Where to report.
        n_threads: Threads for stages that are not sharded.
        artefacts: What is there already, by stage; grows with `run`.
        made: Names of the stages that had to be run.
        spread: How votes are shared out among the executor's workers.
        earlier: Artefacts of a run whose records the corpus begins with; what it did to pictures and captions is used again.
    """

    store: ArtefactStore
    config: RunConfig
    corpus: Corpus
    executor: Executor
    progress: Progress
    n_threads: int
    artefacts: dict[str, Artefact] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    spread: Spread = "auto"
    earlier: Mapping[str, Artefact] = field(default_factory=dict)

    def run(self, stages: Sequence[Stage]) -> Mapping[str, Artefact]:
        """Make what is missing, in this order.

        Returns:
            Every artefact, by stage name.

        Raises:
            ArtefactError: An artefact is damaged, or the disk is full.
            EventMinerError: A stage cannot do its work.
        """
        for stage in stages:
            identity = identify(stage, self.config, self.corpus, self.artefacts, self.executor)
            artefact = self.store.open(stage.name, identity.key)
            if artefact is None:
                artefact = self._make(stage, identity)
                self.made.append(stage.name)
            else:
                artefact.verify()
                logger.info("%s: kept %s", stage.name, artefact.path.name)
            self.artefacts[stage.name] = artefact
        return self.artefacts

    def _make(self, stage: Stage, identity: Identity) -> Artefact:
        started = time.monotonic()
        if isinstance(stage, ShardedStage):
            self._make_shards(stage, identity)
        if isinstance(stage, WholeStage):
            self._make_whole(stage, identity)
        logger.info("%s: made %s in %.1f s", stage.name, identity.directory, time.monotonic() - started)
        artefact = self.store.open(stage.name, identity.key)
        if artefact is None:
            raise ArtefactError(f"{identity.directory} vanished while it was made.", hint="Run the same command again.")
        return artefact

    def _context(self, stage: Stage, identity: Identity, advance: Advance) -> Context:
        inputs = {name: self.artefacts[name] for name in stage.inputs}
        earlier = self._find_earlier(identity)
        return Context(self.config, self.corpus, inputs, self.n_threads, self.executor, self.spread, advance, earlier)

    def _find_earlier(self, identity: Identity) -> Artefact | None:
        """Return what the same stage made of other records, if it was done in exactly the same way."""
        earlier = self.earlier.get(identity.stage)
        if earlier is None:
            return None
        done, wanted = earlier.manifest, [identity.version, identity.parameters]
        return earlier if digest_json([done["version"], done["parameters"]]) == digest_json(wanted) else None

    def _make_whole(self, stage: WholeStage, identity: Identity) -> None:
        with (
            self.progress.stage(stage.name, unit=stage.unit) as advance,
            self.store.build(identity) as directory,
            # The sums of a matrix product depend on the number of threads that share them.
            threadpool_limits(1, user_api="blas"),
        ):
            stage.make(self._context(stage, identity, advance), directory)

    def _make_shards(self, stage: ShardedStage, identity: Identity) -> None:
        shards = stage.cut(self._context(stage, identity, _ignore))
        open_shards = [index for index in range(len(shards.items)) if self.store.shard(identity, index) is None]
        if len(open_shards) < len(shards.items):
            self.progress.note(
                f"{stage.name}: {len(shards.items) - len(open_shards)} of {len(shards.items)} shards are there"
            )
        for index in [index for index in open_shards if not shards.rest(index)[1] and index in shards.known]:
            with self.store.build_shard(identity, index) as directory:
                shards.keep(index, None, directory)
            open_shards.remove(index)
        items, sizes = zip(*map(shards.rest, open_shards), strict=True) if open_shards else ((), ())
        with self.progress.stage(stage.name, sum(sizes), stage.unit) as advance:

            def keep(position: int, result: object) -> None:
                index = open_shards[position]
                shards.account.add(result)
                with self.store.build_shard(identity, index) as directory:
                    shards.keep(index, result, directory)
                advance(sizes[position])

            try:
                self.executor.map(
                    shards.work, items, on_result=keep, thread_safe=shards.thread_safe, ready=shards.ready
                )
            except FailedItemsError as error:
                failures = {open_shards[position]: each for position, each in error.failures.items()}
                raise _name_records(stage, shards, failures) from error
        if line := shards.account.line():
            self.progress.note(f"{stage.name}: {line}")
            logger.info("%s: %s", stage.name, line)
        self.store.finish(identity, len(shards.items))


def _name_records(stage: ShardedStage, shards: Shards, failures: Mapping[int, Exception]) -> ExecutorError:
    """Say which records the shards that failed twice hold; all of them go into the log."""
    shown = []
    for index, error in sorted(failures.items()):
        records = records_of(shards.items[index])
        logger.error("%s: shard %d failed twice: %s; its records: %s", stage.name, index, error, " ".join(records))
        span = f" ({records[0]} to {records[-1]})" if records else ""
        shown.append(f"shard {index}{span}: {describe_failure(error)}")
    rest = f"; and {len(shown) - MAX_SHOWN} more" if len(shown) > MAX_SHOWN else ""
    return ExecutorError(
        f"{stage.name}: {len(failures)} of {len(shards.items)} shards failed twice; the others are finished and kept. "
        f"{'; '.join(shown[:MAX_SHOWN])}{rest}.",
        hint="run.log names all their records. The same command tries these shards again, and nothing else.",
    )


def records_of(item: Any) -> list[str]:  # noqa: ANN401 - as a stage cuts its items
    """Return the ids of the records that a shard's item holds: a column of a table, or of a chunk of captions."""
    if isinstance(item, pa.Table) and "record" in item.schema.names:
        return [str(record) for record in item["record"].to_pylist()]
    return [str(record) for record in getattr(item, "records", ())]


def _ignore(_n: int, /) -> None:
    """Take no notice: cutting shards is quick."""

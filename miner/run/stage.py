"""A stage: a named, versioned function from artefacts to an artefact, and the key of what it makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from miner.config_file import get_setting
from miner.run.account import NoAccount
from miner.run.libraries import library_versions
from miner.store.artefact import Identity
from miner.store.fingerprint import digest_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from corpora.records import Corpus
    from miner.config import RunConfig
    from miner.run.account import Account
    from miner.run.executor import Executor
    from miner.run.progress import Advance
    from miner.run.spread import Spread
    from miner.store.artefact import Artefact


@dataclass(frozen=True)
class Context:
    """What a stage may look at.

    Attributes:
        config: The whole configuration; a stage reads only the settings it declares.
        corpus: The corpus, for its images; `records` is the same table as the read artefact's.
        inputs: The artefacts the stage declares, by stage name.
        n_threads: Threads a stage may use; never changes a result.
        executor: Where a stage may have parts of its work done; never changes a result.
        spread: How votes are shared out among the executor's workers; never changes a result.
        advance: Reports finished units.
        earlier: What the same stage made, with the same parameters, of the records that the corpus begins with.
    """

    config: RunConfig
    corpus: Corpus
    inputs: Mapping[str, Artefact]
    n_threads: int
    executor: Executor
    spread: Spread
    advance: Advance
    earlier: Artefact | None = None


@dataclass(frozen=True)
class Known:
    """A shard that begins with what an earlier run has done.

    Attributes:
        rest: What is left to work on, in place of the whole item.
        size: Units in it; none is worked on where this is 0.
        join: From the result for the rest, or `None` where nothing is left, to the result for the whole shard.
    """

    rest: Any
    size: int
    join: Callable[[Any], Any]


@dataclass(frozen=True)
class Shards:
    """The work of a sharded stage.

    Attributes:
        work: A picklable function from one item to one result.
        items: One picklable item per shard, cut from the corpus in its order.
        save: Writes a result into the shard's directory.
        sizes: Units in each shard, for the progress.
        thread_safe: Whether several threads of a process may be inside `work` at once.
        known: Shards of which an earlier run has done a part, by index.
        account: Adds up what working on them took.
        ready: What `work` would do at its first item in a process (see `Executor.map`).
    """

    work: Callable[[Any], Any]
    items: Sequence[Any]
    save: Callable[[Any, Path], None]
    sizes: Sequence[int]
    thread_safe: bool = True
    known: Mapping[int, Known] = field(default_factory=dict)
    account: Account = field(default_factory=NoAccount)
    ready: Callable[[], object] | None = None

    def rest(self, index: int) -> tuple[Any, int]:
        """Return what of a shard is left to work on, and its size."""
        known = self.known.get(index)
        return (self.items[index], self.sizes[index]) if known is None else (known.rest, known.size)

    def keep(self, index: int, result: Any, directory: Path) -> None:  # noqa: ANN401 - as `work` returns it
        """Write the result for the rest of a shard, with what was known, into the shard's directory."""
        known = self.known.get(index)
        self.save(result if known is None else known.join(result), directory)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of the pipeline.

    Attributes:
        name: Short name, also in file names.
        version: Raised whenever the same inputs give another result.
        inputs: Names of the stages whose artefacts it reads.
        settings: Dotted names of the parameters it reads.
        libraries: Packages whose versions bear on its result.
        unit: What the progress counts.
        facts: More that enters the key, such as the content of a file that a parameter names.
        runs_network: Whether the engine that runs the network bears on its result.
    """

    name: str
    version: int
    inputs: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    unit: str = ""
    facts: Callable[[RunConfig, Corpus], Mapping[str, Any]] = field(default=lambda _config, _corpus: {})
    runs_network: bool = False


@dataclass(frozen=True, kw_only=True)
class WholeStage(Stage):
    """A stage that does all its work at once.

    Attributes:
        make: Writes the artefact's files into a directory.
    """

    make: Callable[[Context, Path], None]


@dataclass(frozen=True, kw_only=True)
class ShardedStage(Stage):
    """A stage whose work is cut into shards, which survive a kill and may be worked on elsewhere.

    Attributes:
        cut: Cuts the work.
    """

    cut: Callable[[Context], Shards]


def identify(
    stage: Stage, config: RunConfig, corpus: Corpus, inputs: Mapping[str, Artefact], executor: Executor
) -> Identity:
    """Name the artefact that a stage makes of these inputs under this configuration.

    The key is a digest of the stage's name and version, its parameters, the versions of its libraries and the keys of its
    inputs: everything that bears on the bytes, nothing else.
    """
    parameters = {
        **{name: get_setting(config, name) for name in stage.settings},
        **({"engine": executor.engine} if stage.runs_network else {}),
        **stage.facts(config, corpus),
        "libraries": library_versions(stage.libraries),
    }
    keys = {name: inputs[name].key for name in stage.inputs}
    key = digest_json([stage.name, stage.version, parameters, keys])
    return Identity(stage=stage.name, key=key, version=stage.version, parameters=parameters, inputs=keys)

"""The Python interface of eventminer: the commands as functions, their results as Arrow tables.

```python
import eventminer

run = eventminer.mine("photos/", out="runs/photos", overrides=["mine.min_confidence=0.5"])
run.patterns().to_pandas()
eventminer.load(run.path, "bolt://localhost:7687")
eventminer.query(run.path, "MATCH (p:Pattern) RETURN p.displayName, p.confidence")
```

Every function raises a subclass of `EventMinerError` for what a user can mend.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from miner.errors import EventMinerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from corpora.records import Corpus
    from kb.asking.query import QueryResult
    from kb.loading.load import LoadReport
    from miner.config import RunConfig
    from miner.rules.mine import MiningResult
    from miner.run.spread import Spread

__all__ = ["EventMinerError", "Run", "configure", "load", "mine", "mine_rules", "open_run", "query", "read"]


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        path: The run folder.
    """

    path: Path

    def patterns(self) -> pa.Table:
        """Return its patterns, one row each (`miner.patterns.assemble.PATTERNS`)."""
        return self._read("patterns", "patterns.parquet")

    def evidence(self) -> pa.Table:
        """Return where the patterns show, one row per pattern and photograph (`miner.patterns.evidence.EVIDENCE`)."""
        return self._read("patterns", "evidence.parquet")

    def rules(self) -> pa.Table:
        """Return the rules behind the patterns (`miner.rules.mine.RULES`)."""
        return self._read("mine", "rules.parquet")

    def transactions(self) -> pa.Table:
        """Return the votes that the rules were mined from (`miner.rules.transactions.TRANSACTIONS`)."""
        return self._read("transactions", "transactions.parquet")

    def records(self) -> pa.Table:
        """Return the records of the corpus, unusable ones with a reason (`corpora.records.RECORDS`)."""
        return self._read("read", "records.parquet")

    def labels(self) -> pa.Table:
        """Return the event types of the records (`corpora.labels.LABELS`)."""
        return self._read("label", "labels.parquet")

    def _read(self, stage: str, name: str) -> pa.Table:
        from miner.run.folder import open_run as open_folder
        from miner.store.formats import read_table

        return read_table(open_folder(self.path).artefact(stage).file(name))


def read(location: str, *, config: RunConfig | None = None) -> Corpus:
    """Read a corpus: a folder, manifest, COCO file or tar shard; a path or an fsspec URL.

    Raises:
        CorpusError: It cannot be used.
    """
    from corpora.records import read_corpus

    options = (config or configure()).corpus
    return read_corpus(location, reader=options.reader, columns=options.columns or None)


def configure(path: str | Path | None = None, overrides: Sequence[str] = ()) -> RunConfig:
    """Build a configuration: defaults, then a TOML file, then `section.name=value`.

    Raises:
        ConfigError: A parameter is unknown or out of range.
    """
    from miner.config_file import load_config

    return load_config(None if path is None else Path(path), overrides)


def mine(
    location: str,
    out: str | Path,
    *,
    config: RunConfig | None = None,
    overrides: Sequence[str] = (),
    threads: int = 0,
    workers: int = 0,
    scheduler: str = "",
    spread: Spread = "auto",
    extend: str | Path | None = None,
    recalibrate: bool = False,
    force: bool = False,
    staging: str | Path | None = None,
) -> Run:
    """Mine a corpus into a run folder, as `eventminer run` does; what is there already is kept.

    Args:
        location: The corpus: a path or an fsspec URL.
        out: The run folder, or an fsspec URL that everything finished is copied to.
        config: The configuration; without one, that of the run to extend if any, with `overrides`.
        overrides: `section.name=value`.
        threads: Threads of this process; 0 for one per core.
        workers: Dask processes to start on this machine.
        scheduler: Address of a Dask scheduler to use instead.
        spread: How votes are shared out among workers; changes no result.
        extend: A finished run whose records come before those of the corpus, and whose calibration is kept.
        recalibrate: Fit that calibration again, to all records.
        force: Turn a folder that belongs to another corpus over to this one.
        staging: Local folder to work in where `out` is a URL.

    Raises:
        EventMinerError: Something stops the run; what was finished before is kept.
    """
    from miner.run.folder import locate_run
    from miner.run.job import Extension, Place, run_corpus
    from miner.run.progress import Silent

    place = Place(n_threads=threads, n_workers=workers, scheduler=scheduler, spread=spread)
    folder = locate_run(str(out), None if staging is None else Path(staging))
    resolved = config or configure(None if extend is None else Path(extend, "run.toml"), overrides)
    extension = None if extend is None else Extension(Path(extend), recalibrate=recalibrate)
    run_corpus(location, folder, resolved, place=place, progress=Silent(), force=force, extension=extension)
    return Run(folder.path)


def open_run(path: str | Path) -> Run:
    """Return a run that was made earlier.

    Raises:
        ArtefactError: There is none.
    """
    from miner.run.folder import open_run as open_folder

    return Run(open_folder(Path(path)).path)


def mine_rules(transactions: pa.Table, *, config: RunConfig | None = None, threads: int = 1) -> MiningResult:
    """Mine a table of transactions, as `eventminer rules mine` does.

    Args:
        transactions: Columns `visual` list<int>, `text` list<int>, `eventType` string or null.
        config: Its section `mine` is used.
        threads: Threads that share the search.

    Raises:
        MiningError: The table does not fit, or holds fewer than two event types.
    """
    from miner.rules.mine import mine_rules as search
    from miner.rules.transactions import Transactions

    return search(Transactions.from_table(transactions), (config or configure()).mine, threads=threads)


def load(run: str | Path, uri: str) -> LoadReport:
    """Load a run, and what was decided about it, into a graph store: a Neo4j address, or a path for the embedded store.

    Raises:
        KbError: The bundle is damaged, or the store cannot be written.
    """
    from kb.loading.finding import note_folder
    from kb.loading.load import load_bundle
    from kb.store import open_store
    from miner.run.reviewing import sync_run_reviews

    with open_store(uri) as store:
        done = load_bundle(Path(run), store)
        sync_run_reviews(Path(run), store)
        note_folder(store, done.corpus, Path(run))
    return done


def query(uri: str | Path, cypher: str, params: Mapping[str, Any] | None = None) -> QueryResult:
    """Ask a store in Cypher, or by the name of a question (`@patterns-of`), without changing it.

    Args:
        uri: A run folder, the path of an embedded store, or a Neo4j address.
        cypher: The query.
        params: Values of its `$parameters`.

    Raises:
        KbError: The query is wrong, would write, or the store fails.
    """
    from kb.asking.query import run_query
    from kb.store import open_store

    with open_store(str(uri)) as store:
        return run_query(store, cypher, params)

"""What extraction knows: the folder of a run, and its patterns as analysts have reviewed them.

Decisions are those beside the run, or, where the address of a graph is given, those of the graph. Rejected patterns are not there;
names, roles, event types, merges and splits are those that were decided.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from kb.bundle import verify_bundle
from kb.embedded_store import GRAPH_FILE, graph_file
from kb.loading.finding import find_loaded
from kb.review.decisions import parse_decision
from kb.review.matching import match_decisions
from kb.review.mined import Mined
from kb.review.state import ReviewState
from kb.review.tables import reviewed_tables
from kb.store import open_store
from miner.errors import KbError
from miner.run.folder import RunFolder, open_run
from miner.run.learning import decision_log
from miner.run.read_stages import read_ontology
from miner.store.formats import read_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kb.loading.finding import Loaded
    from kb.review.standing import Status

__all__ = ["KnownRun", "known_evidence", "known_patterns", "known_sources", "of_folder", "open_known"]

CONSIDERED: Collection[Status] = frozenset({"open", "accepted"})


@dataclass(frozen=True)
class KnownRun:
    """A run and the decisions about it; can be sent to other processes.

    Attributes:
        path: Folder of the run.
        corpus: What its corpus is called: in the graph, where the decisions are from there.
        decisions: Lines of the log of decisions.
    """

    path: Path
    corpus: str
    decisions: tuple[str, ...] = ()

    @property
    def folder(self) -> RunFolder:
        """The folder of the run."""
        return RunFolder(self.path)

    @property
    def has_graph(self) -> bool:
        """Whether the run has a key, by which a graph knows it."""
        return (self.path / "bundle").is_dir()


def of_folder(path: Path) -> KnownRun:
    """Return a run with the decisions beside it.

    Raises:
        ArtefactError: There is no run in the folder.
        ReviewError: The log of decisions cannot be read.
    """
    folder = open_run(path)
    lines = tuple(decision.to_json() for decision in decision_log(folder).read())
    return KnownRun(path, str(folder.read_state().get("corpus", path.name)), lines)


def open_known(kb: str, run: Path | None = None) -> KnownRun:
    """Return the run that a folder or a graph stands for.

    Args:
        kb: A run folder; or the address of a graph that a run was loaded into, whose decisions then count.
        run: The folder of the run, where the graph does not know it or has several.

    Raises:
        ArtefactError: A path is neither a run folder nor a graph.
        KbError: The graph has no run, has several, cannot be read, or its run folder cannot be reached.
    """
    if "://" not in kb and ((Path(kb) / "run.json").exists() or not graph_file(kb).exists()):
        return of_folder(Path(kb))
    from kb.review.graph import read_reviews  # noqa: PLC0415 - it brings SciPy along, which a folder has no use for

    with open_store(kb) as store:
        loaded = _choose(kb, find_loaded(store), run)
        lines = tuple(decision.to_json() for decision in read_reviews(store, loaded.corpus))
    return KnownRun(_find_folder(kb, loaded, run), loaded.corpus, lines)


def _choose(kb: str, loaded: list[Loaded], run: Path | None) -> Loaded:
    if not loaded:
        raise KbError(
            f"{kb} has no run, so nothing to extract with.", hint=f"Load one: eventminer kb load RUN --to {kb}"
        )
    if run is not None:
        manifest = verify_bundle(run / "bundle")
        own = [one for one in loaded if one.run == manifest.run]
        if not own:
            raise KbError(
                f"{kb} has nothing of the run in {run}, as it is now.",
                hint=f"Load it: eventminer kb load {run} --to {kb}",
            )
        return next((one for one in own if one.corpus == manifest.corpus), own[0])
    if len(loaded) > 1:
        names = ", ".join(f"{one.corpus!r} ({one.path or 'folder unknown'})" for one in loaded)
        raise KbError(f"{kb} has {len(loaded)} runs: {names}.", hint="Say which one extracts: --run FOLDER")
    return loaded[0]


def _find_folder(kb: str, loaded: Loaded, run: Path | None) -> Path:
    """Return the folder of a loaded run: the one given, the one noted at the load, or the one that the embedded store lies in."""
    places = [run] if run is not None else [Path(loaded.path)] if loaded.path else []
    if "://" not in kb and graph_file(kb).name == GRAPH_FILE:
        places.append(graph_file(kb).parent.parent)
    there = [place for place in places if (place / "run.json").exists()]
    for place in there:
        if verify_bundle(place / "bundle").run == loaded.run:
            return place
    if there:
        raise KbError(
            f"{kb} has run {loaded.run} of {loaded.corpus!r}, but {there[0]} has been mined again since.",
            hint=f"Load it again: eventminer kb load {there[0]} --to {kb}",
        )
    noted = (
        f"was loaded from {loaded.path}{f' on {loaded.host}' if loaded.host else ''}"
        if loaded.path
        else "does not say where it was loaded from"
    )
    raise KbError(
        f"The models of {loaded.corpus!r} are missing: {kb} {noted}, and there is no run folder here (this is {platform.node()}).",
        hint="A graph holds patterns and decisions, the run folder their detectors, vectors and models: --run FOLDER",
    )


@lru_cache(maxsize=2)
def _state(known: KnownRun) -> ReviewState | None:
    decisions = [decision for line in known.decisions if (decision := parse_decision(line)) is not None]
    if not decisions:
        return None
    artefact = known.folder.artefact("patterns")
    patterns, evidence = (read_table(artefact.file(f"{name}.parquet")) for name in ("patterns", "evidence"))
    mined = Mined(patterns, evidence, artefact.key)
    return ReviewState(mined, decisions, match_decisions(mined, decisions))


@lru_cache(maxsize=2)
def _tables(known: KnownRun) -> tuple[pa.Table, pa.Table]:
    state = _state(known)
    if state is None:
        artefact = known.folder.artefact("patterns")
        evidence = read_table(artefact.file("evidence.parquet"), ["pattern", "group"])
        return read_table(artefact.file("patterns.parquet")), evidence
    ontology = read_ontology(known.folder.artefact("label"))
    patterns, evidence = reviewed_tables(state, statuses=CONSIDERED, ontology=ontology)
    # Decisions that change nothing, such as one that was undone, change no result: the order is that of mining.
    mined = {name: at for at, name in enumerate(state.mined.rows)}
    names = patterns["pattern"].to_pylist()
    order = sorted(range(len(names)), key=lambda at: (mined[state[names[at]].source], names[at]))
    return patterns.take(pa.array(order, type=pa.int64())), evidence


def known_patterns(known: KnownRun) -> pa.Table:
    """Return the patterns as they stand now, schema PATTERNS.

    Raises:
        ArtefactError: The run has not finished.
    """
    state = _state(known)
    if state is None:
        return read_table(known.folder.artefact("patterns").file("patterns.parquet"))
    return _tables(known)[0]


def known_evidence(known: KnownRun) -> pa.Table:
    """Return their evidence, columns `pattern` and `group` at least.

    Raises:
        ArtefactError: The run has not finished.
    """
    return _tables(known)[1]


def known_sources(known: KnownRun) -> Mapping[str, str]:
    """Return for each pattern the mined one whose detector it has; another one only where it was split off."""
    state = _state(known)
    names = known_patterns(known)["pattern"].to_pylist()
    return {name: name if state is None else state[name].source for name in names}

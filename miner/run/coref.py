"""Resolves mentions of the same event, in a graph or in a file of mentions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kb.extract.clues import read_clues
from kb.extract.coref import resolve
from kb.extract.coref_graph import read_graph_clues, write_same
from kb.store import open_store
from miner.errors import CorpusError, EventMinerError
from miner.run.extraction import read_vectors
from miner.run.known import of_folder, open_known

if TYPE_CHECKING:
    from pathlib import Path

    from kb.extract.clues import Clues
    from kb.extract.coref import Same
    from kb.extract.coref_graph import Resolved
    from miner.run.known import KnownRun

__all__ = ["Outcome", "resolve_file", "resolve_graph"]

FILE_HINT = "Give what 'eventminer extract' wrote."
Likeness = Callable[[str, str], float | None]


class Outcome(NamedTuple):
    """What was found.

    Attributes:
        same: Pairs of mentions of one event.
        n_mentions: Mentions that were looked at.
        counts: Pairs compared, and blocks too large to compare all of.
        no_vectors: Why triggers are compared by their words alone; empty where they have vectors.
        written: What became of it in the graph, none for a file.
    """

    same: list[Same]
    n_mentions: int
    counts: Counter[str]
    no_vectors: str
    written: Resolved | None = None


def resolve_graph(uri: str, *, threshold: float, run: Path | None = None) -> Outcome:
    """Join the mentions of a graph that tell of one event.

    Args:
        uri: Address of the graph.
        threshold: Least score.
        run: Folder of a run whose word vectors compare triggers; that of the graph where none is given.

    Raises:
        ArtefactError: `run` is no run, or it has not finished.
        KbError: The graph cannot be read or written.
    """
    likeness, why = _likeness(uri, run)
    with open_store(uri) as store:
        found = _resolve(read_graph_clues(store), threshold, likeness, why)
        return found._replace(written=write_same(store, found.same))


def resolve_file(path: Path, *, threshold: float, run: Path | None = None) -> Outcome:
    """Find the mentions of a file that tell of one event; they are called by the numbers of their lines, from 1.

    Raises:
        ArtefactError: `run` is no run, or it has not finished.
        CorpusError: The file cannot be read, or a line is no mention.
    """
    likeness, why = _likeness("", run)
    return _resolve(_read_file(path), threshold, likeness, why)


def _resolve(mentions: list[Clues], threshold: float, likeness: Likeness | None, why: str) -> Outcome:
    counts: Counter[str] = Counter()
    same = resolve(mentions, threshold=threshold, likeness=likeness, counts=counts)
    return Outcome(same, len(mentions), counts, why)


def _read_file(path: Path) -> list[Clues]:
    """Read a file line by line; only line feeds end lines, since the texts of mentions may hold whatever else breaks lines."""
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            return [_read_line(line, number, path) for number, line in enumerate(lines, 1) if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"Cannot read {path}: {error}.", hint=FILE_HINT) from error


def _read_line(line: str, number: int, path: Path) -> Clues:
    try:
        return read_clues(str(number), json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"{type(error).__name__} {error}"
        raise CorpusError(f"Line {number} of {path} is no mention: {why}.", hint=FILE_HINT) from error


def _likeness(uri: str, run: Path | None) -> tuple[Likeness | None, str]:
    """Return what compares triggers by their vectors, or why there is nothing.

    Raises:
        EventMinerError: A run is given whose vectors cannot be read; those of a graph's run are done without.
    """
    if run is not None:
        return _compare_vectors(of_folder(run)), ""
    if not uri:
        return None, "no --run is given"
    try:
        return _compare_vectors(open_known(uri)), ""
    except EventMinerError as error:
        return None, error.message


def _compare_vectors(known: KnownRun) -> Likeness:
    words, vectors = read_vectors(known.folder)
    rows = {word: row for row, word in enumerate(words)}

    def likeness(one: str, other: str) -> float | None:
        if one not in rows or other not in rows:
            return None
        return float(np.dot(vectors[rows[one]], vectors[rows[other]]))

    return likeness

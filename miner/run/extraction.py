"""Extracts event mentions from texts with what a run mined and what was learnt for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from kb.extract.evoked import Evoked, SeenPattern
from kb.extract.model_files import load_model
from kb.extract.rules import RuleModel
from kb.extract.text import TextExtractor
from miner.errors import ConfigError
from miner.run.known import known_patterns, of_folder
from miner.run.read_stages import read_ontology
from miner.store.fingerprint import digest_file, digest_json
from miner.store.formats import read_array, read_json, read_table
from miner.text.pieces import PieceParser
from miner.text.pipeline import resolve_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from corpora.texts import TextRecord
    from kb.extract.mention import Mention
    from kb.extract.text import EventFinder
    from kb.ontology import Ontology
    from miner.run.executor import Executor
    from miner.run.folder import RunFolder
    from miner.run.job import Place
    from miner.run.known import KnownRun

__all__ = [
    "EXTRACTOR",
    "Extraction",
    "TextPlace",
    "evoked_by",
    "hash_text_model",
    "is_stale",
    "open_evoked",
    "open_extractor",
    "read_vectors",
]

EXTRACTOR = "extractor"
"""Part of a run folder: the model that `eventminer kb train` fitted for it."""

LANGUAGE = "en"
CHUNK_TEXTS = 512
CHUNKS_PER_WORKER = 4
LOOKS_PER_WORKER = 4
"""So many that hardly any worker is left out when they are dealt out."""


class Extraction(NamedTuple):
    """What an extraction does with every mention, and what it counts."""

    write: Callable[[Mention], None]
    counts: Counter[str]


@dataclass(frozen=True)
class _Work:
    """Extracts from some texts in any process that sees the run folder.

    Attributes:
        known: Its folder is named in full.
        state: Hash of the run and its model, so that a process that lives longer opens them again when they have changed.
    """

    known: KnownRun
    state: str

    def __call__(self, records: Sequence[TextRecord]) -> tuple[list[Mention], Counter[str]]:
        extractor = _opened(self.known, self.state)
        extractor.counts.clear()
        return list(extractor.extract(records)), Counter(extractor.counts)


@dataclass(frozen=True)
class _Sight:
    """Tells whether a process sees the same run folder as this one."""

    work: _Work

    def __call__(self, _attempt: int) -> bool:
        return _hash_state(self.work.known) == self.work.state


@lru_cache(maxsize=1)
def _opened(known: KnownRun, state: str) -> TextExtractor:  # noqa: ARG001 - what was opened in another state is not kept
    return open_extractor(known)


def _work_with(known: KnownRun) -> _Work:
    absolute = replace(known, path=known.path.absolute())
    return _Work(absolute, _hash_state(absolute))


def _hash_state(known: KnownRun) -> str:
    state = known.path / "run.json"
    return digest_json([digest_file(state), hash_text_model(known)]) if state.is_file() else ""


def _require_seen(executor: Executor, work: _Work, place: Place) -> None:
    if executor.shares_disk:
        return
    seen: dict[int, bool] = {}
    executor.map(_Sight(work), range(LOOKS_PER_WORKER * executor.n_workers), on_result=seen.__setitem__)
    if not all(seen.values()):
        raise ConfigError(
            f"The workers of {place.scheduler} do not see {work.known.path}, or not as it is here.",
            hint="Put the run folder where all of them see it under one path, or extract on this machine: --workers N.",
        )


def open_extractor(known: KnownRun) -> TextExtractor:
    """Return the extractor of a run: its trained model, or rules where there is none.

    Raises:
        ArtefactError: The run has not finished, or the model is damaged or of another ontology.
        TextError: The pipeline cannot be loaded.
    """
    ontology = read_ontology(known.folder.artefact("label"))
    evoked = evoked_by([known])
    return TextExtractor(
        open_finder(known, ontology), PieceParser(resolve_pipeline("auto", LANGUAGE)), evoked, language=LANGUAGE
    )


def open_finder(known: KnownRun, ontology: Ontology) -> EventFinder:
    """Return the trained model of a run, or rules from its ontology and its names where there is none."""
    model = known.path / EXTRACTOR
    if (model / "model.json").is_file():
        return load_model(model, ontology)
    return RuleModel(ontology, _trigger_names(known))


def hash_text_model(known: KnownRun) -> str:
    """Return a hash of all that makes the trained model of a run, thresholds and words too; nothing where rules read texts."""
    folder = known.path / EXTRACTOR
    if not (folder / "model.json").is_file():
        return ""
    return digest_json({path.name: digest_file(path) for path in sorted(folder.iterdir()) if path.is_file()})


def is_stale(folder: RunFolder) -> bool:
    """Tell whether the model of a run was trained with other patterns than the run has now."""
    model = folder.path / EXTRACTOR / "model.json"
    if not model.is_file():
        return False
    about: Mapping[str, object] = read_json(model).get("about", {})
    return about.get("patterns") != folder.artefact("patterns").key


def _trigger_names(known: KnownRun) -> dict[str, str]:
    """Return the heads of names that are trigger words, with the event type of their best pattern."""
    rows = known_patterns(known).select(["nameHead", "nameFlags", "eventType"]).to_pylist()
    names: dict[str, str] = {}
    for row in rows:
        if "trigger" in row["nameFlags"]:
            names.setdefault(row["nameHead"], row["eventType"])
    return names


def open_evoked(runs: Iterable[Path]) -> Evoked:
    """Return what the words of some runs evoke, as they were reviewed.

    Raises:
        ArtefactError: A run has not finished.
    """
    return evoked_by(of_folder(run) for run in runs)


def evoked_by(runs: Iterable[KnownRun]) -> Evoked:
    """Return what the words of some runs evoke; the vectors are those of the first run that has patterns.

    Raises:
        ArtefactError: A run has not finished.
    """
    patterns: list[SeenPattern] = []
    words: Sequence[str] = ()
    vectors = None
    for known in runs:
        artefact = known.folder.artefact("text-items")
        items = read_table(artefact.file("text_items.parquet"), ["textItem", "words"])
        words_of = dict(zip(*(items[name].to_pylist() for name in items.column_names), strict=True))
        found = list(_seen_patterns(known_patterns(known), words_of))
        if found and vectors is None:
            words, vectors = read_vectors(known.folder)
        patterns += found
    return Evoked(patterns, words, vectors)


def read_vectors(folder: RunFolder) -> tuple[Sequence[str], npt.NDArray[np.float32]]:
    """Return the words of a run and their vectors, float32, (n_words, n_dims), of unit length.

    Raises:
        ArtefactError: The run has not finished.
    """
    artefact = folder.artefact("text-items")
    words = read_table(artefact.file("words.parquet"), ["word"])["word"].to_pylist()
    return words, read_array(artefact.file("vectors.npy"), mmap=False).astype("float32")


def _seen_patterns(table: pa.Table, items: Mapping[int, Sequence[str]]) -> Iterator[SeenPattern]:
    for row in table.to_pylist():
        yield SeenPattern(
            row["pattern"],
            row["eventType"],
            row["confidence"],
            tuple(dict.fromkeys([row["nameHead"], *row["name"].split()])),
            tuple(dict.fromkeys(word for item in row["textItems"] for word in items.get(item, ()))),
            tuple(row["visualItems"]),
            row["role"],
        )


class TextPlace:
    """Extracts from texts at some place with what a run knows.

    Args:
        known: A finished run.
        place: Where the work is done.
        executor: The same, opened.

    Raises:
        ConfigError: The workers of a scheduler do not see the run folder.
        ExecutorError: The scheduler does not answer.
    """

    def __init__(self, known: KnownRun, place: Place, executor: Executor) -> None:
        """Ask the workers before any work is done."""
        self._work, self._executor = _work_with(known), executor
        self._is_here = not place.n_workers and not place.scheduler and executor.n_workers == 1
        _require_seen(executor, self._work, place)

    def extract(self, records: Iterable[TextRecord], out: Extraction) -> None:
        """Extract from texts and hand on every mention, in the order of the texts.

        Args:
            records: The texts; read as they are needed.
            out: Takes the mentions; its counts are added to.

        Raises:
            EventMinerError: As of `open_extractor`.
        """
        if self._is_here:
            self._extract_here(records, out)
            return
        chunks = iter(partial(_take, iter(records)), [])
        while round_of_work := list(islice(chunks, CHUNKS_PER_WORKER * self._executor.n_workers)):
            done: dict[int, tuple[list[Mention], Counter[str]]] = {}
            self._executor.map(self._work, round_of_work, on_result=done.__setitem__, thread_safe=False)
            for number in range(len(round_of_work)):
                mentions, counts = done[number]
                out.counts.update(counts)
                for mention in mentions:
                    out.write(mention)

    def _extract_here(self, records: Iterable[TextRecord], out: Extraction) -> None:
        rest = iter(records)
        first = list(islice(rest, 1))
        if not first:
            return
        extractor = _opened(self._work.known, self._work.state)
        extractor.counts.clear()
        for mention in extractor.extract(chain(first, rest)):
            out.write(mention)
        out.counts.update(extractor.counts)


def _take(records: Iterator[TextRecord]) -> list[TextRecord]:
    return list(islice(records, CHUNK_TEXTS))

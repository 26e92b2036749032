"""Extracts event mentions from texts with what a run mined and what was learnt for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from kb.extract.evoked import Evoked, SeenPattern
from kb.extract.model import load_model
from kb.extract.rules import RuleModel
from kb.extract.text import TextExtractor
from miner.errors import ConfigError
from miner.run.folder import open_run
from miner.run.job import open_executor
from miner.run.read_stages import read_ontology
from miner.store.formats import read_array, read_json, read_table
from miner.text.pieces import PieceParser
from miner.text.pipeline import resolve_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from corpora.texts import TextRecord
    from kb.extract.mention import Mention
    from kb.extract.text import EventFinder
    from kb.ontology import Ontology
    from miner.run.folder import RunFolder
    from miner.run.job import Place

__all__ = ["EXTRACTOR", "Extraction", "extract_texts", "is_stale", "open_evoked", "open_extractor"]

EXTRACTOR = "extractor"
"""Part of a run folder: the model that `eventminer kb train` fitted for it."""

LANGUAGE = "en"
CHUNK_TEXTS = 512
CHUNKS_PER_WORKER = 4


class Extraction(NamedTuple):
    """What an extraction does with every mention, and what it counts."""

    write: Callable[[Mention], None]
    counts: Counter[str]


@dataclass(frozen=True)
class _Work:
    """Extracts from some texts in any process that sees the run folder."""

    run: Path

    def __call__(self, records: Sequence[TextRecord]) -> tuple[list[Mention], Counter[str]]:
        extractor = _opened(self.run)
        extractor.counts.clear()
        return list(extractor.extract(records)), Counter(extractor.counts)


@lru_cache(maxsize=1)
def _opened(run: Path) -> TextExtractor:
    return open_extractor(open_run(run))


def open_extractor(folder: RunFolder) -> TextExtractor:
    """Return the extractor of a run: its trained model, or rules where there is none.

    Raises:
        ArtefactError: The run has not finished, or the model is damaged or of another ontology.
        TextError: The pipeline cannot be loaded.
    """
    ontology = read_ontology(folder.artefact("label"))
    evoked = open_evoked([folder.path])
    return TextExtractor(
        open_finder(folder, ontology), PieceParser(resolve_pipeline("auto", LANGUAGE)), evoked, language=LANGUAGE
    )


def open_finder(folder: RunFolder, ontology: Ontology) -> EventFinder:
    """Return the trained model of a run, or rules from its ontology and its names where there is none."""
    model = folder.path / EXTRACTOR
    if (model / "model.json").is_file():
        return load_model(model, ontology)
    return RuleModel(ontology, _trigger_names(folder))


def is_stale(folder: RunFolder) -> bool:
    """Tell whether the model of a run was trained with other patterns than the run has now."""
    model = folder.path / EXTRACTOR / "model.json"
    if not model.is_file():
        return False
    about: Mapping[str, object] = read_json(model).get("about", {})
    return about.get("patterns") != folder.artefact("patterns").key


def _trigger_names(folder: RunFolder) -> dict[str, str]:
    """Return the heads of names that are trigger words, with the event type of their best pattern."""
    columns = ["nameHead", "nameFlags", "eventType"]
    rows = read_table(folder.artefact("patterns").file("patterns.parquet"), columns).to_pylist()
    names: dict[str, str] = {}
    for row in rows:
        if "trigger" in row["nameFlags"]:
            names.setdefault(row["nameHead"], row["eventType"])
    return names


def open_evoked(runs: Iterable[Path]) -> Evoked:
    """Return what the words of some runs evoke; the vectors are those of the first run that has patterns.

    Raises:
        ArtefactError: A run has not finished.
    """
    patterns: list[SeenPattern] = []
    words: Sequence[str] = ()
    vectors = None
    for run in runs:
        folder = open_run(run)
        table = read_table(folder.artefact("patterns").file("patterns.parquet"))
        items = read_table(folder.artefact("text-items").file("text_items.parquet"), ["textItem", "words"])
        found = list(
            _seen_patterns(table, dict(zip(*(items[name].to_pylist() for name in items.column_names), strict=True)))
        )
        if found and vectors is None:
            artefact = folder.artefact("text-items")
            words = read_table(artefact.file("words.parquet"), ["word"])["word"].to_pylist()
            vectors = read_array(artefact.file("vectors.npy"), mmap=False).astype("float32")
        patterns += found
    return Evoked(patterns, words, vectors)


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


def extract_texts(run: Path, records: Iterable[TextRecord], place: Place, out: Extraction) -> None:
    """Extract from texts and hand on every mention, in the order of the texts.

    Args:
        run: A finished run.
        records: The texts; read as they are needed.
        place: Where the work is done.
        out: Takes the mentions; its counts are added to.

    Raises:
        ConfigError: The workers of a scheduler do not see the run folder.
        EventMinerError: As of `open_extractor`.
    """
    if not place.n_workers and not place.scheduler and place.n_threads == 1:
        extractor = open_extractor(open_run(run))
        for mention in extractor.extract(records):
            out.write(mention)
        out.counts.update(extractor.counts)
        return
    chunks = iter(partial(_take, iter(records)), [])
    with open_executor(place) as executor:
        if not executor.shares_disk:
            raise ConfigError(
                f"The workers of {place.scheduler} do not see {run}.", hint="Extract on this machine: --workers N."
            )
        while round_of_work := list(islice(chunks, CHUNKS_PER_WORKER * executor.n_workers)):
            done: dict[int, tuple[list[Mention], Counter[str]]] = {}
            executor.map(_Work(run.absolute()), round_of_work, on_result=done.__setitem__, thread_safe=False)
            for number in range(len(round_of_work)):
                mentions, counts = done[number]
                out.counts.update(counts)
                for mention in mentions:
                    out.write(mention)


def _take(records: Iterator[TextRecord]) -> list[TextRecord]:
    return list(islice(records, CHUNK_TEXTS))

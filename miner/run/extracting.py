"""Extracts from texts and pictures together: mentions of one document that are the same event become one.

A corpus goes by in blocks of records, so memory holds one block and the documents that later records belong to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corpora.texts import NewCorpus, NewRecord, open_new
from kb.extract.fuse import fuse
from kb.extract.likeness import Likeness
from miner.config_file import load_config
from miner.run.extraction import Extraction, TextPlace, evoked_by
from miner.run.job import open_executor
from miner.run.known import known_patterns
from miner.run.mention_graph import is_mined_from
from miner.run.picture_extraction import open_looker
from miner.run.takedown import CODE, forgotten_hashes, is_forgotten
from reports.explanation import Argued

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kb.extract.mention import Mention
    from miner.run.job import Place
    from miner.run.known import KnownRun
    from miner.run.progress import Progress

__all__ = ["describe_patterns", "extract_all", "open_to_extract"]

BLOCK_RECORDS = 4_096
BLOCK_CHARS = 1 << 24


def open_to_extract(known: KnownRun, location: str, counts: Counter[str], *, images: bool) -> NewCorpus:
    """Open a corpus as `eventminer run` would with the settings of a run.

    Args:
        known: A finished run. Columns that it was told count where the corpus has them, the reader only for its own corpus.
        location: A folder or a file.
        counts: What is wrong with records is added, by reason.
        images: Look at pictures.

    Raises:
        CorpusError: It cannot be read.
    """
    config = load_config(known.path / "run.toml").corpus
    reader = config.reader if is_mined_from(known, location) else "auto"
    return open_new(location, counts, reader=reader, columns=config.columns, images=images)


def extract_all(known: KnownRun, corpus: NewCorpus, place: Place, progress: Progress, out: Extraction) -> None:
    """Extract from texts, from pictures, or from both, and hand on every mention.

    Mentions come in the order of the texts. Where pictures are looked at, those of a document come when its last record was read,
    and those of its pictures that no text speaks of last.

    Args:
        known: A finished run.
        corpus: What to read and to look at.
        place: Where the work is done.
        progress: Where to report.
        out: Takes the mentions and counts.

    Raises:
        EventMinerError: As of `TextPlace` and `Looker`.
    """
    records = _remembered(known, corpus.records, out.counts)
    with open_executor(place) as executor:
        texts = TextPlace(known, place, executor) if corpus.has_texts else None
        if texts and corpus.images is None:
            texts.extract(NewCorpus(records).texts(), out)
            return
        joiner, looker = _Joiner(out), None
        for block in _blocks(records):
            pictures = [record for record in block if record.image is not None]
            if pictures and corpus.images and looker is None:
                looker = open_looker(known, corpus.images, executor, progress, out.counts)
                joiner.priors, joiner.likeness = looker.priors, Likeness(evoked_by([known]))
            joiner.see(looker.look(pictures) if looker else [])
            if texts:
                texts.extract(NewCorpus(block).texts(), Extraction(joiner.hear, out.counts))
            joiner.end(document for record in block for document in record.ends)
        joiner.finish()


def _remembered(known: KnownRun, records: Iterable[NewRecord], counts: Counter[str]) -> Iterator[NewRecord]:
    """Leave out what the run was told to forget, known by the id of its record, also without its number, or by its picture."""
    hashes = forgotten_hashes(known.folder)
    for record in records:
        if not hashes or not is_forgotten(hashes, record.id, record.original, record.image_hash):
            yield record
            continue
        if record.texts:
            counts[f"texts left out: {CODE}"] += len(record.texts)
        if record.image is not None:
            counts[f"pictures left out: {CODE}"] += 1
        yield record._replace(texts=(), image=None)


def _blocks(records: Iterable[NewRecord]) -> Iterator[list[NewRecord]]:
    block, n_chars = list[NewRecord](), 0
    for record in records:
        block.append(record)
        n_chars += sum(len(text.text) for text in record.texts)
        if len(block) == BLOCK_RECORDS or n_chars >= BLOCK_CHARS:
            yield block
            block, n_chars = [], 0
    if block:
        yield block


@dataclass
class _Document:
    """Mentions of a document that has not ended: what its texts say and what its pictures show."""

    said: list[Mention] = field(default_factory=list)
    shown: list[Mention] = field(default_factory=list)


class _Joiner:
    """Holds the mentions of documents until these end, then merges those of texts with those of pictures.

    Attributes:
        priors: How probable each event type is in a picture nobody has looked at.
        likeness: How alike a text mention and an image mention are.
    """

    def __init__(self, out: Extraction) -> None:
        self.priors: Mapping[str, float] = {}
        self.likeness: Likeness | None = None
        self._write, self._counts = out
        self._open: dict[str, _Document] = {}

    def see(self, mentions: Sequence[Mention]) -> None:
        """Take what pictures show."""
        self._counts["mentions in pictures"] += len(mentions)
        for mention in mentions:
            self._document(mention).shown.append(mention)

    def hear(self, mention: Mention) -> None:
        """Take the next mention of the texts."""
        self._document(mention).said.append(mention)

    def end(self, documents: Iterable[str]) -> None:
        """Write the mentions of documents that have ended."""
        for name in documents:
            document = self._open.pop(name, None)
            if document is not None:
                self._merge(document)

    def finish(self) -> None:
        """Write what is left."""
        self.end(list(self._open))

    def _document(self, mention: Mention) -> _Document:
        return self._open.setdefault(mention.document, _Document())

    def _merge(self, document: _Document) -> None:
        for mention in fuse(document.said, document.shown, self.priors, self.likeness):
            self._counts["mentions in words and picture"] += mention.trigger is not None and mention.image is not None
            self._write(mention)


def describe_patterns(known: KnownRun) -> dict[str, Argued]:
    """Return what a reader of an explanation wants to know of each pattern of a run."""
    rows = known_patterns(known).select(["pattern", "name", "eventType", "confidence", "textWords"]).to_pylist()
    return {row["pattern"]: Argued(row["name"], row["eventType"], row["confidence"], row["textWords"]) for row in rows}

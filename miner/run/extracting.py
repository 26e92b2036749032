"""Extracts from texts and pictures together: mentions of one document that are the same event become one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.extract.fuse import fuse
from miner.config_file import load_config
from miner.run.extraction import Extraction, extract_texts, require_seen
from miner.run.image_model import open_reader
from miner.run.known import known_patterns
from miner.run.picture_extraction import extract_pictures
from miner.run.takedown import forgotten_hashes, is_forgotten
from reports.explanation import Argued

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from corpora.texts import TextRecord
    from kb.extract.mention import Mention
    from miner.run.job import Place
    from miner.run.known import KnownRun
    from miner.run.picture_extraction import PictureCorpus
    from miner.run.progress import Progress

__all__ = ["describe_patterns", "extract_all"]


def extract_all(
    known: KnownRun,
    texts: Iterable[TextRecord] | None,
    pictures: PictureCorpus | None,
    place: Place,
    progress: Progress,
    out: Extraction,
) -> None:
    """Extract from texts, from pictures, or from both, and hand on every mention.

    Pictures are looked at first; what they show is kept by document until its texts have been read. Mentions come in the order of
    the texts, and at last those of pictures that no text speaks of.

    Args:
        known: A finished run.
        texts: Read as they are needed; the texts of a document stand together. None to read none.
        pictures: To look at. None to look at none.
        place: Where the work is done.
        progress: Where to report.
        out: Takes the mentions and counts.

    Raises:
        EventMinerError: As of `extract_texts` and `extract_pictures`.
    """
    if texts is not None:
        require_seen(known, place)
        texts = _remembered(known, texts, pictures.forgotten if pictures else frozenset(), out.counts)
    if pictures is None:
        if texts is not None:
            extract_texts(known, texts, place, out)
        return
    shown, priors = _look(known, pictures, place, progress, out)
    joiner = _Joiner(shown, priors, out.write)
    if texts is not None:
        extract_texts(known, texts, place, Extraction(joiner.take, out.counts))
    joiner.finish()
    out.counts["mentions in words and picture"] += joiner.n_joined


def _remembered(
    known: KnownRun, texts: Iterable[TextRecord], forgotten: AbstractSet[str], counts: Counter[str]
) -> Iterator[TextRecord]:
    """Leave out the texts of records that the run was told to forget, known by their ids or by their pictures."""
    hashes = forgotten_hashes(known.folder)
    for text in texts:
        if text.id in forgotten or is_forgotten(hashes, text.id):
            counts["texts left out: forgotten"] += 1
        else:
            yield text


def _look(
    known: KnownRun, pictures: PictureCorpus, place: Place, progress: Progress, out: Extraction
) -> tuple[dict[str, list[Mention]], dict[str, float]]:
    """Return what pictures show, by document, and how probable each event type is in a picture nobody has looked at."""
    config = load_config(known.path / "run.toml")
    with progress.stage("open the image model"):
        reader = open_reader(known, config)
    shown: dict[str, list[Mention]] = {}

    def keep(mention: Mention) -> None:
        shown.setdefault(mention.document, []).append(mention)

    extract_pictures(reader, config, pictures, place, progress, write=keep, counts=out.counts)
    out.counts["mentions in pictures"] += sum(map(len, shown.values()))
    priors = dict(zip(reader.model.event_types, reader.model.prior.tolist(), strict=False))
    return shown, priors


class _Joiner:
    """Holds the mentions of one document's texts until it ends, then merges them with those of its pictures."""

    def __init__(
        self, shown: dict[str, list[Mention]], priors: Mapping[str, float], write: Callable[[Mention], None]
    ) -> None:
        self._shown, self._priors, self._write = shown, priors, write
        self._said: list[Mention] = []
        self.n_joined = 0

    def take(self, mention: Mention) -> None:
        """Take the next mention of the texts."""
        if self._said and mention.document != self._said[0].document:
            self._join()
        self._said.append(mention)

    def finish(self) -> None:
        """Write what is left: the last document, and pictures that no text speaks of."""
        self._join()
        for mentions in self._shown.values():
            for mention in mentions:
                self._write(mention)

    def _join(self) -> None:
        if not self._said:
            return
        for mention in fuse(self._said, self._shown.pop(self._said[0].document, []), self._priors):
            self.n_joined += mention.trigger is not None and mention.image is not None
            self._write(mention)
        self._said = []


def describe_patterns(known: KnownRun) -> dict[str, Argued]:
    """Return what a reader of an explanation wants to know of each pattern of a run."""
    rows = known_patterns(known).select(["pattern", "name", "eventType", "confidence", "textWords"]).to_pylist()
    return {row["pattern"]: Argued(row["name"], row["eventType"], row["confidence"], row["textWords"]) for row in rows}

"""Event mentions from texts, as a stream: batches of pieces go through parser and model, so memory does not grow."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from corpora.language import UNKNOWN, detect_language
from kb.extract.mention import Argument, Mention, TextSpan
from miner.text.pieces import cut_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from corpora.texts import TextRecord
    from kb.extract.evoked import Evoked
    from kb.extract.model import Found
    from miner.text.pieces import Parsed, PieceParser

__all__ = ["EventFinder", "TextExtractor"]

BATCH_PIECES = 1_024
UNREADABLE = "\N{REPLACEMENT CHARACTER}"


class EventFinder(Protocol):
    """Finds the events of parsed sentences: a trained model, or rules."""

    def might_find(self, text: str) -> bool:
        """Tell whether a sentence is worth parsing."""
        ...

    def find(
        self,
        parsed: Sequence[Parsed],
        evoked: Evoked | None,
        add_entities: Callable[[Iterable[Parsed]], None] | None = None,
    ) -> list[list[Found]]:
        """Return the events of each sentence; `add_entities` looks for entities where they are needed."""
        ...


class _Piece(NamedTuple):
    record: TextRecord
    first: int
    text: str


class TextExtractor:
    """Extracts mentions from texts.

    Args:
        finder: Finds events.
        parser: Parses pieces of text.
        evoked: The visual patterns of a run.
        language: What the pipeline reads; texts that are probably in another language are left out and counted.

    Attributes:
        counts: Texts, pieces and mentions so far, pieces that were not parsed, and texts left out by reason.
    """

    def __init__(
        self, finder: EventFinder, parser: PieceParser, evoked: Evoked | None, *, language: str = "en"
    ) -> None:
        """Keep the parts."""
        self._finder, self._parser, self._evoked, self._language = finder, parser, evoked, language
        self.counts: Counter[str] = Counter()

    def extract(self, records: Iterable[TextRecord]) -> Iterator[Mention]:
        """Yield the mentions of texts, in their order."""
        batch: list[_Piece] = []
        for record in records:
            for piece in self._pieces(record):
                batch.append(piece)
                if len(batch) == BATCH_PIECES:
                    yield from self._of_batch(batch)
                    batch = []
        if batch:
            yield from self._of_batch(batch)

    def _pieces(self, record: TextRecord) -> Iterator[_Piece]:
        self.counts["texts"] += not record.first
        if UNREADABLE in record.text:
            self.counts["texts, or parts of one, with characters that could not be read"] += 1
        if not any(map(str.isalpha, record.text)):
            self.counts[f"texts left out: {'no words' if record.text.strip() else 'empty'}"] += 1
            return
        language = detect_language(record.text)
        if language not in (self._language, UNKNOWN):
            self.counts[f"texts left out: language {language}"] += 1
            return
        for first, text in cut_pieces(record.text):
            self.counts["pieces"] += 1
            if self._finder.might_find(text):
                yield _Piece(record, record.first + first, text)
            else:
                self.counts["pieces without a word that could trigger an event"] += 1

    def _of_batch(self, batch: Sequence[_Piece]) -> Iterator[Mention]:
        parsed = self._parser.parse([piece.text for piece in batch])
        for piece, one, found in zip(
            batch, parsed, self._finder.find(parsed, self._evoked, self._parser.add_entities), strict=True
        ):
            for hit in found:
                self.counts["mentions"] += 1
                yield self._mention(piece, one, hit)

    def _mention(self, piece: _Piece, parsed: Parsed, hit: Found) -> Mention:
        arguments = tuple(
            Argument(
                role.role,
                role.score,
                _span(piece, parsed, role.filler.start, role.filler.end),
                patterns=self._argue([parsed.lemmas[role.filler.root]], hit.event_type),
            )
            for role in hit.roles
        )
        words = [parsed.lemmas[hit.token], *(parsed.lemmas[role.filler.root] for role in hit.roles)]
        record = piece.record
        return Mention(
            record.id,
            record.document,
            hit.event_type,
            hit.score,
            _span(piece, parsed, hit.token, hit.token + 1),
            arguments=arguments,
            patterns=self._argue(words, hit.event_type),
            caption=record.caption,
            lemma=parsed.lemmas[hit.token],
            sentence=TextSpan(piece.first, piece.first + len(piece.text), piece.text),
            time=record.time,
        )

    def _argue(self, words: Iterable[str], event_type: str) -> tuple[str, ...]:
        return self._evoked.argue(words, event_type) if self._evoked else ()


def _span(piece: _Piece, parsed: Parsed, start: int, end: int) -> TextSpan:
    first, last = parsed.starts[start], parsed.ends[end - 1]
    return TextSpan(piece.first + first, piece.first + last, parsed.text[first:last])

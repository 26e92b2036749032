"""Any text, however long, becomes pieces of about a sentence; pieces become tokens with their grammar (spaCy).

A document is cut before it is parsed, so that memory does not grow with it and pieces without anything of interest need not
be parsed at all. The cut is made where a sentence seems to end and the next one begins with a capital letter; a piece
that is still too long is cut at a space.
"""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from miner.text.pipeline import open_pipeline
from miner.text.word_forms import read_words, remembered_forms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from spacy.language import Language
    from spacy.tokens import Doc

    from miner.text.word_forms import Words

__all__ = ["EntitySpan", "Parsed", "PieceParser", "cut_pieces"]

MAX_CHARS = 1_000
"""Longer pieces are cut here, at their last space."""

BATCH_PIECES = 128

MOST_WORDS = 300_000
"""So many words and parts of words a pipeline may remember; its own are 85,000."""

SENTENCE_END = re.compile(r"(?<=[.!?\u2026])[\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(\[]*[A-Z0-9])|\n\s*\n")
ABBREVIATION = re.compile(
    r"(?:\b[A-Za-z]|\b(?:Mr|Mrs|Ms|Dr|Prof|Sen|Rep|Gov|Gen|Lt|Col|Capt|Sgt|Maj|Adm|Rev|Hon|St|Jr|Sr|Inc|Corp|Co|Ltd|vs|No|Jan|Feb"
    r"|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec))\.$"
)


class EntitySpan(NamedTuple):
    """A named entity: tokens `start` to `end`, its type, and the token that heads it."""

    start: int
    end: int
    label: str
    root: int


@dataclass
class Parsed:
    """The tokens of one piece; the lists are parallel.

    Attributes:
        text: The piece.
        starts: First character of each token.
        ends: Behind its last character.
        lowers: Words in lower case.
        lemmas: In lower case.
        pos: Universal parts of speech.
        tags: Fine ones.
        deps: Relations to the head.
        heads: Offset of the head; a root is its own.
        entities: Named entities, once `PieceParser.add_entities` has looked for them.
    """

    text: str
    starts: list[int]
    ends: list[int]
    lowers: list[str]
    lemmas: list[str]
    pos: list[str]
    tags: list[str]
    deps: list[str]
    heads: list[int]
    entities: tuple[EntitySpan, ...] = ()

    def covered(self, start: int, end: int) -> list[int]:
        """Return the tokens that characters touch."""
        return [i for i, (a, b) in enumerate(zip(self.starts, self.ends, strict=True)) if a < end and b > start]

    def children(self) -> list[list[int]]:
        """Return the dependents of each token."""
        found: list[list[int]] = [[] for _ in self.heads]
        for token, head in enumerate(self.heads):
            if head != token:
                found[head].append(token)
        return found


def cut_pieces(text: str, max_chars: int = MAX_CHARS) -> Iterator[tuple[int, str]]:
    """Cut a text into pieces.

    Yields:
        The first character of each piece in the text, and the piece; none that is empty.

    Example:
        >>> list(cut_pieces("He met Mr. Li. They spoke."))
        [(0, 'He met Mr. Li.'), (15, 'They spoke.')]
    """
    begin = 0
    for match in SENTENCE_END.finditer(text):
        if ABBREVIATION.search(text, max(begin, match.start() - 6), match.start()) and "\n" not in match.group():
            continue
        yield from _bounded(text, begin, match.end(), max_chars)
        begin = match.end()
    yield from _bounded(text, begin, len(text), max_chars)


def _bounded(text: str, begin: int, end: int, max_chars: int) -> Iterator[tuple[int, str]]:
    while begin < end:
        stop = end
        if end - begin > max_chars:
            space = text.rfind(" ", begin + 1, begin + max_chars + 1)
            stop = space if space > begin else begin + max_chars
        piece = text[begin:stop]
        if stripped := piece.strip():
            yield begin + len(piece) - len(piece.lstrip()), stripped
        begin = stop


class PieceParser:
    """A pipeline that parses pieces, and looks for entities where it is asked to.

    Args:
        pipeline: A resolved pipeline (`miner.text.pipeline.resolve_pipeline`).
        remember: Whether parts of speech and lemmas may be remembered by word, which changes nothing but the time it takes.

    Raises:
        TextError: The pipeline cannot be loaded.
    """

    def __init__(self, pipeline: str, *, remember: bool = True) -> None:
        """Load the pipeline."""
        self._nlp: Language = open_pipeline(pipeline)
        self._ner = "ner" if "ner" in self._nlp.pipe_names else None
        self._forms = remembered_forms(self._nlp) if remember else None

    def parse(self, pieces: Sequence[str], *, entities: bool = False) -> list[Parsed]:
        """Parse pieces, with their entities or without.

        Half of the time goes into entities.
        """
        disabled = [self._ner] if self._ner and not entities else []
        disabled += self._forms.replaced if self._forms else ()
        found: list[Parsed] = []
        with self._vocabulary(), self._nlp.select_pipes(disable=disabled):
            docs = self._nlp.pipe(pieces, batch_size=BATCH_PIECES)
            while batch := list(islice(docs, BATCH_PIECES)):
                found += map(_parsed, batch, self._forms.read(batch) if self._forms else map(read_words, batch))
        return found

    def add_entities(self, parsed: Iterable[Parsed]) -> None:
        """Look for the entities of pieces that were parsed without."""
        wanted = list(parsed)
        if not self._ner:
            return
        with self._vocabulary(), self._nlp.select_pipes(enable=[self._ner]):
            for one, doc in zip(wanted, self._nlp.pipe([p.text for p in wanted], batch_size=BATCH_PIECES), strict=True):
                one.entities = tuple(_entity(one, entity.start, entity.end, entity.label_) for entity in doc.ents)

    def _vocabulary(self) -> AbstractContextManager[object]:
        """Let the pipeline keep the words it meets until they are many, then forget what is new after each batch."""
        return self._nlp.memory_zone() if len(self._nlp.vocab.strings) >= MOST_WORDS else nullcontext()


def _parsed(doc: Doc, words: Words) -> Parsed:
    parsed = Parsed(doc.text, *words)
    parsed.entities = tuple(_entity(parsed, entity.start, entity.end, entity.label_) for entity in doc.ents)
    return parsed


def _entity(parsed: Parsed, start: int, end: int, label: str) -> EntitySpan:
    """Return an entity with the token of it whose head lies outside."""
    outward = [token for token in range(start, end) if not start <= parsed.heads[token] < end]
    return EntitySpan(start, end, label, outward[-1] if outward else end - 1)

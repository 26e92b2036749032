"""Captions become tokens, lemmas, parts of speech, named entities and noun phrases (spaCy).

Captions are parsed in chunks of a fixed size, each a unit of work of its own, so the result never depends on how many
processes share the work. Named entities are looked for only in captions that could hold a name (a capital letter after
the first word, a digit, a word tagged as a proper noun, a script without capitals): half of the parsing time goes into
them, and in all-lower-case captions the recogniser finds little but errors ("muddy beach", a place).
"""

from __future__ import annotations

import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpora.language import detect_language
from miner.text.pipeline import open_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from spacy.language import Language
    from spacy.tokens import Doc

__all__ = ["CAPTIONS", "CaptionOptions", "count_captions", "parse_captions"]

CAPTIONS = pa.schema(
    [
        pa.field("record", pa.string(), nullable=False),
        pa.field("caption", pa.int32(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("cut", pa.bool_(), nullable=False),
        pa.field("starts", pa.list_(pa.int32()), nullable=False),
        pa.field("ends", pa.list_(pa.int32()), nullable=False),
        pa.field("lowers", pa.list_(pa.string()), nullable=False),
        pa.field("lemmas", pa.list_(pa.string()), nullable=False),
        pa.field("pos", pa.list_(pa.string()), nullable=False),
        pa.field("deps", pa.list_(pa.string()), nullable=False),
        pa.field("heads", pa.list_(pa.int32()), nullable=False),
        pa.field("entities", pa.list_(pa.string()), nullable=False),
        pa.field("chunkStarts", pa.list_(pa.int32()), nullable=False),
        pa.field("chunkEnds", pa.list_(pa.int32()), nullable=False),
    ]
)
"""One row per caption; its lists run over tokens.

`starts` and `ends` are character offsets in `text` (the caption, cut to its greatest length), `heads` token offsets (the
head of a root is itself), `entities` the entity type or "", `chunkStarts` and `chunkEnds` token offsets of noun phrases.
A blank pipeline leaves `pos` and `deps` empty strings, has no noun phrases, and its lemmas are the lower-case words.
"""

SIGNS = re.compile("[0-9A-Z]")
ATTRIBUTES: list[int | str] = ["IDX", "LENGTH", "LOWER", "LEMMA", "POS", "DEP", "HEAD", "ENT_TYPE"]
"""What spaCy is asked for, in the order of the token columns."""
TOKEN_COLUMNS = tuple(field.name for field in CAPTIONS if pa.types.is_list(field.type))
CHUNK_CAPTIONS = 1024
BATCH_CAPTIONS = 256


@dataclass(frozen=True)
class CaptionOptions:
    """How captions are parsed.

    Args:
        pipeline: A resolved pipeline (`miner.text.pipeline.resolve_pipeline`).
        max_chars: Longer captions are cut here, at a word boundary.
    """

    pipeline: str
    max_chars: int = 2_000


@dataclass(frozen=True)
class CaptionChunk:
    """One unit of parsing work: parallel columns, one entry per caption."""

    records: tuple[str, ...]
    indices: tuple[int, ...]
    texts: tuple[str, ...]


def parse_captions(
    records: Sequence[str], captions: Sequence[Sequence[str]], options: CaptionOptions, *, n_process: int = 1
) -> pa.Table:
    """Parse every caption of every record.

    Args:
        records: Record ids.
        captions: The captions of each record, parallel to `records`; a record may have none.
        options: Pipeline and greatest length.
        n_process: Processes that share the work; the result does not depend on it.

    Returns:
        A `CAPTIONS` table, one row per caption in the order given.

    Raises:
        TextError: The pipeline cannot be loaded.
    """
    chunks = cut_chunks(records, captions)
    if n_process <= 1 or len(chunks) <= 1:
        tables = [parse_chunk(chunk, options) for chunk in chunks]
    else:
        # Spawned, because forking a process that has threads (numpy, pyarrow) may deadlock.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(n_process, len(chunks)), mp_context=context) as pool:
            tables = list(pool.map(parse_chunk, chunks, [options] * len(chunks)))
    return pa.concat_tables(tables) if tables else CAPTIONS.empty_table()


def cut_chunks(records: Sequence[str], captions: Sequence[Sequence[str]]) -> list[CaptionChunk]:
    """Cut captions into units of work of `CHUNK_CAPTIONS`, the last one shorter."""
    rows = [
        (record, index, text)
        for record, texts in zip(records, captions, strict=True)
        for index, text in enumerate(texts)
    ]
    parts = (rows[start : start + CHUNK_CAPTIONS] for start in range(0, len(rows), CHUNK_CAPTIONS))
    return [CaptionChunk(*zip(*part, strict=True)) for part in parts]


def parse_chunk(chunk: CaptionChunk, options: CaptionOptions) -> pa.Table:
    """Parse one unit of work.

    Returns:
        A `CAPTIONS` table in one piece.

    Raises:
        TextError: The pipeline cannot be loaded.
    """
    nlp = _opened(options.pipeline)
    texts = [cut_text(text, options.max_chars) for text in chunk.texts]
    # What the pipeline learns of new words would stay for ever: over millions of captions, gigabytes.
    with nlp.memory_zone():
        docs = read_texts(nlp, texts)
        columns: dict[str, Any] = {
            "record": chunk.records,
            "caption": chunk.indices,
            "text": texts,
            "language": [detect_language(text) for text in texts],
            "cut": [len(text) < len(whole) for text, whole in zip(texts, chunk.texts, strict=True)],
            **token_columns(docs),
        }
    return pa.table(columns, schema=CAPTIONS)


def cut_text(text: str, max_chars: int) -> str:
    """Shorten a text to at most so many characters, at its last space where there is one.

    Example:
        >>> cut_text("a dog runs", 8)
        'a dog'
    """
    if len(text) <= max_chars:
        return text
    head, space, _ = text[: max_chars + 1].rpartition(" ")
    return head if space and head.strip() else text[:max_chars]


def read_texts(nlp: Language, texts: Sequence[str]) -> list[Doc]:
    """Run a pipeline over texts, its entity recogniser only over those that could hold a name."""
    if not nlp.pipe_names or nlp.pipe_names[-1] != "ner":
        return list(nlp.pipe(texts, batch_size=BATCH_CAPTIONS))
    with nlp.select_pipes(disable=["ner"]):
        docs = list(nlp.pipe(texts, batch_size=BATCH_CAPTIONS))
    # The recogniser marks the documents in place.
    with nlp.select_pipes(enable=["ner"]):
        for _ in nlp.pipe([doc for doc in docs if may_hold_name(doc)], batch_size=BATCH_CAPTIONS):
            pass
    return docs


def may_hold_name(doc: Doc) -> bool:
    """Tell whether a parsed text has anything that looks like a name or a number in digits."""
    rest = doc.text[len(doc[0]) :] if len(doc) else ""
    if rest.isascii():
        signs = SIGNS.search(rest) is not None
    else:
        signs = any(character.isdigit() or (character.isalpha() and not character.islower()) for character in rest)
    return signs or bool((doc.to_array("POS") == doc.vocab.strings["PROPN"]).any())


def token_columns(docs: Sequence[Doc]) -> dict[str, pa.ListArray]:
    """Return the token columns of `CAPTIONS`.

    Attributes of whole texts are taken at once and every string is looked up once: asking token by token takes a fifth of the
    time that parsing does.
    """
    tables = [doc.to_array(ATTRIBUTES).reshape(-1, len(ATTRIBUTES)) for doc in docs]
    n_tokens = [len(table) for table in tables]
    table = np.concatenate([np.empty((0, len(ATTRIBUTES)), np.uint64), *tables]).T
    starts, lengths, lower, lemma, pos, dep, head, entity = table
    # Heads are told from where the token itself is.
    own = np.arange(len(starts)) - np.repeat(np.cumsum([0, *n_tokens[:-1]]), n_tokens) if n_tokens else starts
    spans = [noun_phrases(doc) for doc in docs]
    ends = [len(found) for found in spans]
    chunks = np.array([span for found in spans for span in found], np.int64).reshape(-1, 2).T
    lemmas = np.where(lemma == 0, lower, lemma)
    values = (
        pa.array(starts.astype(np.int32)),
        pa.array((starts + lengths).astype(np.int32)),
        _spell(lower, docs),
        _spell(lemmas, docs, str.lower),
        _spell(pos, docs),
        _spell(dep, docs),
        pa.array((head.astype(np.int64) + own.astype(np.int64)).astype(np.int32)),
        _spell(entity, docs),
        *(pa.array(column.astype(np.int32)) for column in chunks),
    )
    counts = [n_tokens] * len(ATTRIBUTES) + [ends] * 2
    return {
        name: pa.ListArray.from_arrays(np.cumsum([0, *count]).astype(np.int32), value)
        for name, value, count in zip(TOKEN_COLUMNS, values, counts, strict=True)
    }


def _spell(words: npt.NDArray[np.uint64], docs: Sequence[Doc], change: Callable[[str], str] = str) -> pa.Array:
    """Put strings in the place of their numbers, which texts of one pipeline share."""
    distinct, places = np.unique(words, return_inverse=True)
    names = pa.array([change(docs[0].vocab.strings[word]) for word in distinct.tolist()], pa.string())
    return names.take(pa.array(places))


def noun_phrases(doc: Doc) -> list[tuple[int, int]]:
    """Return the noun phrases of a text as token spans; none where the language or pipeline has no such notion."""
    if not doc.has_annotation("DEP"):
        return []
    try:
        return [(chunk.start, chunk.end) for chunk in doc.noun_chunks]
    except NotImplementedError:
        return []


def count_captions(captions: pa.Table, *, language: str) -> dict[str, int]:
    """Count what happened to the captions.

    Returns:
        `captions`, `empty` (no token), `cut` (longer than allowed), `undetermined` (too short to tell the language)
        and `otherLanguage` (told, and not `language`).
    """
    told = captions["language"]
    undetermined = pc.equal(told, "und")
    other = pc.and_not(pc.not_equal(told, language), undetermined)
    empty = pc.equal(pc.list_value_length(captions["starts"]), 0)
    masks = {"empty": empty, "cut": captions["cut"], "undetermined": undetermined, "otherLanguage": other}
    return {"captions": len(captions)} | {name: int(pc.sum(mask).as_py() or 0) for name, mask in masks.items()}


@lru_cache(maxsize=1)
def _opened(pipeline: str) -> Language:
    return open_pipeline(pipeline)

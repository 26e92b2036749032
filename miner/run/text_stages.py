"""Stages of the captions: parse them, hide trigger words, learn text items."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from miner.run.split_stage import training_records
from miner.run.stage import Context, Known, ShardedStage, Shards, WholeStage
from miner.store.fingerprint import digest_file
from miner.store.formats import read_error, read_json, read_table, write_array, write_json, write_table
from miner.text.captions import CAPTIONS, CaptionChunk, CaptionOptions, cut_chunks, parse_chunk
from miner.text.items import CaptionItems
from miner.text.learn import learn_items
from miner.text.masking import MaskedWords, masked_words, token_masks
from miner.text.pipeline import pipeline_version, resolve_pipeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corpora.records import Corpus
    from miner.config import RunConfig
    from miner.store.artefact import Artefact


def language_of(config: RunConfig, corpus: Corpus) -> str:
    """Return the language of the captions: the configured one, else what the corpus declares, else English."""
    if config.text.language != "auto":
        return config.text.language
    return corpus.declaration.language or "en"


def read_captions(captions: Artefact) -> pa.Table:
    """Return the CAPTIONS table of all usable records, joined from its shards."""
    tables = [read_table(shard / "captions.parquet") for shard in captions.shards]
    return pa.concat_tables([CAPTIONS.empty_table(), *tables])


def _cut_parsing(context: Context) -> Shards:
    records = read_table(context.inputs["read"].file("records.parquet"), ["record", "captions", "status"])
    usable = records.filter(pc.equal(records["status"], "ok"))
    text = context.config.text
    pipeline = resolve_pipeline(text.pipeline, language_of(context.config, context.corpus))
    chunks = cut_chunks(usable["record"].to_pylist(), usable["captions"].to_pylist())
    options = CaptionOptions(pipeline=pipeline, max_chars=text.max_caption_chars)
    return Shards(
        work=partial(parse_chunk, options=options),
        items=chunks,
        save=_save_captions,
        sizes=[len(chunk.texts) for chunk in chunks],
        thread_safe=False,
        known=_known_captions(context.earlier, chunks) if context.earlier else {},
    )


def _known_captions(earlier: Artefact, chunks: Sequence[CaptionChunk]) -> dict[int, Known]:
    """Find the chunks that begin with captions an earlier run has parsed."""
    known = {}
    for index, (chunk, shard) in enumerate(zip(chunks, earlier.shards, strict=False)):
        parsed = read_table(shard / "captions.parquet")
        n = len(parsed)
        if (parsed["record"].to_pylist(), parsed["caption"].to_pylist()) == (
            list(chunk.records[:n]),
            list(chunk.indices[:n]),
        ):
            rest = CaptionChunk(chunk.records[n:], chunk.indices[n:], chunk.texts[n:])
            known[index] = Known(rest, len(rest.texts), partial(_join_captions, shard))
    return known


def _join_captions(shard: Path, rest: pa.Table | None) -> pa.Table:
    parsed = read_table(shard / "captions.parquet").cast(CAPTIONS)
    return parsed if rest is None else pa.concat_tables([parsed, rest])


def _save_captions(table: pa.Table, directory: Path) -> None:
    write_table(directory / "captions.parquet", table)


def _name_pipeline(config: RunConfig, corpus: Corpus) -> dict[str, str]:
    language = language_of(config, corpus)
    return {"language": language, "pipeline": pipeline_version(resolve_pipeline(config.text.pipeline, language))}


CAPTIONS_STAGE = ShardedStage(
    name="captions",
    version=1,
    inputs=("read",),
    settings=("text.max_caption_chars",),
    libraries=("pyarrow", "spacy"),
    facts=_name_pipeline,
    cut=_cut_parsing,
    unit="captions",
)


def read_masks(masks: Artefact) -> list[list[bool]]:
    """Return for each caption whether each token is masked."""
    rows: list[list[bool]] = read_table(masks.file("masks.parquet"))["masks"].to_pylist()
    return rows


def find_items(
    text_items: Artefact, captions: pa.Table, masks: Sequence[Sequence[bool]], config: RunConfig, corpus: Corpus
) -> CaptionItems:
    """Return the text items of all captions, with their places.

    Args:
        text_items: The artefact.
        captions: Of all usable records, as of `read_captions`.
        masks: Theirs, as of `read_masks`.
        config: Of the run.
        corpus: Whose captions they are.
    """
    items = read_table(text_items.file("text_items.parquet"))
    return CaptionItems(captions, masks, items, language=language_of(config, corpus))


def _make_masks(context: Context, directory: Path) -> None:
    captions = read_captions(context.inputs["captions"])
    patterns = read_json(context.inputs["label"].file("labelling.json"))["maskPatterns"]
    masked = masked_words(captions, patterns, language=language_of(context.config, context.corpus))
    write_table(directory / "masks.parquet", pa.table({"masks": token_masks(captions, masked)}))
    write_json(directory / "words.json", sorted(masked.words))
    write_json(
        directory / "masked.json",
        {
            "language": masked.language,
            "words": sorted(masked.words),
            "stems": sorted(masked.stems),
            "phrases": sorted(masked.phrases),
        },
    )


def read_masked(masks: Artefact) -> MaskedWords:
    """Return what the triggers matched where the masks were made."""
    kept = read_json(masks.file("masked.json"))
    phrases = frozenset(tuple(phrase) for phrase in kept["phrases"])
    return MaskedWords(kept["language"], frozenset(kept["words"]), frozenset(kept["stems"]), phrases)


def _make_items(context: Context, directory: Path) -> None:
    captions, masks = read_captions(context.inputs["captions"]), read_masks(context.inputs["masks"])
    language = language_of(context.config, context.corpus)
    training = training_records(context.inputs["split"])
    seen = np.array([record in training for record in captions["record"].to_pylist()], dtype=bool)
    learned = learn_items(
        captions.filter(pa.array(seen)),
        [mask for mask, is_seen in zip(masks, seen, strict=True) if is_seen],
        context.config.text,
        language=language,
        seed=context.config.seed,
    )
    found = CaptionItems(captions, masks, learned.items, language=language)
    write_table(directory / "text_items.parquet", learned.items)
    write_table(directory / "items.parquet", found.table())
    write_table(directory / "words.parquet", pa.table({"word": pa.array(learned.vectors.words, pa.string())}))
    write_array(directory / "vectors.npy", learned.vectors.vectors)
    write_json(directory / "counts.json", learned.counts)


def _name_language(config: RunConfig, corpus: Corpus) -> dict[str, str]:
    return {"language": language_of(config, corpus)}


def _describe_items(config: RunConfig, corpus: Corpus) -> dict[str, object]:
    """Put what text items depend on into the key: a file of vectors by its content, not by its path."""
    parsing = {"language", "pipeline", "max_caption_chars", "vectors"}
    return {
        **_name_language(config, corpus),
        "vectors": _digest_vectors(config.text.vectors),
        "text": config.text.model_dump(mode="json", exclude=parsing),
    }


def _digest_vectors(name: str) -> str:
    try:
        return digest_file(Path(name)) if name else ""
    except OSError as error:
        raise read_error(Path(name), error) from error


MASKS = WholeStage(
    name="masks",
    version=2,
    inputs=("label", "captions"),
    libraries=("pyarrow", "snowballstemmer", "spacy"),
    facts=_name_language,
    make=_make_masks,
)
TEXT_ITEMS = WholeStage(
    name="text-items",
    version=4,
    inputs=("split", "captions", "masks"),
    settings=("seed",),
    libraries=("gensim", "numpy", "pyarrow", "scikit-learn", "scipy", "snowballstemmer", "spacy"),
    facts=_describe_items,
    make=_make_items,
)

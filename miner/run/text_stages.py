"""Stages of the captions: parse them, train word vectors, make text items."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from miner.run.stage import Context, ShardedStage, Shards
from miner.store.formats import read_table, write_table
from miner.text.captions import CAPTIONS, CaptionOptions, cut_chunks, parse_chunk
from miner.text.pipeline import pipeline_version, resolve_pipeline

if TYPE_CHECKING:
    from pathlib import Path

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
    )


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

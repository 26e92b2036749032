"""Looks at a corpus before it is mined: what is usable, and what would count as a copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corpora.check import CorpusReport, check_corpus
from corpora.labels import label_records
from miner.run.read_stages import open_corpus
from miner.run.visual_stages import cut_encoding
from miner.visual.encode import IMAGES, join_images
from miner.visual.groups import photo_groups

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    from corpora.records import Corpus
    from miner.config import RunConfig
    from miner.run.executor import Executor
    from miner.run.progress import Progress
    from miner.visual.encode import EncodedShard


@dataclass
class _Looks:
    """What is kept of each shard: the rows, and the features that confirm copies."""

    images: list[pa.Table]
    pooled: list[npt.NDArray[np.float16]]


def examine_corpus(location: str, config: RunConfig, *, executor: Executor | None, progress: Progress) -> CorpusReport:
    """Describe a corpus.

    Args:
        location: A path or an fsspec URL.
        config: How it is read, labelled and encoded.
        executor: Where pictures are decoded and compared; `None` to leave that out.
        progress: Where to report.

    Raises:
        EventMinerError: The corpus cannot be read or labelled.
    """
    corpus = open_corpus(location, config.corpus, progress)
    label = config.label
    labelling = label_records(
        corpus.records, corpus.declaration, ontology=label.ontology, aliases=label.aliases, mode=label.mode
    )
    if executor is None:
        return check_corpus(corpus, labelling)
    images, groups = _compare_images(corpus, config, executor, progress)
    return check_corpus(corpus, labelling, image_problems=images, groups=groups)


def _compare_images(
    corpus: Corpus, config: RunConfig, executor: Executor, progress: Progress
) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    shards = cut_encoding(corpus, config)
    looks = _Looks([IMAGES.empty_table()] * len(shards.items), [np.empty((0, 0), np.float16)] * len(shards.items))
    with progress.stage("look at images", corpus.records.num_rows, "images") as advance:

        def keep(index: int, shard: EncodedShard) -> None:
            looks.images[index] = shard.images
            looks.pooled[index] = shard.activations.pooled
            advance(shards.sizes[index])

        executor.map(shards.work, shards.items, on_result=keep, ready=shards.ready)
    images = join_images(looks.images)
    hashes = [phash for phash in images["phash"].to_pylist() if phash is not None]
    visual = config.visual
    pooled = np.concatenate(looks.pooled)
    return images, photo_groups(hashes, pooled, max_bits=visual.duplicate_bits, min_cosine=visual.duplicate_cosine)

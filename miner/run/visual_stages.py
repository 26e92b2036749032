"""Stages of the pictures: encode them, find copies, see which visual items fire."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from miner.errors import CorpusError
from miner.run.account import EncodingAccount
from miner.run.encoded import Encoded
from miner.run.engines import kind_of, work_with
from miner.run.split_stage import group_representatives
from miner.run.stage import Context, Known, ShardedStage, Shards, WholeStage
from miner.store.formats import read_array, read_table, write_array, write_json, write_table
from miner.visual.activations import Activations, join_activations
from miner.visual.encode import EncodedShard, encode_shard, join_images, load_network, require_there
from miner.visual.engine import name_engine
from miner.visual.filters import fire_items
from miner.visual.groups import group_sizes, photo_groups
from miner.visual.registry import identify_backbone, load_backbone

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

    from corpora.images import ImageFinder
    from corpora.records import Corpus
    from miner.config import RunConfig, VisualConfig
    from miner.store.artefact import Artefact
    from miner.visual.engine import EngineKind

ACTIVATIONS = ("maxima", "cells", "pooled", "projected")


def encode_records(
    rows: pa.Table, *, source: ImageFinder, config: VisualConfig, seed: int, kind: EngineKind
) -> EncodedShard:
    """Encode one shard, wherever it is worked on.

    Raises:
        CorpusError: As of `require_there`.
    """
    shard = encode_shard(rows, source, config, seed=seed, kind=kind)
    for before, now in zip(rows["status"].to_pylist(), shard.images.to_pylist(), strict=True):
        require_there(before, now["record"], now["code"], now["reason"])
    return shard


def save_shard(shard: EncodedShard, directory: Path) -> None:
    """Write what was kept of the pictures of one shard."""
    write_table(directory / "images.parquet", shard.images)
    for name in ACTIVATIONS:
        write_array(directory / f"{name}.npy", getattr(shard.activations, name))


def _load_shard(directory: Path) -> EncodedShard:
    """Read what `save_shard` wrote."""
    arrays = {name: np.asarray(read_array(directory / f"{name}.npy")) for name in ACTIVATIONS}
    return EncodedShard(read_table(directory / "images.parquet"), Activations(**arrays), "", {})


def cut_encoding(
    corpus: Corpus, config: RunConfig, earlier: Artefact | None = None, *, engine: str | None = None
) -> Shards:
    """Cut the encoding of a corpus into shards.

    Args:
        corpus: Whose pictures are encoded.
        config: How.
        earlier: What the same stage, with the same parameters, made of records that the corpus begins with.
        engine: What runs the network, by `name_engine`; without one, what suits this machine.
    """
    engine = engine or name_engine()
    records = corpus.records.select(["record", "image", "status", "code", "reason"])
    size = config.visual.shard_size
    # `take` copies: a slice would drag the whole table along to every worker.
    items = [records.take(np.arange(at, min(at + size, len(records)))) for at in range(0, len(records), size)]
    kind = kind_of(engine)
    encode = partial(encode_records, source=corpus.images, config=config.visual, seed=config.seed, kind=kind)
    known = _known_shards(earlier, items) if earlier else {}
    return Shards(
        work=partial(work_with, engine, encode),
        items=items,
        save=save_shard,
        sizes=[len(item) for item in items],
        known=known,
        account=EncodingAccount(),
        ready=partial(work_with, engine, partial(load_network, seed=config.seed, kind=kind), config.visual),
    )


def _known_shards(earlier: Artefact, items: Sequence[pa.Table]) -> dict[int, Known]:
    """Find the shards that begin with records an earlier run has encoded."""
    known = {}
    for index, (rows, shard) in enumerate(zip(items, earlier.shards, strict=False)):
        encoded = read_table(shard / "images.parquet", ["record"])["record"].to_pylist()
        if rows["record"].to_pylist()[: len(encoded)] == encoded:
            rest = rows.take(np.arange(len(encoded), len(rows)))
            known[index] = Known(rest, len(rest), partial(_join_shard, shard))
    return known


def _join_shard(directory: Path, rest: EncodedShard | None) -> EncodedShard:
    encoded = _load_shard(directory)
    if rest is None:
        return encoded
    activations = join_activations([encoded.activations, rest.activations])
    return EncodedShard(join_images([encoded.images, rest.images]), activations, rest.device, rest.elapsed_s)


def _name_network(config: RunConfig, _corpus: Corpus) -> dict[str, str]:
    """Put an added network into the key."""
    return identify_backbone(config.visual.backbone)


def _require_pictures(images: pa.Table) -> None:
    """Stop where there is nothing to look at.

    Raises:
        CorpusError: No picture could be used; says why.
    """
    reasons = [
        row for row in images.select(["record", "status", "code", "reason"]).to_pylist() if row["status"] != "ok"
    ]
    if len(reasons) < len(images):
        return
    counts = Counter(row["code"] for row in reasons)
    code, count = counts.most_common(1)[0]
    first = next(row for row in reasons if row["code"] == code)
    raise CorpusError(
        f"None of the {len(images):,} pictures can be used; {count:,} are {code!r}, the first, "
        f"{first['record']}: {first['reason']}.",
        hint="See all reasons with: eventminer corpus check CORPUS",
    )


def _make_groups(context: Context, directory: Path) -> None:
    encoded = Encoded(context.inputs["encode"])
    images = encoded.images()
    _require_pictures(images)
    hashes = [phash for phash in images["phash"].to_pylist() if phash is not None]
    visual = context.config.visual
    pooled = encoded.rows("pooled", np.arange(encoded.n_rows))
    groups = photo_groups(hashes, pooled, max_bits=visual.duplicate_bits, min_cosine=visual.duplicate_cosine)
    write_table(directory / "images.parquet", images)
    write_array(directory / "groups.npy", groups)
    sizes = asdict(group_sizes(groups))
    write_json(directory / "sizes.json", sizes)


def _make_filters(context: Context, directory: Path) -> None:
    encoded = Encoded(context.inputs["encode"])
    maxima = encoded.rows("maxima", np.arange(encoded.n_rows))
    visual = context.config.visual
    representatives = group_representatives(context.inputs["groups"], context.inputs["split"])
    thresholds, items = fire_items(maxima, representatives, load_backbone(visual.backbone), visual)
    write_array(directory / "thresholds.npy", thresholds)
    write_array(directory / "indptr.npy", items.indptr)
    write_array(directory / "indices.npy", items.indices)


ENCODE = ShardedStage(
    name="encode",
    version=3,
    inputs=("read",),
    settings=(
        "seed",
        "visual.backbone",
        "visual.view",
        "visual.shard_size",
        "visual.max_pixels",
        "visual.max_seconds",
        "visual.n_dims",
    ),
    libraries=("numpy", "onnxruntime", "pillow", "pyarrow", "scipy", "torch"),
    facts=_name_network,
    # torch on a GPU and ONNX Runtime agree to 1e-3, not to the bit
    runs_network=True,
    cut=lambda context: cut_encoding(context.corpus, context.config, context.earlier, engine=context.executor.engine),
    unit="images",
)
GROUPS = WholeStage(
    name="groups",
    version=2,
    inputs=("encode",),
    settings=("visual.duplicate_bits", "visual.duplicate_cosine"),
    libraries=("numpy", "pyarrow", "scipy"),
    make=_make_groups,
)
FILTERS = WholeStage(
    name="filters",
    version=2,
    inputs=("encode", "groups", "split"),
    settings=("visual.backbone", "visual.items", "visual.firing", "visual.fires_top", "visual.top_k"),
    libraries=("numpy",),
    make=_make_filters,
)

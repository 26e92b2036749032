"""Stages of the baselines: they stand in for ours of the same name, so that everything before and after them is the same."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from miner.errors import ArtefactError
from miner.patterns.baselines.itemsets import CellVotes
from miner.patterns.baselines.terms import find_terms, term_patterns, term_rules
from miner.patterns.baselines.visual import ALIKE_ALLOWED, PUBLISHED, mine_visual_patterns, mine_visual_rules
from miner.patterns.pictures import Votes
from miner.rules.ruleset import RULES
from miner.rules.transactions import Transactions
from miner.run.encoded import ShardRows, count_ends
from miner.run.engines import kind_of, work_with
from miner.run.pattern_stage import PATTERNS, gather_inputs, save_patterns
from miner.run.rule_stages import MINE
from miner.run.split_stage import group_representatives
from miner.run.stage import Context, ShardedStage, Shards
from miner.run.visual_stages import ENCODE
from miner.store.formats import read_array, read_table, write_array, write_json, write_table
from miner.visual.encode import encode_images
from miner.visual.registry import load_backbone
from miner.visual.strongest import N_STRONGEST, strongest_filters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt
    import pyarrow as pa

    from corpora.images import ImageFinder
    from miner.config import Method, VisualConfig
    from miner.run.stage import Stage
    from miner.visual.engine import EngineKind


def strongest_of_records(
    rows: pa.Table, *, source: ImageFinder, config: VisualConfig, kind: EngineKind
) -> npt.NDArray[np.uint16]:
    """Return the strongest filters of every cell of the usable pictures of one shard: uint16, (n, n_cells, k)."""
    backbone = load_backbone(config.backbone)
    found = [strongest_filters(image.maps) for image in encode_images(rows, source, config, kind=kind)]
    return np.stack(found) if found else np.empty((0, backbone.grid**2, N_STRONGEST), np.uint16)


def _cut_cells(context: Context) -> Shards:
    records = context.corpus.records.select(["record", "image", "status", "code", "reason"])
    visual = context.config.visual
    size = visual.shard_size
    items = [records.take(np.arange(at, min(at + size, len(records)))) for at in range(0, len(records), size)]
    engine = context.executor.engine
    look = partial(strongest_of_records, source=context.corpus.images, config=visual, kind=kind_of(engine))
    work = partial(work_with, engine, look)
    return Shards(work=work, items=items, save=_save_cells, sizes=[len(item) for item in items])


def _save_cells(cells: npt.NDArray[np.uint16], directory: Path) -> None:
    write_array(directory / "strongest.npy", cells)


def _read_cell_votes(context: Context, transactions: Transactions, picture: npt.NDArray[np.int64]) -> CellVotes:
    """Return the cells of the pictures that mining may see.

    Raises:
        ArtefactError: Some picture has become unreadable since it was encoded.
    """
    representatives = group_representatives(context.inputs["groups"], context.inputs["split"])
    shards = [shard / "strongest.npy" for shard in context.inputs["cells"].shards]
    ends = count_ends(shards)
    n_encoded = len(read_array(context.inputs["groups"].file("groups.npy")))
    if ends[-1] != n_encoded:
        raise ArtefactError(
            f"{ends[-1]:,} pictures have cells, {n_encoded:,} were encoded: the corpus has changed.",
            hint="Run it with a fresh --out.",
        )
    return CellVotes(
        strongest=ShardRows(shards, ends, representatives)[np.arange(len(representatives))],
        picture=picture,
        labels=transactions.labels,
        event_types=transactions.event_types,
        n_filters=load_backbone(context.config.visual.backbone).n_filters,
    )


def _make_visual_rules(context: Context, directory: Path) -> None:
    transactions = Transactions.from_table(read_table(context.inputs["transactions"].file("transactions.parquet")))
    representatives = group_representatives(context.inputs["groups"], context.inputs["split"])
    picture = np.searchsorted(representatives, transactions.groups).astype(np.int64)
    votes = _read_cell_votes(context, transactions, picture)
    published = context.config.method == PUBLISHED
    jaccard = ALIKE_ALLOWED if published else context.config.pattern.merge_jaccard
    rules, summary = mine_visual_rules(votes, max_jaccard=jaccard, threads=context.n_threads)
    write_table(directory / "rules.parquet", rules)
    write_json(directory / "summary.json", summary)


def _make_visual_patterns(context: Context, directory: Path) -> None:
    inputs = gather_inputs(context, read_table(context.inputs["mine"].file("rules.parquet")))
    votes = _read_cell_votes(context, inputs.votes.transactions, inputs.votes.picture)
    shown = replace(inputs, votes=Votes(_with_cells(inputs.votes.transactions, votes), inputs.votes.picture))
    config, published = context.config, context.config.method == PUBLISHED
    found = mine_visual_patterns(shown, votes, config.pattern, seed=config.seed, published=published)
    save_patterns(found, directory)


def _with_cells(transactions: Transactions, votes: CellVotes) -> Transactions:
    """Give every vote the filters that are among the strongest of some cell as visual items."""
    has = np.zeros((len(votes.strongest), votes.n_filters + 1), dtype=bool)
    items = np.minimum(votes.strongest.reshape(len(has), -1), votes.n_filters)
    np.put_along_axis(has, items.astype(np.int64), values=True, axis=1)
    own = has[votes.picture, : votes.n_filters]
    indptr = np.concatenate([[0], np.cumsum(own.sum(axis=1))]).astype(np.int64)
    return replace(transactions, visual_indptr=indptr, visual_indices=np.nonzero(own)[1].astype(np.int32))


def _make_term_rules(context: Context, directory: Path) -> None:
    inputs = gather_inputs(context, RULES.empty_table())
    terms = find_terms(inputs, context.config.mine, context.config.pattern)
    rules = term_rules(terms, inputs.words)
    write_table(directory / "rules.parquet", rules)
    by_type = {name: sum(term.event_type == name for term in terms) for name in inputs.votes.transactions.event_types}
    smallest = min(rules["logP"].to_pylist(), default=0.0) / np.log(10)
    write_json(directory / "summary.json", {"smallestAttainableLog10P": smallest, "terms": by_type})


def _make_term_patterns(context: Context, directory: Path) -> None:
    inputs = gather_inputs(context, read_table(context.inputs["mine"].file("rules.parquet")))
    save_patterns(term_patterns(inputs, context.config.mine, context.config.pattern), directory)


CELLS = ShardedStage(
    name="cells",
    version=1,
    inputs=("read",),
    settings=("visual.backbone", "visual.view", "visual.shard_size", "visual.max_pixels", "visual.max_seconds"),
    libraries=("numpy", "onnxruntime", "pillow", "torch"),
    facts=ENCODE.facts,
    runs_network=True,
    cut=_cut_cells,
    unit="images",
)
_LEARNED = tuple(name for name in PATTERNS.inputs if name != "mine")
VISUAL_MINE = replace(
    MINE,
    version=1,
    inputs=("groups", "split", "transactions", "cells"),
    settings=("method", "visual.backbone", "pattern.merge_jaccard"),
    make=_make_visual_rules,
)
VISUAL_PATTERNS = replace(
    PATTERNS, inputs=(*PATTERNS.inputs, "cells"), settings=("method", *PATTERNS.settings), make=_make_visual_patterns
)
TERM_MINE = replace(
    MINE,
    version=2,
    inputs=_LEARNED,
    settings=("method", "mine.min_support_count", "mine.min_confidence", "pattern"),
    libraries=PATTERNS.libraries,
    make=_make_term_rules,
)
TERM_PATTERNS = replace(
    PATTERNS, settings=("method", "mine.min_support_count", *PATTERNS.settings), make=_make_term_patterns
)
BASELINES: Mapping[str, Mapping[str, tuple[Stage, ...]]] = {
    "visual-only": {"mine": (CELLS, VISUAL_MINE), "patterns": (VISUAL_PATTERNS,)},
    PUBLISHED: {"mine": (CELLS, VISUAL_MINE), "patterns": (VISUAL_PATTERNS,)},
    "text-only": {"mine": (TERM_MINE,), "patterns": (TERM_PATTERNS,)},
}
"""For each baseline, what stands in for which of our stages."""


def with_method(stages: Sequence[Stage], method: Method) -> tuple[Stage, ...]:
    """Return the stages of a run that finds patterns with a method.

    Args:
        stages: Ours.
        method: What finds patterns.
    """
    own = BASELINES.get(method, {})
    return tuple(new for stage in stages for new in own.get(stage.name, (stage,)))

"""What is mined to measure a run: the training part of a split by every method, its two halves, and corpora without meaning.

Everything is an artefact in the run's own folder, so that seeds and methods share what does not differ between them, and a
measurement that was stopped goes on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from miner.config import HoldoutConfig
from miner.errors import ConfigError, MiningError
from miner.rules.transactions import Transactions
from miner.run.baseline_stages import with_method
from miner.run.encoded import Encoded
from miner.run.pattern_stage import PATTERNS
from miner.run.read_stages import LABEL
from miner.run.rule_stages import TRANSACTIONS
from miner.run.split import split_shared
from miner.run.split_stage import SPLIT_STAGE
from miner.run.stages import STAGES
from miner.store.formats import read_table, write_table
from miner.visual.groups import photo_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from miner.config import Method, RunConfig
    from miner.run.pipeline import Pipeline
    from miner.run.stage import Context, Stage
    from miner.store.artefact import Artefact

MINING = STAGES[: STAGES.index(PATTERNS) + 1]
"""The stages of a run up to its patterns."""

SHUFFLES = ("labels", "pictures")
OWN = "own."
"""Begins the names of the artefacts of the run's own corpus where those of another have the plain names."""


@dataclass(frozen=True)
class Workshop:
    """Where splits of one corpus are mined.

    Attributes:
        pipeline: With the artefact of the corpus; its own artefacts grow by what all splits share.
    """

    pipeline: Pipeline

    def mine(
        self, config: RunConfig, *, method: Method = "ours", replaced: Mapping[str, Stage] | None = None
    ) -> dict[str, Artefact]:
        """Mine patterns.

        Args:
            config: What is held out, and how to mine the rest.
            method: What finds patterns.
            replaced: Stages that stand in for others of their name.

        Returns:
            Every artefact up to the patterns, by stage name.

        Raises:
            EventMinerError: As of `run_corpus`.
        """
        own = config.model_copy(update={"method": method})
        artefacts = {"read": self.pipeline.artefacts["read"]}
        pipeline = replace(self.pipeline, config=own, artefacts=artefacts, made=[])
        stages = [(replaced or {}).get(stage.name, stage) for stage in with_method((LABEL, *MINING), method)]
        return dict(pipeline.run(stages))

    def mine_rest(self, config: RunConfig, *, method: Method = "ours") -> dict[str, Artefact]:
        """Mine what is held out, and hold the rest out."""
        return self.mine(config, method=method, replaced={"split": REST})

    def mine_shuffled(self, config: RunConfig, what: str) -> dict[str, Artefact]:
        """Mine a corpus that means nothing.

        Args:
            config: As of `mine`.
            what: `labels`: event types are dealt out anew among the votes; `pictures`: pictures among the votes of each
                event type, so that captions speak of other pictures.
        """
        return self.mine(config, replaced={"transactions": SHUFFLED[what]})


def held_out_config(config: RunConfig, share: float, seed: int) -> RunConfig:
    """Return a configuration that holds a share of the photo groups out."""
    return config.model_copy(update={"holdout": HoldoutConfig(share=share, seed=seed)})


def _make_rest(context: Context, directory: Path) -> None:
    SPLIT_STAGE.make(context, directory)
    split = read_table(directory / "split.parquet")
    place = split.schema.get_field_index("heldOut")
    write_table(
        directory / "split.parquet", split.set_column(place, split.schema.field(place), pc.invert(split["heldOut"]))
    )


def shuffle_labels(transactions: Transactions, seed: int) -> Transactions:
    """Deal the event types of labelled votes out anew."""
    labelled = np.flatnonzero(transactions.labels >= 0)
    labels = transactions.labels.copy()
    labels[labelled] = labels[np.random.default_rng(seed).permutation(labelled)]
    return replace(transactions, labels=labels)


def shuffle_pictures(transactions: Transactions, seed: int) -> Transactions:
    """Deal the visual items of the votes of each event type out anew among them."""
    rng = np.random.default_rng(seed)
    order = np.arange(len(transactions))
    for label in np.unique(transactions.labels):
        own = np.flatnonzero(transactions.labels == label)
        order[own] = rng.permutation(own)
    given = transactions.select(order)
    return replace(transactions, visual_indptr=given.visual_indptr, visual_indices=given.visual_indices)


def _make_shuffled(context: Context, directory: Path, *, shuffle: Callable[[Transactions, int], Transactions]) -> None:
    if context.config.visual.scope == "region":
        raise ConfigError(
            "Shuffled corpora are made of whole pictures, not of regions.",
            hint="Evaluate a run with visual.scope = image.",
        )
    TRANSACTIONS.make(context, directory)
    table = read_table(directory / "transactions.parquet")
    shuffled = shuffle(Transactions.from_table(table), context.config.holdout.seed)
    write_table(directory / "transactions.parquet", shuffled.to_table())


def _make_apart(context: Context, directory: Path) -> None:
    """Leave out the records of another corpus that show or say what the run's own corpus does."""
    inputs, visual = context.inputs, context.config.visual
    ids, captions, hashes, pooled, places = list[list[str]](), list[list[str]](), list[str](), [], list[int]()
    for prefix in (OWN, ""):
        records = read_table(inputs[prefix + "read"].file("records.parquet"), ["record", "captions"])
        encoded = Encoded(inputs[prefix + "encode"])
        images = encoded.images()
        shown = images.filter(images["row"].is_valid())
        at = {record: len(captions) + row for row, record in enumerate(records["record"].to_pylist())}
        places += [at[record] for record in shown["record"].to_pylist()]
        hashes += shown["phash"].to_pylist()
        pooled.append(encoded.pooled())
        ids.append(records["record"].to_pylist())
        captions += [texts or [] for texts in records["captions"].to_pylist()]
    groups = photo_groups(
        hashes, np.concatenate(pooled), max_bits=visual.duplicate_bits, min_cosine=visual.duplicate_cosine
    )
    known, others = ids
    table = split_shared(known, others, captions, dict(zip(places, groups.tolist(), strict=True)))
    n_shared = pc.sum(table["heldOut"]).as_py() or 0
    if n_shared == len(table):
        raise MiningError(
            f"All {n_shared:,} records of the other corpus share a photograph or a caption with the run's own.",
            hint="Measure on splits of the run's own corpus: --holdout 0.4 --seeds 5.",
        )
    write_table(directory / "split.parquet", table)


APART = replace(
    SPLIT_STAGE,
    inputs=(*SPLIT_STAGE.inputs, "encode", OWN + "read", OWN + "encode"),
    settings=("visual.duplicate_bits", "visual.duplicate_cosine"),
    facts=lambda _config, _corpus: {"part": "apart"},
    make=_make_apart,
)
REST = replace(SPLIT_STAGE, facts=lambda _config, _corpus: {"part": "rest"}, make=_make_rest)
SHUFFLED: Mapping[str, Stage] = {
    "labels": replace(
        TRANSACTIONS,
        settings=(*TRANSACTIONS.settings, "holdout.seed"),
        facts=lambda _config, _corpus: {"shuffled": "labels"},
        make=partial(_make_shuffled, shuffle=shuffle_labels),
    ),
    "pictures": replace(
        TRANSACTIONS,
        settings=(*TRANSACTIONS.settings, "holdout.seed"),
        facts=lambda _config, _corpus: {"shuffled": "pictures"},
        make=partial(_make_shuffled, shuffle=shuffle_pictures),
    ),
}

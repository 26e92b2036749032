"""The stage that turns rules into patterns: gathers what they are made from, and keeps what they become."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from miner.patterns.assemble import mine_patterns
from miner.patterns.pictures import PatternInputs, Pictures, Votes
from miner.patterns.typical import TYPICAL, typical_rows
from miner.rules.transactions import Transactions
from miner.run.encoded import Encoded
from miner.run.learning import REVIEW, learn_patterns, read_decisions, widened
from miner.run.libraries import library_versions
from miner.run.read_stages import read_ontology
from miner.run.rule_stages import read_regions
from miner.run.split_stage import group_representatives, training_records
from miner.run.stage import Context, WholeStage
from miner.run.text_stages import find_items, read_captions, read_masks
from miner.store.formats import read_array, read_table, write_json, write_table, write_tensors
from miner.text.encoder import PACKAGE, encode_phrases
from miner.visual.geometry import geometry_of
from miner.visual.registry import load_backbone

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from corpora.records import Corpus
    from miner.config import PatternConfig, RunConfig, VisualConfig
    from miner.patterns.assemble import PatternSet
    from miner.visual.geometry import Geometry


def _make_patterns(context: Context, directory: Path) -> None:
    found = _learn(context, directory) if REVIEW in context.inputs else _mine(context, context.config.pattern)
    save_patterns(found, directory)


def save_patterns(found: PatternSet, directory: Path) -> None:
    """Write patterns, evidence, what is typical, detectors where there are any, and what was dropped."""
    write_table(directory / "patterns.parquet", found.patterns)
    write_table(directory / "evidence.parquet", found.evidence)
    typical = typical_rows(found.patterns, found.evidence)
    write_table(directory / "typical.parquet", pa.Table.from_pylist(typical, schema=TYPICAL))
    write_json(directory / "dropped.json", dict(found.dropped))
    if found.detectors is not None:
        write_tensors(directory / "detectors.safetensors", found.detectors.tensors())


def _mine(context: Context, pattern: PatternConfig) -> PatternSet:
    config = context.config
    inputs = gather_inputs(context, read_table(context.inputs["mine"].file("rules.parquet")))
    return mine_patterns(inputs, pattern, min_confidence=config.mine.min_confidence, seed=config.seed)


def _learn(context: Context, directory: Path) -> PatternSet:
    """Mine more patterns than are kept, and let decisions choose."""
    decisions = read_decisions(context.inputs[REVIEW])
    pattern = context.config.pattern
    found = _mine(context, widened(pattern, decisions))
    ontology = read_ontology(context.inputs["label"])
    learned = learn_patterns(found, decisions, ontology, max_patterns=pattern.max_patterns)
    write_json(directory / "learned.json", dict(learned.used))
    return learned.found


def gather_inputs(context: Context, rules: pa.Table) -> PatternInputs:
    """Gather what patterns are made from.

    Args:
        context: With the artefacts of all stages from `read` to `transactions`.
        rules: Schema `RULES`, mined from these transactions.
    """
    inputs = context.inputs
    groups = read_array(inputs["groups"].file("groups.npy"))
    representatives = group_representatives(inputs["groups"], inputs["split"])
    images = read_table(inputs["groups"].file("images.parquet"))
    encoded = images.filter(images["row"].is_valid())
    pictures = _read_pictures(Encoded(inputs["encode"]), representatives)
    transactions = Transactions.from_table(read_table(inputs["transactions"].file("transactions.parquet")))
    items = read_table(inputs["text-items"].file("text_items.parquet"))
    records = encoded["record"].to_pylist()
    image_of = _image_names(read_table(inputs["read"].file("records.parquet"), ["record", "image"]))
    places = np.searchsorted(representatives, groups).tolist()
    training = training_records(inputs["split"])
    captions, masks = read_captions(inputs["captions"]), read_masks(inputs["masks"])
    return PatternInputs(
        rules=rules,
        votes=Votes.of(transactions, pictures, read_regions(inputs["transactions"])),
        pictures=pictures,
        records=[records[row] for row in representatives],
        images=[image_of[records[row]] for row in representatives],
        geometry=_Geometries(encoded, representatives, context.config.visual),
        captions=captions,
        masks=masks,
        picture_of={record: place for record, place in zip(records, places, strict=True) if record in training},
        words=dict(zip(items["textItem"].to_pylist(), items["words"].to_pylist(), strict=True)),
        spans=find_items(inputs["text-items"], captions, masks, context.config, context.corpus).spans,
        ontology=read_ontology(inputs["label"]),
        encode=encode_phrases if context.config.pattern.name_encoder == "minilm" else None,
    )


def _read_pictures(encoded: Encoded, representatives: npt.NDArray[np.int64]) -> Pictures:
    return Pictures(
        groups=representatives,
        cells=encoded.rows("cells", representatives),
        pooled=encoded.rows("pooled", representatives),
        projected=encoded.rows("projected", representatives),
    )


def _image_names(records: pa.Table) -> dict[str, str]:
    return dict(zip(records["record"].to_pylist(), records["image"].to_pylist(), strict=True))


class _Geometries:
    """Gives the geometry of a picture from its row among the representatives."""

    def __init__(self, encoded: pa.Table, representatives: npt.NDArray[np.int64], visual: VisualConfig) -> None:
        chosen = encoded.take(representatives)
        self._widths, self._heights = chosen["width"].to_pylist(), chosen["height"].to_pylist()
        self._backbone, self._view = load_backbone(visual.backbone), visual.view

    def __call__(self, picture: int) -> Geometry:
        return geometry_of(self._widths[picture], self._heights[picture], self._backbone, self._view)


def _name_encoder(config: RunConfig, _corpus: Corpus) -> dict[str, object]:
    """Put the version of the sentence encoder into the key where it is used."""
    return {"encoder": library_versions([PACKAGE])} if config.pattern.name_encoder == "minilm" else {}


PATTERNS = WholeStage(
    name="patterns",
    version=10,
    inputs=("read", "label", "encode", "groups", "split", "captions", "masks", "text-items", "transactions", "mine"),
    settings=("seed", "pattern", "mine.min_confidence", "visual.backbone", "visual.view"),
    libraries=("numpy", "pillow", "pyarrow", "scipy", "spacy"),
    facts=_name_encoder,
    make=_make_patterns,
)

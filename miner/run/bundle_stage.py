"""The last stage: nodes and relationships as Parquet, the truth that every store is a projection of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.bundle import build_bundle, write_bundle
from kb.inputs import BundleInputs, RunInfo
from miner.run.libraries import library_versions
from miner.run.read_stages import read_ontology
from miner.run.stage import Context, WholeStage
from miner.run.text_stages import read_captions, read_masks
from miner.store.fingerprint import digest_json
from miner.store.formats import read_array, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from corpora.records import Corpus
    from miner.config import RunConfig


def _make_bundle(context: Context, directory: Path) -> None:
    inputs, config = context.inputs, context.config
    run = RunInfo(
        key=inputs["patterns"].key,
        method="ours",
        config_digest=_digest_config(config),
        network=config.visual.backbone,
        versions=library_versions(),
    )
    bundle_inputs = BundleInputs(
        declaration=context.corpus.declaration,
        run=run,
        ontology=read_ontology(inputs["label"]),
        records=read_table(inputs["read"].file("records.parquet")),
        labels=read_table(inputs["label"].file("labels.parquet")),
        images=read_table(inputs["groups"].file("images.parquet")),
        groups=read_array(inputs["groups"].file("groups.npy")),
        captions=read_captions(inputs["captions"]),
        masks=read_masks(inputs["masks"]),
        text_items=read_table(inputs["text-items"].file("text_items.parquet")),
        rules=read_table(inputs["mine"].file("rules.parquet")),
        patterns=read_table(inputs["patterns"].file("patterns.parquet")),
        evidence=read_table(inputs["patterns"].file("evidence.parquet")),
    )
    # A bundle has a manifest of its own, so it lies one level below the artefact's.
    write_bundle(build_bundle(bundle_inputs), directory / "bundle")


def _digest_config(config: RunConfig) -> str:
    return digest_json(config.model_dump(mode="json"))


def _describe_run(config: RunConfig, _corpus: Corpus) -> dict[str, object]:
    """Put what the MiningRun node says into the key; a path in the configuration is in there as a digest only."""
    return {"configDigest": _digest_config(config), "versions": library_versions()}


BUNDLE = WholeStage(
    name="bundle",
    version=3,
    inputs=("read", "label", "groups", "captions", "masks", "text-items", "mine", "patterns"),
    settings=("visual.backbone",),
    facts=_describe_run,
    make=_make_bundle,
)

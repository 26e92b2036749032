"""The last stage: nodes and relationships as Parquet, the truth that every store is a projection of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.building.inputs import BundleInputs, RunInfo
from kb.bundle import build_bundle, write_bundle
from miner.run.libraries import library_versions
from miner.run.read_stages import read_ontology
from miner.run.stage import Context, WholeStage
from miner.run.text_stages import read_captions, read_masks
from miner.store.fingerprint import digest_json
from miner.store.formats import read_array, read_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from corpora.declaration import Declaration
    from corpora.records import Corpus
    from miner.config import RunConfig
    from miner.store.artefact import Artefact


def _make_bundle(context: Context, directory: Path) -> None:
    gathered = bundle_inputs(context.inputs, context.config, context.corpus.declaration)
    # A bundle has a manifest of its own, so it lies one level below the artefact's.
    write_bundle(build_bundle(gathered), directory / "bundle")


def bundle_inputs(artefacts: Mapping[str, Artefact], config: RunConfig, declaration: Declaration) -> BundleInputs:
    """Gather what the bundle of a run is made of.

    Args:
        artefacts: Of the stages before the bundle's, by name.
        config: Of the run.
        declaration: What the corpus says of itself.
    """
    run = RunInfo(
        key=artefacts["patterns"].key,
        method=config.method,
        config_digest=_digest_config(config),
        network=config.visual.backbone,
        versions=library_versions(),
    )
    return BundleInputs(
        declaration=declaration,
        run=run,
        ontology=read_ontology(artefacts["label"]),
        records=read_table(artefacts["read"].file("records.parquet")),
        labels=read_table(artefacts["label"].file("labels.parquet")),
        images=read_table(artefacts["groups"].file("images.parquet")),
        groups=read_array(artefacts["groups"].file("groups.npy")),
        captions=read_captions(artefacts["captions"]),
        masks=read_masks(artefacts["masks"]),
        text_items=read_table(artefacts["text-items"].file("text_items.parquet")),
        rules=read_table(artefacts["mine"].file("rules.parquet")),
        patterns=read_table(artefacts["patterns"].file("patterns.parquet")),
        evidence=read_table(artefacts["patterns"].file("evidence.parquet")),
    )


def _digest_config(config: RunConfig) -> str:
    return digest_json(config.model_dump(mode="json"))


def _describe_run(config: RunConfig, _corpus: Corpus) -> dict[str, object]:
    """Put what the MiningRun node says into the key; a path in the configuration is in there as a digest only."""
    return {"configDigest": _digest_config(config), "versions": library_versions()}


BUNDLE = WholeStage(
    name="bundle",
    version=5,
    inputs=("read", "label", "groups", "captions", "masks", "text-items", "mine", "patterns"),
    settings=("visual.backbone",),
    facts=_describe_run,
    make=_make_bundle,
)

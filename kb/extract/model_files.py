"""The files of a trained extractor of texts: JSON and safetensors, no pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kb.extract.arguments import roles_of
from kb.extract.encoders import load_encoders, save_encoders
from kb.extract.model import TextModel, Thresholds
from kb.extract.softmax import Softmax
from kb.extract.triggers import trigger_classes
from miner.errors import ArtefactError
from miner.store.formats import read_json, read_tensors, write_json, write_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kb.ontology import Ontology

__all__ = ["load_model", "save_model"]

VERSION = 3
REGRESSIONS = ("silver_triggers", "silver_arguments", "gold_triggers", "gold_entities", "gold_arguments")


def save_model(model: TextModel, folder: Path, about: Mapping[str, object]) -> None:
    """Write a model into an empty folder.

    Args:
        model: What was learnt.
        folder: It gets `model.json`, `weights.safetensors`, and `encoder.safetensors` where there is an encoder.
        about: What it was learnt from, for people.

    Raises:
        ArtefactError: The folder cannot be written.
    """
    regressions = {name: part for name in REGRESSIONS if (part := getattr(model, name)) is not None}
    tensors: dict[str, Any] = {}
    for name, part in regressions.items():
        tensors |= {f"{name}.buckets": part.buckets, f"{name}.weights": part.weights}
    write_tensors(folder / "weights.safetensors", tensors)
    content = {
        "version": VERSION,
        "types": list(model.types),
        "roles": list(model.roles.names),
        "lexicon": sorted(model.lexicon),
        "context": sorted(model.context),
        "forms": sorted(model.forms),
        "idle": sorted(model.idle),
        "unlikely": sorted(model.unlikely),
        "goldTypes": list(model.gold_types),
        "entityTypes": list(model.entity_types),
        "thresholds": model.thresholds._asdict(),
        "usesVisual": model.uses_visual,
        "dense": {name: part.n_dense for name, part in regressions.items()},
        "encoder": save_encoders(model.encoders, folder) if model.encoders else None,
        "about": dict(about),
    }
    write_json(folder / "model.json", content)


def load_model(folder: Path, ontology: Ontology) -> TextModel:
    """Read a model.

    Raises:
        ArtefactError: It is damaged, of another version, or of another ontology.
        ConfigError: It has a token encoder, whose package is not installed.
    """
    content = read_json(folder / "model.json")
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise ArtefactError(
            f"{folder} holds a model of another version.", hint="Train it again with 'eventminer kb train'."
        )
    types, roles = trigger_classes(ontology), roles_of(ontology)
    if list(types) != content["types"] or list(roles.names) != content["roles"]:
        raise ArtefactError(
            f"The model in {folder} was trained for another ontology than {ontology.name!r}.",
            hint="Train it again with 'eventminer kb train'.",
        )
    tensors = read_tensors(folder / "weights.safetensors")
    parts = {
        name: Softmax(tensors[f"{name}.buckets"], tensors[f"{name}.weights"], int(n_dense))
        for name, n_dense in content["dense"].items()
    }
    encoder = content.get("encoder")
    return TextModel(
        types,
        roles,
        frozenset(content["lexicon"]),
        frozenset(content["context"]),
        tuple(content["goldTypes"]),
        tuple(content["entityTypes"]),
        forms=frozenset((form, lemma) for form, lemma in content["forms"]),
        idle=frozenset(content["idle"]),
        unlikely=frozenset(content["unlikely"]),
        thresholds=Thresholds(**content["thresholds"]),
        uses_visual=bool(content["usesVisual"]),
        encoders=load_encoders(folder, 1 + len(types), 1 + len(roles.names), encoder) if encoder else None,
        **parts,
    )

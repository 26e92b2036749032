"""`eventminer backbone`: the networks whose filters and classes are the visual items."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from miner.cli.output import AsJson, print_rows

if TYPE_CHECKING:
    from miner.visual.backbone import Backbone

app = typer.Typer(help="Networks that look at the pictures.", no_args_is_help=True)

COLUMNS = ("name", "library", "layer", "filters", "classes", "input", "grid", "stride", "field", "weights")


@app.callback()
def _group() -> None:
    """Networks that look at the pictures."""


@app.command("list")
def list_backbones(*, json: AsJson = False) -> None:
    """List the networks that visual.backbone can name: those that come with eventminer, then those that were added."""
    from miner.visual.registry import known_backbones

    print_rows([_row(backbone) for backbone in known_backbones().values()], COLUMNS, as_json=json)


@app.command()
def add(
    network: Annotated[str, typer.Argument(help="torchvision:MODEL, timm:MODEL, vgg16-pool5 or alexnet-pool5.")],
    weights: Annotated[
        Path | None, typer.Option("--weights", help="File of its weights; without it the library fetches them.")
    ] = None,
    sha256: Annotated[str, typer.Option("--sha256", help="Digest the file must have, or its first digits.")] = "",
    name: Annotated[str, typer.Option("--name", help="What to call it; the model's name by default.")] = "",
    layer: Annotated[str, typer.Option("--layer", help="Layer to read; the last that gives maps by default.")] = "",
    licence: Annotated[str, typer.Option("--licence", help="SPDX identifier of the weights.")] = "",
    *,
    json: AsJson = False,
) -> None:
    """Add a network: run it to measure its maps, check its weights and keep them as safetensors.

    Kept in the user's data folder, or where EVENTMINER_BACKBONES says; workers on other machines must see the same folder.
    """
    from miner.visual.adding import add_backbone

    added = add_backbone(network, name=name, weights=weights, sha256=sha256, layer=layer, licence=licence)
    print_rows([_row(added)], COLUMNS, as_json=json)


def _row(backbone: Backbone) -> dict[str, object]:
    from miner.visual.registry import has_weights

    return {
        "name": backbone.name,
        "library": f"{backbone.library}:{backbone.model}",
        "layer": backbone.layer,
        "filters": backbone.n_filters,
        "classes": backbone.n_classes,
        "input": backbone.input_size,
        "grid": backbone.grid,
        "stride": backbone.stride,
        "offset": backbone.offset,
        "field": backbone.receptive_field or "all",
        "mean": list(backbone.mean),
        "std": list(backbone.std),
        "sha256": backbone.weights.sha256,
        "licence": backbone.weights.licence,
        "weights": "here" if has_weights(backbone) else "not here",
    }

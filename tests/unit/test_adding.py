from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from miner.errors import BackboneError
from miner.patterns.evidence import heat_box
from miner.visual.adding import add_backbone
from miner.visual.engine import OnnxEngine, TorchEngine
from miner.visual.geometry import geometry_of
from miner.visual.network import build_network, define_network
from miner.visual.probe import Extent, find_classifier, find_layer, measure_extent
from miner.visual.registry import DESCRIPTION, WEIGHTS, identify_backbone, known_backbones, load_backbone, read_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SMALL = "timm:test_resnet"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "backbones"
    monkeypatch.setenv("EVENTMINER_BACKBONES", str(place))
    return place


@pytest.fixture(scope="module")
def state() -> Mapping[str, torch.Tensor]:
    """Weights of a small network, large enough at its end that an answer depends on the picture."""
    torch.manual_seed(0)
    network = define_network("timm", "test_resnet")
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@pytest.fixture
def weights(tmp_path: Path, state: Mapping[str, torch.Tensor]) -> Path:
    path = tmp_path / "small.pth"
    torch.save(dict(state), path)
    return path


def two_steps() -> nn.Sequential:
    """By hand: 3 px, then every second of 2 px: a cell sees 3 + 2 - 1 = 4 px, and cells are 2 px apart."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(1), nn.LazyLinear(2)
    ).eval()


def test_probe_measures_cells_by_hand() -> None:
    network = two_steps()
    network(torch.zeros(1, 3, 16, 16))
    assert find_layer(network, 16) == "2"
    assert measure_extent(network, "2", 16) == Extent(grid=8, stride=2, offset=0.0, receptive_field=4)
    assert find_classifier(network, "2", 16) is None


def test_probe_centres_cells_that_do_not_reach_the_edges() -> None:
    """By hand: 4 px every 4 px on 18 px, without padding, makes 4 cells of 16 px and leaves 1 px on either side."""
    network = nn.Sequential(nn.Conv2d(3, 2, 4, stride=4), nn.ReLU()).eval()
    assert measure_extent(network, "0", 18) == Extent(grid=4, stride=4, offset=1.0, receptive_field=4)


def every_second() -> nn.Sequential:
    """3 px every 2 px with 1 px of padding on 7 px, but only their middle counts: 4 cells, which see the pixels 0, 2, 4 and 6."""
    convolution = nn.Conv2d(3, 1, 3, stride=2, padding=1, bias=False)
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.weight[0, :, 1, 1] = 1
    return nn.Sequential(convolution, nn.ReLU()).eval()


def test_probe_says_where_cells_lie_that_reach_beyond_the_input() -> None:
    """By hand: 4 cells of 2 px need 8, so half a pixel of the first lies left of the input, and of the last right of it."""
    network = every_second()
    assert measure_extent(network, "0", 7) == Extent(grid=4, stride=2, offset=-0.5, receptive_field=3)
    row = replace(
        load_backbone("efficientnet-lite0"),
        grid=4,
        stride=2,
        offset=-0.5,
        receptive_field=3,
        input_size=7,
        short_side=7,
    )
    geometry = geometry_of(70, 70, row)
    assert [geometry.cell_box(cell)[::2] for cell in range(4)] == [(0, 15), (15, 35), (35, 55), (55, 70)]
    assert geometry.to_input((0, 0, 70, 70)) == (0.5, 0.5, 7.5, 7.5)
    assert geometry.to_original((0.5, 0.5, 7.5, 7.5)) == (0, 0, 70, 70)
    assert geometry.is_full
    pixels = torch.zeros(1, 3, 7, 7)
    pixels[0, :, 4, 2] = 1
    with torch.inference_mode():
        fired = int(network(pixels).flatten().argmax())
    # the pixel is drawn from 20 to 30 and from 40 to 50
    assert geometry.cell_box(fired) == (15, 35, 35, 55)
    heat = np.zeros(16, np.float32)
    heat[fired] = 1
    x0, y0, x1, y1 = heat_box(heat, geometry)
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == (25, 45)


def test_probe_refuses_a_layer_whose_outermost_cells_see_nothing() -> None:
    # 4 cells of 2 pixels fit on 8; 4 pixels of padding on each side are 4 cells more, two of which lie outside on either side
    padded = nn.Sequential(nn.Conv2d(3, 1, 2, stride=2, padding=4))
    with pytest.raises(BackboneError, match="has 8 cells in a row, 2 pixels apart, for an input of 8"):
        measure_extent(padded, "0", 8)


def test_probe_refuses_a_network_without_maps() -> None:
    with pytest.raises(BackboneError, match="no spatial output"):
        find_layer(define_network("torchvision", "vit_b_16"), 224)


def test_added_network_keeps_row_and_weights(folder: Path, weights: Path, state: Mapping[str, torch.Tensor]) -> None:
    added = add_backbone(SMALL, name="small", weights=weights, licence="MIT")
    assert sorted(path.name for path in (folder / "small").iterdir()) == [DESCRIPTION, WEIGHTS]
    assert load_backbone("small") == added
    assert "small" in known_backbones()
    assert (added.library, added.model, added.weights.licence) == ("timm", "test_resnet", "MIT")
    assert hashlib.sha256(read_weights(added)).hexdigest() == added.weights.sha256
    kept = build_network(added).network.state_dict()
    assert all(torch.equal(kept[name], tensor) for name, tensor in state.items())


def test_added_network_runs_alike_in_both_engines(folder: Path, weights: Path, tmp_path: Path) -> None:
    assert folder
    added = add_backbone(SMALL, name="small", weights=weights)
    size = added.input_size
    batch = np.random.default_rng(0).normal(size=(2, 3, size, size)).astype(np.float32)
    by_torch, by_onnx = (
        TorchEngine(added).forward(batch),
        OnnxEngine(added, cache_dir=tmp_path / "cache").forward(batch),
    )
    assert by_onnx.filters.shape == (2, added.n_filters, added.grid, added.grid)
    assert np.abs(by_torch.filters - by_onnx.filters).max() < 1e-3
    assert np.abs(by_torch.classes - by_onnx.classes).max() < 1e-3


def test_added_network_of_the_same_name_but_other_weights_is_another(
    folder: Path, weights: Path, state: Mapping[str, torch.Tensor], tmp_path: Path
) -> None:
    assert folder
    add_backbone(SMALL, name="small", weights=weights)
    before = identify_backbone("small")
    other = tmp_path / "other.pth"
    torch.save({name: tensor * 2 for name, tensor in state.items()}, other)
    add_backbone(SMALL, name="small", weights=other)
    assert before != identify_backbone("small")
    assert identify_backbone("efficientnet-lite0") == {}
    assert identify_backbone("efficientnet-lite1"), "its cells once lay half a cell elsewhere"


def test_added_network_with_another_digest_is_refused(folder: Path, weights: Path) -> None:
    with pytest.raises(BackboneError, match=r"has sha256 .*expected 00000000"):
        add_backbone(SMALL, weights=weights, sha256="00000000")
    with pytest.raises(BackboneError, match="expected 397923af"):
        add_backbone("vgg16-pool5", weights=weights)
    assert not folder.exists()


def test_added_network_with_a_file_that_runs_code_is_refused(folder: Path, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (open, (str(tmp_path / "written"),))

    path = tmp_path / "bomb.pth"
    path.write_bytes(pickle.dumps({"weight": Bomb()}))
    with pytest.raises(BackboneError, match="safe to read"):
        add_backbone(SMALL, weights=path)
    assert not (tmp_path / "written").exists()
    assert not folder.exists()


def test_added_network_with_weights_of_another_is_refused(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save(nn.Linear(2, 2).state_dict(), path)
    with pytest.raises(BackboneError, match="does not fit the network"):
        add_backbone(SMALL, weights=path)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("resnet50", "not torchvision:MODEL, timm:MODEL or one of alexnet-pool5, vgg16-pool5"),
        ("timm:no_such_model", "cannot make a network 'no_such_model'"),
        ("torchvision:no_such_model", "cannot make a network 'no_such_model'"),
        ("efficientnet-lite0", "not torchvision:MODEL"),
    ],
)
def test_unknown_networks_are_refused(folder: Path, weights: Path, spec: str, reason: str) -> None:
    with pytest.raises(BackboneError, match=reason):
        add_backbone(spec, weights=weights)
    assert not folder.exists()


def test_added_network_may_not_take_a_name_of_the_table(folder: Path, weights: Path) -> None:
    with pytest.raises(BackboneError, match="of the table already"):
        add_backbone(SMALL, name="efficientnet-lite0", weights=weights)
    with pytest.raises(BackboneError, match="cannot be a name"):
        add_backbone(SMALL, name="../small", weights=weights)
    assert not folder.exists()


def test_added_network_with_an_unknown_layer_is_refused(folder: Path, weights: Path) -> None:
    with pytest.raises(BackboneError, match=r"no layer 'layer9'"):
        add_backbone(SMALL, weights=weights, layer="layer9")
    assert not folder.exists()


def test_description_that_is_damaged_says_where(folder: Path, weights: Path) -> None:
    add_backbone(SMALL, name="small", weights=weights)
    path = folder / "small" / DESCRIPTION
    path.write_text(path.read_text(encoding="utf-8").replace("stride", "strode"), encoding="utf-8")
    with pytest.raises(BackboneError, match=r"cannot read the network described in .*small"):
        load_backbone("small")
    assert "small" not in known_backbones()


def test_weights_that_are_not_here_say_what_to_do(folder: Path) -> None:
    assert folder
    with pytest.raises(BackboneError, match="cannot read the weights of alexnet-pool5") as raised:
        read_weights(load_backbone("alexnet-pool5"))
    assert raised.value.hint == "eventminer backbone add alexnet-pool5 --weights FILE"


def test_cells_of_alexnet_lie_around_the_middle() -> None:
    """By hand: 224 of 256 px of a square are seen; 6 cells of 32 px leave 16 px on either side."""
    geometry = geometry_of(256, 256, load_backbone("alexnet-pool5"))
    assert geometry.grid == 6
    assert geometry.cell_box(0) == (32.0, 32.0, 64.0, 64.0)
    assert geometry.cell_box(35) == (192.0, 192.0, 224.0, 224.0)

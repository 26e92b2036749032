from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import safetensors.torch
import torch
from torch import nn

from miner.errors import BackboneError
from miner.visual import network as networks
from miner.visual.activations import Maps, summarise
from miner.visual.backbone import Classifier
from miner.visual.network import ItemMaps, build_network, read_state
from miner.visual.registry import load_backbone, read_weights

if TYPE_CHECKING:
    from pathlib import Path

TINY_CLASSIFIER = Classifier(layer="4", activation="relu6", n_classes=3)


class Broken(nn.Module):
    """Runs its layer, then fails."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Identity()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.layer(images)
        raise RuntimeError("after the layer")


class Forked(nn.Module):
    """Its layer gives two outputs at once."""

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return images, images


def tiny_network() -> nn.Sequential:
    """Two filters over three channels: red - 2 green, and blue + 1; then an activation that works in place."""
    convolution = nn.Conv2d(3, 2, kernel_size=2, stride=2)
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.weight[0, 0] = 1
        convolution.weight[0, 1] = -2
        convolution.weight[1, 2] = 1
        assert convolution.bias is not None
        convolution.bias.copy_(torch.tensor([0.0, 1.0]))
    return nn.Sequential(convolution, nn.ReLU6(inplace=True), nn.AvgPool2d(2), nn.Flatten(), tiny_classifier()).eval()


def tiny_classifier() -> nn.Linear:
    """Three classes: the first filter, the second less twice the first, and 1 less the second."""
    classifier = nn.Linear(2, 3)
    with torch.no_grad():
        classifier.weight.copy_(torch.tensor([[1.0, 0.0], [-2.0, 1.0], [0.0, -1.0]]))
        classifier.bias.copy_(torch.tensor([0.0, 0.0, 1.0]))
    return classifier


def tiny_input() -> torch.Tensor:
    """Four by four pixels whose 2 x 2 blocks hold: red 1 2 / 3 0, green 0 0 / 1 4, blue 0 0 / 0 9."""
    blocks = torch.tensor([[[1, 2], [3, 0]], [[0, 0], [1, 4]], [[0, 0], [0, 9]]], dtype=torch.float32)
    return blocks.repeat_interleave(2, 1).repeat_interleave(2, 2)[None]


def hooks(network: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in network.modules())  # noqa: SLF001 - torch has no other way to ask


def test_network_maps_are_those_before_the_activation_clipped_at_zero() -> None:
    """By hand: 4 * (1, 2, 3 - 2, 0 - 8) clipped; 4 * blue + 1 reaches 37, where ReLU6 would have said 6."""
    with torch.inference_mode():
        maps, classes = ItemMaps(tiny_network(), "0")(tiny_input())
    assert maps.tolist() == [[[[4, 8], [4, 0]], [[1, 1], [1, 37]]]]
    assert tuple(classes.shape) == (1, 0, 2, 2)


def test_network_classes_are_the_classifier_in_each_cell() -> None:
    """By hand: after the activation filters are 4 6 / 4 0 and 1 1 / 1 6; weights applied cell by cell, no bias."""
    with torch.inference_mode():
        _, classes = ItemMaps(tiny_network(), "0", TINY_CLASSIFIER)(tiny_input())
    assert classes.tolist() == [[[[4, 6], [4, 0]], [[-7, -11], [-7, 6]], [[-1, -1], [-1, -6]]]]


def test_network_classes_before_a_plain_activation_are_not_cut() -> None:
    with torch.inference_mode():
        _, classes = ItemMaps(tiny_network(), "0", replace(TINY_CLASSIFIER, activation="relu"))(tiny_input())
    assert classes[0, 0].tolist() == [[4, 8], [4, 0]]
    assert classes[0, 1].tolist() == [[-7, -15], [-7, 37]]


def test_network_classes_average_to_its_own_logits() -> None:
    network = tiny_network()
    with torch.inference_mode():
        _, classes = ItemMaps(network, "0", TINY_CLASSIFIER)(tiny_input())
        logits = network(tiny_input())
    bias = torch.tensor([0.0, 0.0, 1.0])
    assert torch.allclose(classes.mean(dim=(2, 3)) + bias, logits)


@pytest.mark.parametrize(
    ("classifier", "reason"),
    [
        (Classifier(layer="fc", activation="relu6", n_classes=3), "has no layer 'fc'"),
        (Classifier(layer="4", activation="relu6", n_classes=1000), "linear to 1000, it is Linear"),
        (Classifier(layer="3", activation="relu6", n_classes=3), "linear to 3, it is Flatten"),
    ],
)
def test_network_refuses_a_classifier_that_is_not_as_described(classifier: Classifier, reason: str) -> None:
    with pytest.raises(BackboneError, match=reason):
        ItemMaps(tiny_network(), "0", classifier)


def test_network_summary_of_the_maps_is_that_by_hand() -> None:
    with torch.inference_mode():
        filters, classes = ItemMaps(tiny_network(), "0", TINY_CLASSIFIER)(tiny_input())
    found = summarise(Maps(filters.numpy(), classes.numpy()), torch.tensor([[1.0], [10.0]]).numpy())
    assert found.maxima.tolist() == [[8, 37, 6, 6, -1]]
    assert found.cells.tolist() == [[1, 3, 1, 3, 0]]
    assert found.pooled.tolist() == [[4, 10]]
    assert found.projected.tolist() == [[[14], [18], [14], [370]]]


def test_network_hook_is_gone_after_a_call() -> None:
    network = tiny_network()
    ItemMaps(network, "0")(tiny_input())
    assert hooks(network) == 0


def test_network_hook_is_gone_after_a_failure() -> None:
    network = Broken()
    with pytest.raises(RuntimeError, match="after the layer"):
        ItemMaps(network, "layer")(tiny_input())
    assert hooks(network) == 0


def test_network_refuses_an_unknown_layer() -> None:
    with pytest.raises(BackboneError, match=r"Sequential has no layer 'features\.9'"):
        ItemMaps(tiny_network(), "features.9")


def test_network_refuses_a_layer_that_gives_no_maps() -> None:
    with pytest.raises(BackboneError, match=r"\(1, 2\)"):
        ItemMaps(tiny_network(), "3")(tiny_input())


def test_network_refuses_a_layer_with_several_outputs() -> None:
    network = nn.Sequential(Forked())
    with pytest.raises(BackboneError, match="tuple"):
        ItemMaps(network, "0")(tiny_input())
    assert hooks(network) == 0


@pytest.fixture
def weights_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(networks, "default_weights_cache", lambda: tmp_path)
    return tmp_path


def test_network_weights_of_a_package_are_safetensors_after_the_first_load(
    weights_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = load_backbone("efficientnet-lite0")
    expected = read_state(read_weights(row), ".pth", "the package")
    build_network(row)
    (kept,) = weights_cache.glob(f"{row.weights.sha256}-*.safetensors")
    assert safetensors.torch.load(kept.read_bytes()).keys() == expected.keys()
    monkeypatch.setattr(torch, "load", lambda *_args, **_options: pytest.fail("the pickle was read again"))
    found = build_network(row).network.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_network_weights_that_were_damaged_are_converted_again(weights_cache: Path) -> None:
    row = load_backbone("efficientnet-lite0")
    build_network(row)
    (kept,) = weights_cache.glob("*.safetensors")
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    build_network(row)
    assert kept.read_bytes() == whole


def test_network_weights_with_another_digest_are_not_kept(weights_cache: Path) -> None:
    row = load_backbone("efficientnet-lite0")
    altered = replace(row, weights=replace(row.weights, sha256="0" * 64))
    with pytest.raises(BackboneError, match="expected 0000"):
        build_network(altered)
    assert not list(weights_cache.glob("*.safetensors"))

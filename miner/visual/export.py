"""The ONNX form of a network: exported from torch once, then read from the user's cache without importing torch.

A file is named `<backbone>-<key>-<digest>.onnx` (`miner.visual.kept`); the key says what it was made from and with.
"""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import platformdirs

from miner.store.fingerprint import digest_json
from miner.visual.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.visual.activations import Float32
    from miner.visual.backbone import Backbone

EXPORT_VERSION = 2
OPSET = 17
KEY_DIGITS = 16
INPUT = "images"
OUTPUTS = ("filters", "classes")

# what torch says of the exporter that is used on purpose: the newer one needs a further package
_EXPORTER_NOTICES = (
    (DeprecationWarning, "You are using the legacy TorchScript-based ONNX export"),
    (DeprecationWarning, "The feature will be removed"),
    (UserWarning, "Constant folding"),
)


def default_cache() -> Path:
    """Return the folder where exported networks are kept: the platform's cache folder of this user."""
    return platformdirs.user_cache_path("eventminer") / "onnx"


def read_exported(backbone: Backbone, cache_dir: Path | None = None) -> bytes:
    """Return the ONNX form of a network, exporting it where the cache does not have it.

    Args:
        backbone: The network.
        cache_dir: Where exported networks are kept; `None` for `default_cache()`.

    Raises:
        BackboneError: The network has to be exported and its weights cannot be read.

    Writes one file into the cache; a cache that cannot be written only costs the time of the export.
    """
    folder = default_cache() if cache_dir is None else cache_dir
    stem = f"{backbone.name}-{_export_key(backbone)}"
    return Kept(folder, ".onnx", "exported network").read(stem, lambda: _export(backbone))


def add_summary(exported: bytes, projection: Float32, families: Sequence[str]) -> bytes:
    """Let a network give the summary of its maps in place of the maps, which are then never copied out of it.

    Args:
        exported: The ONNX form of a network.
        projection: float32, (n_filters, n_dims).
        families: Those of `OUTPUTS` that have any items, filters first.

    Returns:
        The ONNX form with other outputs: means of the filters, float32, (n, n_filters); projected cells, float32, (n, n_dims,
        rows, columns); and for each family the maxima, float32, (n, n_items), and their first cells, int64, (n, n_items).
    """
    import onnx  # noqa: PLC0415 - a fifth of a second that commands without pictures need not pay
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    model = onnx.load_from_string(exported)
    graph = model.graph
    weights = np.ascontiguousarray(projection.T)[:, :, None, None]
    graph.initializer.append(numpy_helper.from_array(weights, "projection"))
    graph.initializer.append(numpy_helper.from_array(np.array([0, 0, -1], np.int64), "by_cell"))
    graph.node.append(helper.make_node("GlobalAveragePool", ["filters"], ["means"]))
    graph.node.append(helper.make_node("Flatten", ["means"], ["pooled"]))
    graph.node.append(helper.make_node("Conv", ["filters", "projection"], ["projected"]))
    outputs = {"pooled": TensorProto.FLOAT, "projected": TensorProto.FLOAT}
    for name in families:
        cells, largest, place = f"{name}_cells", f"{name}_largest", f"{name}_place"
        graph.node.append(helper.make_node("Reshape", [name, "by_cell"], [cells]))
        graph.node.append(helper.make_node("ReduceMax", [cells], [largest], axes=[2], keepdims=0))
        graph.node.append(helper.make_node("ArgMax", [cells], [place], axis=2, keepdims=0))
        outputs |= {largest: TensorProto.FLOAT, place: TensorProto.INT64}
    del graph.output[:]
    graph.output.extend(helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items())
    summarised: bytes = model.SerializeToString()
    return summarised


def _export_key(backbone: Backbone) -> str:
    """Return what the exported bytes depend on, as a short digest."""
    parts = {"version": EXPORT_VERSION, "opset": OPSET, "torch": version("torch"), "backbone": asdict(backbone)}
    return digest_json(parts)[:KEY_DIGITS]


def _export(backbone: Backbone) -> bytes:
    """Export a network from torch, for any number of images in a batch."""
    import torch  # noqa: PLC0415 - seconds to import, and not needed where the export is cached

    from miner.visual.network import build_network  # noqa: PLC0415 - imports torch

    example = torch.zeros(1, 3, backbone.input_size, backbone.input_size)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        path = Path(folder) / "network.onnx"
        for category, message in _EXPORTER_NOTICES:
            warnings.filterwarnings("ignore", category=category, message=message)
        torch.onnx.export(
            build_network(backbone),
            (example,),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "n"} for name in (INPUT, *OUTPUTS)},
        )
        return path.read_bytes()

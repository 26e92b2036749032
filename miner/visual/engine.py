"""Running a network: ONNX Runtime on the CPU, torch on an accelerator, one interface.

torch defines the networks and is the reference; both engines give the same numbers to 1e-3. An ONNX Runtime session with
one thread adds in one fixed order, so its bytes depend on the picture alone, not on the batch, the load or the number of
workers.
"""

from __future__ import annotations

import logging
import platform
import shutil
import sys
import threading
import time
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from miner.visual.activations import Maps, store
from miner.visual.export import INPUT, OUTPUTS, add_summary, read_exported
from miner.visual.images import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from miner.visual.activations import Activations
    from miner.visual.backbone import Backbone

Float32 = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
EngineKind = Literal["auto", "onnx", "torch"]

_ERRORS_ONLY = 3
_GRAPHICS_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
_engines: dict[tuple[Backbone, EngineKind], Engine] = {}
_opening = threading.Lock()
logger = logging.getLogger(__name__)


class Engine(Protocol):
    """A network that can be run, by several threads at once."""

    @property
    def backbone(self) -> Backbone:
        """The network and its layer."""

    @property
    def label(self) -> str:
        """Library, version and device; results are the same to the bit only under one label and one type of processor."""

    @property
    def batch_size(self) -> int:
        """Pictures to give at once: as many as this engine is fastest with."""

    def forward(self, batch: Float32) -> Maps:
        """Run the network.

        Args:
            batch: float32, (n, 3, S, S), from `miner.visual.images.normalise`.
        """

    def summarise(self, pixels: Bytes, projection: Float32) -> Activations:
        """Run the network and keep what is stored of its maps, where pictures fill the whole input.

        Args:
            pixels: uint8, (n, S, S, 3), from `miner.visual.images.cut`.
            projection: float32, (n_filters, n_dims); the same array in every call, which is prepared once.
        """


class OnnxEngine:
    """ONNX Runtime on the CPU.

    Args:
        backbone: The network.
        threads: Threads of this session; sums are reproducible with 1.
        cache_dir: Where exported networks are kept; `None` for the user's cache.

    Raises:
        BackboneError: The network has to be exported and its weights cannot be read.
    """

    # the widest maps of two pictures still fit into the cache of a core; sixteen take a fifth longer each
    batch_size = 2

    def __init__(self, backbone: Backbone, *, threads: int = 1, cache_dir: Path | None = None) -> None:
        """Read the network; sessions are opened as they are needed."""
        import onnxruntime  # noqa: PLC0415 - a third of a second that commands without pictures need not pay

        self.backbone = backbone
        self.label = f"onnxruntime {onnxruntime.__version__} cpu"
        self._runtime, self._threads = onnxruntime, threads
        self._exported = read_exported(backbone, cache_dir)
        self._opening = threading.Lock()
        self._maps: Any = None
        self._summary: tuple[Float32, Any] | None = None

    def _open_maps(self) -> Any:  # noqa: ANN401 - onnxruntime is untyped
        with self._opening:
            if self._maps is None:
                self._maps = self._open(self._exported)
            return self._maps

    def _open_summary(self, projection: Float32) -> Any:  # noqa: ANN401 - onnxruntime is untyped
        with self._opening:
            if self._summary is None or not _same(self._summary[0], projection):
                families = OUTPUTS if self.backbone.n_classes else OUTPUTS[:1]
                self._summary = projection, self._open(add_summary(self._exported, projection, families))
            return self._summary[1]

    def _open(self, network: bytes) -> Any:  # noqa: ANN401 - onnxruntime is untyped
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        return self._runtime.InferenceSession(network, options, providers=["CPUExecutionProvider"])

    def forward(self, batch: Float32) -> Maps:
        """Run the network (see `Engine.forward`)."""
        return Maps(*self._open_maps().run(OUTPUTS, {INPUT: batch}))

    def summarise(self, pixels: Bytes, projection: Float32) -> Activations:
        """Run the network (see `Engine.summarise`)."""
        pixels_in = {INPUT: normalise(pixels, self.backbone)}
        pooled, projected, *both = self._open_summary(projection).run(None, pixels_in)
        maxima, cells = (np.concatenate(found, axis=1) for found in (both[::2], both[1::2]))
        return store(maxima, cells, pooled, projected.reshape(*projected.shape[:2], -1).transpose(0, 2, 1))


def _same(one: Float32, other: Float32) -> bool:
    """Compare arrays that are mostly one and the same object; threads may each have made their own."""
    return one is other or np.array_equal(one, other)


class TorchEngine:
    """torch on the best device there is: CUDA (or ROCm), Apple's MPS, else the CPU as a slow reference.

    Args:
        backbone: The network.

    Raises:
        BackboneError: The weights cannot be read.
    """

    batch_size = 64

    def __init__(self, backbone: Backbone) -> None:
        """Build the network on the device."""
        import torch  # noqa: PLC0415 - seconds to import

        from miner.visual.network import build_network  # noqa: PLC0415 - imports torch

        self.backbone = backbone
        self._torch = torch
        self._device = _best_device()
        # the hook that reads a layer, and cuDNN's settings, belong to all threads
        self._queueing = threading.Lock()
        self._network = build_network(backbone).to(self._device)
        self._mean, self._std = (
            torch.tensor(values).reshape(3, 1, 1).to(self._device) for values in (backbone.mean, backbone.std)
        )
        self.label = f"torch {version('torch')} {self._device}"

    def forward(self, batch: Float32) -> Maps:
        """Run the network (see `Engine.forward`)."""
        images = self._torch.from_numpy(batch).to(self._device)
        with self._queueing, self._exactly():
            filters, classes = self._network(images)
        return Maps(filters.cpu().numpy(), classes.cpu().numpy())

    def summarise(self, pixels: Bytes, projection: Float32) -> Activations:
        """Run the network (see `Engine.summarise`); bytes go to the device, and nothing but the summary comes back."""
        torch = self._torch
        there = torch.from_numpy(pixels).to(self._device)
        # an accelerator works on while the next thread queues its batch
        with self._queueing, self._exactly():
            planes = there.permute(0, 3, 1, 2).to(torch.float32)
            both = [maps.flatten(2) for maps in self._network((planes - self._mean) / self._std)]
            maxima = torch.cat([maps.amax(dim=2) for maps in both], dim=1)
            # argmax of torch may return any of equal values
            places = torch.arange(both[0].shape[2], device=self._device)
            cells = torch.cat([_first_peak(maps, places) for maps in both], dim=1)
            projected = both[0].transpose(1, 2) @ torch.from_numpy(projection).to(self._device)
            found = (maxima, cells, both[0].mean(dim=2), projected)
        return store(*(each.cpu().numpy() for each in found))

    @contextmanager
    def _exactly(self) -> Iterator[None]:
        """Run as on a CPU: reduced precision would differ by more than 1e-3; free choice of algorithm, between runs."""
        cudnn = self._torch.backends.cudnn
        with (
            self._torch.inference_mode(),
            cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
        ):
            yield


def _first_peak(maps: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Return the first cell of the largest value of each map: int64, (n, n_items)."""
    is_peak = maps == maps.amax(dim=2, keepdim=True)
    return is_peak.int().mul(len(places) - places).amax(dim=2).neg().add(len(places))


def _best_device() -> Literal["cuda", "mps", "cpu"]:
    import torch  # noqa: PLC0415 - seconds to import

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def choose_engine() -> Literal["onnx", "torch"]:
    """Return the engine that suits this machine: torch where it has an accelerator, ONNX Runtime elsewhere.

    torch is imported only where the operating system shows signs of an accelerator.
    """
    if sys.platform == "darwin":
        signs = platform.machine() == "arm64"
    else:
        signs = any(Path(device).exists() for device in _GRAPHICS_DEVICES) or shutil.which("nvidia-smi") is not None
    return "torch" if signs and _best_device() != "cpu" else "onnx"


def name_engine() -> str:
    """Return the engine that suits this machine and, since numbers differ between them, its kind of device.

    Returns:
        `onnx`, `torch cuda`, `torch rocm` or `torch mps`.
    """
    if choose_engine() == "onnx":
        return "onnx"
    import torch  # noqa: PLC0415 - seconds to import

    return "torch rocm" if torch.version.hip else f"torch {_best_device()}"


def open_engine(
    backbone: Backbone, *, threads: int = 1, cache_dir: Path | None = None, kind: EngineKind = "auto"
) -> Engine:
    """Open an engine for a network.

    Args:
        backbone: The network.
        threads: Threads of an ONNX Runtime session; sums are reproducible with 1.
        cache_dir: Where exported networks are kept; `None` for the user's cache.
        kind: Which engine; `auto` for `choose_engine()`.

    Raises:
        BackboneError: The weights are missing or altered.
    """
    resolved = choose_engine() if kind == "auto" else kind
    if resolved == "torch":
        return TorchEngine(backbone)
    return OnnxEngine(backbone, threads=threads, cache_dir=cache_dir)


def shared_engine(backbone: Backbone, kind: EngineKind = "auto") -> Engine:
    """Return this process's engine for a network, opened at the first call; its threads run it at the same time.

    Raises:
        BackboneError: The weights are missing or altered.
    """
    resolved = choose_engine() if kind == "auto" else kind
    key = (backbone, resolved)
    with _opening:
        if key not in _engines:
            started = time.monotonic()
            _engines[key] = open_engine(backbone, kind=resolved)
            logger.info("%s is loaded after %.1f s: %s", backbone.name, time.monotonic() - started, _engines[key].label)
        return _engines[key]

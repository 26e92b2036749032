"""Running a network: ONNX Runtime on the CPU, torch on an accelerator, one interface.

torch defines the networks and is the reference; both engines give the same numbers to 1e-3. An ONNX Runtime session with
one thread adds in one fixed order, so its bytes depend on the picture alone, not on the batch, the load or the number of
workers.
"""

from __future__ import annotations

import platform
import shutil
import sys
import threading
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import numpy.typing as npt

from miner.visual.activations import Maps
from miner.visual.export import INPUT, OUTPUTS, read_exported

if TYPE_CHECKING:
    from miner.visual.backbone import Backbone

Float32 = npt.NDArray[np.float32]
EngineKind = Literal["auto", "onnx", "torch"]

_ERRORS_ONLY = 3
_GRAPHICS_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
_thread = threading.local()


class Engine(Protocol):
    """A network that can be run."""

    @property
    def backbone(self) -> Backbone:
        """The network and its layer."""

    @property
    def label(self) -> str:
        """Library, version and device; results are the same to the bit only under one label and one type of processor."""

    def forward(self, batch: Float32) -> Maps:
        """Run the network.

        Args:
            batch: float32, (n, 3, S, S), from `miner.visual.images.fit`.
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

    def __init__(self, backbone: Backbone, *, threads: int = 1, cache_dir: Path | None = None) -> None:
        """Open a session."""
        import onnxruntime  # noqa: PLC0415 - a third of a second that commands without pictures need not pay

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        exported = read_exported(backbone, cache_dir)
        self.backbone = backbone
        self.label = f"onnxruntime {onnxruntime.__version__} cpu"
        self._session = onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])

    def forward(self, batch: Float32) -> Maps:
        """Run the network (see `Engine.forward`)."""
        return Maps(*self._session.run(OUTPUTS, {INPUT: batch}))


class TorchEngine:
    """torch on the best device there is: CUDA (or ROCm), Apple's MPS, else the CPU as a slow reference.

    Args:
        backbone: The network.

    Raises:
        BackboneError: The weights cannot be read.
    """

    def __init__(self, backbone: Backbone) -> None:
        """Build the network on the device."""
        import torch  # noqa: PLC0415 - seconds to import

        from miner.visual.network import build_network  # noqa: PLC0415 - imports torch

        self.backbone = backbone
        self._torch = torch
        self._device = _best_device()
        self._network = build_network(backbone).to(self._device)
        self.label = f"torch {version('torch')} {self._device}"

    def forward(self, batch: Float32) -> Maps:
        """Run the network (see `Engine.forward`)."""
        torch = self._torch
        # reduced-precision convolutions would differ from the CPU by more than 1e-3; free choice of algorithm, between runs
        exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
        with torch.inference_mode(), exact:
            filters, classes = self._network(torch.from_numpy(batch).to(self._device))
        return Maps(filters.cpu().numpy(), classes.cpu().numpy())


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


def engine_of_thread(backbone: Backbone, kind: EngineKind = "auto") -> Engine:
    """Return this thread's engine for a network, opened at the first call.

    Engines are not shared between threads: a session per thread keeps each on its own core.

    Raises:
        BackboneError: The weights are missing or altered.
    """
    engines: dict[tuple[str, EngineKind], Engine] = _thread.__dict__.setdefault("engines", {})
    key = (backbone.name, kind)
    if key not in engines:
        engines[key] = open_engine(backbone, kind=kind)
    return engines[key]

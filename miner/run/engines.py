"""Which engine runs the network in a run: one for all workers, since a key of an artefact stands for one kind of numbers."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any, TypeVar

from miner.errors import ExecutorError
from miner.visual.engine import name_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from miner.visual.engine import EngineKind

T = TypeVar("T")

ON_CPU = "onnx"
HINT = "Use workers of one kind, or hide the GPUs of all of them: start each with CUDA_VISIBLE_DEVICES= (nothing)."


def kind_of(engine: str) -> EngineKind:
    """Return the kind of an engine that `name_engine` has named."""
    return "onnx" if engine == ON_CPU else "torch"


def agree_on_engine(engines: Mapping[str, str]) -> str:
    """Return the engine of all workers.

    Args:
        engines: Name of the engine that suits each worker; of this process where there are none.

    Raises:
        ExecutorError: They differ; names one worker of each.
    """
    by_engine = {engine: worker for worker, engine in sorted(engines.items(), reverse=True)}
    if len(by_engine) > 1:
        found = ", ".join(f"{engine!r} on {worker}" for engine, worker in sorted(by_engine.items()))
        raise ExecutorError(f"The workers would run the network with different engines: {found}.", hint=HINT)
    return next(iter(by_engine), None) or name_engine()


def work_with(engine: str, work: Callable[[T], Any], item: T) -> Any:  # noqa: ANN401 - as `work` returns it
    """Work if this machine has the device that an engine needs; any has a CPU.

    Raises:
        ExecutorError: It does not.
    """
    if engine != ON_CPU and (here := name_engine()) != engine:
        raise ExecutorError(
            f"A worker on {platform.node()} would run the network with {here!r}, the others do with {engine!r}.",
            hint=HINT,
        )
    return work(item)

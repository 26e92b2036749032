"""What a Dask worker does before its first shard: loads once, for all its threads, what they all need.

A plugin reaches the workers that there are and those that join later. It travels as code, not as a name in this package,
because a worker that cannot load its plugins does not join: one that lacks the package joins, does nothing here, and is named
when it gets its first shard.
"""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from distributed import WorkerPlugin
from distributed.protocol import pickle

from miner.run.libraries import library_versions_here, require_alike
from miner.store.fingerprint import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from distributed import Client

logger = logging.getLogger(__name__)

NAME_DIGITS = 12
GONE = (OSError, CancelledError, ValueError)
"""What a registration raises when a worker or the scheduler dies during it, or when another run has ended it already."""


@contextmanager
def loaded_ahead(client: Client, ready: Callable[[], object]) -> Iterator[None]:
    """Have every worker make ready before its first shard, for as long as the block runs; work that needs it does so itself.

    Args:
        client: A connected client.
        ready: A picklable function, which does nothing when called again in the same process.
    """
    payload = pickle.dumps(partial(_ready_alike, library_versions_here(), ready))
    plugin = _plugin(f"eventminer-{digest_bytes(payload)[:NAME_DIGITS]}", payload)
    try:
        _register(client, plugin)
        yield
    finally:
        with suppress(*GONE):
            client.unregister_worker_plugin(plugin.name)


def _register(client: Client, plugin: WorkerPlugin) -> None:
    """Wait until all workers have made ready; one that dies meanwhile does so when it is back."""
    try:
        client.register_plugin(plugin)
    except GONE as error:
        logger.warning("not every worker has made ready: %s", " ".join(str(error).split()))


def _ready_alike(versions: Mapping[str, str], ready: Callable[[], object]) -> None:
    """Make ready where results would be the same.

    Raises:
        ExecutorError: Other versions of what bears on them are here.
    """
    require_alike(versions, library_versions_here(), "This worker")
    ready()


def _plugin(plugin_name: str, payload: bytes) -> Any:  # noqa: ANN401 - distributed is untyped
    """Make a plugin that names nothing of this package."""

    class Ready(WorkerPlugin):
        name = plugin_name
        idempotent = True

        async def setup(self, worker: Any) -> None:  # noqa: ANN401
            import asyncio  # noqa: PLC0415 - nothing around this class goes with it

            # a worker that does not answer while it loads would be taken for dead
            await asyncio.get_running_loop().run_in_executor(None, self.load, worker.address)

        def load(self, address: str) -> None:
            import logging  # noqa: PLC0415
            import pickle  # noqa: PLC0415

            try:
                pickle.loads(payload)()  # noqa: S301 - from the process that uses these workers
            except Exception as error:  # noqa: BLE001 - the first shard says it to whoever waits for it
                logging.getLogger("distributed.worker").warning("%s: eventminer is not ready: %s", address, error)

    return Ready()

"""Connections that never finish asking are closed: uvicorn waits for them for ever, and its places are few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

__all__ = ["PATIENCE_S", "Impatient"]

PATIENCE_S = 20.0
"""From the first byte of a request, or from the connection, to the last byte of its body."""


class Impatient(H11Protocol):
    """HTTP of which every request has to be complete within `PATIENCE_S`; answers may take as long as they need."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(PATIENCE_S, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request; the first one of each starts the clock."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(PATIENCE_S, self._give_up)
        super().data_received(data)
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._stop_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_clock()
        super().connection_lost(exc)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        self.transport.abort()

"""Waiting for a server that has gone away."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from kb.store import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Patience"]

T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server to come back.

    Attributes:
        limit_s: Longest time to wait for one answer, seconds.
        pause_s: Time between two attempts, seconds.
        sleep: What waits.
    """

    limit_s: float = 120.0
    pause_s: float = 0.5
    sleep: Callable[[float], None] = time.sleep

    def keep(self, action: Callable[[int], T]) -> T:
        """Do something again and again until the server answers; `action` is given the number of the attempt, from 0.

        Raises:
            StoreUnavailableError: It has not answered within the limit.
        """
        end = time.monotonic() + self.limit_s
        attempt = 0
        while True:
            try:
                return action(attempt)
            except StoreUnavailableError as error:
                if time.monotonic() + self.pause_s > end:
                    raise
                if attempt == 0:
                    logger.warning("%s Waiting up to %.0f s for it.", error.message, self.limit_s)
            self.sleep(self.pause_s)
            attempt += 1

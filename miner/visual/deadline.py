"""Calls with a time limit: a file that keeps its decoder busy without end must not hold up the others.

A thread cannot be stopped from outside, so a call that takes too long is left to itself on a thread of its own, which does
not keep the process from ending, and the next call gets a fresh one.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

R = TypeVar("R")


class Deadline(Generic[R]):
    """Makes calls one after another, each within a time limit. To be used in a `with` block, by one thread.

    Args:
        limit_s: Seconds a call may take.
    """

    def __init__(self, limit_s: float) -> None:
        """Start with the first call."""
        self.limit_s = limit_s
        self._calls: queue.SimpleQueue[tuple[Future[R], Callable[[], R]] | None] | None = None

    def __enter__(self) -> Deadline[R]:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread that waits for more."""
        self._dismiss()

    def call(self, function: Callable[[], R]) -> R:
        """Return what a function returns, or raise what it raises.

        Raises:
            TimeoutError: It takes too long.
        """
        if self._calls is None:
            self._calls = queue.SimpleQueue()
            threading.Thread(target=_serve, args=(self._calls,), name="deadline", daemon=True).start()
        answer: Future[R] = Future()
        self._calls.put((answer, function))
        try:
            return answer.result(timeout=self.limit_s)
        except TimeoutError:
            if answer.done():
                raise  # the function's own
            self._dismiss()
            raise TimeoutError(f"it took longer than {self.limit_s:g} s") from None

    def _dismiss(self) -> None:
        if self._calls is not None:
            self._calls.put(None)
        self._calls = None


def _serve(calls: queue.SimpleQueue[Any]) -> None:
    while (call := calls.get()) is not None:
        answer, function = call
        try:
            answer.set_result(function())
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the caller
            answer.set_exception(error)

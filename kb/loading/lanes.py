"""Work in lanes: what goes to one lane is done in its order, the lanes side by side."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Lanes"]

T = TypeVar("T")


class Lanes(Generic[T]):
    """Threads that do one piece of work per lane at a time.

    Use it in a `with` block, whose end waits for what is going on.

    Args:
        n: How many pieces of work may go on at a time.
    """

    def __init__(self, n: int) -> None:
        """Prepare the threads."""
        self._pool = ThreadPoolExecutor(n)
        self._going_on: dict[int, Future[T]] = {}

    def put(self, lane: int, work: Callable[[], T]) -> list[T]:
        """Begin some work, once the lane has done what it had; return what that came to, if there was any."""
        before = self._going_on.pop(lane, None)
        done = [] if before is None else [before.result()]
        self._going_on[lane] = self._pool.submit(work)
        return done

    def finish(self) -> Iterator[T]:
        """Wait for all lanes, and give what their work came to."""
        while self._going_on:
            _, future = self._going_on.popitem()
            yield future.result()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for what is going on."""
        self._pool.shutdown(wait=True, cancel_futures=True)

"""Calls made ahead of who needs their results: on threads of their own, answered in order, each within a time limit.

Files are read and decoded while the network runs on those before them. A file that keeps its decoder busy without end must
not hold up the others; a thread cannot be stopped from outside, so a call that takes too long is left to itself on its thread,
which does not keep the process from ending, and a fresh thread takes over the rest.

What counts is the processor time of the thread, so that a busy machine or one that was asleep refuses no other files than an
idle one. A call may work on threads of its own, whose time nobody tells: it is late as well when it was waited for `STALLED` times as long.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Begin = Callable[[], None]

T = TypeVar("T")
R = TypeVar("R")

STALLED = 10
_GLANCE_S = 1.0
"""Longest time between two looks at a call; a process that was stopped meanwhile is charged for no more."""


_left: list[tuple[threading.Thread, object]] = []


def still_busy() -> list[object]:
    """Return the items whose calls were given up in this process and still keep a thread busy."""
    _left[:] = [(thread, item) for thread, item in _left if thread.is_alive()]
    return [item for _, item in _left]


def _stopwatch() -> Callable[[], float]:
    """Return what tells how long the calling thread has worked since, also to other threads while it lives."""
    if hasattr(time, "pthread_getcpuclockid"):
        clock = time.pthread_getcpuclockid(threading.get_ident())
        began = time.clock_gettime(clock)
        return lambda: time.clock_gettime(clock) - began
    at = time.monotonic()
    return lambda: time.monotonic() - at


@dataclass(frozen=True)
class Pace:
    """How calls are made.

    Attributes:
        n_threads: Calls at once.
        n_ahead: Calls that may be waiting or answered before their result is asked for; bounds memory.
        limit_s: Processor seconds a call may take from when it says that it begins (elapsed ones where the system does not tell);
            before that it may wait for a file.
    """

    n_threads: int
    n_ahead: int
    limit_s: float


@dataclass(eq=False)
class _Job(Generic[T, R]):
    item: T
    used_s: Callable[[], float] | None = None
    thread: threading.Thread | None = None
    answers: tuple[R] | None = None
    error: BaseException | None = None
    is_late: bool = False

    @property
    def is_over(self) -> bool:
        return self.answers is not None or self.error is not None

    def begin(self) -> None:
        self.thread, self.used_s = threading.current_thread(), _stopwatch()


class _Crew(Generic[T, R]):
    """Threads that work on jobs; all state changes under one condition."""

    def __init__(self, work: Callable[[T, Begin], R], pace: Pace) -> None:
        self._work, self._pace = work, pace
        self._changed = threading.Condition()
        self._jobs: deque[_Job[T, R]] = deque()
        self._is_dismissed = False
        self._n_started = 0

    def submit(self, items: Sequence[T]) -> list[_Job[T, R]]:
        jobs = [_Job[T, R](item) for item in items]
        with self._changed:
            self._jobs.extend(jobs)
            self._changed.notify_all()
        while jobs and self._n_started < self._pace.n_threads:
            self._start_thread()
        return jobs

    def take(self, job: _Job[T, R]) -> R:
        """Wait for a job.

        Raises:
            TimeoutError: It takes too long.
        """
        with self._changed:
            waited_s = 0.0
            while not job.is_over and not job.is_late:
                left_s = self._pace.limit_s - (job.used_s() if job.used_s else 0.0)
                if left_s <= 0 or waited_s > STALLED * self._pace.limit_s:
                    job.is_late = True
                    self._give_up(job)
                    break
                started, glance_s = time.monotonic(), min(left_s, _GLANCE_S)
                self._changed.wait(glance_s)
                waited_s += min(time.monotonic() - started, glance_s) if job.used_s else 0.0
        if job.is_late:
            raise TimeoutError(f"it took longer than {self._pace.limit_s:g} s")
        if job.answers is None:
            raise job.error or RuntimeError("a call ended without a result")
        return job.answers[0]

    def _give_up(self, job: _Job[T, R]) -> None:
        if job.thread is not None:
            _left.append((job.thread, job.item))
        self._start_thread()

    def dismiss(self) -> None:
        with self._changed:
            self._is_dismissed = True
            self._changed.notify_all()

    def _start_thread(self) -> None:
        self._n_started += 1
        threading.Thread(target=self._serve, name="ahead", daemon=True).start()

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            answers, error = self._answer(job)
            with self._changed:
                if job.is_late:
                    return
                # also where nobody was waiting: what is late must not depend on who was
                job.is_late = job.used_s is not None and job.used_s() > self._pace.limit_s
                job.answers, job.error = answers, error
                self._changed.notify_all()

    def _next(self) -> _Job[T, R] | None:
        with self._changed:
            while not self._jobs and not self._is_dismissed:
                self._changed.wait()
            return None if self._is_dismissed else self._jobs.popleft()

    def _answer(self, job: _Job[T, R]) -> tuple[tuple[R] | None, BaseException | None]:
        try:
            return (self._work(job.item, job.begin),), None
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to who takes the result
            return None, error


def map_ahead(
    work: Callable[[T, Begin], R], items: Iterable[T], on_late: Callable[[T, TimeoutError], R], pace: Pace
) -> Iterator[R]:
    """Apply a function to items, ahead of who takes the results.

    Args:
        work: Called with an item and a function, which it calls when its time begins to count.
        items: Taken as results are asked for, up to `n_ahead` items before them, several at a time.
        on_late: Gives the result for an item whose call takes too long.
        pace: How many at once, how far ahead, how long.

    Yields:
        One result per item, in order. What `work` raises is raised in the place of its result, and ends it.
    """
    crew = _Crew(work, pace)
    jobs: deque[_Job[T, R]] = deque()

    def take() -> R:
        job = jobs.popleft()
        try:
            return crew.take(job)
        except TimeoutError as error:
            if not job.is_late:
                raise  # the function's own
            return on_late(job.item, error)

    try:
        rest = iter(items)
        while True:
            # handing over half at once wakes a thread once and not for each item
            if len(jobs) <= pace.n_ahead // 2:
                jobs.extend(crew.submit(list(islice(rest, pace.n_ahead - len(jobs)))))
            if not jobs:
                return
            yield take()
    finally:
        crew.dismiss()

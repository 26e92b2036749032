from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from miner.visual.ahead import Pace, map_ahead, still_busy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from miner.visual.ahead import Begin


def pace(*, n_threads: int = 2, n_ahead: int = 4, limit_s: float = 30) -> Pace:
    return Pace(n_threads, n_ahead, limit_s)


def late(item: int, error: TimeoutError) -> str:
    return f"{item}: {error}"


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def ahead(work: Callable[[int, Begin], str], n: int, how: Pace) -> Iterator[str]:
    return map_ahead(work, range(n), late, how)


def test_ahead_gives_results_in_order_whatever_order_they_are_made_in() -> None:
    second = threading.Event()

    def work(item: int, begin: Begin) -> str:
        begin()
        if item == 0:
            assert second.wait(30)
        if item == 1:
            second.set()
        return str(item)

    assert list(ahead(work, 20, pace())) == [str(item) for item in range(20)]


def test_ahead_works_while_nobody_asks_but_no_further_than_allowed() -> None:
    done: list[int] = []
    enough = threading.Event()

    def work(item: int, _begin: Begin) -> str:
        done.append(item)
        if item == 3:
            enough.set()
        return str(item)

    results = ahead(work, 50, pace(n_threads=1, n_ahead=4))
    assert next(results) == "0"
    assert enough.wait(30)
    time.sleep(0.05)
    assert done == [0, 1, 2, 3]
    results.close()  # type: ignore[attr-defined]


def spin(until: threading.Event) -> None:
    while not until.is_set():
        pass


def test_ahead_gives_up_a_call_that_does_not_end_and_goes_on_with_the_rest() -> None:
    gate = threading.Event()

    def work(item: int, begin: Begin) -> str:
        begin()
        if item in {1, 2}:
            spin(gate)
        return str(item)

    found = list(ahead(work, 5, pace(n_threads=1, limit_s=0.3)))
    assert found == ["0", "1: it took longer than 0.3 s", "2: it took longer than 0.3 s", "3", "4"]
    assert still_busy() == [1, 2]
    gate.set()
    wait_until(lambda: not still_busy())


def test_ahead_counts_work_and_not_the_time_that_others_have_the_machine() -> None:
    def work(item: int, begin: Begin) -> str:
        begin()
        time.sleep(0.4)
        return str(item)

    assert list(ahead(work, 2, pace(limit_s=0.2))) == ["0", "1"]


def test_ahead_gives_up_a_call_whose_own_threads_never_answer() -> None:
    gate = threading.Event()

    def work(item: int, begin: Begin) -> str:
        begin()
        gate.wait()
        return str(item)

    assert list(ahead(work, 1, pace(limit_s=0.02))) == ["0: it took longer than 0.02 s"]
    gate.set()
    wait_until(lambda: not still_busy())


def test_ahead_refuses_what_took_too_long_while_nobody_was_waiting() -> None:
    over = threading.Event()

    def work(item: int, begin: Begin) -> str:
        begin()
        while item == 1 and time.thread_time() < 0.2:
            pass
        if item == 2:
            over.set()
        return str(item)

    results = ahead(work, 3, pace(n_threads=1, limit_s=0.1))
    assert next(results) == "0"
    assert over.wait(30)
    assert list(results) == ["1: it took longer than 0.1 s", "2"]


def test_ahead_does_not_count_the_time_before_a_call_begins() -> None:
    def work(item: int, begin: Begin) -> str:
        time.sleep(0.4)
        begin()
        return str(item)

    assert list(ahead(work, 2, pace(limit_s=0.3))) == ["0", "1"]


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("the share did not answer")])
def test_ahead_raises_what_a_call_raises_in_its_place(error: Exception) -> None:
    def work(item: int, _begin: Begin) -> str:
        if item == 2:
            raise error
        return str(item)

    results = ahead(work, 5, pace())
    assert [next(results), next(results)] == ["0", "1"]
    with pytest.raises(type(error), match=str(error)):
        next(results)


def test_ahead_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    whole = list(ahead(lambda item, _begin: str(item), 10, pace()))
    assert len(whole) == 10
    broken_off = ahead(lambda item, _begin: str(item), 10, pace())
    next(broken_off)
    broken_off.close()  # type: ignore[attr-defined]
    wait_until(lambda: threading.active_count() <= before)

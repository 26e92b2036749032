from __future__ import annotations

import threading
import time

import pytest

from miner.visual.deadline import Deadline


def refuse() -> int:
    raise ValueError("no")


def test_deadline_returns_what_the_call_returns_and_raises_what_it_raises() -> None:
    with Deadline[int](10) as deadline:
        assert deadline.call(lambda: 1) == 1
        with pytest.raises(ValueError, match="no"):
            deadline.call(refuse)
        assert deadline.call(lambda: 2) == 2


def test_deadline_gives_up_a_call_that_does_not_end_and_goes_on_with_the_next() -> None:
    gate = threading.Event()
    with Deadline[bool](0.2) as deadline:
        started = time.monotonic()
        with pytest.raises(TimeoutError, match=r"longer than 0\.2 s"):
            deadline.call(gate.wait)
        assert time.monotonic() - started < 5
        assert deadline.call(lambda: True)
    gate.set()


def test_deadline_passes_on_a_timeout_of_the_call_itself() -> None:
    def time_out() -> int:
        raise TimeoutError("the share did not answer")

    with Deadline[int](10) as deadline, pytest.raises(TimeoutError, match="the share"):
        deadline.call(time_out)


def test_deadline_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with Deadline[int](10) as deadline:
        assert deadline.call(lambda: 1) == 1
    for _ in range(100):
        if threading.active_count() == before:
            break
        time.sleep(0.01)
    assert threading.active_count() == before

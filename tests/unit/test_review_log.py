from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kb.review.decisions import Decision, Fingerprint, new_decision
from kb.review.log import DecisionLog
from miner.errors import ReviewError

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import sys
from pathlib import Path
from kb.review.decisions import new_decision
from kb.review.log import DecisionLog
log = DecisionLog(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    decision = new_decision(sys.argv[3], "note", "a", {"text": "x" * 500})
    log.append(decision)
    print(decision.id, flush=True)
"""


def note(text: str = "n", who: str = "ann") -> Decision:
    return new_decision(who, "note", "a", {"text": text})


def writer(path: Path, number: int, who: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(number), who], stdout=subprocess.PIPE, text=True
    )


def test_log_that_is_not_there_is_empty_and_reading_makes_nothing(tmp_path: Path) -> None:
    assert DecisionLog(tmp_path / "review" / "decisions.jsonl").read() == ()
    assert list(tmp_path.iterdir()) == []


def test_log_gives_back_what_was_appended_by_whomever(tmp_path: Path) -> None:
    path = tmp_path / "review" / "decisions.jsonl"
    one, other = DecisionLog(path), DecisionLog(path)
    first, second, third = note("ü\n🜚"), note(who="bob"), note()
    one.append(first)
    assert other.read() == (first,)
    other.append(second)
    one.append(third)
    assert one.read() == other.read() == (first, second, third)


def test_log_passes_over_a_torn_line_and_ends_it_at_the_next_append(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    log = DecisionLog(path)
    first, second = note(), note()
    log.append(first)
    with path.open("a") as file:
        file.write(note().to_json()[:40])
    assert log.read() == (first,)
    log.append(second)
    assert log.read() == (first, second)
    assert DecisionLog(path).read() == (first, second)
    assert log.n_damaged == 1


def test_log_counts_lines_that_are_no_decisions(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    log = DecisionLog(path)
    first = note()
    log.append(first)
    again = f"{first.to_json()}\n".encode()
    with path.open("ab") as file:
        file.write(b"\xff\xfe\n{}\n[]\n\n" + again + b'{"id":"x","at":"","who":"a","action":"explode","pattern":"a"}\n')
    assert log.read() == (first,)
    assert log.n_damaged == 6


def test_log_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    log, second = DecisionLog(path), note()
    log.append(note())
    assert len(log.read()) == 1
    other = DecisionLog(tmp_path / "other.jsonl")
    other.append(second)
    (tmp_path / "other.jsonl").replace(path)
    assert log.read() == (second,)
    path.unlink()
    assert log.read() == ()


def test_log_says_where_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "review").write_text("in the way")
    with pytest.raises(ReviewError, match=r"Cannot write .*decisions\.jsonl.*not kept") as caught:
        DecisionLog(tmp_path / "review" / "decisions.jsonl").append(note())
    assert caught.value.hint is not None
    assert "permissions" in caught.value.hint


def test_log_says_that_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    log = DecisionLog(tmp_path / "decisions.jsonl")
    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(ReviewError, match="No space left"):
        log.append(note())


def test_log_keeps_every_acknowledged_decision_of_a_killed_writer(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    process = writer(path, 100_000, "ann")
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in range(1_000)]
    process.send_signal(signal.SIGKILL)
    told += [line.strip() for line in process.stdout if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    log = DecisionLog(path)
    kept = [decision.id for decision in log.read()]
    assert kept[: len(told)] == told
    last = note()
    log.append(last)
    assert DecisionLog(path).read()[-1] == last


def test_log_keeps_the_decisions_of_two_writers_at_once(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    processes = [writer(path, 150, who) for who in ("ann", "bob")]
    told = [line.strip() for process in processes for line in process.communicate()[0].splitlines()]
    log = DecisionLog(path)
    kept = log.read()
    assert sorted(decision.id for decision in kept) == sorted(told)
    assert len(kept) == 300
    assert log.n_damaged == 0


def test_forgotten_record_leaves_every_decision_and_nothing_else_does(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "decisions.jsonl")
    split = new_decision("ann", "split", "a", {"records": ["r1", "r2"], "name": "odd"})
    about = Fingerprint(pattern="a", event_type="E", records=("r2", "r3"))
    accept = new_decision("ann", "accept", "a", {}, about=about, others=[about])
    for decision in (split, accept, note()):
        log.append(decision)
    with log.path.open("ab") as file:
        file.write(b'{"of": "a later version"}\n{"torn": "r2')
    other = log.read()[2]
    log.forget_record("r2", "forgotten-1")
    assert b"r2" not in log.path.read_bytes()
    assert b"a later version" in log.path.read_bytes()
    first, second, third = DecisionLog(log.path).read()
    assert first.fields["records"] == ["r1", "forgotten-1"]
    assert second.about is not None
    assert [second.about.records, second.others[0].records] == [("forgotten-1", "r3")] * 2
    assert third == other
    assert log.read() == (first, second, third)


def test_forgetting_without_decisions_makes_no_log(tmp_path: Path) -> None:
    DecisionLog(tmp_path / "review" / "decisions.jsonl").forget_record("r1", "forgotten-1")
    assert list(tmp_path.iterdir()) == []

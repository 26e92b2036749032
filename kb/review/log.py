"""The log of decisions: one JSON object a line, only ever added to (but for records that are forgotten on request).

A decision is acknowledged (`append` returns) when it is on the disk. A process that is killed while it writes leaves at most
one torn line, of a decision that nobody was told of; the next writer ends that line, and readers pass over it.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Protocol

from filelock import FileLock, Timeout

from kb.review.decisions import parse_decision, rename_record
from miner.errors import ReviewError
from miner.store.artefact import sync_directory
from miner.store.formats import DISK_FULL, write_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kb.review.decisions import Decision

__all__ = ["LONGEST_LINE_BYTES", "DecisionLog", "Journal"]

LONGEST_LINE_BYTES = 8 << 20
LOCK_TIMEOUT_S = 20.0


class Journal(Protocol):
    """Where decisions are kept: a file beside a run, or a graph store."""

    def append(self, decision: Decision) -> None:
        """Keep a decision for good.

        Raises:
            ReviewError: It cannot be kept.
        """
        ...

    def read(self) -> Sequence[Decision]:
        """Return all decisions, in the order in which they were kept.

        Raises:
            ReviewError: They cannot be read.
        """
        ...


class DecisionLog:
    """A log in a file. Several processes and threads may read and append at once.

    Args:
        path: The file; it and its folder are made by the first `append`.

    Attributes:
        path: The file.
        n_damaged: Lines met by `read` that are no decisions.
    """

    def __init__(self, path: Path) -> None:
        """Remember the file; nothing is touched yet."""
        self.path = path
        self.n_damaged = 0
        self._lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_TIMEOUT_S)
        self._own = threading.RLock()
        self._forget()

    def _forget(self) -> None:
        self._decisions: list[Decision] = []
        self._seen: set[str] = set()
        self._offset = 0
        self._file: tuple[int, int] | None = None
        self.n_damaged = 0

    def append(self, decision: Decision) -> None:
        """Add a decision, and return when it is on the disk.

        Raises:
            ReviewError: The line is too long, the folder cannot be written, the disk is full, or another process holds the
                log for longer than 20 s.
        """
        line = decision.to_json().encode() + b"\n"
        if len(line) > LONGEST_LINE_BYTES:
            raise ReviewError(f"The decision takes {len(line):,} bytes; at most {LONGEST_LINE_BYTES:,} are allowed.")
        try:
            with self._own:
                is_new = not self.path.exists()
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self._lock:
                    _append(self.path, line)
                if is_new:
                    sync_directory(self.path.parent)
        except Timeout as error:
            raise ReviewError(f"Another process is writing to {self.path}.", hint="Try again in a moment.") from error
        except OSError as error:
            raise _write_error(self.path, error) from error

    def read(self) -> Sequence[Decision]:
        """Return all decisions; only what was added since the last call is read.

        Raises:
            ReviewError: The file cannot be read.
        """
        with self._own:
            try:
                self._read_on()
            except FileNotFoundError:
                self._forget()
            except OSError as error:
                raise ReviewError(f"Cannot read {self.path}: {error.strerror or error}.") from error
            return tuple(self._decisions)

    def forget_record(self, record: str, name: str) -> None:
        """Put a name in the place of a record wherever decisions list records; damaged lines that have it go.

        Raises:
            ReviewError: Another process holds the log for longer than 20 s.
            ArtefactError: The log cannot be written.
        """
        if not self.path.exists():
            return
        try:
            with self._own, self._lock:
                lines = self.path.read_bytes().splitlines(keepends=True)
                kept = [_without(line, record, name) for line in lines]
                if kept != lines:
                    write_bytes(self.path, b"".join(kept))
        except Timeout as error:
            raise ReviewError(f"Another process is writing to {self.path}.", hint="Try again in a moment.") from error

    def _read_on(self) -> None:
        with self.path.open("rb") as file:
            status = os.fstat(file.fileno())
            if self._file != (status.st_dev, status.st_ino) or status.st_size < self._offset:
                self._forget()
                self._file = (status.st_dev, status.st_ino)
            file.seek(self._offset)
            while line := file.readline():
                if not line.endswith(b"\n"):
                    break  # it is being written, or its writer was killed
                self._offset += len(line)
                self._take(line)

    def _take(self, line: bytes) -> None:
        decision = parse_decision(line) if len(line) <= LONGEST_LINE_BYTES else None
        if decision is None or decision.id in self._seen:
            self.n_damaged += 1
            return
        self._seen.add(decision.id)
        self._decisions.append(decision)


def _without(line: bytes, record: str, name: str) -> bytes:
    decision = parse_decision(line)
    if decision is None:
        return b"" if record.encode(errors="replace") in line else line
    renamed = rename_record(decision, record, name)
    return line if renamed == decision else renamed.to_json().encode() + b"\n"


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line  # a killed writer left a torn line
        left = memoryview(line)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_error(path: Path, error: OSError) -> ReviewError:
    if error.errno in DISK_FULL:
        return ReviewError(
            f"No space left while writing {path}: the decision was not kept.", hint="Free some space and decide again."
        )
    return ReviewError(
        f"Cannot write {path}: {error.strerror or error}. The decision was not kept.",
        hint="Check the folder and its permissions; a read-only run can be looked at, not reviewed.",
    )

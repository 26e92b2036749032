"""What the shards of a stage were spent on, added up for people; it never enters an artefact."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from miner.visual.encode import EncodedShard


class Account(Protocol):
    """Adds up what the shards of a stage took."""

    def add(self, result: Any) -> None:  # noqa: ANN401 - as the stage's `work` returns it
        """Take in a shard that was worked on now."""

    def line(self) -> str:
        """Say it in one line, empty where nothing was worked on."""


class NoAccount:
    """Keeps none."""

    def add(self, result: object) -> None:
        """Take no notice."""

    def line(self) -> str:
        """Have nothing to say."""
        return ""


class EncodingAccount:
    """Adds up on which devices pictures were encoded and what the time went into."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._parts: Counter[str] = Counter()
        self._devices: Counter[str] = Counter()

    def add(self, result: EncodedShard) -> None:
        """Take in a shard."""
        self._parts.update(result.elapsed_s)
        self._devices[result.device] += 1

    def line(self) -> str:
        """Say the devices, by shards, and the share of each part in the time of all threads."""
        total = sum(self._parts.values())
        if not total:
            return ""
        devices = ", ".join(name for name, _ in self._devices.most_common())
        parts = ", ".join(f"{name} {seconds / total:.0%}" for name, seconds in self._parts.most_common())
        return f"on {devices}; time of all threads: {parts}"

"""What every reader hands over: rows of named values, the unreadable ones with a reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corpora.folder import Folder

__all__ = ["Reader", "Row", "Sheet", "bad_row"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line, entry or sample of an input file.

    `where` names its place for a person (`captions.jsonl:12`). A row that cannot be read has a code and a reason.
    """

    where: str
    values: Mapping[str, object]
    notes: tuple[str, ...] = ()
    code: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of an input, and the names of its columns in the order they first appear.

    `fixed` says which columns hold a field where the format itself defines it; the first with a value counts.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    fixed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Reader(Protocol):
    """Reads one input file, or all files of one kind."""

    def __call__(self, folder: Folder, paths: tuple[str, ...]) -> Sheet:
        """Read files below a folder.

        Args:
            folder: The folder of the corpus; image names of the rows are relative to it.
            paths: The files to read, relative to the folder.

        Raises:
            CorpusError: The input as a whole cannot be read.
        """
        ...


def bad_row(where: str, code: str, reason: str) -> Row:
    """Return a row for something that could not be read."""
    return Row(where, {}, (), code, reason)

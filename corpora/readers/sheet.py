"""What every reader hands over: rows of named values, the unreadable ones with a reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from corpora.folder import Folder

__all__ = ["Reader", "Row", "Sheet", "bad_row", "rows_of"]


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

    `rows` can be gone through more than once, and most readers read the file anew each time, so that it need not fit into
    memory. `fixed` says which columns hold a field where the format itself defines it; the first with a value counts.
    """

    columns: tuple[str, ...]
    rows: Iterable[Row]
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


@dataclass(frozen=True, slots=True)
class _ReadAnew:
    """Rows that are read from the file each time they are gone through."""

    read: Callable[[], Iterator[Row]]

    def __iter__(self) -> Iterator[Row]:
        return self.read()


def rows_of(folder: Folder, read: Callable[[], Iterator[Row]]) -> Iterable[Row]:
    """Return rows that can be gone through more than once: read anew from this machine, read once and kept from elsewhere."""
    return _ReadAnew(read) if folder.is_local else tuple(read())


def bad_row(where: str, code: str, reason: str) -> Row:
    """Return a row for something that could not be read."""
    return Row(where, {}, (), code, reason)

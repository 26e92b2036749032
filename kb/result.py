"""What a store answers, as values that JSON can hold, whichever store it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Changes", "Params", "QueryResult"]

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Changes:
    """What a statement changed."""

    nodes_created: int = 0
    nodes_deleted: int = 0
    relationships_created: int = 0
    relationships_deleted: int = 0

    def __add__(self, other: Changes) -> Changes:
        """Add up two changes."""
        return Changes(
            self.nodes_created + other.nodes_created,
            self.nodes_deleted + other.nodes_deleted,
            self.relationships_created + other.relationships_created,
            self.relationships_deleted + other.relationships_deleted,
        )


@dataclass(frozen=True)
class QueryResult:
    """The answer to a query, as values that JSON can hold.

    A node is `{"labels": […], "properties": {…}}`, a relationship `{"type": …, "properties": {…}}`, a path
    `{"nodes": […], "relationships": […]}`; dates and times are ISO 8601 text.

    Attributes:
        columns: Names in the order of the RETURN clause.
        rows: One tuple per row, as long as `columns`.
        warnings: What the store noticed, such as a label that nothing has.
        changes: What the statement wrote.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    warnings: tuple[str, ...] = ()
    changes: Changes = Changes()

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

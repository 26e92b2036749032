"""What a graph store can do, and how one is opened from its address.

Two stores exist: Neo4j, and one embedded in the process. Both are projections of a bundle: whatever is lost there can be
loaded again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, Self

from miner.errors import KbError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from kb.graph_schema import GraphSchema
    from kb.result import Params, QueryResult

__all__ = ["BatchTooLargeError", "GraphStore", "StoreUnavailableError", "open_store"]

NEO4J_SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")


class StoreUnavailableError(KbError):
    """A store does not answer or refuses for the time being; whether it has done what was asked is unknown."""


class BatchTooLargeError(KbError):
    """A store has not the memory for so much in one transaction; nothing of it was done."""


class GraphStore(Protocol):
    """A graph that understands Cypher. Use it in a `with` block: it closes itself."""

    @property
    def uri(self) -> str:
        """Its address, without secrets."""
        ...

    @property
    def lanes(self) -> int:
        """How many statements it can take at a time, each from a thread of its own."""
        ...

    def read(self, statement: str, params: Params, *, timeout_s: float) -> QueryResult:
        """Run a statement that must not write.

        Raises:
            KbError: It would write, is wrong, takes longer than `timeout_s`, or the store cannot be reached.
        """
        ...

    def write(self, statement: str, params: Params, *, timeout_s: float | None = None) -> QueryResult:
        """Run any statement, once, in a transaction of its own (within `loading`, the embedded store has one for all).

        Raises:
            StoreUnavailableError: The store does not answer for the time being.
            BatchTooLargeError: It has not the memory for so much at once.
            KbError: The statement is wrong, takes longer than `timeout_s`, or the store cannot be written.
        """
        ...

    def loading(self, schema: GraphSchema) -> AbstractContextManager[None]:
        """Load within the block.

        In the embedded store it is one transaction, which happens as a whole or not at all, and its end brings the indexes
        of the schema up to date.

        Raises:
            KbError: The store cannot be written.
        """
        ...

    def constrain(self, schema: GraphSchema) -> None:
        """Make sure that ids are unique, before anything is written; in the embedded store they always are.

        Raises:
            KbError: The store cannot be written.
        """
        ...

    def index(self, schema: GraphSchema) -> None:
        """Make the indexes, after everything is written; the embedded store does so when `loading` ends.

        Raises:
            KbError: The store cannot be written.
        """
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...

    def __enter__(self) -> Self:
        """Return itself."""
        ...

    def __exit__(self, *_: object) -> None:
        """Close it."""
        ...


def open_store(uri: str) -> GraphStore:
    """Open the store at an address.

    Args:
        uri: A path (a run folder, a `.kgl` file or a folder that holds one) for the embedded store; `bolt://`, `neo4j://`
            and their `+s` and `+ssc` forms for Neo4j, where a path in the address names the database (default `neo4j`).

    Raises:
        KbError: No store has such an address, or Neo4j cannot be reached or refuses the password.
    """
    scheme = _SCHEME.match(uri)
    if scheme is None:
        from kb.embedded_store import EmbeddedStore  # noqa: PLC0415 - a store that is not used is not imported

        return EmbeddedStore(uri)
    if scheme[1].lower() in NEO4J_SCHEMES:
        from kb.neo4j_store import Neo4jStore  # noqa: PLC0415 - a store that is not used is not imported

        return Neo4jStore(uri)
    raise KbError(
        f"There is no store for {scheme[1]}: addresses; known are {', '.join(NEO4J_SCHEMES)}.",
        hint="Give a path for the embedded store, or bolt://HOST:7687 for Neo4j.",
    )

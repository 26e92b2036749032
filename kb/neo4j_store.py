"""The Neo4j store, through the official driver (Neo4j 5.26 or newer, any edition)."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import neo4j
from neo4j import exceptions
from neo4j.graph import Node, Path, Relationship
from neo4j.time import Duration

from kb import cypher
from kb.result import Changes, Params, QueryResult
from kb.store import BatchTooLargeError, StoreUnavailableError
from miner.errors import KbError

if TYPE_CHECKING:
    from kb.graph_schema import GraphSchema

logger = logging.getLogger(__name__)

DEFAULT_DATABASE = "neo4j"
CONNECT_TIMEOUT_S = 10.0
RETRY_TIMEOUT_S = 15.0
OLDEST_VERSION = (5, 26)
READ_ONLY_CODES = (
    "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase",
    "Neo.ClientError.General.WriteOnReadOnlyAccessDatabase",
    "Neo.ClientError.Security.Forbidden",
)

logging.getLogger("neo4j.notifications").setLevel(logging.ERROR)  # they are in every result, so not on stderr as well


class Neo4jStore:
    """A database of a Neo4j server. The password comes from NEO4J_PASSWORD only, the user from NEO4J_USER.

    Args:
        uri: `bolt://`, `neo4j://` or one of their secure forms; a path names the database.

    Raises:
        KbError: The address is wrong, the server cannot be reached, or it refuses the password.
    """

    def __init__(self, uri: str) -> None:
        """Connect, so that a wrong address or password is found at once."""
        self._uri, self._database = _split_address(uri)
        self._driver = self._connect()

    @property
    def uri(self) -> str:
        """The address of the server and its database."""
        return f"{self._uri}/{self._database}"

    @property
    def lanes(self) -> int:
        """Two: while one batch is being written, the next is packed and sent."""
        return 2

    def read(self, statement: str, params: Params, *, timeout_s: float) -> QueryResult:
        """Run a statement routed to a reader, in a transaction that refuses writes; see `GraphStore.read`."""
        query = neo4j.Query(statement, timeout=timeout_s)
        with _translated(self._uri, timeout_s):
            records, summary, keys = self._driver.execute_query(
                query, dict(params), database_=self._database, routing_=neo4j.RoutingControl.READ
            )
        return _to_result(keys, records, summary)

    def write(self, statement: str, params: Params, *, timeout_s: float | None = None) -> QueryResult:
        """Run any statement in a transaction of its own, never again by itself; see `GraphStore.write`."""
        with (
            _translated(self._uri, timeout_s),
            self._driver.session(database=self._database, default_access_mode=neo4j.WRITE_ACCESS) as session,
        ):
            result = session.run(neo4j.Query(statement, timeout=timeout_s), dict(params))
            keys, records = result.keys(), list(result)
            return _to_result(keys, records, result.consume())

    @contextmanager
    def loading(self, schema: GraphSchema) -> Iterator[None]:  # noqa: ARG002 - as of the protocol
        """Load within the block; every statement is a transaction of its own."""
        yield

    def constrain(self, schema: GraphSchema) -> None:
        """Make the ids of every label unique; see `GraphStore.constrain`."""
        for statement in cypher.create_constraints(schema):
            self.write(statement, {})

    def index(self, schema: GraphSchema) -> None:
        """Make the indexes and wait for them; see `GraphStore.index`."""
        for statement in cypher.create_indexes(schema):
            self.write(statement, {})
        self.write(cypher.AWAIT_INDEXES, {})

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _connect(self) -> neo4j.Driver:
        password = os.environ.get("NEO4J_PASSWORD")
        auth = None if password is None else (os.environ.get("NEO4J_USER", "neo4j"), password)
        with _translated(self._uri):
            driver = neo4j.GraphDatabase.driver(
                self._uri,
                auth=auth,
                connection_timeout=CONNECT_TIMEOUT_S,
                connection_acquisition_timeout=CONNECT_TIMEOUT_S + 1,
                max_transaction_retry_time=RETRY_TIMEOUT_S,
            )
            try:
                _require_version(driver.get_server_info().agent, self._uri)
            except BaseException:
                driver.close()
                raise
            return driver


def _to_result(keys: Sequence[str], records: Iterable[neo4j.Record], summary: neo4j.ResultSummary) -> QueryResult:
    warnings = tuple(s.status_description for s in summary.gql_status_objects if s.is_notification)
    logger.debug("%s %s", summary.counters, warnings)
    return QueryResult(
        columns=tuple(keys),
        rows=tuple(tuple(_to_plain(value) for value in record.values()) for record in records),
        warnings=warnings,
        changes=Changes(**{name: getattr(summary.counters, name) for name in Changes.__dataclass_fields__}),
    )


def _require_version(agent: str, uri: str) -> None:
    """Refuse a server that is too old, which would fail in the middle of a load."""
    version = re.match(r"Neo4j/(\d+)\.(\d+)", agent)
    if version is None or (int(version[1]), int(version[2])) < OLDEST_VERSION:
        raise KbError(
            f"The server at {uri} is {agent}.", hint=f"Neo4j {'.'.join(map(str, OLDEST_VERSION))} or newer is needed."
        )


def _split_address(uri: str) -> tuple[str, str]:
    """Split an address into what the driver takes and the database."""
    parts = urlsplit(uri)
    if parts.username or parts.password:
        raise KbError(
            f"The address of {parts.hostname} carries a user or a password.",
            hint="Leave them out; set NEO4J_USER and NEO4J_PASSWORD.",
        )
    database = parts.path.strip("/") or os.environ.get("NEO4J_DATABASE") or DEFAULT_DATABASE
    return parts._replace(path="").geturl(), database


def _to_plain(value: Any) -> Any:  # noqa: ANN401, PLR0911 - any value of Cypher, one line per kind
    if isinstance(value, Node):
        return {"labels": sorted(value.labels), "properties": _to_plain(dict(value))}
    if isinstance(value, Relationship):
        return {"type": value.type, "properties": _to_plain(dict(value))}
    if isinstance(value, Path):
        return {"nodes": _to_plain(value.nodes), "relationships": _to_plain(value.relationships)}
    if isinstance(value, Mapping):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, Duration):
        return {"months": value.months, "days": value.days, "seconds": value.seconds}
    if isinstance(value, list | tuple):
        return [_to_plain(item) for item in value]
    return value.iso_format() if hasattr(value, "iso_format") else value


@contextmanager
def _translated(uri: str, timeout_s: float | None = None) -> Iterator[None]:
    """Turn what the driver raises into one line for the user."""
    try:
        yield
    except exceptions.AuthError as error:
        raise KbError(
            f"{uri} refuses the user or password.", hint="Set NEO4J_PASSWORD (and NEO4J_USER if it is not neo4j)."
        ) from error
    except exceptions.Neo4jError as error:
        raise _explain(error, uri, timeout_s) from error
    except (exceptions.ServiceUnavailable, exceptions.SessionExpired) as error:
        raise StoreUnavailableError(
            f"Nothing answers at {uri}.", hint="Check that Neo4j runs there and the port is right."
        ) from error
    except (exceptions.DriverError, ValueError, TypeError, OverflowError, OSError) as error:
        raise KbError(f"{uri}: {_first_line(error)}") from error


def _explain(error: exceptions.Neo4jError, uri: str, timeout_s: float | None) -> KbError:  # noqa: PLR0911 - one per kind
    code = error.code or ""
    if "TransactionTimedOut" in code:
        limit = "the server allows" if timeout_s is None else f"{timeout_s:g} s"
        return KbError(f"The query took longer than {limit}.", hint="Narrow it, or allow more time with --timeout.")
    if code == "Neo.ClientError.Statement.AccessMode":
        return KbError("The query would write, and writing is off.", hint="Add --write if it should.")
    if code in READ_ONLY_CODES:
        return KbError(
            f"{uri} does not allow this user to write: {_first_line(error)}",
            hint="docs/knowledge-base.md names the privileges that a load needs.",
        )
    if "OutOfMemory" in code or "MemoryLimit" in code:
        return BatchTooLargeError(f"{uri} has not the memory for it: {_first_line(error)}")
    if error.is_retryable() or code.startswith("Neo.TransientError."):
        return StoreUnavailableError(f"{uri} refuses for the time being: {_first_line(error)}")
    if code.startswith("Neo.DatabaseError."):
        return KbError(
            f"{uri} failed: {_first_line(error)}",
            hint="See the server's log; if its disk is full, make room and give the same command again: it goes on.",
        )
    return KbError(f"The query failed: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    message = error.message if isinstance(error, exceptions.Neo4jError) else None
    return (message or str(error) or type(error).__name__).partition("\n")[0]

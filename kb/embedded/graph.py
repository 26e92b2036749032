"""A graph in one file, in this process, through kglite: the inside of the embedded store.

Readers take no lock and see the last checkpoint, so a query never waits for a load. A load is one transaction in the
write-ahead log, which survives a kill; whoever opens the file next finishes what the log holds.

Nothing but `kb.embedded.process` imports this module: see there why.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import kglite

from kb import cypher
from kb.result import Changes, Params, QueryResult
from kb.schema import SCHEMA
from miner.errors import KbError

if TYPE_CHECKING:
    from pathlib import Path

    from kb.graph_schema import GraphSchema

Graph = kglite.KnowledgeGraph | kglite.Transaction

logger = logging.getLogger(__name__)

VIRTUAL_KEYS = ("title", "type")
"""Keys that kglite adds to the properties of every node; the schema forbids them as names."""

kglite.set_query_warning_policy("silent")  # they are in every result, so they need not go to stderr as well


class EmbeddedGraph:
    """A graph in a file, open in this process.

    Args:
        path: The file; nothing is touched before the first statement.
    """

    def __init__(self, path: Path) -> None:
        """Remember the file."""
        self._path = path
        self._reader: kglite.KnowledgeGraph | None = None
        self._writer: kglite.KnowledgeGraph | None = None
        self._transaction: kglite.Transaction | None = None
        self._stale_texts = False

    def read(self, statement: str, params: Params, *, timeout_s: float | None) -> QueryResult:
        """Run a statement on the last checkpoint, or on what this graph has written.

        Raises:
            KbError: It would write, is wrong, takes longer than `timeout_s`, or there is no graph.
        """
        graph = self._writer or self._open_reader()
        graph.read_only(enabled=True)
        try:
            return self._run(graph, statement, params, timeout_s)
        finally:
            graph.read_only(enabled=False)

    def write(self, statement: str, params: Params, *, timeout_s: float | None) -> QueryResult:
        """Run any statement, durable at once, or with its transaction after `begin`.

        Raises:
            KbError: It is wrong, takes longer than `timeout_s`, or the file cannot be written.
        """
        result = self._run(self._transaction or self._open_writer(), statement, params, timeout_s)
        self._stale_texts = self._stale_texts or result.changes != Changes()
        return result

    def begin(self) -> None:
        """Make what follows one transaction.

        Raises:
            KbError: The file cannot be written.
        """
        self._transaction = self._open_writer().begin()

    def commit(self, schema: GraphSchema) -> None:
        """Make the transaction durable, then bring the indexes up to date.

        Raises:
            KbError: The file cannot be written.
        """
        graph, transaction, self._transaction = self._open_writer(), self._transaction, None
        with _translated(self._path):
            if transaction is not None:
                transaction.commit()
            for index in schema.ranges:
                graph.cypher(cypher.create_range_index(index))
            _index_texts(graph, schema)
            for vectors in schema.vectors:
                graph.cypher(f"DROP INDEX {vectors.name} IF EXISTS")
                graph.cypher(cypher.create_vector_index(vectors))
            graph.save()
        self._stale_texts = False

    def rollback(self) -> None:
        """Forget the transaction."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            transaction.rollback()

    def close(self) -> None:
        """Write a checkpoint if anything was written, and release the file.

        Raises:
            KbError: The file cannot be written.
        """
        self.rollback()
        graph, self._writer, self._reader = self._writer, None, None
        if graph is not None:
            with _translated(self._path):
                if self._stale_texts:
                    _index_texts(graph, SCHEMA)
                graph.close()

    def _run(self, target: Graph, statement: str, params: Params, timeout_s: float | None) -> QueryResult:
        timeout_ms = 0 if timeout_s is None else max(1, round(timeout_s * 1000))
        with _translated(self._path, timeout_s):
            if isinstance(target, kglite.Transaction):
                return _to_result(target.cypher(statement, params=dict(params), timeout_ms=timeout_ms))
            view = target.cypher(statement, params=dict(params), timeout_ms=timeout_ms, hide_structural_keys=True)
            return _to_result(view)

    def _open_reader(self) -> kglite.KnowledgeGraph:
        if self._reader is None:
            self._reader = self._load_checkpoint()
        return self._reader

    def _load_checkpoint(self) -> kglite.KnowledgeGraph:
        log = self._path.with_name(f"{self._path.name}-wal")
        if not self._path.exists() and not log.exists():
            raise KbError(
                f"There is no knowledge base at {self._path}.",
                hint=f"Make one with 'eventminer kb load RUN --to {self._path}'.",
            )
        with _translated(self._path):
            if self._path.exists():
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    graph = kglite.load(str(self._path))
                if not caught:
                    return graph
            self._finish_log()
            return kglite.load(str(self._path))

    def _finish_log(self) -> None:
        """Put into the checkpoint what a killed writer left in the log."""
        logger.warning("%s was left by a killed writer; finishing what its log holds.", self._path)
        self._open_writer()
        self._stale_texts = True
        self.close()

    def _open_writer(self) -> kglite.KnowledgeGraph:
        if self._writer is None:
            self._reader = None
            with _translated(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._writer = kglite.open(str(self._path), durable="full")
        return self._writer


def _index_texts(graph: kglite.KnowledgeGraph, schema: GraphSchema) -> None:
    """Build the full-text indexes anew: left to itself kglite stops following after 1,000 changes, without a word."""
    for index in schema.texts:
        view = graph.cypher(cypher.count_texts(index))
        if isinstance(view, kglite.ResultView) and view.scalar():
            graph.build_text_index(index.label, index.property, name=index.name)


def _to_result(view: object) -> QueryResult:
    if not isinstance(view, kglite.ResultView):
        raise KbError("FORMAT CSV is not supported here.", hint="Leave it out; --json gives JSON Lines.")
    stats: Mapping[str, int] = view.stats or {}
    return QueryResult(
        columns=tuple(view.columns),
        rows=tuple(tuple(_to_plain(row[column]) for column in view.columns) for row in view),
        warnings=tuple(view.warnings),
        changes=Changes(**{name: stats.get(name, 0) for name in Changes.__dataclass_fields__}),
    )


def _to_plain(value: Any) -> Any:  # noqa: ANN401 - any value of Cypher
    if isinstance(value, Mapping):
        if set(value) == {"id", "labels", "properties"}:
            return {"labels": sorted(value["labels"]), "properties": _stored(value)}
        if set(value) == {"id", "start", "end", "type", "properties"}:
            return {"type": value["type"], "properties": _to_plain(value["properties"])}
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _stored(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _to_plain(item) for key, item in node["properties"].items() if key not in VIRTUAL_KEYS}


@contextmanager
def _translated(path: Path, timeout_s: float | None = None) -> Iterator[None]:
    """Turn what kglite raises into one line for the user."""
    try:
        yield
    except kglite.CypherTimeoutError as error:
        raise KbError(
            f"The query took longer than {timeout_s:g} s.", hint="Narrow it, or allow more time with --timeout."
        ) from error
    except kglite.ReadOnlyError as error:
        raise KbError("The query would write, and writing is off.", hint="Add --write if it should.") from error
    except kglite.WriterLeaseHeldError as error:
        raise KbError(
            f"{path} is being written by another process ({error.holder.get('pid')}).",
            hint="Try again when it is done.",
        ) from error
    except kglite.FileFormatError as error:
        raise KbError(
            f"{path} is damaged or no knowledge base: {_first_line(error)}",
            hint=f"Make it anew from the bundle: eventminer kb load RUN --to {path} --rebuild",
        ) from error
    except (kglite.FileIoError, OSError) as error:
        raise KbError(
            f"Cannot open {path}: {_first_line(error)}", hint="Check the path and its permissions."
        ) from error
    except (kglite.KgError, ValueError, TypeError, OverflowError) as error:
        raise KbError(f"The query failed: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]

"""CSV files with typed headers for `neo4j-admin database import`: the fast way to fill an empty server.

```
OUT/
  nodes/<Label>.csv             :ID (a number), id, the properties of the schema, and the marks that `kb load` would set
  relationships/<TYPE>.csv      :START_ID, :END_ID and properties
  import.sh                     the command; it takes the name of the database
  options.txt                   what the importer must be told of these files
  finish.cypher                 for after the import: empty lists, constraints and indexes
```

The importer takes an empty list, and one of a single empty string, for no value. `emptyLists` says which properties were such
lists; `finish.cypher` puts them back and removes it. Nodes are numbered, because the importer finds the ends of relationships
by number faster than by text; that a value may have several lines, which slows it down, is said only where one has.
"""

from __future__ import annotations

import logging
import shlex
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from kb import cypher
from kb.building.tables import arrow_schema
from kb.contents import LABELS, read_tables
from kb.graph_schema import NodeType
from kb.loading.migrations import MIGRATIONS
from kb.model import node_id
from kb.schema import SCHEMA
from miner.errors import KbError
from miner.store.formats import replacing, write_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kb.bundle import Manifest
    from kb.contents import Contents
    from kb.graph_schema import Kind, RelationshipType

logger = logging.getLogger(__name__)

__all__ = ["admin_header", "finish_statements", "import_arguments", "write_admin_folder"]

ADMIN_TYPES: dict[Kind, str] = {
    "string": "string",
    "integer": "long",
    "float": "double",
    "boolean": "boolean",
    "strings": "string[]",
    "integers": "long[]",
    "floats": "double[]",
}
DELIMITERS = ";|\x1f\x1e\x1d" + "".join(map(chr, range(0xE000, 0xE020)))
"""What may stand between the items of a list: the first that occurs in none of them is taken."""
MIGRATION = SCHEMA.node("EventminerMigration")
KINDS: tuple[NodeType | RelationshipType, ...] = (*LABELS, *SCHEMA.relationships)
LISTS = ("strings", "integers", "floats")
OPTIONS_FILE = "options.txt"
SCRIPT_HEAD = """#!/bin/sh
# Fills an empty database while its server is stopped: sh import.sh neo4j. Then start it and run finish.cypher.
here=$(cd "$(dirname "$0")" && pwd)
"""
OPTIONS = csv.WriteOptions(include_header=False, quoting_style="needed")


def admin_header(kind: NodeType | RelationshipType, stamps: tuple[str, ...] = ()) -> str:
    """Return the first line of a file: the name and type of each column.

    Args:
        kind: A label or a relationship type.
        stamps: Names of the marks that its rows bear.
    """
    keys = (":ID", "id:string") if isinstance(kind, NodeType) else (":START_ID", ":END_ID")
    properties = (f"{p.name}:{ADMIN_TYPES[p.kind]}" for p in kind.properties)
    marks = [f"{cypher.EMPTY_LISTS}:string[]"] if any(p.kind in LISTS for p in kind.properties) else []
    return ",".join([*keys, *properties, *(f"{name}:string" for name in stamps), *marks])


def finish_statements() -> tuple[str, ...]:
    """Return what completes an imported database: its empty lists, its constraints and its indexes."""
    lists = {kind: [p.name for p in kind.properties if p.kind in LISTS] for kind in LABELS}
    filled = [cypher.fill_empty_list(kind, name) for kind, names in lists.items() for name in names]
    removed = [cypher.remove_marks(kind) for kind, names in lists.items() if names]
    return (*filled, *removed, *cypher.create_schema(SCHEMA))


def import_arguments(folder: Path, database: str = "neo4j") -> list[str]:
    """Return the arguments of `neo4j-admin` that import what `write_admin_folder` wrote, with absolute paths."""
    return _arguments(folder.resolve().as_posix(), folder, database)


def write_admin_folder(contents: Contents, folder: Path) -> int:
    """Write all of a knowledge base as CSV into an empty folder.

    Relationships to nodes of labels that are not ours are left out, and their number is logged.

    Returns:
        Rows written.

    Raises:
        KbError: A list holds every sign that could divide its items, or an id occurs twice.
        ArtefactError: The disk is full or the folder cannot be written.
    """
    (folder / "nodes").mkdir()
    (folder / "relationships").mkdir()
    writer = _Writer(folder, _free_delimiter(contents))
    stamps = {kind.key: _stamps(kind, contents.manifest) for kind in KINDS}
    n_rows = sum(writer.write(kind, read_tables(contents, kind), stamps[kind.key]) for kind in KINDS)
    if contents.manifest:
        writer.write(MIGRATION, iter([_migrations()]), {})
    writer.finish()
    return n_rows


def _arguments(root: str, folder: Path, database: str) -> list[str]:
    options = (folder / OPTIONS_FILE).read_text(encoding="utf-8").splitlines()
    there = [kind for kind in (MIGRATION, *KINDS) if (folder / f"{kind.table}.csv").is_file()]
    files = [
        f"--nodes={':'.join(kind.labels)}={root}/{kind.table}.csv"
        if isinstance(kind, NodeType)
        else f"--relationships={kind.type}={root}/{kind.table}.csv"
        for kind in there
    ]
    return ["database", "import", "full", database, *options, *files]


class _Writer:
    """Writes the files of one folder; nodes come first, because relationships name them by number."""

    def __init__(self, folder: Path, delimiter: str) -> None:
        self._folder = folder
        self._delimiter = delimiter
        self._numbers: dict[str, int] = {}
        self._n_nodes = 0
        self._multiline = False
        self._homeless = 0

    def write(self, kind: NodeType | RelationshipType, tables: Iterator[pa.Table], stamps: dict[str, str]) -> int:
        first = next(tables, None)
        if first is None:
            return 0
        n_rows = 0
        with replacing(self._folder / f"{kind.table}.csv") as file:
            file.write(f"{admin_header(kind, tuple(stamps))}\n".encode())
            for table in chain([first], tables):
                numbered = self._number_nodes(table) if isinstance(kind, NodeType) else self._number_ends(table)
                file.write(self._render(numbered, stamps))
                n_rows += numbered.num_rows
        return n_rows

    def finish(self) -> None:
        """Write what goes with the files."""
        options = ["--id-type=integer", f"--array-delimiter=U+{ord(self._delimiter):04X}"]
        options += ["--multiline-fields=true"] if self._multiline else []
        write_bytes(self._folder / OPTIONS_FILE, "".join(f"{option}\n" for option in options).encode())
        statements = "".join(f"{statement};\n" for statement in finish_statements())
        write_bytes(self._folder / "finish.cypher", statements.encode())
        arguments = shlex.join(_arguments("HERE", self._folder, "DATABASE"))
        arguments = arguments.replace("HERE/", '"$here"/').replace("DATABASE", '"$1"')
        write_bytes(self._folder / "import.sh", f"{SCRIPT_HEAD}neo4j-admin {arguments}\n".encode())
        if self._homeless:
            logger.warning("%d relationships to nodes without one of our labels are left out.", self._homeless)

    def _number_nodes(self, table: pa.Table) -> pa.Table:
        ids = table["id"].to_pylist()
        numbers = range(self._n_nodes, self._n_nodes + table.num_rows)
        numbered = dict(zip(ids, numbers, strict=True))
        if len(numbered) != len(ids) or not self._numbers.keys().isdisjoint(numbered):
            raise _repeated(min((Counter(ids) - Counter(numbered.keys())).keys() | (self._numbers.keys() & numbered)))
        self._n_nodes += len(ids)
        self._numbers.update(numbered)
        return table.add_column(0, "number", pa.array(numbers, pa.int64()))

    def _number_ends(self, table: pa.Table) -> pa.Table:
        for place, end in enumerate(("source", "target")):
            table = table.set_column(place, end, self._look_up(table[end].combine_chunks()))
        homed = table.filter(pc.and_(pc.is_valid(table["source"]), pc.is_valid(table["target"])))
        self._homeless += table.num_rows - homed.num_rows
        return homed

    def _look_up(self, ids: pa.Array) -> pa.Array:
        """Return the numbers of ids, looking each different one up once."""
        coded = ids.dictionary_encode()
        numbers = pa.array([self._numbers.get(identifier) for identifier in coded.dictionary.to_pylist()], pa.int64())
        return numbers.take(coded.indices)

    def _render(self, table: pa.Table, stamps: dict[str, str]) -> bytes:
        columns = [_flat(column.combine_chunks(), self._delimiter) for column in table.columns]
        columns += [pa.repeat(pa.scalar(value), table.num_rows) for value in stamps.values()]
        columns += _marks(table, self._delimiter)
        buffer = pa.BufferOutputStream()
        csv.write_csv(pa.table(columns, names=[str(i) for i in range(len(columns))]), buffer, OPTIONS)
        written: bytes = buffer.getvalue().to_pybytes()
        self._multiline = self._multiline or written.count(b"\n") > table.num_rows or b"\r" in written
        return written


def _repeated(identifier: str) -> KbError:
    return KbError(
        f"Two nodes have the id {identifier!r}, or one has two of our labels, so no number tells what leads to it.",
        hint="Give one of them another id, or export the bundle of the run instead of the store.",
    )


def _migrations() -> pa.Table:
    """Return the versions of the schema, as a load would record them: an older or newer eventminer must know."""
    rows = [
        {"id": node_id(MIGRATION.label, str(m.version)), "version": m.version, "change": m.change} for m in MIGRATIONS
    ]
    return pa.Table.from_pylist(rows, arrow_schema(MIGRATION))


def _marks(table: pa.Table, delimiter: str) -> list[pa.Array]:
    """Return a column that names the lists which the importer would take for no value, where there are lists at all."""
    lists = [name for name, kind in zip(table.column_names, table.schema.types, strict=True) if pa.types.is_list(kind)]
    if not lists:
        return []
    parts = [_mark(table[name].combine_chunks(), name, delimiter) for name in lists]
    joined = pc.utf8_rtrim(pc.binary_join_element_wise(*parts, ""), delimiter)
    return [pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), joined)]


def _mark(column: pa.Array, name: str, delimiter: str) -> pa.Array:
    size = pc.fill_null(pc.list_value_length(column), 2)
    lone = pc.and_(pc.equal(size, 1), pc.fill_null(pc.equal(_flat(column, ""), ""), fill_value=False))
    return pc.if_else(pc.equal(size, 0), f"{name}{delimiter}", pc.if_else(lone, f"{name}.0{delimiter}", ""))


def _flat(column: pa.Array, delimiter: str) -> pa.Array:
    return pc.binary_join(column.cast(pa.list_(pa.string())), delimiter) if pa.types.is_list(column.type) else column


def _stamps(kind: NodeType | RelationshipType, manifest: Manifest | None) -> dict[str, str]:
    """Return the marks by which `kb load` knows what it wrote, so that it goes on from an import."""
    if manifest is None:
        return {}
    owned = isinstance(kind, NodeType) and kind.origin == "bundle"
    return {"bundle": manifest.stamp(kind), **({"scope": manifest.corpus} if owned else {})}


def _free_delimiter(contents: Contents) -> str:
    """Return the first sign that no item of any list of strings has."""
    free = list(DELIMITERS)
    for items in _list_items(contents):
        free = [sign for sign in free if not pc.any(pc.match_substring(items, sign)).as_py()]
    if not free:
        raise KbError("The lists of the knowledge base hold every sign that could divide their items.")
    return free[0]


def _list_items(contents: Contents) -> Iterator[pa.Array]:
    for kind in KINDS:
        names = [p.name for p in kind.properties if p.kind == "strings"]
        for table in read_tables(contents, kind) if names else ():
            yield from (pc.list_flatten(table[name]) for name in names)

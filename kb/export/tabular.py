"""CSV files with typed headers for `neo4j-admin database import`: the fast way to fill an empty server.

```
OUT/
  nodes/<Label>.csv             id:ID, the properties of the schema, and the marks that `kb load` would set
  relationships/<TYPE>.csv      :START_ID, :END_ID and properties
  import.sh                     the command; it takes the name of the database
  finish.cypher                 for after the import: empty lists, constraints and indexes
```

The importer takes an empty list, and one of a single empty string, for no value. `emptyLists` says which properties were such
lists; `finish.cypher` puts them back and removes it.
"""

from __future__ import annotations

import shlex
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

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
OPTIONS = csv.WriteOptions(include_header=False, quoting_style="needed")


def admin_header(kind: NodeType | RelationshipType, stamps: tuple[str, ...] = ()) -> str:
    """Return the first line of a file: the name and type of each column.

    Args:
        kind: A label or a relationship type.
        stamps: Names of the marks that its rows bear.
    """
    keys = ("id:ID",) if isinstance(kind, NodeType) else (":START_ID", ":END_ID")
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

    Returns:
        Rows written.

    Raises:
        KbError: A list holds every sign that could divide its items.
        ArtefactError: The disk is full or the folder cannot be written.
    """
    (folder / "nodes").mkdir()
    (folder / "relationships").mkdir()
    delimiter = _free_delimiter(contents)
    n_rows = sum(_write(contents, kind, folder, delimiter) for kind in KINDS)
    if contents.manifest:
        _write_migrations(folder)
    write_bytes(folder / "delimiter.txt", f"U+{ord(delimiter):04X}".encode())
    write_bytes(folder / "finish.cypher", "".join(f"{statement};\n" for statement in finish_statements()).encode())
    arguments = (
        shlex.join(_arguments("HERE", folder, "DATABASE")).replace("HERE/", '"$here"/').replace("DATABASE", '"$1"')
    )
    script = f'#!/bin/sh\n# Fills an empty database while its server is stopped: sh import.sh neo4j. Then start it and run finish.cypher.\nhere=$(cd "$(dirname "$0")" && pwd)\nneo4j-admin {arguments}\n'
    write_bytes(folder / "import.sh", script.encode())
    return n_rows


def _arguments(root: str, folder: Path, database: str) -> list[str]:
    delimiter = (folder / "delimiter.txt").read_text(encoding="utf-8")
    there = [kind for kind in (MIGRATION, *KINDS) if (folder / f"{kind.table}.csv").is_file()]
    files = [
        f"--nodes={':'.join(kind.labels)}={root}/{kind.table}.csv"
        if isinstance(kind, NodeType)
        else f"--relationships={kind.type}={root}/{kind.table}.csv"
        for kind in there
    ]
    return ["database", "import", "full", database, "--multiline-fields=true", f"--array-delimiter={delimiter}", *files]


def _write(contents: Contents, kind: NodeType | RelationshipType, folder: Path, delimiter: str) -> int:
    tables = read_tables(contents, kind)
    first = next(tables, None)
    if first is None:
        return 0
    stamps, n_rows = _stamps(kind, contents.manifest), 0
    with replacing(folder / f"{kind.table}.csv") as file:
        file.write(f"{admin_header(kind, tuple(stamps))}\n".encode())
        for table in chain([first], tables):
            _put(table, stamps, delimiter, file)
            n_rows += table.num_rows
    return n_rows


def _write_migrations(folder: Path) -> None:
    """Record the version of the schema, as a load would: an older or newer eventminer must know."""
    rows = [
        {"id": node_id(MIGRATION.label, str(m.version)), "version": m.version, "change": m.change} for m in MIGRATIONS
    ]
    with replacing(folder / f"{MIGRATION.table}.csv") as file:
        file.write(f"{admin_header(MIGRATION)}\n".encode())
        _put(pa.Table.from_pylist(rows, arrow_schema(MIGRATION)), {}, ";", file)


def _put(table: pa.Table, stamps: dict[str, str], delimiter: str, file: BinaryIO) -> None:
    columns = [_flat(column.combine_chunks(), delimiter) for column in table.columns]
    columns += [pa.repeat(pa.scalar(value), table.num_rows) for value in stamps.values()]
    columns += _marks(table, delimiter)
    csv.write_csv(pa.table(columns, names=[str(i) for i in range(len(columns))]), file, OPTIONS)


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
    if isinstance(kind, NodeType):
        if kind.origin == "bundle":
            return {"bundle": manifest.digest, "scope": manifest.corpus}
        return {"bundle": manifest.ontology_digest}
    return {"bundle": manifest.ontology_digest if SCHEMA.is_shared(kind) else manifest.digest}


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

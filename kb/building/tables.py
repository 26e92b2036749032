"""Tables of nodes and relationships: sorted, complete, finite and in agreement with the schema."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from kb.model import clean_text
from miner.errors import KbError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kb.graph_schema import Kind, NodeType, RelationshipType
    from kb.model import Node, Relationship

__all__ = ["arrow_schema", "check_ends", "label_pairs", "read_rows", "tabulate_nodes", "tabulate_relationships"]

ARROW_TYPES: dict[Kind, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "strings": pa.list_(pa.string()),
    "integers": pa.list_(pa.int64()),
    "floats": pa.list_(pa.float64()),
}
LABEL = "^(?P<label>[^:]*):"


def tabulate_nodes(node: NodeType, nodes: Iterable[Node]) -> pa.Table:
    """Return the table of a label, sorted by id.

    Raises:
        KbError: An id occurs twice, or a property is unknown, missing or not finite.
    """
    rows = sorted(nodes, key=lambda n: n.id)
    _refuse_twice([n.id for n in rows], node.label)
    return _table(node, arrow_schema(node), [{"id": n.id, **n.properties} for n in rows])


def tabulate_relationships(kind: RelationshipType, relationships: Iterable[Relationship]) -> pa.Table:
    """Return the table of a relationship type, sorted by source and target.

    Raises:
        KbError: Two nodes are joined twice, or a property is unknown, missing or not finite.
    """
    rows = sorted(relationships, key=lambda r: (r.source, r.target))
    _refuse_twice([f"{r.source} -> {r.target}" for r in rows], kind.type)
    records = [{"source": r.source, "target": r.target, **r.properties} for r in rows]
    return _table(kind, arrow_schema(kind), records)


def arrow_schema(kind: NodeType | RelationshipType) -> pa.Schema:
    """Return the columns of the table of a label or a relationship type: its keys, then its properties."""
    required = [pa.field(key, pa.string(), nullable=False) for key in kind.keys]
    return pa.schema(
        [*required, *(pa.field(p.name, ARROW_TYPES[p.kind], nullable=not p.required) for p in kind.properties)]
    )


def _refuse_twice(keys: list[str], table: str) -> None:
    for previous, key in pairwise(keys):
        if previous == key:
            raise KbError(f"{table} has {key} twice.")


def _table(kind: NodeType | RelationshipType, schema: pa.Schema, rows: list[dict[str, Any]]) -> pa.Table:
    unknown = {name for row in rows for name in row} - set(schema.names)
    if unknown:
        raise KbError(f"{kind.key} has no property {min(unknown)!r} in the schema.")
    columns = [_column(field, [row.get(field.name) for row in rows]) for field in schema]
    table = pa.table(columns, schema=schema)
    for field in schema:
        _check_column(kind, table, field)
    return table


def _column(field: pa.Field, values: list[Any]) -> pa.Array:
    if pa.types.is_string(field.type):
        values = [None if value is None else clean_text(value) for value in values]
    elif field.type == pa.list_(pa.string()):
        values = [None if value is None else [item and clean_text(item) for item in value] for value in values]
    return pa.array(values, type=field.type)


def _check_column(kind: NodeType | RelationshipType, table: pa.Table, field: pa.Field) -> None:
    column = table[field.name]
    if not field.nullable and column.null_count:
        _refuse(kind, table, field, pc.is_null(column), "is missing")
    if pa.types.is_list(field.type) and pc.list_flatten(column).null_count:
        _refuse(kind, table, field, _any_item(column, pc.is_null), "has an empty place in its list")
    if pa.types.is_floating(field.type):
        _refuse(kind, table, field, pc.invert(pc.is_finite(column)), "is not a finite number")
    elif field.type == pa.list_(pa.float64()):
        _refuse(kind, table, field, _any_item(column, lambda v: pc.invert(pc.is_finite(v))), "is not finite")


def _any_item(column: pa.ChunkedArray, test: Any) -> pa.Array:  # noqa: ANN401 - a compute function
    """Tell of each list whether any of its items passes a test."""
    hit = pc.filter(pc.list_parent_indices(column), test(pc.list_flatten(column)))
    return pc.is_in(pa.array(range(len(column)), pa.int64()), value_set=pc.cast(hit, pa.int64()))


def _refuse(kind: NodeType | RelationshipType, table: pa.Table, field: pa.Field, bad: pa.Array, reason: str) -> None:
    rows = table.filter(bad)
    if rows.num_rows:
        first = rows.slice(0, 1).to_pylist()[0]
        owner = first.get("id") or f"{first['source']} -> {first['target']}"
        raise KbError(f"{kind.key}.{field.name} of {owner} {reason}: {first[field.name]}.")


def read_rows(table: pa.Table, *columns: str) -> Iterator[dict[str, Any]]:
    """Yield rows with only the columns that are used: the token lists of captions are large."""
    for batch in table.select(list(columns)).to_batches(max_chunksize=10_000):
        yield from batch.to_pylist()


def check_ends(kind: RelationshipType, table: pa.Table, ids: pa.Array) -> None:
    """Refuse relationships that join nothing, or labels which the schema does not join.

    Args:
        kind: The relationship type.
        table: Its table.
        ids: Ids of all nodes.

    Raises:
        KbError: There is such a relationship.
    """
    for end in ("source", "target"):
        lost = table.filter(pc.invert(pc.is_in(table[end], value_set=ids)))
        if lost.num_rows:
            raise KbError(f"{kind.type} has {lost[end][0].as_py()} as {end}, which is no node of the bundle.")
    wrong = label_pairs(table) - set(kind.ends)
    if wrong:
        raise KbError(f"{kind.type} cannot join {' and '.join(min(wrong))}.")


def label_pairs(table: pa.Table) -> set[tuple[str, str]]:
    """Return the pairs of labels that a table of relationships joins."""
    sources, targets = (pc.struct_field(pc.extract_regex(table[end], LABEL), [0]) for end in ("source", "target"))
    pairs = pa.table({"source": sources, "target": targets}).group_by(["source", "target"]).aggregate([])
    return set(zip(pairs["source"].to_pylist(), pairs["target"].to_pylist(), strict=True))

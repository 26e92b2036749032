"""The same knowledge base as one of another corpus, so that a store can hold two runs of a corpus side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from kb.bundle import Bundle, FileEntry
from kb.model import node_id
from kb.schema import SCHEMA
from miner.store.fingerprint import digest_bytes
from miner.store.formats import table_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["rename_corpus"]


def rename_corpus(bundle: Bundle, corpus: str) -> Bundle:
    """Return a bundle that says the same of a corpus of another name; what belongs to the ontology stays what it is.

    Args:
        bundle: What to rename.
        corpus: The new name.
    """
    old = bundle.manifest.corpus
    nodes = {label: _rename(table, ("id",), (label,), old, corpus) for label, table in bundle.nodes.items()}
    place = nodes["Corpus"].column_names.index("corpus")
    nodes["Corpus"] = nodes["Corpus"].set_column(place, nodes["Corpus"].schema.field(place), [[corpus]])
    joined = dict(bundle.relationships)
    for kind in SCHEMA.bundle_relationships:
        labels = sorted({label for ends in kind.ends for label in ends})
        joined[kind.type] = _rename(joined[kind.type], ("source", "target"), labels, old, corpus)
    files = {
        f"{folder}/{name}.parquet": FileEntry(rows=table.num_rows, hash=digest_bytes(table_bytes(table)))
        for folder, tables in (("nodes", nodes), ("relationships", joined))
        for name, table in tables.items()
    }
    manifest = bundle.manifest.model_copy(update={"corpus": corpus, "files": files})
    return replace(bundle, manifest=manifest, nodes=nodes, relationships=joined)


def _rename(table: pa.Table, columns: Sequence[str], labels: Sequence[str], old: str, new: str) -> pa.Table:
    for name in columns:
        ids = table[name]
        for label in labels:
            if SCHEMA.node(label).origin == "bundle":
                ids = _rename_ids(ids, label, old, new)
        place = table.column_names.index(name)
        table = table.set_column(place, table.schema.field(place), ids)
    return table


def _rename_ids(ids: pa.ChunkedArray, label: str, old: str, new: str) -> pa.ChunkedArray:
    if label == "Corpus":
        return pc.if_else(pc.equal(ids, node_id(label, old)), node_id(label, new), ids)
    before, after = node_id(label, old, ""), node_id(label, new, "")
    renamed = pc.binary_join_element_wise(after, pc.utf8_slice_codeunits(ids, len(before)), "")
    return pc.if_else(pc.starts_with(ids, before), renamed, ids)

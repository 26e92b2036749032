"""The bundle: a knowledge base as a folder of Parquet files. It is the truth; every graph store is a projection of it.

```
bundle/
  manifest.json                      schema version, run, corpus, and of every file its rows and content hash
  nodes/<Label>.parquet              id and properties, sorted by id
  relationships/<TYPE>.parquet       source, target and properties, sorted by both
```

Equal inputs give equal bytes, in whatever order their rows come: a bundle holds no times, no absolute paths and nothing of
the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from kb.building.inputs import BundleInputs, RunInfo
from kb.building.nodes import NODES
from kb.building.relationships import RELATIONSHIPS
from kb.building.tables import check_ends, tabulate_nodes, tabulate_relationships
from kb.graph_schema import NodeType
from kb.schema import SCHEMA
from miner.errors import ArtefactError, KbError
from miner.store.fingerprint import digest_bytes, digest_file, digest_json
from miner.store.formats import read_json, read_table, table_bytes, write_bytes, write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from kb.graph_schema import RelationshipType
    from kb.model import Node, Relationship

__all__ = [
    "Bundle", "BundleInputs", "FileEntry", "Manifest", "RunInfo", "assemble_bundle", "build_bundle", "read_bundle", "verify_bundle", "write_bundle"
]  # fmt: skip

MANIFEST = "manifest.json"
RELATIONSHIP_STAMP_LENGTH = 16
ONTOLOGY_FILES = frozenset(
    [f"nodes/{n.label}.parquet" for n in SCHEMA.nodes if n.origin == "ontology"]
    + [f"relationships/{r.type}.parquet" for r in SCHEMA.bundle_relationships if SCHEMA.is_shared(r)]
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class FileEntry(_Part):
    """Rows and content hash of a file."""

    rows: int = Field(ge=0)
    hash: str


class Manifest(_Part):
    """What a bundle says of itself."""

    format: Literal["eventminer-bundle"] = "eventminer-bundle"
    schema_version: int
    corpus: str
    run: str
    ontology: str
    files: dict[str, FileEntry]

    @property
    def digest(self) -> str:
        """Hash of all that the bundle says: equal bundles load as one."""
        return digest_json({"corpus": self.corpus, "files": {name: entry.hash for name, entry in self.files.items()}})

    @property
    def ontology_digest(self) -> str:
        """Hash of the part that belongs to no corpus."""
        return digest_json({name: entry.hash for name, entry in self.files.items() if name in ONTOLOGY_FILES})

    def stamp(self, kind: NodeType | RelationshipType) -> str:
        """Return what a store's nodes or relationships of a kind bear as `bundle`, as long as they are of this bundle.

        There are many relationships, and Neo4j keeps half a hash with two small numbers in one record of its own.
        """
        if isinstance(kind, NodeType):
            return self.ontology_digest if kind.origin == "ontology" else self.digest
        return (self.ontology_digest if SCHEMA.is_shared(kind) else self.digest)[:RELATIONSHIP_STAMP_LENGTH]

    @property
    def n_rows(self) -> int:
        """Nodes and relationships together."""
        return sum(entry.rows for entry in self.files.values())


@dataclass(frozen=True, eq=False)
class Bundle:
    """A knowledge base as tables.

    Attributes:
        manifest: What it says of itself.
        nodes: For each label a table with `id` and the properties of the schema.
        relationships: For each type a table with `source`, `target` and the properties of the schema.
    """

    manifest: Manifest
    nodes: Mapping[str, pa.Table]
    relationships: Mapping[str, pa.Table]


def build_bundle(inputs: BundleInputs) -> Bundle:
    """Turn the tables of a run into nodes and relationships.

    Raises:
        KbError: The tables contradict each other or the schema: an id occurs twice, a relationship has no end, a required
            property is missing, or a number is not finite.
    """
    return assemble_bundle(
        {n.label: NODES[n.label](inputs) for n in SCHEMA.bundle_nodes},
        {r.type: RELATIONSHIPS[r.type](inputs) for r in SCHEMA.bundle_relationships},
        corpus=inputs.declaration.name,
        run=inputs.run.key,
        ontology=inputs.ontology.name,
    )


def assemble_bundle(
    nodes: Mapping[str, Iterable[Node]],
    relationships: Mapping[str, Iterable[Relationship]],
    *,
    corpus: str,
    run: str,
    ontology: str,
) -> Bundle:
    """Turn nodes by label and relationships by type into a bundle.

    Raises:
        KbError: They contradict each other or the schema, as for `build_bundle`.
    """
    rows = {n.label: tabulate_nodes(n, nodes.get(n.label, ())) for n in SCHEMA.bundle_nodes}
    joined = {r.type: tabulate_relationships(r, relationships.get(r.type, ())) for r in SCHEMA.bundle_relationships}
    ids = pa.concat_arrays([table["id"].combine_chunks() for table in rows.values()])
    for kind in SCHEMA.bundle_relationships:
        check_ends(kind, joined[kind.type], ids)
    files = {
        name: FileEntry(rows=table.num_rows, hash=digest_bytes(table_bytes(table)))
        for name, table in _files(rows, joined).items()
    }
    manifest = Manifest(schema_version=SCHEMA.bundle_version, corpus=corpus, run=run, ontology=ontology, files=files)
    return Bundle(manifest=manifest, nodes=rows, relationships=joined)


def _files(nodes: Mapping[str, pa.Table], relationships: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Return every table by the name of its file."""
    named = {f"nodes/{label}.parquet": table for label, table in nodes.items()}
    return named | {f"relationships/{kind}.parquet": table for kind, table in relationships.items()}


def write_bundle(bundle: Bundle, path: Path) -> Manifest:
    """Write a bundle into a folder, its manifest last; an older bundle there is replaced.

    Raises:
        ArtefactError: The disk is full or the folder cannot be written.
    """
    (path / MANIFEST).unlink(missing_ok=True)
    for name, table in _files(bundle.nodes, bundle.relationships).items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(file, table_bytes(table))
    write_json(path / MANIFEST, bundle.manifest.model_dump(by_alias=True))
    return bundle.manifest


def verify_bundle(path: Path) -> Manifest:
    """Check every file of a bundle against its manifest.

    Raises:
        KbError: There is no bundle, it is of another schema version, or a file is missing, cut or changed.
    """
    manifest = _read_manifest(path)
    expected = {f"nodes/{n.label}.parquet" for n in SCHEMA.bundle_nodes}
    expected |= {f"relationships/{r.type}.parquet" for r in SCHEMA.bundle_relationships}
    if set(manifest.files) != expected:
        raise _damaged(path, f"its manifest names other files than the schema ({min(set(manifest.files) ^ expected)})")
    for name, entry in manifest.files.items():
        file = path / name
        if not file.is_file():
            raise _damaged(path, f"{name} is missing")
        if digest_file(file) != entry.hash:
            raise _damaged(path, f"{name} was cut or changed")
    return manifest


def _read_manifest(path: Path) -> Manifest:
    if not (path / MANIFEST).is_file():
        raise KbError(
            f"There is no bundle at {path}.", hint="Give a run folder or its bundle/; 'eventminer run' makes one."
        )
    try:
        manifest = Manifest.model_validate(read_json(path / MANIFEST))
    except (ArtefactError, ValidationError) as error:
        raise _damaged(path, f"{MANIFEST} cannot be read") from error
    if manifest.schema_version != SCHEMA.bundle_version:
        raise KbError(
            f"The bundle at {path} has schema version {manifest.schema_version}; this version reads {SCHEMA.bundle_version}.",
            hint="Run 'eventminer run' again with this version.",
        )
    return manifest


def _damaged(path: Path, reason: str) -> KbError:
    return KbError(
        f"The bundle at {path} is damaged: {reason}.",
        hint=f"Delete {path} and run the same 'eventminer run' again: only the bundle is made anew.",
    )


def read_bundle(path: Path) -> Bundle:
    """Read a bundle after checking it.

    Raises:
        KbError: As of `verify_bundle`.
    """
    return Bundle(
        manifest=verify_bundle(path),
        nodes={n.label: read_table(path / f"nodes/{n.label}.parquet") for n in SCHEMA.bundle_nodes},
        relationships={
            r.type: read_table(path / f"relationships/{r.type}.parquet") for r in SCHEMA.bundle_relationships
        },
    )

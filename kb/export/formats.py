"""The formats of exports by name, each written in one step: an export that is there is whole.

```python
with open_contents("RUN") as contents:
    export_contents(contents, "owl", Path("kb.ttl"))
```
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from kb.contents import LABELS, Contents, StoreContents
from kb.export.graphml import write_graphml
from kb.export.graphrag import graphrag_schema
from kb.export.grass import grass_style
from kb.export.jsonl import write_jsonl
from kb.export.owl import write_owl
from kb.export.schema_org import write_schema_org
from kb.export.sdf import write_sdf
from kb.export.shapes import shacl_shapes
from kb.export.tabular import write_admin_folder
from kb.ontologies.graph import ontology_from
from kb.ontologies.toml_text import render_ontology
from kb.schema import SCHEMA
from miner.errors import KbError
from miner.store.formats import replacing, write_error

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

__all__ = ["FORMATS", "ExportFormat", "export_contents"]

Writer = Callable[[Contents, BinaryIO], int]


@dataclass(frozen=True)
class ExportFormat:
    """A format of exports.

    Attributes:
        name: What it is called on the command line.
        holds: What is in it, in one line.
        counts: What the number that is reported counts.
        write: Writes it into a file and returns that number; None where it is a folder.
    """

    name: str
    holds: str
    counts: str
    write: Writer | None


def _write_toml(contents: Contents, file: BinaryIO) -> int:
    types, roles = contents.nodes(SCHEMA.node("EventType")), contents.nodes(SCHEMA.node("ArgumentRole"))
    ontology = ontology_from(types, roles, contents.relationships(SCHEMA.relationship("SUBTYPE_OF")))
    file.write(render_ontology(ontology).encode())
    return len(ontology.types)


def _write_graphrag(_contents: Contents, file: BinaryIO) -> int:
    file.write(graphrag_schema())
    return len(LABELS)


def _write_grass(_contents: Contents, file: BinaryIO) -> int:
    file.write(grass_style())
    return len(LABELS)


def _write_shapes(_contents: Contents, file: BinaryIO) -> int:
    file.write(shacl_shapes())
    return len(LABELS)


_ROWS = "nodes and relationships"
FORMATS = {
    made.name: made
    for made in (
        ExportFormat("sdf", "event schemas as KAIROS SDF 2.3, JSON-LD", "events", write_sdf),
        ExportFormat("owl", "everything in Turtle: OWL, SKOS, SEM and PROV-O", _ROWS, write_owl),
        ExportFormat("schema-org", "pictures and captions as JSON-LD of schema.org", "pictures", write_schema_org),
        ExportFormat("graphml", "everything for graph programs", _ROWS, write_graphml),
        ExportFormat("jsonl", "everything, without loss", _ROWS, write_jsonl),
        ExportFormat("neo4j-admin", "everything as CSV for Neo4j's bulk importer, a folder", _ROWS, None),
        ExportFormat("graph-schema", "the schema for neo4j-graphrag, JSON", "labels", _write_graphrag),
        ExportFormat("shacl", "the schema as SHACL shapes, Turtle", "labels", _write_shapes),
        ExportFormat("grass", "colours and captions for Neo4j Browser", "labels", _write_grass),
        ExportFormat("toml", "the ontology, to edit and use again", "event types", _write_toml),
    )
}
"""Every format by its name."""


def export_contents(contents: Contents, name: str, out: Path) -> int:
    """Write a knowledge base in a format; what is at `out` is replaced once the whole is written.

    Args:
        contents: What to write.
        name: A name of `FORMATS`.
        out: Where to; a folder of another kind is never replaced.

    Returns:
        How much was written, in what `ExportFormat.counts` says.

    Raises:
        KbError: There is no such format, or the contents cannot be said in it.
        ArtefactError: The disk is full or the file cannot be written.
    """
    if name not in FORMATS:
        raise KbError(f"There is no format {name!r}; there are: {', '.join(FORMATS)}.")
    write = FORMATS[name].write
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(out, error) from error
    if write is not None and out.is_dir():
        raise KbError(f"{out} is a folder.", hint="Give --out the name of a file.")
    try:
        n_written = _export_folder(contents, out) if write is None else _export_file(write, contents, out)
    except (KeyError, TypeError, ValueError) as error:
        if contents.manifest:
            raise
        # Anybody can write into a store.
        raise KbError(
            f"{name} cannot say what somebody has put into this knowledge base: {type(error).__name__} {error}.",
            hint="'eventminer kb check' says what is wrong with it.",
        ) from error
    of_rows = FORMATS[name].counts != "labels"
    if of_rows and isinstance(contents, StoreContents) and (left_out := contents.left_out()):
        said = ", ".join(f"{n:,} {name}" for name, n in left_out.items())
        logger.warning("Left out, because they have no id or lead to something without one: %s.", said)
    return n_written


def _export_file(write: Writer, contents: Contents, out: Path) -> int:
    with replacing(out) as file:
        return write(contents, file)


def _export_folder(contents: Contents, out: Path) -> int:
    if out.exists() and not (out / "import.sh").is_file() and (out.is_file() or any(out.iterdir())):
        raise KbError(f"{out} is there already and is no export.", hint="Give --out a new folder.")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir()
        n_rows = write_admin_folder(contents, temporary)
        if out.exists():
            shutil.rmtree(out)
        temporary.rename(out)
    except OSError as error:
        raise write_error(out, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return n_rows

"""Other ways to fill a Neo4j from the same bundle: neo4j-graphrag's writer, one MERGE per row, and the bulk importer."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
from neo4j_graphrag.components.kg_writer import Neo4jWriter
from neo4j_graphrag.components.types import Neo4jGraph, Neo4jNode, Neo4jRelationship

from kb.bundle import read_bundle
from kb.contents import BundleContents
from kb.export.tabular import import_arguments, write_admin_folder
from tests.integration.neo4j_importer import run_importer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import neo4j
    import pyarrow as pa

APOC_VERSION = "5.26.12"


def fetch_apoc() -> Path:
    """Return the folder of APOC core, which neo4j-graphrag's writer calls."""
    folder = platformdirs.user_cache_path("eventminer") / "neo4j-test" / f"apoc-{APOC_VERSION}"
    maven = shutil.which("mvn")
    if maven is None:
        raise FileNotFoundError("mvn, which fetches APOC")
    for name in ("apoc-core", "apoc-common"):
        if not (folder / f"{name}-{APOC_VERSION}.jar").is_file():
            artifact = f"org.neo4j.procedure:{name}:{APOC_VERSION}"
            command = [maven, "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
            subprocess.run(command, check=True, timeout=300)
    return folder


def load_with_graphrag(driver: neo4j.Driver, folder: Path) -> None:
    """Write a bundle with neo4j-graphrag's writer, as its documentation does."""
    bundle = read_bundle(folder)
    graph = Neo4jGraph(
        nodes=[
            Neo4jNode(id=row.pop("id"), label=label, properties=row)
            for label, table in bundle.nodes.items()
            for row in _rows(table)
        ],
        relationships=[
            Neo4jRelationship(start_node_id=row.pop("source"), end_node_id=row.pop("target"), type=kind, properties=row)
            for kind, table in bundle.relationships.items()
            for row in _rows(table)
        ],
    )
    asyncio.run(Neo4jWriter(driver, neo4j_database="neo4j", batch_size=1_000, clean_db=True).run(graph))


def load_row_by_row(driver: neo4j.Driver, folder: Path, limit: int) -> int:
    """Write the first nodes and relationships of a bundle with one MERGE each, and return how many."""
    bundle = read_bundle(folder)
    n_rows = 0
    with driver.session(database="neo4j") as session:
        for statement, rows in _statements(bundle.nodes, bundle.relationships):
            for row in rows[:limit]:
                session.run(statement, row=row).consume()
                n_rows += 1
    return n_rows


def _statements(
    nodes: Mapping[str, pa.Table], relationships: Mapping[str, pa.Table]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for label in ("Caption", "TextItem"):
        rows = [{"id": row.pop("id"), "props": row} for row in _rows(nodes[label])]
        yield f"MERGE (n:{label} {{id: $row.id}}) SET n += $row.props", rows
    rows = [
        {"source": row.pop("source"), "target": row.pop("target"), "props": row}
        for row in _rows(relationships["MENTIONS"])
    ]
    ends = "MATCH (a:Caption {id: $row.source}) MATCH (b:TextItem {id: $row.target})"
    yield f"{ends} MERGE (a)-[r:MENTIONS]->(b) SET r += $row.props", rows


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if value is not None} for row in table.to_pylist()]


def load_in_bulk(folder: Path) -> None:
    """Export a bundle and let the genuine importer read it into an empty server."""
    with tempfile.TemporaryDirectory() as temporary:
        (Path(temporary) / "csv").mkdir()
        write_admin_folder(BundleContents(folder), Path(temporary) / "csv")
        run_importer(Path(temporary) / "home", import_arguments(Path(temporary) / "csv"))

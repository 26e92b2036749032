"""`eventminer kb`: load a run into a graph store and ask it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from miner.cli import kb_files
from miner.cli.output import AsJson, open_stderr, print_json, print_rows

app = typer.Typer(help="Load a run into a graph store, and query it.", no_args_is_help=True)

DEFAULT_TIMEOUT_S = 30.0


@app.callback()
def _group() -> None:
    """Load a run into a graph store, and query it."""


@app.command()
def load(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, or a bundle.")],
    to: Annotated[str, typer.Option("--to", help="neo4j:// or bolt:// address, or a path for the embedded store.")],
    *,
    json: AsJson = False,
) -> None:
    """Make a store say what a run found; loading twice changes nothing, and other nodes are left alone.

    The password comes from NEO4J_PASSWORD, the user from NEO4J_USER.
    """
    from kb.bundle import verify_bundle
    from kb.load import bundle_folder, load_bundle
    from kb.store import open_store
    from miner.run.progress import OnConsole

    n_rows = verify_bundle(bundle_folder(run)).n_rows
    progress = OnConsole(open_stderr())
    with open_store(to) as store, progress.stage("load", n_rows, "rows") as advance:
        done = load_bundle(run, store, advance)
    if json:
        print_json(
            {
                "corpus": done.corpus,
                "bundle": done.bundle,
                "nodes": done.nodes,
                "relationships": done.relationships,
                "nodesCreated": done.changes.nodes_created,
                "nodesDeleted": done.changes.nodes_deleted,
                "relationshipsCreated": done.changes.relationships_created,
                "relationshipsDeleted": done.changes.relationships_deleted,
            }
        )
        return
    typer.echo(
        f"{done.corpus}: {done.nodes:,} nodes and {done.relationships:,} relationships; "
        f"{done.changes.nodes_created:,} nodes and {done.changes.relationships_created:,} relationships are new, "
        f"{done.changes.nodes_deleted:,} and {done.changes.relationships_deleted:,} are gone."
    )


@app.command()
def query(
    uri: Annotated[str, typer.Argument(metavar="URI", help="Run folder, path of an embedded store, or Neo4j address.")],
    cypher: Annotated[str, typer.Argument(metavar="CYPHER", help="Cypher, or @NAME; '@help' lists the named queries.")],
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="Value of a $parameter; can be repeated.")
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Longest time the query may take (s).")
    ] = DEFAULT_TIMEOUT_S,
    *,
    write: Annotated[bool, typer.Option("--write", help="Allow the query to change the store.")] = False,
    json: AsJson = False,
) -> None:
    """Ask a store in Cypher, or by the name of a question; read-only unless --write is given."""
    from kb.query import named_queries, parse_params, run_query
    from kb.store import open_store

    if cypher.strip() == "@help":
        rows = [
            {"name": f"@{named.name}", "answers": named.answers, "parameters": [p.name for p in named.parameters]}
            for named in named_queries()
        ]
        print_rows(rows, ("name", "parameters", "answers"), as_json=json)
        return
    with open_store(uri) as store:
        result = run_query(store, cypher, parse_params(cypher, param or []), write=write, timeout_s=timeout)
    for warning in result.warnings:
        typer.echo(f"Note: {warning}", err=True)
    print_rows(result.records(), result.columns, as_json=json)


app.command()(kb_files.export)
app.command("import")(kb_files.import_file)
app.command()(kb_files.check)

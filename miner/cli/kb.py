"""`eventminer kb`: load a run into a graph store and ask it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from miner.cli import kb_coref, kb_files, kb_train
from miner.cli.output import AsJson, open_stderr, print_csv, print_json, print_rows

if TYPE_CHECKING:
    from kb.store import GraphStore

app = typer.Typer(help="Load a run into a graph store, and query it.", no_args_is_help=True)

DEFAULT_TIMEOUT_S = 30.0


@app.callback()
def _group() -> None:
    """Load a run into a graph store, and query it."""


@app.command()
def load(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="Run folder, or a bundle.")] = None,
    to: Annotated[
        str,
        typer.Option("--to", envvar="NEO4J_URI", help="neo4j:// or bolt:// address, or a path for the embedded store."),
    ] = "",
    prune: Annotated[
        str,
        typer.Option(
            "--prune",
            metavar="RUN",
            help="First remove all that the corpus of this name, or of this run, has in the store.",
        ),
    ] = "",
    name: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="NAME", help="Load as a corpus of this name, beside another run of it; without decisions."
        ),
    ] = None,
    *,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Put a damaged embedded store aside and make it anew.")
    ] = False,
    folder: Annotated[
        bool,
        typer.Option("--folder/--no-folder", help="Note in the store where RUN is, for 'extract --kb URI' to find it."),
    ] = True,
    json: AsJson = False,
) -> None:
    """Make a store say what a run found; loading twice changes nothing, and other nodes are left alone.

    The password comes from NEO4J_PASSWORD, the user from NEO4J_USER, the database from NEO4J_DATABASE.
    """
    from kb.bundle import verify_bundle
    from kb.embedded_store import put_aside
    from kb.loading.copying import load_as
    from kb.loading.finding import note_folder
    from kb.loading.load import bundle_folder, load_bundle
    from kb.store import open_store
    from miner.run.progress import OnConsole
    from miner.run.reviewing import sync_run_reviews

    if not to or not (run or prune):
        raise typer.BadParameter("Give --to URI (or set NEO4J_URI), and RUN to load or --prune RUN to remove.")
    if name == "":
        raise typer.BadParameter("--as needs a name.")
    n_rows = verify_bundle(bundle_folder(run)).n_rows if run else 0
    if rebuild and (aside := put_aside(to)):
        typer.echo(f"The old store is now {aside}.", err=True)
    progress = OnConsole(open_stderr())
    with open_store(to) as store, progress.stage("load", n_rows, "rows") as advance:
        if prune:
            _remove(store, prune, name, as_json=json)
        if run is None:
            return
        if name:
            done = load_as(run, name, store, advance)
        else:
            done = load_bundle(run, store, advance)
            sync_run_reviews(run, store)
        if folder:
            note_folder(store, done.corpus, run)
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


def _remove(store: GraphStore, run: str, name: str | None, *, as_json: bool) -> None:
    """Remove a corpus from a store, named by itself, by a run that read it, or by the folder of such a run.

    A run can be there as several corpora; `name` says which of them the folder stands for.
    """
    from kb.bundle import verify_bundle
    from kb.loading.finding import find_corpus_of_bundle
    from kb.loading.load import bundle_folder, remove_corpus

    folder = bundle_folder(Path(run))
    corpus = run
    if folder.is_dir():
        corpus = name or find_corpus_of_bundle(store, verify_bundle(folder))
    gone = remove_corpus(store, corpus)
    typer.echo(
        f"{corpus}: {gone.nodes_deleted:,} nodes and {gone.relationships_deleted:,} relationships are gone.",
        err=as_json,
    )


@app.command()
def query(
    uri: Annotated[
        str,
        typer.Argument(metavar="URI", help="Run folder, path of an embedded store, or Neo4j address; else NEO4J_URI."),
    ],
    cypher: Annotated[
        str, typer.Argument(metavar="CYPHER", help="Cypher, or @NAME; '@help' lists the named queries.")
    ] = "",
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="Value of a $parameter; can be repeated.")
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Longest time the query may take (s).")
    ] = DEFAULT_TIMEOUT_S,
    *,
    write: Annotated[bool, typer.Option("--write", help="Allow the query to change the store.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, lists and maps in it as JSON.")] = False,
    json: AsJson = False,
) -> None:
    """Ask a store in Cypher, or by the name of a question; read-only unless --write is given."""
    from kb.asking.query import named_queries, parse_params, run_query
    from kb.store import open_store

    if not cypher:
        uri, cypher = os.environ.get("NEO4J_URI", ""), uri
        if not uri:
            raise typer.BadParameter("Give URI and CYPHER, or set NEO4J_URI and give CYPHER.")
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
    if csv:
        print_csv(result.records(), result.columns)
    else:
        print_rows(result.records(), result.columns, as_json=json)


app.command()(kb_train.train)
app.command()(kb_coref.coref)
app.command()(kb_files.export)
app.command("import")(kb_files.import_file)
app.command()(kb_files.check)

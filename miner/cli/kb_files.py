"""`eventminer kb export`, `import` and `check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from miner.cli.output import AsJson, print_json, print_rows

KB = "Run folder, bundle, path of an embedded store, Neo4j address, or an ontology."


def export(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=KB)],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="sdf, owl, schema-org, graphml, jsonl, neo4j-admin, graph-schema, shacl, grass or toml.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="File to write; a folder for neo4j-admin.")],
    *,
    json: AsJson = False,
) -> None:
    """Write a knowledge base in a format of others; the same contents give the same bytes."""
    from kb.contents import open_contents
    from kb.export.formats import FORMATS, export_contents

    with open_contents(source) as contents:
        n_rows = export_contents(contents, form, out)
    if json:
        print_json({"format": form, "out": str(out), "rows": n_rows})
        return
    typer.echo(f"{out}: {n_rows:,} {FORMATS[form].counts}.")


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines; OWL in Turtle or RDF/XML; or TOML.")],
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="jsonl makes a bundle; owl and toml make an ontology.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="Folder of the bundle, or .toml file to write.")],
    name: Annotated[str | None, typer.Option("--name", help="Another name for the ontology.")] = None,
    version: Annotated[str | None, typer.Option("--version", help="Another version for the ontology.")] = None,
    compare: Annotated[
        str | None, typer.Option("--compare", metavar="ONTOLOGY", help="Say what differs from this ontology.")
    ] = None,
    *,
    json: AsJson = False,
) -> None:
    """Read a bundle or an edited ontology back in; use an ontology with `-o label.ontology=PATH`."""
    from kb.export.imports import IMPORT_FORMATS, import_bundle, import_ontology, ontology_changes
    from kb.ontology import load_ontology
    from miner.errors import KbError

    if form not in IMPORT_FORMATS:
        raise KbError(f"There is no format {form!r} to import; there are: {', '.join(IMPORT_FORMATS)}.")
    if form == "jsonl":
        manifest = import_bundle(file, out)
        said: dict[str, object] = {"corpus": manifest.corpus, "bundle": manifest.digest, "rows": manifest.n_rows}
        words = f"{out}: a bundle of {manifest.corpus} with {manifest.n_rows:,} nodes and relationships."
    else:
        ontology = import_ontology(file, cast("Literal['owl', 'toml']", form), out, name=name, version=version)
        changes = list(ontology_changes(load_ontology(compare), ontology)) if compare else []
        said = {"ontology": ontology.name, "version": ontology.version, "eventTypes": len(ontology.types)}
        said |= {"changes": changes} if compare else {}
        words = "\n".join(
            [f"{out}: ontology {ontology.name} {ontology.version} with {len(ontology.types)} event types.", *changes]
        )
    if json:
        print_json(said)
        return
    typer.echo(words)


def check(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=KB)],
    ontology: Annotated[
        str | None, typer.Option("--ontology", metavar="ONTOLOGY", help="What event types and roles must be among.")
    ] = None,
    *,
    json: AsJson = False,
) -> None:
    """Check a knowledge base against the schema and its ontology; exit 1 where there are errors."""
    from kb.check import check_contents
    from kb.contents import open_contents
    from kb.ontology import load_ontology

    expected = load_ontology(ontology) if ontology else None
    with open_contents(source) as contents:
        report = check_contents(contents, expected)
    columns = ("severity", "code", "where", "message")
    rows = [{name: getattr(finding, name) for name in columns} for finding in report.findings]
    if rows:
        print_rows(rows, columns, as_json=json)
    shown = len(report.findings)
    hidden = f" ({report.counts.total() - shown:,} not shown)" if report.counts.total() > shown else ""
    typer.echo(
        f"{report.n_nodes:,} nodes and {report.n_relationships:,} relationships: "
        f"{report.n_errors:,} errors, {report.n_warnings:,} warnings{hidden}.",
        err=json,
    )
    if report.n_errors:
        raise typer.Exit(1)

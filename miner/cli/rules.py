"""`eventminer rules`: the mining engine on its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from miner.cli.config import ConfigFile, Overrides
from miner.cli.output import AsJson, open_stderr, print_json

app = typer.Typer(help="Mine rules from transactions made elsewhere.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Mine rules from transactions made elsewhere."""


@app.command()
def mine(
    transactions: Annotated[
        Path, typer.Argument(help="Parquet file: visual list<int>, text list<int>, eventType string (or null).")
    ],
    out: Annotated[Path, typer.Option("--out", help="Parquet file of rules to write.")],
    config: ConfigFile = None,
    option: Overrides = None,
    threads: Annotated[int, typer.Option("--threads", min=0, help="Threads; 0 is one per core.")] = 0,
    *,
    json: AsJson = False,
) -> None:
    """Find the rules of a table of transactions and test them; parameters are those of [mine]."""
    from miner.config_file import load_config
    from miner.rules.mine import mine_rules
    from miner.rules.transactions import Transactions
    from miner.run.job import Place, count_threads
    from miner.run.progress import OnConsole
    from miner.store.formats import read_table, write_table

    resolved = load_config(config, option or ())
    votes = Transactions.from_table(read_table(transactions))
    with OnConsole(open_stderr()).stage("mine"):
        result = mine_rules(votes, resolved.mine, threads=count_threads(Place(n_threads=threads)))
    write_table(out, result.rules)
    if json:
        print_json({"rules": result.rules.num_rows, "out": str(out), "summary": result.summary})
    else:
        typer.echo(f"{result.rules.num_rows:,} rules of {votes.n_labelled:,} labelled votes: {out}")

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
        Path,
        typer.Argument(
            help="Parquet file: visual list<int>, text list<int>, eventType string (or null); or a folder of .npy shards."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Parquet file of rules to write.")],
    config: ConfigFile = None,
    option: Overrides = None,
    threads: Annotated[int, typer.Option("--threads", min=0, help="Threads; 0 is one per core.")] = 0,
    *,
    stream: Annotated[
        bool, typer.Option("--stream", help="Test nothing; write every rule above the thresholds as it is found.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Find the rules of transactions and test them; parameters are those of [mine].

    Rules that are too many for memory can be streamed to disk untested: the tests need all rules at once.
    """
    from miner.config_file import load_config
    from miner.rules.mine import mine_rules, stream_rules
    from miner.rules.shards import open_shards
    from miner.rules.transactions import Transactions
    from miner.run.job import Place, count_threads
    from miner.run.progress import OnConsole
    from miner.store.formats import read_table, write_table

    mining, n_threads = load_config(config, option or ()).mine, count_threads(Place(n_threads=threads))
    votes = open_shards(transactions) if transactions.is_dir() else Transactions.from_table(read_table(transactions))
    summary = {}
    with OnConsole(open_stderr()).stage("mine"):
        if stream:
            n_rules = stream_rules(votes, mining, out, threads=n_threads)
        else:
            result = mine_rules(votes, mining, threads=n_threads)
            n_rules, summary = result.rules.num_rows, result.summary
            write_table(out, result.rules)
    if json:
        print_json({"rules": n_rules, "out": str(out), "tested": not stream, "summary": summary})
    else:
        typer.echo(f"{n_rules:,} {'untested ' * stream}rules of {votes.n_labelled:,} labelled votes: {out}")

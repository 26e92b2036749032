"""`eventminer rules`: the mining engine on its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from miner.cli.config import ConfigFile, Overrides
from miner.cli.output import AsJson, open_stderr, print_json, print_rows
from miner.cli.run import SchedulerOption, SpreadOption, WorkersOption, read_spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    workers: WorkersOption = 0,
    scheduler: SchedulerOption = "",
    spread: SpreadOption = "auto",
    stream: Annotated[
        bool, typer.Option("--stream", help="Test nothing; write every rule above the thresholds as it is found.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Find the rules of transactions and test them; parameters are those of [mine].

    Rules that are too many for memory can be streamed to disk untested: the tests need all rules at once.
    """
    from miner.config_file import load_config
    from miner.rules.mine import stream_rules
    from miner.rules.shards import open_shards
    from miner.rules.transactions import Transactions
    from miner.run.job import Place, count_threads, open_executor
    from miner.run.progress import OnConsole
    from miner.run.spread import Workplace, mine_votes
    from miner.store.formats import read_table, write_table

    if stream and (workers or scheduler or spread not in {"auto", "none"}):
        raise typer.BadParameter(
            "one process writes the rules; leave --workers, --scheduler, --spread out", param_hint="--stream"
        )
    place = Place(n_threads=threads, n_workers=workers, scheduler=scheduler, spread=read_spread(spread))
    mining, n_threads = load_config(config, option or ()).mine, count_threads(place)
    votes = open_shards(transactions) if transactions.is_dir() else Transactions.from_table(read_table(transactions))
    summary = {}
    with OnConsole(open_stderr()).stage("mine"):
        if stream:
            n_rules = stream_rules(votes, mining, out, threads=n_threads)
        else:
            with open_executor(place) as executor:
                result = mine_votes(votes, mining, Workplace(executor, place.spread, n_threads))
            n_rules, summary = result.rules.num_rows, result.summary
            write_table(out, result.rules)
    if json:
        print_json({"rules": n_rules, "out": str(out), "tested": not stream, "summary": summary})
    else:
        typer.echo(f"{n_rules:,} {'untested ' * stream}rules of {votes.n_labelled:,} labelled votes: {out}")
        for line in describe_tests(summary):
            typer.echo(line)


def describe_tests(summary: Mapping[str, Any]) -> Iterator[str]:
    """Say at which level rules of each length were tested, and how small a p-value could have been."""
    if not summary:
        return
    levels = ", ".join(f"{level:.2g} with {length} items" for length, level in summary["level"].items())
    smallest = f"1e{summary['smallestAttainableLog10P']:.0f}"
    yield f"Levels of the class association: {levels}; smallest p-value that a rule could have reached: {smallest}."
    if summary.get("pairsAssociated"):
        by_chance = summary["pairsAssociatedByChance"]
        expected = (
            f"{by_chance:,.0f} would by chance alone"
            if by_chance is not None
            else "too many to count what chance would give"
        )
        yield f"{summary['pairsAssociated']:,} pairs of a visual and a text item passed it; {expected}."
    confirmed = [own["confirmed"] for own in summary["eventTypes"].values() if "confirmed" in own]
    if confirmed:
        proven = sum(own["proven"] for own in summary["eventTypes"].values())
        yield f"{sum(confirmed):,} of {proven:,} rules proven on one half of the photo groups were confirmed on the other."


COLUMNS = ("eventType", "votes", "proven", "provenWithoutLink", "leastProvableCount", "smallestAttainableLog10P")


@app.command()
def summary(run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")], *, json: AsJson = False) -> None:
    """Count the proven rules of each event type of a finished run, with and without the test that links picture and words."""
    from miner.run.folder import open_run
    from miner.run.proofs import count_proven

    print_rows(count_proven(open_run(run)), COLUMNS, as_json=json)

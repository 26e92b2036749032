"""`eventminer config`: the parameters of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from miner.cli.output import AsJson, print_json

app = typer.Typer(help="Parameters of a run.", no_args_is_help=True)

ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML file; run.toml of a run repeats that run.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("-o", "--option", metavar="NAME=VALUE", help="Override a parameter, such as mine.min_support=0.005."),
]


@app.callback()
def _group() -> None:
    """Parameters of a run."""


@app.command()
def show(config: ConfigFile = None, option: Overrides = None, *, json: AsJson = False) -> None:
    """Print every parameter with its value and meaning, as a TOML file that --config accepts."""
    from miner.config_file import iterate_fields, load_config, render_config

    resolved = load_config(config, option or ())
    if not json:
        typer.echo(render_config(resolved), nl=False)
        return
    for name, value, field in iterate_fields(resolved):
        print_json(
            {
                "name": name,
                "value": value,
                "default": field.get_default(call_default_factory=True),
                "meaning": field.description,
            }
        )

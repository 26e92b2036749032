"""`eventminer schema`: what an event of each type typically looks like."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from miner.cli.output import AsJson, print_json
from miner.cli.pattern import RunArgument


def schema(
    run: RunArgument,
    event_type: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help="Only this event type, such as Conflict.Attack.")
    ] = None,
    *,
    json: AsJson = False,
) -> None:
    """Say what an event of each type typically looks like: roles, what fills them, and what is seen together."""
    from miner.run.catalogue import typical_events
    from miner.run.folder import open_run

    console = Console(highlight=False, markup=False, soft_wrap=True)
    for event in typical_events(open_run(run), event_type):
        if json:
            print_json(event)
            continue
        console.print(f"{event['eventType']}: {event['text']}")
        for row in event["fillers"]:
            with_others = ", ".join(f"{other['name']} x{other['lift']:.1f}" for other in row["together"])
            line = (
                f"  {row['role'] or '-':<14} {row['name']:<28} {row['share']:>6.1%}  confidence {row['confidence']:.2f}"
            )
            console.print(f"{line}{f'  with {with_others}' if with_others else ''}")

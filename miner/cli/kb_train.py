"""`eventminer kb train`: fit the extractor of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from miner.cli.output import AsJson, open_stderr, print_json
from miner.cli.pattern import RunArgument


def train(
    run: RunArgument,
    gold: Annotated[
        list[Path] | None,
        typer.Option("--gold", metavar="FILE", help="Text file of M2E2; several may follow, or repeat the option."),
    ] = None,
    more_gold: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="More gold files.")] = None,
    silver: Annotated[
        Path | None,
        typer.Option(
            "--silver", metavar="DIR", help="Folder whose captions.jsonl has captions with machine-made events."
        ),
    ] = None,
    *,
    no_visual: Annotated[
        bool, typer.Option("--no-visual", help="Learn without the visual patterns that words evoke.")
    ] = False,
    encoder: Annotated[
        bool,
        typer.Option(
            "--encoder",
            help="Fine-tune token encoders as well: finds more, reads several times slower, needs the extra 'encoder'.",
        ),
    ] = False,
    json: AsJson = False,
) -> None:
    """Fit the extractor to gold sentences, to silver captions, or to both, and keep it with the run."""
    from miner.run.extraction_training import train_extractor
    from miner.run.folder import open_run
    from miner.run.progress import OnConsole

    files = [*(gold or ()), *(more_gold or ())]
    done = train_extractor(
        open_run(run), files, silver, visual=not no_visual, encoder=encoder, progress=OnConsole(open_stderr())
    )
    for reason, n in sorted(done.notes.items()):
        typer.echo(f"{n:,} {reason}", err=True)
    model = done.model
    row = {
        "run": str(run),
        "goldSentences": done.n_gold,
        "silverCaptions": done.n_silver,
        "candidates": len(model.lexicon),
        "thresholds": model.thresholds._asdict(),
        "visual": model.uses_visual,
        "encoder": model.encoders is not None,
    }
    if json:
        print_json(row)
    else:
        typer.echo(
            f"Trained on {done.n_gold:,} gold sentences and {done.n_silver:,} silver captions; {len(model.lexicon):,} words can be "
            f"triggers, from a probability of {model.thresholds.trigger}."
        )

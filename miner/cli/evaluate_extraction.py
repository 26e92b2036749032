"""`eventminer evaluate extraction`: how good extracted mentions are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from miner.cli.output import AsJson, print_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kb.evaluate.mentions import Protocol

COLUMNS = (
    "protocol", "gold", "setting", "measure", "eventType", "precision", "recall", "f1", "low", "high", "nGold", "nPredicted",
)  # fmt: skip

GoldOption = Annotated[
    list[Path],
    typer.Option("--gold", metavar="FILE", help="Gold file of M2E2; several may follow, or repeat the option."),
]
MoreGold = Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="More gold files.")]


def extraction(
    gold: GoldOption,
    pred: Annotated[
        Path,
        typer.Option(
            "--pred", metavar="FILE", help="What 'eventminer extract' wrote, or a file in the form of the gold."
        ),
    ],
    protocol: Annotated[
        str,
        typer.Option(
            "--protocol",
            metavar="all|event-only",
            help="Score all sentences and pictures, or only those with an event.",
        ),
    ],
    more_gold: MoreGold = None,
    *,
    json: AsJson = False,
) -> None:
    """Score mentions against gold: precision, recall and F1 with intervals, over all event types and for each.

    Matching is one to one: whatever is predicted twice is wrong once. Intervals are of F1, 95 %, from documents drawn with
    replacement.
    """
    from kb.evaluate.extraction import evaluate_files

    if protocol not in {"all", "event-only"}:
        raise typer.BadParameter(f"{protocol!r} is not one of all, event-only", param_hint="--protocol")
    found = evaluate_files([*gold, *(more_gold or ())], pred, cast("Protocol", protocol))
    _say("Gold", found.problems)
    for part in found.settings:
        _say(f"Predictions ({part.setting})", part.notes)
    print_rows(found.rows(), COLUMNS, as_json=json)


def _say(what: str, counts: Mapping[str, int]) -> None:
    for reason, n in sorted(counts.items()):
        typer.echo(f"{what}: {n:,} {reason}", err=True)

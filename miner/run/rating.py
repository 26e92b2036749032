"""Blind rating of finished runs: makes the sheet and its key, and scores the filled sheets."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from kb.evaluate.rating import Rated, read_ratings, score_ratings
from miner.config_file import load_config
from miner.errors import EvaluationError
from miner.run.folder import open_run
from miner.run.reporting import find_images
from miner.store.formats import read_json, read_table, write_bytes, write_json
from miner.visual.images import decode_image
from reports.rating import RatedRun, build_sheet, describe_key, render_sheet, write_csv

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kb.evaluate.rating import RatingScore
    from miner.run.folder import RunFolder
    from reports.rating import Sheet

SHEET_PAGE, SHEET_CSV = "sheet.html", "sheet.csv"


def write_sheet(
    runs: Sequence[Path], out: Path, key: Path, *, n_patterns: int, seed: int, locations: Sequence[str] = ()
) -> Sheet:
    """Write a rating sheet as a page and as CSV, and its key to another place.

    Args:
        runs: Run folders, of one method each.
        out: Folder for what raters get.
        key: File for what they must not get.
        n_patterns: Patterns of each run, at most.
        seed: Of the order.
        locations: Where the corpora are now, one per run, if they have moved.

    Raises:
        ArtefactError: A run has not finished, or a file cannot be written.
        EvaluationError: A run has no pattern to rate, or the key lies in the folder of the raters.
    """
    if key.resolve().is_relative_to(out.resolve()):
        raise EvaluationError(
            f"The key {key} would lie in {out}, which raters get.", hint="Give another place with --key."
        )
    if locations and len(locations) != len(runs):
        raise EvaluationError(f"There are {len(runs)} runs, but {len(locations)} places of corpora.")
    folders = [open_run(path) for path in runs]
    places = locations or [""] * len(folders)
    rated = [_rated(folder, label, place) for folder, label, place in zip(folders, _labels(runs), places, strict=True)]
    sheet = build_sheet(rated, n_patterns=n_patterns, seed=seed)
    out.mkdir(parents=True, exist_ok=True)
    write_bytes(out / SHEET_PAGE, render_sheet(sheet).encode())
    write_bytes(out / SHEET_CSV, write_csv(sheet).encode())
    write_json(key, describe_key(sheet))
    return sheet


def _labels(runs: Sequence[Path]) -> list[str]:
    """Name each run by its folder, and by its place in the list where two folders have one name."""
    names = [path.resolve().name for path in runs]
    counts = Counter(names)
    return [name if counts[name] == 1 else f"{name} ({place})" for place, name in enumerate(names, start=1)]


def _rated(folder: RunFolder, label: str, location: str) -> RatedRun:
    artefacts = folder.artefacts()
    visual = load_config(folder.path / "run.toml").visual
    return RatedRun(
        label=label,
        corpus=read_json(artefacts["read"].file("declaration.json"))["name"],
        patterns=read_table(artefacts["patterns"].file("patterns.parquet")),
        evidence=read_table(artefacts["patterns"].file("evidence.parquet")),
        open_image=find_images(folder, location).open,
        decode=partial(decode_image, max_pixels=visual.max_pixels),
    )


def score_sheets(sheets: Sequence[Path], key: Path) -> list[RatingScore]:
    """Score filled sheets, one per rater.

    Raises:
        ArtefactError: The key cannot be read.
        EvaluationError: A sheet cannot be read or does not belong to the key.
    """
    content = _read_key(key)
    rated = _list_rated(content["items"])
    ids = [item.id for item in rated]
    ratings = [read_ratings(_read_text(path), rater=path.stem, sheet=content["sheet"], ids=ids) for path in sheets]
    return score_ratings(rated, ratings)


def _read_key(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict) or not {"sheet", "items"} <= content.keys():
        raise EvaluationError(
            f"{path} is not the key of a rating sheet.",
            hint="It is the file that 'evaluate rating-sheet' named as key.",
        )
    return content


def _list_rated(items: Sequence[dict[str, Any]]) -> list[Rated]:
    """Tell two runs of one method on one corpus apart by their names."""
    runs = {(item["method"], item["corpus"], item["run"]) for item in items}
    shared = Counter((method, corpus) for method, corpus, _ in runs)
    return [
        Rated(
            item["id"],
            item["method"] if shared[item["method"], item["corpus"]] == 1 else f"{item['method']} ({item['run']})",
            item["corpus"],
        )
        for item in items
    ]


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(
            f"The sheet {path} cannot be read: {error}.", hint="It is a CSV file in UTF-8."
        ) from error

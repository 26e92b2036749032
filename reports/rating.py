"""A blind rating sheet: patches and names of several runs in one order, without a word about what made them.

All patterns are shown alike: as patches with frames where every piece of evidence has a box, else as whole pictures, so
that no method gives itself away. The pictures carry no names of files, and what stands behind an id is kept elsewhere.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import random
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from PIL import ImageDraw

from miner.errors import EvaluationError
from miner.store.fingerprint import digest_json
from reports.album import encode_within
from reports.figures import Cut, Patch, cut_patches, data_uri, draw_frame
from reports.page import template_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa
    from PIL import Image

    from reports.inputs import Picture

N_PATCHES = 6
SIDE = 192
BUDGET_BYTES = 24_000_000
COLUMNS = ("sheet", "id", "number", "eventType", "name", "rating", "rater", "comment")
ID_DIGITS = 10


@dataclass(frozen=True, kw_only=True)
class RatedRun:
    """A run whose patterns are to be rated.

    Attributes:
        label: Tells runs apart in the key.
        corpus: Name of the corpus.
        patterns: PATTERNS.
        evidence: EVIDENCE.
        open_image: From the `image` of a record to the bytes of its file.
        decode: From those bytes to upright pixels.
    """

    label: str
    corpus: str
    patterns: pa.Table
    evidence: pa.Table
    open_image: Callable[[str], bytes]
    decode: Callable[[bytes], Picture]


@dataclass(frozen=True)
class Item:
    """One pattern to rate."""

    id: str
    run: RatedRun
    method: str
    pattern: str
    event_type: str
    rank: int
    name: str
    cuts: tuple[Cut, ...]


@dataclass(frozen=True)
class Sheet:
    """A rating sheet.

    Attributes:
        id: Follows from the runs, the seed and what is shown.
        seed: Of the order.
        framed: Whether patches with frames are shown; whole pictures otherwise.
        items: In the order of the sheet.
        left_out: Patterns without any picture, by run.
    """

    id: str
    seed: int
    framed: bool
    items: tuple[Item, ...]
    left_out: Mapping[str, int]


def build_sheet(runs: Sequence[RatedRun], *, n_patterns: int, seed: int) -> Sheet:
    """Choose the best patterns of each run and put them into one random order.

    Of each run the best patterns of its event types take turns, up to the same number for every run: the least that any
    of them has, if that is below `n_patterns`.

    Args:
        runs: At least one.
        n_patterns: Patterns of each run, at most.
        seed: Of the order.

    Raises:
        EvaluationError: A run has no pattern with a picture.
    """
    framed = all(_has_boxes(run.evidence) for run in runs)
    candidates = [_candidates(run, framed=framed) for run in runs]
    shown = [[item for item in own if item.cuts] for own in candidates]
    for run, own in zip(runs, shown, strict=True):
        if not own:
            raise EvaluationError(f"The run {run.label!r} has no pattern with pictures, so there is nothing to rate.")
    n_each = min([n_patterns, *map(len, shown)])
    chosen = list(chain.from_iterable(own[:n_each] for own in shown))
    content = [[item.run.label, item.pattern, item.name, [cut.image for cut in item.cuts]] for item in chosen]
    sheet = _opaque(["rating sheet", seed, content])
    order = random.Random(seed).sample(range(len(chosen)), len(chosen))  # noqa: S311 - an order, not a secret
    items = tuple(replace(chosen[place], id=_opaque([sheet, place])) for place in order)
    left_out = {run.label: len(own) - len(kept) for run, own, kept in zip(runs, candidates, shown, strict=True)}
    return Sheet(sheet, seed, framed, items, left_out)


def _opaque(content: object) -> str:
    """Return an id that says nothing; the letter keeps spreadsheets from taking it for a number."""
    return "r" + digest_json(content)[:ID_DIGITS]


def _has_boxes(evidence: pa.Table) -> bool:
    return all(len(box or ()) == 4 for box in evidence["box"].to_pylist())


def _candidates(run: RatedRun, *, framed: bool) -> list[Item]:
    """Return the patterns of a run: the best of each event type, then the second best, and so on."""
    cuts = _cuts(run.evidence, framed=framed)
    by_type: dict[str, list[Item]] = defaultdict(list)
    for row in sorted(run.patterns.to_pylist(), key=lambda row: (row["eventType"], row["rank"], row["pattern"])):
        by_type[row["eventType"]].append(_item(row, run, cuts.get(row["pattern"], ())))
    rounds = zip_longest(*by_type.values())
    return [item for item in chain.from_iterable(rounds) if item is not None]


def _item(row: Mapping[str, Any], run: RatedRun, cuts: tuple[Cut, ...]) -> Item:
    return Item("", run, row["method"], row["pattern"], row["eventType"], row["rank"], row["name"], cuts)


def _cuts(evidence: pa.Table, *, framed: bool) -> dict[str, tuple[Cut, ...]]:
    """Choose the best pictures of each pattern, no two of one photo group."""
    chosen: dict[str, dict[int, Cut]] = defaultdict(dict)
    for row in sorted(evidence.to_pylist(), key=lambda row: (-row["score"], row["record"])):
        cuts = chosen[row["pattern"]]
        if len(cuts) < N_PATCHES and row["group"] not in cuts and row["image"]:
            cuts[row["group"]] = Cut(row["image"], tuple(row["box"]) if framed else ())
    return {pattern: tuple(cuts.values()) for pattern, cuts in chosen.items()}


def render_sheet(sheet: Sheet) -> str:
    """Render the sheet as one self-contained page on which a rater answers by keyboard and saves a CSV."""
    environment = template_environment()
    script = environment.get_template("rating/script.js").render()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = environment.get_template("rating/page.html.j2")
    return page.render(sheet=sheet, pictures=_draw(sheet.items), script=script, digest=digest, columns=COLUMNS)


def _draw(items: Sequence[Item]) -> dict[str, list[str]]:
    """Cut, frame and encode the pictures of all items; data URIs by id."""
    patches = {
        (run.label, cut): patch
        for run in {item.run.label: item.run for item in items}.values()
        for cut, patch in _cut_run(run, items).items()
    }
    order = list(dict.fromkeys((item.run.label, cut) for item in items for cut in item.cuts))
    drawn = {key: picture for key in order if (picture := _framed(patches[key])) is not None}
    jpegs = encode_within(drawn, BUDGET_BYTES)
    return {
        item.id: [data_uri(jpegs[key]) for cut in item.cuts if (key := (item.run.label, cut)) in jpegs]
        for item in items
    }


def _cut_run(run: RatedRun, items: Sequence[Item]) -> dict[Cut, Patch]:
    cuts = [cut for item in items if item.run.label == run.label for cut in item.cuts]
    return cut_patches(cuts, run.open_image, run.decode, side=SIDE)


def _framed(patch: Patch) -> Image.Image | None:
    """Return the patch with its frame drawn in, since all a rater needs is the picture."""
    if patch.picture is None or patch.frame is None:
        return patch.picture
    picture = patch.picture.copy()
    draw_frame(ImageDraw.Draw(picture), patch.frame, (0, 0), SIDE)
    return picture


def write_csv(sheet: Sheet) -> str:
    """Write the sheet as CSV with empty columns to fill in."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(
        (sheet.id, item.id, number, item.event_type, item.name, "", "", "")
        for number, item in enumerate(sheet.items, start=1)
    )
    return text.getvalue()


def describe_key(sheet: Sheet) -> dict[str, object]:
    """Return what stands behind the ids as JSON values, which no rater may see."""
    items = [
        {
            "id": item.id,
            "method": item.method,
            "run": item.run.label,
            "corpus": item.run.corpus,
            "pattern": item.pattern,
            "eventType": item.event_type,
            "rank": item.rank,
            "name": item.name,
        }
        for item in sheet.items
    ]
    return {"sheet": sheet.id, "seed": sheet.seed, "framed": sheet.framed, "items": items}

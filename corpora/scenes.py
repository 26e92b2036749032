"""The generated corpus of the demo: drawn scenes, template captions, and a file that says what was planted.

Same seed, same bytes (with the same versions of numpy and Pillow).
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from corpora.drawing.scene import Layout, draw_scene
from corpora.planting import (
    CLUTTER,
    COPIED,
    DRAWN,
    KINDS,
    MENTIONED,
    MENTIONED_CLUTTER,
    MENTIONED_UNSEEN,
    PlantedObject,
    SceneKind,
)
from corpora.truth import normalise_name
from corpora.wording import write_captions
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from corpora.truth import Box

SIZES: Final = ((320, 240), (360, 240), (300, 300), (240, 320), (320, 214), (340, 255), (280, 280), (300, 225))
N_SCENES: Final = 600
_LEAST_SCENES: Final = 5 * len(KINDS)
_DECLARATION: Final = """\
name = "demo scenes"
ontology = "news"
language = "en"
licence = "generated"
credit = "drawn by eventminer, seed {seed}"
"""


@dataclass(frozen=True)
class ScenePlan:
    """What one record will show and say.

    Attributes:
        kind: Its event type and surroundings.
        drawn: Objects drawn in it.
        mentioned: Objects its captions name.
    """

    kind: SceneKind
    drawn: tuple[PlantedObject, ...]
    mentioned: tuple[PlantedObject, ...]


@dataclass(frozen=True)
class DrawnRecord:
    """One record of the corpus.

    Attributes:
        record: Its id.
        plan: What it shows and says.
        data: The JPEG file.
        captions: One to three captions.
        boxes: Where each object of `plan.drawn` is: (left, top, right, bottom), pixels of this picture.
        original: Id of the record it is a copy of, or its own.
    """

    record: str
    plan: ScenePlan
    data: bytes
    captions: list[str]
    boxes: list[Box]
    original: str


def generate_scenes(out: Path, *, n_scenes: int = N_SCENES, seed: int = 0) -> None:
    """Write a corpus of drawn scenes: `images/`, `captions.jsonl`, `corpus.toml` and `truth.json`.

    Args:
        out: Folder to write into; made if it is not there.
        n_scenes: Distinct scenes; copies of a few of them come on top.
        seed: Decides everything.

    Raises:
        CorpusError: If there are too few scenes for the event types, or the folder holds something already.
    """
    if n_scenes < _LEAST_SCENES:
        raise CorpusError(f"a generated corpus needs at least {_LEAST_SCENES} scenes, not {n_scenes}")
    if out.exists() and any(out.iterdir()):
        raise CorpusError(f"{out} is not empty", hint="name a new folder")
    (out / "images").mkdir(parents=True, exist_ok=True)
    records = []
    with (out / "captions.jsonl").open("w", encoding="utf-8", newline="\n") as lines:
        for record in draw_records(plan_scenes(n_scenes, seed), seed):
            image = f"images/{record.record}.jpg"
            (out / image).write_bytes(record.data)
            row = {
                "id": record.record,
                "image": image,
                "captions": record.captions,
                "event": record.plan.kind.event_type,
            }
            lines.write(json.dumps(row) + "\n")
            records.append(replace(record, data=b""))
    (out / "corpus.toml").write_text(_DECLARATION.format(seed=seed), encoding="utf-8", newline="\n")
    truth = json.dumps(_describe_truth(records), indent=1, sort_keys=True)
    (out / "truth.json").write_text(truth + "\n", encoding="utf-8", newline="\n")


def plan_scenes(n_scenes: int, seed: int) -> list[ScenePlan]:
    """Decide what every scene shows and says; event types are mixed and equally frequent."""
    rng = np.random.default_rng([seed, 0])
    plans: list[ScenePlan] = []
    for position, kind in enumerate(KINDS):
        count = n_scenes // len(KINDS) + (position < n_scenes % len(KINDS))
        own = {thing.name: _choose(rng, count, DRAWN + rng.uniform(-0.03, 0.03)) for thing in kind.objects}
        plans += [
            _plan_scene(rng, kind, {name for name, scenes in own.items() if index in scenes}) for index in range(count)
        ]
    return [plans[int(index)] for index in rng.permutation(n_scenes)]


def _plan_scene(rng: np.random.Generator, kind: SceneKind, own: set[str]) -> ScenePlan:
    drawn: list[PlantedObject] = []
    mentioned: list[PlantedObject] = []
    for thing in (thing for other in KINDS for thing in other.objects):
        is_own = thing in kind.objects
        shown = thing.name in own if is_own else rng.random() < CLUTTER and len(own) + len(drawn) < 2
        if shown:
            drawn.append(thing)
        if rng.random() < ((MENTIONED if is_own else MENTIONED_CLUTTER) if shown else MENTIONED_UNSEEN):
            mentioned.append(thing)
    return ScenePlan(kind, _shuffled(rng, drawn), _shuffled(rng, mentioned))


def _choose(rng: np.random.Generator, count: int, share: float) -> set[int]:
    return {int(index) for index in rng.choice(count, round(share * count), replace=False)}


def _shuffled(rng: np.random.Generator, things: Sequence[PlantedObject]) -> tuple[PlantedObject, ...]:
    return tuple(things[int(index)] for index in rng.permutation(len(things)))


def draw_records(plans: Sequence[ScenePlan], seed: int) -> Iterator[DrawnRecord]:
    """Draw and caption all planned scenes, then copy a few of them. Every record has random streams of its own."""
    for index, plan in enumerate(plans):
        name = f"scene-{index:04d}"
        picture, boxes = _draw_plan(np.random.default_rng([seed, 1, index]), plan)
        words = write_captions(np.random.default_rng([seed, 2, index]), plan.kind, plan.mentioned)
        yield DrawnRecord(name, plan, _encode(picture, 88), words, boxes, name)
    rng = np.random.default_rng([seed, 3])
    for position, index in enumerate(sorted(_choose(rng, len(plans), COPIED))):
        yield _copy_record(rng, plans[index], index, f"scene-{len(plans) + position:04d}", seed)


def _draw_plan(rng: np.random.Generator, plan: ScenePlan) -> tuple[Image.Image, list[Box]]:
    size = SIZES[int(rng.integers(len(SIZES)))]
    things = tuple(thing.thing for thing in plan.drawn)
    return draw_scene(rng, Layout(size, _draw_key(rng, plan.kind.places), _draw_key(rng, plan.kind.casts), things))


def _draw_key(rng: np.random.Generator, shares: Mapping[str, float]) -> str:
    return str(rng.choice(list(shares), p=list(shares.values())))


def _copy_record(rng: np.random.Generator, plan: ScenePlan, index: int, name: str, seed: int) -> DrawnRecord:
    """Sell a picture again: in another size and compression, with another caption."""
    picture, boxes = _draw_plan(np.random.default_rng([seed, 1, index]), plan)
    scale = rng.uniform(1.05, 1.3)
    other = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    x, y = other.width / picture.width, other.height / picture.height
    moved = [(left * x, top * y, right * x, bottom * y) for left, top, right, bottom in boxes]
    words = write_captions(rng, plan.kind, plan.mentioned)
    return DrawnRecord(name, plan, _encode(other, int(rng.integers(88, 96))), words, moved, f"scene-{index:04d}")


def _encode(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _describe_truth(records: Sequence[DrawnRecord]) -> dict[str, object]:
    """Say what was planted, in the form `corpora.truth.read_truth` reads."""
    patterns = [_describe_pattern(kind, thing, records) for kind in KINDS for thing in kind.objects]
    copies = [record for record in records if record.original != record.record]
    return {"patterns": patterns, "groups": [[copy.original, copy.record] for copy in copies]}


def _describe_pattern(kind: SceneKind, thing: PlantedObject, records: Sequence[DrawnRecord]) -> dict[str, object]:
    boxes = {
        record.record: [[round(edge, 1) for edge in record.boxes[record.plan.drawn.index(thing)]]]
        for record in records
        if record.plan.kind is kind and thing in record.plan.drawn
    }
    names = sorted({normalise_name(name) for name in (*thing.phrases, *thing.names)})
    return {"eventType": kind.event_type, "name": thing.name, "names": names, "boxes": boxes}

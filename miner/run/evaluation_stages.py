"""Stages that measure one split; each keeps its values, so that a measurement that was stopped goes on where it stopped.

Artefacts of a method are named `METHOD.patterns`, those of another corpus begin with `other.`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from kb.evaluate.concepts import count_concepts, count_seen_concepts
from kb.evaluate.consistency import N_PATCHES, margin
from kb.evaluate.coverage import (
    discrimination,
    distinct_heads,
    of_one_photograph,
    redundancy,
    representation,
    silent,
)
from kb.evaluate.patterns import N_BEST, Probes, best_distinct, name_key, score_names
from kb.evaluate.stability import matched_share, same_names, same_sights
from miner.errors import ImageError
from miner.run.encoded import Encoded
from miner.run.evaluation_parts import OTHER, PART_INPUTS, read_part, read_system, read_word_vectors
from miner.run.split_stage import group_representatives
from miner.run.stage import Context, WholeStage
from miner.store.formats import read_array, read_table, write_json
from miner.visual.images import decode_image
from miner.visual.judges import cut_patch, open_judge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from kb.evaluate.patterns import Part
    from kb.evaluate.systems import System
    from miner.visual.judges import Bytes, Judge

OURS = "ours"
METHODS = (OURS, "visual-only", "mdpm", "text-only")
VALUES = "values.json"
EVERY = 1_000_000
N_TOGETHER = 16
LIBRARIES = ("numpy", "pyarrow", "scikit-learn", "scipy")


@dataclass(frozen=True)
class Values:
    """What one measure found in one split, by method.

    Attributes:
        measure: Its name.
        method: Of what.
        values: One per pattern, name or event type.
        kind: Whether the split counts by their mean or by their sum.
    """

    measure: str
    method: str
    values: Sequence[float]
    kind: str = "mean"

    def as_json(self) -> dict[str, object]:
        """Return it for a file."""
        return {"measure": self.measure, "method": self.method, "values": list(self.values), "kind": self.kind}


def _save(directory: Path, values: Sequence[Values], names: Sequence[Mapping[str, object]] = ()) -> None:
    write_json(directory / VALUES, {"values": [own.as_json() for own in values], "names": list(names)})


def _parts(context: Context) -> tuple[Part, Part]:
    """Return what mining saw, and what it did not: the rest of the split, or another corpus."""
    training = read_part(context.inputs, held_out=False)
    if OTHER + "encode" in context.inputs:
        return training, read_part(context.inputs, held_out=False, prefix=OTHER)
    return training, read_part(context.inputs, held_out=True)


def _systems(context: Context, n_most: int) -> list[System]:
    """Return the methods, each with as many patterns as ours has, at most `n_most`; the most where ours has none."""
    ours = read_table(context.inputs[f"{OURS}.patterns"].file("patterns.parquet"))
    n_best = min(len(best_distinct(ours, EVERY)) or N_BEST, n_most)
    found = [(name.removesuffix(".patterns"), artefact) for name, artefact in context.inputs.items()]
    return [read_system(artefact, name, n_best) for name, artefact in found if name in METHODS]


def _measure_names(context: Context, directory: Path) -> None:
    probes = Probes(*_parts(context))
    thresholds = np.asarray(read_array(context.inputs["filters"].file("thresholds.npy")))
    values, names = [], []
    for system in _systems(context, N_BEST):
        scores = score_names(system, thresholds, probes)
        untold = [score for score in scores if not score.has_trigger]
        for what in scores[0].values if scores else ():
            called = _called(system.method, what)
            values += [
                Values("r-precision of names", called, [score.values[what] for score in scores]),
                Values("r-precision of names without triggers", called, [score.values[what] for score in untold]),
            ]
        for score in scores:
            about = {
                "method": system.method,
                "pattern": score.pattern,
                "name": score.name,
                "eventType": score.event_type,
                "trigger": score.has_trigger,
            }
            names.append({**about, "nRelevant": score.n_relevant, **score.values})
        values.append(Values("patterns", system.method, [1.0] * len(system.patterns), "sum"))
    _save(directory, values, names)


def _called(method: str, what: str) -> str:
    """Name a ranking: the detector stands for its method, the references of ours for themselves."""
    if what == "detector":
        return method
    return what if method == OURS else f"{method} {what}"


def _measure_concepts(context: Context, directory: Path) -> None:
    training, held_out = _parts(context)
    vectors = read_word_vectors(context.inputs["text-items"])
    values = []
    for system in _systems(context, EVERY):
        untold = count_concepts(system.without_triggers(), held_out, vectors)
        values += [
            Values("concepts", system.method, _numbers(count_concepts(system, held_out, vectors)), "sum"),
            Values("concepts without trigger names", system.method, _numbers(untold), "sum"),
        ]
        if system.detectors is not None:
            seen = count_seen_concepts(system, training, held_out, vectors)
            values.append(Values("concepts seen", system.method, _numbers(seen), "sum"))
    _save(directory, values)


def _numbers(flags: Sequence[bool]) -> list[float]:
    return [float(flag) for flag in flags]


def _measure_coverage(context: Context, directory: Path) -> None:
    training, held_out = _parts(context)
    values = []
    for system in _systems(context, EVERY):
        fires = system.fires(training, held_out)
        values += [
            Values("discrimination", system.method, discrimination(system.rows, fires, held_out)),
            Values("representation", system.method, representation(system.rows, fires, held_out)),
            Values("redundancy", system.method, redundancy(system.rows, fires)),
            Values("patterns seen nowhere", system.method, silent(fires), "sum"),
        ]
        every = system.patterns.to_pylist()
        values += [
            Values("distinct heads in the top ten", system.method, distinct_heads(every)),
            Values("top ten, of one photo group", system.method, of_one_photograph(every), "sum"),
        ]
    _save(directory, values)


def _measure_consistency(context: Context, directory: Path, *, judge: str) -> None:
    systems = [system for system in _systems(context, N_BEST) if system.detectors is not None]
    if OURS not in {system.method for system in systems}:
        # Networks take minutes, and without patterns of ours there is nothing to compare with.
        _save(directory, [])
        return
    album, values = _Album(context, open_judge(judge)), []
    for system in systems:
        evidence = read_table(context.inputs[f"{system.method}.patterns"].file("evidence.parquet")).to_pylist()
        by_pattern: dict[str, list[dict[str, Any]]] = {row["pattern"]: [] for row in system.rows}
        for own in evidence:
            by_pattern.get(own["pattern"], []).append(own)
        values.append(Values(f"consistency, {judge}", system.method, album.margins(system.rows, by_pattern)))
    _save(directory, values)


class _Album:
    """Cuts patches out of the pictures that mining saw, and encodes them."""

    def __init__(self, context: Context, judge: Judge) -> None:
        """Find the pictures of each event type."""
        self._context, self._judge = context, judge
        inputs = context.inputs
        rows = group_representatives(inputs["groups"], inputs["split"])
        images = Encoded(inputs["encode"]).images()
        encoded = images.filter(images["row"].is_valid()).take(rows).to_pylist()
        read = read_table(inputs["read"].file("records.parquet"), ["record", "image"])
        self._image_of = dict(zip(read["record"].to_pylist(), read["image"].to_pylist(), strict=True))
        self._sizes = {row["record"]: (row["width"], row["height"]) for row in encoded}
        part = read_part(inputs, held_out=False)
        self._of_type = {
            name: [encoded[place]["record"] for place in np.flatnonzero(part.of_type(name))] for name in part.types
        }

    def margins(
        self, patterns: Sequence[Mapping[str, Any]], evidence: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> list[float]:
        """Return the margins of patterns, without those of which fewer than two pictures can be opened.

        The patches of several patterns are encoded together: networks take batches of one size.
        """
        found = []
        for first in range(0, len(patterns), N_TOGETHER):
            chosen = patterns[first : first + N_TOGETHER]
            cut = [patches for row in chosen for patches in self._cut_pair(row, evidence[row["pattern"]][:N_PATCHES])]
            ends = np.cumsum([len(patches) for patches in cut])[:-1]
            features = np.split(self._judge.encode(np.concatenate(cut)), ends)
            pairs = zip(features[::2], features[1::2], strict=True)
            found += [margin(own, random) for own, random in pairs if min(len(own), len(random)) > 1]
            self._context.advance(len(chosen))
        return found

    def _cut_pair(self, pattern: Mapping[str, Any], evidence: Sequence[Mapping[str, Any]]) -> tuple[Bytes, Bytes]:
        """Cut the patches of a pattern, and as many random ones."""
        seed = [self._context.config.seed, int(pattern["pattern"][1:], 16)]
        random = self._random_boxes(pattern["eventType"], evidence, np.random.default_rng(seed))
        return self._cut([(own["record"], own["box"]) for own in evidence]), self._cut(random)

    def _random_boxes(
        self, event_type: str, evidence: Sequence[Mapping[str, Any]], rng: np.random.Generator
    ) -> list[tuple[str, list[float]]]:
        """Put boxes of the same shares of the picture at random places of random pictures of the event type."""
        records = self._of_type[event_type]
        chosen = rng.permutation(len(records))[: len(evidence)].tolist()
        boxes = []
        for own, place in zip(evidence, chosen, strict=False):
            width, height = self._sizes[own["record"]]
            x0, y0, x1, y1 = own["box"]
            share_x, share_y = (x1 - x0) / width, (y1 - y0) / height
            left, top = rng.random(2) * (1 - np.array([share_x, share_y]))
            new_width, new_height = self._sizes[records[place]]
            corners = (left * new_width, top * new_height, (left + share_x) * new_width, (top + share_y) * new_height)
            boxes.append((records[place], [float(edge) for edge in corners]))
        return boxes

    def _cut(self, boxes: Sequence[tuple[str, Sequence[float]]]) -> Bytes:
        """Cut patches; pictures that cannot be opened any more are passed over."""
        size, patches = self._judge.size, []
        for record, box in boxes:
            try:
                data = self._context.corpus.open_image(self._image_of[record])
                image = decode_image(data, max_pixels=self._context.config.visual.max_pixels)
            except ImageError:
                continue
            patches.append(cut_patch(image, box, size))
        return np.array(patches, dtype=np.uint8).reshape(len(patches), size, size, 3)


def _measure_stability(context: Context, directory: Path) -> None:
    pooled = Encoded(context.inputs["encode"]).pooled()
    halves = [read_system(context.inputs[f"{half}.patterns"], OURS, EVERY) for half in ("a", "b")]
    named = [[(row["eventType"], name_key(row)) for row in half.patterns.to_pylist()] for half in halves]
    types = [half.patterns["eventType"].to_pylist() for half in halves]
    a, b = (
        half.detectors.scores(pooled) if half.detectors else np.empty((len(pooled), 0), np.float32) for half in halves
    )
    _save(
        directory,
        [
            Values("stability of names", OURS, matched_share(same_names(*named))),
            Values("stability of detectors", OURS, matched_share(same_sights(a, types[0], b, types[1]))),
        ],
    )


def _measure_shuffled(context: Context, directory: Path) -> None:
    counts = {
        what: read_table(context.inputs[f"{what}.patterns"].file("patterns.parquet")).num_rows for what in SHUFFLES
    }
    _save(
        directory,
        [Values(f"patterns, {what} shuffled", OURS, [1.0] * counts[what] or [0.0], "sum") for what in SHUFFLES],
    )


SHUFFLES = ("labels", "pictures")
_NAMES = WholeStage(
    name="measured-names",
    version=2,
    inputs=(*PART_INPUTS, "filters"),
    libraries=LIBRARIES,
    make=_measure_names,
)
_CONCEPTS = replace(_NAMES, name="measured-concepts", inputs=(*PART_INPUTS, "text-items"), make=_measure_concepts)
_COVERAGE = replace(_NAMES, name="measured-coverage", inputs=PART_INPUTS, make=_measure_coverage)
STABILITY = replace(
    _NAMES,
    name="measured-stability",
    version=1,
    inputs=("encode", "a.patterns", "b.patterns"),
    make=_measure_stability,
)
SHUFFLED = replace(
    _NAMES,
    name="measured-shuffles",
    version=1,
    inputs=tuple(f"{what}.patterns" for what in SHUFFLES),
    make=_measure_shuffled,
)


def measuring_stages(methods: Sequence[str], *, other: bool, judges: Sequence[str]) -> tuple[WholeStage, ...]:
    """Return the stages that compare methods on one split, or on another corpus.

    Args:
        methods: Ours first.
        other: Whether what is held out is another corpus.
        judges: Encoders of patches, all of them installed.
    """
    mined = tuple(f"{method}.patterns" for method in methods)
    unseen = tuple(OTHER + name for name in PART_INPUTS) if other else ()
    compared = [replace(stage, inputs=(*stage.inputs, *unseen, *mined)) for stage in (_NAMES, _CONCEPTS, _COVERAGE)]
    return (*compared, *(_consistency(judge, mined) for judge in judges))


def _consistency(judge: str, mined: tuple[str, ...]) -> WholeStage:
    make: Callable[[Context, Path], None] = partial(_measure_consistency, judge=judge)
    return replace(
        _NAMES,
        name=f"measured-{judge}",
        inputs=("read", *PART_INPUTS, *mined),
        settings=("seed", "visual.max_pixels"),
        libraries=(*LIBRARIES, "h5py", "onnxruntime", "pillow", "torch"),
        facts=lambda _config, _corpus: {"judge": judge},
        make=make,
        unit="patterns",
    )

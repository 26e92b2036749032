"""Stages of a run that extends another: thresholds, word clusters, vectors and masks stay as they are there.

They are named like the stages they stand in for, so that everything after them is the same. What they keep they read from the
other run's artefacts, whose names begin with `BASE`. Records of the other run come first and in its order, so what was found
in them is taken over row by row, and only the new records are looked at.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
from scipy import sparse

from miner.run.drift import measure_shift
from miner.run.encoded import Encoded
from miner.run.rule_stages import read_fired
from miner.run.split_stage import group_representatives
from miner.run.stage import Context, WholeStage
from miner.run.stages import STAGES
from miner.run.text_stages import MASKS, TEXT_ITEMS, language_of, read_captions, read_masked, read_masks
from miner.run.visual_stages import FILTERS
from miner.store.formats import read_array, read_json, read_table, write_array, write_json, write_table
from miner.text.items import CaptionItems
from miner.text.masking import token_masks
from miner.text.words import content_words
from miner.visual.filters import fire_again, fire_items
from miner.visual.registry import load_backbone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from miner.run.drift import Flags
    from miner.run.stage import Stage
    from miner.store.artefact import Artefact

Int64s: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"

BASE = "base."
CALIBRATION = (MASKS, TEXT_ITEMS, FILTERS)


def _new_captions(context: Context) -> tuple[pa.Table, int]:
    """Return the captions of the new records, and how many captions there are before them."""
    captions = read_captions(context.inputs["captions"])
    n_known = len(read_captions(context.inputs[f"{BASE}captions"]))
    return captions.slice(n_known), n_known


def _keep_masks(context: Context, directory: Path) -> None:
    base = context.inputs[f"{BASE}masks"]
    captions, _ = _new_captions(context)
    known = read_table(base.file("masks.parquet"))
    new = pa.table({"masks": token_masks(captions, read_masked(base))})
    write_table(directory / "masks.parquet", pa.concat_tables([known, new]))
    for name in ("words.json", "masked.json"):
        shutil.copyfile(base.file(name), directory / name)


def _keep_items(context: Context, directory: Path) -> None:
    base = context.inputs[f"{BASE}text-items"]
    captions, n_known = _new_captions(context)
    items = read_table(base.file("text_items.parquet"))
    masks = read_masks(context.inputs["masks"])[n_known:]
    new = CaptionItems(captions, masks, items, language=language_of(context.config, context.corpus)).table()
    write_table(directory / "items.parquet", pa.concat_tables([read_table(base.file("items.parquet")), new]))
    for name in ("text_items.parquet", "words.parquet", "vectors.npy", "counts.json"):
        shutil.copyfile(base.file(name), directory / name)


def _keep_filters(context: Context, directory: Path) -> None:
    base = context.inputs[f"{BASE}filters"]
    thresholds, known = np.asarray(read_array(base.file("thresholds.npy"))), read_fired(base)
    encoded = Encoded(context.inputs["encode"])
    maxima = encoded.rows("maxima", np.arange(len(known.indptr) - 1, encoded.n_rows))
    visual = context.config.visual
    new = fire_again(maxima, thresholds, load_backbone(visual.backbone), visual)
    write_array(directory / "thresholds.npy", thresholds)
    write_array(directory / "indptr.npy", np.concatenate([known.indptr, new.indptr[1:] + known.indptr[-1]]))
    write_array(directory / "indices.npy", np.concatenate([known.indices, new.indices]))


def _measure_drift(context: Context, directory: Path) -> None:
    inputs = context.inputs
    images = read_table(inputs["groups"].file("images.parquet"), ["record", "row"])
    encoded = images.filter(images["row"].is_valid())["record"].to_pylist()
    n_known = len(read_fired(inputs[f"{BASE}filters"]).indptr) - 1
    n_calibrated = n_known
    if f"{BASE}drift" in inputs:
        n_calibrated = int(read_json(inputs[f"{BASE}drift"].file("drift.json"))["calibratedPictures"])
    rows = group_representatives(inputs["groups"], inputs["split"])
    rows = rows[(rows < n_calibrated) | (rows >= n_known)]
    is_new = rows >= n_known
    found = {
        "calibratedPictures": n_calibrated,
        "newPictures": len(encoded) - n_known,
        "newPhotoGroups": int(is_new.sum()),
    }
    shifts: dict[str, dict[str, object]] = {}
    if is_new.any() and not is_new.all():
        records = [encoded[row] for row in rows]
        for kind, (properties, names) in _properties(context, rows, records, is_new).items():
            shift = measure_shift(properties, is_new, seed=context.config.seed)
            worst = [{"what": names[place], "calibrated": before, "new": now} for place, before, now in shift.worst]
            shifts[kind] = {**asdict(shift), "worst": worst, "drifts": shift.drifts}
    write_json(directory / "drift.json", {**found, "shifts": shifts})


def _properties(
    context: Context, rows: Int64s, records: Sequence[str], is_new: Flags
) -> dict[str, tuple[sparse.csr_array, Sequence[str]]]:
    """Give what pictures show, captions say and labels claim of some records, with the names of the columns."""
    inputs = context.inputs
    items = read_table(inputs["text-items"].file("text_items.parquet"))
    labels = read_table(inputs["label"].file("labels.parquet"), ["record", "eventTypes"])
    types_of = dict(zip(labels["record"].to_pylist(), labels["eventTypes"].to_pylist(), strict=True))
    types = sorted({name for names in types_of.values() for name in names})
    place = {name: index for index, name in enumerate(types)}
    said = read_table(inputs["text-items"].file("items.parquet"))
    items_of = dict(zip(said["record"].to_pylist(), said["items"].to_pylist(), strict=True))
    unknown = _unknown_shares(context, records, is_new)
    visual = _fired_alike(context, rows)
    words = [", ".join(words[:3]) for words in items["words"].to_pylist()]
    return {
        "visualItems": (visual, [f"item {item}" for item in range(visual.shape[1])]),
        "textItems": (_incidence([items_of.get(record, []) for record in records], len(words)), words),
        "unknownWords": (
            sparse.csr_array(np.array(unknown)[:, None]),
            ["share of content words"],
        ),
        "eventTypes": (
            _incidence([[place[name] for name in types_of[record]] for record in records], len(types)),
            types,
        ),
    }


def _fired_alike(context: Context, rows: Int64s) -> sparse.csr_array:
    """Give what fires with thresholds fitted to old and new pictures alike.

    The frozen ones were fitted to the old pictures, so on those alone they fire at just the calibrated share: of m pictures
    (k + 1) / (m + 1) new ones of the same kind exceed what k of them do, which would look like drift where m is small.
    """
    visual = context.config.visual
    maxima = Encoded(context.inputs["encode"]).rows("maxima", rows)
    _, fired = fire_items(maxima, np.arange(len(rows)), load_backbone(visual.backbone), visual)
    ones = np.ones(len(fired.indices), np.float32)
    return sparse.csr_array((ones, fired.indices, fired.indptr), shape=(len(maxima), maxima.shape[1]))


def _unknown_shares(context: Context, records: Sequence[str], is_new: Flags) -> list[float]:
    """Return for each record the share of its content words that too few of the old records have for a vector.

    A record does not count for its own words: a new one cannot either.
    """
    captions, masks = read_captions(context.inputs["captions"]), read_masks(context.inputs["masks"])
    found: dict[str, list[str]] = {record: [] for record in records}
    language = language_of(context.config, context.corpus)
    said = zip(captions["record"].to_pylist(), content_words(captions, masks, language=language), strict=True)
    for record, words in said:
        if record in found:
            found[record].extend(word.text for word in words)
    old = [record for record, new in zip(records, is_new.tolist(), strict=True) if not new]
    n_records = Counter(word for record in old for word in set(found[record]))
    least = context.config.text.min_count
    return [
        sum(n_records[word] - (not new) < least for word in found[record]) / max(len(found[record]), 1)
        for record, new in zip(records, is_new.tolist(), strict=True)
    ]


def _incidence(rows: Sequence[Sequence[int]], n_items: int) -> sparse.csr_array:
    indptr = np.cumsum([0, *map(len, rows)])
    indices = np.array([item for row in rows for item in row], np.int32)
    return sparse.csr_array((np.ones(len(indices), np.float32), indices, indptr), shape=(len(rows), n_items))


_DRIFT_INPUTS = ("label", "groups", "split", "captions", "masks", "text-items", "encode", f"{BASE}filters")
DRIFT = WholeStage(
    name="drift",
    version=1,
    inputs=_DRIFT_INPUTS,
    settings=(
        "seed",
        "visual.backbone",
        "visual.items",
        "visual.firing",
        "visual.fires_top",
        "visual.top_k",
        "text.min_count",
    ),
    libraries=("numpy", "scipy"),
    make=_measure_drift,
)
KEPT: Mapping[str, WholeStage] = {
    "masks": replace(MASKS, inputs=("captions", f"{BASE}captions", f"{BASE}masks"), make=_keep_masks),
    "text-items": replace(
        TEXT_ITEMS, inputs=("captions", "masks", f"{BASE}captions", f"{BASE}text-items"), make=_keep_items
    ),
    "filters": replace(FILTERS, inputs=("encode", f"{BASE}filters"), make=_keep_filters),
}


def extension_stages(base: Mapping[str, Artefact]) -> tuple[Stage, ...]:
    """Return the stages of a run that extends another, in their order.

    Args:
        base: Artefacts of the other run; where that run extends a third, drift is measured against the third's records too.
    """
    earlier = (f"{BASE}drift",) if "drift" in base else ()
    drift = replace(DRIFT, inputs=(*_DRIFT_INPUTS, *earlier))
    stages: list[Stage] = []
    for stage in STAGES:
        stages.append(KEPT.get(stage.name, stage))
        if stage.name == "filters":
            stages.append(drift)
    return tuple(stages)


def count_drift(drift: Artefact) -> dict[str, object]:
    """Return what was measured of the new records as counters for the report."""
    found = read_json(drift.file("drift.json"))
    shifts = {
        kind: {"effect": round(shift["effect"], 3), "pValue": shift["p_value"], "drifts": shift["drifts"]}
        for kind, shift in found.pop("shifts").items()
    }
    return {**found, "shifts": shifts}


def describe_drift(drift: Artefact) -> list[str]:
    """Say in what the new records differ from those the run was calibrated on; nothing where they do not."""
    lines = []
    for kind, shift in read_json(drift.file("drift.json"))["shifts"].items():
        if shift["drifts"]:
            examples = "; ".join(
                f"{row['what']} {row['calibrated']:.1%} -> {row['new']:.1%}" for row in shift["worst"][:3]
            )
            lines.append(f"drift of {kind}: effect {shift['effect']:.2f}, p = {shift['p_value']:.3f} ({examples})")
    if lines:
        lines.append(
            "The new records differ from those that thresholds and word clusters were fitted on: consider --recalibrate."
        )
    return lines

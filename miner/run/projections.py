"""What is made from the artefacts for people and programs to open: the bundle's folder, the embedded store, the report.

All of it can be made again at any time. The embedded store is brought up to date where it is, because an analyst's own
nodes may be in it; the other two are replaced as a whole.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from kb.bundle import verify_bundle
from kb.loading.load import load_bundle
from kb.store import open_store
from miner.config_file import render_config
from miner.errors import KbError
from miner.run.folder import EVALUATION, IMAGE_EVALUATION
from miner.run.frozen_stages import count_drift
from miner.run.heat import HeatMaps
from miner.run.libraries import library_versions
from miner.run.reviewing import sync_run_reviews
from miner.store.fingerprint import digest_json
from miner.store.formats import read_array, read_json, read_table, write_bytes
from miner.visual.images import decode_image
from miner.visual.registry import load_backbone
from reports.inputs import ReportInputs
from reports.page import render_report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from miner.config import RunConfig
    from miner.run.folder import RunFolder
    from miner.run.pipeline import Pipeline
    from miner.store.artefact import Artefact

REPORT_VERSION = 6
KB_VERSION = 2


@dataclass(frozen=True)
class Projection:
    """A visible part of a run folder.

    Attributes:
        target: Its name in the run folder.
        key: What it follows from; equal keys, equal content.
        is_whole: Tells whether what is at its path can be used.
        make: Makes it.
    """

    target: str
    key: Callable[[Mapping[str, Artefact]], str]
    is_whole: Callable[[Path], bool]
    make: Callable[[Pipeline, RunFolder], None]


def _bundle_key(artefacts: Mapping[str, Artefact]) -> str:
    return artefacts["bundle"].key


def _is_bundle_whole(path: Path) -> bool:
    try:
        verify_bundle(path)
    except KbError:
        return False
    return True


def _copy_bundle(pipeline: Pipeline, folder: RunFolder) -> None:
    with folder.replacing("bundle") as path:
        shutil.copytree(pipeline.artefacts["bundle"].path / "bundle", path)


def _kb_key(artefacts: Mapping[str, Artefact]) -> str:
    return digest_json(["kb", KB_VERSION, artefacts["bundle"].key, library_versions(["kglite"])])


def _load_kb(pipeline: Pipeline, folder: RunFolder) -> None:
    n_rows = verify_bundle(folder.path / "bundle").n_rows
    with pipeline.progress.stage("kb", n_rows, "rows") as advance, open_store(str(folder.path / "kb")) as store:
        load_bundle(folder.path / "bundle", store, advance)
        sync_run_reviews(folder.path, store)


def _report_key(artefacts: Mapping[str, Artefact]) -> str:
    return digest_json(["report", REPORT_VERSION, artefacts["bundle"].key, library_versions(["jinja2", "pillow"])])


def _write_report(pipeline: Pipeline, folder: RunFolder) -> None:
    with pipeline.progress.stage("report"), folder.replacing("report.html") as path:
        measured = read_evaluation(folder), read_image_evaluation(folder)
        inputs = report_inputs(pipeline.artefacts, pipeline.config, pipeline.corpus.open_image, *measured)
        write_bytes(path, render_report(inputs).encode())


def read_evaluation(folder: RunFolder) -> list[dict[str, object]]:
    """Return what `eventminer evaluate patterns` left in a run folder, nothing where it has not been run.

    Raises:
        ArtefactError: The file is damaged.
    """
    path = folder.path / EVALUATION
    found = read_json(path) if path.exists() else []
    rows = found.get("rows", []) if isinstance(found, dict) else found
    return [row for row in rows if isinstance(row, dict)]


def read_image_evaluation(folder: RunFolder) -> dict[str, object]:
    """Return what `eventminer evaluate images` left in a run folder, nothing where it has not been run.

    Raises:
        ArtefactError: The file is damaged.
    """
    path = folder.path / IMAGE_EVALUATION
    found = read_json(path) if path.exists() else {}
    return found if isinstance(found, dict) else {}


def report_inputs(
    artefacts: Mapping[str, Artefact],
    config: RunConfig,
    open_image: Callable[[str], bytes],
    evaluation: Sequence[Mapping[str, object]] = (),
    reliability: Mapping[str, object] | None = None,
) -> ReportInputs:
    """Gather what the report shows.

    Args:
        artefacts: Of a finished run.
        config: Of that run.
        open_image: From the image of a record to its bytes.
        evaluation: What was measured on pictures that mining did not see.
        reliability: How far probabilities of pictures were found to mean what they say.
    """
    thresholds = read_array(artefacts["filters"].file("thresholds.npy"))
    held_out = read_table(artefacts["split"].file("split.parquet"))["heldOut"]
    n_held_out = pc.sum(held_out).as_py() or 0
    backbone = load_backbone(config.visual.backbone)
    return ReportInputs(
        corpus=read_json(artefacts["read"].file("declaration.json"))["name"],
        run_key=artefacts["patterns"].key,
        config_toml=render_config(config, comments=False),
        records=read_table(artefacts["read"].file("records.parquet")),
        labels=read_table(artefacts["label"].file("labels.parquet")),
        images=read_table(artefacts["groups"].file("images.parquet")),
        groups=read_array(artefacts["groups"].file("groups.npy")),
        rules=read_table(artefacts["mine"].file("rules.parquet")),
        patterns=read_table(artefacts["patterns"].file("patterns.parquet")),
        evidence=read_table(artefacts["patterns"].file("evidence.parquet")),
        open_image=open_image,
        decode=partial(decode_image, max_pixels=config.visual.max_pixels),
        masked_words=read_json(artefacts["masks"].file("words.json")),
        evaluation=evaluation,
        reliability=reliability or {},
        name_item=backbone.name_item,
        heat=HeatMaps(artefacts, backbone, config.visual.view),
        counters={
            "rules": read_json(artefacts["mine"].file("summary.json")),
            "captions": read_json(artefacts["text-items"].file("counts.json")),
            "patterns": read_json(artefacts["patterns"].file("dropped.json")),
            "split": {"heldOut": n_held_out, "training": len(held_out) - n_held_out},
            "visual items": {"items": len(thresholds), "neverFire": int(np.isposinf(thresholds).sum())},
            **({"drift": count_drift(artefacts["drift"])} if "drift" in artefacts else {}),
        },
    )


PROJECTIONS = (
    Projection("bundle", _bundle_key, _is_bundle_whole, _copy_bundle),
    Projection("kb", _kb_key, lambda path: any(path.glob("*.kgl")), _load_kb),
    Projection("report.html", _report_key, lambda path: path.is_file(), _write_report),
)

"""How well a network sees what is planted in generated corpora: `python -m tests.bench.planted [--seeds 0 1 2]`.

Two halves of the pictures, without copies, take turns: a closed-form linear detector of each planted object is fitted on
one (all event types, what is drawn taken as known) and ranks the pictures of the object's event type in the other.
R-precision: of the n best, as many as show it, the share that do. Beside it the best F-score of one filter that fires in
5 % of all pictures.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from corpora.scenes import generate_scenes
from corpora.truth import read_truth
from miner.visual.engine import open_engine
from miner.visual.images import decode_image, fit
from miner.visual.registry import load_backbone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Bools = NDArray[np.bool_]

BATCH = 16
SHRINKAGE = 0.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1, 2))
    seeds = parser.parse_args().seeds
    found = [measure_corpus(seed) for seed in seeds]
    for name in found[0]:
        r_precision, f_score = np.array([measures[name] for measures in found]).T
        shown = " ".join(f"{value:.2f}" for value in r_precision)
        print(f"{name:>15}  R-precision {shown}  best single filter F {f_score.min():.2f}")  # noqa: T201 - a command


def measure_corpus(seed: int) -> dict[str, tuple[float, float]]:
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        generate_scenes(corpus, seed=seed)
        truth = read_truth(corpus / "truth.json")
        copies = {record for group in truth.groups for record in group[1:]}
        lines = (corpus / "captions.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [row for row in map(json.loads, lines) if row["id"] not in copies]
        maxima, pooled = encode_pictures([(corpus / row["image"]).read_bytes() for row in rows])
    fires = maxima > np.quantile(maxima, 0.95, axis=0)
    half = np.random.default_rng(0).random(len(rows)) < 0.5
    measures = {}
    for pattern in truth.patterns:
        shown = np.array([row["id"] in pattern.boxes for row in rows])
        own = np.array([row["event"] == pattern.event_type for row in rows])
        parts = [
            r_precision(pooled @ fit_detector(pooled[part], shown[part]), shown, own & ~part) for part in (half, ~half)
        ]
        both = fires[shown].sum(axis=0)
        measures[pattern.name] = (float(np.mean(parts)), float((2 * both / (fires.sum(axis=0) + shown.sum())).max()))
    return measures


def encode_pictures(files: Sequence[bytes]) -> tuple[Floats, Floats]:
    backbone = load_backbone("efficientnet-lite0")
    engine = open_engine(backbone)
    maxima, pooled = [], []
    for start in range(0, len(files), BATCH):
        inputs = [fit(decode_image(data, max_pixels=10**7), backbone)[0] for data in files[start : start + BATCH]]
        maps = engine.forward(np.stack(inputs)).filters
        maxima.append(maps.max(axis=(2, 3)))
        pooled.append(maps.mean(axis=(2, 3)))
    return np.concatenate(maxima), np.concatenate(pooled)


def fit_detector(features: Floats, shown: Bools) -> Floats:
    covariance = np.cov(features.T)
    covariance[np.diag_indices_from(covariance)] += SHRINKAGE * np.trace(covariance) / len(covariance)
    return np.linalg.solve(covariance, features[shown].mean(axis=0) - features.mean(axis=0)).astype(np.float32)


def r_precision(scores: Floats, shown: Bools, judged: Bools) -> float:
    n_shown = int((shown & judged).sum())
    best = np.argsort(np.where(judged, -scores, np.inf))[:n_shown]
    return float(shown[best].mean())


if __name__ == "__main__":
    main()

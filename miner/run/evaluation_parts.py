"""What measures are made of, read from artefacts: the two parts of a split, and the patterns that each method mined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kb.evaluate.patterns import Part, words_by_caption
from kb.evaluate.systems import System
from miner.patterns.baselines.visual import PUBLISHED
from miner.patterns.detector import Detectors
from miner.run.encoded import Encoded
from miner.run.rule_stages import by_record
from miner.run.split_stage import group_representatives, records_of_groups
from miner.run.text_stages import read_captions
from miner.store.formats import read_array, read_table, read_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kb.evaluate.retrieval import Float32s
    from miner.store.artefact import Artefact

PART_INPUTS = ("label", "captions", "encode", "groups", "split")
OTHER = "other."
"""Begins the names of the artefacts of another corpus."""


def read_part(artefacts: Mapping[str, Artefact], *, held_out: bool, prefix: str = "") -> Part:
    """Gather the pictures of one side of a split, one per photo group, with the captions and event types of all copies.

    Args:
        artefacts: Those named in `PART_INPUTS`.
        held_out: Which side.
        prefix: Begins their names.
    """
    label, captions, encode, groups, split = (artefacts[prefix + name] for name in PART_INPUTS)
    rows = group_representatives(groups, split, held_out=held_out)
    encoded = Encoded(encode)
    words = words_by_caption(read_captions(captions))
    types = by_record(label.file("labels.parquet"), "eventTypes")
    records = records_of_groups(groups, rows)
    said = [[own for record in copies for own in words.get(record, ())] for copies in records]
    event_types = [frozenset(name for record in copies for name in types.get(record, ())) for copies in records]
    pooled, maxima, projected = (encoded.rows(name, rows) for name in ("pooled", "maxima", "projected"))
    return Part(said, event_types, pooled[np.arange(len(rows))], maxima, projected)


def read_system(patterns: Artefact, method: str, n_best: int) -> System:
    """Read the patterns of one method."""
    table = read_table(patterns.file("patterns.parquet"))
    has_detectors = "detectors.safetensors" in patterns.files
    tensors = read_tensors(patterns.file("detectors.safetensors")) if has_detectors else None
    detectors = None if tensors is None else Detectors.from_tensors(tensors)
    return System(method, table, detectors, n_best, as_published=method == PUBLISHED)


def read_word_vectors(text_items: Artefact) -> dict[str, Float32s]:
    """Return the unit vectors of the words of the captions that mining saw."""
    words = read_table(text_items.file("words.parquet"))["word"].to_pylist()
    vectors = np.asarray(read_array(text_items.file("vectors.npy")), dtype=np.float32)
    norms = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return dict(zip(words, vectors / norms, strict=True))

"""How well patterns are named: can pictures that mining never saw be found by the name that was given?

A pattern's detector ranks the held-out pictures; the ranking is cut at the number of held-out pictures whose captions have
the name. Beside it stand, for the same names and the same split: the base rate of the name, the best set of one to three of
the pattern's visual items, and a logistic probe trained on the name itself, the upper reference.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kb.evaluate.retrieval import best_filter_set, bootstrap_interval, filter_set_scores, probe_scores, r_precision
from miner.patterns.detector import pooled_features

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt
    import pyarrow as pa

    from kb.evaluate.retrieval import Bools, Float32s
    from miner.patterns.detector import Detectors

METHODS = ("detector", "filter-set", "probe", "base-rate")
N_BEST = 50
MAX_SHARE = 0.1
"""Largest share of an event type's captions that a name may be in."""


@dataclass(frozen=True, eq=False)
class Part:
    """The pictures of one part of a split, one per photo group.

    Attributes:
        words: For each caption of each picture, its words and lemmas.
        event_types: Of each picture.
        pooled: float16, (n, n_filters), see `miner.visual.activations`.
        maxima: float16, (n, n_visual), strongest value of each visual item.
    """

    words: Sequence[Sequence[frozenset[str]]]
    event_types: Sequence[frozenset[str]]
    pooled: npt.NDArray[np.float16]
    maxima: npt.NDArray[np.float16]

    def has(self, name: str) -> Bools:
        """Tell for each picture whether some caption has the name: its head, and a modifier if it has any."""
        says = _tell(name)
        return np.array([any(says(words) for words in captions) for captions in self.words], dtype=bool)

    def share(self, name: str, event_type: str) -> float:
        """Return the share of the event type's captions that have the name."""
        says = _tell(name)
        own = [
            says(words)
            for captions, types in zip(self.words, self.event_types, strict=True)
            if event_type in types
            for words in captions
        ]
        return sum(own) / max(1, len(own))


def _tell(name: str) -> Callable[[frozenset[str]], bool]:
    """Return what tells whether a caption's words have a name: its head, and a modifier if it has any."""
    *modifiers, head = name.split()
    return lambda words: head in words and (not modifiers or not words.isdisjoint(modifiers))


class NameScore(NamedTuple):
    """One pattern's name, and the R-precision of each method for it."""

    pattern: str
    event_type: str
    name: str
    n_relevant: int
    values: Mapping[str, float]


class Measured(NamedTuple):
    """A mean over patterns, with its interval."""

    measure: str
    method: str
    value: float
    low: float
    high: float
    n: int


def words_by_caption(captions: pa.Table) -> dict[str, list[frozenset[str]]]:
    """Collect the lower-case words and lemmas of every caption, by record."""
    words: dict[str, list[frozenset[str]]] = defaultdict(list)
    for batch in captions.select(["record", "lowers", "lemmas"]).to_batches(max_chunksize=4096):
        for row in batch.to_pylist():
            words[row["record"]].append(frozenset(row["lowers"]) | frozenset(row["lemmas"]))
    return words


def best_distinct(patterns: pa.Table, n: int = N_BEST) -> list[int]:
    """Return the rows of the best patterns with different names, over all event types, best first.

    Names that differ in the form of their head only, such as "rock" and "rocks", are one name.
    """
    rows = patterns.select(["name", "grounding", "confidence", "nameHead"]).to_pylist()
    order = sorted(range(len(rows)), key=lambda row: -rows[row]["grounding"] * rows[row]["confidence"])
    chosen: dict[str, int] = {}
    for row in order:
        chosen.setdefault(_key(rows[row]), row)
    return list(chosen.values())[:n]


def score_names(
    patterns: pa.Table, detectors: Detectors, thresholds: Float32s, training: Part, held_out: Part
) -> list[NameScore]:
    """Compute the R-precision of the names of the best distinct patterns.

    A name that no held-out caption has, or more than a tenth of the captions of its event type, counts as 0 for every
    method: a name nobody uses is wrong, and one that everybody uses says nothing.

    Args:
        patterns: Schema `PATTERNS`, mined from the training part.
        detectors: One per row of `patterns`.
        thresholds: float32, (n_visual,), of the visual items.
        training: What mining saw.
        held_out: What it did not.
    """
    features = pooled_features(training.pooled), pooled_features(held_out.pooled)
    ranked = detectors.scores(held_out.pooled)
    rows = patterns.to_pylist()
    scores = []
    for place in best_distinct(patterns):
        row = rows[place]
        known, relevant = training.has(_key(row)), held_out.has(_key(row))
        values = dict.fromkeys(METHODS, 0.0)
        if known.any() and relevant.any() and held_out.share(_key(row), row["eventType"]) <= MAX_SHARE:
            filters = _filter_scores(row, thresholds, known, training, held_out)
            values = {
                "detector": r_precision(ranked[:, place], relevant),
                "filter-set": r_precision(filters, relevant),
                "probe": r_precision(probe_scores(features[0], known, features[1]), relevant),
                "base-rate": float(relevant.mean()),
            }
        n_relevant = int(np.count_nonzero(relevant))
        scores.append(NameScore(row["pattern"], row["eventType"], row["name"], n_relevant, values))
    return scores


def _key(row: Mapping[str, Any]) -> str:
    """Return the name with the lemma of its head in place of the head."""
    return " ".join([*str(row["name"]).split()[:-1], str(row["nameHead"])])


def _filter_scores(
    row: Mapping[str, Any], thresholds: Float32s, known: Bools, training: Part, held_out: Part
) -> Float32s:
    """Score the held-out pictures by the set of the pattern's visual items that finds the name best in training."""
    items = _by_weight(row)
    seen, unseen = (part.maxima[:, items].astype(np.float32) for part in (training, held_out))
    chosen = list(best_filter_set(seen, thresholds[items], known))
    return filter_set_scores(unseen[:, chosen], thresholds[items][chosen])


def _by_weight(row: Mapping[str, Any]) -> list[int]:
    """Return the visual items of a pattern, those that fire in most of its evidence first."""
    pairs = zip(row["visualWeights"], row["visualItems"], strict=True)
    return [item for _, item in sorted(pairs, key=lambda pair: (-pair[0], pair[1]))]


def summarise(scores: Sequence[NameScore], *, seed: int) -> list[Measured]:
    """Average over patterns, with bootstrap intervals over them."""
    return [
        Measured(
            "r-precision of names", method, float(np.mean(values)), *bootstrap_interval(values, seed=seed), len(values)
        )
        for method in METHODS
        if (values := [score.values[method] for score in scores])
    ]

"""How well patterns are named: can pictures that mining never saw be found by the name that was given?

A pattern's detector ranks the held-out pictures; the ranking is cut at the number of held-out pictures whose captions have
the name. Beside it stand, for the same names and the same split: the base rate of the name, the best set of one to three of
the pattern's visual items, and a logistic probe trained on the name itself, the upper reference.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kb.evaluate.retrieval import best_filter_set, filter_set_scores, probe_scores, r_precision
from miner.patterns.detector import pooled_features
from miner.patterns.pictures import in_chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt
    import pyarrow as pa

    from kb.evaluate.retrieval import Bools, Float32s
    from kb.evaluate.systems import System
    from miner.patterns.pictures import Int64s, Rows

METHODS = ("detector", "filter-set", "probe", "base-rate")
N_BEST = 50
MAX_SHARE = 0.1
"""Largest share of an event type's captions that a name may be in."""
TRIGGER = "trigger"
"""Flag of a name that has a trigger word of some event type."""


@dataclass(frozen=True, eq=False)
class Part:
    """The pictures of one part of a split, one per photo group.

    Attributes:
        words: For each caption of each picture, its words and lemmas.
        event_types: Of each picture.
        pooled: float16, (n, n_filters), see `miner.visual.activations`.
        maxima: float16, (n, n_visual), strongest value of each visual item; may lie on the disk.
        projected: Gives float16, (chosen, n_cells, n_dims), the projected cells of chosen pictures; none where nobody asks.
    """

    words: Sequence[Sequence[frozenset[str]]]
    event_types: Sequence[frozenset[str]]
    pooled: npt.NDArray[np.float16]
    maxima: Rows
    projected: Rows | None = None

    @cached_property
    def labelled(self) -> Bools:
        """Tell for each picture whether it has an event type."""
        return np.array([bool(types) for types in self.event_types], dtype=bool)

    @cached_property
    def types(self) -> list[str]:
        """Event types that some picture has, sorted."""
        return sorted({name for names in self.event_types for name in names})

    def of_type(self, event_type: str) -> Bools:
        """Tell for each picture whether it has the event type."""
        return np.array([event_type in types for types in self.event_types], dtype=bool)

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
    has_trigger: bool
    n_relevant: int
    values: Mapping[str, float]


def words_by_caption(captions: pa.Table) -> dict[str, list[frozenset[str]]]:
    """Collect the lower-case words and lemmas of every caption, by record."""
    words: dict[str, list[frozenset[str]]] = defaultdict(list)
    for batch in captions.select(["record", "lowers", "lemmas"]).to_batches(max_chunksize=4096):
        for row in batch.to_pylist():
            words[row["record"]].append(frozenset(row["lowers"]) | frozenset(row["lemmas"]))
    return words


def best_distinct(patterns: pa.Table, n: int = N_BEST, *, of_first: bool = False) -> list[int]:
    """Return the rows of the best patterns with different names, over all event types, best first.

    The order is that in which a run ranks the patterns of an event type: the first of every type, then the second, and so on;
    of equal rank first those of the greatest grounding times confidence. Names that differ in the form of their head only,
    such as "rock" and "rocks", are one name.

    Args:
        patterns: Schema `PATTERNS`.
        n: How many.
        of_first: Whether the first n patterns are looked at, however many names they have, rather than as many as it takes.
    """
    rows = patterns.select(["name", "rank", "grounding", "confidence", "nameHead"]).to_pylist()
    order = sorted(
        range(len(rows)), key=lambda row: (rows[row]["rank"], -rows[row]["grounding"] * rows[row]["confidence"])
    )
    chosen: dict[str, int] = {}
    for row in order[:n] if of_first else order:
        chosen.setdefault(name_key(rows[row]), row)
    return list(chosen.values())[:n]


class Probes:
    """Scores names on one split; a probe is fitted once for each name, whichever methods give it.

    Args:
        training: What mining saw.
        held_out: What it did not.
    """

    def __init__(self, training: Part, held_out: Part) -> None:
        """Prepare the features."""
        self.training, self.held_out = training, held_out
        self._features = pooled_features(training.pooled), pooled_features(held_out.pooled)
        self._precisions: dict[str, float] = {}

    def counts(self, key: str, event_type: str) -> bool:
        """Tell whether a name can be right: both sides say it, and at most a tenth of the captions of its event type do."""
        known, relevant = self.training.has(key), self.held_out.has(key)
        return bool(known.any() and relevant.any() and self.held_out.share(key, event_type) <= MAX_SHARE)

    def precision(self, key: str) -> float:
        """Return the R-precision of a probe that was told which training pictures have the name."""
        if key not in self._precisions:
            scores = probe_scores(self._features[0], self.training.has(key), self._features[1])
            self._precisions[key] = r_precision(scores, self.held_out.has(key))
        return self._precisions[key]


def score_names(system: System, thresholds: Float32s, probes: Probes) -> list[NameScore]:
    """Compute the R-precision of the names of the best distinct patterns.

    A name that no held-out caption has, or more than a tenth of the captions of its event type, counts as 0 for every
    method: a name nobody uses is wrong, and one that everybody uses says nothing.

    Args:
        system: What one method mined from the training part; without detectors names are scored by probe and base rate alone.
        thresholds: float32, (n_visual,), of the visual items.
        probes: With both parts.
    """
    held_out = probes.held_out
    ranked = system.scores(held_out)
    strength = _Strength.of(system, probes.training, held_out) if ranked is not None else None
    scores = []
    for place, (row, key) in enumerate(zip(system.rows, system.keys, strict=True)):
        relevant = held_out.has(key)
        values = dict.fromkeys(METHODS if ranked is not None else METHODS[2:], 0.0)
        if probes.counts(key, row["eventType"]):
            values |= {"probe": probes.precision(key), "base-rate": float(relevant.mean())}
            if ranked is not None and strength is not None:
                filters = _filter_scores(row, thresholds, probes.training.has(key), strength)
                values |= {
                    "detector": r_precision(ranked[:, place], relevant),
                    "filter-set": r_precision(filters, relevant),
                }
        n_relevant, has_trigger = int(np.count_nonzero(relevant)), TRIGGER in row["nameFlags"]
        scores.append(NameScore(row["pattern"], row["eventType"], row["name"], has_trigger, n_relevant, values))
    return scores


def name_key(row: Mapping[str, Any]) -> str:
    """Return the name of a row of `PATTERNS` with the lemma of its head in place of the head."""
    return " ".join([*str(row["name"]).split()[:-1], str(row["nameHead"])])


@dataclass(frozen=True, eq=False)
class _Strength:
    """The maxima of the visual items of some patterns, of both parts of a split; float16, (n, n_items)."""

    items: Int64s
    training: npt.NDArray[np.float16]
    held_out: npt.NDArray[np.float16]

    @classmethod
    def of(cls, system: System, training: Part, held_out: Part) -> _Strength:
        items = np.unique([item for row in system.rows for item in row["visualItems"]]).astype(np.int64)
        return cls(items, *(_columns(part.maxima, items) for part in (training, held_out)))


def _columns(rows: Rows, columns: Int64s) -> npt.NDArray[np.float16]:
    """Read some columns, a few hundred rows in memory at a time."""
    found = np.empty((len(rows), len(columns)), np.float16)
    for chunk in in_chunks(np.arange(len(rows))):
        found[chunk] = rows[chunk][:, columns]
    return found


def _filter_scores(row: Mapping[str, Any], thresholds: Float32s, known: Bools, strength: _Strength) -> Float32s:
    """Score the held-out pictures by the set of the pattern's visual items that finds the name best in training."""
    items = _by_weight(row)
    columns = np.searchsorted(strength.items, items)
    seen, unseen = (part[:, columns].astype(np.float32) for part in (strength.training, strength.held_out))
    chosen = list(best_filter_set(seen, thresholds[items], known))
    return filter_set_scores(unseen[:, chosen], thresholds[items][chosen])


def _by_weight(row: Mapping[str, Any]) -> list[int]:
    """Return the visual items of a pattern, those that fire in most of its evidence first."""
    pairs = zip(row["visualWeights"], row["visualItems"], strict=True)
    return [item for _, item in sorted(pairs, key=lambda pair: (-pair[0], pair[1]))]

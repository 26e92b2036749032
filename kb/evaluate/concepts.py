"""Concepts: different things that a method names, and that prove specific to their event type on pictures it did not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from miner.rules.hypergeom import log_tail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kb.evaluate.patterns import Part
    from kb.evaluate.retrieval import Bools, Float32s
    from kb.evaluate.systems import System

Floats = npt.NDArray[np.float64]

SYNONYM_COSINE = 0.8
"""Cosine of the mean word vectors of two names from which they name one concept; the same for all methods."""
MIN_LIFT = 3.0
MAX_Q = 0.05


class Counted(NamedTuple):
    """How often a name and what it is tested against go together on held-out pictures."""

    n_both: int
    n_name: int
    n_other: int
    n_all: int

    @property
    def lift(self) -> float:
        """Share of the pictures with the name that have the other too, over the share of all; 0 where there are none."""
        expected = self.n_name * self.n_other
        return self.n_both * self.n_all / expected if expected else 0.0

    @property
    def p_value(self) -> float:
        """One-sided Fisher exact test."""
        return float(np.exp(log_tail(self.n_both, self.n_name, self.n_other, self.n_all)))


def merge_names(names: Sequence[str], vectors: Mapping[str, Float32s]) -> list[int]:
    """Merge names that mean the same.

    A name joins the first earlier name, not itself merged, whose vector is as near as `SYNONYM_COSINE`. The vector of a name is
    the mean of those of its words; a name none of whose words has one stays alone.

    Args:
        names: In order of merit; the lemma of the head comes last in each.
        vectors: Unit vectors of words.

    Returns:
        For each name the place of the name that stands for it, its own where it stands for itself.
    """
    means = [_mean_vector(name, vectors) for name in names]
    stands_for: list[int] = []
    for place, own in enumerate(means):
        earlier = [other for other in range(place) if stands_for[other] == other]
        same = next((other for other in earlier if _alike(own, means[other]) or names[other] == names[place]), place)
        stands_for.append(same)
    return stands_for


def _mean_vector(name: str, vectors: Mapping[str, Float32s]) -> Float32s | None:
    known = [vectors[word] for word in name.split() if word in vectors]
    if not known:
        return None
    mean = np.mean(known, axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), dtype=np.float32)


def _alike(a: Float32s | None, b: Float32s | None) -> bool:
    return a is not None and b is not None and float(a @ b) >= SYNONYM_COSINE


def q_values(p_values: Sequence[float]) -> Floats:
    """Return the q-values of p-values.

    Source:
        Benjamini and Hochberg, "Controlling the false discovery rate" (1995).
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    found = np.empty_like(p)
    found[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.minimum(found, 1.0)


def count_concepts(system: System, held_out: Part, vectors: Mapping[str, Float32s]) -> list[bool]:
    """Tell for each concept that a method names whether it is specific to the event type of its pattern.

    Specific means: on held-out pictures with an event type, those whose captions have the name are of the type at least three
    times as often as all are, at a q-value below 0.05 over the concepts of the method.
    """
    chosen = _concepts(system, vectors)
    tests = []
    for place in chosen:
        of_type = held_out.of_type(system.rows[place]["eventType"])
        tests.append(_count(held_out.has(system.keys[place]), of_type, held_out.labelled))
    return _pass(tests)


def count_seen_concepts(system: System, training: Part, held_out: Part, vectors: Mapping[str, Float32s]) -> list[bool]:
    """Tell for each concept that a method names whether captions say it where its detector sees it.

    As `count_concepts`, of all held-out pictures, with the pictures in which the pattern is seen in place of the event type.
    """
    fires = system.fires(training, held_out)
    everything = np.ones(len(held_out.words), dtype=bool)
    chosen = _concepts(system, vectors)
    return _pass([_count(held_out.has(system.keys[place]), fires[place], everything) for place in chosen])


def _concepts(system: System, vectors: Mapping[str, Float32s]) -> list[int]:
    stands_for = merge_names(system.keys, vectors)
    return [place for place, other in enumerate(stands_for) if place == other]


def _count(has: Bools, other: Bools, among: Bools) -> Counted:
    return Counted(
        int(np.count_nonzero(has & other & among)),
        int(np.count_nonzero(has & among)),
        int(np.count_nonzero(other & among)),
        int(np.count_nonzero(among)),
    )


def _pass(tests: Sequence[Counted]) -> list[bool]:
    if not tests:
        return []
    q = q_values([test.p_value for test in tests])
    return [test.lift >= MIN_LIFT and own < MAX_Q for test, own in zip(tests, q.tolist(), strict=True)]

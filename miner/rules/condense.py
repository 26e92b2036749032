"""Fewer rules that say as much: closed, maximal, or the best of each event type.

- *Closed*: no other rule of the event type has the same counts and an antecedent that holds this one. Nothing is lost: what
  was dropped has the counts of a longer rule. It is closedness (Pasquier et al. 1999) among antecedents of at most
  `max_len` items; an antecedent of that length is always closed.
- *Maximal*: no other rule of the event type has an antecedent that holds this one (Bayardo 1998, for rules).
- *Best*: the k rules of each event type with the largest value of a measure. Ties go to the larger class count, then to the
  shorter antecedent, then to the antecedent that comes first in the order of rules.

The engine drops such rules in its walk; here is the definition, which it is held to.

Sources: N. Pasquier, Y. Bastide, R. Taouil, L. Lakhal, "Discovering frequent closed itemsets" (ICDT 1999); R. J. Bayardo,
"Efficiently mining long patterns from databases" (SIGMOD 1998).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from miner.errors import MiningError
from miner.rules.compiled import compiled
from miner.rules.measures import MEASURES

if TYPE_CHECKING:
    import numpy.typing as npt

    from miner.config import MineConfig
    from miner.rules.ruleset import Rules
    from miner.rules.transactions import Int32s, Int64s

Kind = Literal["all", "closed", "maximal", "top_k"]
_FREE = -1


@dataclass(frozen=True)
class Condensing:
    """Which rules are wanted.

    Attributes:
        kind: All, closed, maximal, or the best.
        k: How many per event type, where the best are wanted.
        by: The measure that says which are the best.
    """

    kind: Kind = "all"
    k: int = 20
    by: str = "leverage"

    def __post_init__(self) -> None:
        """Refuse what does not exist.

        Raises:
            MiningError: The kind, the measure or the number is not allowed; names what is.
        """
        if self.kind not in {"all", "closed", "maximal", "top_k"}:
            raise MiningError(f"condensed = {self.kind} does not exist: allowed are all, closed, maximal, top_k")
        if self.by not in MEASURES:
            raise MiningError(f"top_by = {self.by} is no measure: allowed are {', '.join(MEASURES)}")
        if self.k < 1:
            raise MiningError(f"top_k = {self.k} is out of range: allowed is 1 or more")

    @classmethod
    def of(cls, config: MineConfig) -> Condensing:
        """Take it out of a configuration."""
        return cls(config.condensed, config.top_k, config.top_by)


ALL_RULES = Condensing()


def condense(rules: Rules, wanted: Condensing) -> Int64s:
    """Choose the wanted rules among all rules; int64, rows in order."""
    if wanted.kind == "all":
        return np.arange(len(rules), dtype=np.int64)
    if wanted.kind == "top_k":
        return best(rules, wanted.k, wanted.by)
    return np.flatnonzero(~contained(rules, same_counts=wanted.kind == "closed"))


def best(rules: Rules, k: int, by: str) -> Int64s:
    """Choose the k rules of each event type with the largest value of a measure; int64, rows in order."""
    values = MEASURES[by](rules.class_counts, rules.counts, rules.class_sizes[rules.labels], rules.n_rows)
    order = np.lexsort((rules.lengths, -rules.class_counts, -values, rules.labels))
    labels = rules.labels[order]
    ranks = np.arange(len(order)) - np.searchsorted(labels, labels)
    return np.sort(order[ranks < k])


def contained(rules: Rules, *, same_counts: bool) -> npt.NDArray[np.bool_]:
    """Tell which antecedents are a proper part of another one of the same event type.

    Every rule looks its parts up in a table of all rules, so the work is linear in the number of rules.

    Args:
        rules: Each at most once.
        same_counts: Only an antecedent with the same counts matters.

    Returns:
        bool, (n,).
    """
    slots = np.full(1 << max(4, (2 * len(rules)).bit_length()), _FREE, np.int64)
    flags = np.zeros(len(rules), np.bool_)
    _mark(rules.antecedents, rules.labels, (rules.class_counts, rules.counts), (slots, flags), same_counts)
    return flags


@compiled
def _slot(items: Int32s, n_items: int, label: int, table: tuple[Int32s, Int32s, Int64s]) -> int:
    """Find where a rule stands in the table of rules, or the free place where it would."""
    antecedents, labels, slots = table
    key = np.uint64(label + 1) * np.uint64(0x9E3779B97F4A7C15)
    for position in range(n_items):
        key = (key ^ np.uint64(items[position] + 1)) * np.uint64(0xBF58476D1CE4E5B9)
        key ^= key >> np.uint64(29)
    at = np.int64(key & np.uint64(len(slots) - 1))
    while slots[at] != _FREE:
        row = slots[at]
        same = labels[row] == label and (n_items == antecedents.shape[1] or antecedents[row, n_items] < 0)
        for position in range(n_items):
            same = same and antecedents[row, position] == items[position]
        if same:
            break
        at = (at + 1) & (len(slots) - 1)
    return int(at)


@compiled
def _mark(
    antecedents: Int32s,
    labels: Int32s,
    counts: tuple[Int64s, Int64s],
    out: tuple[Int64s, npt.NDArray[np.bool_]],
    same_counts: bool,
) -> None:
    """Enter every rule into the table, then mark the rules that are a part of another.

    Args:
        antecedents: int32, (n, max_len), ascending, -1 after the last.
        labels: int32, (n,).
        counts: Class counts and counts.
        out: The table, all free; flags, all false.
        same_counts: Only mark rules with the same counts.
    """
    slots, flags = out
    table = (antecedents, labels, slots)
    max_len = antecedents.shape[1]
    part = np.empty(max_len, np.int32)
    for row in range(len(labels)):
        slots[_slot(antecedents[row], int((antecedents[row] >= 0).sum()), labels[row], table)] = row
    for row in range(len(labels)):
        length = int((antecedents[row] >= 0).sum())
        for chosen in range(1, (1 << length) - 1):
            n_chosen = 0
            for position in range(length):
                if chosen >> position & 1:
                    part[n_chosen] = antecedents[row, position]
                    n_chosen += 1
            if n_chosen < 2:
                continue
            other = slots[_slot(part, n_chosen, labels[row], table)]
            if other == _FREE or (
                same_counts and (counts[0][other] != counts[0][row] or counts[1][other] != counts[1][row])
            ):
                continue
            flags[other] = True

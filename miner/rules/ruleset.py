"""Rules as arrays, and the table they become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.rules.transactions import Int32s, Int64s

RULES = pa.schema(
    [
        pa.field("visual", pa.list_(pa.int32()), nullable=False),
        pa.field("text", pa.list_(pa.int32()), nullable=False),
        pa.field("eventType", pa.string(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("classCount", pa.int64(), nullable=False),
        pa.field("support", pa.float64(), nullable=False),
        pa.field("antecedentSupport", pa.float64(), nullable=False),
        pa.field("confidence", pa.float64(), nullable=False),
        pa.field("lift", pa.float64(), nullable=False),
        pa.field("pValue", pa.float64(), nullable=False),
        pa.field("logP", pa.float64(), nullable=False),
        pa.field("qValue", pa.float64()),
        pa.field("qLink", pa.float64()),
        pa.field("pItem", pa.float64()),
        pa.field("proven", pa.bool_(), nullable=False),
        pa.field("pConfirm", pa.float64()),
        pa.field("confirmed", pa.bool_()),
    ]
)
FOUND = pa.schema(list(RULES)[:9])


@dataclass(frozen=True, eq=False)
class Rules:
    """Rules as arrays, sorted by event type, then by antecedent.

    Attributes:
        antecedents: int32, (n, max_len); visual items ascending, then text items ascending offset by `n_visual`, then -1.
        labels: int32, (n,), index of the event type.
        class_counts: int64, (n,), votes of the event type that match.
        counts: int64, (n,), labelled votes that match.
        n_visual: Number of visual items, the offset of text items.
        class_sizes: int64, (n_classes,), votes of each event type.
    """

    antecedents: Int32s
    labels: Int32s
    class_counts: Int64s
    counts: Int64s
    n_visual: int
    class_sizes: Int64s

    @classmethod
    def sorted(cls, antecedents: Int32s, numbers: Int64s, *, n_visual: int, class_sizes: Int64s) -> Rules:
        """Bring rules found in any order into the one order.

        Args:
            antecedents: int32, (n, max_len), items of each rule in any order, -1 for none.
            numbers: int64, (n, 3), event type, class count and count.
            n_visual: Offset of text items.
            class_sizes: Votes of each event type.
        """
        last = np.iinfo(np.int32).max
        items = np.sort(np.where(antecedents < 0, last, antecedents), axis=1).astype(np.int32)
        items[items == last] = -1
        order = np.lexsort(_packed([numbers[:, 0], *(items.T.astype(np.int64) + 1)])[::-1])
        ordered = numbers[order]
        return cls(items[order], ordered[:, 0].astype(np.int32), ordered[:, 1], ordered[:, 2], n_visual, class_sizes)

    def __len__(self) -> int:
        """Number of rules."""
        return len(self.labels)

    @property
    def n_rows(self) -> int:
        """Labelled votes, the m of every support."""
        return int(self.class_sizes.sum())

    @property
    def lengths(self) -> Int64s:
        """Number of items of each antecedent; int64, (n,)."""
        lengths: Int64s = np.sum(self.antecedents >= 0, axis=1, dtype=np.int64)
        return lengths

    def take(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Rules:
        """Keep some rules, in the given order."""
        return Rules(
            self.antecedents[rows],
            self.labels[rows],
            self.class_counts[rows],
            self.counts[rows],
            self.n_visual,
            self.class_sizes,
        )

    def joined(self, others: Rules) -> Rules:
        """Give these and other rules of the same transactions, in order."""
        numbers = [np.column_stack([rules.labels, rules.class_counts, rules.counts]) for rules in (self, others)]
        return Rules.sorted(
            np.concatenate([self.antecedents, others.antecedents]),
            np.concatenate(numbers),
            n_visual=self.n_visual,
            class_sizes=self.class_sizes,
        )

    def columns(self, event_types: Sequence[str]) -> list[pa.Array]:
        """Give the columns of schema `FOUND`."""
        visual, text = self.item_lists()
        sizes = self.class_sizes[self.labels]
        return [
            visual,
            text,
            pa.array(list(event_types), pa.string()).take(pa.array(self.labels)),
            pa.array(self.counts),
            pa.array(self.class_counts),
            pa.array(self.class_counts / self.n_rows),
            pa.array(self.counts / self.n_rows),
            pa.array(self.class_counts / self.counts),
            pa.array((self.class_counts * self.n_rows) / (self.counts * sizes)),
        ]

    def item_lists(self) -> tuple[pa.Array, pa.Array]:
        """Give the visual and the text items of each antecedent as list<int32> columns."""
        textual = self.antecedents >= self.n_visual
        return self._lists((self.antecedents >= 0) & ~textual, 0), self._lists(textual, self.n_visual)

    def _lists(self, chosen: npt.NDArray[np.bool_], offset: int) -> pa.Array:
        """Give the chosen items of each antecedent as a list column."""
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(chosen.sum(axis=1))])
        return pa.ListArray.from_arrays(
            pa.array(ends, pa.int32()), pa.array(self.antecedents[chosen] - offset, pa.int32())
        )


def _packed(columns: list[Int64s]) -> list[Int64s]:
    """Put whole numbers >= 0 into as few numbers as hold them, in the same order; sorting those is faster."""
    packed, n_bits = [np.zeros_like(columns[0])], 63
    for column in columns:
        width = int(column.max(initial=0)).bit_length()
        if width > n_bits:
            packed.append(column)
            n_bits = 63
        else:
            packed[-1] = (packed[-1] << width) | column
        n_bits -= width
    return packed

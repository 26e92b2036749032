"""One layout on the disk, shared by the processes of one host: each mines below its own share of the text items.

Everything below a text item (a root of the search) follows from that item's votes, so roots are independent: workers open the
same files, whose pages the system keeps in memory once, and none ever holds a copy of the votes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from miner.errors import MiningError
from miner.rules.census import ledger_of, map_all, refuse_beyond
from miner.rules.condense import Condensing, condense
from miner.rules.layout import Layout, build_layout, class_sizes, count_items
from miner.rules.recount import Ledger
from miner.rules.ruleset import Rules
from miner.rules.search import order_roots, search
from miner.rules.tally import above_counts, pooled, row_shapes, tally_itemsets
from miner.rules.thresholds import Thresholds
from miner.store.formats import map_array

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from miner.config import MineConfig
    from miner.rules.census import Mapper
    from miner.rules.hypergeom import Floats
    from miner.rules.shards import AnyVotes
    from miner.rules.transactions import Int32s, Int64s
    from miner.rules.walk import Bounds

SHARES_PER_WORKER = 4


def write_layout(layout: Layout, folder: Path) -> None:
    """Write the arrays of a layout, one `.npy` file each."""
    folder.mkdir(parents=True)
    for name, array in layout._asdict().items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def open_layout(folder: Path) -> Layout:
    """Map the arrays of a layout into memory; nothing is read before it is asked for, and nothing can be changed on the disk.

    Copy-on-write, so the kernels see the same type of array as in memory and need not be compiled once more.
    """
    return Layout(**{name: np.asarray(map_array(folder / f"{name}.npy", "c")) for name in Layout._fields})


@dataclass
class PrefixCensus:
    """A census whose search is shared out by text item among processes of one host.

    Attributes:
        transactions: The votes.
        mapper: Where the shares are worked on; its processes must see `folder`.
        n_workers: How many work at the same time.
        folder: Empty folder for the layouts; whoever made it removes it.
    """

    transactions: AnyVotes
    mapper: Mapper
    n_workers: int
    folder: Path
    _ledger: Ledger | None = field(default=None, repr=False)

    @property
    def class_sizes(self) -> Int64s:
        """Labelled votes of each class."""
        return class_sizes(self.transactions)

    def row_shapes(self) -> Int64s:
        """Count the labelled votes by their numbers of items."""
        return row_shapes(self.transactions)

    def item_counts(self) -> tuple[Int64s, Int64s]:
        """Count the labelled votes of each class with each item."""
        return count_items(self.transactions)

    def tally(self, start: int, allowed: Floats) -> Floats:
        """Count the multimodal itemsets of each length with at least each count."""
        layout = self._share("pooled", build_layout(pooled(self.transactions), np.array([start], np.int64)))
        work = partial(_tally_share, folder=self.folder / "pooled", start=start, allowed=allowed)
        parts = map_all(self.mapper, work, self._deal(layout))
        numbers: Int64s = np.sum([part[0] for part in parts], axis=0, dtype=np.int64)
        return above_counts(numbers, np.max([part[1] for part in parts], axis=0), start, allowed)

    def search(self, bounds: Bounds, config: MineConfig) -> Rules:
        """Find the wanted rules above the bounds.

        Raises:
            MiningError: There are too many rules, or no antecedent can hold the wanted items.
        """
        items, n_visual = Thresholds.of(config).items, self.transactions.n_visual
        items.require_possible(n_visual, self.transactions.n_text, bounds.max_len)
        layout = self._share("votes", build_layout(self.transactions, bounds.still_class[:, 2], items=items))
        self._ledger = Ledger(layout, n_visual)
        work = partial(
            _mine_share,
            folder=self.folder / "votes",
            bounds=bounds,
            max_rules=config.max_rules,
            n_visual=n_visual,
        )
        try:
            parts = map_all(self.mapper, work, self._deal(layout))
        except MiningError:
            # A share that has too many rules knows no others; the setting with which all fit is found here, over all of them.
            search(layout, bounds, threads=1, max_rules=config.max_rules, n_visual=n_visual)
            raise
        refuse_beyond(np.concatenate([part.class_counts for part in parts]), config.max_rules)
        numbers = np.concatenate([np.stack([part.labels, part.class_counts, part.counts], axis=1) for part in parts])
        antecedents = np.concatenate([part.antecedents for part in parts])
        rules = Rules.sorted(antecedents, numbers, n_visual=n_visual, class_sizes=bounds.class_sizes)
        return rules.take(condense(rules, Condensing.of(config)))

    def count(self, antecedents: Int32s) -> Int64s:
        """Count the votes of each class that hold each itemset."""
        return self._counting(antecedents).count(antecedents)

    def _counting(self, antecedents: Int32s) -> Ledger:
        return self._ledger or ledger_of(self.transactions, antecedents)

    def _share(self, name: str, layout: Layout) -> Layout:
        """Put a layout on the disk and go on with the copy there, as everyone does."""
        write_layout(layout, self.folder / name)
        return open_layout(self.folder / name)

    def _deal(self, layout: Layout) -> list[list[int]]:
        """Deal the roots out like cards, the largest first, in more shares than there are workers."""
        roots = order_roots(layout)
        n_shares = max(1, min(len(roots), self.n_workers * SHARES_PER_WORKER))
        return [roots[at::n_shares] for at in range(n_shares)]


def _mine_share(roots: Sequence[int], *, folder: Path, bounds: Bounds, max_rules: int, n_visual: int) -> Rules:
    return search(open_layout(folder), bounds, threads=1, max_rules=max_rules, n_visual=n_visual, roots=roots)


def _tally_share(roots: Sequence[int], *, folder: Path, start: int, allowed: Floats) -> tuple[Int64s, Int64s]:
    return tally_itemsets(open_layout(folder), start, allowed, roots=roots)

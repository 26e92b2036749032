"""A pattern in the making whose votes were found while it was mined, rather than by matching its items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from miner.patterns.merge import Draft

if TYPE_CHECKING:
    from miner.patterns.pictures import Bools, Int64s, Votes


@dataclass(frozen=True, eq=False)
class FoundDraft(Draft):
    """What a baseline found.

    Attributes:
        found: int64, ascending: rows of the votes that have it.
    """

    found: Int64s

    def matches(self, votes: Votes) -> Bools:
        """Tell for each vote whether it has it."""
        mask = np.zeros(len(votes.picture), dtype=bool)
        mask[self.found] = True
        return mask

    def says(self, votes: Votes) -> Bools:
        """Tell the same: a baseline claims nothing of the words that it does not claim of the vote."""
        return self.matches(votes)

"""The stages of a run after reading and labelling, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miner.run.rule_stages import MINE, TRANSACTIONS
from miner.run.text_stages import CAPTIONS_STAGE
from miner.run.visual_stages import ENCODE, FILTERS, GROUPS

if TYPE_CHECKING:
    from miner.run.stage import Stage

STAGES: tuple[Stage, ...] = (
    CAPTIONS_STAGE,
    ENCODE,
    GROUPS,
    FILTERS,
    TRANSACTIONS,
    MINE,
)

"""The stages of a run after reading and labelling, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miner.run.bundle_stage import BUNDLE
from miner.run.pattern_stage import PATTERNS
from miner.run.rule_stages import MINE, TRANSACTIONS
from miner.run.split_stage import SPLIT_STAGE
from miner.run.text_stages import CAPTIONS_STAGE, MASKS, TEXT_ITEMS
from miner.run.visual_stages import ENCODE, FILTERS, GROUPS

if TYPE_CHECKING:
    from miner.run.stage import Stage

STAGES: tuple[Stage, ...] = (
    CAPTIONS_STAGE,
    MASKS,
    ENCODE,
    GROUPS,
    SPLIT_STAGE,
    TEXT_ITEMS,
    FILTERS,
    TRANSACTIONS,
    MINE,
    PATTERNS,
    BUNDLE,
)

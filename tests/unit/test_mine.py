"""mine_rules: verdicts and errors on small hand-made corpora."""

from __future__ import annotations

import numpy as np
import pytest

from miner.config import MineConfig
from miner.errors import MiningError
from miner.rules.mine import RULES, mine_rules
from miner.rules.transactions import Transactions

TYPES = ("Sport.Climbing", "Sport.Cycling")


def planted(n: int = 300, *, linked: bool, seed: int = 0) -> Transactions:
    """Visual item 0 and text item 0 mark Climbing; `linked` makes them appear together."""
    rng = np.random.default_rng(seed)
    visual, text, labels = [], [], []
    for row in range(n):
        climbing = row % 3 == 0
        seen = climbing and rng.random() < 0.4
        said = (seen if linked else rng.random() < 0.4) and climbing
        noise_seen = {item for item in range(1, 8) if rng.random() < 0.2}
        noise_said = {item for item in range(1, 8) if rng.random() < 0.2}
        visual.append(sorted(noise_seen | ({0} if seen else set())))
        text.append(sorted(noise_said | ({0} if said else set())))
        labels.append(0 if climbing else 1)
    return Transactions.from_rows(visual, text, labels, event_types=TYPES)


def test_mine_finds_the_planted_pair_and_nothing_that_adds_nothing() -> None:
    result = mine_rules(planted(linked=True), MineConfig())
    assert result.rules.schema.equals(RULES)
    rows = result.rules.to_pylist()
    assert [(row["visual"], row["text"], row["eventType"]) for row in rows] == [([0], [0], "Sport.Climbing")]
    assert rows[0]["classCount"] == rows[0]["count"]
    assert rows[0]["confidence"] == 1.0
    assert rows[0]["lift"] == 3.0


def test_mine_refuses_two_independent_cues_of_one_type() -> None:
    result = mine_rules(planted(linked=False), MineConfig())
    assert result.rules.num_rows == 0
    assert result.summary["eventTypes"]["Sport.Climbing"]["associated"] > 0


def test_mine_refuses_a_single_event_type() -> None:
    one = Transactions.from_rows([[0]] * 9, [[0]] * 9, [0] * 9, event_types=TYPES)
    with pytest.raises(MiningError, match="one event type, Sport.Climbing"):
        mine_rules(one, MineConfig())


def test_mine_refuses_transactions_without_labels() -> None:
    none = Transactions.from_rows([[0]], [[0]], [-1], event_types=TYPES)
    with pytest.raises(MiningError, match="no labelled votes"):
        mine_rules(none, MineConfig())

"""How many rules of a finished run are proven, and what the test that links picture and words takes away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miner.config_file import load_config
from miner.rules.mine import mine_rules
from miner.rules.transactions import Transactions
from miner.run.rule_stages import mined_file
from miner.store.formats import read_json, read_table

if TYPE_CHECKING:
    from miner.run.folder import RunFolder


def count_proven(folder: RunFolder) -> list[dict[str, Any]]:
    """Count the proven rules of each event type; the votes are mined again without test (b).

    Args:
        folder: A run folder.

    Returns:
        A row per event type: what the summary of mining says of it, and `provenWithoutLink`, the rules that beat the prior of
        their type and whose items all add something, whether or not picture and words belong together.

    Raises:
        ArtefactError: The run has not finished.
    """
    found = read_json(folder.artefact("mine").file("summary.json"))["eventTypes"]
    votes = Transactions.from_table(read_table(mined_file(folder.artefact("transactions"))))
    config = load_config(folder.path / "run.toml").mine.model_copy(update={"link_fdr": 1.0, "exploratory": False})
    unlinked = mine_rules(votes, config).summary["eventTypes"]
    return [{"eventType": name, **own, "provenWithoutLink": unlinked[name]["proven"]} for name, own in found.items()]

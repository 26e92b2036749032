"""From transactions to the table of rules: search, three tests, one verdict per rule."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from miner.errors import MiningError
from miner.rules.association import Association, associate
from miner.rules.census import Census, LocalCensus
from miner.rules.chance import find_family
from miner.rules.condense import Condensing, condense
from miner.rules.confirm import Confirmation, confirm, halves
from miner.rules.hypergeom import log_tail
from miner.rules.margins import margin_levels
from miner.rules.regions import RegionCensus, by_vote, has_regions
from miner.rules.ruleset import RULES, Rules
from miner.rules.search import BitmapMiner, bounds_of, require_votes
from miner.rules.thresholds import Thresholds
from miner.rules.transactions import Transactions
from miner.rules.verdict import MARGIN_SHARE, Levels, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from miner.config import MineConfig
    from miner.rules.chance import PairFamily
    from miner.rules.hypergeom import Floats
    from miner.rules.shards import AnyVotes, Votes
    from miner.rules.transactions import Int64s
    from miner.rules.walk import Bounds

_NEVER = 2**62
_UNSTREAMABLE = "-o mine.miner=bitmap -o mine.background=false"


@dataclass(frozen=True, eq=False)
class MiningResult:
    """Rules and what was tested to find them.

    Attributes:
        rules: Table of schema `RULES`, sorted by event type and antecedent.
        summary: JSON-ready numbers: votes, tests and levels per length, counts per event type.
    """

    rules: pa.Table
    summary: dict[str, Any]


def mine_rules(transactions: AnyVotes, config: MineConfig, *, threads: int = 1) -> MiningResult:
    """Find the rules of a corpus and test them.

    Args:
        transactions: Votes, in memory or on disk; unlabelled ones are ignored, or count as background where
            `config.background` says so.
        config: Thresholds and error rates.
        threads: Threads that share the search; never changes the result.

    Returns:
        Proven rules; with `config.exploratory`, all rules above the thresholds, marked. With `config.condensed`, the
        closed, maximal or best ones of these.

    Raises:
        MiningError: Fewer than two event types have votes, or the rules would not fit.
    """
    votes = with_background(transactions) if config.background else transactions
    require_votes(votes)
    if config.confirm == "none":
        return mine_census(_census_of(votes, config, threads), transactions.event_types, config)
    if not isinstance(votes, Transactions):
        raise MiningError("votes in shards have no photo groups to split", hint="-o mine.confirm=none")
    searched, other = (_census_of(half, config, threads) for half in halves(votes, config.confirm_seed))
    return mine_census(searched, transactions.event_types, config, other=other)


def _census_of(votes: AnyVotes, config: MineConfig, threads: int) -> Census:
    """Choose how votes in this process are searched and counted."""
    if isinstance(votes, Transactions) and has_regions(votes):
        if config.miner == "mlxtend":
            raise MiningError("mlxtend cannot mine votes with regions", hint="-o mine.miner=bitmap")
        return RegionCensus(by_vote(votes), threads)
    return _Reference(votes, threads) if config.miner == "mlxtend" else LocalCensus(votes, threads)


def stream_rules(transactions: AnyVotes, config: MineConfig, path: Path, *, threads: int = 1) -> int:
    """Write the rules above the thresholds to a Parquet file as they are found, untested, and give their number.

    The file has the first columns of schema `RULES`, up to `lift`. Rules need not fit in memory; testing them would need
    all at once.

    Args:
        transactions: Votes, in memory or on disk.
        config: Thresholds; `condensed` may be all, closed or top_k.
        path: The file, which appears once it is whole.
        threads: Threads that share the search; never changes the file.

    Raises:
        MiningError: As of `mine_rules`; or maximal rules are wanted, or the slow engine.
        ArtefactError: The file cannot be written.
    """
    if config.miner != "bitmap" or config.background:
        raise MiningError("rules are streamed by the compiled engine and from labelled votes only", hint=_UNSTREAMABLE)
    if isinstance(transactions, Transactions) and has_regions(transactions):
        raise MiningError("votes with regions cannot be streamed: regions of a vote are counted once")
    _require_contrast(require_votes(transactions), transactions.event_types)
    miner = BitmapMiner(condensing=Condensing.of(config), max_rules=config.max_rules)
    return miner.stream(transactions, Thresholds.of(config), path, threads=threads)


def mine_census(
    census: Census, event_types: Sequence[str], config: MineConfig, *, other: Census | None = None
) -> MiningResult:
    """Find the rules of votes, wherever they are, and test them.

    Args:
        census: Of the votes, with `background` already among their classes if it counts.
        event_types: Names of the classes that rules may lead to.
        config: Thresholds and error rates.
        other: Votes of other photo groups, in which proven rules must show again; unconfirmed ones are dropped, or marked
            with `config.exploratory`.

    Raises:
        MiningError: As of `mine_rules`.
    """
    _require_contrast(census.class_sizes, event_types)
    thresholds = Thresholds.of(config)
    association = associate(census, thresholds, alpha=config.family_wise)
    margins = _margin_levels(census, thresholds, len(event_types), config.link_fdr)
    bounds = bounds_of(thresholds, census.class_sizes, None if config.exploratory else association.least_class)
    bounds.least_class[len(event_types) :] = _NEVER
    bounds.still_class[len(event_types) :] = _NEVER
    # The tests hold for all rules together: what is condensed is what they proved, not what they are offered.
    found = census.search(bounds, config.model_copy(update={"condensed": "all"}))
    level = float(association.log_levels[2])
    chance = find_family(census, bounds, level, thresholds.items, len(event_types)) if len(found) else None
    verdict = judge(found, census, bounds, Levels(association.log_levels, margins, chance), config)
    q_values = association.q_values(found, verdict.log_p)
    confirmation = confirm(found, verdict.proven, other, config.family_wise) if other is not None else None
    wanted = verdict.proven if confirmation is None else confirmation.confirmed
    kept = np.arange(len(found)) if config.exploratory else np.flatnonzero(wanted)
    kept = kept[condense(found.take(kept), Condensing.of(config))]
    return MiningResult(
        rules_table(found, verdict, kept, event_types, q_values=q_values, confirmation=confirmation),
        _summary(event_types, association, found, verdict, margins=margins, chance=chance, confirmation=confirmation),
    )


def _margin_levels(census: Census, thresholds: Thresholds, n_types: int, link_fdr: float) -> Floats:
    """Find the levels of the unconditional half of test (b) over the event types."""
    visual, text = census.item_counts()
    sizes, least = census.class_sizes, thresholds.least_class_counts(census.class_sizes)
    own = (visual[:n_types], text[:n_types])
    alpha = MARGIN_SHARE * link_fdr
    return margin_levels(own, sizes[:n_types], least[:n_types], alpha=alpha, max_len=thresholds.max_len)


class _Reference(LocalCensus):
    """Finds the same rules with mlxtend, which knows nothing of what can be proven."""

    def search(self, bounds: Bounds, config: MineConfig) -> Rules:
        """Find the rules above the bounds."""
        from miner.rules.reference import MlxtendMiner  # noqa: PLC0415 - slow to import, seldom needed

        if not isinstance(self.transactions, Transactions):
            raise MiningError("mlxtend cannot mine votes in shards", hint="-o mine.miner=bitmap")
        rules = MlxtendMiner().mine(self.transactions, Thresholds.of(config))
        return rules.take(rules.class_counts >= bounds.least_class[rules.labels, rules.lengths])


def rules_table(
    rules: Rules,
    verdict: Verdict,
    kept: Int64s,
    event_types: Sequence[str],
    *,
    q_values: Floats,
    confirmation: Confirmation | None = None,
) -> pa.Table:
    """Give the chosen rules as a table of schema `RULES`."""
    chosen = rules.take(kept)
    columns = [
        *chosen.columns(event_types),
        pa.array(np.exp(verdict.log_p[kept])),
        pa.array(verdict.log_p[kept]),
        pa.array(q_values[kept]),
        _tested(verdict.q_link[kept]),
        _tested(verdict.p_item[kept]),
        pa.array(verdict.proven[kept]),
        *_confirmed(confirmation, kept),
    ]
    return pa.Table.from_arrays(columns, schema=RULES)


def _confirmed(confirmation: Confirmation | None, kept: Int64s) -> tuple[pa.Array, pa.Array]:
    """Give p-value and verdict of the confirmation, null where a rule was not put to it."""
    if confirmation is None:
        return pa.nulls(len(kept), pa.float64()), pa.nulls(len(kept), pa.bool_())
    p_value = confirmation.p_value[kept]
    return _tested(p_value), pa.array(confirmation.confirmed[kept], mask=np.isnan(p_value))


def _tested(values: Floats) -> pa.Array:
    """Give values with null where a rule was not tested any more."""
    return pa.array(values, mask=np.isnan(values))


def with_background(transactions: Votes) -> Votes:
    """Turn unlabelled votes into votes of one more type, which no rule may lead to."""
    labels = np.where(transactions.labels < 0, len(transactions.event_types), transactions.labels).astype(np.int32)
    return replace(transactions, labels=labels, event_types=(*transactions.event_types, "background"))


def _require_contrast(sizes: Int64s, event_types: Sequence[str]) -> None:
    """Refuse votes of no type or a single one: every rule has confidence 1 and lift 1, so none can beat its prior."""
    present = np.flatnonzero(sizes)
    if not len(present):
        raise MiningError(
            "no labelled votes: rules lead to an event type",
            hint="check the labels with: eventminer corpus check CORPUS",
        )
    if len(present) < 2:
        raise MiningError(
            f"all {int(sizes.sum())} labelled votes are of one event type, {(*event_types, 'background')[present[0]]}: "
            "a rule needs votes of another type to differ from",
            hint="label a second event type, or let unlabelled records count: -o mine.background=true",
        )


def _summary(
    event_types: Sequence[str],
    association: Association,
    rules: Rules,
    verdict: Verdict,
    *,
    margins: Floats,
    chance: PairFamily | None,
    confirmation: Confirmation | None,
) -> dict[str, Any]:
    """Give what was tested and found, ready for JSON; a level or p-value of 0 means that nothing can be proven."""
    lengths = range(2, len(association.log_levels))
    by_type: dict[str, dict[str, Any]] = {}
    for label, name in enumerate(event_types):
        mine = rules.labels == label
        size = int(rules.class_sizes[label])
        by_type[name] = {
            "votes": size,
            "rules": int(np.count_nonzero(mine)),
            "associated": int(np.count_nonzero(mine & verdict.associated)),
            "linked": int(np.count_nonzero(mine & verdict.linked)),
            "proven": int(np.count_nonzero(mine & verdict.proven)),
            "leastProvableCount": int(association.least_class[label, 2:].min()),
            "smallestAttainableLog10P": log_tail(size, size, size, rules.n_rows) / math.log(10),
        }
        if confirmation is not None:
            by_type[name]["confirmed"] = int(np.count_nonzero(mine & confirmation.confirmed))
    return {
        "votes": rules.n_rows,
        "tests": {str(length): float(association.n_tests[length]) for length in lengths},
        "level": {str(length): math.exp(association.log_levels[length]) for length in lengths},
        "linkLevel": {str(length): math.exp(margins[length]) for length in lengths},
        "pairsAssociated": int(np.count_nonzero(verdict.associated & (rules.lengths == 2))),
        "pairsAssociatedByChance": chance.n_by_chance if chance is not None else None,
        "smallestAttainableLog10P": min(own["smallestAttainableLog10P"] for own in by_type.values() if own["votes"]),
        "eventTypes": by_type,
    }

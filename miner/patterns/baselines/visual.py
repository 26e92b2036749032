"""The visual-only baseline: patterns of filters that fire in one cell, found without a look at captions, named by our namer.

Everything after the itemsets is what our own patterns get: the detectors, the names, the roles, the boxes, the ranking.

Source: Li, Liu, Shen and van den Hengel, "Mid-level Deep Pattern Mining", CVPR 2015; merging of itemsets with the same
evidence and the number of patterns per class from its section 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from miner.patterns.assemble import make_patterns
from miner.patterns.baselines.found import FoundDraft
from miner.patterns.baselines.itemsets import MIN_FILTERS, best_itemsets, distinct_itemsets, frequent_itemsets
from miner.patterns.candidates import MAX_MEMBERS, Candidate
from miner.patterns.merge import Member
from miner.rules.ruleset import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.config import PatternConfig
    from miner.patterns.assemble import PatternSet
    from miner.patterns.baselines.itemsets import CellVotes, Found
    from miner.patterns.pictures import PatternInputs

METHOD = "visual-only"
PUBLISHED = "mdpm"
N_BEST = 50
"""Patterns of each event type that are chosen, before the best of them are kept as of our own; all of them as published."""
ALIKE_ALLOWED = 2.0
"""An overlap that no itemsets reach, so that only those with identical evidence are one."""


def mine_visual_rules(votes: CellVotes, *, max_jaccard: float, threads: int = 1) -> tuple[pa.Table, dict[str, object]]:
    """Find the rules of the baseline.

    Args:
        votes: Cells of the votes.
        max_jaccard: See `best_itemsets`.
        threads: Threads that share the search; never changes the result.

    Returns:
        Schema `RULES`, sorted by event type and then surest first; rules with the same evidence follow each other. And what
        was counted, for the report.

    Raises:
        MiningError: No vote has an event type.
    """
    rules, n_cells = frequent_itemsets(votes, threads=threads)
    rows: list[dict[str, object]] = []
    by_type: dict[str, dict[str, int]] = {}
    smallest = 0.0
    for event_type, name in enumerate(votes.event_types):
        of_type = votes.labels == event_type
        found = distinct_itemsets(rules, votes, event_type)
        best = best_itemsets(found, of_type, n_best=N_BEST, max_jaccard=max_jaccard)
        rows.extend(_rule_rows(found, best, votes))
        smallest = min(smallest, float(found.log_p.min(initial=0)))
        by_type[name] = {
            "votes": int(np.count_nonzero(of_type)),
            "rules": int(np.count_nonzero((rules.labels == event_type) & (rules.lengths > MIN_FILTERS))),
            "of several photo groups": len(found.itemsets),
            "chosen": len(best),
        }
    summary = {"cells": n_cells, "smallestAttainableLog10P": smallest / np.log(10), "eventTypes": by_type}
    return pa.Table.from_pylist(rows, schema=RULES), summary


def _rule_rows(found: Found, best: Sequence[int], votes: CellVotes) -> list[dict[str, object]]:
    labelled, of_type = votes.labels >= 0, votes.labels == found.event_type
    m, n_type = int(np.count_nonzero(labelled)), int(np.count_nonzero(of_type))
    rows = []
    for first in best:
        count = int(np.count_nonzero(found.matches[first] & labelled))
        own = int(np.count_nonzero(found.matches[first] & of_type))
        for place in np.flatnonzero(found.same_as == first)[:MAX_MEMBERS].tolist():
            items = found.itemsets[place]
            rows.append(
                {
                    "visual": items[items >= 0].tolist(),
                    "text": [],
                    "eventType": votes.event_types[found.event_type],
                    "count": count,
                    "classCount": own,
                    "support": own / m,
                    "antecedentSupport": count / m,
                    "confidence": own / count,
                    "lift": own * m / (count * n_type),
                    "pValue": float(np.exp(found.log_p[first])),
                    "logP": float(found.log_p[first]),
                    "proven": False,
                }
            )
    return rows


def mine_visual_patterns(
    inputs: PatternInputs, votes: CellVotes, config: PatternConfig, *, seed: int, published: bool = False
) -> PatternSet:
    """Turn the rules of the baseline into patterns.

    Args:
        inputs: Its rules, as `mine_visual_rules` gives them, and the votes in the order of `votes`.
        votes: Cells of the votes, unlabelled ones included.
        config: As for our own patterns.
        seed: Of the division into folds.
        published: Keep all that were chosen, surest first, rather than to choose and rank as of our own.
    """
    drafts = _drafts(inputs.rules, votes)
    candidates = [Candidate.of(draft, inputs.votes) for draft in drafts]
    if published:
        return make_patterns(candidates, {}, inputs, config, seed=seed, method=PUBLISHED, select=_keep_all)
    return make_patterns(candidates, {}, inputs, config, seed=seed, method=METHOD)


def _keep_all(candidates: Sequence[Candidate], *_: object) -> tuple[list[int], dict[str, int]]:
    """Keep all candidates in their order."""
    return list(range(len(candidates))), {}


def _drafts(rules: pa.Table, votes: CellVotes) -> list[FoundDraft]:
    """Bring together the rules of one event type with the same evidence, in order."""
    itemsets: list[list[int]] = rules["visual"].to_pylist()
    padded = np.full((len(itemsets), max(map(len, itemsets), default=1)), -1, dtype=np.int32)
    for row, items in enumerate(itemsets):
        padded[row, : len(items)] = items
    matches = votes.matches(padded)[:, votes.picture]
    groups: dict[tuple[str, bytes], list[int]] = {}
    for row, event_type in enumerate(rules["eventType"].to_pylist()):
        own = matches[row] & (votes.labels == votes.event_types.index(event_type))
        groups.setdefault((event_type, np.packbits(own).tobytes()), []).append(row)
    return [
        FoundDraft(
            event_type,
            tuple(Member(row, tuple(itemsets[row]), ()) for row in rows),
            np.flatnonzero(matches[rows].any(axis=0)).astype(np.int64),
        )
        for (event_type, _), rows in groups.items()
    ]

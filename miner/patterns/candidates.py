"""Which drafts are worth becoming patterns: their counts over the votes, their rank, and what only repeats a better one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from miner.patterns.merge import jaccard, merge_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.config import PatternConfig
    from miner.patterns.merge import Draft
    from miner.patterns.pictures import Float32s, Int64s, PatternInputs, Votes

MAX_MEMBERS = 24
"""Most rules kept in one pattern."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A draft, counted again on the union of its rules.

    Attributes:
        draft: The rules.
        matches: Rows of the votes that match some rule, ascending, unlabelled ones included.
        own: Those of the event type.
        count: How many of the matching votes are labelled.
        n_labelled: Labelled votes there are.
        n_type: Votes of the event type there are.
    """

    draft: Draft
    matches: Int64s
    own: Int64s
    count: int
    n_labelled: int
    n_type: int

    @classmethod
    def of(cls, draft: Draft, votes: Votes) -> Candidate:
        """Count a draft over the votes."""
        matches = np.flatnonzero(draft.matches(votes))
        of_type = votes.of_type(draft.event_type)
        return cls(
            draft,
            matches,
            matches[of_type[matches]],
            int(np.count_nonzero(votes.labelled[matches])),
            votes.transactions.n_labelled,
            int(np.count_nonzero(of_type)),
        )

    @property
    def class_count(self) -> int:
        """Votes of the event type that match."""
        return len(self.own)

    @property
    def support(self) -> float:
        """Share of the labelled votes that match and have the event type."""
        return self.class_count / self.n_labelled

    @property
    def confidence(self) -> float:
        """Share of the labelled votes that match that have the event type."""
        return self.class_count / self.count

    @property
    def lift(self) -> float:
        """Confidence over the share of the event type."""
        return self.class_count * self.n_labelled / (self.count * self.n_type)


def find_candidates(
    inputs: PatternInputs, config: PatternConfig, *, min_confidence: float
) -> tuple[list[Candidate], dict[str, int]]:
    """Merge the rules of each event type and leave out drafts with too little behind them.

    Args:
        inputs: Rules and what they were mined from.
        config: Overlap for merging, least evidence.
        min_confidence: Least confidence of the union of a draft's rules.

    Returns:
        The candidates by event type, and how many drafts were left out for each reason.
    """
    kept: list[Candidate] = []
    dropped = {"too few photo groups": 0, "confidence of the union": 0}
    for event_type in sorted(set(inputs.rules["eventType"].to_pylist())):
        for draft in merge_rules(
            inputs.rules, inputs.votes, inputs.pictures, event_type,
            min_jaccard=config.merge_jaccard, max_members=MAX_MEMBERS,
        ):  # fmt: skip
            candidate = Candidate.of(draft, inputs.votes)
            if candidate.class_count < config.min_photo_groups:
                dropped["too few photo groups"] += 1
            elif candidate.confidence < min_confidence:
                dropped["confidence of the union"] += 1
            else:
                kept.append(candidate)
    return kept, dropped


def select_best(
    candidates: Sequence[Candidate], grounding: Float32s, names: Sequence[Sequence[str]], config: PatternConfig
) -> tuple[list[int], dict[str, int]]:
    """Rank the candidates of each event type and keep the best that differ from better ones.

    The rank is how well the pattern's words can be told from the picture alone, times its confidence.

    Args:
        candidates: All of them.
        grounding: float32, (n_candidates,), see `miner.patterns.fit.Fit`.
        names: What each candidate is called, if it has a name: a second pattern of one name and event type says no more.
        config: How many to keep, and the overlap from which one repeats another.

    Returns:
        Places of the kept ones by event type, best first, and how many were left out for each reason.
    """
    worth = [float(grounding[place]) * candidate.confidence for place, candidate in enumerate(candidates)]
    order = sorted(range(len(candidates)), key=lambda place: (candidates[place].draft.event_type, -worth[place], place))
    best: dict[str, list[int]] = {}
    dropped = {"repeats a better pattern": 0, "beyond the best": 0}
    for place in order:
        better = best.setdefault(candidates[place].draft.event_type, [])
        if any(
            not set(names[place]).isdisjoint(names[other])
            or _repeats(candidates[place], candidates[other], config.merge_jaccard)
            for other in better
        ):
            dropped["repeats a better pattern"] += 1
        elif len(better) == config.max_patterns:
            dropped["beyond the best"] += 1
        else:
            better.append(place)
    return [place for places in best.values() for place in places], dropped


def _repeats(candidate: Candidate, better: Candidate, min_jaccard: float) -> bool:
    """Tell whether a better pattern has the same words or the same pictures."""
    if candidate.draft.text and candidate.draft.text == better.draft.text:
        return True
    n_both = len(np.intersect1d(candidate.own, better.own, assume_unique=True))
    return bool(jaccard(n_both, len(candidate.own), len(better.own)) >= min_jaccard)

"""Which drafts are worth becoming patterns: their counts over the votes, their rank, and what only repeats a better one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from miner.patterns.merge import jaccard, merge_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.config import PatternConfig
    from miner.patterns.detector import Float64s
    from miner.patterns.merge import Draft
    from miner.patterns.naming import Name
    from miner.patterns.pictures import Float32s, Int64s, PatternInputs, Votes

MAX_MEMBERS = 24
"""Most rules kept in one pattern; without a bound patterns are a little worse (docs/decisions/detectors.md)."""

CUT_RULES = f"rules beyond the {MAX_MEMBERS} strongest of a pattern"


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
        The candidates by event type, how many drafts were left out for each reason, and how many rules of drafts.
    """
    kept: list[Candidate] = []
    n_rules = Counter(inputs.rules["eventType"].to_pylist())
    dropped = {"too few photo groups": 0, "confidence of the union": 0, CUT_RULES: 0}
    for event_type in sorted(n_rules):
        drafts = merge_rules(
            inputs.rules, inputs.votes, inputs.pictures, event_type,
            min_jaccard=config.merge_jaccard, max_members=MAX_MEMBERS,
        )  # fmt: skip
        dropped[CUT_RULES] += n_rules[event_type] - sum(len(draft.members) for draft in drafts)
        for draft in drafts:
            candidate = Candidate.of(draft, inputs.votes)
            if candidate.class_count < config.min_photo_groups:
                dropped["too few photo groups"] += 1
            elif candidate.confidence < min_confidence:
                dropped["confidence of the union"] += 1
            else:
                kept.append(candidate)
    return kept, dropped


def select_best(
    candidates: Sequence[Candidate],
    grounding: Float32s,
    alike: Float64s,
    names: Sequence[Sequence[Name]],
    config: PatternConfig,
) -> tuple[list[int], dict[str, int]]:
    """Rank the candidates of each event type and keep the best that differ from better ones.

    A candidate is worth how well its words can be told from the picture alone, times its confidence. The first is the one
    that is worth most. Then comes, of those called by another noun than all before, the one that is worth most after taking
    off what it has in common with one before: the share of evidence, or that of the variance of scores where this is more,
    since things of two names, such as fire engine and fire truck, are said of different pictures and look the same; the
    others follow when there are no more.

    Args:
        candidates: All of them.
        grounding: float32, (n_candidates,), see `miner.patterns.fit.Fit`.
        alike: float64, (n_candidates, n_candidates), see there.
        names: What each candidate is called, best first, if it has a name: a second pattern of one name and event type says
            no more.
        config: How many to keep, and the overlap from which one repeats another.

    Returns:
        Places of the kept ones by event type, best first, and how many were left out for each reason.

    Source:
        Carbonell and Goldstein, "The use of MMR, diversity-based reranking" (SIGIR 1998), with a product for the difference.
    """
    worth = [float(grounding[place]) * candidate.confidence for place, candidate in enumerate(candidates)]
    order = sorted(range(len(candidates)), key=lambda place: (candidates[place].draft.event_type, -worth[place], place))
    best: dict[str, list[int]] = {}
    dropped = {"repeats a better pattern": 0, "beyond the best": 0}
    for place in order:
        better = best.setdefault(candidates[place].draft.event_type, [])
        called = {name.text for name in names[place][:1]}
        if any(
            not called.isdisjoint(name.text for name in names[other][:1])
            or _repeats(candidates[place], candidates[other], config.merge_jaccard)
            for other in better
        ):
            dropped["repeats a better pattern"] += 1
        else:
            better.append(place)
    heads = [names[place][0].head if names[place] else None for place in range(len(candidates))]
    ranked = [_diversify(places, worth, heads, candidates, alike) for places in best.values()]
    dropped["beyond the best"] = sum(max(0, len(places) - config.max_patterns) for places in ranked)
    return [place for places in ranked for place in places[: config.max_patterns]], dropped


def _diversify(
    places: Sequence[int],
    worth: Sequence[float],
    heads: Sequence[str | None],
    candidates: Sequence[Candidate],
    alike: Float64s,
) -> list[int]:
    """Order candidates of one event type, the most valuable first, so that each differs from those before it."""
    rest, ranked = list(places), list[int]()
    overlap = dict.fromkeys(places, 0.0)
    while rest:
        said = {heads[place] for place in ranked if heads[place] is not None}
        best = max(rest, key=lambda place: (heads[place] not in said, worth[place] * (1 - overlap[place])))
        rest.remove(best)
        ranked.append(best)
        for place in rest:
            common = max(0.0, float(alike[place, best])) ** 2
            overlap[place] = max(overlap[place], common, _overlap(candidates[place], candidates[best]))
    return ranked


def _repeats(candidate: Candidate, better: Candidate, min_jaccard: float) -> bool:
    """Tell whether a better pattern has the same words or the same pictures."""
    same_words = bool(candidate.draft.text) and candidate.draft.text == better.draft.text
    return same_words or _overlap(candidate, better) >= min_jaccard


def _overlap(one: Candidate, other: Candidate) -> float:
    """Return the Jaccard overlap of the evidence of two candidates."""
    n_both = len(np.intersect1d(one.own, other.own, assume_unique=True))
    return float(jaccard(n_both, len(one.own), len(other.own)))

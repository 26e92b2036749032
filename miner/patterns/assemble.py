"""Rules in, patterns out: merge, count again, fit detectors, rank, name, find roles, box the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from miner.patterns.candidates import find_candidates, select_best
from miner.patterns.evidence import EVIDENCE, find_evidence
from miner.patterns.fit import fit_drafts
from miner.patterns.naming import Name, caption_rows, find_phrases, rank_names, sees
from miner.patterns.roles import RoleScore, assigned, rank_roles
from miner.patterns.wider import join_synonyms, widen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from miner.config import PatternConfig
    from miner.patterns.candidates import Candidate
    from miner.patterns.detector import Detectors, Float64s
    from miner.patterns.naming import CaptionRow, Phrases
    from miner.patterns.pictures import Float32s, Int64s, PatternInputs

    Select = Callable[
        [Sequence[Candidate], Float32s, Float64s, Sequence[Sequence[Name]], PatternConfig],
        tuple[list[int], dict[str, int]],
    ]

PATTERNS = pa.schema(
    [
        pa.field("pattern", pa.string(), nullable=False),
        pa.field("eventType", pa.string(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("nameHead", pa.string(), nullable=False),
        pa.field("nameFlags", pa.list_(pa.string()), nullable=False),
        pa.field("alternatives", pa.list_(pa.string()), nullable=False),
        pa.field("alternativeScores", pa.list_(pa.float64()), nullable=False),
        pa.field("members", pa.list_(pa.int32()), nullable=False),
        pa.field("memberVisual", pa.list_(pa.list_(pa.int32())), nullable=False),
        pa.field("memberText", pa.list_(pa.list_(pa.int32())), nullable=False),
        pa.field("visualItems", pa.list_(pa.int32()), nullable=False),
        pa.field("visualWeights", pa.list_(pa.float64()), nullable=False),
        pa.field("textItems", pa.list_(pa.int32()), nullable=False),
        pa.field("textWords", pa.list_(pa.string()), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("classCount", pa.int64(), nullable=False),
        pa.field("support", pa.float64(), nullable=False),
        pa.field("confidence", pa.float64(), nullable=False),
        pa.field("lift", pa.float64(), nullable=False),
        pa.field("pValue", pa.float64(), nullable=False),
        pa.field("qLink", pa.float64(), nullable=False),
        pa.field("proven", pa.bool_(), nullable=False),
        pa.field("grounding", pa.float64(), nullable=False),
        pa.field("nEvidence", pa.int64(), nullable=False),
        pa.field("nPhotoGroups", pa.int64(), nullable=False),
        pa.field("role", pa.string()),
        pa.field("roles", pa.list_(pa.struct([("role", pa.string()), ("score", pa.float64())])), nullable=False),
        pa.field("roleCaptions", pa.list_(pa.struct([("role", pa.string()), ("captions", pa.list_(pa.string()))]))),
        pa.field("method", pa.string(), nullable=False),
    ]
)
"""One row per pattern, by event type and rank. `count` is the labelled votes that match some member, `classCount` those of
the event type; support = classCount / m, confidence = classCount / count; `visualWeights` is the share of those votes in
which each visual item fires. `name` is the first of `alternatives`; `roleCaptions` are captions that argue for a role
(null where nobody looked); shares of `roles` that do not add up to 1 leave the rest to filling none."""

SPARE = 2
"""How many times as many names are ranked as are kept, where synonyms are joined."""

NO_NAME = Name("unnamed", "unnamed", 0.0, is_trigger=False)


@dataclass(frozen=True, eq=False)
class PatternSet:
    """The mined patterns.

    Attributes:
        patterns: Schema `PATTERNS`.
        evidence: Schema `EVIDENCE`, by pattern, strongest first.
        detectors: One per row of `patterns`; none where there are no patterns.
        dropped: How many drafts were left out, by reason.
    """

    patterns: pa.Table
    evidence: pa.Table
    detectors: Detectors | None
    dropped: Mapping[str, int]


class Meaning(NamedTuple):
    """What a pattern is called and which roles it fills, likeliest first."""

    names: list[Name]
    roles: list[RoleScore]


def mine_patterns(inputs: PatternInputs, config: PatternConfig, *, min_confidence: float, seed: int) -> PatternSet:
    """Turn rules into patterns.

    Args:
        inputs: Rules, what they were mined from, and the captions.
        config: Overlap for merging, how many to keep, shrinkage.
        min_confidence: Least confidence of the union of a pattern's rules.
        seed: Of the division into folds.
    """
    candidates, dropped = find_candidates(inputs, config, min_confidence=min_confidence)
    return make_patterns(candidates, dropped, inputs, config, seed=seed)


def make_patterns(
    candidates: Sequence[Candidate],
    dropped: Mapping[str, int],
    inputs: PatternInputs,
    config: PatternConfig,
    *,
    seed: int,
    method: str = "ours",
    select: Select = select_best,
) -> PatternSet:
    """Turn candidates, however they were found, into patterns: fit detectors, name, rank, find roles, box the evidence.

    Args:
        candidates: Drafts that were counted.
        dropped: How many drafts were left out before, by reason.
        inputs: What they were found in, and the captions.
        config: How many to keep, shrinkage, names.
        seed: Of the division into folds.
        method: What found them.
        select: Chooses and ranks those that are kept.
    """
    if not candidates:
        return PatternSet(PATTERNS.empty_table(), EVIDENCE.empty_table(), None, dropped)
    fit = fit_drafts(
        [candidate.draft for candidate in candidates], [candidate.matches for candidate in candidates],
        inputs.votes, inputs.pictures, shrinkage=config.shrinkage, seed=seed,
    )  # fmt: skip
    names = _name_all(candidates, fit.scores, inputs, config)
    best, repeated = select(candidates, fit.grounding, fit.alike, names, config)
    kept = [candidates[place] for place in best]
    meanings = find_meanings(kept, [names[place] for place in best], inputs)
    detectors = fit.detectors.select(best)
    evidence = find_evidence(kept, detectors, inputs)
    rows = pattern_rows(kept, meanings, fit.grounding[best], inputs, method=method)
    return PatternSet(
        pa.Table.from_pylist(rows, schema=PATTERNS),
        pa.Table.from_pylist(evidence, schema=EVIDENCE),
        detectors,
        {**dropped, **repeated},
    )


def _name_all(
    candidates: Sequence[Candidate], scores: Float32s, inputs: PatternInputs, config: PatternConfig
) -> list[list[Name]]:
    """Give every candidate its names, best first."""
    words = frozenset(word for words in inputs.words.values() for word in words)
    phrases = find_phrases(
        inputs.captions,
        inputs.masks,
        inputs.picture_of,
        len(inputs.pictures),
        people=config.person_names,
        words=words,
    )
    return [
        _names(candidate, np.unique(inputs.votes.picture[candidate.own]), scores[:, place], phrases, inputs, config)
        for place, candidate in enumerate(candidates)
    ]


def find_meanings(kept: Sequence[Candidate], names: Sequence[list[Name]], inputs: PatternInputs) -> list[Meaning]:
    """Find the roles that the names fill."""
    evidence = [np.unique(inputs.votes.picture[candidate.own]) for candidate in kept]
    captions_of = _captions_by_picture(inputs, evidence)
    meanings = []
    for candidate, own, pictures in zip(kept, names, evidence, strict=True):
        captions = [row for picture in pictures.tolist() for row in captions_of.get(picture, ())]
        event_type = inputs.ontology.get(candidate.draft.event_type)
        meanings.append(Meaning(own, rank_roles(own[0].head, captions, event_type) if own else []))
    return meanings


def _captions_by_picture(inputs: PatternInputs, evidence: Sequence[Int64s]) -> dict[int, list[CaptionRow]]:
    """Collect the captions of the pictures that are evidence of anything."""
    captions: dict[int, list[CaptionRow]] = {picture: [] for rows in evidence for picture in rows.tolist()}
    for row in caption_rows(inputs.captions):
        picture = inputs.picture_of.get(row["record"])
        if picture in captions:
            captions[picture].append(row)
    return captions


def _names(
    candidate: Candidate,
    evidence: Int64s,
    scores: Float32s,
    phrases: Phrases,
    inputs: PatternInputs,
    config: PatternConfig,
) -> list[Name]:
    """Rank names by the pictures of the event type that show the pattern, as told by detectors that had not seen them."""
    of_type = inputs.votes.of_type(candidate.draft.event_type)
    among = np.unique(inputs.votes.picture[of_type])
    says = np.unique(inputs.votes.picture[candidate.draft.says(inputs.votes) & of_type])
    seen = sees(scores[among], min(len(says), len(among) // 2))
    words = [word for item in candidate.draft.text for word in inputs.words[item]]
    n_names = config.n_alternatives if inputs.encode is None else SPARE * config.n_alternatives
    names = rank_names(
        phrases, among=among, seen=seen, words=words, evidence=evidence,
        max_share=config.max_name_share, n_names=n_names,
    )  # fmt: skip
    if inputs.encode is not None:
        names = join_synonyms(names, inputs.encode)[: config.n_alternatives]
    return widen(names, phrases, evidence)


def pattern_rows(
    kept: Sequence[Candidate], meanings: Sequence[Meaning], grounding: Float32s, inputs: PatternInputs, *, method: str
) -> list[dict[str, Any]]:
    """Write the rows of `PATTERNS`."""
    ranks: dict[str, int] = {}
    rows = []
    for candidate, meaning, grounded in zip(kept, meanings, grounding, strict=True):
        event_type = candidate.draft.event_type
        ranks[event_type] = ranks.get(event_type, 0) + 1
        rows.append(
            {
                "pattern": candidate.draft.pattern,
                "eventType": event_type,
                "rank": ranks[event_type],
                **_name_columns(meaning.names),
                **_item_columns(candidate, inputs),
                **_count_columns(candidate, inputs.rules),
                "grounding": float(grounded),
                "nEvidence": candidate.class_count,
                "nPhotoGroups": candidate.class_count,
                "role": assigned(meaning.roles),
                "roles": [{"role": role.role, "score": role.score} for role in meaning.roles],
                "roleCaptions": [
                    {"role": role.role, "captions": list(role.captions)} for role in meaning.roles if role.captions
                ],
                "method": method,
            }
        )
    return rows


def _name_columns(names: Sequence[Name]) -> dict[str, Any]:
    best = names[0] if names else NO_NAME
    return {
        "name": best.text,
        "nameHead": best.head,
        "nameFlags": ["trigger"] if best.is_trigger else [],
        "alternatives": [name.text for name in names],
        "alternativeScores": [name.score for name in names],
    }


def _item_columns(candidate: Candidate, inputs: PatternInputs) -> dict[str, Any]:
    draft = candidate.draft
    fires = inputs.votes.visual[:, list(draft.visual)][candidate.own]
    return {
        "members": [member.rule for member in draft.members],
        "memberVisual": [list(member.visual) for member in draft.members],
        "memberText": [list(member.text) for member in draft.members],
        "visualItems": list(draft.visual),
        "visualWeights": np.asarray(fires.mean(axis=0)).ravel().tolist(),
        "textItems": list(draft.text),
        "textWords": list(dict.fromkeys(word for item in draft.text for word in inputs.words[item])),
    }


def _count_columns(candidate: Candidate, rules: pa.Table) -> dict[str, Any]:
    """Return the counts of the union of a pattern's rules, and how sure its surest rule is."""
    members = rules.take(pa.array([member.rule for member in candidate.draft.members]))
    return {
        "count": candidate.count,
        "classCount": candidate.class_count,
        "support": candidate.support,
        "confidence": candidate.confidence,
        "lift": candidate.lift,
        "pValue": min(members["pValue"].to_pylist()),
        "qLink": min((q for q in members["qLink"].to_pylist() if q is not None), default=1.0),
        "proven": any(members["proven"].to_pylist()),
    }

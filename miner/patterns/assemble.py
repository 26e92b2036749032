"""Rules in, patterns out: merge, count again, fit detectors, rank, name, find roles, box the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from miner.patterns.evidence import EVIDENCE, heat_box
from miner.patterns.fit import Fit, fit_drafts
from miner.patterns.merge import Draft, jaccard, merge_rules
from miner.patterns.naming import Name, Phrases, caption_rows, find_phrases, rank_names, sees
from miner.patterns.roles import RoleScore, assigned, rank_roles
from miner.store.fingerprint import digest_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kb.ontology import Ontology
    from miner.config import PatternConfig
    from miner.patterns.detector import Detectors
    from miner.patterns.naming import CaptionRow
    from miner.patterns.pictures import Bools, Int64s, Pictures, Votes
    from miner.visual.geometry import Geometry

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
        pa.field("method", pa.string(), nullable=False),
    ]
)
"""One row per pattern, by event type and rank. `count` is the labelled votes that match some member, `classCount` those of
the event type; support = classCount / m, confidence = classCount / count. `name` is the first of `alternatives`."""

MAX_MEMBERS = 24
NO_NAME = "unnamed"


@dataclass(frozen=True, eq=False)
class PatternInputs:
    """Everything patterns are made from.

    Attributes:
        rules: Schema `miner.rules.mine.RULES`.
        votes: The transactions they were mined from.
        pictures: Behind the votes.
        records: Record id of each picture.
        images: Image of each picture, as the corpus names it.
        geometry: Gives the geometry of a picture from its row.
        captions: Schema `CAPTIONS`, of all usable records.
        masks: For each caption, whether each token triggers some event type.
        picture_of: Row of the picture of each record, copies included.
        words: Words of each text item.
        spans: Finds where text items stand in the captions of a record: (caption index, start, end,
            caption), in reading order.
        ontology: Of the event types.
    """

    rules: pa.Table
    votes: Votes
    pictures: Pictures
    records: Sequence[str]
    images: Sequence[str]
    geometry: Callable[[int], Geometry]
    captions: pa.Table
    masks: Sequence[Sequence[bool]]
    picture_of: Mapping[str, int]
    words: Mapping[int, Sequence[str]]
    spans: Callable[[str, Sequence[int]], Sequence[tuple[int, int, int, str]]]
    ontology: Ontology


@dataclass(frozen=True, eq=False)
class PatternSet:
    """The mined patterns.

    Attributes:
        patterns: Schema `PATTERNS`.
        evidence: Schema `EVIDENCE`, by pattern, strongest first.
        detectors: One per row of `patterns`.
        dropped: How many drafts were left out, by reason.
    """

    patterns: pa.Table
    evidence: pa.Table
    detectors: Detectors | None
    dropped: Mapping[str, int]


@dataclass(eq=False)
class _Candidate:
    """A draft with its counts over the votes."""

    draft: Draft
    matches: Bools
    own: Bools
    n_labelled: int
    n_type: int
    place: int = -1
    names: list[Name] = field(default_factory=list)
    roles: list[RoleScore] = field(default_factory=list)

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self.matches))

    @property
    def class_count(self) -> int:
        return int(np.count_nonzero(self.matches & self.own))

    @property
    def confidence(self) -> float:
        return self.class_count / self.count

    @property
    def lift(self) -> float:
        return self.class_count * self.n_labelled / (self.count * self.n_type)


def mine_patterns(inputs: PatternInputs, config: PatternConfig, *, min_confidence: float, seed: int) -> PatternSet:
    """Turn rules into patterns.

    Args:
        inputs: Rules, what they were mined from, and the captions.
        config: Overlap for merging, how many to keep, shrinkage.
        min_confidence: Least confidence of the union of a pattern's rules.
        seed: Of the division into folds.
    """
    candidates, dropped = _candidates(inputs, config, min_confidence)
    if not candidates:
        return PatternSet(PATTERNS.empty_table(), EVIDENCE.empty_table(), None, dropped)
    fit = fit_drafts(
        [c.draft for c in candidates], inputs.votes, inputs.pictures, shrinkage=config.shrinkage, seed=seed
    )
    kept, repeated = _select(candidates, fit, config)
    dropped = {**dropped, **repeated}
    _name_all(kept, inputs, fit, config)
    detectors = fit.detectors.select([c.place for c in kept])
    rows, evidence = [], []
    ranks: dict[str, int] = {}
    sure = _strength(inputs.rules)
    for place, candidate in enumerate(kept):
        rank = ranks[candidate.draft.event_type] = ranks.get(candidate.draft.event_type, 0) + 1
        found = _evidence(candidate, place, inputs, detectors)
        evidence.extend(found)
        rows.append(_row(candidate, rank, len(found), fit, inputs, sure))
    return PatternSet(
        pa.Table.from_pylist(rows, schema=PATTERNS), pa.Table.from_pylist(evidence, schema=EVIDENCE), detectors, dropped
    )


def _candidates(
    inputs: PatternInputs, config: PatternConfig, min_confidence: float
) -> tuple[list[_Candidate], dict[str, int]]:
    """Merge the rules of each event type and leave out drafts with too little behind them."""
    votes = inputs.votes
    n_labelled = int(np.count_nonzero(votes.labelled))
    kept: list[_Candidate] = []
    dropped = {"too few photo groups": 0, "confidence of the union": 0}
    for event_type in sorted(set(inputs.rules["eventType"].to_pylist())):
        own = votes.of_type(event_type)
        for draft in merge_rules(
            inputs.rules, votes, inputs.pictures, event_type,
            min_jaccard=config.merge_jaccard, max_members=MAX_MEMBERS,
        ):  # fmt: skip
            candidate = _Candidate(
                draft, draft.matches(votes) & votes.labelled, own, n_labelled, int(np.count_nonzero(own))
            )
            if candidate.class_count < config.min_photo_groups:
                dropped["too few photo groups"] += 1
            elif candidate.confidence < min_confidence:
                dropped["confidence of the union"] += 1
            else:
                kept.append(candidate)
    return kept, dropped


def _select(
    candidates: Sequence[_Candidate], fit: Fit, config: PatternConfig
) -> tuple[list[_Candidate], dict[str, int]]:
    """Rank the candidates of each event type and keep the best that differ from better ones.

    The rank is how well the pattern's words can be told from the picture alone, times its confidence.
    """
    for place, candidate in enumerate(candidates):
        candidate.place = place
    worth = [float(fit.grounding[c.place]) * c.confidence for c in candidates]
    kept: list[_Candidate] = []
    dropped = {"repeats a better pattern": 0, "beyond the best": 0}
    for event_type in sorted({c.draft.event_type for c in candidates}):
        own = sorted(
            (c for c in candidates if c.draft.event_type == event_type), key=lambda c: (-worth[c.place], c.place)
        )
        best: list[_Candidate] = []
        for candidate in own:
            if any(_repeats(candidate, better, config) for better in best):
                dropped["repeats a better pattern"] += 1
            elif len(best) == config.max_patterns:
                dropped["beyond the best"] += 1
            else:
                best.append(candidate)
        kept.extend(best)
    return kept, dropped


def _repeats(candidate: _Candidate, better: _Candidate, config: PatternConfig) -> bool:
    """Tell whether a better pattern has the same words or the same pictures."""
    if candidate.draft.text == better.draft.text:
        return True
    return jaccard(candidate.matches & candidate.own, better.matches & better.own) >= config.merge_jaccard


def _name_all(kept: Sequence[_Candidate], inputs: PatternInputs, fit: Fit, config: PatternConfig) -> None:
    """Give every pattern its names and roles."""
    phrases = find_phrases(inputs.captions, inputs.masks, inputs.picture_of, len(inputs.pictures))
    captions_of = _captions_by_picture(inputs)
    for candidate in kept:
        evidence = np.unique(inputs.votes.picture[candidate.matches & candidate.own])
        candidate.names = _names(candidate, evidence, inputs, phrases, fit, config)
        rows = [row for picture in evidence.tolist() for row in captions_of.get(picture, ())]
        if candidate.names:
            candidate.roles = rank_roles(
                candidate.names[0].head, rows, _event_type(inputs.ontology, candidate.draft.event_type)
            )


def _event_type(ontology: Ontology, event_type: str) -> Any:  # noqa: ANN401
    return next(item for item in ontology.types if item.id == event_type)


def _captions_by_picture(inputs: PatternInputs) -> dict[int, list[CaptionRow]]:
    captions: dict[int, list[CaptionRow]] = {}
    for row in caption_rows(inputs.captions):
        picture = inputs.picture_of.get(row["record"])
        if picture is not None:
            captions.setdefault(picture, []).append(row)
    return captions


def _names(
    candidate: _Candidate, evidence: Int64s, inputs: PatternInputs, phrases: Phrases, fit: Fit, config: PatternConfig
) -> list[Name]:
    among = np.unique(inputs.votes.picture[candidate.own])
    says = np.unique(inputs.votes.picture[candidate.draft.says(inputs.votes) & candidate.own])
    seen = sees(fit.scores[among, candidate.place], min(len(says), len(among) // 2))
    words = [word for item in candidate.draft.text for word in inputs.words[item]]
    for max_share in (config.max_name_share, 1.0):
        names = rank_names(
            phrases, among=among, seen=seen, words=words, evidence=evidence,
            max_share=max_share, n_names=config.n_alternatives,
        )  # fmt: skip
        if names:
            return names
    return []


def _evidence(candidate: _Candidate, place: int, inputs: PatternInputs, detectors: Detectors) -> list[dict[str, Any]]:
    """Box the pattern in every photo group of its event type that supports it, and find the words that say it."""
    pictures = np.unique(inputs.votes.picture[candidate.matches & candidate.own])
    scores = detectors.scores(inputs.pictures.pooled[pictures])[:, place]
    heat = detectors.heat(inputs.pictures.projected[pictures], place)
    copies = _copies(inputs.picture_of)
    found = []
    for picture, score, cells in zip(pictures.tolist(), scores, heat, strict=True):
        own = inputs.records[picture]
        said = _said(candidate, [own, *(copy for copy in copies[picture] if copy != own)], inputs)
        found.append(
            {
                "pattern": pattern_id(candidate.draft),
                "record": own,
                "image": inputs.images[picture],
                "box": list(heat_box(cells, inputs.geometry(picture))),
                **said,
                "score": float(score),
                "group": int(inputs.pictures.groups[picture]),
            }
        )
    return sorted(found, key=lambda row: (-row["score"], row["record"]))


def _copies(picture_of: Mapping[str, int]) -> dict[int, list[str]]:
    copies: dict[int, list[str]] = {}
    for record, picture in sorted(picture_of.items()):
        copies.setdefault(picture, []).append(record)
    return copies


def _said(candidate: _Candidate, records: Sequence[str], inputs: PatternInputs) -> dict[str, Any]:
    """Find the first words, in the picture's own captions or else a copy's, that say some member of the pattern."""
    nothing = {"caption": None, "captionRecord": None, "captionIndex": None, "start": None, "end": None}
    for record in records:
        spans = inputs.spans(record, candidate.draft.text)
        if spans:
            index, start, end, text = spans[0]
            return {"caption": text, "captionRecord": record, "captionIndex": index, "start": start, "end": end}
    return nothing


def pattern_id(draft: Draft) -> str:
    """Return the id of a pattern: the same event type and items always have the same one."""
    members = [[list(m.visual), list(m.text)] for m in draft.members]
    return "P" + digest_json([draft.event_type, members])[:12]


def _strength(rules: pa.Table) -> dict[str, list[Any]]:
    return {name: rules[name].to_pylist() for name in ("pValue", "qLink", "proven")}


def _row(
    candidate: _Candidate, rank: int, n_evidence: int, fit: Fit, inputs: PatternInputs, sure: Mapping[str, list[Any]]
) -> dict[str, Any]:
    draft = candidate.draft
    members = [m.rule for m in draft.members]
    name = candidate.names[0] if candidate.names else Name(NO_NAME, NO_NAME, 0.0, is_trigger=False)
    return {
        "pattern": pattern_id(draft),
        "eventType": draft.event_type,
        "rank": rank,
        "name": name.text,
        "nameHead": name.head,
        "nameFlags": ["trigger"] if name.is_trigger else [],
        "alternatives": [n.text for n in candidate.names],
        "alternativeScores": [n.score for n in candidate.names],
        "members": members,
        "memberVisual": [list(m.visual) for m in draft.members],
        "memberText": [list(m.text) for m in draft.members],
        "visualItems": list(draft.visual),
        "visualWeights": _visual_weights(candidate, inputs),
        "textItems": list(draft.text),
        "textWords": list(dict.fromkeys(word for item in draft.text for word in inputs.words[item])),
        "count": candidate.count,
        "classCount": candidate.class_count,
        "support": candidate.class_count / candidate.n_labelled,
        "confidence": candidate.confidence,
        "lift": candidate.lift,
        "pValue": min(sure["pValue"][m] for m in members),
        "qLink": min(sure["qLink"][m] for m in members),
        "proven": any(sure["proven"][m] for m in members),
        "grounding": float(fit.grounding[candidate.place]),
        "nEvidence": n_evidence,
        "nPhotoGroups": n_evidence,
        "role": assigned(candidate.roles),
        "roles": [{"role": r.role, "score": r.score} for r in candidate.roles],
        "method": "ours",
    }


def _visual_weights(candidate: _Candidate, inputs: PatternInputs) -> list[float]:
    """Return the share of the supporting votes in which each visual item fires."""
    rows = np.flatnonzero(candidate.matches & candidate.own)
    fires = inputs.votes.visual[rows][:, list(candidate.draft.visual)]
    return [float(share) for share in np.asarray(fires.mean(axis=0)).ravel()]

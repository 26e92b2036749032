"""`run --learn`: mining that heeds what reviewers decided about the patterns of an earlier run.

The decisions are kept as an artefact of their own, `review`, so that the run says what it used and makes its patterns again
only when somebody decided something new. Of the patterns, those that were rejected are left out and the next ones take their
places; accepted ones come first, the others by the probability that they would be accepted; names and roles that a person
gave are kept. Merging, splitting and moving stay with the log: the review applies them to the new patterns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kb.review.log import DecisionLog
from kb.review.matching import match_decisions
from kb.review.mined import Mined
from kb.review.ranking import Ranking, verdicts_of
from kb.review.state import ReviewState
from kb.review.tables import name_columns, role_columns
from miner.errors import ArtefactError
from miner.patterns.assemble import PATTERNS
from miner.store.artefact import Identity
from miner.store.fingerprint import digest_json
from miner.store.formats import write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kb.ontology import Ontology
    from kb.review.decisions import Decision
    from miner.config import PatternConfig
    from miner.patterns.assemble import PatternSet
    from miner.run.folder import RunFolder
    from miner.run.stage import Stage
    from miner.store.artefact import Artefact, ArtefactStore

__all__ = [
    "LOG", "PATCHES", "REVIEW", "Learned", "decision_log", "keep_decisions", "learn_patterns", "learning", "read_decisions",
    "take_decisions", "widened",
]  # fmt: skip

LOG = "review/decisions.jsonl"
"""Where the decisions about a run lie in its folder; no stage touches it."""
PATCHES = "review/patches"
"""Where patches that were looked at are kept in the folder of a run; it may be deleted at any time."""
REVIEW = "review"
VERSION = 1
WIDER = 2
"""How many times as many patterns are considered as are kept."""


@dataclass(frozen=True, eq=False)
class Learned:
    """Patterns as decisions would have them.

    Attributes:
        found: The patterns.
        used: What was used: counts, and the ids of the patterns concerned; JSON.
    """

    found: PatternSet
    used: Mapping[str, Any]


def decision_log(folder: RunFolder) -> DecisionLog:
    """Return the log of the decisions about a run."""
    return DecisionLog(folder.path / LOG)


def take_decisions(folder: RunFolder, base: RunFolder | None = None) -> Sequence[Decision]:
    """Return the decisions about a run; those about the run that it extends become its own.

    Raises:
        ReviewError: A log cannot be read or written.
    """
    log = decision_log(folder)
    known = {decision.id for decision in log.read()}
    for decision in decision_log(base).read() if base else ():
        if decision.id not in known:
            log.append(decision)
    return log.read()


def keep_decisions(decisions: Sequence[Decision], store: ArtefactStore) -> Artefact:
    """Keep decisions as an artefact.

    Raises:
        ArtefactError: The disk is full or the folder cannot be written.
    """
    lines = [decision.to_json() for decision in decisions]
    key = digest_json([REVIEW, VERSION, lines])
    parameters = {"decisions": len(lines), "digest": digest_json(lines)}
    identity = Identity(stage=REVIEW, key=key, version=VERSION, parameters=parameters, inputs={})
    if store.open(REVIEW, key) is None:
        with store.build(identity) as directory:
            write_bytes(directory / "decisions.jsonl", "".join(f"{line}\n" for line in lines).encode())
    kept = store.open(REVIEW, key)
    if kept is None:
        raise ArtefactError(f"{identity.directory} vanished while it was made.", hint="Run the same command again.")
    return kept


def read_decisions(review: Artefact) -> Sequence[Decision]:
    """Return the decisions in an artefact."""
    return DecisionLog(review.file("decisions.jsonl")).read()


def learning(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """Return the stages of a run of which the patterns depend on the `review` artefact."""
    return tuple(replace(s, inputs=(*s.inputs, REVIEW)) if s.name == "patterns" else s for s in stages)


def widened(config: PatternConfig, decisions: Sequence[Decision]) -> PatternConfig:
    """Return a configuration that keeps enough patterns for rejected ones to be replaced and others to move up."""
    n_rejected = len({decision.pattern for decision in decisions if decision.action == "reject"})
    return config.model_copy(update={"max_patterns": WIDER * config.max_patterns + n_rejected})


def learn_patterns(
    found: PatternSet, decisions: Sequence[Decision], ontology: Ontology, *, max_patterns: int
) -> Learned:
    """Choose, order and name patterns as decisions would have them.

    Args:
        found: More patterns than are kept, see `widened`.
        decisions: About patterns of earlier runs.
        ontology: Whose roles may be given.
        max_patterns: Patterns kept per event type.
    """
    mined = Mined(found.patterns, found.evidence)
    state = ReviewState(mined, decisions, match_decisions(mined, decisions))
    likely = Ranking(mined).probabilities(verdicts_of(state))
    status = {name: state[state.root(name)].status for name in mined.rows}
    order = sorted(mined.rows, key=lambda name: (status[name] != "accepted", -likely[name], name))
    kept, beyond = _best([name for name in order if status[name] != "rejected"], mined, max_patterns)
    place = {name: at for at, name in enumerate(mined.rows)}
    rows = [{**mined.rows[name], **_given(state, name, ontology), "rank": rank} for name, rank in kept]
    names = [name for name, _ in kept]
    parts = [mined.evidence.take(mined.evidence_rows(name)) for name in names]
    rejected = sorted(name for name in status if status[name] == "rejected")
    chosen = replace(
        found,
        patterns=pa.Table.from_pylist(rows, schema=PATTERNS),
        evidence=pa.concat_tables([mined.evidence.slice(0, 0), *parts]),
        detectors=found.detectors.select([place[name] for name in names]) if found.detectors and names else None,
        dropped={**found.dropped, "rejected by reviewers": len(rejected), "beyond the best, as learned": beyond},
    )
    return Learned(chosen, _describe(state, decisions, names, rejected, likely))


def _best(order: Sequence[str], mined: Mined, max_patterns: int) -> tuple[list[tuple[str, int]], int]:
    """Return the first patterns of each event type with their ranks, and how many are left out."""
    by_type: dict[str, list[str]] = {}
    for name in order:
        by_type.setdefault(mined.rows[name]["eventType"], []).append(name)
    kept = [(name, rank) for _, own in sorted(by_type.items()) for rank, name in enumerate(own[:max_patterns], start=1)]
    return kept, len(order) - len(kept)


def _given(state: ReviewState, name: str, ontology: Ontology) -> dict[str, Any]:
    """Return the columns of PATTERNS that a person decided."""
    own = state[name]
    row = state.mined.rows[name]
    columns: dict[str, Any] = {}
    if "name" in own.decided:
        columns |= name_columns(row, own.name, [own.name, *(n for n in row["alternatives"] if n != own.name)])
    if "role" in own.decided and own.event_type == row["eventType"]:
        columns |= role_columns(own, row, ontology)
    return columns


def _describe(
    state: ReviewState, decisions: Sequence[Decision], kept: Sequence[str], rejected: Sequence[str],
    likely: Mapping[str, float],
) -> dict[str, Any]:  # fmt: skip
    lost = [was.pattern for was, _ in state.unmatched]
    return {
        "decisions": len(decisions),
        "reviewers": len({decision.who for decision in decisions}),
        "verdicts": len(verdicts_of(state)),
        "rejected": list(rejected),
        "accepted": sorted(name for name in kept if state[name].status == "accepted"),
        "named": sorted(name for name in kept if "name" in state[name].decided),
        "roles": sorted(name for name in kept if "role" in state[name].decided),
        "lost": sorted(lost),
        "probabilities": {name: round(float(np.clip(likely[name], 0, 1)), 6) for name in kept},
    }

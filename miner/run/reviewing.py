"""Reviewing a run: what of its folder a review reads, and the bundle of what was accepted."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kb.bundle import build_bundle
from kb.result import Changes
from kb.review.mined import Mined
from kb.review.session import Review
from kb.review.tables import Counts, reviewed_tables
from miner.config_file import load_config
from miner.errors import ReviewError
from miner.patterns.merge import Draft, Member
from miner.patterns.pictures import Votes
from miner.rules.transactions import Transactions
from miner.run.folder import RunFolder, open_run
from miner.run.learning import decision_log
from miner.run.read_stages import read_declaration, read_ontology
from miner.run.rule_stages import read_regions
from miner.store.fingerprint import digest_bytes, digest_json
from miner.store.formats import read_json, read_table, table_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from kb.bundle import Bundle
    from kb.review.log import Journal
    from kb.review.standing import Status
    from kb.review.tables import Recount
    from kb.store import GraphStore
    from miner.store.artefact import Artefact

__all__ = ["open_review", "reviewed_bundle", "sync_run_reviews"]

logger = logging.getLogger(__name__)

ACCEPTED: Collection[Status] = frozenset({"accepted"})


def open_review(run: Path) -> Review:
    """Open the review of a finished run.

    Raises:
        ArtefactError: There is no finished run in the folder.
    """
    folder = open_run(run)
    artefact = folder.artefact("patterns")
    learned = artefact.path / "learned.json"
    mined = Mined(
        patterns=read_table(artefact.file("patterns.parquet")),
        evidence=read_table(artefact.file("evidence.parquet")),
        run=artefact.key,
        learned=read_json(learned)["probabilities"] if learned.exists() else {},
    )
    return Review(mined, decision_log(folder), read_ontology(folder.artefact("label")))


def reviewed_bundle(run: Path, *, statuses: Collection[Status] = ACCEPTED, journal: Journal | None = None) -> Bundle:
    """Build the bundle of a run as it was reviewed: accepted patterns only, renamed, merged, split and moved.

    Its images and captions are those of the whole corpus; its run is called by a key of its own, so that it never passes for
    the bundle of what was mined.

    Args:
        run: A run folder.
        statuses: Which patterns, by their status.
        journal: Where decisions about it are kept; its folder if not given.

    Raises:
        ArtefactError: There is no finished run in the folder.
        ReviewError: No pattern has such a status.
    """
    folder = open_run(run)
    artefacts = folder.artefacts()
    review = open_review(run)
    review = review if journal is None else Review(review.mined, journal, review.ontology)
    patterns, evidence = reviewed_tables(
        review.state, statuses=statuses, ontology=review.ontology, recount=_recount(artefacts["transactions"])
    )
    if not patterns.num_rows:
        raise ReviewError(
            f"No pattern of {run} is {' or '.join(sorted(statuses))}.",
            hint=f"Review them with 'eventminer review {run}'.",
        )
    config = load_config(folder.path / "run.toml")
    # It brings the language pipeline along, which takes seconds to import.
    from miner.run.bundle_stage import bundle_inputs  # noqa: PLC0415

    mined = bundle_inputs(artefacts, config, read_declaration(artefacts["read"]))
    digests = [digest_bytes(table_bytes(table)) for table in (patterns, evidence)]
    info = replace(mined.run, key=digest_json([mined.run.key, *digests]))
    return build_bundle(replace(mined, run=info, patterns=patterns, evidence=evidence))


def sync_run_reviews(run: Path, store: GraphStore) -> Changes:
    """Bring the log of a run and a store it was loaded into to the same decisions.

    Does nothing for what is no run, nor for one of which only the bundle is there: decisions speak of its patterns.

    Raises:
        KbError: The store cannot be read or written.
        ReviewError: The log cannot.
    """
    folder = RunFolder(run)
    corpus = folder.read_state().get("corpus")
    if corpus is None:
        return Changes()
    if not _has_patterns(folder):
        if decision_log(folder).path.exists():
            logger.warning("%s lacks its patterns, so its decisions stay where they are; run it again for them.", run)
        return Changes()
    review = open_review(run)
    # It brings SciPy along, which a review page that opens has no use for.
    from kb.review.graph import sync_reviews  # noqa: PLC0415

    return sync_reviews(review.journal, store, str(corpus), review.mined)


def _has_patterns(folder: RunFolder) -> bool:
    keys = folder.read_state().get("stages")
    return (
        isinstance(keys, dict)
        and "patterns" in keys
        and folder.store.open("patterns", str(keys["patterns"])) is not None
    )


def _recount(transactions: Artefact) -> Recount:
    """Return what counts the votes that match any of some members."""
    held = Transactions.from_table(read_table(transactions.file("transactions.parquet")))
    votes = Votes(held, np.zeros(len(held), dtype=np.int64), read_regions(transactions))

    def count(event_type: str, members: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Counts:
        rules = tuple(Member(0, tuple(visual), tuple(text)) for visual, text in members)
        matches = Draft(event_type, rules).matches(votes) & votes.labelled
        of_type = votes.of_type(event_type) if event_type in held.event_types else np.zeros(len(held), dtype=bool)
        return Counts(int(matches.sum()), int((matches & of_type).sum()), int(of_type.sum()), held.n_labelled)

    return count

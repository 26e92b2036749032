"""Decisions in a graph store: `Review` nodes, written once and never changed by a load.

Every decision of a log becomes a node that joins the patterns of now that it is about, whatever they were called when it was
made, and an undo or redo the decision it takes back. A node holds the line of the log too, so that a log can be read back.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from kb.model import node_id
from kb.result import Changes
from kb.review import statements
from kb.review.decisions import REVERSALS, parse_decision
from kb.review.graph_reading import find_corpus, read_mined, read_ontology
from kb.review.matching import match_decisions
from kb.review.session import Review
from kb.review.state import ReviewState
from miner.errors import KbError, ReviewError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kb.result import Params
    from kb.review.decisions import Decision
    from kb.review.log import Journal
    from kb.review.mined import Mined
    from kb.review.standing import Entry
    from kb.store import GraphStore

__all__ = ["GraphJournal", "open_kb_review", "read_reviews", "sync_reviews"]

BATCH_ROWS = 500
READ_TIMEOUT_S = 600.0
WHY = {"reject": "reason", "rename": "name", "set-role": "role", "move": "eventType", "note": "text", "split": "name"}
"""The field of a decision that `Review.note` shows."""


def read_reviews(store: GraphStore, corpus: str) -> list[Decision]:
    """Return the decisions about the patterns of a corpus, in their order.

    Raises:
        KbError: The store cannot be read.
    """
    rows = store.read(statements.READ_REVIEWS, {"corpus": corpus}, timeout_s=READ_TIMEOUT_S).rows
    return [decision for (line,) in rows if (decision := parse_decision(line)) is not None]


def sync_reviews(journal: Journal, store: GraphStore, corpus: str, mined: Mined | None = None) -> Changes:
    """Bring a log and a store to the same decisions, and join the store's to the patterns of now.

    Doing it again changes nothing. Nothing of either is lost: what only the store has is added to the log.

    Args:
        journal: The log.
        store: Where the patterns of the corpus are loaded.
        corpus: Its name.
        mined: Patterns in the store; read from there if not given.

    Returns:
        What changed in the store.

    Raises:
        KbError: The store cannot be read or written.
        ReviewError: The log cannot.
    """
    known = {decision.id for decision in journal.read()}
    for decision in read_reviews(store, corpus):
        if decision.id not in known:
            journal.append(decision)
    decisions = tuple(journal.read())
    if not decisions:
        return Changes()
    now = mined or read_mined(store, corpus)
    state = ReviewState(now, decisions, match_decisions(now, decisions))
    return write_reviews(state.history, store, corpus, state)


def write_reviews(
    entries: Iterable[Entry], store: GraphStore, corpus: str, state: ReviewState, first: int = 0
) -> Changes:
    """Write entries of a history as nodes, and join them to what they are about.

    Args:
        entries: In their order.
        store: Where to.
        corpus: Name of the corpus.
        state: Whose history it is.
        first: Position of the first of them in the log.

    Raises:
        KbError: The store cannot be written.
    """
    rows = [_row(entry, corpus, position, state) for position, entry in enumerate(entries, start=first)]
    changes = Changes()
    for start in range(0, len(rows), BATCH_ROWS):
        batch = rows[start : start + BATCH_ROWS]
        for statement in (statements.MERGE_REVIEWS, statements.UNLINK_REVIEWS, statements.LINK_REVIEWS):
            changes += store.write(statement, {"rows": batch}).changes
        merged = [{"id": row["id"], "pattern": other} for row in batch for other in row["others"]]
        reversed_ = [{"id": row["id"], "target": row["target"]} for row in batch if row["target"]]
        changes += _write(store, statements.LINK_MERGED, {"rows": merged})
        changes += _write(store, statements.LINK_REVERSED, {"rows": reversed_})
    return changes


def _write(store: GraphStore, statement: str, params: Params) -> Changes:
    return store.write(statement, params).changes if params["rows"] else Changes()


def _row(entry: Entry, corpus: str, position: int, state: ReviewState) -> dict[str, Any]:
    decision = entry.decision
    others = [state.matches.current(name) for name in decision.fields.get("others", ())]
    is_reversal = decision.action in REVERSALS
    target = node_id("Review", corpus, str(decision.fields["decision"])) if is_reversal else None
    # A split-off pattern is no node of the store: what is decided about it is joined to the one it was split from.
    pattern = _mined_pattern(entry.current, state) or decision.pattern
    props = {
        "patternId": node_id("Pattern", corpus, pattern),
        "decision": decision.action,
        "note": str(decision.fields.get(WHY.get(decision.action, ""), "") or "") or None,
        "who": decision.who,
        "at": decision.at,
        "holds": entry.holds,
        "idle": entry.idle or None,
        "corpus": corpus,
        "position": position,
        "line": decision.to_json(),
    }
    return {
        "id": node_id("Review", corpus, decision.id),
        "pattern": props["patternId"],
        "others": [node_id("Pattern", corpus, name) for name in others if name is not None],
        "target": target,
        "props": props,
    }


def _mined_pattern(pattern: str | None, state: ReviewState) -> str | None:
    while pattern is not None and pattern in state and (parent := state[pattern].split_from) is not None:
        pattern = parent
    return pattern


class GraphJournal:
    """A journal whose decisions are kept in a store alone. Threads may share it.

    Args:
        store: An open store.
        corpus: Name of the corpus.
        mined: Its patterns.
    """

    def __init__(self, store: GraphStore, corpus: str, mined: Mined) -> None:
        """Remember the store; nothing is read yet."""
        self._store = store
        self._corpus = corpus
        self._mined = mined
        self._decisions: tuple[Decision, ...] = ()
        self._lock = threading.RLock()

    def append(self, decision: Decision) -> None:
        """Add a decision, and return when the store has it.

        Raises:
            ReviewError: The store cannot be written.
        """
        with self._lock:
            decisions = (*self.read(), decision)
            state = ReviewState(self._mined, decisions, match_decisions(self._mined, decisions))
            changed = [entry for entry in state.history if entry.decision.id == decision.fields.get("decision")]
            try:
                write_reviews(state.history[-1:], self._store, self._corpus, state, len(decisions) - 1)
                for entry in changed:
                    write_reviews([entry], self._store, self._corpus, state, state.history.index(entry))
            except KbError as error:
                raise ReviewError(f"The decision was not kept: {error.message}", hint=error.hint) from error
            self._decisions = decisions

    def read(self) -> Sequence[Decision]:
        """Return all decisions; they are read again only when their number has changed.

        Raises:
            ReviewError: The store cannot be read.
        """
        with self._lock:
            try:
                count = self._store.read(statements.COUNT_REVIEWS, {"corpus": self._corpus}, timeout_s=READ_TIMEOUT_S)
                if count.rows[0][0] != len(self._decisions):
                    self._decisions = tuple(read_reviews(self._store, self._corpus))
            except KbError as error:
                raise ReviewError(f"The decisions cannot be read: {error.message}", hint=error.hint) from error
            return self._decisions


def open_kb_review(store: GraphStore, corpus: str | None = None) -> Review:
    """Open the review of a corpus that is loaded into a store; its decisions are kept there.

    Args:
        store: An open store; whoever opened it closes it.
        corpus: Name of the corpus; may be left out where there is one only.

    Raises:
        KbError: The store cannot be read, or has no such corpus.
    """
    name = find_corpus(store, corpus)
    mined = read_mined(store, name)
    return Review(mined, GraphJournal(store, name, mined), read_ontology(store))

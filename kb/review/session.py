"""One review at work: mined patterns and a journal of decisions, with what is checked before a decision is kept."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from kb.review.decisions import REVERSALS, clean_fields, new_decision
from kb.review.matching import match_decisions
from kb.review.ranking import Ranking
from kb.review.state import ReviewState
from miner.errors import ReviewError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb.ontology import Ontology
    from kb.review.decisions import Decision, Fingerprint
    from kb.review.log import Journal
    from kb.review.mined import Mined
    from kb.review.ranking import Ranked

__all__ = ["Review"]


class Review:
    """A review. Safe to share between threads; other processes may write to the same journal.

    Args:
        mined: The patterns.
        journal: Where decisions are kept.
        ontology: Event types and roles to choose from.

    Attributes:
        mined: The patterns.
        journal: Where decisions are kept.
        ontology: Event types and roles to choose from.
    """

    def __init__(self, mined: Mined, journal: Journal, ontology: Ontology) -> None:
        """Read what was decided so far at the first use of `state`."""
        self.mined = mined
        self.journal = journal
        self.ontology = ontology
        self._lock = threading.RLock()
        self._seen: Sequence[Decision] | None = None
        self._state: ReviewState | None = None
        self._ranking: Ranking | None = None
        self._queue: tuple[ReviewState, bool, list[Ranked]] | None = None

    @property
    def state(self) -> ReviewState:
        """The patterns as they stand now, with what others have decided meanwhile.

        Raises:
            ReviewError: The journal cannot be read.
        """
        with self._lock:
            decisions = self.journal.read()
            if self._state is None or self._seen is None or len(decisions) != len(self._seen):
                self._state = ReviewState(self.mined, decisions, match_decisions(self.mined, decisions))
                self._seen = decisions
            return self._state

    def queue(self, *, learn: bool = True) -> list[Ranked]:
        """Return the open patterns in the order in which to look at them, see `kb.review.ranking`.

        Args:
            learn: Whether verdicts bear on the order.

        Raises:
            ReviewError: The journal cannot be read.
        """
        with self._lock:
            state = self.state
            if self._ranking is None:
                self._ranking = Ranking(self.mined)
            if self._queue is None or self._queue[:2] != (state, learn):
                self._queue = (state, learn, self._ranking.order(state, learn=learn))
            return self._queue[2]

    def decide(self, who: str, action: str, pattern: str, **fields: Any) -> Decision:  # noqa: ANN401 - checked here
        """Check and keep a decision; it is on the disk when this returns.

        Args:
            who: Reviewer.
            action: accept, reject, rename, merge, split, set-role, move or note.
            pattern: Id of the pattern.
            **fields: What the action says, see `kb.review.decisions.FIELDS`.

        Raises:
            ReviewError: There is no such pattern, event type, role or evidence, a field is wrong, or it cannot be kept.
        """
        with self._lock:
            state = self.state
            if action in REVERSALS:
                raise ReviewError(f"{action} is not decided about a pattern.", hint="Use Review.undo or Review.redo.")
            decision = new_decision(who, action, pattern, fields, run=self.mined.run)
            self._check(state, decision)
            others = [self._fingerprint(state, other) for other in decision.fields.get("others", ())]
            prints = {"about": self._fingerprint(state, pattern), "others": tuple(filter(None, others))}
            decision = decision.model_copy(update=prints)
            self.journal.append(decision)
            return decision

    def undo(self, who: str, decision: str | None = None) -> Decision:
        """Take back a decision: the reviewer's last one that holds, or the one named.

        Raises:
            ReviewError: There is nothing to undo, or it cannot be kept.
        """
        return self._reverse(who, "undo", decision)

    def redo(self, who: str, decision: str | None = None) -> Decision:
        """Bring back a decision: what the reviewer last undid, or the one named.

        Raises:
            ReviewError: There is nothing to redo, or it cannot be kept.
        """
        return self._reverse(who, "redo", decision)

    def _reverse(self, who: str, action: str, name: str | None) -> Decision:
        with self._lock:
            state = self.state
            target = state.next_undo(who) if action == "undo" else state.next_redo(who)
            if name is not None:
                target = next((e.decision for e in state.history if e.decision.id == name and _fits(e, action)), None)
            if target is None:
                raise ReviewError(f"There is nothing to {action}.")
            decision = new_decision(who, action, target.pattern, {"decision": target.id}, run=self.mined.run)
            self.journal.append(decision)
            return decision

    def _fingerprint(self, state: ReviewState, pattern: str) -> Fingerprint | None:
        if state[pattern].split_from is not None:
            return None
        return self.mined.fingerprint(pattern, state.matches.formerly(pattern))

    def _check(self, state: ReviewState, decision: Decision) -> None:
        fields = clean_fields(decision.action, decision.fields)
        for name in (decision.pattern, *fields.get("others", ())):
            if name not in state:
                raise ReviewError(
                    f"There is no pattern {name[:100]!r}.", hint="It may have been mined again: look again."
                )
        own = state[decision.pattern]
        if decision.action == "move" and fields["eventType"] not in self.ontology.ids:
            raise ReviewError(
                f"There is no event type {fields['eventType']!r}; there are: {', '.join(self.ontology.ids)}."
            )
        if decision.action == "set-role" and fields["role"] is not None:
            known = [role.name for role in self.ontology.get(own.event_type).roles]
            if fields["role"] not in known:
                raise ReviewError(
                    f"{own.event_type} has no role {fields['role']!r}; it has: {', '.join(known) or 'none'}."
                )
        if decision.action == "merge":
            self._check_merge(state, decision)
        if decision.action == "split":
            self._check_split(state, decision)

    @staticmethod
    def _check_merge(state: ReviewState, decision: Decision) -> None:
        for name in decision.fields["others"]:
            if name == state.root(decision.pattern):
                raise ReviewError(f"{decision.pattern} is part of {name}, so {name} cannot become part of it.")

    @staticmethod
    def _check_split(state: ReviewState, decision: Decision) -> None:
        there = {state.mined.records[row] for row in state.evidence_rows(decision.pattern).tolist()}
        wanted = set(decision.fields["records"])
        if missing := sorted(wanted - there):
            raise ReviewError(f"{decision.pattern} has no evidence of record {missing[0][:100]!r}.")
        if wanted == there:
            raise ReviewError("A split must leave some evidence behind.", hint="Rename the pattern instead.")


def _fits(entry: Any, action: str) -> bool:  # noqa: ANN401 - an entry of the history
    return entry.decision.action not in REVERSALS and entry.holds == (action == "undo")

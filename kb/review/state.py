"""What the patterns are after all decisions: the replay of a log over mined patterns.

Replay starts from the mined patterns each time and applies the decisions that hold, in the order of the log. Nothing in a log
can make it fail: a decision that cannot be applied is idle and says why.

- A decision holds unless the last reversal of it is an undo; a redo makes it hold again. Whoever undoes, the decision is the
  one that its id names; `next_undo` and `next_redo` give what the keys of one reviewer mean, across sessions.
- Of several decisions about one thing of a pattern (its verdict, name, role, event type, what it is merged into) the last
  holds. Where the last words of two reviewers on it differ, that is a conflict: both are kept and shown, the later one
  stands until they agree.
- A merged pattern lives on in the one it was merged into; a split-off pattern has an id that follows from its decision.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from kb.review.decisions import REVERSALS, split_id
from kb.review.matching import Matches, match_decisions
from kb.review.mined import Mined
from kb.review.standing import APPLY, VERDICTS, Choice, Conflict, Entry, Note, Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt
    import pyarrow as pa

    from kb.review.decisions import Decision, Fingerprint
    from kb.review.standing import Status

    Int64s = npt.NDArray[np.int64]


class ReviewState:
    """The outcome of a replay; made by `review_state`.

    Attributes:
        mined: What the decisions are about.
        matches: What became of the patterns of earlier runs.
        history: Every decision, in the order of the log.
        conflicts: Where reviewers do not agree.
    """

    def __init__(self, mined: Mined, decisions: Sequence[Decision], matches: Matches) -> None:
        """Replay."""
        self.mined = mined
        self.matches = matches
        self._touched: dict[str, Pattern] = {}
        self._owner: dict[int, str] = {}
        self._choices: dict[tuple[str, str], dict[str, Choice]] = {}
        self._of: dict[str, list[Entry]] = {}
        self._holding = _holding(decisions)
        self.history = tuple(self._replay(decisions))
        self.conflicts = tuple(self._find_conflicts())

    # Reading

    def __contains__(self, pattern: object) -> bool:
        """Tell whether there is such a pattern, merged or not."""
        return pattern in self._touched or pattern in self.mined.rows

    def __getitem__(self, pattern: str) -> Pattern:
        """Return a pattern, merged or not.

        Raises:
            KeyError: There is none.
        """
        return self._touched.get(pattern) or self._fresh(pattern)

    def ids(self) -> Iterator[str]:
        """Yield the ids of the patterns that are there on their own: mined or split off, not merged into another."""
        for pattern in self.mined.rows:
            if pattern not in self._touched or self._touched[pattern].merged_into is None:
                yield pattern
        for pattern, own in self._touched.items():
            if own.split_from is not None and own.merged_into is None:
                yield pattern

    @cached_property
    def patterns(self) -> dict[str, Pattern]:
        """The patterns that are there on their own, by id."""
        return {pattern: self[pattern] for pattern in self.ids()}

    def root(self, pattern: str) -> str:
        """Return the id of the pattern that a pattern is part of, itself where it was not merged."""
        while (target := self[pattern].merged_into) is not None:
            pattern = target
        return pattern

    def parts(self, pattern: str) -> list[str]:
        """Return a pattern and all that was merged into it, directly or not."""
        found = [pattern]
        for part in found:
            found.extend(self[part].members)
        return found

    def evidence_rows(self, pattern: str) -> Int64s:
        """Return the rows of `mined.evidence` that support a pattern with its parts, best first, one per photo group."""
        parts = self.parts(pattern)
        rows = np.concatenate([self._own_rows(part) for part in parts])
        if len(parts) == 1 and self[pattern].split_from is None:
            return rows
        # What was split off a merged pattern may have one photograph from several of its parts.
        rows = rows[np.lexsort((rows, -self.mined.scores[rows]))]
        return rows[np.sort(np.unique(self.mined.groups[rows], return_index=True)[1])]

    def evidence(self, pattern: str) -> pa.Table:
        """Return the evidence of a pattern with its parts, schema EVIDENCE; `pattern` is the one each row was mined for."""
        return self.mined.evidence.take(self.evidence_rows(pattern))

    def alternatives(self, pattern: str) -> list[str]:
        """Return the names to choose from: the present one, its own, those of its parts."""
        rows = [self.mined.rows[self[part].source] for part in self.parts(pattern)]
        own = [self[part].name for part in self.parts(pattern)]
        return list(dict.fromkeys([*own[:1], *(name for row in rows for name in row["alternatives"]), *own[1:]]))

    def history_of(self, pattern: str) -> list[Entry]:
        """Return the decisions about a pattern and its parts, oldest first."""
        entries = {entry.decision.id: entry for part in self.parts(pattern) for entry in self._of.get(part, ())}
        return [entries[entry.decision.id] for entry in self.history if entry.decision.id in entries]

    def choices(self, aspect: str) -> dict[str, list[Choice]]:
        """Return for each pattern the last word of every reviewer on one thing of it, latest last."""
        return {name: list(own.values()) for (name, about), own in self._choices.items() if about == aspect}

    def conflicts_of(self, pattern: str) -> list[Conflict]:
        """Return the conflicts about a pattern."""
        return [conflict for conflict in self.conflicts if conflict.pattern == pattern]

    @cached_property
    def unmatched(self) -> list[tuple[Fingerprint, list[Entry]]]:
        """Patterns of earlier runs that no pattern of now is, with the decisions about them; without `not_back`."""
        return [lost for lost in self._lost if not _is_rejected(lost[1])]

    @cached_property
    def not_back(self) -> list[tuple[Fingerprint, list[Entry]]]:
        """Patterns of earlier runs that were rejected and that are not there any more, with the decisions about them."""
        return [lost for lost in self._lost if _is_rejected(lost[1])]

    @cached_property
    def _lost(self) -> list[tuple[Fingerprint, list[Entry]]]:
        groups: dict[str, tuple[Fingerprint, list[Entry]]] = {}
        for entry in self.history:
            was = self.matches.lost.get(entry.decision.pattern)
            if was is not None:
                groups.setdefault(was.pattern, (was, []))[1].append(entry)
        return list(groups.values())

    def counts(self) -> dict[Status, int]:
        """Count the patterns by status."""
        counts: dict[Status, int] = {"open": 0, "accepted": 0, "rejected": 0}
        for pattern in self.patterns.values():
            counts[pattern.status] += 1
        return counts

    def next_undo(self, who: str) -> Decision | None:
        """Return the decision that a reviewer's next undo takes back: their last one that holds."""
        own = [e for e in self.history if e.decision.who == who and e.decision.action not in REVERSALS and e.holds]
        return own[-1].decision if own else None

    def next_redo(self, who: str) -> Decision | None:
        """Return the decision that a reviewer's next redo brings back: the last they undid since their last new one."""
        undone: list[str] = []
        for entry in self.history:
            decision = entry.decision
            if decision.who != who:
                continue
            if decision.action == "undo":
                undone.append(decision.fields["decision"])
            elif decision.action == "redo":
                undone = [name for name in undone if name != decision.fields["decision"]]
            else:
                undone = []
        undone = [name for name in undone if not self._holding.get(name, True)]
        return next((e.decision for e in self.history if undone and e.decision.id == undone[-1]), None)

    # Replaying

    def _fresh(self, pattern: str) -> Pattern:
        row = self.mined.rows[pattern]
        return Pattern(pattern, pattern, "open", row["name"], row["role"], row["eventType"])

    def _own(self, pattern: str) -> Pattern:
        """Return a pattern for changing it."""
        return self._touched.setdefault(pattern, self[pattern])

    def _own_rows(self, pattern: str) -> Int64s:
        own = self[pattern]
        if own.split_from is not None:
            return np.array([row for row, owner in self._owner.items() if owner == pattern], dtype=np.int64)
        rows = self.mined.evidence_rows(pattern)
        if not self._owner:
            return rows
        return np.array([row for row in rows.tolist() if row not in self._owner], dtype=np.int64)

    def _replay(self, decisions: Sequence[Decision]) -> Iterator[Entry]:
        by_id = {decision.id: decision for decision in decisions}
        for decision in decisions:
            if decision.action in REVERSALS:
                entry = self._reversal(decision, by_id)
            else:
                current = self.matches.current(decision.pattern)
                holds = self._holding[decision.id]
                entry = Entry(decision, holds, self._apply(decision, current) if holds else "", current)
            if entry.current is not None:
                self._of.setdefault(entry.current, []).append(entry)
            yield entry

    def _reversal(self, decision: Decision, by_id: Mapping[str, Decision]) -> Entry:
        target = by_id.get(decision.fields["decision"])
        if target is None or target.action in REVERSALS:
            return Entry(decision, True, "there is no such decision to take back", None)  # noqa: FBT003 - a field
        return Entry(decision, True, "", self.matches.current(target.pattern))  # noqa: FBT003 - a field

    def _apply(self, decision: Decision, current: str | None) -> str:
        """Apply one decision; return why it is idle, empty where it is not."""
        if current is None:
            return "no pattern of now is the one it is about"
        if current not in self:
            return "there is no such pattern"
        if decision.action == "merge":
            return self._merge(decision, current)
        if decision.action == "split":
            return self._split(decision, current)
        own = self._own(current)
        if decision.action == "note":
            own.notes.append(Note(decision.who, decision.at, decision.fields["text"], decision.id))
            return ""
        aspect, value = APPLY[decision.action](own, decision.fields)
        own.decided.add(aspect)
        self._choose(current, aspect, decision, value)
        if own.merged_into is not None:
            self._choose(current, "merge", decision, current)
        return "" if own.merged_into is None else "it was part of another pattern by then"

    def _choose(self, pattern: str, aspect: str, decision: Decision, value: str) -> None:
        choices = self._choices.setdefault((pattern, aspect), {})
        choices.pop(decision.who, None)
        choices[decision.who] = Choice(decision.who, decision.at, value, decision.id)

    def _merge(self, decision: Decision, current: str) -> str:
        others = [self.matches.current(name) for name in decision.fields["others"]]
        known = [name for name in dict.fromkeys(others) if name is not None and name in self]
        fitting = [name for name in known if current not in self.parts(name)]
        for name in fitting:
            other = self._own(name)
            if other.merged_into is not None:
                self._own(other.merged_into).members.remove(name)
            other.merged_into = current
            self._own(current).members.append(name)
            self._choose(name, "merge", decision, current)
        if len(fitting) < len(known) and self[current].merged_into is not None:
            # Whoever merges something into a part of it wants that part on its own.
            self._choose(current, "merge", decision, current)
        return "" if fitting else "what it merges is not there, or this pattern is part of it"

    def _split(self, decision: Decision, current: str) -> str:
        wanted = set(decision.fields["records"])
        parts = self.parts(current)
        rows = np.concatenate([self._own_rows(part) for part in parts]).tolist()
        chosen = [row for row in rows if self.mined.records[row] in wanted]
        if not chosen:
            return "none of its evidence is there any more"
        if len(chosen) == len(rows):
            return "it would take all of the evidence"
        own, new = self[current], split_id(decision.id)
        name = decision.fields["name"] or own.name
        self._touched[new] = Pattern(new, own.source, "open", name, own.role, own.event_type, split_from=current)
        self._owner.update(dict.fromkeys(chosen, new))
        return ""

    def _find_conflicts(self) -> Iterator[Conflict]:
        for (pattern, aspect), choices in self._choices.items():
            if len({choice.value for choice in choices.values()}) > 1:
                yield Conflict(pattern, aspect, tuple(choices.values()))


def _is_rejected(entries: Iterable[Entry]) -> bool:
    verdicts = [entry.decision.action for entry in entries if entry.holds and entry.decision.action in VERDICTS]
    return verdicts[-1:] == ["reject"]


def _holding(decisions: Iterable[Decision]) -> dict[str, bool]:
    """Tell of each decision whether it holds: a reversal counts only after what it reverses."""
    holding: dict[str, bool] = {}
    for decision in decisions:
        target = decision.fields.get("decision")
        if decision.action not in REVERSALS:
            holding[decision.id] = True
        elif target in holding:
            holding[target] = decision.action == "redo"
    return holding


def review_state(
    patterns: pa.Table, evidence: pa.Table, decisions: Iterable[Decision], *, run: str = ""
) -> ReviewState:
    """Replay decisions over mined patterns.

    Args:
        patterns: Schema PATTERNS.
        evidence: Schema EVIDENCE.
        decisions: Of any log, in its order; any decisions at all.
        run: Key of what mined the patterns.
    """
    mined = Mined(patterns, evidence, run)
    decisions = tuple(decisions)
    return ReviewState(mined, decisions, match_decisions(mined, decisions))

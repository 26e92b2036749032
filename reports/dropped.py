"""From the records of a corpus to what a report shows: how much each step kept, and why the rest was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from miner.patterns.candidates import CUT_RULES
from reports import losses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.inputs import ReportInputs

PATTERN_REASONS = {
    "confidence of the union": "taken together, their rules point to the event type less surely than asked",
    "too few photo groups": "evidence from too few different photographs",
    "repeats a better pattern": "the evidence of a better pattern again",
    "beyond the best": "beyond the number of patterns asked for per event type",
}
RULE_TESTS = (
    ("associated", "do not point to their event type more surely than chance"),
    ("linked", "picture and words do not belong together within the event type"),
    ("proven", "some item of the rule adds nothing"),
    ("confirmed", "do not show again in the other half of the photo groups"),
)


@dataclass(frozen=True)
class Step:
    """One step of the way.

    Attributes:
        name: What is counted.
        before: How many there were.
        kept: How many went on.
        reasons: Why the others did not, and how many; reasons of steps where nothing is lost say so.
        note: What being left out means.
    """

    name: str
    before: int
    kept: int
    reasons: tuple[tuple[str, int], ...]
    note: str

    @property
    def share(self) -> float:
        """What was kept, in hundredths."""
        return 100 * self.kept / self.before if self.before else 0.0


def list_steps(inputs: ReportInputs, *, n_shown: int) -> list[Step]:
    """List the steps from records to the pictures in the report; those that a run has no counts for are left out.

    Args:
        inputs: Of the report.
        n_shown: Evidence pictures on pattern cards.
    """
    steps = [
        _records(inputs),
        _pictures(inputs),
        _groups(inputs),
        _held_out(inputs),
        _labels(inputs),
        _visual_items(inputs),
        _captions(inputs),
        _words(inputs),
        _rules(inputs),
        _patterns(inputs),
        _members(inputs),
        _evidence(inputs, n_shown),
    ]
    return [step for step in steps if step is not None and step.before]


def _records(inputs: ReportInputs) -> Step:
    found = losses.dropped_records(inputs.records)
    n_bad = sum(loss.count for loss in found)
    reasons = tuple((loss.code, loss.count) for loss in found)
    return Step(
        "Records", len(inputs.records), len(inputs.records) - n_bad, reasons, "Nothing of them counts anywhere."
    )


def _pictures(inputs: ReportInputs) -> Step:
    found = losses.dropped_images(inputs.images, inputs.records)
    n_used = pc.sum(pc.equal(inputs.images["status"], "ok")).as_py() or 0
    n_bad = sum(loss.count for loss in found)
    reasons = tuple((loss.code, loss.count) for loss in found)
    return Step("Pictures", n_used + n_bad, n_used, reasons, "Their records have no visual items.")


def _groups(inputs: ReportInputs) -> Step:
    n_pictures, n_groups = len(inputs.groups), len(set(inputs.groups.tolist()))
    reasons = (("copies of another picture", n_pictures - n_groups),)
    note = "Copies stay as evidence, but a photo group counts once per event type."
    return Step("Photo groups", n_pictures, n_groups, reasons, note)


def _held_out(inputs: ReportInputs) -> Step | None:
    counts = _counts(inputs, "split")
    n_held = counts.get("heldOut", 0)
    if not n_held:
        return None
    note = "Mining must not see them, so that something is left to measure on."
    before = n_held + counts["training"]
    return Step("Records for mining", before, counts["training"], (("held out", n_held),), note)


def _labels(inputs: ReportInputs) -> Step:
    lengths = pc.fill_null(pc.list_value_length(inputs.labels["eventTypes"]), 0)
    unlabelled = inputs.labels.filter(pc.equal(lengths, 0))
    reasons = [(loss.code, loss.count) for loss in losses.dropped_labels(unlabelled)]
    reasons.append(("no event type said", len(unlabelled) - sum(count for _, count in reasons)))
    note = "Records without an event type help to set thresholds and to learn words, but are no votes."
    return Step("Labelled records", len(inputs.labels), len(inputs.labels) - len(unlabelled), tuple(reasons), note)


def _visual_items(inputs: ReportInputs) -> Step | None:
    counts = _counts(inputs, "visual items")
    if not counts:
        return None
    note = "A filter that no picture moves, or a kind of item that was not asked for, never fires."
    kept = counts["items"] - counts["neverFire"]
    return Step("Visual items", counts["items"], kept, (("never fire", counts["neverFire"]),), note)


def _captions(inputs: ReportInputs) -> Step:
    lengths = pc.fill_null(pc.list_value_length(inputs.records["captions"]), 0)
    n_all = pc.sum(lengths).as_py() or 0
    n_used = pc.sum(lengths.filter(pc.equal(inputs.records["status"], "ok"))).as_py() or 0
    return Step("Captions", n_all, n_used, (("of records that are not used", n_all - n_used),), "")


def _words(inputs: ReportInputs) -> Step | None:
    counts = _counts(inputs, "captions")
    if "vocabulary" not in counts:
        return None
    reasons = (
        ("define an event type, or are derived from such", len(inputs.masked_words)),
        ("too rare", counts.get("rareWords", 0)),
        ("without a vector", counts.get("withoutVector", 0)),
    )
    kept = counts["vocabulary"] - counts.get("withoutVector", 0)
    note = "Words that define an event type are hidden from all captions, so that patterns cannot restate the label."
    return Step("Different words", kept + sum(count for _, count in reasons), kept, reasons, note)


def _rules(inputs: ReportInputs) -> Step | None:
    """Add up over event types how many rules pass each test, one after another."""
    rows = _counts(inputs, "rules").get("eventTypes")
    if not isinstance(rows, Mapping):
        return None
    totals = {key: sum(int(row.get(key, 0)) for row in rows.values()) for key in ("rules", *dict(RULE_TESTS))}
    reasons = []
    passed = totals["rules"]
    for key, reason in RULE_TESTS:
        if any(key in row for row in rows.values()) and totals[key] <= passed:
            reasons.append((reason, passed - totals[key]))
            passed = totals[key]
    if len(inputs.rules) < passed:
        reasons.append(("proven, but not asked for: other items, or condensed away", passed - len(inputs.rules)))
        passed = len(inputs.rules)
    note = "Rules above the thresholds of support and confidence; only proven ones become patterns, unless asked otherwise."
    return Step("Rules", totals["rules"], passed, tuple(reasons), note)


def _patterns(inputs: ReportInputs) -> Step | None:
    counts = {key: n for key, n in _counts(inputs, "patterns").items() if isinstance(n, int) and key != CUT_RULES}
    reasons = tuple((PATTERN_REASONS.get(reason, reason), count) for reason, count in counts.items())
    n_kept = len(inputs.patterns)
    note = "Proven rules with the same evidence are merged before."
    return Step("Merged rules", n_kept + sum(counts.values()), n_kept, reasons, note)


def _members(inputs: ReportInputs) -> Step | None:
    n_rules = len(inputs.rules)
    n_members = pc.sum(pc.list_value_length(inputs.patterns["members"])).as_py() or 0
    n_cut = _counts(inputs, "patterns").get(CUT_RULES, 0)
    n_others = n_rules - n_members - n_cut
    if n_others < 0:
        return None
    reasons = ((CUT_RULES, n_cut), ("of merged rules that became no pattern", n_others))
    return Step("Rules in patterns", n_rules, n_members, reasons, "What they match is the evidence of the patterns.")


def _evidence(inputs: ReportInputs, n_shown: int) -> Step:
    reasons = (("beyond the best of each pattern, or copies", len(inputs.evidence) - n_shown),)
    note = "All of it is in the knowledge base."
    return Step("Evidence shown here", len(inputs.evidence), n_shown, reasons, note)


def _counts(inputs: ReportInputs, name: str) -> Mapping[str, Any]:
    counts = inputs.counters.get(name, {})
    return counts if isinstance(counts, Mapping) else {}


def list_losses(inputs: ReportInputs) -> list[tuple[str, str, Sequence[losses.Loss]]]:
    """List what was left out or changed record by record, with examples: heading, meaning and rows."""
    return [
        ("Records not used", "Nothing of them counts anywhere.", losses.dropped_records(inputs.records)),
        (
            "Pictures not used",
            "Their records have no visual items.",
            losses.dropped_images(inputs.images, inputs.records),
        ),
        ("Event values not understood", "Their records count as unlabelled.", losses.dropped_labels(inputs.labels)),
        ("Records used with a remark", "Only what the remark names is missing.", losses.record_notes(inputs.records)),
        ("Pictures used with a remark", "This was done to them.", losses.image_notes(inputs.images)),
    ]

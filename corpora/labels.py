"""Weak event types of records: from a column of the corpus, or from the trigger rules of an ontology."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from kb.ontology import Ontology, load_ontology, normalise_value, shipped_ontologies
from miner.errors import CorpusError, OntologyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from corpora.declaration import Declaration

__all__ = ["LABELS", "Labelling", "label_records"]

LABELS = pa.schema(
    [
        ("record", pa.string()),
        ("eventTypes", pa.list_(pa.string())),
        ("code", pa.string()),
        ("reason", pa.string()),
    ]
)
"""One row per record, in the order of the records.

`eventTypes` are ids of the ontology, sorted, none for an unlabelled or unusable record. `code` is `unknown-event` where a
value of the record has no event type; the values that have one still count.
"""

Mode = Literal["column", "triggers"]


@dataclass(frozen=True)
class Labelling:
    """The event types of a corpus, and which words must be masked because of them.

    `mask_patterns` are regular expressions, case to be ignored: the triggers of every type of the ontology, used or not,
    and what the corpus declares. `mode` says where the labels came from. `notes` are sentences for the user.
    """

    table: pa.Table
    ontology: Ontology
    mask_patterns: tuple[str, ...]
    mode: Mode
    notes: tuple[str, ...]


def label_records(
    records: pa.Table,
    declaration: Declaration,
    *,
    ontology: str = "auto",
    aliases: Mapping[str, str] | None = None,
    mode: Literal["auto", "column", "triggers"] = "auto",
) -> Labelling:
    """Give records their weak event types.

    By column, each event value of a record is looked up among `aliases`, those the corpus declares, and the names the
    ontology knows. By triggers, a record gets each type whose triggers are found in one of its captions, or in two of them
    where it has more than two.

    Args:
        records: As `corpora.records.RECORDS`.
        declaration: What the corpus says of itself.
        ontology: A shipped ontology, a `.toml` file, or `auto`: the one the corpus declares, else the shipped one that
            knows most event values (by triggers: that labels most records); of equals the first by name.
        aliases: Event value to event type id; wins over what the corpus declares.
        mode: Where labels come from; `auto` is the column where it has any value, else triggers.

    Raises:
        CorpusError: Labels shall come from a column that has no values.
        OntologyError: There is no such ontology, an alias leads nowhere, or it knows none of the event values.
    """
    usable = [status == "ok" for status in records["status"].to_pylist()]
    events = _where(usable, records["events"].to_pylist())
    counts = Counter(value for values in events for value in values)
    resolved_mode = _mode(mode, counts)
    declared = {**declaration.aliases, **(aliases or {})}
    asked = declaration.ontology if ontology == "auto" and declaration.ontology else ontology
    if resolved_mode == "column":
        chosen = _by_values(counts, declared) if asked == "auto" else load_ontology(asked)
        rows = _from_values(events, _resolutions(counts, chosen, declared), chosen)
    else:
        captions = _where(usable, records["captions"].to_pylist())
        chosen, types = _by_triggers(captions) if asked == "auto" else _triggered(captions, load_ontology(asked))
        rows = [(found, None) for found in types]
    patterns = tuple(dict.fromkeys((*declaration.mask_patterns, *chosen.mask_patterns)))
    table = _table(records["record"], rows)
    return Labelling(table, chosen, patterns, resolved_mode, _notes(table, chosen, resolved_mode))


def _where(usable: Sequence[bool], lists: Sequence[list[str]]) -> list[list[str]]:
    return [values if ok else [] for ok, values in zip(usable, lists, strict=True)]


def _mode(mode: Literal["auto", "column", "triggers"], counts: Counter[str]) -> Mode:
    if mode == "column" and not counts:
        raise CorpusError(
            "Labels shall come from the event column, but no record has a value there.",
            hint='Name the column under [columns] in corpus.toml (event = "<column>"), or use label.mode=triggers.',
        )
    if mode == "auto":
        return "column" if counts else "triggers"
    return mode


# From a column ------------------------------------------------------------------------------------------------------


def _by_values(counts: Counter[str], declared: Mapping[str, str]) -> Ontology:
    """Choose the shipped ontology that knows most of the distinct values."""
    candidates = [load_ontology(name) for name in shipped_ontologies()]
    return max(candidates, key=lambda candidate: len(_known(counts, candidate, declared)))


def _known(values: Iterable[str], ontology: Ontology, declared: Mapping[str, str]) -> dict[str, str]:
    """Map each value to its event type; values without one, or with an alias to another ontology, are left out."""
    named = {normalise_value(value): target for value, target in declared.items()}
    found = {value: ontology.resolve(named.get(normalise_value(value), value)) for value in values}
    return {value: event_type for value, event_type in found.items() if event_type}


def _resolutions(counts: Counter[str], ontology: Ontology, declared: Mapping[str, str]) -> dict[str, str]:
    for value, target in declared.items():
        if ontology.resolve(target) is None:
            raise OntologyError(
                f"Alias {value!r} = {target!r}: ontology {ontology.name!r} has no such event type.",
                hint=f"It has: {', '.join(ontology.ids)}.",
            )
    known = _known(counts, ontology, declared)
    if not known:
        values = ", ".join(repr(value) for value, _ in counts.most_common(5))
        raise OntologyError(
            f"Ontology {ontology.name!r} knows none of the {len(counts)} event values ({values}); "
            f"its event types are: {', '.join(ontology.ids)}.",
            hint='Map values under [aliases] in corpus.toml ("<value>" = "<event type>"), or name another ontology.',
        )
    return known


def _from_values(
    events: Iterable[list[str]], known: Mapping[str, str], ontology: Ontology
) -> list[tuple[list[str], str | None]]:
    reasons: dict[str, str] = {}
    rows: list[tuple[list[str], str | None]] = []
    for values in events:
        unknown = [value for value in values if value not in known]
        for value in unknown:
            reasons.setdefault(value, _unknown(value, ontology))
        reason = "; ".join(reasons[value] for value in unknown) or None
        rows.append((sorted({known[value] for value in values if value in known}), reason))
    return rows


def _unknown(value: str, ontology: Ontology) -> str:
    names = {name.casefold(): name for name in (*ontology.ids, *ontology.aliases)}
    close = difflib.get_close_matches(value.casefold(), names, n=1)
    target = ontology.resolve(names[close[0]]) if close else None
    return f'event {value!r} is not in ontology {ontology.name!r}; add "{value}" = "{target or "<event type>"}" to [aliases]'


# From triggers ------------------------------------------------------------------------------------------------------


def _by_triggers(captions: Sequence[list[str]]) -> tuple[Ontology, list[list[str]]]:
    """Choose the shipped ontology whose triggers label most records."""
    candidates = [_triggered(captions, load_ontology(name)) for name in shipped_ontologies()]
    return max(candidates, key=lambda candidate: sum(bool(found) for found in candidate[1]))


def _triggered(captions: Sequence[list[str]], ontology: Ontology) -> tuple[Ontology, list[list[str]]]:
    patterns = {t.id: re.compile(t.pattern, re.IGNORECASE) for t in ontology.types if t.pattern}
    return ontology, [_types_of(texts, patterns) for texts in captions]


def _types_of(captions: Sequence[str], patterns: Mapping[str, re.Pattern[str]]) -> list[str]:
    needed = 2 if len(captions) > 2 else 1
    return sorted(
        event_type
        for event_type, pattern in patterns.items()
        if sum(pattern.search(caption) is not None for caption in captions) >= needed
    )


# Both -----------------------------------------------------------------------------------------------------------------


def _table(records: pa.ChunkedArray, rows: Sequence[tuple[list[str], str | None]]) -> pa.Table:
    columns = [
        records.combine_chunks(),
        pa.array([types for types, _ in rows], LABELS.field("eventTypes").type),
        pa.array(["unknown-event" if reason else None for _, reason in rows], pa.string()),
        pa.array([reason for _, reason in rows], pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=LABELS)


def _notes(table: pa.Table, ontology: Ontology, mode: Mode) -> tuple[str, ...]:
    used = {event_type for types in table["eventTypes"].to_pylist() for event_type in types}
    unknown = table["code"].to_pylist().count("unknown-event")
    notes = [f"Labels by {mode} from ontology {ontology.name!r}."]
    if not used:
        notes.append("No record has an event type, so there is nothing to mine.")
    elif len(used) == 1:
        notes.append(f"Every label is {next(iter(used))!r}: with one event type, nothing can be specific to it.")
    if unknown:
        notes.append(f"{unknown:,} records have event values that the ontology does not know.")
    return tuple(notes)

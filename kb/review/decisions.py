"""One decision of an analyst: what was decided, by whom, when, and about which pattern.

A decision names its pattern by id and carries a fingerprint of it (items and a sketch of its evidence), so that it can be
applied again after another run, see `kb.review.matching`.

| action | fields |
|---|---|
| `accept` | none |
| `reject` | `reason`, may be empty |
| `rename` | `name` |
| `merge` | `others`: ids of the patterns that become part of this one |
| `split` | `records`: evidence that becomes a pattern of its own; `name` of that pattern, may be empty |
| `set-role` | `role`, null for none |
| `move` | `eventType` |
| `note` | `text` |
| `undo`, `redo` | `decision`: id of the decision that no longer, or again, holds; the pattern is that decision's |
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from kb.model import clean_text
from miner.errors import ReviewError
from miner.store.fingerprint import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ACTIONS", "FIELDS", "LONGEST", "REVERSALS", "Action", "Decision", "Fingerprint", "clean_fields", "clean_line",
    "new_decision", "parse_decision", "rename_record", "sketch", "split_id",
]  # fmt: skip

Action = Literal["accept", "reject", "rename", "merge", "split", "set-role", "move", "note", "undo", "redo"]
ACTIONS: tuple[Action, ...] = get_args(Action)
REVERSALS = frozenset({"undo", "redo"})

FIELDS: Mapping[str, tuple[str, ...]] = {
    "accept": (),
    "reject": ("reason",),
    "rename": ("name",),
    "merge": ("others",),
    "split": ("records", "name"),
    "set-role": ("role",),
    "move": ("eventType",),
    "note": ("text",),
    "undo": ("decision",),
    "redo": ("decision",),
}
"""What a decision of each kind says."""

LONGEST: Mapping[str, int] = {
    "who": 100,
    "pattern": 100,
    "decision": 100,
    "name": 200,
    "role": 200,
    "eventType": 200,
    "reason": 4_000,
    "text": 4_000,
    "others": 1_000,
    "records": 100_000,
}
"""Most characters of a text, most entries of a list."""
LONGEST_ENTRY = 2_000
MAY_BE_EMPTY = frozenset({"reason"})
MAY_BE_MISSING = frozenset({"reason", "name"})
SKETCH_SIZE = 48
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Fingerprint(_Part):
    """What a pattern was when somebody decided about it.

    Attributes:
        pattern: Its id then.
        event_type: Event type it was mined for.
        name: What it was called.
        visual: Its visual items; they mean the same in every run with the same network.
        words: A sketch of its words; the numbers of text items change between runs.
        records: A sketch of the records that support it, see `sketch`.
        n_evidence: How many support it.
        formerly: Ids that it had in earlier runs.
    """

    pattern: str
    event_type: str
    name: str = ""
    visual: tuple[int, ...] = ()
    words: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    n_evidence: int = Field(default=0, ge=0)
    formerly: tuple[str, ...] = ()


class Decision(_Part):
    """One line of the log.

    Attributes:
        id: `D` and 16 hexadecimal digits, never used again.
        at: When, ISO 8601, UTC.
        who: Reviewer.
        action: What was done.
        pattern: Id of the pattern.
        fields: What more the action says, see `FIELDS`.
        about: Fingerprint of the pattern; none for undo and redo, and for a pattern that was split off by a decision.
        others: Fingerprints of the patterns merged into it.
        run: Key of the mined patterns it was made on, empty where not known.
    """

    id: str = Field(min_length=1, max_length=100)
    at: str = Field(max_length=40)
    who: str = Field(max_length=LONGEST["who"])
    action: Action
    pattern: str = Field(max_length=LONGEST["pattern"])
    fields: dict[str, Any] = Field(default_factory=dict)
    about: Fingerprint | None = None
    others: tuple[Fingerprint, ...] = ()
    run: str = ""

    def to_json(self) -> str:
        """Return it as one line of JSON, without the end of the line."""
        return self.model_dump_json(by_alias=True, exclude_defaults=True)


def parse_decision(line: str | bytes) -> Decision | None:
    """Read one line of a log; none where it is no decision."""
    try:
        decision = Decision.model_validate_json(line)
        clean_fields(decision.action, decision.fields)
    except (ValidationError, ReviewError):
        return None
    return decision


def rename_record(decision: Decision, record: str, name: str) -> Decision:
    """Return a decision that lists a record under another name."""

    def renamed(values: Iterable[str]) -> list[str]:
        return [name if value == record else value for value in values]

    def seen(print_: Fingerprint) -> Fingerprint:
        return print_.model_copy(update={"records": tuple(renamed(print_.records))})

    fields = decision.fields
    if "records" in fields:
        fields = {**fields, "records": renamed(fields["records"])}
    about = None if decision.about is None else seen(decision.about)
    return decision.model_copy(update={"fields": fields, "about": about, "others": tuple(map(seen, decision.others))})


def new_decision(
    who: str,
    action: str,
    pattern: str,
    fields: Mapping[str, Any],
    *,
    about: Fingerprint | None = None,
    others: Iterable[Fingerprint] = (),
    run: str = "",
) -> Decision:
    """Make a decision of now, with a new id.

    Raises:
        ReviewError: The action is unknown, a field is missing, unknown, empty, of another kind or too long, or `who` is empty.
    """
    if action not in FIELDS:
        raise ReviewError(f"There is no action {action[:40]!r}; there are: {', '.join(ACTIONS)}.")
    return Decision(
        id=f"D{secrets.token_hex(8)}",
        at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        who=_text("who", who),
        action=action,
        pattern=_text("pattern", pattern),
        fields=clean_fields(action, fields),
        about=about,
        others=tuple(others),
        run=run,
    )


def clean_fields(action: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Check what a decision says, and tidy its texts.

    Raises:
        ReviewError: As of `new_decision`.
    """
    unknown = sorted(set(fields) - set(FIELDS[action]))
    if unknown:
        raise ReviewError(
            f"{action} does not take {unknown[0][:40]!r}; it takes: {', '.join(FIELDS[action]) or 'nothing'}."
        )
    return {name: _clean(action, name, fields.get(name)) for name in FIELDS[action]}


def _clean(action: str, name: str, value: Any) -> Any:  # noqa: ANN401 - whatever a client sends
    if name in {"others", "records"}:
        return _entries(name, value)
    if name == "role" and value is None:
        return None
    if action == "split" and name == "name" and not value:
        return ""
    if value is None and name in MAY_BE_EMPTY:
        return ""
    return _text(name, value)


def _text(name: str, value: Any) -> str:  # noqa: ANN401 - whatever a client sends
    if not isinstance(value, str):
        raise ReviewError(f"{name} must be a text, not {type(value).__name__}.")
    if len(value) > LONGEST[name]:
        raise ReviewError(f"{name} has {len(value):,} characters; at most {LONGEST[name]:,} are allowed.")
    lines = name in {"reason", "text"}
    text = _CONTROL.sub("", clean_text(value)).strip() if lines else clean_line(value)
    if not text and name not in MAY_BE_EMPTY:
        raise ReviewError(f"{name} must not be empty.")
    return text


def clean_line(text: str) -> str:
    """Return a text as one line without characters that cannot be seen (controls, marks that turn the direction)."""
    spaced = " ".join(clean_text(text).split())
    return "".join(sign for sign in spaced if unicodedata.category(sign) not in {"Cc", "Cf"} or sign == "\u200d")


def _entries(name: str, value: Any) -> list[str]:  # noqa: ANN401 - whatever a client sends
    if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
        raise ReviewError(f"{name} must be a list of texts.")
    entries = list(dict.fromkeys(clean_text(entry) for entry in value))
    if not entries or len(entries) > LONGEST[name]:
        raise ReviewError(f"{name} must have 1 to {LONGEST[name]:,} entries, not {len(entries):,}.")
    if max(map(len, entries)) > LONGEST_ENTRY:
        raise ReviewError(f"An entry of {name} has more than {LONGEST_ENTRY:,} characters.")
    return entries


def split_id(decision: str) -> str:
    """Return the id of the pattern that a split made, the same at every replay."""
    return "P" + digest_bytes(decision.encode())[:12]


def sketch(values: Iterable[str], size: int = SKETCH_SIZE) -> tuple[str, ...]:
    """Return the values with the smallest hashes, at most `size`: a bottom-k sketch, by which overlaps can be estimated.

    Source:
        Broder, "On the resemblance and containment of documents" (1997), section 3.
    """
    return tuple(sorted(set(values), key=_place_in_sketch)[:size])


@lru_cache(maxsize=2**17)
def _place_in_sketch(value: str) -> tuple[str, str]:
    return digest_bytes(value.encode(errors="replace")), value

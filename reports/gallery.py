"""Pattern cards: what a reader needs to see of each pattern, from the PATTERNS and EVIDENCE tables."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from reports.figures import Cut, cut_patches, pattern_sheet
from reports.links import Linked, link_patterns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PIL import Image

    from reports.inputs import Picture
    from reports.links import Link

MAX_CAPTION = 240
N_QUOTES = 4
N_ARGUING = 2
SHEET_SIDE = 160
FLAG_MEANINGS = {"trigger": "name restates the label"}


@dataclass(frozen=True)
class Example:
    """One evidence picture: what to cut, and its caption split around the words that match.

    `caption_record` is the copy of the picture that the caption belongs to, if it is another record.
    """

    record: str
    caption_record: str
    cut: Cut
    score: float
    before: str
    match: str
    after: str
    credit: str

    @property
    def caption(self) -> str:
        """The caption as one string."""
        return self.before + self.match + self.after

    @property
    def box(self) -> str:
        """The box in whole original pixels, or nothing."""
        return ", ".join(f"{edge:.0f}" for edge in self.cut.box)


@dataclass(frozen=True)
class Card:
    """One pattern as the report shows it.

    `roles` are all that were weighed, with their shares, `role` the one that fits, if any, and `role_captions` captions that
    argue for it.
    """

    pattern: str
    event_type: str
    rank: int
    name: str
    flags: tuple[str, ...]
    alternatives: tuple[tuple[str, float], ...]
    count: int
    class_count: int
    support: float
    confidence: float
    lift: float
    p_value: float | None
    proven: bool
    n_evidence: int
    n_groups: int
    role: str | None
    roles: tuple[tuple[str, float | None], ...]
    role_captions: tuple[str, ...]
    visual_items: tuple[int, ...]
    text_items: tuple[int, ...]
    words: tuple[str, ...]
    method: str
    examples: tuple[Example, ...]

    @property
    def no_role(self) -> float:
        """The share that is left to filling no role; 0 where roles have no shares."""
        shares = [share for _, share in self.roles if share is not None]
        return max(0.0, 1 - sum(shares)) if shares else 0.0

    @property
    def search_text(self) -> str:
        """What a search looks at, word by word in small letters: name, other names, words and event type."""
        names = [self.name, *(name for name, _ in self.alternatives), *self.words]
        parts = [*" ".join(names).split(), self.event_type, *re.findall(r"\w+", self.event_type)]
        return " ".join(dict.fromkeys(part.lower() for part in parts))

    @property
    def quotes(self) -> tuple[Example, ...]:
        """Some examples with captions, those first that show another of the words that match."""
        told = [example for example in self.examples if example.caption]
        firsts = {example.match.lower(): example for example in reversed(told)}
        fresh = [example for example in told if firsts[example.match.lower()] is example]
        rest = [example for example in told if example not in fresh]
        return tuple([*fresh, *rest][:N_QUOTES])


@dataclass(frozen=True)
class Section:
    """The patterns of one event type, best first."""

    event_type: str
    cards: tuple[Card, ...]

    @property
    def anchor(self) -> str:
        """Id of the section in the page: the event type, other characters than letters, digits and dots in hex."""
        return "type-" + re.sub(r"[^A-Za-z0-9.]", lambda match: f"-{ord(match[0]):x}-", self.event_type)


def build_sections(
    patterns: pa.Table, evidence: pa.Table, *, records: pa.Table | None = None, n_examples: int = 12
) -> list[Section]:
    """Group patterns by event type (in alphabetical order) and give each its best evidence.

    Args:
        patterns: PATTERNS.
        evidence: EVIDENCE.
        records: RECORDS, for the credit lines of pictures.
        n_examples: Evidence pictures of a pattern, at most; no two of one photo group.
    """
    credit_lines = _credits(records, evidence) if records is not None else {}
    examples = choose_examples(evidence, n_examples=n_examples, credit_lines=credit_lines)
    by_type: dict[str, list[Card]] = defaultdict(list)
    for row in patterns.to_pylist():
        by_type[row["eventType"]].append(_card(row, examples.get(row["pattern"], ())))
    return [Section(event_type, _ranked(by_type[event_type])) for event_type in sorted(by_type)]


def choose_examples(
    evidence: pa.Table, *, n_examples: int, credit_lines: Mapping[str, str] | None = None
) -> dict[str, tuple[Example, ...]]:
    """Choose each pattern's evidence with the highest scores, one picture per photo group."""
    chosen: dict[str, dict[int, Example]] = defaultdict(dict)
    for row in sorted(evidence.to_pylist(), key=lambda row: -row["score"]):
        examples = chosen[row["pattern"]]
        if len(examples) < n_examples and row["group"] not in examples:
            examples[row["group"]] = _example(row, (credit_lines or {}).get(row["record"], ""))
    return {pattern: tuple(examples.values()) for pattern, examples in chosen.items()}


def draw_sheet(
    evidence: pa.Table,
    pattern: str,
    *,
    open_image: Callable[[str], bytes],
    decode: Callable[[bytes], Picture],
    heading: str = "",
    n_examples: int = 12,
) -> Image.Image:
    """Draw one pattern's best evidence as a contact sheet, the same patches as on its card.

    Args:
        evidence: EVIDENCE.
        pattern: Id of the pattern.
        open_image: From the `image` of a record to the bytes of its file.
        decode: From those bytes to upright pixels.
        heading: Line of text above the patches, if not empty.
        n_examples: Patches, at most.

    Raises:
        ValueError: The pattern has no evidence.
    """
    rows = evidence.filter(pc.equal(evidence["pattern"], pattern))
    cuts = [example.cut for example in choose_examples(rows, n_examples=n_examples).get(pattern, ())]
    patches = cut_patches(cuts, open_image, decode, side=SHEET_SIDE)
    return pattern_sheet([patches[cut] for cut in cuts], side=SHEET_SIDE, heading=heading)


def split_caption(caption: str, start: int | None, end: int | None) -> tuple[str, str, str]:
    """Split a caption around a span, shortening what is far from it; a span outside the caption marks nothing."""
    if start is None or end is None or not 0 <= start < end <= len(caption):
        return _shorten_end(caption, MAX_CAPTION), "", ""
    room = max(0, MAX_CAPTION - (end - start))
    before = caption[:start]
    kept = max(room // 2, room - (len(caption) - end))
    if len(before) > kept:
        before = "…" + before[len(before) - kept :].lstrip()
    return before, caption[start:end], _shorten_end(caption[end:], max(0, room - len(before)))


def _shorten_end(text: str, room: int) -> str:
    return text if len(text) <= room else text[:room].rstrip() + "…"


def _example(row: Mapping[str, Any], credit: str) -> Example:
    before, match, after = split_caption(row["caption"] or "", row["start"], row["end"])
    return Example(
        record=row["record"],
        caption_record=row.get("captionRecord") or row["record"],
        cut=Cut(row["image"] or "", tuple(row["box"] or ())),
        score=row["score"],
        before=before,
        match=match,
        after=after,
        credit=credit,
    )


def _card(row: Mapping[str, Any], examples: tuple[Example, ...]) -> Card:
    return Card(
        pattern=row["pattern"],
        event_type=row["eventType"],
        rank=row["rank"],
        name=row["name"],
        flags=tuple(FLAG_MEANINGS.get(flag, flag) for flag in row["nameFlags"] or ()),
        alternatives=tuple(zip(row["alternatives"] or (), row["alternativeScores"] or (), strict=True)),
        count=row["count"],
        class_count=row["classCount"],
        support=row["support"],
        confidence=row["confidence"],
        lift=row["lift"],
        p_value=row["pValue"],
        proven=row["proven"],
        n_evidence=row["nEvidence"],
        n_groups=row["nPhotoGroups"],
        role=row["role"],
        roles=_roles(row),
        role_captions=_role_captions(row),
        visual_items=tuple(row["visualItems"] or ()),
        text_items=tuple(row["textItems"] or ()),
        words=tuple(row["textWords"] or ()),
        method=row["method"],
        examples=examples,
    )


def _roles(row: Mapping[str, Any]) -> tuple[tuple[str, float | None], ...]:
    roles = [(role["role"], role["score"]) for role in row["roles"] or ()]
    if roles or row["role"] is None:
        return tuple(sorted(roles, key=lambda role: -role[1]))
    return ((row["role"], None),)


def _role_captions(row: Mapping[str, Any]) -> tuple[str, ...]:
    arguing = {entry["role"]: entry["captions"] for entry in row.get("roleCaptions") or ()}
    return tuple(_shorten_end(caption, MAX_CAPTION) for caption in arguing.get(row["role"], ())[:N_ARGUING])


def _ranked(cards: Sequence[Card]) -> tuple[Card, ...]:
    return tuple(sorted(cards, key=lambda card: (card.rank, card.pattern)))


def find_links(sections: Sequence[Section], evidence: pa.Table) -> dict[str, tuple[Link, ...]]:
    """Link each pattern with others that have the same evidence, show in the same pictures, or share items."""
    groups: dict[str, set[int]] = defaultdict(set)
    for row in evidence.select(["pattern", "group"]).to_pylist():
        groups[row["pattern"]].add(row["group"])
    cards = [card for section in sections for card in section.cards]
    return link_patterns(
        [Linked(card.pattern, card.event_type, _items(card), frozenset(groups[card.pattern])) for card in cards]
    )


def _items(card: Card) -> frozenset[tuple[str, int]]:
    return frozenset([*(("visual", item) for item in card.visual_items), *(("text", item) for item in card.text_items)])


def _credits(records: pa.Table, evidence: pa.Table) -> dict[str, str]:
    shown = records.filter(pc.is_in(records["record"], value_set=pc.unique(evidence["record"])))
    lines = (
        (row["record"], [row["credit"], row["source"], row["licence"]])
        for row in shown.select(["record", "credit", "source", "licence"]).to_pylist()
    )
    return {record: ", ".join(part for part in parts if part) for record, parts in lines}

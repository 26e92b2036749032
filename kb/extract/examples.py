"""Sentences with known events, to learn from: gold ones, and silver ones whose triggers must first be found in the text."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from miner.errors import CorpusError
from miner.text.stems import word_family

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from corpora.m2e2 import Sentence
    from kb.ontology import Ontology
    from miner.text.pieces import Parsed, PieceParser

__all__ = ["Event", "Example", "SilverCaption", "gold_examples", "read_silver", "silver_examples", "tidy_caption"]

NONE = ""
"""Stands for an event of another type than ours, whose trigger is no example of ours."""

CHUNK = 1_024


class Event(NamedTuple):
    """A known event.

    Attributes:
        trigger: Token of its trigger, the last one where it has several.
        event_type: Of the ontology, or `NONE`.
        arguments: Characters of each argument in the text of the example, with its role.
    """

    trigger: int
    event_type: str
    arguments: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True)
class Example:
    """A parsed sentence and the events in it.

    Attributes:
        record: Id of the sentence.
        document: Id of its document.
        parsed: Its tokens.
        events: Known events.
        entities: Characters of each known entity, with its type.
    """

    record: str
    document: str
    parsed: Parsed
    events: tuple[Event, ...]
    entities: tuple[tuple[int, int, str], ...] = ()


class SilverCaption(NamedTuple):
    """A caption with machine-made events: type, trigger and arguments (role and text), all without a place in the text."""

    id: str
    text: str
    events: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]


def gold_examples(sentences: Sequence[Sentence], parser: PieceParser, ontology: Ontology) -> list[Example]:
    """Parse gold sentences and find the tokens of their triggers."""
    parsed = parser.parse([sentence.text for sentence in sentences], entities=True)
    return [
        Example(
            s.id,
            s.document,
            p,
            tuple(_gold_events(s, p, ontology)),
            tuple((span.start, span.end, name) for span, name in s.entities),
        )
        for s, p in zip(sentences, parsed, strict=True)
    ]


def _gold_events(sentence: Sentence, parsed: Parsed, ontology: Ontology) -> Iterator[Event]:
    for mention in sentence.mentions:
        tokens = parsed.covered(mention.trigger.start, mention.trigger.end)
        if not tokens:
            continue
        arguments = tuple((a.span.start, a.span.end, a.role) for a in mention.arguments if a.span)
        yield Event(tokens[-1], ontology.resolve(mention.event_type) or NONE, arguments)


def read_silver(folder: Path) -> list[SilverCaption]:
    """Read `captions.jsonl` of a folder.

    Raises:
        CorpusError: It is missing or a line of it is no silver caption.
    """
    path = folder / "captions.jsonl" if folder.is_dir() else folder
    captions = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                captions.append(_silver_caption(json.loads(line), number))
    except OSError as error:
        raise CorpusError(
            f"Cannot read {path}: {error.strerror or error}.", hint="Give the folder of captions.jsonl."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(
            f"Line {len(captions) + 1} of {path} is no caption with events: {type(error).__name__} {error}.",
            hint='A line is {"id": …, "caption": …, "events": [{"type": …, "trigger": …, "args": […]}]}.',
        ) from error
    return captions


def _silver_caption(row: dict[str, Any], number: int) -> SilverCaption:
    events = tuple(
        (str(e["type"]), str(e["trigger"]), tuple((str(a["role"]), str(a["text"])) for a in e.get("args") or ()))
        for e in row.get("events") or ()
    )
    return SilverCaption(str(row.get("id", number)), tidy_caption(str(row["caption"])), events)


def tidy_caption(text: str) -> str:
    """Undo the spaces that a tokenizer put around punctuation, so that a caption looks like the text it was.

    Example:
        >>> tidy_caption("U . S . troops , left - wing , met ( L ) in St . Paul .")
        'U.S. troops, left-wing, met (L) in St. Paul.'
    """
    text = re.sub(r"\b(?:[A-Z] \. ?)+", lambda match: match.group().replace(" ", "") + " ", text)
    text = re.sub(r" ([,.;:!?)\]%])", r"\1", text)
    text = re.sub(r"([(\[$]) ", r"\1", text)
    text = re.sub(r" (['\u2019]) ?(s|re|ve|ll|d|m|t)\b", r"\1\2", text)
    text = re.sub(r"(?<=[a-z]) - (?=[a-z])", "-", text)
    return re.sub(r"\s+", " ", text).strip()


def silver_examples(
    captions: Sequence[SilverCaption], parser: PieceParser, ontology: Ontology, notes: Counter[str]
) -> list[Example]:
    """Parse silver captions and align their events.

    A trigger stands where its word stands, else where a word of its family (stem, derivation) does; what the caption does not
    say at all is counted and left out. Types that the table does not map are examples of no event of ours.

    Args:
        captions: What was read.
        parser: A pipeline.
        ontology: Its types are what is learnt.
        notes: Counts what could not be used.
    """
    examples = []
    for start in range(0, len(captions), CHUNK):
        chunk = captions[start : start + CHUNK]
        for caption, parsed in zip(chunk, parser.parse([c.text for c in chunk], entities=True), strict=True):
            events = tuple(_aligned(caption, parsed, ontology, notes))
            examples.append(Example(caption.id, caption.id.rpartition("_")[0], parsed, events))
    return examples


def _aligned(caption: SilverCaption, parsed: Parsed, ontology: Ontology, notes: Counter[str]) -> Iterator[Event]:
    mapped, roles = _tables()
    votes: dict[int, Counter[str]] = defaultdict(Counter)
    arguments: dict[tuple[int, str], list[tuple[int, int, str]]] = defaultdict(list)
    for silver_type, trigger, found in caption.events:
        if silver_type not in mapped:
            notes[f"events of unknown type {silver_type}"] += 1
        event_type = mapped.get(silver_type, NONE)
        event_type = event_type if event_type in ontology.ids else NONE
        places = _places(trigger.lower(), parsed)
        if not places:
            notes["triggers that their caption does not say"] += 1
        for token in places:
            votes[token][event_type] += 1
            arguments[token, event_type].extend(_spans(found, roles.get(event_type, {}), parsed))
    for token, types in votes.items():
        event_type = max(sorted(types), key=types.__getitem__)
        yield Event(token, event_type, tuple(dict.fromkeys(arguments[token, event_type])))


def _places(trigger: str, parsed: Parsed) -> list[int]:
    exact = [i for i, word in enumerate(parsed.lowers) if word == trigger]
    if exact:
        return exact
    family = word_family(trigger)
    return [
        i
        for i, word in enumerate(parsed.lowers)
        if word.isalpha() and not family.isdisjoint(word_family(word) | word_family(parsed.lemmas[i]))
    ]


def _spans(
    found: Iterable[tuple[str, str]], roles: Mapping[str, str], parsed: Parsed
) -> Iterator[tuple[int, int, str]]:
    """Find the words of arguments, else the last word of them."""
    lower = parsed.text.lower()
    for silver_role, text in found:
        role = roles.get(silver_role)
        if role is None:
            continue
        words = tidy_caption(text).lower()
        match = re.search(rf"(?<!\w){re.escape(words)}(?!\w)", lower)
        match = match or re.search(rf"(?<!\w){re.escape(words.rpartition(' ')[2])}(?!\w)", lower)
        if match:
            yield match.start(), match.end(), role


@cache
def _tables() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    content = tomllib.loads(resources.files("kb.extract").joinpath("silver.toml").read_text(encoding="utf-8"))
    return content["types"], content["roles"]

"""How good extracted mentions are: one-to-one matching with gold, counted by document.

| setting | measure | what must be equal |
|---|---|---|
| text-only | trigger identification | the words of the trigger |
| | mention | and the event type (trigger classification) |
| | argument identification | the words of an argument and the event type it belongs to |
| | argument classification | and its role |
| image-only | mention | picture and event type |
| | argument identification | event type, and a box that overlaps (intersection over union of at least 0.5) |
| | argument classification | and its role |
| multimedia | mention | sentence, trigger, picture and event type of a pair |
| | mention, either side | event type, and the trigger or the picture |
| | argument identification, classification | as above, words and boxes together |

Every gold item is matched by at most one prediction and the other way round, so what is predicted twice is wrong once. An
argument that plays two roles is one argument to identify and two to classify. Characters are compared as the words they
touch, so that how a program splits punctuation does not matter.

Source: measures as in Li et al., "Cross-media Structured Common Space for Multimedia Event Extraction", ACL 2020, section 5.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from corpora.m2e2 import M2E2_TYPES, document_of
from kb.evaluate.matching import Counts, Item, count_matches
from kb.evaluate.predictions import Predicted, as_predicted
from kb.ontology import normalise_value

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from corpora.m2e2 import Box, Gold
    from kb.evaluate.predictions import Offsets

__all__ = ["MEASURES", "Protocol", "Setting", "Tally", "count_mentions", "settings_of"]

Protocol = Literal["all", "event-only"]
Setting = Literal["text-only", "image-only", "multimedia"]

TRIGGER_IDENTIFICATION = "trigger identification"
MENTION = "mention"
EITHER = "mention, either side"
IDENTIFICATION = "argument identification"
CLASSIFICATION = "argument classification"
MEASURES = (TRIGGER_IDENTIFICATION, MENTION, EITHER, IDENTIFICATION, CLASSIFICATION)

UNKNOWN_PLACE = "of sentences or pictures that the gold does not know, left out"
UNKNOWN_TYPE = "of event types that the gold does not know, left out"
NO_EVENT_THERE = "where the gold has no event, left out by protocol event-only"
REPEATED = "the same as another, each wrong once"
OUTSIDE = "with a trigger that touches no word, wrong"

Measured = tuple[str, list[Item], list[Item]]


@dataclass
class Tally:
    """What was counted.

    Attributes:
        counts: For each measure and event type (spelt with dots, "" for measures without one) the counts of each document.
        notes: Predictions that were left out and why, and what was odd about the rest, counted.
    """

    counts: dict[str, dict[tuple[str, str], Counts]] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)


def settings_of(gold: Gold) -> tuple[Setting, ...]:
    """Return the settings that some gold files can score."""
    has_both = bool(gold.sentences and gold.images)
    found: dict[Setting, bool] = {
        "text-only": bool(gold.sentences),
        "image-only": bool(gold.images),
        "multimedia": has_both and bool(gold.pairs),
    }
    return tuple(setting for setting, there in found.items() if there)


def count_mentions(gold: Gold, predicted: Iterable[Predicted], *, protocol: Protocol, setting: Setting) -> Tally:
    """Count what predictions got right.

    Args:
        gold: With what the setting needs (`settings_of`).
        predicted: Any predictions. One with a trigger counts in the setting of text, one with a picture in that of pictures,
            one with both in that of pairs as well.
        protocol: `all` scores every sentence and picture, `event-only` those in which the gold has an event.
        setting: What is scored.
    """
    names = {normalise_value(name): name for name in (*M2E2_TYPES, *_types_of(gold))}
    tally = Tally()
    usable = list(_usable(gold, predicted, protocol, setting, names, tally.notes))
    for measure, right, guessed in _measured(gold, usable, setting, tally.notes):
        counts = count_matches(right, guessed)
        tally.counts[measure] = {(names.get(name, ""), document): n for (name, document), n in counts.items()}
    return tally


def _types_of(gold: Gold) -> Iterator[str]:
    yield from (mention.event_type for sentence in gold.sentences.values() for mention in sentence.mentions)
    yield from (image.event_type for image in gold.images.values())


def _usable(
    gold: Gold,
    predicted: Iterable[Predicted],
    protocol: Protocol,
    setting: Setting,
    names: Mapping[str, str],
    notes: Counter[str],
) -> Iterator[Predicted]:
    """Yield the predictions that a setting and a protocol score, and count the others."""
    eventful = {s.id for s in gold.sentences.values() if s.mentions}
    for mention in predicted:
        places: list[tuple[bool, bool]] = []
        if setting != "image-only":
            places.append((mention.record in gold.sentences, mention.record in eventful))
        if setting != "text-only":
            places.append((mention.image in (gold.known_images or gold.images), mention.image in gold.images))
        if (setting != "image-only" and mention.trigger is None) or (setting != "text-only" and mention.image is None):
            continue
        if not all(known for known, _ in places):
            notes[UNKNOWN_PLACE] += 1
        elif mention.event_type not in names:
            notes[UNKNOWN_TYPE] += 1
        elif protocol == "event-only" and not all(has_event for _, has_event in places):
            notes[NO_EVENT_THERE] += 1
        else:
            yield mention


def _measured(gold: Gold, guessed: Sequence[Predicted], setting: Setting, notes: Counter[str]) -> Iterator[Measured]:
    """Yield every measure of a setting with its gold and predicted items."""
    right = list(as_predicted(gold))
    if setting == "multimedia":
        yield from _pair_measures(gold, right, guessed)
        return
    is_text = setting == "text-only"
    ours, theirs = (_text_sides(gold, m) if is_text else _image_sides(m) for m in (right, guessed))
    _note_oddities(theirs, notes)
    if is_text:
        yield TRIGGER_IDENTIFICATION, _distinct_triggers(ours), _distinct_triggers(theirs)
    yield MENTION, [one.mention for one in ours], [one.mention for one in theirs]
    yield IDENTIFICATION, _identified(ours), _identified(theirs)
    yield CLASSIFICATION, _classified(ours), _classified(theirs)


@dataclass(frozen=True)
class _Side:
    """One mention in one medium.

    Attributes:
        document: Where it is.
        event_type: Normalised.
        place: Id of the sentence or picture.
        trigger: Words of the trigger, None in a picture.
        arguments: What plays a role in it: role, words and box.
    """

    document: str
    event_type: str
    place: str
    trigger: Offsets | None
    arguments: tuple[tuple[str, Offsets | None, Box | None], ...]

    @property
    def mention(self) -> Item:
        """The mention itself."""
        return Item(self.document, self.event_type, (self.place, self.trigger))

    def identified(self) -> Iterator[Item]:
        """Yield what is to be identified: each filler as often as its commonest role has it."""
        times: dict[tuple[Offsets | None, Box | None], Counter[str]] = defaultdict(Counter)
        for role, words, box in self.arguments:
            times[words, box][role] += 1
        for (words, box), roles in times.items():
            for _ in range(max(roles.values())):
                yield Item(self.document, self.event_type, (self.place, words), box=box)

    def classified(self) -> Iterator[Item]:
        """Yield what is to be classified: each filler with each of its roles."""
        for role, words, box in self.arguments:
            yield Item(self.document, self.event_type, (self.place, words, role), box=box)


def _text_sides(gold: Gold, mentions: Iterable[Predicted]) -> list[_Side]:
    sides = []
    for mention in mentions:
        sentence = gold.sentences.get(mention.record)
        if mention.trigger is None or sentence is None:
            continue
        trigger = _words(sentence.words, mention.trigger)
        spans = tuple((a.role, _words(sentence.words, a.span), None) for a in mention.arguments if a.span)
        sides.append(_Side(sentence.document, mention.event_type, sentence.id, trigger, spans))
    return sides


def _image_sides(mentions: Iterable[Predicted]) -> list[_Side]:
    return [
        _Side(
            document_of(mention.image),
            mention.event_type,
            mention.image,
            None,
            tuple((a.role, None, a.box) for a in mention.arguments if a.box),
        )
        for mention in mentions
        if mention.image is not None
    ]


def _pair_measures(gold: Gold, right: Sequence[Predicted], guessed: Sequence[Predicted]) -> Iterator[Measured]:
    """Yield the measures of pairs; what their mentions have as arguments is the union of both sides."""
    paired = {(pair.sentence, normalise_value(pair.event_type)) for pair in gold.pairs}
    pictured = {(pair.image, normalise_value(pair.event_type)) for pair in gold.pairs}
    texts = _text_sides(gold, [m for m in right if (m.record, m.event_type) in paired])
    images = _image_sides([m for m in right if (m.image, m.event_type) in pictured])
    pairs = [(pair.image, _of_pair(texts, pair.sentence, normalise_value(pair.event_type))) for pair in gold.pairs]
    their_texts, their_images = _text_sides(gold, guessed), _image_sides(guessed)
    found = [(picture.place, [text]) for text, picture in zip(their_texts, their_images, strict=True)]
    for measure, both in ((MENTION, True), (EITHER, False)):
        yield measure, list(_pair_items(pairs, both=both)), list(_pair_items(found, both=both))
    ours, theirs = [*texts, *images], [*_once(their_texts), *_once(their_images)]
    yield IDENTIFICATION, _identified(ours), _identified(theirs)
    yield CLASSIFICATION, _classified(ours), _classified(theirs)


def _of_pair(texts: Iterable[_Side], sentence: str, event_type: str) -> list[_Side]:
    return [side for side in texts if (side.place, side.event_type) == (sentence, event_type)]


def _pair_items(pairs: Iterable[tuple[str, Sequence[_Side]]], *, both: bool) -> Iterator[Item]:
    """Yield the items of pairs: the picture must be equal and one trigger shared, or one of all these shared."""
    for image, sides in pairs:
        triggers: frozenset[Hashable] = frozenset((side.place, side.trigger) for side in sides)
        for side in sides[:1]:
            key, choices = (image, triggers) if both else (None, triggers | {image})
            yield Item(side.document, side.event_type, key, choices)


def _once(sides: Iterable[_Side]) -> list[_Side]:
    """Drop the sides of a mention that is in several pairs but for the first."""
    return list({side.mention: side for side in reversed(list(sides))}.values())


def _identified(sides: Iterable[_Side]) -> list[Item]:
    return [item for side in sides for item in side.identified()]


def _classified(sides: Iterable[_Side]) -> list[Item]:
    return [item for side in sides for item in side.classified()]


def _distinct_triggers(sides: Iterable[_Side]) -> list[Item]:
    """Return triggers without their types; one word that triggers two types is identified once."""
    times: dict[tuple[str, Hashable], Counter[str]] = defaultdict(Counter)
    for side in sides:
        times[side.document, (side.place, side.trigger)][side.event_type] += 1
    return [Item(document, "", key) for (document, key), types in times.items() for _ in range(max(types.values()))]


def _note_oddities(sides: Sequence[_Side], notes: Counter[str]) -> None:
    repeated = sum(n - 1 for n in Counter(side.mention for side in sides).values())
    outside = sum(side.trigger is not None and side.trigger[0] < 0 for side in sides)
    notes.update({reason: n for reason, n in ((REPEATED, repeated), (OUTSIDE, outside)) if n})


def _words(words: Sequence[Offsets], span: Offsets) -> Offsets:
    """Return the words that characters touch; numbers below 0, which match nothing in the gold, where they touch none."""
    touched = [i for i, (start, end) in enumerate(words) if start < span[1] and end > span[0] and span[0] < span[1]]
    return (touched[0], touched[-1] + 1) if touched else (-1 - abs(span[0]), -1 - abs(span[1]))

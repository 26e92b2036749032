"""Mentions of one event in words and in a picture become one mention, with both kinds of evidence.

A text mention and an image mention of the same document may be the same event if their types agree. Which picture belongs to
which sentence is decided by their own probabilities, by patterns that argue for both, by how alike their words are, and by whether the
sentence is a caption of the picture; pairs are taken greedily, the surest first, each mention once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kb.extract.mention import Argument, Mention

SHARED_PATTERN = 0.25
"""Added to the weight of a pair for the share of patterns that argue for both."""

ALIKE = 0.5
"""Added for words that are fully alike."""

SAME_RECORD = 0.5
"""Added where the text is a caption of the picture."""

EVEN = 0.5
CERTAIN = 1 - 1e-6


class Pair(NamedTuple):
    """A text mention and an image mention that may be one event, and how much speaks for it."""

    weight: float
    text: int
    image: int


def fuse(
    texts: Sequence[Mention],
    images: Sequence[Mention],
    priors: Mapping[str, float],
    likeness: Callable[[Mention, Mention], float] | None = None,
) -> list[Mention]:
    """Merge the mentions of texts and of pictures, document by document.

    Args:
        texts: Mentions with triggers.
        images: Mentions with pictures.
        priors: How probable an event of each type is in a picture that nobody has looked at.
        likeness: How alike the words of a text mention and an image mention are, 0 to 1; none to leave that out.

    Returns:
        Text mentions in their order, with the picture where there is one; then image mentions that stand alone.
    """
    own: dict[str, list[int]] = defaultdict(list)
    for place, mention in enumerate(images):
        own[mention.document].append(place)
    pairs = [
        Pair(_weight(mention, images[other], likeness), place, other)
        for place, mention in enumerate(texts)
        for other in own.get(mention.document, ())
        if images[other].event_type == mention.event_type
    ]
    partner = _match(pairs)
    merged = [
        merge(mention, images[partner[place]], priors.get(mention.event_type, EVEN)) if place in partner else mention
        for place, mention in enumerate(texts)
    ]
    taken = set(partner.values())
    return merged + [mention for place, mention in enumerate(images) if place not in taken]


def _weight(text: Mention, image: Mention, likeness: Callable[[Mention, Mention], float] | None) -> float:
    shared = set(text.patterns) & set(image.patterns)
    either = set(text.patterns) | set(image.patterns)
    weight = text.score * image.score + SAME_RECORD * (text.record == image.record)
    if either:
        weight += SHARED_PATTERN * len(shared) / len(either)
    return weight + ALIKE * likeness(text, image) if likeness else weight


def _match(pairs: Iterable[Pair]) -> dict[int, int]:
    """Take pairs from the largest weight down, each mention once; the first of equals."""
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for pair in sorted(pairs, key=lambda pair: (-pair.weight, pair.text, pair.image)):
        if pair.text not in partner and pair.image not in taken:
            partner[pair.text] = pair.image
            taken.add(pair.image)
    return partner


def merge(text: Mention, image: Mention, prior: float) -> Mention:
    """Make one mention of two that are the same event.

    Args:
        text: Has the trigger.
        image: Has the picture; of the same event type.
        prior: Probability of the event type before the picture was looked at, 0 to 1.
    """
    patterns = tuple(dict.fromkeys((*text.patterns, *image.patterns)))
    score = combine(text.score, image.score, prior)
    picture = image.image
    if picture is not None and image.record != text.record:
        picture = picture._replace(record=image.record)
    return replace(
        text, score=score, image=picture, arguments=_join(text.arguments, image.arguments), patterns=patterns
    )


def combine(first: float, second: float, prior: float) -> float:
    """Combine two probabilities of the same thing from independent evidence: odds multiply, the prior counts once.

    Args:
        first: Given some evidence, 0 to 1.
        second: Given other evidence.
        prior: Given none.

    Source:
        Bordley, "A multiplicative formula for aggregating probability assessments", Management Science 28:10 (1982).
    """
    odds = _odds(first) * _odds(second) / _odds(prior)
    return odds / (1 + odds)


def _odds(probability: float) -> float:
    bounded = min(max(probability, 1 - CERTAIN), CERTAIN)
    return bounded / (1 - bounded)


def _join(words: Sequence[Argument], boxes: Sequence[Argument]) -> tuple[Argument, ...]:
    """Give the likeliest words of a role the box of that role; roles that only the picture shows come after."""
    joined = list(words)
    for shown in boxes:
        named = [place for place, argument in enumerate(joined) if argument.role == shown.role and argument.box is None]
        if not named:
            joined.append(shown)
            continue
        place = max(named, key=lambda place: joined[place].score)
        said = joined[place]
        patterns = tuple(dict.fromkeys((*said.patterns, *shown.patterns)))
        joined[place] = replace(said, box=shown.box, score=max(said.score, shown.score), patterns=patterns)
    return tuple(joined)

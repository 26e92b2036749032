"""Who could play a role in an event, and how they stand to its trigger."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from kb.ontologies.nouns import noun_classes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from miner.text.pieces import Parsed

__all__ = ["Filler", "entity_features", "find_fillers", "pair_features"]

NO_FILLERS = frozenset({
    "DATE", "TIME", "PERCENT", "ORDINAL", "CARDINAL", "QUANTITY", "LANGUAGE", "LAW", "WORK_OF_ART",
})  # fmt: skip
OUTER_WORDS = frozenset({"the", "a", "an", "'s", "\u2019s", "'", "\u2019"})
MODIFIERS = frozenset({"compound", "amod", "nmod", "npadvmod", "punct", "dep"})
FAR = 9
STEP = 3


class Filler(NamedTuple):
    """A named entity or a noun that could play a role.

    Attributes:
        start: First token.
        end: Behind the last.
        root: The token that heads it.
        kind: The entity type, "modifier" for a noun before another one, else "noun".
        classes: What it denotes: the entity type, or the classes of the noun.
        entity: Its type as a gold standard has it; empty where none was learnt from.
        logs: What the regression of entities says of it, for none and each type.
    """

    start: int
    end: int
    root: int
    kind: str
    classes: tuple[str, ...]
    entity: str = ""
    logs: tuple[float, ...] = ()


def find_fillers(parsed: Parsed, n_entity_types: int = 0) -> list[Filler]:
    """Find the candidates of a sentence: entities without articles, and every noun outside of them.

    Gold arguments are names, or the head of a noun phrase alone.

    Args:
        parsed: The sentence.
        n_entity_types: Of a gold standard; a regression of entities that has learnt none of them says that all are as likely.
    """
    logs = (-math.log(1 + n_entity_types),) * (1 + n_entity_types) if n_entity_types else ()
    found: list[Filler] = []
    taken: set[int] = set()
    for entity in parsed.entities:
        if entity.label in NO_FILLERS:
            continue
        start, end = entity.start, entity.end
        while start < end and parsed.lowers[start] in OUTER_WORDS:
            start += 1
        while start < end and parsed.lowers[end - 1] in OUTER_WORDS:
            end -= 1
        if start < end:
            root = entity.root if start <= entity.root < end else end - 1
            found.append(Filler(start, end, root, entity.label, (entity.label,), logs=logs))
            taken.update(range(start, end))
    for token, pos in enumerate(parsed.pos):
        if pos in ("NOUN", "PROPN") and token not in taken:
            kind = "modifier" if parsed.deps[token] in MODIFIERS else "noun"
            found.append(Filler(token, token + 1, token, kind, noun_classes(parsed.lemmas[token]), logs=logs))
    return sorted(found)


def pair_features(
    parsed: Parsed, trigger: int, event_type: str, filler: Filler, fillers: Sequence[Filler]
) -> list[str]:
    """Describe how a filler stands to a trigger.

    Args:
        parsed: Their sentence.
        trigger: Token of the trigger.
        event_type: What it triggers.
        filler: One of `fillers`.
        fillers: All candidates of the sentence.
    """
    shape, words, length = _path(parsed, trigger, filler.root)
    found = list(_relation(parsed, trigger, filler, fillers, shape, words, length))
    lemma = parsed.lemmas[trigger]
    return [
        *found,
        *(f"{event_type}#{feature}" for feature in found),
        f"type={event_type}",
        f"w={lemma}|{shape}",
        f"w={lemma}|{words}",
        f"w={lemma}|{filler.kind}",
    ]


def entity_features(
    parsed: Parsed, trigger: int, event_type: str, filler: Filler, fillers: Sequence[Filler]
) -> list[str]:
    """Describe how a filler stands to a trigger by the entity it is; arguments as of `pair_features`."""
    shape, words, length = _path(parsed, trigger, filler.root)
    entity, root = filler.entity, filler.root
    relation = parsed.deps[root]
    side = "left" if root < trigger else "right"
    alike = [other.root for other in fillers if other.entity == entity]
    nearer = sum(abs(o - trigger) < abs(root - trigger) and (o < trigger) == (root < trigger) for o in alike)
    nearest = min(alike, key=lambda other: abs(other - trigger)) == root
    found = [
        f"entity={entity}",
        f"entity.path={entity}|{shape}",
        f"entity.words={entity}|{words}",
        f"entity.prep={entity}|{parsed.lemmas[parsed.heads[root]] if relation == 'pobj' else ''}",
        f"entity.side={entity}|{side}",
        f"entity.distance={entity}|{side}{min(FAR, abs(root - trigger) // STEP)}",
        f"entity.nearest={entity}|{nearest}",
        f"entity.rank={entity}|{side}|{min(nearer, STEP)}",
        f"entity.alike={entity}|{min(len(alike), STEP + 1)}",
        f"entity.dep={entity}|{relation}",
        f"entity.trigger={entity}|{parsed.pos[trigger]}|{side}",
        f"entity.length={entity}|{min(length, 2 * STEP)}",
        f"entity.lemma={entity}|{parsed.lemmas[root]}",
    ]
    lemma = parsed.lemmas[trigger]
    return [
        *found,
        *(f"{event_type}#{feature}" for feature in found),
        f"w.entity={lemma}|{entity}",
        f"w.entity.side={lemma}|{entity}|{side}",
        f"w.entity.path={lemma}|{entity}|{shape}",
        f"w.entity.dep={lemma}|{entity}|{relation}",
    ]


def _relation(
    parsed: Parsed, trigger: int, filler: Filler, fillers: Sequence[Filler], shape: str, words: str, length: int
) -> Iterator[str]:
    root, kind = filler.root, filler.kind
    relation, head = parsed.deps[root], parsed.lemmas[parsed.heads[root]]
    preposition = head if relation == "pobj" else ""
    side = "left" if root < trigger else "right"
    distance = f"{side}{min(FAR, abs(root - trigger) // STEP)}"
    yield from (
        f"kind={kind}",
        f"lemma={parsed.lemmas[root]}",
        f"dep={relation}",
        f"head={head}",
        f"prep={preposition}",
    )
    yield from (f"path={shape}", f"words={words}", f"length={min(length, FAR)}", f"side={side}", f"distance={distance}")
    yield f"trigger={parsed.pos[trigger]}|{parsed.deps[trigger]}"
    yield f"trigger.path={parsed.pos[trigger]}|{shape}"
    for named in filler.classes or (f"?{kind}",):
        yield from (f"class={named}", f"class.path={named}|{shape}", f"class.words={named}|{words}")
        yield from (
            f"class.prep={named}|{preposition}",
            f"class.distance={named}|{distance}",
            f"class.dep={named}|{relation}",
        )
    between = sum(min(trigger, root) < other.start < max(trigger, root) for other in fillers)
    yield f"between={min(between, STEP)}"
    same = [other.root for other in fillers if other.kind == kind]
    yield f"nearest={kind}|{min(same, key=lambda other: abs(other - trigger)) == root}"


def _path(parsed: Parsed, trigger: int, root: int) -> tuple[str, str, int]:
    """Return the way through the grammar: relations up and down, the same with prepositions, and its length."""
    up = _ancestors(parsed, trigger)
    down = _ancestors(parsed, root)
    meeting = next((token for token in down if token in up), None)
    if meeting is None:
        return "none", "none", FAR
    rising, falling = up[: up.index(meeting)], down[: down.index(meeting)][::-1]
    climb = "^".join(parsed.deps[token] for token in rising)
    shape = f"{climb}|{'.'.join(parsed.deps[token] for token in falling)}"
    words = f"{climb}|{'.'.join(_worded(parsed, token) for token in falling)}"
    return shape, words, len(rising) + len(falling)


def _ancestors(parsed: Parsed, token: int) -> list[int]:
    found = [token]
    while parsed.heads[found[-1]] != found[-1] and len(found) <= len(parsed.heads):
        found.append(parsed.heads[found[-1]])
    return found


def _worded(parsed: Parsed, token: int) -> str:
    relation = parsed.deps[token]
    return f"{relation}:{parsed.lemmas[token]}" if relation in ("prep", "agent") else relation

"""What is known of a word that might trigger an event: the word itself, its grammar, and the words around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miner.text.stems import stem_word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kb.extract.pairs import Filler
    from miner.text.pieces import Parsed

__all__ = ["CONTENT_POS", "entity_clues", "trigger_features"]

CONTENT_POS = frozenset({"NOUN", "VERB", "ADJ", "PROPN", "ADV"})
BAG_POS = frozenset({"NOUN", "VERB", "ADJ", "PROPN"})
EXPECTED = ("nsubj", "nsubjpass", "dobj", "prep", "compound", "amod", "poss", "det", "aux", "neg")
MODALS = frozenset({"would", "could", "may", "might", "will", "should", "can", "to"})
PREPOSITIONS = ("prep", "agent")
NEAR = 2
PART_TOKENS = 10


def trigger_features(parsed: Parsed, token: int, children: Sequence[Sequence[int]], others: Sequence[str]) -> list[str]:
    """Describe a candidate.

    Args:
        parsed: Its sentence.
        token: The candidate.
        children: Dependents of each token.
        others: Lemmas of the other candidates of the sentence.
    """
    return [
        *_word(parsed, token),
        *_head(parsed, token),
        *_dependents(parsed, token, children),
        *_neighbours(parsed, token),
        *(f"o={lemma}" for lemma in dict.fromkeys(others)),
        *(f"bag={lemma}" for i, lemma in enumerate(parsed.lemmas) if i != token and parsed.pos[i] in BAG_POS),
        f"length={min(5, len(parsed.lowers) // PART_TOKENS)}",
        "early" if token < len(EXPECTED) // 2 else "late",
        *(["file"] if parsed.text.startswith("FILE") else []),
    ]


def entity_clues(
    parsed: Parsed, token: int, event_type: str, children: Sequence[Sequence[int]], fillers: Sequence[Filler]
) -> list[str]:
    """Describe a candidate by the entities of its sentence: which there are, and which depend on it.

    Args:
        parsed: Its sentence.
        token: The candidate.
        event_type: What it most likely triggers, as far as is known.
        children: Dependents of each token.
        fillers: Entities, where they were learnt; others say nothing.
    """
    kinds = {k: filler.entity for filler in fillers if filler.entity for k in range(filler.start, filler.end)}
    lemma, head = parsed.lemmas[token], parsed.heads[token]
    found = []
    for kind in sorted(set(kinds.values())):
        found += [f"has={kind}", f"has.type={kind}|{event_type}", f"w.has={lemma}|{kind}"]
    for child in children[token]:
        relation, word = parsed.deps[child], parsed.lemmas[child]
        if child in kinds:
            clue = f"{relation}|{kinds[child]}"
            found += [f"entity={clue}", f"entity.type={clue}|{event_type}", f"w.entity={lemma}|{clue}"]
        if relation in PREPOSITIONS and kinds:
            for inner in children[child]:
                clue = f"{word}|{kinds.get(inner, '-')}"
                found += [f"prep={clue}", f"prep.type={clue}|{event_type}", f"w.prep={lemma}|{clue}"]
    if head in kinds:
        found.append(f"head.entity={parsed.deps[token]}|{kinds[head]}")
    if token in kinds:
        found.append(f"inside={kinds[token]}")
    return found


def _word(parsed: Parsed, token: int) -> Iterator[str]:
    lemma, lower = parsed.lemmas[token], parsed.lowers[token]
    yield from (f"w={lemma}", f"lower={lower}", f"stem={stem_word(lower)}", f"tag={parsed.tags[token]}")
    yield from (f"w.pos={lemma}|{parsed.pos[token]}", f"w.tag={lemma}|{parsed.tags[token]}")
    yield from (f"dep={parsed.deps[token]}", f"w.dep={lemma}|{parsed.deps[token]}")


def _head(parsed: Parsed, token: int) -> Iterator[str]:
    lemma, head = parsed.lemmas[token], parsed.heads[token]
    yield f"head={parsed.lemmas[head]}|{parsed.deps[token]}"
    yield f"headpos={parsed.pos[head]}"
    yield f"w.head={lemma}|{parsed.lemmas[head]}"
    yield f"w.headpos={lemma}|{parsed.pos[head]}"


def _dependents(parsed: Parsed, token: int, children: Sequence[Sequence[int]]) -> Iterator[str]:
    lemma = parsed.lemmas[token]
    found = {parsed.deps[child] for child in children[token]}
    for child in children[token]:
        relation, word = parsed.deps[child], parsed.lemmas[child]
        yield from (
            f"c={relation}",
            f"c.w={relation}|{word}",
            f"w.c={lemma}|{relation}",
            f"w.c.w={lemma}|{relation}|{word}",
        )
        if relation in PREPOSITIONS:
            for inner in children[child]:
                yield f"p.w={word}|{parsed.lemmas[inner]}"
                yield f"w.p={lemma}|{word}|{parsed.pos[inner]}"
    yield from (f"no={relation}" for relation in EXPECTED if relation not in found)
    determiners = [parsed.lowers[child] for child in children[token] if parsed.deps[child] == "det"]
    yield f"det={determiners[0] if determiners else ''}"
    if any(parsed.lowers[child] in MODALS for child in children[token]):
        yield "modal"


def _neighbours(parsed: Parsed, token: int) -> Iterator[str]:
    lemma, n_tokens = parsed.lemmas[token], len(parsed.lowers)
    for offset in (-NEAR, -1, 1, NEAR):
        there = 0 <= token + offset < n_tokens
        word = parsed.lowers[token + offset] if there else "<>"
        yield f"{offset}={word}"
        if abs(offset) == 1:
            yield f"w.{offset}={lemma}|{word}"
            yield f"pos{offset}={parsed.pos[token + offset] if there else ''}"

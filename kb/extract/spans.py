"""Which spans of a sentence could be entities, and how each looks: what a gold standard marks is learnt from its entities.

Programs that find entities and annotators do not agree on what a span is: "police officers", "Aleppo province" and "man" are
entities to annotators, and a headline that ran into the place line of its article is none. So the candidates are many, and a
regression chooses among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kb.extract.pairs import NO_FILLERS, OUTER_WORDS
from kb.ontologies.nouns import noun_classes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from miner.text.pieces import EntitySpan, Parsed

__all__ = ["EntityCandidate", "find_spans", "span_features", "strip_span"]

BRACKETS = frozenset({"\u201c", "\u201d", '"', "\u2014", "-", "\u2013", "\u2018", "``", "''", ",", ".", "(", ")", ":"})
OUTER = OUTER_WORDS | BRACKETS
MOST_TOKENS = 8
NAMES = 4


class EntityCandidate(NamedTuple):
    """A span that could be an entity.

    Attributes:
        start: First token.
        end: Behind the last.
        kind: How it was found.
        root: The token that heads it.
    """

    start: int
    end: int
    kind: str
    root: int


def strip_span(parsed: Parsed, start: int, end: int) -> tuple[int, int]:
    """Return a span without the articles, possessive endings and punctuation around it."""
    while start < end and parsed.lowers[start] in OUTER:
        start += 1
    while start < end and parsed.lowers[end - 1] in OUTER:
        end -= 1
    return start, end


def find_spans(parsed: Parsed) -> list[EntityCandidate]:
    """Return the candidates of a sentence, sorted: named entities, their parts, names, nouns, and nouns with modifiers."""
    found: dict[tuple[int, int], str] = {}
    named = [entity for entity in parsed.entities if entity.label not in NO_FILLERS]
    covered = {token for entity in named for token in range(entity.start, entity.end)}
    for first, last, kind in (*_of_entities(parsed, named), *_names(parsed), *_nouns(parsed, covered)):
        start, end = strip_span(parsed, first, last)
        if 0 < end - start <= MOST_TOKENS:
            found.setdefault((start, end), kind)
    return [EntityCandidate(a, b, found[a, b], _root(parsed, a, b)) for a, b in sorted(found)]


def _of_entities(parsed: Parsed, named: Sequence[EntitySpan]) -> Iterator[tuple[int, int, str]]:
    for entity in named:
        yield entity.start, entity.end, "name"
    for entity in named:
        cuts = [k for k in range(entity.start, entity.end) if parsed.lowers[k] in OUTER or parsed.pos[k] == "PUNCT"]
        for start, end in zip([entity.start, *(k + 1 for k in cuts)], [*cuts, entity.end], strict=True):
            if cuts:
                yield start, end, "part"


def _names(parsed: Parsed) -> Iterator[tuple[int, int, str]]:
    """Yield the longest rows of proper nouns."""
    start = None
    for token, pos in enumerate([*parsed.pos, ""]):
        if pos == "PROPN":
            start = token if start is None else start
        elif start is not None:
            yield start, token, "proper"
            start = None


def _nouns(parsed: Parsed, covered: set[int]) -> Iterator[tuple[int, int, str]]:
    for token, pos in enumerate(parsed.pos):
        if pos not in ("NOUN", "PROPN"):
            continue
        if token not in covered:
            yield token, token + 1, "noun"
        first = token
        while first and parsed.deps[first - 1] == "compound" and token >= parsed.heads[first - 1] >= first:
            first -= 1
        yield first, token + 1, "compound"
        first = token
        while first and parsed.deps[first - 1] in ("compound", "amod", "nmod") and parsed.heads[first - 1] == token:
            first -= 1
        yield first, token + 1, "modified"


def _root(parsed: Parsed, start: int, end: int) -> int:
    outward = [token for token in range(start, end) if not start <= parsed.heads[token] < end]
    return outward[-1] if outward else end - 1


def span_features(parsed: Parsed, span: EntityCandidate, spans: Sequence[EntityCandidate]) -> list[str]:
    """Describe a candidate.

    Args:
        parsed: Its sentence.
        span: One of `spans`.
        spans: All candidates of the sentence.
    """
    return [*_shape(parsed, span, spans), *_words(parsed, span), *_around(parsed, span)]


def _shape(parsed: Parsed, span: EntityCandidate, spans: Sequence[EntityCandidate]) -> Iterator[str]:
    start, end, kind, root = span
    over = [e for e in parsed.entities if e.start < end and start < e.end and e.label not in NO_FILLERS]
    label = min((e.label for e in over), default="")
    exact = any(strip_span(parsed, e.start, e.end) == (start, end) for e in over)
    inside = any(e.start <= start and end <= e.end for e in over)
    relation = "exact" if exact else "in" if inside else "over" if over else "no"
    longer = sum(o.start <= start and end <= o.end for o in spans) - 1
    shorter = sum(start <= o.start and o.end <= end for o in spans) - 1
    cases = "".join(
        _case(parsed.text[parsed.starts[k] : parsed.ends[k]]) for k in range(start, min(end, start + NAMES))
    )
    yield from (f"k={kind}", f"label={label}|{relation}", f"case={cases}", f"case.k={cases}|{kind}", f"n={end - start}")
    yield from (f"n.label={end - start}|{label}|{relation}", f"longer={min(longer, 2)}|{kind}")
    yield from (f"shorter={min(shorter, 2)}|{kind}", f"longer.label={longer > 0}|{label}|{relation}")
    yield f"root={'last' if root == end - 1 else 'inner'}"
    yield f"next.label={parsed.lowers[end] if end < len(parsed.lowers) else '>'}|{label}"


def _case(word: str) -> str:
    return "U" if word.isupper() else "T" if word[:1].isupper() else "l"


def _words(parsed: Parsed, span: EntityCandidate) -> Iterator[str]:
    start, end, kind, root = span
    lemma, relation, tag = parsed.lemmas[root], parsed.deps[root], parsed.tags[root]
    yield from (f"w={lemma}", f"lower={parsed.lowers[root]}", f"tag={tag}", f"dep={relation}", f"end={lemma[-3:]}")
    yield from (f"w.k={lemma}|{kind}", f"w.dep={lemma}|{relation}", f"text={' '.join(parsed.lowers[start:end])}")
    yield f"first={parsed.lowers[start]}|{kind}"
    for named in noun_classes(lemma) or ("?",):
        yield from (
            f"class={named}",
            f"class.k={named}|{kind}",
            f"class.dep={named}|{relation}",
            f"class.tag={named}|{tag}",
        )
    for k in range(start, end):
        if k != root:
            yield from (f"mod={parsed.lemmas[k]}", f"mod.w={parsed.lemmas[k]}|{lemma}")


def _around(parsed: Parsed, span: EntityCandidate) -> Iterator[str]:
    start, end, kind, root = span
    before = parsed.lowers[start - 1] if start else "<"
    after = parsed.lowers[end] if end < len(parsed.lowers) else ">"
    yield from (f"before={before}", f"after={after}", f"before.k={before}|{kind}", f"begins={start == 0}")
    yield f"before.pos={parsed.pos[start - 1] if start else ''}"
    yield f"after.pos={parsed.pos[end] if end < len(parsed.pos) else ''}"
    yield f"head={parsed.lemmas[parsed.heads[root]]}|{parsed.deps[root]}"

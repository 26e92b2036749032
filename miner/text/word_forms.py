"""Parts of speech and lemmas, remembered by word.

In the English pipelines of spaCy two components work them out of the word, its tag and its relation alone: the attribute ruler
(some 180 rules) and the lemmatizer. They take as long as tagger and parser together. Here each word is shown to them
once for every tag, and for every relation that a rule names, and the answer is remembered. A few rules look at two words
("ain't", "there is"): texts in which one applies go through the components as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from spacy.matcher import Matcher
from spacy.tokens import Doc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    from spacy.language import Language
    from spacy.pipeline import Lemmatizer

__all__ = ["WordForms", "Words", "read_words", "remembered_forms"]

RULER, LEMMATIZER = "attribute_ruler", "lemmatizer"
OTHERS = frozenset({"tok2vec", "tagger", "parser", "ner"})
OF_ONE_WORD = frozenset({"LOWER", "TAG", "DEP", "IS_SPACE"})
MOST_REMEMBERED = 500_000
COLUMNS: list[int | str] = ["LOWER", "TAG", "DEP", "IDX", "LENGTH", "HEAD"]
COMMA = (",", ",", "punct")
UNNAMED = "a relation that no rule names"

Key = tuple[int, int, int]
Forms = tuple[str, str, str, str, str]
"""Lower case, lemma, part of speech, tag, relation."""


class Words(NamedTuple):
    """The words of a text, as parallel lists; the fields are those of `miner.text.pieces.Parsed`."""

    starts: list[int]
    ends: list[int]
    lowers: list[str]
    lemmas: list[str]
    pos: list[str]
    tags: list[str]
    deps: list[str]
    heads: list[int]


def read_words(doc: Doc) -> Words:
    """Return what a pipeline says of the words of a text."""
    rows = [(t.idx, t.idx + len(t), *_forms(doc, i), t.head.i) for i, t in enumerate(doc)]
    return Words(*(map(list, zip(*rows, strict=True)) if rows else ([] for _ in Words._fields)))


def remembered_forms(nlp: Language) -> WordForms | None:
    """Return a memory of the words of a pipeline; None where its components might look at more than single words."""
    names = nlp.pipe_names
    if nlp.lang != "en" or {RULER, LEMMATIZER, "tagger", "parser"} - set(names):
        return None
    order = [name for name in names if name not in ("tok2vec", "ner")]
    if sorted(order[:2]) != ["parser", "tagger"] or order[2:] != [RULER, LEMMATIZER]:
        return None
    patterns = [pattern for rule in nlp.get_pipe(RULER).patterns for pattern in rule["patterns"]]  # type: ignore[attr-defined]
    if any(set(token) - OF_ONE_WORD for pattern in patterns for token in pattern):
        return None
    return WordForms(nlp, patterns)


class WordForms:
    """What the attribute ruler and the lemmatizer of a pipeline say of words.

    Args:
        nlp: An English pipeline.
        patterns: The rules of its attribute ruler.

    Attributes:
        replaced: Names of the components that need not run.
    """

    replaced = (RULER, LEMMATIZER)

    def __init__(self, nlp: Language, patterns: Sequence[list[dict[str, object]]]) -> None:
        """Keep the components, and find which relations their rules name."""
        self._strings, self._vocab = nlp.vocab.strings, nlp.vocab
        self._components = [nlp.get_pipe(name) for name in self.replaced]
        self._lemmatizer: Lemmatizer = nlp.get_pipe(LEMMATIZER)  # type: ignore[assignment]
        self._longer = Matcher(nlp.vocab)
        if longer := [pattern for pattern in patterns if len(pattern) > 1]:
            self._longer.add("longer", longer)
        tests = [token["DEP"] for pattern in patterns for token in pattern if "DEP" in token]
        self._named = {self._strings.add(name) for test in tests for name in _relations(test)}
        self._unnamed = self._strings.add(UNNAMED)
        self._known: dict[Key, Forms] = {}

    def read(self, docs: Sequence[Doc]) -> list[Words]:
        """Return the words of tagged and parsed texts."""
        arrays = [np.asarray(doc.to_array(COLUMNS), np.uint64).reshape(len(doc), len(COLUMNS)) for doc in docs]
        keys = [self._keys(array[:, :3].tolist()) for array in arrays]
        if len(self._known) > MOST_REMEMBERED:
            self._known.clear()
            self._lemmatizer.cache.clear()
        self._learn({key for row in keys for key in row if key not in self._known})
        return [self._words(*parts) for parts in zip(docs, arrays, keys, strict=True)]

    def _keys(self, rows: list[list[int]]) -> list[Key]:
        named, unnamed = self._named, self._unnamed
        return [(lower, tag, dep if dep in named else unnamed) for lower, tag, dep in rows]

    def _words(self, doc: Doc, array: npt.NDArray[np.uint64], keys: list[Key]) -> Words:
        if len(self._longer) and self._longer(doc):
            return read_words(self._worked_out(doc))
        strings = self._strings
        rows = [self._known[key] for key in keys]
        deps = [
            row[4] if row[4] != UNNAMED else strings[dep] for row, dep in zip(rows, array[:, 2].tolist(), strict=True)
        ]
        lowers, lemmas, pos, tags, _ = map(list, zip(*rows, strict=True)) if rows else ([] for _ in range(5))
        starts = array[:, 3].tolist()
        ends = (array[:, 3] + array[:, 4]).tolist()
        # Offsets of heads are signed, the array is not: they wrap around.
        heads = (array[:, 5].astype(np.int64) + np.arange(len(array))).tolist()
        return Words(starts, ends, lowers, lemmas, pos, tags, deps, heads)

    def _learn(self, keys: set[Key]) -> None:
        """Show words to the components, apart from each other where a rule might see two of them."""
        words = [tuple(self._strings[part] for part in key) for key in keys]
        doc, step = self._row_of(words), 1
        if len(self._longer) and self._longer(doc):
            doc, step = self._row_of([part for word in words for part in (word, COMMA)]), 2
        self._worked_out(doc)
        self._known.update((key, _forms(doc, step * number)) for number, key in enumerate(keys))

    def _row_of(self, words: Sequence[tuple[str, ...]]) -> Doc:
        texts, tags, deps = map(list, zip(*words, strict=True)) if words else ([], [], [])
        return Doc(self._vocab, words=texts, tags=tags, deps=deps, heads=list(range(len(words))))

    def _worked_out(self, doc: Doc) -> Doc:
        for component in self._components:
            doc = component(doc)
        return doc


def _relations(test: object) -> Iterator[str]:
    if isinstance(test, dict):
        for names in test.values():
            yield from [names] if isinstance(names, str) else names
    else:
        yield str(test)


def _forms(doc: Doc, number: int) -> Forms:
    token = doc[number]
    lower = token.lower_
    return lower, (token.lemma_ or lower).lower(), token.pos_, token.tag_, token.dep_

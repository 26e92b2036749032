"""Learning an extractor of texts from silver captions and gold sentences, thresholds included.

Silver is learnt once. Gold is learnt by groups of documents: the thresholds of a model come from predictions for each
group by regressions that were fitted without it, so nothing that is scored was ever used to fit or to tune.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kb.extract.arguments import argument_spans, find_pairs, label_of_pairs, roles_of
from kb.extract.entities import EntityLearner
from kb.extract.model import TextModel, Thresholds, gold_pairs
from kb.extract.pairs import find_fillers
from kb.extract.softmax import fit_softmax
from kb.extract.token_training import GOLD_PLAN, pairs_to_learn
from kb.extract.triggers import class_of_tokens, describe, find_lexicon, lexicon_of_ontology, trigger_classes
from kb.extract.wording import idle_words, odd_forms
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kb.extract.arguments import Pairs
    from kb.extract.evoked import Evoked
    from kb.extract.examples import Example
    from kb.extract.model import Candidate, Found
    from kb.extract.pairs import Filler
    from kb.extract.softmax import Softmax
    from kb.extract.tokens import TokenEncoder, Vectors
    from kb.extract.triggers import Candidates
    from kb.ontology import Ontology

__all__ = ["N_GROUPS", "GoldLearner", "empty_model", "group_of", "learn_silver"]

N_GROUPS = 5
HELD_OUT = 5
GRID = tuple(round(0.05 * step, 2) for step in range(1, 19))
ROLE_GRID = tuple(round(0.02 * step, 2) for step in range(1, 46))
SILVER_STRENGTH = 20.0
GOLD_STRENGTH = 10.0
SILVER_ITERATIONS = 50
GOLD_ITERATIONS = 50
OFTEN = 5
NEAR = 0.6
"""A word that was a candidate so often, each time with less than this share of the least probability, is none any more."""

LOW = Thresholds(0.1, 1.1, 0.0)
"""Which triggers are looked at while thresholds are tuned."""

PRECISE = 0.5
"""Of two errors in silver, a false alarm counts more (F 0.5): in running text, where most sentences have no event, there will
be many more of them than in captions that were chosen because they have one."""


def group_of(document: str, n_groups: int = N_GROUPS) -> int:
    """Return the group of a document, by the SHA-1 of its id."""
    return int(hashlib.sha1(document.encode(), usedforsecurity=False).hexdigest(), 16) % n_groups


def empty_model(ontology: Ontology, *, uses_visual: bool = True) -> TextModel:
    """Return a model that has learnt nothing."""
    return TextModel(trigger_classes(ontology), roles_of(ontology), frozenset(), frozenset(), uses_visual=uses_visual)


def learn_silver(
    examples: Sequence[Example], ontology: Ontology, evoked: Evoked | None, *, arguments: Softmax | None = None
) -> TextModel:
    """Learn from silver captions alone.

    The threshold comes from every fifth document, for which a regression is fitted to the others first.

    Args:
        examples: Aligned captions.
        ontology: Event types and roles.
        evoked: Visual patterns of words; None leaves them out.
        arguments: What was learnt of arguments before, which does not depend on what words evoke.
    """
    lexicon = find_lexicon(examples)
    model = replace(
        empty_model(ontology, uses_visual=evoked is not None),
        lexicon=lexicon,
        context=lexicon,
        forms=odd_forms(examples, lexicon),
        idle=idle_words(examples, lexicon),
    )
    candidates = describe([example.parsed for example in examples], lexicon, lexicon, evoked, None)
    held = [group_of(example.document, HELD_OUT) == 0 for example in examples]
    trial = _fit_triggers(model, examples, candidates, [not out for out in held], silver=True)
    chosen = [i for i, out in enumerate(held) if out]
    scored = describe([examples[i].parsed for i in chosen], lexicon, lexicon, evoked, trial.silver_triggers)
    rows = trial.trigger_probabilities(scored, [None] * len(scored))
    threshold = _best_trigger_threshold(trial, [examples[i] for i in chosen], scored, rows, beta=PRECISE)
    fitted = _fit_triggers(model, examples, candidates, [True] * len(examples), silver=True)
    if arguments is None:
        fillers = [find_fillers(example.parsed) for example in examples]
        arguments = _fit_silver_arguments(fitted, _known_pairs(examples, fillers, silver=True))
    fitted = replace(fitted, silver_arguments=arguments)
    return fitted.with_thresholds(Thresholds(threshold, threshold, threshold**2))


class GoldLearner:
    """Learns from gold sentences on top of a silver model.

    Args:
        examples: All gold sentences.
        base: What was learnt from silver, or `empty_model`.
        ontology: Event types and roles.
        evoked: Visual patterns of words.
        like: Another learner of the same examples and the same silver arguments and encoder, whose entities, arguments and encoders
            are learnt already.
        advance: Is told how many sentences an encoder has seen while it is fine-tuned.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        base: TextModel,
        ontology: Ontology,
        evoked: Evoked | None,
        *,
        like: GoldLearner | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> None:
        """Describe all candidates once; which of them a model may see is decided by its lexicon."""
        self.examples, self.base, self._advance = examples, base, advance
        self.groups = [group_of(example.document) for example in examples]
        self.annotated = tuple(sorted({e.event_type for example in examples for e in example.events} & set(base.types)))
        known = lexicon_of_ontology(ontology)
        self._core = base.lexicon or frozenset(
            lemma for example in examples for lemma in example.parsed.lemmas if known(lemma)
        )
        everything = self._core | find_lexicon(examples)
        parsed = [example.parsed for example in examples]
        self._candidates = describe(parsed, everything, self._core, evoked, base.silver_triggers)
        self._stages: dict[frozenset[int], TextModel] = {}
        self._entities: EntityLearner = like._entities if like else EntityLearner(examples, self.groups)  # noqa: SLF001 - of its own kind
        self._arguments: dict[frozenset[int], Softmax | None] = like._arguments if like else {}  # noqa: SLF001 - likewise
        self._encoders: dict[frozenset[int], TokenEncoder] = like._encoders if like else {}  # noqa: SLF001 - likewise

    def learn(self, groups: Iterable[int]) -> TextModel:
        """Fit to some groups of documents, with thresholds tuned inside them.

        Raises:
            CorpusError: Fewer than two of them have a document with a candidate.
        """
        wanted = frozenset(groups)
        trigger_rows: dict[int, tuple[Candidates, np.ndarray]] = {}
        role_rows: dict[int, list[Candidate]] = {}
        for group in sorted(wanted):
            others = wanted - {group}
            stage = self._stage(others)
            for i in self._members({group}):
                trigger_rows[i], vectors = self._score(stage, i)
                role_rows[i] = self._roles(stage, others, i, stage.decide(*trigger_rows[i], LOW), vectors)
        model = self._stage(wanted)
        members = sorted(trigger_rows)
        examples = [self.examples[i] for i in members]
        trigger = _best_trigger_threshold(
            model, examples, [trigger_rows[i][0] for i in members], [trigger_rows[i][1] for i in members], beta=1.0
        )
        role = _best_role_threshold(model, examples, [role_rows[i] for i in members], trigger)
        model = model.with_thresholds(Thresholds(trigger, self.base.thresholds.silver_trigger, role))
        return replace(model, lexicon=model.lexicon - _never_likely(model, [trigger_rows[i] for i in members]))

    def _score(self, model: TextModel, index: int) -> tuple[tuple[Candidates, np.ndarray], Vectors | None]:
        """Return the candidates of a sentence that a model's lexicon has, their probabilities, and what its encoder has read."""
        candidates = _narrowed(self._candidates[index], model.lexicon)
        vectors = model.read([self.examples[index].parsed], [candidates])
        return (candidates, model.trigger_probabilities([candidates], vectors)[0]), vectors[0]

    def predict(self, groups: Iterable[int], model: TextModel, index: int) -> list[Found]:
        """Return the events that a model, learnt from some groups, finds in a sentence."""
        scored, vectors = self._score(model, index)
        return model.fill(self._roles(model, frozenset(groups), index, model.decide(*scored), vectors))

    def _roles(
        self, model: TextModel, groups: frozenset[int], index: int, triggers: list[Found], vectors: Vectors | None
    ) -> list[Candidate]:
        """Return the pairs of triggers with their probabilities."""
        if not triggers:
            return []
        parsed, fillers = self.examples[index].parsed, self._fillers(groups, index)
        pairs = [find_pairs(parsed, one.token, one.event_type, fillers) for one in triggers]
        return list(zip(triggers, pairs, model.role_probabilities(pairs, [vectors] * len(pairs)), strict=True))

    def _fillers(self, groups: frozenset[int], index: int) -> list[Filler]:
        """Return what could play a role in a sentence, by the entities learnt from some groups without its own."""
        found = self._entities.find(groups - {self.groups[index]}, index)
        return find_fillers(self.examples[index].parsed) if found is None else found

    def _members(self, groups: Iterable[int]) -> list[int]:
        wanted = set(groups)
        return [i for i, group in enumerate(self.groups) if group in wanted]

    def _stage(self, groups: frozenset[int]) -> TextModel:
        """Fit to some groups of documents; each set of groups once."""
        if groups not in self._stages:
            members = self._members(groups)
            examples = [self.examples[i] for i in members]
            lexicon = self._core | find_lexicon(examples)
            model = replace(
                self.base,
                lexicon=lexicon,
                context=self._core,
                forms=self.base.forms | odd_forms(examples, lexicon),
                idle=idle_words(examples, lexicon),
                gold_types=self.annotated,
                entity_types=self._entities.types,
                gold_entities=self._entities.fit(groups),
            )
            candidates = [_narrowed(self._candidates[i], lexicon) for i in members]
            self._require(candidates)
            model = _fit_triggers(model, examples, candidates, [True] * len(members), silver=False)
            if groups not in self._arguments:
                fillers = [self._fillers(groups, i) if self.examples[i].events else [] for i in members]
                known = _known_pairs(examples, fillers, silver=False)
                self._arguments[groups] = _fit_gold_arguments(model, known)
            if self.base.encoder and groups not in self._encoders:
                self._encoders[groups] = self._fit_encoder(self.base.encoder, members, candidates, groups)
            model = replace(model, gold_arguments=self._arguments[groups], encoder=self._encoders.get(groups))
            self._stages[groups] = model
        return self._stages[groups]

    def _require(self, candidates: Iterable[Candidates]) -> None:
        """Refuse to learn from nothing, which is what is left of a single group once it is left out."""
        if not any(one.tokens for one in candidates):
            rows = zip(self.examples, self._candidates, strict=True)
            n = len({example.document for example, one in rows if one.tokens})
            raise CorpusError(
                f"Gold documents with a word that could trigger an event: {n}. Thresholds are tuned on some that were left "
                f"out, so it takes at least two, in different ones of {N_GROUPS} groups that go by their ids.",
                hint="Give more gold (ten such documents are hardly ever in one group), or train without --gold.",
            )

    def _fit_encoder(
        self, encoder: TokenEncoder, members: Sequence[int], candidates: Sequence[Candidates], groups: frozenset[int]
    ) -> TokenEncoder:
        """Fine-tune the encoder further, to what it will be asked: likely candidates, and what could fill roles."""
        sentences = []
        for i, one in zip(members, candidates, strict=True):
            example, likely = self.examples[i], set(one.likely())
            labels = class_of_tokens(example, one.tokens, self.base.types)
            triggers = [row for n, row in enumerate(zip(one.tokens, labels, strict=True)) if n in likely or row[1]]
            if triggers:
                fillers = self._fillers(groups, i) if example.events else []
                pairs = pairs_to_learn(example, fillers, self.base.roles, silver=False)
                sentences.append(encoder.mark(example.parsed, triggers, pairs))
        return encoder.learn(sentences, GOLD_PLAN, self._advance)


Known = list[tuple["Example", "Pairs", tuple[tuple[int, int, str], ...]]]


def _narrowed(candidates: Candidates, lexicon: frozenset[str]) -> Candidates:
    chosen = candidates.select(lexicon)
    return replace(
        candidates,
        tokens=[candidates.tokens[i] for i in chosen],
        features=[candidates.features[i] for i in chosen],
        lemmas=[candidates.lemmas[i] for i in chosen],
        logs=candidates.logs[chosen] if candidates.logs.size else candidates.logs,
    )


def _fit_triggers(
    model: TextModel,
    examples: Sequence[Example],
    candidates: Sequence[Candidates],
    use: Sequence[bool],
    *,
    silver: bool,
) -> TextModel:
    rows = [(e, c) for e, c, used in zip(examples, candidates, use, strict=True) if used and c.tokens]
    features = [names for _, one in rows for names in one.features]
    classes = np.array([label for e, c in rows for label in class_of_tokens(e, c.tokens, model.types)], np.int64)
    dense = None if silver or model.silver_triggers is None else np.concatenate([c.logs for _, c in rows])
    fitted = fit_softmax(
        features,
        classes,
        1 + len(model.types),
        dense=dense,
        strength=SILVER_STRENGTH if silver else GOLD_STRENGTH,
        max_iterations=SILVER_ITERATIONS if silver else GOLD_ITERATIONS,
    )
    return replace(model, silver_triggers=fitted) if silver else replace(model, gold_triggers=fitted)


def _known_pairs(examples: Sequence[Example], fillers: Sequence[Sequence[Filler]], *, silver: bool) -> Known:
    """Return the pairs of known triggers; of silver ones those with arguments, since the others may just not have been found."""
    return [
        (example, find_pairs(example.parsed, event.trigger, event.event_type, found), event.arguments)
        for example, found in zip(examples, fillers, strict=True)
        for event in example.events
        if event.event_type and (event.arguments or not silver)
    ]


def _labels_of(model: TextModel, known: Known) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([label for e, pairs, a in known for label in label_of_pairs(e, pairs, a, model.roles)], np.int64)


def _fit_silver_arguments(model: TextModel, known: Known) -> Softmax | None:
    labels = _labels_of(model, known)
    if not labels.any():
        return None
    features = [names for _, pairs, _ in known for names in pairs.features]
    n_classes = 1 + len(model.roles.names)
    return fit_softmax(features, labels, n_classes, strength=SILVER_STRENGTH, max_iterations=GOLD_ITERATIONS)


def _fit_gold_arguments(model: TextModel, known: Known) -> Softmax | None:
    labels = _labels_of(model, known)
    if not labels.any():
        return None
    logs = model.silver_role_logs([names for _, pairs, _ in known for names in pairs.features])
    features, dense = gold_pairs([pairs for _, pairs, _ in known], logs)
    return fit_softmax(
        features,
        labels,
        1 + len(model.roles.names),
        dense=dense,
        strength=GOLD_STRENGTH,
        max_iterations=GOLD_ITERATIONS,
    )


def _best_trigger_threshold(
    model: TextModel,
    examples: Sequence[Example],
    candidates: Sequence[Candidates],
    rows: Sequence[np.ndarray],
    *,
    beta: float,
) -> float:
    """Return the threshold with the best F measure."""
    scores = []
    n_gold = sum(bool(event.event_type) for example in examples for event in example.events)
    for least in GRID:
        limits = Thresholds(least, 1.1 if model.gold_types else least, 0.0)
        right = predicted = 0
        for example, one, row in zip(examples, candidates, rows, strict=True):
            known = Counter((event.trigger, event.event_type) for event in example.events)
            found = Counter((hit.token, hit.event_type) for hit in model.decide(one, row, limits))
            right += (known & found).total()
            predicted += found.total()
        scores.append((1 + beta**2) * right / max(1, beta**2 * n_gold + predicted))
    return _most_moderate(scores)


def _never_likely(model: TextModel, rows: Iterable[tuple[Candidates, np.ndarray]]) -> frozenset[str]:
    """Return lemmas that were candidates often enough and never came near a threshold; texts with no others need no parsing."""
    seen: Counter[str] = Counter()
    likely: set[str] = set()
    least = model.least()
    for candidates, probabilities in rows:
        seen.update(candidates.lemmas)
        near = np.flatnonzero(np.any(probabilities[:, 1:] >= NEAR * least, axis=1))
        likely.update(candidates.lemmas[number] for number in near)
    return frozenset(lemma for lemma, n in seen.items() if n >= OFTEN and lemma not in likely)


def _most_moderate(scores: Sequence[float], grid: Sequence[float] = GRID) -> float:
    """Return the threshold with the best score, of equal ones the nearest to a half."""
    best = max(scores)
    return min((least for least, score in zip(grid, scores, strict=True) if score == best), key=lambda t: abs(t - 0.5))


def _best_role_threshold(
    model: TextModel, examples: Sequence[Example], rows: Sequence[list[Candidate]], trigger: float
) -> float:
    """Return the threshold with the best F1 of arguments, given the triggers that would be predicted."""
    known = [
        Counter(
            (event.event_type, role, span)
            for event in example.events
            for span, role in argument_spans(example, event.arguments)
        )
        for example in examples
    ]
    predicted = [[one for one in found if one[0].score >= trigger] for found in rows]
    n_gold = sum(one.total() for one in known)
    scores = []
    for least in ROLE_GRID:
        right = n_predicted = 0
        for one, candidates in zip(known, predicted, strict=True):
            hits = Counter(
                (hit.event_type, filled.role, (filled.filler.start, filled.filler.end))
                for hit in model.fill(candidates, least)
                for filled in hit.roles
            )
            right += (one & hits).total()
            n_predicted += hits.total()
        scores.append(2 * right / max(1, n_gold + n_predicted))
    return _most_moderate(scores, ROLE_GRID)

"""Learning an extractor of texts from silver captions and gold sentences, thresholds included.

Silver is learnt once. Gold is learnt by groups of documents: the thresholds of a model come from predictions for each
group by regressions that were fitted without it, so nothing that is scored was ever used to fit or to tune.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from kb.extract.arguments import roles_of
from kb.extract.encoders import Encoders, Reading
from kb.extract.entities import EntityLearner
from kb.extract.fitting import fit_gold_arguments, fit_silver_arguments, fit_triggers, known_pairs
from kb.extract.model import UNSEEN, TextModel, Thresholds, View
from kb.extract.pairs import find_fillers
from kb.extract.token_training import GOLD_PLAN, pairs_to_learn
from kb.extract.triggers import class_of_tokens, describe, find_lexicon, lexicon_of_ontology, trigger_classes
from kb.extract.tuning import GRID, best_role_threshold, best_trigger_threshold, never_likely
from kb.extract.wording import idle_words, odd_forms
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np

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
LOW = Thresholds(GRID[0], 1.1, 0.0)
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

    Raises:
        CorpusError: No caption says a trigger, or only those do for which the regression is not fitted.
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
    _require_triggers(examples, candidates, held)
    kept, chosen = ([i for i, out in enumerate(held) if out == wanted] for wanted in (False, True))
    trial = fit_triggers(model, [examples[i] for i in kept], [candidates[i] for i in kept], silver=True)
    scored = describe([examples[i].parsed for i in chosen], lexicon, lexicon, evoked, trial.silver_triggers)
    rows = trial.trigger_probabilities(scored, [None] * len(scored))
    threshold = best_trigger_threshold(trial, [examples[i] for i in chosen], scored, rows, beta=PRECISE)
    fitted = fit_triggers(model, examples, candidates, silver=True)
    if arguments is None:
        views = [View(find_fillers(example.parsed), None) for example in examples]
        arguments = fit_silver_arguments(fitted, known_pairs(fitted, examples, views, silver=True))
    fitted = replace(fitted, silver_arguments=arguments)
    return fitted.with_thresholds(Thresholds(threshold, threshold, threshold**2))


def _require_triggers(examples: Sequence[Example], candidates: Sequence[Candidates], held: Sequence[bool]) -> None:
    """Refuse to learn from captions that say no trigger, or none outside of the documents that are held out."""
    if not any(one.tokens for one, out in zip(candidates, held, strict=True) if not out):
        n = len({example.document for example, one in zip(examples, candidates, strict=True) if one.tokens})
        raise CorpusError(
            f"Documents with a silver caption that says a trigger of an event type of the ontology: {n}. A threshold is chosen on every "
            "fifth document, so some others are needed.",
            hint="Give more silver captions, a run with the event types they are about, or train with --gold alone.",
        )


class GoldLearner:
    """Learns from gold sentences on top of a silver model.

    Args:
        examples: All gold sentences.
        base: What was learnt from silver, or `empty_model`.
        ontology: Event types and roles.
        evoked: Visual patterns of words.
        like: Another learner of the same examples, whose entities are learnt already, and arguments and encoders, too, where it
            has the same silver arguments and encoder (which sentences encoders read depends on silver triggers a little; that
            is not made up for).
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
        self._readings: dict[int, Vectors] = {}
        self._entities: EntityLearner = like._entities if like else EntityLearner(examples, self.groups)  # noqa: SLF001 - of its own kind
        same = (
            like is not None
            and like.base.encoders is base.encoders
            and like.base.silver_arguments is base.silver_arguments
        )
        self._arguments: dict[frozenset[int], Softmax | None] = like._arguments if like and same else {}  # noqa: SLF001 - likewise
        self._encoders: dict[frozenset[int], Encoders] = like._encoders if like and same else {}  # noqa: SLF001 - likewise

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
                trigger_rows[i], view = self._score(stage, others, i)
                role_rows[i] = self._roles(stage, others, i, stage.decide(*trigger_rows[i], LOW), view)
        model = self._stage(wanted)
        members = sorted(trigger_rows)
        examples = [self.examples[i] for i in members]
        trigger = best_trigger_threshold(
            model, examples, [trigger_rows[i][0] for i in members], [trigger_rows[i][1] for i in members], beta=1.0
        )
        role = best_role_threshold(model, examples, [role_rows[i] for i in members], trigger)
        model = model.with_thresholds(Thresholds(trigger, self.base.thresholds.silver_trigger, role))
        return replace(model, unlikely=never_likely(model, [trigger_rows[i] for i in members]))

    def predict(self, groups: Iterable[int], model: TextModel, index: int) -> list[Found]:
        """Return the events that a model, learnt from some groups, finds in a sentence, which it may not think worth parsing."""
        if not model.might_find(self.examples[index].parsed.text):
            return []
        wanted = frozenset(groups)
        scored, view = self._score(model, wanted, index)
        return model.fill(self._roles(model, wanted, index, model.decide(*scored), view))

    def _score(
        self, model: TextModel, groups: frozenset[int], index: int
    ) -> tuple[tuple[Candidates, np.ndarray], View]:
        """Return the candidates of a sentence, their probabilities, and the sentence as the encoders of a model see it."""
        candidates, view = self._look(model, groups, index)
        return (candidates, model.trigger_probabilities([candidates], [view.reading])[0]), view

    def _look(self, model: TextModel, groups: frozenset[int], index: int) -> tuple[Candidates, View]:
        """Return the candidates of a sentence that a model's lexicon has, and the sentence as its encoders see it."""
        candidates, parsed = self._candidates[index].narrow(model.lexicon), self.examples[index].parsed
        if model.encoders is None or not candidates.likely():
            return model.closer(parsed, candidates, UNSEEN), UNSEEN
        if index not in self._readings:
            (self._readings[index],) = model.encoders.silver.read([parsed])
        gold = model.encoders.gold
        reading = Reading(self._readings[index], gold.read([parsed])[0] if gold else None)
        view = View(self._fillers(groups, index), reading)
        return model.closer(parsed, candidates, view), view

    def _roles(
        self, model: TextModel, groups: frozenset[int], index: int, triggers: list[Found], view: View
    ) -> list[Candidate]:
        """Return the pairs of triggers with their probabilities."""
        if not triggers:
            return []
        parsed, view = self.examples[index].parsed, self._filled(view, groups, index)
        pairs = [model.pair(parsed, one.token, one.event_type, view) for one in triggers]
        return list(zip(triggers, pairs, model.role_probabilities(pairs, [view.reading] * len(pairs)), strict=True))

    def _fillers(self, groups: frozenset[int], index: int) -> list[Filler]:
        """Return what could play a role in a sentence, by the entities learnt from some groups without its own."""
        found = self._entities.find(groups - {self.groups[index]}, index)
        return find_fillers(self.examples[index].parsed, len(self._entities.types)) if found is None else found

    def _filled(self, view: View, groups: frozenset[int], index: int) -> View:
        """Return how a sentence is seen, with what could play a role in it."""
        return view if view.fillers is not None else View(self._fillers(groups, index), view.reading)

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
            looked = [self._look(model, groups, i) for i in members]
            candidates = [one for one, _ in looked]
            views = [
                self._filled(view, groups, i) if self.examples[i].events else view
                for i, (_, view) in zip(members, looked, strict=True)
            ]
            self._require(candidates)
            model = fit_triggers(model, examples, candidates, silver=False)
            if groups not in self._arguments:
                self._arguments[groups] = fit_gold_arguments(model, known_pairs(model, examples, views, silver=False))
            if self.base.encoders and groups not in self._encoders:
                gold = self._fit_encoder(self.base.encoders.silver, examples, candidates, views)
                self._encoders[groups] = Encoders(self.base.encoders.silver, gold)
            model = replace(model, gold_arguments=self._arguments[groups], encoders=self._encoders.get(groups))
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
        self,
        encoder: TokenEncoder,
        examples: Sequence[Example],
        candidates: Sequence[Candidates],
        views: Sequence[View],
    ) -> TokenEncoder:
        """Fine-tune the encoder further, to what it will be asked: likely candidates, and what could fill roles."""
        sentences = []
        for example, one, view in zip(examples, candidates, views, strict=True):
            likely = set(one.likely())
            labels = class_of_tokens(example, one.tokens, self.base.types)
            triggers = [row for n, row in enumerate(zip(one.tokens, labels, strict=True)) if n in likely or row[1]]
            if triggers:
                pairs = pairs_to_learn(example, view.fillers or (), self.base.roles, silver=False)
                sentences.append(encoder.mark(example.parsed, triggers, pairs))
        return encoder.learn(sentences, GOLD_PLAN, self._advance)

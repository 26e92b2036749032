"""How well events are extracted from texts: `python -m tests.bench.extraction [--data DIR] [--run RUN] [--encoder FILE] [--cache FILE] [--parts …]`.

Five folds by the SHA-1 of the document id over the gold of `m2e2-dev`, protocol `all`. Gold of the training folds alone is
learnt from and tuned on (thresholds come from predictions for each training fold by a model without it). Silver captions are of
other documents, but some repeat a gold sentence: those that share four fifths or more of their words with one are left out and
counted. Prints one JSON object per system and measure:

    in-domain list    a word triggers the event type it triggered in the training folds, if it did so in a share of its occurrences that is
                      tuned on them
    silver list       the same from silver captions alone, the share tuned on held-out silver captions (F1, and F 0.5 as our own model)
    zero gold         our model learnt from silver captions and ontology alone, tuned on silver
    gold              silver, then gold, with the visual patterns of a run if one is given
    speed             sentences per second of processor time, from text to mentions, by what was learnt without fold 0, and spaCy's own
    gold, no visual   the same without them; `gain` compares the two by a paired bootstrap over documents
    gold, encoder     the same as without visual patterns, and with the token encoders, fine-tuned to silver once and to gold for each set
                      of training documents; compared with the one without them, and timed; then, with the same encoders, the patterns of a run
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
from collections import Counter, defaultdict, deque
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from corpora.m2e2 import read_gold
from corpora.texts import TextRecord
from kb.evaluate.extraction import evaluate_mentions, scored_documents
from kb.evaluate.mentions import count_mentions
from kb.evaluate.predictions import Predicted, PredictedArgument
from kb.evaluate.scores import compare_f1, count_matrix
from kb.extract.encoders import Encoders
from kb.extract.examples import gold_examples, read_silver, silver_examples
from kb.extract.learning import N_GROUPS, GoldLearner, group_of, learn_silver
from kb.extract.text import TextExtractor
from kb.extract.token_training import SILVER_PLAN, learn_encoder
from kb.extract.tokens import TokenEncoder
from kb.extract.tuning import GRID
from kb.ontology import load_ontology, normalise_value
from miner.run.extraction import open_evoked
from miner.store.fingerprint import digest_json
from miner.store.formats import read_tensors, write_tensors
from miner.text.pieces import EntitySpan, Parsed, PieceParser
from miner.text.pipeline import open_pipeline, resolve_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from corpora.m2e2 import Gold
    from kb.extract.examples import Example, SilverCaption
    from kb.extract.model import Found, TextModel
    from kb.extract.tokens import Plan

DATA = Path(__file__).parents[3] / "shared" / "data"
MEASURES = ("trigger identification", "mention", "argument identification", "argument classification")
WORD = re.compile(r"\w+")
ALIKE = 0.8
"""Texts whose sets of words have so large a Jaccard index say the same."""

ROUNDING = 1e-9

Predictions = list[Predicted]


class CachedParser(PieceParser):
    """A parser that remembers what it parsed in a file."""

    def __init__(self, pipeline: str, path: Path | None) -> None:
        super().__init__(pipeline)
        self._path, self._known = path, {}
        if path and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                parsed = Parsed(**json.loads(line))
                parsed.entities = tuple(EntitySpan(*entity) for entity in parsed.entities)
                self._known[parsed.text] = parsed

    def parse(self, pieces: Sequence[str], *, entities: bool = False) -> list[Parsed]:
        missing = list(dict.fromkeys(piece for piece in pieces if piece not in self._known))
        found = super().parse(missing, entities=entities)
        self._known |= dict(zip(missing, found, strict=True))
        if self._path and missing:
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(
                    f"{json.dumps(asdict(one) | {'text': text})}\n" for text, one in zip(missing, found, strict=True)
                )
        return [self._known[piece] for piece in pieces]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--run", type=Path, action="append", default=[], help="run whose patterns words evoke; can be repeated"
    )
    parser.add_argument(
        "--encoder", type=Path, help="try the token encoder, too; file that remembers what silver taught it"
    )
    parser.add_argument("--cache", type=Path, help="file that remembers parsed sentences")
    parser.add_argument("--limit", type=int, default=None, help="use so many silver captions")
    parser.add_argument("--parts", default="lists,zero,speed,gold", help="what to do")
    options = parser.parse_args()
    parts = options.parts.split(",")
    ontology = load_ontology("news")
    pieces = CachedParser(resolve_pipeline(), options.cache)
    paths = [options.data / "m2e2-dev" / name for name in ("text_only_event.json", "text_multimedia_event.json")]
    golds = {"merged": read_gold(paths), "text-only file": read_gold(paths[:1])}
    examples = gold_examples(list(golds["merged"].sentences.values()), pieces, ontology)
    notes: Counter[str] = Counter()
    read = read_silver(options.data / "voa-silver")[: options.limit]
    captions = apart_from(read, [sentence.text for sentence in golds["merged"].sentences.values()])
    say(part="silver captions like a gold sentence, left out", captions=len(read) - len(captions))
    silver = silver_examples(captions, pieces, ontology, notes)
    say(part="data", sentences=len(examples), silver=len(silver), notes=dict(notes))
    if "lists" in parts:
        report("in-domain list", golds, in_domain_list(examples))
        for beta in (1.0, 0.5):
            report(f"silver list, F {beta}", golds, silver_list(silver, examples, beta))
    started = time.process_time()
    if {"zero", "gold", "speed"} & set(parts):
        base = learn_silver(silver, ontology, None)
        say(part="silver learnt", cpuSeconds=round(time.process_time() - started), thresholds=base.thresholds._asdict())
    if "zero" in parts:
        hits = base.find([example.parsed for example in examples], None)
        report("zero gold", golds, as_predicted(examples, hits))
    learner = GoldLearner(examples, base, ontology, None) if {"gold", "speed"} & set(parts) else None
    records = [TextRecord(s.id, s.document, s.text) for s in golds["merged"].sentences.values()]
    if learner and "speed" in parts:
        measure_speed(learner.learn(set(range(1, N_GROUPS))), records)
    if learner and "gold" in parts:
        plain = learn_folds(learner)
        report("gold, no visual", golds, plain)
        say(part="gold learnt", cpuSeconds=round(time.process_time() - started))
        reader, read_by = None, None
        if options.encoder:
            taught = replace(base, encoders=Encoders(silver_encoder(options.encoder, silver, base)))
            reader = GoldLearner(examples, taught, ontology, None, like=learner)
            read_by = learn_folds(reader)
            report("gold, encoder", golds, read_by)
            compare("gold, encoder less gold, no visual", golds["merged"], read_by, plain)
            measure_speed(reader.learn(set(range(1, N_GROUPS))), records, encoder=True)
        for run in options.run:
            evoked = open_evoked([run])
            seen = learn_silver(silver, ontology, evoked, arguments=base.silver_arguments)
            found = learn_folds(GoldLearner(examples, seen, ontology, evoked, like=learner))
            say(part="visual", run=run.name, patterns=len(evoked.patterns))
            report(f"gold, {run.name}", golds, found)
            compare(f"gold, {run.name} less gold, no visual", golds["merged"], found, plain)
            if reader and read_by:
                both = replace(seen, encoders=reader.base.encoders)
                found = learn_folds(GoldLearner(examples, both, ontology, evoked, like=reader))
                report(f"gold, encoder, {run.name}", golds, found)
                compare(f"gold, encoder, {run.name} less gold, encoder", golds["merged"], found, read_by)


def apart_from(captions: Sequence[SilverCaption], sentences: Sequence[str]) -> list[SilverCaption]:
    """Return the captions whose words are not nearly those of a gold sentence (Jaccard of the sets of words)."""
    sets = [frozenset(WORD.findall(text.casefold())) for text in (*sentences, *(one.text for one in captions))]
    often = Counter(word for words in sets for word in words)
    by_word: dict[str, list[frozenset[str]]] = defaultdict(list)
    for words in sets[: len(sentences)]:
        for word in rarest(words, often):
            by_word[word].append(words)
    return [
        caption
        for caption, words in zip(captions, sets[len(sentences) :], strict=True)
        if not any(
            len(words & other) >= ALIKE * len(words | other) for w in rarest(words, often) for other in by_word[w]
        )
    ]


def rarest(words: frozenset[str], often: Counter[str]) -> list[str]:
    """Return so many of the rarest words that sets which are alike have one of them in common."""
    ordered = sorted(words, key=lambda word: (often[word], word))
    return ordered[: len(words) - math.ceil(ALIKE * len(words) - ROUNDING) + 1]


def silver_encoder(path: Path, silver: Sequence[Example], base: TextModel, plan: Plan = SILVER_PLAN) -> TokenEncoder:
    """Return the encoder as silver captions teach it, from a file if the same have taught it the same before."""
    started = time.process_time()
    untaught = TokenEncoder(1 + len(base.types), 1 + len(base.roles.names))
    captions = [[one.record, one.parsed.text, repr(one.events)] for one in silver]
    made_of = digest_json([captions, plan._asdict(), sorted(base.lexicon), list(base.types), untaught.weights])
    note = path.with_name(f"{path.name}.of")
    if path.exists():
        if not note.exists() or note.read_text(encoding="utf-8") != made_of:
            sys.exit(f"{path} was taught by other captions, otherwise, or from other weights: name another file.")
        return TokenEncoder(1 + len(base.types), 1 + len(base.roles.names), read_tensors(path))
    encoder = learn_encoder(silver, base, plan)
    write_tensors(path, encoder.tuned)
    note.write_text(made_of, encoding="utf-8")
    say(part="silver taught the encoder", cpuSeconds=round(time.process_time() - started))
    return encoder


def measure_speed(model: TextModel, records: Sequence[TextRecord], *, encoder: bool = False) -> None:
    """Time the whole way from text to mentions with one thread, parsing included, the loading of the pipeline not.

    What spaCy alone takes for the same texts, with all its components and without entities, is timed before and after: how
    fast a processor is depends on what else it does.
    """
    extractor = TextExtractor(model, PieceParser(resolve_pipeline()), None)
    list(extractor.extract(records[:50]))
    texts = [record.text for record in records]
    bare = {name: bare_seconds(texts, name) for name in ((), ("ner",))}
    extractor.counts.clear()
    started = time.process_time()
    list(extractor.extract(records))
    seconds = time.process_time() - started
    again = {name: bare_seconds(texts, name) for name in ((), ("ner",))}
    spacy, plain = (round(2 * len(texts) / (bare[name] + again[name])) for name in bare)
    say(
        part="speed",
        encoder=encoder,
        sentences=len(records),
        cpuSeconds=round(seconds, 1),
        perSecond=round(len(records) / seconds),
        spacyPerSecond=spacy,
        spacyWithoutEntitiesPerSecond=plain,
        counts=dict(extractor.counts),
    )


def bare_seconds(texts: Sequence[str], disabled: Sequence[str]) -> float:
    """Return the processor time that spaCy takes for texts."""
    nlp = open_pipeline(resolve_pipeline())
    with nlp.select_pipes(disable=list(disabled)):
        list(nlp.pipe(texts[:50]))
        started = time.process_time()
        deque(nlp.pipe(texts, batch_size=128), maxlen=0)
        return time.process_time() - started


def say(**row: object) -> None:
    sys.stdout.write(f"{json.dumps(row)}\n")
    sys.stdout.flush()


def report(system: str, golds: dict[str, Gold], predicted: Predictions) -> None:
    for name, gold in golds.items():
        known = [one for one in predicted if one.record in gold.sentences]
        for score in evaluate_mentions(gold, known, protocol="all", setting="text-only").scores:
            if score.event_type == "all" or (name == "merged" and score.measure == "mention" and system == "gold"):
                row = {
                    key: round(value, 4) if isinstance(value, float) else value
                    for key, value in score._asdict().items()
                }
                say(system=system, protocol="all", gold=name, **row)


def compare(name: str, gold: Gold, one: Predictions, other: Predictions) -> None:
    documents = scored_documents(gold)
    tallies = [count_mentions(gold, found, protocol="all", setting="text-only") for found in (one, other)]
    for measure in MEASURES:
        matrices = [count_matrix(tally.counts[measure], documents) for tally in tallies]
        gain, low, high, share = compare_f1(*matrices)
        say(gain=name, measure=measure, f1=round(gain, 4), low=round(low, 4), high=round(high, 4), shareNotBetter=share)


def learn_folds(learner: GoldLearner) -> Predictions:
    """Predict every fold by a model learnt from the others."""
    predicted: Predictions = []
    for fold in range(N_GROUPS):
        others = set(range(N_GROUPS)) - {fold}
        model = learner.learn(others)
        members = [i for i, group in enumerate(learner.groups) if group == fold]
        found = [learner.predict(others, model, i) for i in members]
        predicted += as_predicted([learner.examples[i] for i in members], found)
        say(part=f"fold {fold}", **model.thresholds._asdict(), cpuSeconds=round(time.process_time()))
    return predicted


def as_predicted(examples: Sequence[Example], found: Iterable[Sequence[Found]]) -> Predictions:
    return [
        Predicted(
            example.record,
            None,
            normalise_value(hit.event_type),
            (example.parsed.starts[hit.token], example.parsed.ends[hit.token]),
            tuple(
                PredictedArgument(
                    r.role, (example.parsed.starts[r.filler.start], example.parsed.ends[r.filler.end - 1]), None
                )
                for r in hit.roles
            ),
        )
        for example, hits in zip(examples, found, strict=True)
        for hit in hits
    ]


WordList = dict[str, tuple[float, str]]


def word_list(examples: Iterable[Example]) -> WordList:
    """Return for each lemma the share of its occurrences that trigger its commonest event type."""
    seen: Counter[str] = Counter()
    marked: dict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        seen.update(example.parsed.lemmas)
        for event in example.events:
            if event.event_type:
                marked[example.parsed.lemmas[event.trigger]][event.event_type] += 1
    best = {lemma: max(sorted(types), key=types.__getitem__) for lemma, types in marked.items()}
    return {lemma: (marked[lemma][name] / seen[lemma], name) for lemma, name in best.items()}


def apply_list(words: WordList, least: float, example: Example) -> list[tuple[int, str]]:
    hits = ((i, words[lemma]) for i, lemma in enumerate(example.parsed.lemmas) if lemma in words)
    return [(i, name) for i, (share, name) in hits if share >= least]


def best_share(words: Callable[[Example], WordList], examples: Sequence[Example], beta: float) -> float:
    """Return the least share with the best F measure on examples that did not make the list."""
    n_gold = sum(bool(event.event_type) for example in examples for event in example.events)
    scores = []
    for least in GRID:
        right = predicted = 0
        for example in examples:
            hits = Counter(apply_list(words(example), least, example))
            right += (hits & Counter((e.trigger, e.event_type) for e in example.events)).total()
            predicted += hits.total()
        scores.append((1 + beta**2) * right / (beta**2 * n_gold + predicted))
    return GRID[int(np.argmax(scores))]


def in_domain_list(examples: Sequence[Example]) -> Predictions:
    groups = [group_of(example.document) for example in examples]
    predicted: Predictions = []
    for fold in range(N_GROUPS):
        inner = {
            g: word_list(e for e, group in zip(examples, groups, strict=True) if group not in (fold, g))
            for g in range(N_GROUPS)
        }
        training = [e for e, group in zip(examples, groups, strict=True) if group != fold]
        least = best_share(lambda e: inner[group_of(e.document)], training, 1.0)  # noqa: B023 - called before the next fold
        predicted += list_predictions(word_list(training), least, [e for e in examples if group_of(e.document) == fold])
    return predicted


def silver_list(silver: Sequence[Example], examples: Sequence[Example], beta: float) -> Predictions:
    held = [example for example in silver if group_of(example.document) == 0]
    trial = word_list(example for example in silver if group_of(example.document) != 0)
    least = best_share(lambda _: trial, held, beta)
    say(part=f"silver list, F {beta}", least=least)
    return list_predictions(word_list(silver), least, examples)


def list_predictions(words: WordList, least: float, examples: Iterable[Example]) -> Predictions:
    return [
        Predicted(e.record, None, normalise_value(name), (e.parsed.starts[i], e.parsed.ends[i]), ())
        for e in examples
        for i, name in apply_list(words, least, e)
    ]


if __name__ == "__main__":
    main()

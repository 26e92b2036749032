"""What a gold standard takes for an entity is learnt from it, and fills roles."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from corpora.m2e2 import read_gold
from kb.extract.arguments import find_pairs, roles_of
from kb.extract.entities import EntityLearner, choose_entities, entity_types
from kb.extract.examples import SilverCaption, gold_examples, silver_examples
from kb.extract.learning import N_GROUPS, GoldLearner, empty_model, group_of, learn_silver
from kb.extract.model import Found, Thresholds
from kb.extract.model_files import load_model, save_model
from kb.extract.pairs import find_fillers
from kb.extract.spans import find_spans, span_features, strip_span
from kb.extract.triggers import Candidates
from kb.extract.tuning import never_likely
from kb.extract.wording import TriggerWords, idle_words, odd_forms
from kb.ontology import load_ontology
from miner.text.pieces import PieceParser
from miner.text.pipeline import resolve_pipeline
from tests.gold_files import sentence, write_sentences

if TYPE_CHECKING:
    from pathlib import Path

    from kb.extract.examples import Example
    from miner.text.pieces import Parsed

NEWS = load_ontology("news")
ATTACKED = (("Conflict.Attack", "attacked", (("Attacker", "Troops"),)),)
CITIES = ["Aleppo", "Paris", "Kabul", "Tripoli", "Mosul", "Baghdad", "Homs", "Cairo"]


@pytest.fixture(scope="module")
def parser() -> PieceParser:
    return PieceParser(resolve_pipeline())


@pytest.fixture(scope="module")
def gold(parser: PieceParser, tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    """Return sentences in which "police officers" is one entity and "morning" none."""
    rows = []
    for number in range(24):
        city = CITIES[number % len(CITIES)]
        attack = ("Conflict:Attack", (3, 4), [("Attacker", 1, 3), ("Target", 4, 5)])
        entities = [("PER", 1, 3), ("GPE", 4, 5)]
        rows.append(
            sentence(f"d{number}_0", f"The police officers attacked {city} this morning .", attack, entities=entities)
        )
        rows.append(
            sentence(
                f"d{number}_1",
                f"The police officers like the morning in {city} .",
                entities=[("PER", 1, 3), ("GPE", 7, 8)],
            )
        )
    path = write_sentences(tmp_path_factory.mktemp("gold") / "gold.json", *rows)
    return gold_examples(list(read_gold([path]).sentences.values()), parser, NEWS)


def words(parsed: Parsed, start: int, end: int) -> str:
    return parsed.text[parsed.starts[start] : parsed.ends[end - 1]]


def test_spans_are_entities_their_parts_nouns_and_nouns_with_modifiers(parser: PieceParser) -> None:
    (parsed,) = parser.parse(
        ["The police officers left New York's Trump Tower, armed with chemical weapons."], entities=True
    )
    found = {words(parsed, span.start, span.end) for span in find_spans(parsed)}
    assert {"police officers", "officers", "chemical weapons", "weapons"} <= found
    assert not found & {"The police officers", "Tower,", ""}
    assert len(set(find_spans(parsed))) == len(find_spans(parsed))


def test_spans_lose_articles_possessives_and_punctuation_around_them(parser: PieceParser) -> None:
    (parsed,) = parser.parse(["\u201cThe Great Hall of the People\u2019s\u201d"])
    start, end = strip_span(parsed, 0, len(parsed.lowers))
    assert words(parsed, start, end) == "Great Hall of the People"
    assert strip_span(parsed, 1, 2) == (2, 2)


def test_entities_are_learnt_as_the_gold_has_them(gold: list[Example]) -> None:
    learner = EntityLearner(gold, [number % 2 for number in range(len(gold))])
    found = learner.find(frozenset({0}), 1)
    assert found is not None
    parsed = gold[1].parsed
    assert [(words(parsed, f.start, f.end), f.entity) for f in found] == [
        ("police officers", "PER"),
        (words(parsed, found[1].start, found[1].end), "GPE"),
    ]
    assert all(len(filler.logs) == 3 for filler in found)
    assert learner.fit(frozenset()) is None
    assert learner.find(frozenset(), 1) is None
    assert entity_types(gold) == ("GPE", "PER")


def test_entities_never_overlap_and_the_likelier_wins(parser: PieceParser) -> None:
    (parsed,) = parser.parse(["Police officers left."], entities=True)
    spans = find_spans(parsed)
    by_text = {words(parsed, span.start, span.end): number for number, span in enumerate(spans)}
    chances = np.full(len(spans), 0.1)
    chances[by_text["officers"]], chances[by_text["Police officers"]] = 0.6, 0.7
    logs = np.log(np.stack([1 - chances, chances], axis=1)).astype(np.float32)
    (only,) = choose_entities(parsed, spans, logs, ["PER"])
    assert words(parsed, only.start, only.end) == "Police officers"
    assert only.entity == "PER"
    assert not choose_entities(parsed, spans, np.log(np.full((len(spans), 2), [0.9, 0.1])).astype(np.float32), ["PER"])


def test_span_features_tell_candidates_of_the_same_words_apart(parser: PieceParser) -> None:
    parsed = parser.parse(["Police officers left.", "He saw police officers."], entities=True)
    first, second = (
        [
            span_features(p, s, find_spans(p))
            for s in find_spans(p)
            if words(p, s.start, s.end).lower() == "police officers"
        ]
        for p in parsed
    )
    assert set(first[0]) & set(second[0])
    assert "begins=True" in first[0]
    assert "begins=False" in second[0]


def test_learnt_entities_fill_roles_and_survive_a_round_trip(
    gold: list[Example], parser: PieceParser, tmp_path: Path
) -> None:
    model = GoldLearner(gold, empty_model(NEWS, uses_visual=False), NEWS, None).learn(range(N_GROUPS))
    save_model(model, tmp_path, {})
    for one in (model, load_model(tmp_path, NEWS)):
        parsed = parser.parse(["The police officers attacked Damascus this morning ."])
        ((hit,),) = one.find(parsed, None, parser.add_entities)
        filled = [(role.role, words(parsed[0], role.filler.start, role.filler.end)) for role in hit.roles]
        assert ("Attacker", "police officers") in filled
        assert not any("morning" in text for _, text in filled)
        # A trigger with nobody around it.
        ((alone,),) = one.find(parser.parse(["Attacked !"]), None, parser.add_entities)
        assert not alone.roles


def test_what_is_predicted_of_documents_left_out_is_what_the_model_finds_there(
    gold: list[Example], parser: PieceParser
) -> None:
    learner = GoldLearner(gold, empty_model(NEWS, uses_visual=False), NEWS, None)
    model = learner.learn({1, 2, 3, 4})
    members = [number for number, group in enumerate(learner.groups) if group == 0]
    fresh = parser.parse([gold[number].parsed.text for number in members])
    found = model.find(fresh, None, parser.add_entities)
    assert found == [learner.predict({1, 2, 3, 4}, model, number) for number in members]
    assert any(hit.roles for hits in found for hit in hits)


def test_nothing_of_the_documents_that_are_left_out_is_learnt(gold: list[Example]) -> None:
    blind = [replace(e, events=(), entities=()) if group_of(e.document) == 0 else e for e in gold]
    members = [number for number, example in enumerate(gold) if group_of(example.document) == 0]
    found = []
    for examples in (gold, blind):
        learner = GoldLearner(examples, empty_model(NEWS, uses_visual=False), NEWS, None)
        model = learner.learn({1, 2, 3, 4})
        found.append([learner.predict({1, 2, 3, 4}, model, number) for number in members])
    assert found[0] == found[1]


@pytest.mark.parametrize("kept", [1, 2])
def test_entities_in_few_documents_are_enough_to_learn_from(
    gold: list[Example], parser: PieceParser, kept: int
) -> None:
    base = learn_silver(
        silver_examples([SilverCaption("s1_0", "Troops attacked it.", ATTACKED)], parser, NEWS, Counter()), NEWS, None
    )
    few = [e if group_of(e.document) < kept else replace(e, entities=()) for e in gold]
    (hit,) = GoldLearner(few, base, NEWS, None).learn(range(N_GROUPS)).find([gold[0].parsed], None)[0]
    assert hit.event_type == "Conflict.Attack"
    pair = [example for example in gold if group_of(example.document) < kept + 1]
    assert GoldLearner(pair, base, NEWS, None).learn(range(N_GROUPS)).find([gold[0].parsed], None)[0]


def test_one_entity_plays_a_role_in_the_likelier_of_two_events_of_a_type(parser: PieceParser) -> None:
    (parsed,) = parser.parse(["Soldiers attacked and bombed Homs."], entities=True)
    model = empty_model(NEWS)
    pairs = [find_pairs(parsed, token, "Conflict.Attack", find_fillers(parsed)) for token in (1, 3)]
    rows = [np.zeros((len(one.fillers), 1 + len(roles_of(NEWS).names)), np.float32) for one in pairs]
    attacker = 1 + model.roles.names.index("Attacker")
    for one in rows:
        one[0, attacker] = 0.8
    hits = [Found(1, "Conflict.Attack", 0.5), Found(3, "Conflict.Attack", 0.9)]
    found = model.fill(list(zip(hits, pairs, rows, strict=True)), 0.3)
    assert [[role.role for role in hit.roles] for hit in found] == [[], ["Attacker"]]
    # 1 - (1 - 0.8 * 0.5) * (1 - 0.8 * 0.9): not both triggers, with the role, are wrong.
    assert model.fill(list(zip(hits, pairs, rows, strict=True)), 0.83)[1].roles
    assert not any(hit.roles for hit in model.fill(list(zip(hits, pairs, rows, strict=True)), 0.84))


def test_words_that_might_trigger_are_known_by_stem_and_by_odd_form(gold: list[Example], parser: PieceParser) -> None:
    known = TriggerWords(["attack", "shoot"], [("shot", "shoot"), ("said", "say")])
    assert known.occur_in("Rebels ATTACKED, he said.")
    assert known.occur_in("a counter-attack")
    assert known.occur_in("They shot him")
    # "said" is a form of a word that is no candidate (any more).
    assert not known.occur_in("He said so.")
    assert not known.occur_in("The police officers like the morning; 1234.")
    (parsed,) = parser.parse(["They shot at attackers, fighting."])
    example = type(gold[0])("r", "d", parsed, ())
    assert odd_forms([example], frozenset({"shoot", "fight"})) == {("shot", "shoot")}
    # "at" is no content word in any of twenty places.
    idle = idle_words([example] * 20, frozenset({"shoot", "at"}))
    assert idle == {"at"}
    assert not idle_words([example] * 19, frozenset({"at"}))
    assert not TriggerWords(["at", "shoot"], [], idle).occur_in("They were at home.")


def test_texts_whose_candidates_never_reach_a_threshold_need_no_parsing() -> None:
    model = empty_model(NEWS).with_thresholds(Thresholds(0.5, 0.5, 0.5))
    number = 1 + model.types.index("Conflict.Attack")
    rows = []
    for chance in (0.1, 0.49):
        found = np.zeros((3, 1 + len(model.types)), np.float32)
        found[:, number] = chance, chance + 0.02, 0.0
        rows.append((Candidates([0, 1, 2], [[], [], []], ["like", "attack", f"rare{chance}"]), found))
    # "attack" reached it once, and what was seen only once may reach it yet.
    assert never_likely(model, rows) == {"like"}
    known = replace(model, lexicon=frozenset({"like", "attack"}), unlikely=frozenset({"like"}))
    assert known.might_find("They attacked it")
    assert not known.might_find("They like it")

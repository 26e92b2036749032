"""Learning an extractor, on sentences made for it."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from corpora.m2e2 import read_gold
from kb.extract.evoked import Evoked, SeenPattern
from kb.extract.examples import SilverCaption, gold_examples, read_silver, silver_examples, tidy_caption
from kb.extract.learning import N_GROUPS, GoldLearner, empty_model, group_of, learn_silver
from kb.extract.model_files import load_model, save_model
from kb.extract.softmax import fit_softmax
from kb.ontology import load_ontology
from miner.errors import ArtefactError, CorpusError
from miner.text.pieces import PieceParser
from miner.text.pipeline import resolve_pipeline
from tests.gold_files import sentence, write_sentences

if TYPE_CHECKING:
    from pathlib import Path

    from kb.extract.examples import Example
    from kb.extract.model import TextModel

NEWS = load_ontology("news")
CITIES = ["Aleppo", "Paris", "Kabul", "Tripoli", "Mosul", "Baghdad", "Homs", "Cairo"]


@pytest.fixture(scope="module")
def parser() -> PieceParser:
    return PieceParser(resolve_pipeline())


@pytest.fixture(scope="module")
def gold(parser: PieceParser, tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    """Return sentences in which "attacked" is an attack only where people do it, never where a disease does."""
    rows = []
    for number in range(24):
        city = CITIES[number % len(CITIES)]
        attack = ("Conflict:Attack", (1, 2), [("Attacker", 0, 1), ("Target", 2, 3)])
        rows.append(sentence(f"d{number}_0", f"Soldiers attacked {city} .", attack))
        rows.append(sentence(f"d{number}_1", f"The disease attacked {city} ."))
        rows.append(sentence(f"d{number}_2", f"Nobody saw {city} ."))
    path = write_sentences(tmp_path_factory.mktemp("gold") / "gold.json", *rows)
    return gold_examples(list(read_gold([path]).sentences.values()), parser, NEWS)


def test_silver_captions_that_say_no_trigger_are_refused(parser: PieceParser) -> None:
    events = (("Conflict.Attack", "attack", ()),)
    for captions in ([], [SilverCaption("s1_0", "Nothing happened.", events)]):
        with pytest.raises(CorpusError, match="trigger of an event type of the ontology: 0"):
            learn_silver(silver_examples(captions, parser, NEWS, Counter()), NEWS, None)


@pytest.fixture(scope="module")
def silver(parser: PieceParser) -> list[Example]:
    captions = [
        SilverCaption(
            f"s{number}_0",
            f"Troops attacked {city} and people marched near {city}.",
            (
                ("Conflict.Attack", "attack", (("Attacker", "Troops"), ("Place", city))),
                ("Conflict.Demonstrate", "marched", (("Demonstrator", "people"),)),
                ("Personnel.Elect", "votes", ()),
            ),
        )
        for number, city in enumerate(CITIES * 3)
    ]
    notes: Counter[str] = Counter()
    examples = silver_examples(captions, parser, NEWS, notes)
    assert notes == {"triggers that their caption does not say": 24}
    return examples


def hits(model: TextModel, parser: PieceParser, text: str) -> list[tuple[str, str, list[tuple[str, str]]]]:
    parsed = parser.parse([text])
    (found,) = model.find(parsed, None, parser.add_entities)
    one = parsed[0]
    return [
        (hit.event_type, one.lowers[hit.token], [(r.role, one.lowers[r.filler.root]) for r in hit.roles])
        for hit in found
    ]


def test_silver_triggers_are_found_by_word_and_by_family(silver: list[Example]) -> None:
    events = {(silver[0].parsed.lowers[e.trigger], e.event_type): e.arguments for e in silver[0].events}
    # "attack" stands nowhere, but "attacked" is of its family.
    assert set(events) == {("attacked", "Conflict.Attack"), ("marched", "Conflict.Demonstrate")}
    text = silver[0].parsed.text
    assert [(text[a:b], role) for a, b, role in events["attacked", "Conflict.Attack"]] == [
        ("Troops", "Attacker"),
        ("Aleppo", "Place"),
    ]


def test_silver_types_of_no_interest_are_examples_of_no_event(parser: PieceParser) -> None:
    caption = SilverCaption(
        "a_0", "A judge heard the case.", (("Justice.TrialHearing", "heard", ()), ("Odd.Type", "case", ()))
    )
    notes: Counter[str] = Counter()
    (example,) = silver_examples([caption], parser, NEWS, notes)
    assert {event.event_type for event in example.events} == {""}
    assert notes == {"events of unknown type Odd.Type": 1}


def test_silver_captions_lose_the_spaces_of_their_tokenizer() -> None:
    tidied = tidy_caption("U . S . troops , left - wing , met ( L ) in St . Paul . Trump ' s men")
    assert tidied == "U.S. troops, left-wing, met (L) in St. Paul. Trump's men"


def test_silver_refuses_other_files(tmp_path: Path) -> None:
    (tmp_path / "captions.jsonl").write_text('{"caption": "x"}\n{"events": []}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match="Line 2"):
        read_silver(tmp_path)
    with pytest.raises(CorpusError, match="Cannot read"):
        read_silver(tmp_path / "none")


def test_softmax_tells_classes_apart_and_never_predicts_one_without_examples() -> None:
    features = [["a", "x"], ["a", "y"], ["b", "x"], ["b", "y"]] * 5
    classes = np.array([0, 0, 2, 2] * 5)
    fitted = fit_softmax(features, classes, 4, strength=0.1)
    found = np.exp(fitted.log_probabilities([["a"], ["b"], ["unknown"]]))
    assert found[0, 0] > 0.9
    assert found[1, 2] > 0.9
    assert found[:, [1, 3]].max() < 1e-6
    assert found[2, 0] == pytest.approx(0.5, abs=0.05)


def test_softmax_uses_dense_features() -> None:
    dense = np.linspace(-1, 1, 40, dtype=np.float32)[:, None]
    fitted = fit_softmax([["same"]] * 40, (dense[:, 0] > 0).astype(np.int64), 2, dense=dense, strength=0.1)
    found = fitted.log_probabilities([["same"], ["same"]], np.array([[-1.0], [1.0]], np.float32))
    assert found[0, 0] > found[0, 1]
    assert found[1, 1] > found[1, 0]


def test_learning_from_silver_alone_finds_triggers_and_arguments(silver: list[Example], parser: PieceParser) -> None:
    model = learn_silver(silver, NEWS, None)
    (found,) = hits(model, parser, "Troops attacked Damascus.")
    assert found[:2] == ("Conflict.Attack", "attacked")
    assert ("Attacker", "troops") in found[2]


@pytest.mark.parametrize("with_silver", [False, True])
def test_learning_from_gold_learns_when_a_word_is_no_trigger(
    gold: list[Example], silver: list[Example], parser: PieceParser, *, with_silver: bool
) -> None:
    base = learn_silver(silver, NEWS, None) if with_silver else empty_model(NEWS, uses_visual=False)
    model = GoldLearner(gold, base, NEWS, None).learn(range(N_GROUPS))
    assert hits(model, parser, "Soldiers attacked Cairo .") == [
        ("Conflict.Attack", "attacked", [("Attacker", "soldiers"), ("Target", "cairo")])
    ]
    assert not hits(model, parser, "The disease attacked Cairo .")
    if with_silver:
        # The gold has no demonstrations, so what silver taught about them stands.
        assert "Conflict.Demonstrate" not in model.gold_types


def test_learning_never_fits_to_the_group_that_it_tunes_on(gold: list[Example]) -> None:
    learner = GoldLearner(gold, empty_model(NEWS, uses_visual=False), NEWS, None)
    learner.learn({0, 1, 2})
    assert set(learner._stages) == {frozenset(g) for g in ({1, 2}, {0, 2}, {0, 1}, {0, 1, 2})}  # noqa: SLF001


@pytest.mark.parametrize("base", ["silver", "nothing"])
def test_learning_from_gold_of_one_document_says_how_many_it_takes(
    base: str, gold: list[Example], silver: list[Example]
) -> None:
    model = learn_silver(silver, NEWS, None) if base == "silver" else empty_model(NEWS, uses_visual=False)
    one = [example for example in gold if example.document == gold[0].document]
    with pytest.raises(CorpusError, match=r"could trigger an event: 1\. .* at least two") as refused:
        GoldLearner(one, model, NEWS, None).learn(range(N_GROUPS))
    assert "Give more gold" in str(refused.value.hint)
    other = next(e for e in gold if group_of(e.document) != group_of(one[0].document))
    assert GoldLearner([*one, other], model, NEWS, None).learn(range(N_GROUPS)).gold_types == ("Conflict.Attack",)


def test_learning_groups_are_those_of_sha1() -> None:
    assert [group_of(name) for name in ("a", "b", "c")] == [
        int("86f7e437faa5a7fce15d1ddcb9eaeaea377667b8", 16) % 5,
        int("e9d71f5ee7c92d6dc9e92ffdad17b8bd49418f98", 16) % 5,
        int("84a516841ba77a5b4648de2cd0dfcb30ea46dbb4", 16) % 5,
    ]


def test_model_survives_a_round_trip_without_pickle(silver: list[Example], parser: PieceParser, tmp_path: Path) -> None:
    model = learn_silver(silver, NEWS, None)
    save_model(model, tmp_path, {"gold": {}})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "weights.safetensors"]
    again = load_model(tmp_path, NEWS)
    text = "Troops attacked Damascus and people marched."
    assert hits(again, parser, text) == hits(model, parser, text)
    with pytest.raises(ArtefactError, match="another ontology"):
        load_model(tmp_path, load_ontology("everyday"))


def test_model_of_another_version_is_refused(silver: list[Example], tmp_path: Path) -> None:
    save_model(learn_silver(silver, NEWS, None), tmp_path, {})
    content = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    (tmp_path / "model.json").write_text(json.dumps(content | {"version": 99}), encoding="utf-8")
    with pytest.raises(ArtefactError, match="another version"):
        load_model(tmp_path, NEWS)


def pattern(number: int, event_type: str, name: tuple[str, ...], items: tuple[str, ...] = ()) -> SeenPattern:
    return SeenPattern(f"p{number}", event_type, 0.5 + number / 10, name, items, (7, number), None)


def test_evoked_patterns_come_by_name_by_item_and_by_vector() -> None:
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    evoked = Evoked(
        [pattern(1, "Conflict.Attack", ("tank",)), pattern(2, "Life.Die", ("coffin",), ("grave",))],
        ["tank", "vehicle", "flower"],
        vectors,
    )
    assert evoked.find("tank") == {0: 1.0}
    assert evoked.find("grave") == {1: 0.7}
    assert evoked.find("vehicle") == {0: pytest.approx(0.4)}
    assert evoked.find("flower") == {}
    assert evoked.argue(["grave", "vehicle"], "Conflict.Attack") == ("p1",)
    names = evoked.features("tank", ["grave", "vehicle"])
    assert {"evokes.strong=Conflict.Attack", "evokes.pattern=p1", "evokes.item=7", "near.evokes=Life.Die"} <= set(names)
    assert "near.evokes=Conflict.Attack" not in names


def test_evoked_patterns_help_where_words_are_new(parser: PieceParser) -> None:
    """A word that training never saw is a trigger if it evokes the pattern that the known triggers evoke."""
    evoked = Evoked([pattern(1, "Conflict.Attack", ("raid", "assault", "attack"))])
    assert evoked.features("raid", []) == evoked.features("assault", [])
    assert not evoked.features("picnic", [])
    assert parser.parse(["raid"])

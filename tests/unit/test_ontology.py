from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from kb.ontologies.mapping import Mapping, shipped_mappings
from kb.ontology import EventType, Ontology, Role, load_ontology, normalise_value, shipped_ontologies, split_gaps
from miner.errors import OntologyError

if TYPE_CHECKING:
    from pathlib import Path

M2E2_TEXT = {
    "Conflict.Attack": {"Attacker", "Target", "Place", "Instrument"},
    "Conflict.Demonstrate": {"Entity", "Place", "Police"},
    "Contact.Meet": {"Entity", "Place"},
    "Contact.Phone-Write": {"Entity", "Place"},
    "Justice.Arrest-Jail": {"Person", "Agent", "Place"},
    "Life.Die": {"Victim", "Agent", "Place", "Instrument"},
    "Movement.Transport": {"Artifact", "Destination", "Origin", "Agent", "Vehicle"},
    "Transaction.Transfer-Money": {"Giver", "Recipient"},
}
M2E2_IMAGE_ONLY = {
    "Conflict.Demonstrate": {"Instrument"},
    "Contact.Phone-Write": {"Instrument"},
    "Justice.Arrest-Jail": {"Instrument"},
    "Transaction.Transfer-Money": {"Money"},
}


def ontology_of(*types: EventType) -> Ontology:
    return Ontology(name="tiny", version="1", types=types)


def test_ontology_news_has_the_types_and_roles_of_m2e2() -> None:
    news = load_ontology("news")
    for event_type, text_roles in M2E2_TEXT.items():
        roles = news.get(event_type).roles
        image_only = M2E2_IMAGE_ONLY.get(event_type, set())
        assert {role.name for role in roles} == text_roles | image_only
        assert {role.name for role in roles if "text" in role.media} == text_roles


@pytest.mark.parametrize("name", shipped_ontologies())
def test_ontology_shipped_types_are_explained_and_have_roles_where_they_have_triggers(name: str) -> None:
    for event_type in load_ontology(name).types:
        assert event_type.definition
        assert bool(event_type.triggers) == bool(event_type.roles)


def test_ontology_shipped_names_are_sorted() -> None:
    assert shipped_ontologies() == ("everyday", "news")


@pytest.mark.parametrize(
    ("name", "value", "event_type"),
    [
        ("news", "Conflict:Attack", "Conflict.Attack"),
        ("news", "conflict.attack", "Conflict.Attack"),
        ("news", "ATTACK", "Conflict.Attack"),
        ("news", "Justice:ArrestJail", "Justice.Arrest-Jail"),
        ("news", "justice / arrest jail", "Justice.Arrest-Jail"),
        ("news", "Movement.TransportPerson", "Movement.Transport"),
        ("news", "Transport", "Movement.Transport"),
        ("everyday", "Transport", "Travel.Vehicle"),
        ("everyday", "Sports", "Sport"),
        ("everyday", "Ball game", "Sport.BallGame"),
        ("everyday", "Attack", None),
        ("news", "", None),
        ("news", "...", None),
    ],
)
def test_ontology_resolves_the_names_of_corpora(name: str, value: str, event_type: str | None) -> None:
    assert load_ontology(name).resolve(value) == event_type


def test_ontology_alias_wins_over_the_last_part_of_another_id() -> None:
    ontology = ontology_of(EventType(id="A.Move", label="one"), EventType(id="B.Go", label="two", aliases=("Move",)))
    assert (ontology.resolve("Move"), ontology.resolve("A.Move")) == ("B.Go", "A.Move")


def test_ontology_last_part_that_two_types_share_means_neither() -> None:
    ontology = ontology_of(EventType(id="A.Move", label="one"), EventType(id="B.Move", label="two"))
    assert ontology.resolve("Move") is None


def test_ontology_triggers_match_whole_words() -> None:
    pattern = EventType(id="A", label="a", triggers=("bomb\\w*", "shot (dead|at)")).pattern
    assert pattern
    texts = ["a BOMBING run", "they were shot at", "firebomb", "a shot attempt"]
    assert [bool(re.search(pattern, text, re.IGNORECASE)) for text in texts] == [True, True, False, False]


def test_ontology_masks_the_words_of_a_trigger_but_not_those_in_its_gap() -> None:
    event_type = EventType(id="A", label="a", triggers=(r"dogs?\b.*\brun\w*",))
    text = "The dog on green grass is running"
    assert event_type.pattern
    assert event_type.mask_pattern
    assert re.findall(event_type.mask_pattern, text) == ["dog", "running"]
    assert [match.group() for match in re.finditer(event_type.pattern, text)] == ["dog on green grass is running"]


@pytest.mark.parametrize(
    ("pattern", "pieces"),
    [
        (r"a\b.*\bb", (r"a\b", r"\bb")),
        ("a.+?b.*c", ("a", "b", "c")),
        ("a(b.*c)d", ("a(b.*c)d",)),
        (r"end\.*", (r"end\.*",)),
        (".*", (".*",)),
        ("plain", ("plain",)),
    ],
)
def test_ontology_gaps_split_where_both_sides_stand_alone(pattern: str, pieces: tuple[str, ...]) -> None:
    assert split_gaps(pattern) == pieces


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name = ", "not valid TOML"),
        ('name = "x"\nversion = "1"\ntype = []', "type: Tuple should have at least 1 item"),
        ('[[type]]\nid = "A"\nlabel = "a"\ncolour = "red"', "type.0.colour: Extra inputs are not permitted"),
        ('[[type]]\nid = "A B"\nlabel = "a"', "type.0.id"),
        ('[[type]]\nid = "A"\nlabel = "a"\ntriggers = ["("]', r"trigger '\(' is not a regular expression"),
        ('[[type]]\nid = "A"\nlabel = "a"\n[[type]]\nid = "a"\nlabel = "a"', "event type 'a' is declared twice"),
        ('[[type]]\nid = "A"\nlabel = "a"\nparent = "B"', "parent 'B' of 'A' is not a type of this ontology"),
        ('[[type]]\nid = "A"\nlabel = "a"\nparent = "B"\n[[type]]\nid = "B"\nlabel = "b"\nparent = "A"', "A -> B -> A"),
        ('[[type]]\nid = "A"\nlabel = "a"\n[[type.role]]\nname = "R"\nfillers = ["HUMAN"]', "type.0.role.0.fillers"),
        (
            '[[type]]\nid = "A"\nlabel = "a"\naliases = ["x"]\n[[type]]\nid = "B"\nlabel = "b"\naliases = ["X"]',
            "alias 'X' belongs to both 'A' and 'B'",
        ),
        (
            '[[type]]\nid = "A"\nlabel = "a"\n' + '[[type.role]]\nname = "R"\nfillers = ["person"]\n' * 2,
            "role 'R' of 'A' is declared twice",
        ),
    ],
)
def test_ontology_mistakes_are_named(tmp_path: Path, content: str, message: str) -> None:
    head = "" if content.startswith("name") else 'name = "x"\nversion = "1"\n'
    (tmp_path / "own.toml").write_text(head + content)
    with pytest.raises(OntologyError, match=message):
        load_ontology(str(tmp_path / "own.toml"))


def test_ontology_unknown_name_lists_the_known() -> None:
    with pytest.raises(OntologyError, match="There is no ontology 'sport'; shipped ones: everyday, news"):
        load_ontology("sport")
    with pytest.raises(OntologyError, match=r"nowhere\.toml' cannot be read"):
        load_ontology("nowhere.toml")
    with pytest.raises(OntologyError, match=r"'X' is not in ontology 'news'; it has: Conflict, Conflict\.Attack"):
        load_ontology("news").get("X")


def test_ontology_values_are_compared_by_letters_and_digits() -> None:
    assert normalise_value(" Phone-Write : N/A ") == "phonewrite.n.a"


@pytest.mark.parametrize("name", shipped_ontologies())
def test_ontology_shipped_mappings_belong_to_types_that_exist(name: str) -> None:
    assert set(shipped_mappings(name)) <= set(load_ontology(name).ids)


def test_ontology_shipped_types_say_what_they_are_called_elsewhere() -> None:
    arrest = load_ontology("news").get("Justice.Arrest-Jail").mapping
    assert (arrest.ace, arrest.cameo, arrest.wikidata) == (("Justice.Arrest-Jail",), ("173",), ("Q1403016",))


def test_ontology_own_file_has_mappings_and_cardinalities(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        'name = "own"\nversion = "1"\n[[type]]\nid = "Strike"\nlabel = "Strike"\nmapping = {wikidata = ["Q49776"]}\n'
        '[[type.role]]\nname = "Entity"\nfillers = ["ORG"]\nat_least = 1\nat_most = 2\n',
        encoding="utf-8",
    )
    strike = load_ontology(str(file)).get("Strike")
    assert strike.mapping.wikidata == ("Q49776",)
    assert (strike.roles[0].at_least, strike.roles[0].at_most) == (1, 2)


@pytest.mark.parametrize("mapping", [{"wikidata": ["40231"]}, {"cameo": ["1"]}, {"uci": ["Life"]}])
def test_mapping_refuses_what_is_no_id(mapping: dict[str, list[str]]) -> None:
    with pytest.raises(ValidationError):
        Mapping.model_validate(mapping)


def test_role_refuses_bounds_that_no_number_fits() -> None:
    with pytest.raises(ValidationError, match="at_most 1 below at_least 2"):
        Role(name="Entity", fillers=("ORG",), at_least=2, at_most=1)

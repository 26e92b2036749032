from __future__ import annotations

import tomllib
from importlib import resources
from typing import get_args

import pytest

from kb.ontologies.nouns import noun_classes
from kb.ontology import NounClass


@pytest.mark.parametrize(
    ("noun", "classes"),
    [
        ("man", ("person",)),
        ("crowd", ("group",)),
        ("dog", ("animal",)),
        ("chicken", ("animal", "food")),
        ("street", ("place",)),
        ("rifle", ("weapon",)),
        ("democracy", ()),
        ("Man", ()),
        ("", ()),
    ],
)
def test_noun_classes_are_what_a_noun_denotes(noun: str, classes: tuple[str, ...]) -> None:
    assert noun_classes(noun) == classes


def test_noun_classes_are_those_that_roles_can_ask_for() -> None:
    listed = tomllib.loads(resources.files("kb").joinpath("mappings", "noun_classes.toml").read_text(encoding="utf-8"))
    assert set(listed) == set(get_args(NounClass))


def test_noun_classes_name_each_class_of_a_noun_once() -> None:
    listed = tomllib.loads(resources.files("kb").joinpath("mappings", "noun_classes.toml").read_text(encoding="utf-8"))
    for noun in {word for words in listed.values() for word in words.split()}:
        assert len(set(noun_classes(noun))) == len(noun_classes(noun)) > 0
        assert noun == noun.lower()

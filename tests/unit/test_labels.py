from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from corpora.declaration import Declaration
from corpora.labels import LABELS, Labelling, label_records
from corpora.records import RECORDS
from miner.errors import CorpusError, OntologyError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PLAIN = Declaration(name="tiny")
OWN = """
name = "own"
version = "1"
[[type]]
id = "A.Wash"
label = "Washing"
triggers = ['wash\\w*']
[[type]]
id = "A.Dry"
label = "Drying"
triggers = ['towel.*\\bdry', 'hair ?dryer']
"""


def make_records(
    events: Sequence[Sequence[str]], captions: Sequence[Sequence[str]] | None = None, bad: frozenset[int] = frozenset()
) -> pa.Table:
    rows = [
        {
            "record": f"r{number}",
            "events": values,
            "captions": captions[number] if captions else ["x"],
            "status": "bad" if number in bad else "ok",
        }
        for number, values in enumerate(events)
    ]
    return pa.Table.from_pylist(rows, RECORDS)


def types_of(labelling: Labelling) -> list[list[str]]:
    return list(labelling.table["eventTypes"].to_pylist())


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "own.toml").write_text(OWN)
    return str(tmp_path / "own.toml")


def test_labels_map_values_to_sorted_event_types() -> None:
    labelling = label_records(make_records([["Life:Eat", "Culture:Perform"], [], ["life.eat", "Life:Eat"]]), PLAIN)
    assert labelling.table.schema == LABELS
    assert types_of(labelling) == [["Culture.Perform", "Life.Eat"], [], ["Life.Eat"]]
    assert (labelling.ontology.name, labelling.mode) == ("everyday", "column")


@pytest.mark.parametrize(
    ("other", "ontology", "event_type"),
    [("Conflict:Attack", "news", "Movement.Transport"), ("Meal", "everyday", "Travel.Vehicle")],
)
def test_labels_same_word_means_different_types_in_two_corpora(other: str, ontology: str, event_type: str) -> None:
    labelling = label_records(make_records([["Transport"], [other]]), PLAIN)
    assert labelling.ontology.name == ontology
    assert types_of(labelling)[0] == [event_type]


def test_labels_auto_takes_the_first_by_name_of_equals() -> None:
    assert label_records(make_records([["Transport"]]), PLAIN).ontology.name == "everyday"


def test_labels_auto_takes_the_ontology_that_the_corpus_declares(own: str) -> None:
    declaration = Declaration(name="tiny", ontology=own)
    assert label_records(make_records([["Wash"]]), declaration).ontology.name == "own"
    assert label_records(make_records([["Meal"]]), declaration, ontology="everyday").ontology.name == "everyday"


def test_labels_unknown_values_are_rows_with_a_way_out() -> None:
    labelling = label_records(make_records([["Life:Eat"], ["Life:Eet"], ["Gardening", "Life:Eat"]]), PLAIN)
    assert types_of(labelling) == [["Life.Eat"], [], ["Life.Eat"]]
    assert labelling.table["code"].to_pylist() == [None, "unknown-event", "unknown-event"]
    reasons = labelling.table["reason"].to_pylist()
    assert reasons[1] == (
        "event 'Life:Eet' is not in ontology 'everyday'; add \"Life:Eet\" = \"Life.Eat\" to [aliases]"
    )
    assert '"Gardening" = "<event type>"' in reasons[2]
    assert "2 records have event values that the ontology does not know." in labelling.notes


def test_labels_nothing_known_is_an_error_that_lists_the_types() -> None:
    with pytest.raises(OntologyError, match=r"knows none of the 2 event values \('Foo', 'Bar'\)") as caught:
        label_records(make_records([["Foo"], ["Bar"], ["Foo"]]), PLAIN, ontology="news")
    assert "Conflict.Attack" in caught.value.message
    assert "[aliases] in corpus.toml" in str(caught.value.hint)


def test_labels_aliases_of_the_caller_win_over_the_corpus_and_the_ontology() -> None:
    declaration = Declaration(name="tiny", aliases={"Fest": "Life.Eat", "Meal": "Life:Eat"})
    labelling = label_records(make_records([["fest"], ["Meal"]]), declaration, aliases={"Fest": "Life.Celebrate"})
    assert types_of(labelling) == [["Life.Celebrate"], ["Life.Eat"]]


def test_labels_aliases_decide_which_ontology_fits() -> None:
    declaration = Declaration(name="tiny", aliases={"K1": "Conflict.Attack", "K2": "Life.Die"})
    assert label_records(make_records([["K1"], ["K2"]]), declaration).ontology.name == "news"


def test_labels_alias_to_nowhere_is_an_error() -> None:
    with pytest.raises(OntologyError, match=r"Alias 'Fest' = 'Life\.Party': ontology 'everyday' has no such"):
        label_records(make_records([["Meal"]]), PLAIN, aliases={"Fest": "Life.Party"})


def test_labels_bad_records_have_none_and_do_not_count() -> None:
    labelling = label_records(make_records([["Meal"], ["Meal"], ["Nonsense"]], bad=frozenset({1, 2})), PLAIN)
    assert types_of(labelling) == [["Life.Meal"], [], []]
    assert labelling.table["code"].to_pylist() == [None, None, None]


def test_labels_one_event_type_is_allowed_and_noted() -> None:
    labelling = label_records(make_records([["Meal"], ["Meal"], []]), PLAIN)
    assert "Every label is 'Life.Meal': with one event type, nothing can be specific to it." in labelling.notes


def test_labels_by_triggers_need_two_captions_where_there_are_many(own: str) -> None:
    captions = [
        ["She washes a cup"],
        ["A cup", "He is WASHING up"],
        ["wash", "a", "b"],
        ["wash", "washed", "b"],
        ["brainwash"],
        ["a towel to dry washed hair"],
        [],
    ]
    labelling = label_records(make_records([[]] * 7, captions), PLAIN, ontology=own)
    assert labelling.mode == "triggers"
    assert types_of(labelling) == [["A.Wash"], ["A.Wash"], [], ["A.Wash"], [], ["A.Dry", "A.Wash"], []]


def test_labels_by_triggers_ignore_the_column(own: str) -> None:
    records = make_records([["Wash"], ["Dry"]], [["a hairdryer"], ["x"]])
    assert types_of(label_records(records, PLAIN, ontology=own, mode="triggers")) == [["A.Dry"], []]


def test_labels_by_triggers_choose_the_ontology_that_labels_most() -> None:
    captions = [["Protesters clash with police"], ["Flood kills three"], ["A skateboarder"]]
    assert label_records(make_records([[]] * 3, captions), PLAIN).ontology.name == "news"


def test_labels_by_triggers_without_any_hit_are_noted() -> None:
    labelling = label_records(make_records([[], []], [["x"], ["y"]]), PLAIN)
    assert types_of(labelling) == [[], []]
    assert "No record has an event type, so there is nothing to mine." in labelling.notes


def test_labels_by_column_without_values_is_an_error() -> None:
    with pytest.raises(CorpusError, match="no record has a value there"):
        label_records(make_records([[], []]), PLAIN, mode="column")


def test_labels_mask_triggers_of_every_type_and_what_the_corpus_declares(own: str) -> None:
    declaration = Declaration(name="tiny", mask_patterns=("soap",))
    labelling = label_records(make_records([["Wash"]]), declaration, ontology=own)
    text = "Washing with soap, a fresh towel to dry, a hair dryer"
    found = {word for p in labelling.mask_patterns for word in re.findall(p, text, re.IGNORECASE)}
    assert labelling.mask_patterns[0] == "soap"
    assert found == {"Washing", "soap", "towel", "dry", "hair dryer"}

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pytest

from kb.ontology import EventType
from miner.cli.pattern import describe
from miner.errors import ArtefactError
from miner.patterns.assemble import PATTERNS
from miner.patterns.evidence import EVIDENCE
from miner.run import catalogue
from miner.run.catalogue import list_patterns, show_pattern, typical_events
from miner.store.formats import write_table
from tests.kb_run import small_patterns

if TYPE_CHECKING:
    from pathlib import Path

    from miner.run.folder import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """The patterns of a run by default settings; the first has filter 7 and class 3 of the network."""
    (tmp_path / "run.toml").write_text("")
    write_table(tmp_path / "patterns.parquet", pa.Table.from_pylist(small_patterns(), schema=PATTERNS))
    write_table(tmp_path / "evidence.parquet", EVIDENCE.empty_table())
    artefact = SimpleNamespace(file=lambda name: tmp_path / name)
    return cast("RunFolder", cast("Any", SimpleNamespace(path=tmp_path, artefact=lambda _stage: artefact)))


def test_catalogue_says_what_is_typical_of_each_event_type(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        catalogue, "read_ontology", lambda _label: SimpleNamespace(get=lambda name: EventType(id=name, label=name))
    )
    rows = list_patterns(folder)
    events = typical_events(folder)
    assert [event["eventType"] for event in events] == sorted({row["eventType"] for row in rows})
    for event in events:
        own = {row["id"]: row["role"] for row in rows if row["eventType"] == event["eventType"]}
        assert {filler["pattern"]: filler["role"] for filler in event["fillers"]} == own
        assert event["text"].startswith(f"In {event['eventType']} one typically sees ")
    assert typical_events(folder, events[0]["eventType"]) == events[:1]
    with pytest.raises(ArtefactError, match="has no patterns"):
        typical_events(folder, "Nothing")


def test_catalogue_names_filters_and_classes_beside_their_numbers(folder: RunFolder) -> None:
    names = {row["id"]: (row["visualItems"], row["visualNames"]) for row in list_patterns(folder)}
    assert names["Paaaaaaaaaaaa"] == ([7, 1283], ["filter 7", "class 3"])


def test_catalogue_shows_people_what_a_visual_item_is(folder: RunFolder) -> None:
    row = show_pattern(folder, "Paaa")
    assert "  visual items: filter 7, class 3" in list(describe(row))

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from kb.asking.query import run_query
from kb.bundle import build_bundle, read_bundle, write_bundle
from kb.loading.load import load_bundle
from kb.model import clean_text, label_of, node_id
from kb.store import open_store
from tests.graph_stores import content
from tests.kb_run import caption_row, record_row, small_inputs, with_rows

if TYPE_CHECKING:
    from kb.bundle import BundleInputs

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
NAMES = st.lists(ANY_TEXT, min_size=1, max_size=6, unique=True)


def inputs_with(names: list[str]) -> BundleInputs:
    inputs = with_rows(with_rows(small_inputs(), "patterns", []), "evidence", [])
    inputs = with_rows(inputs, "records", [record_row(name, credit=name) for name in names])
    return with_rows(inputs, "captions", [caption_row(name, name) for name in names])


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4), st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_different_parts_make_different_ids(first: list[str], second: list[str]) -> None:
    one, other = node_id("Image", *first), node_id("Image", *second)
    if len(first) == len(second):
        assert (one == other) == ([clean_text(p) for p in first] == [clean_text(p) for p in second])
    assert label_of(one) == "Image"
    one.encode()


@settings(max_examples=15, deadline=None)
@given(NAMES, st.randoms())
def test_any_names_survive_bundle_and_store(names: list[str], random: object) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    bundle = build_bundle(inputs_with(names))
    assert build_bundle(inputs_with(shuffled)).manifest == bundle.manifest
    with tempfile.TemporaryDirectory() as folder, open_store(folder) as store:
        write_bundle(bundle, Path(folder, "bundle"))
        assert read_bundle(Path(folder, "bundle")).nodes["Image"].equals(bundle.nodes["Image"])
        load_bundle(Path(folder), store)
        found = run_query(
            store, "MATCH (i:Image)-[:HAS_CAPTION]->(c) RETURN i.record AS r, i.credit AS w, c.text AS t"
        ).rows
        assert sorted(found) == sorted((name, name, name) for name in names)


@settings(max_examples=8, deadline=None)
@given(st.lists(NAMES, min_size=2, max_size=4))
def test_a_store_says_only_what_the_last_bundle_says(runs: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_store(f"{folder}/a") as many, open_store(f"{folder}/b") as one:
        for names in runs:
            write_bundle(build_bundle(inputs_with(names)), Path(folder, "bundle"))
            load_bundle(Path(folder), many)
        load_bundle(Path(folder), one)
        assert content(many) == content(one)

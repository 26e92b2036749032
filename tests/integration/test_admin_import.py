"""What the genuine importer makes of an export is what a load makes of the bundle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kb.bundle import BundleInputs, build_bundle, read_bundle, write_bundle
from kb.contents import BundleContents
from kb.export.tabular import finish_statements, import_arguments, write_admin_folder
from kb.loading.load import load_bundle
from kb.loading.migrations import MIGRATIONS
from kb.result import Changes
from kb.store import open_store
from miner.store.fingerprint import digest_json
from tests.graph_stores import EVERYTHING
from tests.integration.neo4j_importer import opened, run_importer
from tests.kb_run import caption_row, pattern_row, record_row, small_inputs, with_rows

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from kb.store import GraphStore

HOSTILE = [
    "'}) DETACH DELETE n //",
    'say "hi", <script>alert(1)</script>',
    "one\ntwo\r\nthree\rfour",
    'back\\slash and \\" and \\n',
    "tab\tsemi;colon|bar",
    "a replaced \ufffd surrogate",
    "a\u2028b\u0085c \U0001f9d7 e\u0301",
    " spaces ",
    "NaN",
    "",
    '"',
    "\x1f\x01",
]


def hostile_inputs() -> BundleInputs:
    inputs = small_inputs()
    records = [
        record_row(f"r{i} {text}", image=f"images/{text}.jpg", credit=text, source=text, licence=text)
        for i, text in enumerate(HOSTILE)
    ]
    captions = [caption_row(row["record"], text) for row, text in zip(records, HOSTILE, strict=True)]
    patterns = [
        pattern_row("Pdddddddddddd", "Sport.Climbing", 3, HOSTILE[0], alternatives=HOSTILE, grounding=None),
        pattern_row("Peeeeeeeeeeee", "Sport.Surfing", 4, HOSTILE[2], alternatives=[""], pValue=5e-324, lift=1.7e308),
    ]
    for name, rows in {"records": records, "captions": captions, "patterns": patterns}.items():
        inputs = with_rows(inputs, name, [*getattr(inputs, name).to_pylist(), *rows])
    return inputs


@pytest.mark.slow
def test_import_of_an_export_has_the_content_of_the_bundle(tmp_path: Path) -> None:
    manifest = write_bundle(build_bundle(hostile_inputs()), tmp_path / "bundle")
    (tmp_path / "csv").mkdir()
    assert write_admin_folder(BundleContents(tmp_path / "bundle"), tmp_path / "csv") == manifest.n_rows
    run_importer(tmp_path / "home", import_arguments(tmp_path / "csv"))
    with opened(tmp_path / "home") as uri, open_store(uri) as store:
        assert counts(store) == {"EventminerMigration": len(MIGRATIONS), **expected_counts(tmp_path / "bundle")}
        for statement in finish_statements():
            store.write(statement, {})
        imported = content(store)
        assert load_bundle(tmp_path / "bundle", store).changes == Changes()
        assert digest_json(content(store)) == digest_json(imported)
        store.write("MATCH (n) DETACH DELETE n", {})
        load_bundle(tmp_path / "bundle", store)
        assert digest_json(content(store)) == digest_json(imported)


def counts(store: GraphStore) -> dict[str, int]:
    nodes = store.read("MATCH (n) UNWIND labels(n) AS l RETURN l, count(*)", {}, timeout_s=60).rows
    joined = store.read("MATCH ()-[r]->() RETURN type(r), count(*)", {}, timeout_s=60).rows
    return {name: n for name, n in (*nodes, *joined) if name != "Item"}


def expected_counts(folder: Path) -> dict[str, int]:
    bundle = read_bundle(folder)
    tables: dict[str, pa.Table] = {**bundle.nodes, **bundle.relationships}
    return {name: table.num_rows for name, table in tables.items() if table.num_rows}


def content(store: GraphStore) -> list[str]:
    rows = store.read(EVERYTHING, {}, timeout_s=60).records()
    return sorted(json.dumps(row | {"labels": sorted(row["labels"])}, sort_keys=True) for row in rows)

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from kb.bundle import build_bundle, read_bundle, verify_bundle, write_bundle
from kb.loading.load import bundle_folder
from miner.errors import KbError
from tests.kb_run import caption_row, evidence_row, pattern_row, small_inputs, small_patterns, with_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa


def ids(table: pa.Table) -> list[str]:
    return [str(value) for value in table["id"].to_pylist()]


def joined(table: pa.Table) -> list[tuple[str, str]]:
    return list(zip(table["source"].to_pylist(), table["target"].to_pylist(), strict=True))


def node(label: str, identifier: str, inputs: Any = None) -> dict[str, Any]:  # noqa: ANN401 - any inputs
    table = build_bundle(inputs or small_inputs()).nodes[label]
    return next(row for row in table.to_pylist() if row["id"] == identifier)


def test_build_makes_images_and_captions_of_usable_records_only() -> None:
    bundle = build_bundle(small_inputs())
    records = ["c1", "c2", "c3", "s1", "s2"]
    assert ids(bundle.nodes["Image"]) == [f"Image:beach/{record}" for record in records]
    assert ids(bundle.nodes["Caption"]) == [f"Caption:beach/{record}/0" for record in records]
    assert node("Corpus", "Corpus:beach")["nRecords"] == 5
    assert node("Corpus", "Corpus:beach")["nBad"] == 1


def test_build_tells_what_is_known_of_an_image() -> None:
    inputs = small_inputs()
    images = inputs.images.to_pylist()
    images[1] |= {"status": "bad", "code": "truncated", "row": None, "width": None, "height": None, "phash": None}
    inputs = replace(with_rows(inputs, "images", images), groups=inputs.groups)
    first, second = (node("Image", f"Image:beach/{record}", inputs) for record in ("c3", "c2"))
    assert (first["width"], first["height"], first["photoGroup"], first["problem"]) == (640, 480, 0, None)
    assert (first["eventTypes"], first["licence"], first["origin"]) == (["Sport.Climbing"], "CC0", "captions.csv:2")
    assert (second["width"], second["photoGroup"], second["problem"]) == (None, None, "truncated")


def test_build_links_copies_to_the_first_print() -> None:
    assert joined(build_bundle(small_inputs()).relationships["COPY_OF"]) == [("Image:beach/c3", "Image:beach/c1")]


def test_build_counts_labels_for_every_type_of_the_ontology() -> None:
    table = build_bundle(small_inputs()).relationships["HAS_EVENT_TYPE"]
    assert dict(zip(table["target"].to_pylist(), table["nRecords"].to_pylist(), strict=True)) == {
        "EventType:Sport": 0,
        "EventType:Sport.Climbing": 3,
        "EventType:Sport.Surfing": 2,
    }


def test_build_keeps_only_items_that_a_pattern_uses() -> None:
    bundle = build_bundle(small_inputs())
    assert ids(bundle.nodes["VisualItem"]) == [f"VisualItem:beach/{item}" for item in (1283, 5, 7)]
    assert ids(bundle.nodes["TextItem"]) == [f"TextItem:beach/{item}" for item in (0, 1, 2)]
    rows = bundle.relationships["HAS_ITEM"].to_pylist()
    assert [(row["target"], row["rank"], row["weight"]) for row in rows if row["source"].endswith("Paaaaaaaaaaaa")] == [
        ("TextItem:beach/0", 0, None),
        ("VisualItem:beach/1283", 1, 0.5),
        ("VisualItem:beach/7", 0, 1.0),
    ]


def mentions_of(captions: list[dict[str, Any]], **changes: Any) -> list[tuple[str, str, int, int]]:  # noqa: ANN401
    inputs = with_rows(with_rows(small_inputs(), "captions", captions), "evidence", [])
    rows = build_bundle(replace(inputs, **changes)).relationships["MENTIONS"].to_pylist()
    return [(row["source"], row["target"], row["start"], row["end"]) for row in rows]


def test_build_tells_filters_from_classes() -> None:
    rows = build_bundle(small_inputs()).nodes["VisualItem"].to_pylist()
    assert [(row["label"], row["family"], row["index"]) for row in rows] == [
        ("class 3", "class", 3),
        ("filter 5", "filter", 5),
        ("filter 7", "filter", 7),
    ]


def test_build_finds_the_first_mention_of_each_item_in_a_caption() -> None:
    named = caption_row("s1", "a Rock") | {"lemmas": ["a", "rock"], "pos": ["DET", "PROPN"], "entities": ["", "ORG"]}
    assert mentions_of([caption_row("c1", "rope rock on rock"), named]) == [
        ("Caption:beach/c1/0", "TextItem:beach/0", 5, 9),
        ("Caption:beach/c1/0", "TextItem:beach/1", 0, 4),
    ]


def test_build_leaves_masked_words_out_of_mentions() -> None:
    assert mentions_of([caption_row("c1", "rope rock on rock")], masks=[[True, True, False, False]]) == [
        ("Caption:beach/c1/0", "TextItem:beach/0", 13, 17)
    ]


def test_build_finds_phrases_of_two_words() -> None:
    items = [{"textItem": 0, "words": ["rock face"], "count": 1}, {"textItem": 1, "words": ["face"], "count": 1}]
    inputs = with_rows(small_inputs(), "text_items", [*items, {"textItem": 2, "words": ["wave"], "count": 1}])
    rows = build_bundle(inputs).relationships["MENTIONS"].to_pylist()
    assert [
        (row["target"], row["start"], row["end"]) for row in rows if row["source"].startswith("Caption:beach/c1")
    ] == [
        ("TextItem:beach/0", 11, 20),
        ("TextItem:beach/1", 16, 20),
    ]


def test_build_numbers_evidence_of_one_record_by_score() -> None:
    inputs = small_inputs()
    rows = inputs.evidence.to_pylist()
    better = rows[0] | {"score": 9.0, "start": 0, "end": 1}
    for order in ([*rows, better], [better, *rows]):
        table = build_bundle(with_rows(inputs, "evidence", order)).nodes["Evidence"]
        scores = {row["id"]: row["score"] for row in table.to_pylist()}
        assert scores["Evidence:beach/Paaaaaaaaaaaa/c1/0"] == 9.0
        assert scores["Evidence:beach/Paaaaaaaaaaaa/c1/1"] == 3.5


def test_build_tells_what_is_typical_of_an_event_type() -> None:
    """Of 30 votes three support both patterns of climbing, ten times as many as by chance."""
    roles = {"role": "Place", "roles": [{"role": "Place", "score": 0.7}, {"role": "Climber", "score": 0.3}]}
    face, rope = (row | {"support": 0.06} for row in small_patterns()[:2])
    ledge = pattern_row("Pdddddddddddd", "Sport.Climbing", 3, "ledge", classCount=9, support=0.18, **roles)
    shown = [evidence_row(row["pattern"], "c1", 1.0, group=group) for row in (face, rope) for group in range(3)]
    inputs = with_rows(with_rows(small_inputs(), "patterns", [face, rope, ledge]), "evidence", shown)
    bundle = build_bundle(inputs)
    assert bundle.relationships["CO_OCCURS_WITH"].to_pylist() == [
        {
            "source": "Pattern:beach/Paaaaaaaaaaaa",
            "target": "Pattern:beach/Pbbbbbbbbbbbb",
            "count": 3,
            "lift": pytest.approx(10.0),
            "pValue": pytest.approx(1 / math.comb(30, 3)),
            "sharedItems": 0,
        }
    ]
    places = {
        row["source"][-4:]: (row["position"], row["share"]) for row in bundle.relationships["INDICATES"].to_pylist()
    }
    assert places == {"dddd": (1, pytest.approx(0.3)), "aaaa": (2, pytest.approx(0.1)), "bbbb": (3, pytest.approx(0.1))}
    fillers = {
        (row["source"][-4:], row["target"].rsplit("/")[-1]): row["rank"]
        for row in bundle.relationships["FILLS_ROLE"].to_pylist()
    }
    assert fillers == {("dddd", "Place"): 1, ("aaaa", "Place"): 2, ("dddd", "Climber"): None, ("aaaa", "Climber"): None}


def test_build_points_evidence_at_the_caption_of_a_copy() -> None:
    inputs = small_inputs()
    rows = inputs.evidence.to_pylist()
    rows[0] |= {"captionRecord": "c3", "caption": "a rock", "start": 2, "end": 6}
    bundle = build_bundle(with_rows(inputs, "evidence", rows))
    assert ("Evidence:beach/Paaaaaaaaaaaa/c1/0", "Caption:beach/c3/0") in joined(bundle.relationships["IN_CAPTION"])
    assert ("Evidence:beach/Paaaaaaaaaaaa/c1/0", "Image:beach/c1") in joined(bundle.relationships["IN_IMAGE"])


def test_build_describes_ontology_and_run() -> None:
    bundle = build_bundle(small_inputs())
    assert joined(bundle.relationships["SUBTYPE_OF"]) == [
        ("EventType:Sport.Climbing", "EventType:Sport"),
        ("EventType:Sport.Surfing", "EventType:Sport"),
    ]
    assert ids(bundle.nodes["ArgumentRole"])[:2] == [
        "ArgumentRole:Sport.Climbing/Climber",
        "ArgumentRole:Sport.Climbing/Place",
    ]
    run = bundle.nodes["MiningRun"].to_pylist()[0]
    assert (run["nRules"], run["nPatterns"], run["versions"]) == (4, 3, ["gensim==4.4", "numpy==2.0"])


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("images/a.jpg", "images/a.jpg"),
        ("/home/somebody/a.jpg", "a.jpg"),
        ("C:\\pictures\\a.jpg", "a.jpg"),
        ("file:///home/somebody/a.jpg", "a.jpg"),
        ("https://example.org/a.jpg", "https://example.org/a.jpg"),
        ("shard.tar::a.jpg", "shard.tar::a.jpg"),
    ],
)
def test_build_keeps_no_absolute_paths(path: str, kept: str) -> None:
    rows = [row | {"image": path} for row in small_inputs().records.to_pylist()]
    assert node("Image", "Image:beach/c1", with_rows(small_inputs(), "records", rows))["path"] == kept


def _patterns(**changes: object) -> Callable[[], Any]:
    return lambda: with_rows(small_inputs(), "patterns", [small_patterns()[0] | changes])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_patterns(lift=math.inf), r"Pattern\.lift of Pattern:beach/Paaaaaaaaaaaa is not a finite number: inf"),
        (_patterns(pValue=math.nan), r"Pattern\.pValue of Pattern:beach/Paaaaaaaaaaaa is not a finite number: nan"),
        (_patterns(alternativeScores=[0.5, math.nan]), r"Pattern\.alternativeScores .* is not finite"),
        (_patterns(alternatives=["a", None]), r"Pattern\.alternatives .* has an empty place"),
        (_patterns(name=None), r"Pattern\.displayName of Pattern:beach/Paaaaaaaaaaaa is missing"),
        (_patterns(eventType="Sport.Flying"), "INDICATES has EventType:Sport.Flying as target, which is no node"),
        (_patterns(roles=[{"role": "Pilot", "score": 1.0}]), "FILLS_ROLE has ArgumentRole:Sport.Climbing/Pilot"),
        (_patterns(textItems=[99]), "HAS_ITEM has TextItem:beach/99 as target"),
        (
            lambda: with_rows(small_inputs(), "patterns", [small_patterns()[0]] * 2),
            "Pattern has Pattern:beach/Paaaaaaaaaaaa twice",
        ),
        (
            lambda: with_rows(small_inputs(), "patterns", small_patterns()[:2]),
            "HAS_EVIDENCE has Pattern:beach/Pcccccccccccc as source",
        ),
    ],
)
def test_build_refuses_tables_that_contradict_each_other(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(KbError, match=message):
        build_bundle(make())


def test_written_bundle_is_read_as_it_was(tmp_path: Path) -> None:
    bundle = build_bundle(small_inputs())
    manifest = write_bundle(bundle, tmp_path)
    again = read_bundle(tmp_path)
    assert again.manifest == manifest == verify_bundle(tmp_path)
    assert all(again.nodes[label].equals(table) for label, table in bundle.nodes.items())
    assert all(again.relationships[kind].equals(table) for kind, table in bundle.relationships.items())


def test_bundle_is_the_same_bytes_whatever_the_order_of_rows(tmp_path: Path) -> None:
    inputs = small_inputs()
    turned = inputs
    for name in ("records", "labels", "images", "captions", "text_items", "patterns", "evidence"):
        turned = with_rows(turned, name, getattr(inputs, name).to_pylist()[::-1])
    for folder, each in (("a", inputs), ("b", turned)):
        write_bundle(build_bundle(each), tmp_path / folder)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) == 27
    assert [f for f in files if (tmp_path / "a" / f).read_bytes() != (tmp_path / "b" / f).read_bytes()] == []


def test_bundle_holds_nothing_of_the_machine(tmp_path: Path) -> None:
    write_bundle(build_bundle(small_inputs()), tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest) == {"format", "schemaVersion", "corpus", "run", "ontology", "files"}
    tables = [pq.read_table(path).to_pylist() for path in tmp_path.rglob("*.parquet")]
    assert not re.search(rf"{tmp_path}|/tmp|/home", json.dumps([manifest, tables]))


def test_manifest_digest_follows_content_and_corpus() -> None:
    digest = build_bundle(small_inputs()).manifest.digest
    assert build_bundle(small_inputs()).manifest.digest == digest
    assert build_bundle(small_inputs("hills")).manifest.digest != digest
    fewer = with_rows(small_inputs(), "evidence", [])
    assert build_bundle(fewer).manifest.digest != digest
    assert build_bundle(fewer).manifest.ontology_digest == build_bundle(small_inputs("hills")).manifest.ontology_digest


def test_write_replaces_an_older_bundle(tmp_path: Path) -> None:
    write_bundle(build_bundle(small_inputs()), tmp_path)
    write_bundle(build_bundle(small_inputs("hills")), tmp_path)
    assert verify_bundle(tmp_path).corpus == "hills"


def _cut(path: Path) -> None:
    data = (path / "nodes" / "Pattern.parquet").read_bytes()
    (path / "nodes" / "Pattern.parquet").write_bytes(data[: len(data) // 2])


def _flip(path: Path) -> None:
    data = bytearray((path / "relationships" / "MENTIONS.parquet").read_bytes())
    data[20] ^= 1
    (path / "relationships" / "MENTIONS.parquet").write_bytes(data)


def _forget(path: Path) -> None:
    (path / "nodes" / "Image.parquet").unlink()


def _garble(path: Path) -> None:
    (path / "manifest.json").write_text("{", encoding="utf-8")


def _extend(path: Path) -> None:
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["../../etc/passwd"] = {"rows": 1, "hash": "0"}
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut, r"nodes/Pattern\.parquet was cut or changed"),
        (_flip, r"relationships/MENTIONS\.parquet was cut or changed"),
        (_forget, r"nodes/Image\.parquet is missing"),
        (_garble, r"manifest\.json cannot be read"),
        (_extend, r"names other files than the schema \(\.\./\.\./etc/passwd\)"),
    ],
)
def test_damaged_bundle_is_refused_with_the_way_out(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    write_bundle(build_bundle(small_inputs()), tmp_path)
    damage(tmp_path)
    with pytest.raises(KbError, match=message) as caught:
        read_bundle(tmp_path)
    assert "eventminer run" in (caught.value.hint or "")


def test_bundle_of_another_schema_version_is_refused(tmp_path: Path) -> None:
    write_bundle(build_bundle(small_inputs()), tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"schemaVersion": 99}), encoding="utf-8")
    with pytest.raises(KbError, match="schema version 99; this version reads 3"):
        read_bundle(tmp_path)


def test_no_bundle_is_told_apart_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(KbError, match="There is no bundle"):
        verify_bundle(tmp_path)


def test_bundle_folder_accepts_a_run_folder(tmp_path: Path) -> None:
    write_bundle(build_bundle(small_inputs()), tmp_path / "bundle")
    assert bundle_folder(tmp_path) == bundle_folder(tmp_path / "bundle") == tmp_path / "bundle"


def test_build_accepts_text_only_patterns() -> None:
    row = pattern_row("Pdddddddddddd", "Sport.Surfing", 1, "wave", visualItems=[], visualWeights=[], method="text-only")
    bundle = build_bundle(with_rows(with_rows(small_inputs(), "patterns", [row]), "evidence", []))
    assert bundle.nodes["VisualItem"].num_rows == 0
    assert bundle.nodes["Pattern"].num_rows == 1


def test_build_keeps_corpora_apart_whose_names_contain_slashes() -> None:
    first = build_bundle(with_rows(with_rows(small_inputs("a/b"), "patterns", []), "evidence", []))
    assert all(identifier.startswith("Image:a%2Fb/") for identifier in ids(first.nodes["Image"]))

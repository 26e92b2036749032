"""`eventminer extract` on pictures, and `evaluate images`, with a real run over drawn scenes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

import eventminer
from corpora.scenes import generate_scenes
from miner.cli.app import app
from miner.errors import CorpusError

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

N_SCENES = 80


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    generate_scenes(folder / "corpus", n_scenes=N_SCENES)
    generate_scenes(folder / "new", n_scenes=25, seed=7)
    done = CliRunner().invoke(
        app, ["run", str(folder / "corpus"), "--out", str(folder / "run"), "-o", "mine.exploratory=true"]
    )
    assert done.exit_code == 0, done.output
    return folder


def extract(home: Path, *options: str) -> list[dict[str, object]]:
    done = CliRunner().invoke(app, ["extract", "--kb", str(home / "run"), *options])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def truth(corpus: Path) -> dict[str, str]:
    lines = (corpus / "captions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return {Path(row["image"]).name: row["event"] for row in rows if row.get("event")}


def test_extract_tells_what_new_pictures_show(home: Path) -> None:
    mentions = extract(home, "--corpus", str(home / "new"))
    shown = {Path(m["image"]["path"]).name: m for m in mentions if m["image"]}  # type: ignore[index]
    known = truth(home / "new")
    right = [
        str(m["eventType"]).endswith(known[name].split(":")[-1].split(".")[-1])
        for name, m in shown.items()
        if name in known
    ]
    assert len(right) >= 15
    assert sum(right) / len(right) > 0.7
    for mention in shown.values():
        assert 0 < mention["score"] <= 1  # type: ignore[operator]
        for argument in mention["arguments"]:  # type: ignore[attr-defined]
            if "box" in argument:
                x0, y0, x1, y1 = argument["box"]
                assert 0 <= x0 < x1
                assert 0 <= y0 < y1


def test_extract_joins_records_of_one_document_wherever_they_stand(home: Path) -> None:
    lines = (home / "new" / "captions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    pictures = [{"id": f"p{n}", "document": f"d{n}", "image": row["image"]} for n, row in enumerate(rows)]
    texts = [
        {"id": f"t{n}", "document": f"d{n}", **{k: v for k, v in row.items() if k.startswith("caption")}}
        for n, row in enumerate(rows)
    ]
    (home / "new" / "apart.jsonl").write_text("\n".join(map(json.dumps, [*pictures, *texts])), encoding="utf-8")
    apart = extract(home, "--corpus", str(home / "new" / "apart.jsonl"))
    together = extract(home, "--corpus", str(home / "new" / "captions.jsonl"))
    joined = [m for m in apart if m["trigger"] and m["image"]]
    assert len(joined) == sum(bool(m["trigger"] and m["image"]) for m in together) > 0
    for mention in joined:
        number = str(mention["document"])[1:]
        assert (mention["record"], mention["image"]["record"]) == (f"t{number}", f"p{number}")  # type: ignore[index]
    assert not any("record" in (m["image"] or {}) for m in together)  # type: ignore[operator]


def test_extract_from_a_corpus_is_the_same_with_more_threads(home: Path) -> None:
    corpus = str(home / "new")
    assert extract(home, "--corpus", corpus, "--threads", "2") == extract(home, "--corpus", corpus)


def test_extract_into_the_graph_twice_changes_nothing_and_says_what_extracted(home: Path) -> None:
    options = ["extract", "--kb", str(home / "run"), "--corpus", str(home / "new"), "--to", str(home / "run")]
    first, again = (CliRunner().invoke(app, options) for _ in range(2))
    printed = [line for line in first.stdout.splitlines() if line.startswith("{")]
    assert f"{len(printed)} mentions are in" in first.stderr
    assert "0 nodes and 0 relationships are new, 0 and 0 are gone" in again.stderr
    count = "MATCH (m:Mention)-[:EXTRACTED_IN]->(x:Extraction)-[:USED_RUN]->(:MiningRun) RETURN x.imageModel AS model, count(m) AS n"
    (row,) = eventminer.query(home / "run", count).records()
    assert row["n"] == len(printed)
    assert len(row["model"]) == 32
    fewer = CliRunner().invoke(app, [*options, "--no-images"])
    assert fewer.exit_code == 0
    assert eventminer.query(home / "run", "MATCH (m:Mention) WHERE m.path IS NOT NULL RETURN m").rows == ()


def test_extract_of_a_piped_text_into_the_graph_needs_a_name(home: Path) -> None:
    failed = CliRunner().invoke(
        app, ["extract", "--kb", str(home / "run"), "--text", "-", "--to", "x"], input="He ran."
    )
    assert failed.exit_code == 2
    assert "--as NAME" in failed.stderr


def test_extract_explains_one_picture(home: Path, tmp_path: Path) -> None:
    image = min((home / "new" / "images").iterdir())
    for kind in ("page.html", "page.png"):
        extract(home, "--image", str(image), "--explain", str(tmp_path / kind))
    assert image.name in (tmp_path / "page.html").read_text(encoding="utf-8")
    with Image.open(tmp_path / "page.png") as drawn:
        assert drawn.width == 900


def test_extract_refuses_what_is_no_picture(home: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\x00\x01 no picture")
    failed = CliRunner().invoke(app, ["extract", "--kb", str(home / "run"), "--image", str(tmp_path / "a.jpg")])
    assert isinstance(failed.exception, CorpusError)
    assert "cannot be used: unknown-format" in failed.exception.message
    missing = CliRunner().invoke(app, ["extract", "--kb", str(home / "run"), "--image", str(tmp_path / "none.jpg")])
    assert isinstance(missing.exception, CorpusError)


def test_extract_options_that_do_not_go_together_are_refused(home: Path) -> None:
    for options in (
        ["--corpus", "x", "--image", "y"],
        ["--corpus", "x", "--explain", "e.html"],
        ["--text", "x", "--explain", "e.pdf"],
        [],
    ):
        assert CliRunner().invoke(app, ["extract", "--kb", str(home / "run"), *options]).exit_code == 2


def test_evaluate_images_prints_f1_and_calibration(home: Path) -> None:
    done = CliRunner().invoke(app, ["evaluate", "images", str(home / "run"), "--json"])
    assert done.exit_code == 0, done.output
    rows = {
        (row["measure"], row["method"]): row
        for row in map(json.loads, filter(lambda line: line.startswith("{"), done.stdout.splitlines()))
    }
    model, probe = (rows["macro-f1 of event types", method] for method in ("model", "probe"))
    assert 0 < model["value"] <= 1
    assert model["low"] <= model["value"] <= model["high"]
    own = [row["value"] for (measure, method), row in rows.items() if measure.startswith("f1 of") and method == "model"]
    assert model["value"] == pytest.approx(sum(own) / len(own))
    assert rows["ratio, macro-f1 of event types", "model / probe"]["value"] == pytest.approx(
        model["value"] / probe["value"]
    )
    assert 0 <= rows["expected calibration error", "model"]["value"] < 0.5
    page = home / "report.html"
    drawn = CliRunner().invoke(app, ["report", str(home / "run"), "--no-images", "--out", str(page)])
    assert drawn.exit_code == 0, drawn.output
    kept = json.loads((home / "run" / "image-evaluation.json").read_text(encoding="utf-8"))
    assert sum(each["n"] for each in kept["curve"]) > 0
    text = page.read_text(encoding="utf-8")
    assert f"{rows['expected calibration error', 'model']['value']:.3f}" in text
    assert text.count('class="whisker"') == len(kept["curve"])

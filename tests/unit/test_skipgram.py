from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from miner.errors import TextError
from miner.text.skipgram import WordVectors, load_keyed_vectors, train, unit_rows

ROOT = Path(__file__).parents[2]
# Two worlds that share no word: in each, either of two subjects stands in the same places.
SEA = [[subject, "swim", place] for subject in ("fish", "whale") for place in ("sea", "bay", "deep", "reef")]
SKY = [[subject, "fly", place] for subject in ("crow", "hawk") for place in ("sky", "cloud", "air", "nest")]
OPTIONS = {"dims": 16, "window": 2, "epochs": 60, "min_count": 1, "seed": 0}


def cosine(vectors: WordVectors, one: str, other: str) -> float:
    rows = vectors.select([one, other]).vectors
    return float(rows[0] @ rows[1])


def test_words_in_the_same_places_get_like_vectors() -> None:
    vectors = train([*SEA, *SKY] * 10, **OPTIONS)
    assert cosine(vectors, "fish", "whale") > cosine(vectors, "fish", "crow")
    assert cosine(vectors, "crow", "hawk") > cosine(vectors, "hawk", "whale")
    np.testing.assert_allclose(np.linalg.norm(vectors.vectors, axis=1), 1.0, rtol=1e-5)


def test_rare_words_have_no_vector() -> None:
    vectors = train([["dog", "cat"]] * 3 + [["emu", "dog"]], **OPTIONS | {"min_count": 3})
    assert set(vectors.words) == {"dog", "cat"}


@pytest.mark.parametrize("sentences", [[], [[]], [["dog"], ["cat"]]])
def test_sentences_without_frequent_words_give_no_vectors(sentences: list[list[str]]) -> None:
    vectors = train(sentences, **OPTIONS | {"min_count": 2})
    assert vectors.words == ()
    assert vectors.vectors.shape == (0, 16)


def test_the_seed_decides() -> None:
    first, again, other = (train(SEA * 5, **OPTIONS | {"seed": seed}).vectors for seed in (0, 0, 1))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_vectors_are_the_same_bytes_in_any_process() -> None:
    program = (
        "import sys; from miner.text.skipgram import train;"
        "s = [[f'w{(i * j) % 23}' for j in range(1, 8)] for i in range(200)];"
        "v = train(s, dims=8, window=2, epochs=3, min_count=1, seed=3);"
        "sys.stdout.buffer.write(' '.join(v.words).encode() + v.vectors.tobytes())"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        for seed in ("1", "2")
    ]
    first, second = (run.communicate(timeout=120)[0] for run in runs)
    assert len(first) > 23 * 8 * 4
    assert first == second


def write_text(path: Path) -> None:
    lines = "3 2\ndog 3 4\nfire_truck 0 2\ncat 0 0\n"
    path.write_bytes(gzip.compress(lines.encode()) if path.suffix == ".gz" else lines.encode())


def write_binary(path: Path) -> None:
    rows = {"dog": (3, 4), "fire_truck": (0, 2), "cat": (0, 0)}
    data = b"3 2\n" + b"".join(word.encode() + b" " + struct.pack("<2f", *row) for word, row in rows.items())
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize("name", ["v.txt", "v.vec", "v.txt.gz", "v.bin", "v.bin.gz", "v.model"])
def test_user_vectors_are_read_in_text_and_binary(name: str, tmp_path: Path) -> None:
    (write_text if ".txt" in name or ".vec" in name else write_binary)(tmp_path / name)
    vectors = load_keyed_vectors(tmp_path / name)
    assert vectors.words == ("dog", "fire_truck", "cat")
    np.testing.assert_allclose(vectors.vectors, np.array([[0.6, 0.8], [0.0, 1.0], [0.0, 0.0]]), rtol=1e-6)


def test_user_vectors_are_looked_up_for_the_vocabulary_and_phrases(tmp_path: Path) -> None:
    write_text(tmp_path / "v.txt")
    vectors = load_keyed_vectors(tmp_path / "v.txt", {"dog", "fire truck", "emu"})
    assert vectors.words == ("dog", "fire truck")
    assert vectors.select(["emu", "dog"]).vectors.tolist() == [[0, 0], pytest.approx([0.6, 0.8])]


@pytest.mark.parametrize("content", [b"", b"not vectors at all", b"2 3\ndog 1 2 3\n", b"\x80\x81\x82"])
@pytest.mark.parametrize("name", ["broken.txt", "broken.bin", "broken.txt.gz"])
def test_unreadable_vectors_are_named_with_a_way_out(content: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TextError, match=r"broken") as caught:
        load_keyed_vectors(tmp_path / name)
    assert "text.vectors" in str(caught.value.hint)


def test_missing_vectors_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"none\.bin"):
        load_keyed_vectors(tmp_path / "none.bin")


def test_unit_rows_leave_zero_rows() -> None:
    assert unit_rows(np.array([[0, 0], [0, 5]], np.float32)).tolist() == [[0, 0], [0, 1]]

from __future__ import annotations

import resource
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from miner.errors import ArtefactError
from miner.store.formats import (
    read_array,
    read_json,
    read_table,
    read_tensors,
    table_bytes,
    write_array,
    write_json,
    write_table,
    write_tensors,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = pa.table({"name": ["a", None, "ü"], "items": [[1, 2], [], [3]]})


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    """Let the system refuse every byte of a file beyond `n_bytes`, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_formats_table_round_trip(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", TABLE)
    assert read_table(tmp_path / "t.parquet").equals(TABLE)
    assert read_table(tmp_path / "t.parquet", ["items"]).column_names == ["items"]


def test_formats_table_bytes_do_not_depend_on_chunks() -> None:
    chunked = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)])
    assert chunked.column("name").num_chunks == 2
    assert table_bytes(chunked) == table_bytes(TABLE)


def test_formats_table_names_missing_column_and_those_there(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", TABLE)
    with pytest.raises(ArtefactError, match=r"no column 'other'; it has: name, items"):
        read_table(tmp_path / "t.parquet", ["other"])


@pytest.mark.parametrize("shape", [(3, 4), (0, 4), ()])
@pytest.mark.parametrize("mmap", [True, False])
def test_formats_array_round_trip(tmp_path: Path, shape: tuple[int, ...], *, mmap: bool) -> None:
    array = np.arange(np.prod(shape), dtype=np.float16).reshape(shape)
    write_array(tmp_path / "a.npy", array)
    back = read_array(tmp_path / "a.npy", mmap=mmap)
    assert back.dtype == array.dtype
    assert back.shape == shape
    assert np.array_equal(back, array)


def test_formats_array_refuses_pickled_objects(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ArtefactError, match=r"Cannot read .*a\.npy"):
        read_array(tmp_path / "a.npy", mmap=False)


def test_formats_threads_never_parse_headers_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "a.npy", np.arange(3))
    parsing: list[int] = []
    most: list[int] = []
    plain = np.load

    def slow(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - passed on
        parsing.append(1)
        time.sleep(0.002)
        most.append(len(parsing))
        parsing.pop()
        return plain(*args, **options)

    monkeypatch.setattr(np, "load", slow)
    with ThreadPoolExecutor(4) as pool:
        arrays = [*pool.map(lambda _: read_array(tmp_path / "a.npy"), range(12))]
    assert all(array.tolist() == [0, 1, 2] for array in arrays)
    assert most == [1] * 12


def test_formats_tensors_round_trip(tmp_path: Path) -> None:
    tensors = {"w": np.arange(6, dtype=np.float32).reshape(2, 3).T, "b": np.array(1.5)}
    write_tensors(tmp_path / "w.safetensors", tensors)
    back = read_tensors(tmp_path / "w.safetensors")
    assert set(back) == {"w", "b"}
    assert np.array_equal(back["w"], tensors["w"])
    assert back["b"].shape == ()


def test_formats_json_is_sorted_and_ends_with_newline(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": "ü"})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n "a": "ü",\n "b": 1\n}\n'
    assert read_json(tmp_path / "a.json") == {"a": "ü", "b": 1}


def test_formats_full_disk_is_one_line_and_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    write_array(path, np.zeros(4))
    with largest_file(1 << 12), pytest.raises(ArtefactError, match="No space left while writing") as caught:
        write_array(path, np.zeros(1 << 16))
    assert caught.value.hint is not None
    assert read_array(path).shape == (4,)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.npy"]


def test_formats_full_disk_while_writing_parquet(tmp_path: Path) -> None:
    table = pa.table({"x": np.random.default_rng(0).random(1 << 14)})
    with largest_file(1 << 12), pytest.raises(ArtefactError, match="No space left"):
        write_table(tmp_path / "t.parquet", table)
    assert list(tmp_path.iterdir()) == []


def test_formats_unreadable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"not this")
    for read in (read_table, read_array, read_tensors, read_json):
        with pytest.raises(ArtefactError, match=r"Cannot read .*x: "):
            read(tmp_path / "x")
        with pytest.raises(ArtefactError, match=r"absent does not exist"):
            read(tmp_path / "absent")

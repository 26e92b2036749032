from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from miner.store.fingerprint import CHUNK_BYTES, digest_bytes, digest_file, digest_json

if TYPE_CHECKING:
    from pathlib import Path


def test_fingerprint_bytes_is_blake2b_of_16_bytes() -> None:
    assert digest_bytes(b"abc") == hashlib.blake2b(b"abc", digest_size=16).hexdigest()
    assert len(digest_bytes(b"")) == 32


def test_fingerprint_file_equals_its_bytes(tmp_path: Path) -> None:
    data = bytes(range(256)) * (CHUNK_BYTES // 256) + b"more than one chunk"
    (tmp_path / "f").write_bytes(data)
    assert digest_file(tmp_path / "f") == digest_bytes(data)


def test_fingerprint_json_ignores_key_order_only() -> None:
    assert digest_json({"a": 1, "b": [1, 2]}) == digest_json({"b": [1, 2], "a": 1})
    assert digest_json({"a": 1, "b": [1, 2]}) != digest_json({"a": 1, "b": [2, 1]})
    assert digest_json(["ab", "c"]) != digest_json(["a", "bc"])


def test_fingerprint_json_refuses_what_has_no_stable_form() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest_json(float("nan"))
    with pytest.raises(TypeError):
        digest_json({1, 2})

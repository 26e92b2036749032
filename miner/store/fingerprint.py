"""Content hashes: the names of artefacts and the proof that their files are whole."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DIGEST_BYTES = 16
CHUNK_BYTES = 1 << 20


def digest_bytes(data: bytes) -> str:
    """Return the BLAKE2b digest of some bytes.

    Returns:
        32 hexadecimal digits.
    """
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()


def digest_json(obj: object) -> str:
    """Return the digest of a JSON value, whatever the order of its keys.

    Args:
        obj: Strings, finite numbers, booleans, `None`, and lists and string-keyed mappings of them.

    Returns:
        32 hexadecimal digits.

    Raises:
        TypeError: A value has no JSON form.
        ValueError: A number is not finite.
    """
    text = json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return digest_bytes(text.encode())


def digest_file(path: Path) -> str:
    """Return the digest of a file, read in chunks.

    Returns:
        32 hexadecimal digits, equal to `digest_bytes` of its content.

    Raises:
        OSError: The file cannot be read.
    """
    state = hashlib.blake2b(digest_size=DIGEST_BYTES)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            state.update(chunk)
    return state.hexdigest()

"""Nodes and relationships of the knowledge base as plain data, and the ids that never change between runs.

An id is `<Label>:<part>/<part>…`, for instance `Image:flickr/sample_7.jpg`. It begins with the corpus for everything that
belongs to one corpus, so two corpora in one store never share a node; event types and their roles belong to no corpus.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from miner.store.fingerprint import digest_bytes

Scalar = str | int | float | bool
Value = Scalar | Sequence[str] | Sequence[int] | Sequence[float] | None
Properties = Mapping[str, Value]

LONGEST_ID_BYTES = 1_000
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Node:
    """One node; its label is the part of its id before the first colon.

    Attributes:
        id: Made by `node_id`.
        properties: Scalars, lists of one kind of scalar, or None for an absent value.
    """

    id: str
    properties: Properties


@dataclass(frozen=True, slots=True)
class Relationship:
    """One relationship; there is at most one of a type from `source` to `target`.

    Attributes:
        source: Id of the node it leaves.
        target: Id of the node it enters.
        properties: As of a node.
    """

    source: str
    target: str
    properties: Properties = field(default_factory=dict)


def node_id(label: str, *parts: str) -> str:
    """Return the id of a node: different parts give different ids, the same parts the same id anywhere.

    An id that a database could not index (over 1,000 bytes) keeps its beginning and ends in a hash of the whole.

    Args:
        label: The label, PascalCase.
        parts: What identifies the node; all but the last have `/` and `%` escaped.
    """
    *outer, last = (clean_text(part) for part in parts)
    escaped = [part.replace("%", "%25").replace("/", "%2F") for part in outer]
    full = f"{label}:{'/'.join([*escaped, last])}"
    data = full.encode()
    if len(data) <= LONGEST_ID_BYTES:
        return full
    return f"{data[: LONGEST_ID_BYTES - 40].decode(errors='ignore')}~{digest_bytes(data)}"


def label_of(identifier: str) -> str:
    """Return the label in an id."""
    return identifier.partition(":")[0]


def clean_text(text: str) -> str:
    """Replace lone surrogates, which no database and no UTF-8 file can hold, by U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)

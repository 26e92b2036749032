"""The mined patterns of a corpus as a graph store has them, in the form in which a run keeps them.

A store does not have everything: rules are missing, so that counts of merged patterns can only be estimated, and of a caption
only the words that say the pattern are marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kb.ontology import EventType, Ontology, Role
from kb.review import statements
from kb.review.mined import Mined
from miner.errors import KbError
from miner.patterns.assemble import PATTERNS
from miner.patterns.evidence import EVIDENCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kb.result import Params
    from kb.store import GraphStore

__all__ = ["find_corpus", "read_mined", "read_ontology"]

Row = dict[str, Any]
BATCH_PATTERNS = 100
READ_TIMEOUT_S = 600.0


def find_corpus(store: GraphStore, corpus: str | None) -> str:
    """Return the name of the corpus to review.

    Raises:
        KbError: The store has no such corpus, or several and none is named.
    """
    names = [row["corpus"] for row in _ask(store, statements.CORPORA, {})]
    if corpus in names:
        return str(corpus)
    if not corpus and len(names) == 1:
        return str(names[0])
    what = f"no corpus {corpus!r}" if corpus else f"{len(names)} corpora"
    raise KbError(
        f"{store.uri} has {what}; there are: {', '.join(map(repr, names)) or 'none'}.",
        hint="Load one with 'eventminer kb load', or name one of those.",
    )


def read_mined(store: GraphStore, corpus: str) -> Mined:
    """Read the patterns of a corpus and their evidence.

    Raises:
        KbError: The store cannot be read.
    """
    rows = {row["id"]: _pattern(row) for row in _ask(store, statements.REVIEWED_PATTERNS, {"corpus": corpus})}
    evidence: list[Row] = []
    for ids in _batches(list(rows)):
        _add_items(rows, _ask(store, statements.REVIEWED_ITEMS, {"ids": ids}))
        _add_roles(rows, _ask(store, statements.REVIEWED_ROLES, {"ids": ids}))
        found = _ask(store, statements.REVIEWED_EVIDENCE, {"ids": ids})
        evidence.extend(_evidence(rows, row, len(evidence) + n) for n, row in enumerate(found))
    order = sorted(rows.values(), key=lambda row: (row["eventType"], row["rank"], row["pattern"]))
    place = {row["pattern"]: at for at, row in enumerate(order)}
    evidence.sort(key=lambda row: (place[row["pattern"]], -row["score"], row["record"]))
    return Mined(pa.Table.from_pylist(order, schema=PATTERNS), pa.Table.from_pylist(evidence, schema=EVIDENCE))


def _pattern(row: Row) -> Row:
    properties = row["properties"]
    empty: Row = {field.name: [] for field in PATTERNS if pa.types.is_list(field.type)}
    known = {field.name: properties.get(field.name) for field in PATTERNS if field.name in properties}
    defaults = {"role": None, "nameHead": "", "pValue": 1.0, "qLink": 1.0, "grounding": 0.0}
    return {**empty, **defaults, **known, "name": properties["displayName"]}


def _add_items(rows: dict[str, Row], items: list[Row]) -> None:
    """Fill in items by rank; the number of an item is the last part of its id, whatever the corpus is called."""
    for item in sorted(items, key=lambda item: item["rank"]):
        row, number = rows[item["id"]], int(item["item"].rpartition("/")[2])
        if item["item"].startswith("VisualItem:"):
            row["visualItems"].append(number)
            row["visualWeights"].append(item["weight"] or 0.0)
        else:
            row["textItems"].append(number)


def _add_roles(rows: dict[str, Row], roles: list[Row]) -> None:
    for role in sorted(roles, key=lambda role: (-role["score"], role["role"])):
        rows[role["id"]]["roles"].append({"role": role["role"], "score": role["score"]})


def _evidence(rows: dict[str, Row], row: Row, number: int) -> Row:
    group = row["photoGroup"]
    return {
        "pattern": rows[row["id"]]["pattern"],
        "record": row["record"],
        "image": row["path"],
        "box": row["box"] or [],
        "caption": row["caption"],
        "captionRecord": row["captionRecord"],
        "captionIndex": row["captionIndex"],
        "start": row["start"],
        "end": row["end"],
        "score": row["score"],
        # Where nothing is known of copies every piece of evidence is a photograph of its own.
        "group": -1 - number if group is None else group,
    }


def read_ontology(store: GraphStore) -> Ontology:
    """Read the event types and roles of a store.

    Raises:
        KbError: The store cannot be read, or has none.
    """
    types = _ask(store, statements.REVIEWED_EVENT_TYPES, {})
    if not types:
        raise KbError(f"{store.uri} has no event types.", hint="Load a run with 'eventminer kb load'.")
    roles: dict[str, list[Role]] = {}
    for row in _ask(store, statements.REVIEWED_EVENT_TYPE_ROLES, {}):
        own = Role(name=row["role"], definition=row["definition"] or "", fillers=tuple(row["fillers"] or ()))
        roles.setdefault(row["eventType"], []).append(own)
    made = [
        EventType(
            id=row["eventType"],
            label=row["label"],
            definition=row["definition"] or "",
            parent=row["parent"],
            roles=tuple(roles.get(row["eventType"], ())),
        )
        for row in types
    ]
    return Ontology(name=types[0]["ontology"], version=types[0]["version"], types=tuple(made))


def _ask(store: GraphStore, statement: str, params: Params) -> list[Row]:
    return store.read(statement, params, timeout_s=READ_TIMEOUT_S).records()


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), BATCH_PATTERNS):
        yield ids[start : start + BATCH_PATTERNS]

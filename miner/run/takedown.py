"""Taking a record out of a run for good: its picture and words leave every artefact, the bundle, the graph and the report.

What stays is a hash of its id and of its file, in `RUN/forgotten.json`. Reading the corpus again puts a row with the code
`forgotten` in the place of every record with such a hash, so it never comes back, and everything after it is counted anew
without it. Pictures that were encoded before need not be encoded again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from corpora.records import RECORDS
from miner.errors import ArtefactError, CorpusError
from miner.store.artefact import KEY_DIGITS, discard
from miner.store.fingerprint import digest_bytes
from miner.store.formats import read_json, read_table, write_bytes, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from corpora.records import Corpus
    from miner.run.folder import RunFolder
    from miner.store.artefact import Artefact

__all__ = [
    "CODE", "Forgotten", "count_unfinished", "finish_forgetting", "forget_record", "forgotten_hashes", "hidden_name",
    "hide_forgotten", "is_forgotten", "purge_artefacts", "unchanged_work",
]  # fmt: skip

FORGOTTEN_FILE = "forgotten.json"
HASHES = "hashes"
UNFINISHED = "unfinished"
CODE = "forgotten"
NAME_DIGITS = 12


@dataclass(frozen=True)
class Forgotten:
    """What a record had to do with a run, before it was forgotten.

    Attributes:
        n_evidence: Pieces of evidence in it.
        patterns: Ids of the patterns that it supported.
    """

    n_evidence: int
    patterns: tuple[str, ...]


def forget_record(folder: RunFolder, record: str) -> Forgotten:
    """Write down that a record is to be forgotten; the next run of the corpus in this folder does it.

    Raises:
        CorpusError: The run has no such record.
        ArtefactError: The folder is no run folder, its run has not finished, or it cannot be written.
    """
    hashes, unfinished = _read_hashes(folder), _read_hashes(folder, UNFINISHED)
    digest = _digest(record)
    known = hashes if digest in hashes else hashes | _hashes_of(folder, record)
    _write_hashes(folder, known, unfinished | {digest})
    if not folder.is_finished:
        return Forgotten(0, ())
    evidence = read_table(folder.artefact("patterns").file("evidence.parquet"), ["record", "pattern"])
    own = evidence.filter(pc.equal(evidence["record"], record))
    return Forgotten(own.num_rows, tuple(sorted(set(own["pattern"].to_pylist()))))


def finish_forgetting(folder: RunFolder, record: str) -> None:
    """Write down that nothing has a record any more.

    Raises:
        ArtefactError: The folder cannot be written.
    """
    _write_hashes(folder, _read_hashes(folder), _read_hashes(folder, UNFINISHED) - {_digest(record)})


def count_unfinished(folder: RunFolder) -> int:
    """Return of how many records the forgetting was interrupted, so that something may still have them."""
    return len(_read_hashes(folder, UNFINISHED))


def forgotten_hashes(folder: RunFolder) -> frozenset[str]:
    """Return the hashes of ids and pictures that must not come back.

    Raises:
        ArtefactError: Their file is damaged.
    """
    return frozenset(_read_hashes(folder))


def _write_hashes(folder: RunFolder, hashes: AbstractSet[str], unfinished: AbstractSet[str]) -> None:
    rest = {UNFINISHED: sorted(unfinished)} if unfinished else {}
    write_json(folder.path / FORGOTTEN_FILE, {HASHES: sorted(hashes), **rest})


def _hashes_of(folder: RunFolder, record: str) -> set[str]:
    records = read_table(folder.artefact("read").file("records.parquet"), ["record", "imageHash"])
    rows = records.filter(pc.equal(records["record"], record)).to_pylist()
    if not rows:
        raise CorpusError(
            f"{folder.path} has no record {record!r}.",
            hint="Ids are in the report and in 'kb query RUN @captions-like'.",
        )
    return {_digest(value) for value in (record, rows[0]["imageHash"]) if value is not None}


def _read_hashes(folder: RunFolder, which: str = HASHES) -> set[str]:
    path = folder.path / FORGOTTEN_FILE
    content = read_json(path) if path.exists() else {HASHES: []}
    found = {HASHES: None, UNFINISHED: [], **content} if isinstance(content, dict) else {}
    if not isinstance(found.get(HASHES), list) or not isinstance(found[UNFINISHED], list):
        raise ArtefactError(f"{path} is damaged.", hint="Put it back from a copy: it keeps forgotten records away.")
    return {str(item) for item in found[which]}


def _digest(value: str) -> str:
    return digest_bytes(b"forgotten\0" + value.encode(errors="surrogatepass"))


def hide_forgotten(corpus: Corpus, folder: RunFolder) -> Corpus:
    """Put a row without content in the place of every record that this run folder was told to forget.

    A record is known by its id or by its picture, so that another id does not bring it back, nor does the number that a
    record gets whose id was there before.
    """
    hashes = _read_hashes(folder)
    if not hashes:
        return corpus
    columns = [corpus.records[name].to_pylist() for name in ("record", "imageHash")]
    rows = enumerate(zip(*columns, strict=True))
    hits = [i for i, (name, picture) in rows if is_forgotten(hashes, name, corpus.numbered.get(name), picture)]
    parts, start = [], 0
    for i in hits:
        row = corpus.records.slice(i, 1).to_pylist()[0]
        parts += [
            corpus.records.slice(start, i - start),
            _blank(row, corpus.numbered.get(row["record"], row["record"])),
        ]
        start = i + 1
    return replace(corpus, records=pa.concat_tables([*parts, corpus.records.slice(start)]).combine_chunks())


def is_forgotten(hashes: AbstractSet[str], *values: str | None) -> bool:
    """Tell whether one of some ids and hashes of pictures must not come back.

    Args:
        hashes: As of `forgotten_hashes`.
        values: None for what is not known.
    """
    return any(value is not None and _digest(value) in hashes for value in values)


def _blank(row: Mapping[str, Any], original: str) -> pa.Table:
    name = hidden_name(row["record"])
    # Some corpora have no better place for a record than its name.
    is_name = original in row["where"] or row["where"] in (row["image"] or "")
    kept: dict[str, Any] = {
        "where": name if is_name else row["where"],
        "record": name,
        "captions": [],
        "events": [],
        "notes": [],
    }
    why = {"status": "bad", "code": CODE, "reason": "it was forgotten on request"}
    return pa.Table.from_pylist([{**kept, **why}], schema=RECORDS)


def hidden_name(record: str) -> str:
    """Return what a record is called once it is forgotten."""
    return f"forgotten-{_digest(record)[:NAME_DIGITS]}"


def unchanged_work(folder: RunFolder, corpus: Corpus) -> dict[str, Artefact]:
    """Return the artefacts of the last run in a folder if its corpus differs from this one in forgotten records only.

    Returns:
        By stage; empty where nothing may be used again.
    """
    stages = folder.read_state().get("stages")
    if not isinstance(stages, dict) or not _read_hashes(folder):
        return {}
    try:
        artefacts = folder.artefacts()
        before = read_table(artefacts["read"].file("records.parquet"))
    except ArtefactError:
        return {}
    gone = pc.equal(corpus.records["code"].fill_null(""), CODE)
    if len(before) != len(corpus.records):
        return {}
    same = before.filter(pc.invert(gone)).equals(corpus.records.filter(pc.invert(gone)))
    return artefacts if same else {}


def purge_artefacts(folder: RunFolder, record: str) -> int:
    """Delete every artefact that the last run does not use, and lines of the log that name the record.

    Returns:
        How many artefacts were deleted.
    """
    state = folder.read_state().get("stages")
    used = {f"{stage}-{str(key)[:KEY_DIGITS]}" for stage, key in state.items()} if isinstance(state, dict) else set()
    unused = [path for path in folder.store.root.iterdir() if path.is_dir() and path.name not in used]
    for path in unused:
        discard(path)
    log = folder.path / "run.log"
    if log.exists():
        lines = log.read_bytes().splitlines(keepends=True)
        write_bytes(log, b"".join(line for line in lines if record.encode(errors="replace") not in line))
    return len(unused)

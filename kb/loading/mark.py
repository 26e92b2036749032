"""The mark of a load in the store: whose load it is and how far it has got.

A store that can take several batches at a time is filled in lanes: the batches go to the lanes in turn, and each lane has a
mark of its own, so that no lane waits for another. A mark moves in the same transaction as the rows it speaks of, so whatever
breaks, reading it tells what is there.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kb import cypher
from kb.model import node_id
from miner.errors import KbError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kb.store import GraphStore

__all__ = ["Mark", "take_mark"]


@dataclass(frozen=True)
class Mark:
    """What a load says of itself in the store.

    Attributes:
        corpus: Corpus that is loaded.
        bundle: Hash of the bundle.
        fresh: Whether nothing of the corpus was there when the load first began.
        starts: Per lane, up to which row of the bundle it was written before, by a load that was interrupted.
        token: Whose load it is.
    """

    corpus: str
    bundle: str
    fresh: bool
    starts: tuple[int, ...]
    token: str

    def id(self, lane: int) -> str:
        """Id of the node of a lane."""
        return _mark_id(self.corpus, lane)

    def read_position(self, store: GraphStore, lane: int) -> int:
        """Return up to which row of the bundle the store has what belongs to a lane.

        Raises:
            KbError: Another load has taken over.
        """
        rows = store.write(cypher.READ_MARK, {"mark": self.id(lane)}).records()
        if not rows or rows[0]["token"] != self.token:
            raise KbError(
                f"Another load of corpus {self.corpus!r} into {store.uri} began meanwhile and has taken over.",
                hint="Load again when it is done, if this bundle is the one to keep.",
            )
        return int(rows[0]["position"])

    def spoil(self, store: GraphStore) -> None:
        """Make the next load of the corpus begin anew, as one that must look for what is there."""
        store.write(cypher.SPOIL_MARKS, {"corpus": self.corpus, "token": self.token})

    def drop(self, store: GraphStore) -> None:
        """Remove it: the load is complete, or must begin anew."""
        store.write(cypher.DROP_MARKS, {"corpus": self.corpus, "token": self.token})


def take_mark(store: GraphStore, corpus: str, bundle: str, *, batch_rows: int) -> Mark:
    """Begin a load, or go on with an interrupted one of the same bundle; whoever holds the mark loses it.

    Args:
        store: Where to.
        corpus: Corpus to load.
        bundle: Hash of its bundle.
        batch_rows: Rows of a batch; an interrupted load with other batches had dealt them to the lanes in another way.
    """
    token = uuid.uuid4().hex
    # Before the positions are read: what a killed load had sent is written by then, or never will be.
    store.write(cypher.CLAIM_MARKS, {"corpus": corpus, "token": token})
    rows = {row["id"]: row for row in store.write(cypher.READ_MARKS, {"corpus": corpus}).records()}
    ids = [_mark_id(corpus, lane) for lane in range(store.lanes)]
    if _goes_on(rows, ids, bundle, batch_rows):
        starts = tuple(int(rows[identifier]["position"]) for identifier in ids)
        mark = Mark(corpus, bundle, fresh=bool(rows[ids[0]]["fresh"]), starts=starts, token=token)
    else:
        known = store.write(cypher.COUNT_CORPUS, {"corpus": node_id("Corpus", corpus)}).rows[0][0]
        mark = Mark(corpus, bundle, fresh=not rows and not known, starts=(0,) * len(ids), token=token)
    params = {"marks": [list(pair) for pair in zip(ids, mark.starts, strict=True)], "fresh": mark.fresh}
    store.write(
        cypher.TAKE_MARKS, {**params, "corpus": corpus, "bundle": bundle, "token": token, "batchRows": batch_rows}
    )
    # Left by a version, or for a store, with other lanes; only now, because they too say that the corpus may be there in part.
    store.write(cypher.DROP_OTHER_MARKS, {"corpus": corpus, "ids": ids})
    return mark


def _mark_id(corpus: str, lane: int) -> str:
    return node_id("EventminerLoad", corpus, str(lane))


def _goes_on(rows: Mapping[str, dict[str, Any]], ids: Sequence[str], bundle: str, batch_rows: int) -> bool:
    """Say whether the marks found, by id, are those of the same load, lane by lane."""
    same = all(row["digest"] == bundle and row["batchRows"] == batch_rows for row in rows.values())
    return same and rows.keys() == set(ids)

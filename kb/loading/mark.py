"""The mark of a load in the store: whose load it is and how far it has got.

The mark moves in the same transaction as the rows it speaks of, so whatever breaks, reading it tells what is there.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kb import cypher
from kb.model import node_id
from miner.errors import KbError

if TYPE_CHECKING:
    from kb.store import GraphStore

__all__ = ["Mark", "take_mark"]


@dataclass(frozen=True)
class Mark:
    """What a load says of itself in the store.

    Attributes:
        corpus: Corpus that is loaded.
        bundle: Hash of the bundle.
        fresh: Whether nothing of the corpus was there when the load first began.
        start: Rows that were written before, by a load of the same bundle that was interrupted.
        token: Whose load it is.
    """

    corpus: str
    bundle: str
    fresh: bool
    start: int
    token: str

    @property
    def id(self) -> str:
        """Id of its node."""
        return node_id("EventminerLoad", self.corpus)

    def read_position(self, store: GraphStore) -> int:
        """Return how many rows the store has.

        Raises:
            KbError: Another load has taken over.
        """
        rows = store.write(cypher.READ_MARK, {"mark": self.id}).records()
        if not rows or rows[0]["token"] != self.token:
            raise KbError(
                f"Another load of corpus {self.corpus!r} into {store.uri} began meanwhile and has taken over.",
                hint="Load again when it is done, if this bundle is the one to keep.",
            )
        return int(rows[0]["position"])

    def drop(self, store: GraphStore) -> None:
        """Remove it: the load is complete, or must begin anew."""
        store.write(cypher.DROP_MARK, {"mark": self.id, "token": self.token})


def take_mark(store: GraphStore, corpus: str, bundle: str) -> Mark:
    """Begin a load, or go on with an interrupted one of the same bundle; whoever holds the mark loses it."""
    mark_id, token = node_id("EventminerLoad", corpus), uuid.uuid4().hex
    # Before the position is read: what a killed load had sent is written by then, or never will be.
    store.write(cypher.CLAIM_MARK, {"mark": mark_id, "token": token})
    rows = store.write(cypher.READ_MARK, {"mark": mark_id}).records()
    if rows and rows[0]["digest"] == bundle:
        mark = Mark(corpus, bundle, fresh=bool(rows[0]["fresh"]), start=int(rows[0]["position"]), token=token)
    else:
        known = store.write(cypher.COUNT_CORPUS, {"corpus": node_id("Corpus", corpus)}).rows[0][0]
        mark = Mark(corpus, bundle, fresh=not rows and not known, start=0, token=token)
    position = {"token": mark.token, "fresh": mark.fresh, "position": mark.start}
    store.write(cypher.TAKE_MARK, {"mark": mark_id, "corpus": corpus, "bundle": bundle, **position})
    return mark

"""Statements that change a limited number of things, given again until nothing is left to change.

So a transaction stays small however large the database is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from kb.result import Changes
from kb.store import BatchTooLargeError

if TYPE_CHECKING:
    from kb.result import Params, QueryResult
    from kb.store import GraphStore

__all__ = ["Keep", "change_all"]

Keep = Callable[[Callable[[int], Any]], Any]


def change_all(store: GraphStore, statement: str, params: Params, *, limit: int, keep: Keep) -> Changes:
    """Give a statement again and again until it changes nothing, a smaller limit where the store has not the memory.

    Args:
        store: Where to.
        statement: It changes at most `$limit` things that it will not find again, and returns how many it has found.
        params: Its other parameters.
        limit: The largest `$limit`.
        keep: What does something again when the server is gone for a while, as `Patience.keep`.

    Raises:
        KbError: The store cannot be written.
    """
    changes = Changes()
    result: QueryResult
    while True:
        try:
            result = keep(partial(_change_some, store, statement, {**params, "limit": limit}))
        except BatchTooLargeError:
            if limit == 1:
                raise
            limit = max(1, limit // 4)
            continue
        changes += result.changes
        if not result.rows[0][0]:
            return changes


def _change_some(store: GraphStore, statement: str, params: Params, _attempt: int) -> QueryResult:
    return store.write(statement, params)

"""Asking a store: Cypher, or one of the named questions.

```python
with open_store("RUN") as store:
    run_query(store, "@patterns-of", {"eventType": "Conflict.Attack"})
    run_query(store, "MATCH (p:Pattern) WHERE p.confidence > $least RETURN p.displayName", {"least": 0.8})
```
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kb.asking.library import SUBJECTS, NamedQuery, Parameter, named_queries
from kb.model import clean_text
from kb.result import QueryResult
from miner.errors import KbError

if TYPE_CHECKING:
    from kb.result import Params
    from kb.store import GraphStore

__all__ = ["NamedQuery", "Parameter", "QueryResult", "named_queries", "parse_params", "run_query"]

DEFAULT_TIMEOUT_S = 30.0


def run_query(
    store: GraphStore,
    text: str,
    params: Params | None = None,
    *,
    write: bool = False,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> QueryResult:
    """Ask a store.

    Args:
        store: What to ask.
        text: Cypher, or `@` and the name of a named query.
        params: Values for its `$parameters`.
        write: Whether it may change the store.
        timeout_s: Longest time it may take, seconds.

    Raises:
        KbError: There is no such question, a parameter is wrong, the query is wrong or too slow, it would write and may
            not, or the store fails.
    """
    if timeout_s <= 0:
        raise KbError(f"The time limit must be more than 0 s, not {timeout_s:g}.")
    values = _cleaned(params or {})
    if text.lstrip().startswith("@"):
        return _ask(store, _find(text.strip()), values, timeout_s)
    run = store.write if write else store.read
    return run(clean_text(text), values, timeout_s=timeout_s)


def _ask(store: GraphStore, query: NamedQuery, params: Params, timeout_s: float) -> QueryResult:
    values = query.bind(params)
    result = store.read(query.statement, values, timeout_s=timeout_s)
    # Whatever is said of two, one of which is not there, is wrong.
    if not result.rows or any(parameter.name == "second" for parameter in query.parameters):
        _check_subjects(store, query, values, timeout_s)
    return replace(result, warnings=())


def _check_subjects(store: GraphStore, query: NamedQuery, values: Params, timeout_s: float) -> None:
    """Tell an empty answer from a question about something that is not there."""
    for parameter in query.parameters:
        subject = SUBJECTS.get(parameter.kind)
        if subject is None:
            continue
        value = values[parameter.name]
        if not store.read(subject.statement, {"value": value}, timeout_s=timeout_s).rows[0][0]:
            raise KbError(f"There is no {subject.words} {value!r} in {store.uri}.", hint=subject.hint)


def parse_params(text: str, pairs: Sequence[str]) -> dict[str, Any]:
    """Read parameters written as `name=value`.

    For Cypher a value that is JSON (a number, true, a quoted string, a list) is read as such, anything else is a string;
    for a named query its declaration says what a value is.

    Raises:
        KbError: A pair has no `=`.
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise KbError(f"Parameter {pair!r} is not of the form name=value.")
        values[name] = value if text.lstrip().startswith("@") else _parse_value(value)
    return values


def _parse_value(value: str) -> Any:  # noqa: ANN401 - any value of JSON
    try:
        return json.loads(value)
    except ValueError:
        return value


def _find(text: str) -> NamedQuery:
    for query in named_queries():
        if f"@{query.name}" == text:
            return query
    raise KbError(
        f"There is no query {text}.", hint=f"Named queries: {', '.join('@' + q.name for q in named_queries())}."
    )


def _cleaned(value: Any) -> Any:  # noqa: ANN401 - any value of JSON
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(key): _cleaned(item) for key, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list | tuple) else value

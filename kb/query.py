"""Asking a store: Cypher, or one of the named questions.

```python
with open_store("RUN") as store:
    run_query(store, "@patterns-of", {"eventType": "Conflict.Attack"})
    run_query(store, "MATCH (p:Pattern) WHERE p.confidence > $least RETURN p.displayName", {"least": 0.8})
```
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from kb import cypher
from kb.model import clean_text
from kb.result import QueryResult
from miner.errors import KbError

if TYPE_CHECKING:
    from kb.result import Params
    from kb.store import GraphStore

__all__ = ["NamedQuery", "Parameter", "QueryResult", "named_queries", "parse_params", "run_query"]

DEFAULT_TIMEOUT_S = 30.0
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a named query.

    Attributes:
        name: Its name, as in the Cypher text.
        kind: An event type may be written with colons, as corpora do; `text` is looked for word by word; signs that a full-text search would interpret are left out.
        meaning: One line for the user.
        default: Used when it is not given; a parameter without one must be given.
    """

    name: str
    kind: Literal["eventType", "pattern", "integer", "text"]
    meaning: str
    default: int | None = None

    def parse(self, value: Any) -> str | int:  # noqa: ANN401 - whatever a user gives
        """Return the value to send.

        Raises:
            KbError: The value is of another kind.
        """
        if self.kind == "text":
            return " ".join(_WORD.findall(str(value).lower()))
        if self.kind == "eventType":
            return str(value).replace(":", ".")
        if self.kind == "pattern":
            return str(value)
        try:
            number = int(value)
        except (TypeError, ValueError):
            number = -1
        if number < 0:
            raise KbError(f"Parameter {self.name} must be a whole number from 0, not {value!r}.")
        return number


@dataclass(frozen=True)
class NamedQuery:
    """A question with a name.

    Attributes:
        name: What it is called by, after an `@`.
        answers: The question in words.
        parameters: What it needs to know.
        statement: Its Cypher text.
    """

    name: str
    answers: str
    parameters: tuple[Parameter, ...]
    statement: str

    def bind(self, params: Params) -> dict[str, Any]:
        """Check and complete parameters.

        Raises:
            KbError: One is missing, unknown or of another kind.
        """
        known = {p.name: p for p in self.parameters}
        unknown = sorted(set(params) - set(known))
        missing = [p.name for p in self.parameters if p.default is None and p.name not in params]
        if unknown or missing:
            fault = f"has no parameter {unknown[0]!r}" if unknown else f"needs {missing[0]}"
            raise KbError(f"@{self.name} {fault}.", hint=f"It takes: {', '.join(known) or 'nothing'}.")
        return {name: p.parse(params.get(name, p.default)) for name, p in known.items()}


_EVENT_TYPE = Parameter("eventType", "eventType", "event type, such as Conflict.Attack")
_PATTERN = Parameter("pattern", "pattern", "id of a pattern, such as P0123456789ab")
_WORDS = Parameter("text", "text", "words to look for")


def _limit(n: int) -> Parameter:
    return Parameter("limit", "integer", "most rows to return", default=n)


@dataclass(frozen=True)
class _Subject:
    words: str
    statement: str
    hint: str


_SUBJECTS = {
    "eventType": _Subject("event type", cypher.COUNT_EVENT_TYPES, "@event-types lists those that are there."),
    "pattern": _Subject("pattern", cypher.COUNT_PATTERNS, "@patterns-of lists the patterns of an event type."),
}

_QUERIES = (
    NamedQuery("event-types", "Which event types have the most patterns?", (), cypher.EVENT_TYPES),
    NamedQuery(
        "patterns-of",
        "What are the strongest patterns of an event type, with their words and visual items?",
        (_EVENT_TYPE, _limit(5)),
        cypher.PATTERNS_OF,
    ),
    NamedQuery(
        "evidence-of",
        "Where in which pictures and captions does a pattern show?",
        (_PATTERN, _limit(20)),
        cypher.EVIDENCE_OF,
    ),
    NamedQuery(
        "images-of-pattern", "Which pictures support a pattern?", (_PATTERN, _limit(100)), cypher.IMAGES_OF_PATTERN
    ),
    NamedQuery(
        "shared-patterns",
        "Which patterns of two event types share items, and which?",
        (
            Parameter("first", "eventType", "an event type"),
            Parameter("second", "eventType", "another event type"),
            _limit(20),
        ),
        cypher.SHARED_PATTERNS,
    ),
    NamedQuery(
        "roles-of", "Which roles has an event type, and which patterns fill them?", (_EVENT_TYPE,), cypher.ROLES_OF
    ),
    NamedQuery("captions-like", "Which captions have these words?", (_WORDS, _limit(10)), cypher.CAPTIONS_LIKE),
    NamedQuery(
        "patterns-named", "Which patterns have these words in their name?", (_WORDS, _limit(10)), cypher.PATTERNS_NAMED
    ),
    NamedQuery("provenance", "Which run and corpus does a pattern come from?", (_PATTERN,), cypher.PROVENANCE),
)


def named_queries() -> tuple[NamedQuery, ...]:
    """Return the questions that have names."""
    return _QUERIES


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
    if not result.rows:
        _check_subjects(store, query, values, timeout_s)
    return replace(result, warnings=())


def _check_subjects(store: GraphStore, query: NamedQuery, values: Params, timeout_s: float) -> None:
    """Tell an empty answer from a question about something that is not there."""
    for parameter in query.parameters:
        subject = _SUBJECTS.get(parameter.kind)
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
    for query in _QUERIES:
        if f"@{query.name}" == text:
            return query
    raise KbError(f"There is no query {text}.", hint=f"Named queries: {', '.join('@' + q.name for q in _QUERIES)}.")


def _cleaned(value: Any) -> Any:  # noqa: ANN401 - any value of JSON
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(key): _cleaned(item) for key, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list | tuple) else value

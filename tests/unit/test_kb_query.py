from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pytest

from kb.asking.query import named_queries, parse_params, run_query
from kb.result import QueryResult
from miner.errors import KbError


class Recorder:
    """A store that answers one row and remembers what it was asked."""

    uri = "nowhere"
    lanes = 1

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any], float | None]] = []

    def read(self, statement: str, params: Any, *, timeout_s: float) -> QueryResult:  # noqa: ANN401
        self.asked.append(("read", statement, dict(params), timeout_s))
        return QueryResult(columns=("n",), rows=((1,),), warnings=("careful",))

    def write(self, statement: str, params: Any, *, timeout_s: float | None = None) -> QueryResult:  # noqa: ANN401
        self.asked.append(("write", statement, dict(params), timeout_s))
        return QueryResult(columns=(), rows=())

    def loading(self, schema: Any) -> Any:  # noqa: ANN401
        raise NotImplementedError

    def constrain(self, schema: Any) -> None:  # noqa: ANN401
        raise NotImplementedError

    def index(self, schema: Any) -> None:  # noqa: ANN401
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


def test_run_query_reads_unless_told_to_write() -> None:
    store = Recorder()
    run_query(store, "MATCH (n) RETURN n", {"a": 1})
    run_query(store, "CREATE (n)", write=True, timeout_s=3)
    assert store.asked == [("read", "MATCH (n) RETURN n", {"a": 1}, 30.0), ("write", "CREATE (n)", {}, 3)]


def test_run_query_never_writes_by_a_name() -> None:
    store = Recorder()
    assert run_query(store, " @event-types ", write=True).warnings == ()
    assert [kind for kind, *_ in store.asked] == ["read"]


def test_run_query_completes_and_converts_parameters_of_named_queries() -> None:
    store = Recorder()
    run_query(store, "@patterns-of", {"eventType": "Conflict:Attack", "limit": "7"})
    run_query(store, "@captions-like", {"text": "Burning TYRES~2 (AND) title:x"})
    assert [params for _, _, params, _ in store.asked] == [
        {"eventType": "Conflict.Attack", "limit": 7},
        {"text": "burning tyres 2 and title x", "limit": 10},
    ]


@pytest.mark.parametrize(
    ("text", "params", "message"),
    [
        ("@patterns", {}, "no query @patterns"),
        ("@patterns-of", {}, "needs eventType"),
        ("@patterns-of", {"eventType": "A", "colour": 1}, "no parameter 'colour'"),
        ("@patterns-of", {"eventType": "A", "limit": "many"}, "limit must be a whole number from 0, not 'many'"),
        ("@patterns-of", {"eventType": "A", "limit": -1}, "limit must be a whole number from 0, not -1"),
    ],
)
def test_run_query_explains_wrong_names_and_parameters(text: str, params: dict[str, Any], message: str) -> None:
    with pytest.raises(KbError, match=message) as caught:
        run_query(Recorder(), text, params)
    assert caught.value.hint or "whole number" in message


@pytest.mark.parametrize("timeout_s", [0, -1])
def test_run_query_refuses_a_time_limit_that_is_none(timeout_s: float) -> None:
    with pytest.raises(KbError, match="more than 0 s"):
        run_query(Recorder(), "RETURN 1", timeout_s=timeout_s)


def test_parse_params_reads_json_values_for_cypher() -> None:
    pairs = ["n=3", "x=0.5", "s=Conflict.Attack", 'q="3"', "l=[1, 2]", "b=true", "e=", "eq=a=b"]
    assert parse_params("MATCH (n) RETURN n", pairs) == {
        "n": 3, "x": 0.5, "s": "Conflict.Attack", "q": "3", "l": [1, 2], "b": True, "e": "", "eq": "a=b",
    }  # fmt: skip


def test_parse_params_leaves_values_of_named_queries_as_they_are() -> None:
    assert parse_params("@evidence-of", ["pattern=1e5"]) == {"pattern": "1e5"}


@pytest.mark.parametrize("pair", ["novalue", "=3"])
def test_parse_params_refuses_what_is_no_pair(pair: str) -> None:
    with pytest.raises(KbError, match="name=value"):
        parse_params("RETURN 1", [pair])


def test_named_queries_are_questions_with_distinct_names() -> None:
    names = [query.name for query in named_queries()]
    assert len(set(names)) == len(names)
    assert all(query.answers.endswith("?") for query in named_queries())


def test_query_result_gives_rows_by_column() -> None:
    assert QueryResult(columns=("a", "b"), rows=((1, 2),)).records() == [{"a": 1, "b": 2}]


def test_documentation_lists_every_named_query() -> None:
    text = (Path(__file__).parents[2] / "docs" / "knowledge-base.md").read_text(encoding="utf-8")
    assert [query.name for query in named_queries() if f"| `@{query.name}` | {query.answers} |" not in text] == []

"""The questions with a name: what each answers, and what it needs to know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from kb.asking import questions
from miner.errors import KbError

if TYPE_CHECKING:
    from kb.result import Params

__all__ = ["SUBJECTS", "NamedQuery", "Parameter", "Subject", "named_queries", "query_table"]

Kind = Literal["eventType", "mention", "pattern", "record", "run", "role", "integer", "text"]
SHORT_NAMES = {"event": "eventType"}
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a named query.

    Attributes:
        name: Its name, as in the Cypher text.
        kind: An event type may be written with colons, as corpora do; `text` is looked for word by word, without signs that
            a full-text search would interpret.
        meaning: One line for the user.
        default: Used when it is not given; a parameter without one must be given.
    """

    name: str
    kind: Kind
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
        if self.kind != "integer":
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
        params = {SHORT_NAMES.get(name, name): value for name, value in params.items()}
        unknown = sorted(set(params) - set(known))
        missing = [p.name for p in self.parameters if p.default is None and p.name not in params]
        if unknown or missing:
            fault = f"has no parameter {unknown[0]!r}" if unknown else f"needs {missing[0]}"
            raise KbError(f"@{self.name} {fault}.", hint=f"It takes: {', '.join(known) or 'nothing'}.")
        return {name: p.parse(params.get(name, p.default)) for name, p in known.items()}


@dataclass(frozen=True)
class Subject:
    """Something that a question is about, and how to tell whether the store has it.

    Attributes:
        words: What it is called.
        statement: Counts it.
        hint: How to find those that are there.
    """

    words: str
    statement: str
    hint: str


SUBJECTS: dict[Kind, Subject] = {
    "eventType": Subject("event type", questions.COUNT_EVENT_TYPES, "@event-types lists those that are there."),
    "mention": Subject("mention", questions.COUNT_MENTIONS, "@mentions-of lists the mentions of an event type."),
    "pattern": Subject("pattern", questions.COUNT_PATTERNS, "@patterns-of lists the patterns of an event type."),
    "record": Subject("record", questions.COUNT_RECORDS, "@captions-like finds records by their words."),
    "run": Subject(
        "run or corpus",
        questions.COUNT_RUNS,
        "@runs lists those that are there; load another run of a corpus under a name of its own: kb load RUN --as NAME.",
    ),
}
"""What a question can be about, by the kind of its parameter."""

_EVENT_TYPE = Parameter("eventType", "eventType", "event type, such as Conflict.Attack")
_MENTION = Parameter("mention", "mention", "id of a mention, as @mentions-of gives it")
_PATTERN = Parameter("pattern", "pattern", "id of a pattern, such as P0123456789ab")
_RECORD = Parameter("record", "record", "id of a record")
_ROLE = Parameter("role", "role", "name of a role, such as Target")
_WORDS = Parameter("text", "text", "words to look for")


def _limit(n: int) -> Parameter:
    return Parameter("limit", "integer", "most rows to return", default=n)


def _two(kind: Kind, what: str) -> tuple[Parameter, Parameter]:
    return Parameter("first", kind, f"one {what}"), Parameter("second", kind, f"another {what}")


_QUERIES = (
    NamedQuery("runs", "Which runs and corpora are in the store, and are they complete?", (), questions.RUNS),
    NamedQuery("event-types", "Which event types have the most patterns?", (), questions.EVENT_TYPES),
    NamedQuery(
        "patterns-of",
        "What are the strongest patterns of an event type, with their words and visual items?",
        (_EVENT_TYPE, _limit(5)),
        questions.PATTERNS_OF,
    ),
    NamedQuery(
        "shared-patterns",
        "Which patterns of two event types share items, and which?",
        (*_two("eventType", "event type"), _limit(20)),
        questions.SHARED_PATTERNS,
    ),
    NamedQuery(
        "discriminating-patterns",
        "Which patterns of an event type tell it best from another: seen in none of its pictures, no items in common?",
        (*_two("eventType", "event type"), _limit(20)),
        questions.DISCRIMINATING_PATTERNS,
    ),
    NamedQuery(
        "unreviewed",
        "Which patterns of an event type has nobody decided on, the most doubtful first?",
        (_EVENT_TYPE, _limit(20)),
        questions.UNREVIEWED,
    ),
    NamedQuery("reviews", "What have analysts decided?", (_limit(100),), questions.REVIEWS),
    NamedQuery(
        "evidence-of",
        "Where in which pictures and captions does a pattern show?",
        (_PATTERN, _limit(20)),
        questions.EVIDENCE_OF,
    ),
    NamedQuery(
        "images-of-pattern",
        "Which pictures support a pattern, and whose are they?",
        (_PATTERN, _limit(100)),
        questions.IMAGES_OF_PATTERN,
    ),
    NamedQuery(
        "co-firing",
        "Which patterns show in the same pictures as a pattern, and in which share of its pictures?",
        (_PATTERN, _limit(20)),
        questions.CO_FIRING,
    ),
    NamedQuery(
        "similar-patterns",
        "Which patterns are made of much the same visual items and words (`similarity` is a cosine)?",
        (_PATTERN, _limit(10)),
        questions.SIMILAR_PATTERNS,
    ),
    NamedQuery("provenance", "Which run and corpus does a pattern come from?", (_PATTERN,), questions.PROVENANCE),
    NamedQuery(
        "claim",
        "Why is a record said to show a pattern: which pixels, which words, from which file, by which run?",
        (_PATTERN, _RECORD),
        questions.CLAIM,
    ),
    NamedQuery(
        "roles-of", "Which roles has an event type, and which patterns fill them?", (_EVENT_TYPE,), questions.ROLES_OF
    ),
    NamedQuery(
        "fillers-of",
        "What fills a role of an event type, with the best place in a picture?",
        (_EVENT_TYPE, _ROLE, _limit(20)),
        questions.FILLERS_OF,
    ),
    NamedQuery(
        "typical-of",
        "What is typical of an event type: roles, what fills them most often, and what comes together?",
        (_EVENT_TYPE,),
        questions.TYPICAL_OF,
    ),
    NamedQuery("captions-like", "Which captions have these words?", (_WORDS, _limit(10)), questions.CAPTIONS_LIKE),
    NamedQuery(
        "patterns-named",
        "Which patterns have these words in their name?",
        (_WORDS, _limit(10)),
        questions.PATTERNS_NAMED,
    ),
    NamedQuery(
        "patterns-with-word",
        "Which patterns have a word among the words of their text items?",
        (_WORDS, _limit(20)),
        questions.PATTERNS_WITH_WORD,
    ),
    NamedQuery(
        "coverage",
        "How many records of an event type are evidence of its patterns (`shown`), or say their words (`named`)?",
        (),
        questions.COVERAGE,
    ),
    NamedQuery(
        "unexplained",
        "Which pictures labelled with an event type show none of its patterns?",
        (_EVENT_TYPE, _limit(20)),
        questions.UNEXPLAINED,
    ),
    NamedQuery(
        "drift",
        "Which patterns are new, gone, or more or less certain in the second of two corpora "
        "(name, or key of its run; two runs of a corpus stand side by side if one is loaded with kb load --as)?",
        (*_two("run", "run"), _limit(50)),
        questions.DRIFT,
    ),
    NamedQuery("credits", "Whose are the pictures, under which licences?", (_limit(100),), questions.CREDITS),
    NamedQuery("record", "What hangs on a record: captions, patterns, evidence?", (_RECORD,), questions.RECORD),
    NamedQuery("copies-of", "Which records have the same photograph?", (_RECORD,), questions.COPIES_OF),
    NamedQuery(
        "mentions-of",
        "Which events of a type were extracted, with their arguments and the patterns that argue?",
        (_EVENT_TYPE, _limit(20)),
        questions.MENTIONS_OF,
    ),
    NamedQuery(
        "mention",
        "Why is a mention there: which words, which pixels, from which document, by which run and models?",
        (_MENTION,),
        questions.MENTION,
    ),
    NamedQuery(
        "same-events",
        "Which mentions of an event type tell of the same event, and why (after kb coref)?",
        (_EVENT_TYPE, _limit(50)),
        questions.SAME_EVENTS,
    ),
)


def named_queries() -> tuple[NamedQuery, ...]:
    """Return the questions that have names."""
    return _QUERIES


def query_table() -> str:
    """Return the questions as a Markdown table, for `docs/knowledge-base.md`."""
    lines = ["| query | answers | parameters |", "|---|---|---|"]
    for query in _QUERIES:
        parameters = ", ".join(f"`{p.name}`{'' if p.default is None else f' ({p.default})'}" for p in query.parameters)
        lines.append(f"| `@{query.name}` | {query.answers} | {parameters or 'none'} |")
    return "\n".join(lines)

"""The files of M2E2, a gold standard of event mentions in news: sentences, pictures, and which of them tell of one event.

Sentences (`text_only_event.json`, `text_multimedia_event.json`) are a JSON list, pictures (`image_only_event.json`,
`image_multimedia_event.json`) a JSON object, pairs (`crossmedia_coref.txt`) lines of three tab-separated columns. A sentence
may stand in both text files, each with a part of its mentions; they are merged by its id. What cannot be used is left out
and counted, never corrected.

Source: Li, Zareian, Zeng, Whitehead, Lu, Ji and Chang, "Cross-media Structured Common Space for Multimedia Event
Extraction", ACL 2020.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from kb.model import clean_text
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

__all__ = [
    "M2E2_TYPES", "Box", "Gold", "GoldArgument", "GoldImage", "GoldMention", "Pair", "Sentence", "Span", "document_of",
    "image_id", "looks_like_m2e2", "read_gold", "read_sentences",
]  # fmt: skip

M2E2_TYPES = (
    "Conflict.Attack", "Conflict.Demonstrate", "Contact.Meet", "Contact.Phone-Write", "Justice.Arrest-Jail", "Life.Die",
    "Movement.Transport", "Transaction.Transfer-Money",
)  # fmt: skip
"""The event types that its annotators looked for; a mention of any other type is neither right nor wrong there."""

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the picture as it was published."""

HEAD_CHARS = 4096
PART_CHARS = 1 << 20
SPACE = " \t\r\n"


class Span(NamedTuple):
    """Characters `start` to `end` of a sentence."""

    start: int
    end: int
    text: str


class GoldArgument(NamedTuple):
    """Who or what plays a role: a span in a sentence, a box in a picture."""

    role: str
    span: Span | None
    box: Box | None


@dataclass(frozen=True)
class GoldMention:
    """One event in a sentence; its type is spelt with dots, `Life.Die`."""

    event_type: str
    trigger: Span
    arguments: tuple[GoldArgument, ...]


@dataclass(frozen=True)
class Sentence:
    """One sentence.

    Attributes:
        id: `DOCUMENT_NUMBER`.
        document: Id of its document.
        text: As published.
        words: Characters of each word; offsets of triggers and arguments are those of whole words.
        mentions: The events in it.
        entities: Spans of entities, each with its type.
    """

    id: str
    document: str
    text: str
    words: tuple[tuple[int, int], ...] = ()
    mentions: tuple[GoldMention, ...] = ()
    entities: tuple[tuple[Span, str], ...] = ()


@dataclass(frozen=True)
class GoldImage:
    """The event in one picture."""

    id: str
    document: str
    event_type: str
    arguments: tuple[GoldArgument, ...]


class Pair(NamedTuple):
    """A sentence and a picture that tell of one event."""

    sentence: str
    image: str
    event_type: str


@dataclass(frozen=True)
class Gold:
    """What some gold files say.

    Attributes:
        name: Their names, joined by `+`.
        sentences: By id, in the order of the files.
        images: Pictures with an event, by id.
        pairs: Of sentences and pictures.
        known_images: Ids of all pictures of the documents, those without an event too; empty where no file names them.
        problems: What was left out or merged, counted by reason.
    """

    name: str
    sentences: dict[str, Sentence] = field(default_factory=dict)
    images: dict[str, GoldImage] = field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()
    known_images: frozenset[str] = frozenset()
    problems: Counter[str] = field(default_factory=Counter)


def document_of(identifier: str) -> str:
    """Return the document of a sentence or picture: what stands before the last underscore."""
    return identifier.rpartition("_")[0] or identifier


def image_id(name: str) -> str:
    """Return the id of a picture from its file name or path.

    Example:
        >>> image_id("images/VOA_1_3.jpg")
        'VOA_1_3'
    """
    path = PurePosixPath(name.replace("\\", "/"))
    return path.stem if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".gif", ".webp"} else path.name


def looks_like_m2e2(path: Path) -> bool:
    """Tell whether a file begins like the sentences of M2E2."""
    try:
        with path.open(encoding="utf-8") as file:
            head = file.read(HEAD_CHARS)
    except (OSError, UnicodeDecodeError):
        return False
    return head.lstrip().startswith("[") and '"sentence_id"' in head and '"sentence"' in head


def read_sentences(path: Path) -> Iterator[Sentence]:
    """Read the sentences of a text file, one after another, and nothing else: no gold trigger, argument, entity or parse.

    Raises:
        CorpusError: The file cannot be read or has no sentences.
    """
    for row in _elements(path):
        if not _is_sentence(row):
            raise _no_sentences(path)
        identifier = str(row["sentence_id"])
        yield Sentence(identifier, document_of(identifier), clean_text(str(row["sentence"])))


def _elements(path: Path) -> Iterator[Any]:
    """Yield the elements of a JSON list without reading all of it at once."""
    with _readable(path), path.open(encoding="utf-8-sig") as file:
        rest = _Rest(file)
        if not rest.takes("["):
            raise _no_sentences(path)
        yield from rest.take_list()


class _Rest:
    """What has not been taken of a file, of which no more is in memory than it takes to go on."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._text, self._at = file, "", 0
        self._n_taken = 0
        self._decode = json.JSONDecoder().raw_decode

    def takes(self, mark: str) -> bool:
        """Go past white space, then past a mark if it comes next, and tell whether it does."""
        comes = self._skip_space() and self._text.startswith(mark, self._at)
        self._at += len(mark) if comes else 0
        return comes

    def take_list(self) -> Iterator[Any]:
        """Yield the elements of a list of which the opening bracket was taken, and nothing comes after it.

        Raises:
            ValueError: It is no JSON list, or something comes after it.
        """
        if not self.takes("]"):
            yield self._take_element()
            while self.takes(","):
                yield self._take_element()
            if not self.takes("]"):
                raise ValueError(f"neither ',' nor ']' comes after element {self._n_taken}")
        if self._skip_space():
            raise ValueError("something comes after the end of the list")

    def _skip_space(self) -> bool:
        """Go past white space, and tell whether anything comes after it."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in SPACE:
                    return True
                self._at += 1
            if not self._read_on():
                return False

    def _read_on(self) -> bool:
        """Drop what was taken, read more, and tell whether there was any."""
        part = self._file.read(PART_CHARS)
        self._text, self._at = self._text[self._at :] + part, 0
        return bool(part)

    def _take_element(self) -> Any:  # noqa: ANN401 - a JSON value has no narrower type
        self._skip_space()
        while True:
            try:
                element, self._at = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._read_on():
                    raise ValueError(f"element {self._n_taken + 1}: {error.msg}") from error
            else:
                self._n_taken += 1
                return element


def read_gold(paths: Sequence[Path]) -> Gold:
    """Read gold files of any of the three kinds and merge them.

    Raises:
        CorpusError: No file is given, or one cannot be read or is of no known kind.
    """
    if not paths:
        raise CorpusError("No gold file is given.", hint="Name at least one: --gold text_only_event.json")
    gold = Gold("+".join(path.name for path in paths))
    pairs: list[Pair] = []
    known: set[str] = set()
    for path in paths:
        if path.suffix == ".txt":
            pairs.extend(_read_pairs(path))
            continue
        content = _load(path)
        if isinstance(content, dict):
            _add_images(gold, content, path)
        else:
            known.update(_add_sentences(gold, _sentence_rows(path, content)))
    return replace(
        gold, pairs=tuple(dict.fromkeys(pairs)), known_images=frozenset(known | set(gold.images) if known else ())
    )


def _load(path: Path) -> Any:  # noqa: ANN401 - a JSON value has no narrower type
    with _readable(path):
        return json.loads(path.read_bytes())


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say which file cannot be read, and why.

    Raises:
        CorpusError: It cannot be read, or is no JSON.
    """
    try:
        yield
    except OSError as error:
        raise CorpusError(f"Cannot read {path}: {error.strerror or error}.", hint="Check the path.") from error
    except ValueError as error:
        raise CorpusError(f"{path} is not a JSON file of M2E2: {error}.", hint="Check that it is whole.") from error


def _is_sentence(row: object) -> bool:
    return isinstance(row, dict) and {"sentence_id", "sentence"} <= row.keys()


def _no_sentences(path: Path) -> CorpusError:
    return CorpusError(
        f"{path} holds no sentences of M2E2 (a JSON list of objects with sentence_id and sentence).",
        hint="Gold files are text_*_event.json, image_*_event.json and crossmedia_coref.txt.",
    )


def _sentence_rows(path: Path, content: object) -> list[dict[str, Any]]:
    rows: Any = content
    if not isinstance(rows, list) or not all(map(_is_sentence, rows)):
        raise _no_sentences(path)
    found: list[dict[str, Any]] = rows
    return found


def _add_sentences(gold: Gold, rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Add sentences to the gold; yield the ids of the pictures that their documents have."""
    for row in rows:
        sentence = _sentence(row, gold.problems)
        known = gold.sentences.get(sentence.id)
        gold.sentences[sentence.id] = sentence if known is None else _merge(known, sentence, gold.problems)
        yield from (image_id(str(name)) for name in row.get("image") or ())


def _merge(known: Sentence, other: Sentence, problems: Counter[str]) -> Sentence:
    """Put the mentions of a sentence that stands in two files together; the same mention counts once."""
    if known.text != other.text:
        problems["sentence id with another text"] += 1
        return known
    problems["sentences in two files, merged"] += 1
    mentions = {(m.event_type, m.trigger): m for m in known.mentions}
    for mention in other.mentions:
        before = mentions.setdefault((mention.event_type, mention.trigger), mention)
        more = (argument for argument in mention.arguments if argument not in before.arguments)
        mentions[mention.event_type, mention.trigger] = replace(before, arguments=(*before.arguments, *more))
    return replace(known, mentions=tuple(mentions.values()))


def _sentence(row: dict[str, Any], problems: Counter[str]) -> Sentence:
    identifier, text = str(row["sentence_id"]), clean_text(str(row["sentence"]))
    first = int(row.get("sentence_start", 0))
    words = tuple((int(start) - first, int(end) - first + 1) for start, end in row.get("index") or ())
    bare = Sentence(identifier, document_of(identifier), text, words)
    mentions: dict[tuple[str, Span], GoldMention] = {}
    for event in row.get("golden-event-mentions") or ():
        trigger = _span(bare, event["trigger"])
        if trigger is None:
            problems["triggers out of range, left out"] += 1
            continue
        mention = GoldMention(_dotted(str(event["event_type"])), trigger, tuple(_arguments(bare, event, problems)))
        if (mention.event_type, trigger) in mentions:
            problems["mentions given twice, merged"] += 1
            continue
        mentions[mention.event_type, trigger] = mention
    entities = [
        (span, str(e.get("entity-type", "")))
        for e in row.get("golden-entity-mentions") or ()
        if (span := _span(bare, e))
    ]
    return replace(bare, mentions=tuple(mentions.values()), entities=tuple(entities))


def _arguments(sentence: Sentence, event: dict[str, Any], problems: Counter[str]) -> Iterator[GoldArgument]:
    for argument in event.get("arguments") or ():
        span = _span(sentence, argument)
        if span is None:
            problems["arguments out of range, left out"] += 1
        else:
            yield GoldArgument(str(argument["role"]), span, None)


def _span(sentence: Sentence, offsets: dict[str, Any]) -> Span | None:
    """Turn offsets of words into characters; None where the sentence has no such words."""
    start, end = int(offsets["start"]), int(offsets["end"])
    if not 0 <= start < end <= len(sentence.words):
        return None
    first, last = sentence.words[start][0], min(sentence.words[end - 1][1], len(sentence.text))
    return Span(first, last, sentence.text[first:last]) if first < last else None


def _add_images(gold: Gold, content: dict[str, Any], path: Path) -> None:
    for name, entry in content.items():
        if not isinstance(entry, dict) or "event_type" not in entry:
            raise CorpusError(f"{path} holds no pictures of M2E2: {name!r} has no event_type.")
        arguments = []
        for role, boxes in (entry.get("role") or {}).items():
            for box in boxes:
                if (corners := _box(box)) is None:
                    gold.problems["boxes without extent, left out"] += 1
                else:
                    arguments.append(GoldArgument(str(role), None, corners))
        identifier = image_id(name)
        if identifier in gold.images:
            gold.problems["pictures in two files, the first kept"] += 1
            continue
        gold.images[identifier] = GoldImage(
            identifier, document_of(identifier), _dotted(str(entry["event_type"])), tuple(arguments)
        )


def _box(values: Sequence[Any]) -> Box | None:
    """Read a box; M2E2 puts a flag before the four numbers."""
    x0, y0, x1, y1 = (float(value) for value in values[-4:])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _read_pairs(path: Path) -> Iterator[Pair]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"Cannot read {path}: {error}.", hint="Check the path.") from error
    for number, line in enumerate(lines, 1):
        parts = line.split("\t")
        if len(parts) == 3:
            yield Pair(parts[0], image_id(parts[1]), _dotted(parts[2].strip()))
        elif line.strip():
            raise CorpusError(f"Line {number} of {path} is no pair: sentence, picture and type, separated by tabs.")


def _dotted(event_type: str) -> str:
    return event_type.replace(":", ".").replace("/", ".")

"""What a corpus is like before anything is mined: what is usable, what is not and why, and how it is balanced."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from corpora.language import UNKNOWN, detect_language

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from corpora.labels import Labelling
    from corpora.records import Corpus

__all__ = ["CorpusReport", "Problem", "Spread", "check_corpus"]

_N_EXAMPLES = 3

_Row = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """One kind of problem: how many records have it, and the first of them.

    `examples` are sentences with the place and the reason.
    """

    code: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Spread:
    """How a number is spread over a corpus: smallest, median, mean and largest; all 0 where there is none."""

    smallest: int
    median: float
    mean: float
    largest: int


@dataclass(frozen=True)
class CorpusReport:
    """What a check found.

    `event_types` counts usable records by event type, most frequent first. `problems` are records that cannot be used,
    `label_problems` event values without a type, `notes` smaller findings in usable records, `remarks` sentences about the
    labels. `columns` says which columns each field came from.
    `caption_languages` counts captions by detected language, `other_language` those in another than the corpus declares.
    Copies are records beyond the first of their image: `exact_copies` by content, `near_copies` by photo group (None where
    images were not compared). `copy_sizes` counts groups of copies by size, largest first, and `copy_examples` names records of
    the largest: photo groups, or pictures of the same content where images were not compared.
    """

    name: str
    location: str
    reader: str
    columns: dict[str, tuple[str, ...]]
    ontology: str
    label_mode: str
    n_records: int
    n_usable: int
    n_labelled: int
    n_captions: int
    event_types: dict[str, int]
    problems: tuple[Problem, ...]
    label_problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    remarks: tuple[str, ...]
    captions_per_record: Spread
    caption_words: Spread
    caption_characters: Spread
    declared_language: str | None
    caption_languages: dict[str, int]
    other_language: int
    image_bytes: int
    exact_copies: int
    near_copies: int | None
    copy_sizes: dict[int, int]
    copy_examples: tuple[tuple[str, ...], ...]

    @property
    def bad_ratio(self) -> float:
        """The share of records that cannot be used."""
        return (self.n_records - self.n_usable) / self.n_records

    def to_json(self) -> dict[str, object]:
        """Return the report as plain JSON values, with camelCase keys."""
        return {_camel(entry.name): _plain(getattr(self, entry.name)) for entry in fields(self)} | {
            "badRatio": self.bad_ratio
        }


def check_corpus(
    corpus: Corpus,
    labelling: Labelling,
    *,
    image_problems: pa.Table | None = None,
    groups: npt.NDArray[np.int64] | None = None,
) -> CorpusReport:
    """Describe a corpus.

    Args:
        corpus: The corpus as read.
        labelling: Its event types.
        image_problems: A table of encoded images with `record`, `status`, `code` and `reason`: images that could be read
            but not decoded become problems too. With `row`, the number of an image in `groups`.
        groups: int64, (n_images,), the photo group of each image that was encoded; None where that was not done.
    """
    rows = corpus.records.to_pylist()
    bad = _unusable(rows, image_problems)
    usable = [row for row in rows if row["record"] not in bad]
    captions = [caption for row in usable for caption in row["captions"]]
    languages = Counter(detect_language(caption) for caption in captions)
    exact = _members(row["imageHash"] for row in usable)
    near = _near_groups(usable, image_problems, groups)
    declared = corpus.declaration.language
    types = _event_types(labelling, bad)
    return CorpusReport(
        name=corpus.declaration.name,
        location=corpus.location,
        reader=corpus.reader,
        columns=dict(corpus.columns),
        ontology=labelling.ontology.name,
        label_mode=labelling.mode,
        n_records=len(rows),
        n_usable=len(usable),
        n_labelled=sum(bool(found) for found in types),
        n_captions=len(captions),
        event_types=dict(Counter(event_type for found in types for event_type in found).most_common()),
        problems=_problems(bad.values()),
        label_problems=_problems(_unknown_events(labelling, rows)),
        notes=_problems((note, f"{row['where']}") for row in usable for note in row["notes"]),
        remarks=labelling.notes,
        captions_per_record=_spread([len(row["captions"]) for row in usable]),
        caption_words=_spread([len(caption.split()) for caption in captions]),
        caption_characters=_spread([len(caption) for caption in captions]),
        declared_language=declared,
        caption_languages=dict(languages.most_common()),
        other_language=sum(n for found, n in languages.items() if declared and found not in {declared, UNKNOWN}),
        image_bytes=sum(row["imageBytes"] for row in usable),
        exact_copies=_n_copies(exact),
        near_copies=None if near is None else _n_copies(near),
        copy_sizes=_sizes(exact if near is None else near),
        copy_examples=_copy_examples(usable, exact if near is None else near),
    )


def _unusable(rows: Sequence[_Row], image_problems: pa.Table | None) -> dict[str, tuple[str, str]]:
    """Map each unusable record to the code of its problem and a sentence with place and reason."""
    places = {row["record"]: row["where"] for row in rows}
    found = [*rows, *(image_problems.to_pylist() if image_problems is not None else [])]
    bad: dict[str, tuple[str, str]] = {}
    for row in found:
        if row["status"] == "bad":
            bad.setdefault(row["record"], (row["code"], f"{places[row['record']]}: {row['reason']}"))
    return bad


def _unknown_events(labelling: Labelling, rows: Sequence[_Row]) -> Iterator[tuple[str, str]]:
    for row, label in zip(rows, labelling.table.to_pylist(), strict=True):
        if label["code"]:
            yield label["code"], f"{row['where']}: {label['reason']}"


def _event_types(labelling: Labelling, bad: Collection[str]) -> list[list[str]]:
    """Return the event types of each usable record."""
    return [row["eventTypes"] for row in labelling.table.to_pylist() if row["record"] not in bad]


def _problems(found: Iterable[tuple[str, str]]) -> tuple[Problem, ...]:
    """Gather problems by code, most frequent first, with examples."""
    sentences: dict[str, list[str]] = {}
    for code, sentence in found:
        sentences.setdefault(code, []).append(sentence)
    problems = [Problem(code, len(all_), tuple(all_[:_N_EXAMPLES])) for code, all_ in sentences.items()]
    return tuple(sorted(problems, key=lambda problem: (-problem.count, problem.code)))


def _spread(values: Sequence[int]) -> Spread:
    if not values:
        return Spread(0, 0.0, 0.0, 0)
    return Spread(min(values), statistics.median(values), statistics.fmean(values), max(values))


def _members(keys: Iterable[object]) -> list[list[int]]:
    """Return the positions that share a key, for keys that occur more than once."""
    positions: dict[object, list[int]] = {}
    for position, key in enumerate(keys):
        positions.setdefault(key, []).append(position)
    return [found for found in positions.values() if len(found) > 1]


def _near_groups(
    usable: Sequence[_Row], image_problems: pa.Table | None, groups: npt.NDArray[np.int64] | None
) -> list[list[int]] | None:
    if groups is None:
        return None
    if image_problems is None:
        return _members(groups.tolist())
    rows = dict(zip(image_problems["record"].to_pylist(), image_problems["row"].to_pylist(), strict=True))
    return _members(int(groups[rows[record["record"]]]) for record in usable)


def _n_copies(groups: Sequence[Sequence[int]]) -> int:
    return sum(len(group) - 1 for group in groups)


def _sizes(groups: Iterable[Sequence[int]]) -> dict[int, int]:
    """Count groups by size, largest first."""
    return dict(sorted(Counter(map(len, groups)).items(), reverse=True))


def _copy_examples(usable: Sequence[_Row], groups: Sequence[Sequence[int]]) -> tuple[tuple[str, ...], ...]:
    """Name the records of the largest groups of copies."""
    largest = sorted(groups, key=lambda group: (-len(group), group[0]))[:_N_EXAMPLES]
    return tuple(tuple(usable[position]["record"] for position in group[:_N_EXAMPLES]) for group in largest)


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def _plain(value: object) -> object:
    """Rename the fields of nested dataclasses too; keys of counts stay as they are."""
    if is_dataclass(value) and not isinstance(value, type):
        return {_camel(entry.name): _plain(getattr(value, entry.name)) for entry in fields(value)}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value

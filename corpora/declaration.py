r"""What a corpus says of itself: the optional files `corpus.toml` and `triggers.toml` in its folder.

```toml
# corpus.toml
name = "strikes-2023"
ontology = "news"                 # a shipped one, or a .toml file beside this one
language = "en"
licence = "CC BY 4.0"             # of records that name none
credit = "Example Agency"
mask_patterns = ['\bwalk-?outs?\b']

[aliases]                         # event value of the corpus = event type of the ontology
"Labour action" = "Conflict.Demonstrate"

[columns]                         # field = column, where the usual names do not fit
caption = "headline_en"
```

`triggers.toml` holds the rules that made the event values, as `[[rule]]` tables with `event` and `pattern`. They are used
for masking only: labels by triggers come from an ontology.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from kb.ontology import split_gaps
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corpora.folder import Folder

__all__ = ["Declaration", "read_declaration"]

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Declaration:
    """What a corpus says of itself.

    `mask_patterns` are regular expressions, case to be ignored, that find the words which may not become text items.
    """

    name: str
    ontology: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    mask_patterns: tuple[str, ...] = ()
    language: str | None = None
    licence: str | None = None
    credit: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _CorpusFile(_File):
    name: str | None = Field(default=None, min_length=1)
    ontology: str | None = None
    language: str | None = Field(default=None, pattern=r"^[a-z]{2,3}$")
    licence: str | None = None
    credit: str | None = None
    mask_patterns: tuple[str, ...] = ()
    aliases: dict[str, str] = Field(default_factory=dict)
    columns: dict[str, str] = Field(default_factory=dict)

    @field_validator("mask_patterns")
    @classmethod
    def _compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_checked(pattern) for pattern in patterns)


class _Rule(_File):
    event: str
    pattern: str

    @field_validator("pattern")
    @classmethod
    def _compile(cls, pattern: str) -> str:
        return _checked(pattern)


class _TriggersFile(_File):
    rule: tuple[_Rule, ...] = ()


def read_declaration(folder: Folder) -> Declaration:
    """Read what the corpus in a folder says of itself; without any file, only its name is known.

    Raises:
        CorpusError: One of the files is not valid.
    """
    corpus = _load(folder, "corpus.toml", _CorpusFile)
    triggers = _load(folder, "triggers.toml", _TriggersFile)
    patterns = [*corpus.mask_patterns, *(piece for rule in triggers.rule for piece in split_gaps(rule.pattern))]
    return Declaration(
        name=corpus.name or folder.name,
        ontology=_beside(folder, corpus.ontology),
        aliases=corpus.aliases,
        mask_patterns=tuple(dict.fromkeys(patterns)),
        language=corpus.language,
        licence=corpus.licence,
        credit=corpus.credit,
        columns=corpus.columns,
    )


def _load(folder: Folder, name: str, model: type[Model]) -> Model:
    try:
        return model.model_validate(tomllib.loads(folder.read(name).decode("utf-8-sig")))
    except FileNotFoundError:
        return model()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CorpusError(f"{name} of corpus {folder.name!r} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CorpusError(
            f"{name} of corpus {folder.name!r} is wrong at {place!r}: {first['msg']}",
            hint=f"It may hold: {', '.join(model.model_fields)}.",
        ) from error


def _checked(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
    return pattern


def _beside(folder: Folder, ontology: str | None) -> str | None:
    """Take the path of an ontology file as relative to the corpus."""
    if ontology and ontology.endswith(".toml") and "://" not in ontology and not ontology.startswith("/"):
        return folder.child(ontology).url
    return ontology

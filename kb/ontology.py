r"""Event types, their argument roles and the words that trigger them.

An ontology is a TOML file. Two are shipped: `news` (the ACE and M2E2 types, with the roles of texts and of images) and
`everyday` (activities of ordinary photographs). A user's own file has the same form:

```toml
name = "strikes"
version = "1"

[[type]]
id = "Conflict.Demonstrate"
parent = "Conflict"                    # optional, must be a type of this file
label = "Demonstration"
definition = "People gather in public to demand or protest."
triggers = ['protest\w*', "picket"]    # regular expressions, case ignored, matched between word boundaries
aliases = ["Protest"]                  # event values of corpora that mean this type

[[type.role]]
name = "Entity"
fillers = ["PERSON", "ORG", "group"]   # spaCy entity types (upper case) and noun classes (lower case)
definition = "Who demonstrates."
media = ["text", "image"]              # where the role can be seen; both when left out
at_least = 1                           # how many fill it in one event: 0 or more when left out
at_most = 3
```

A type may also say what it is called elsewhere, see `kb.ontologies.mapping`.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kb.ontologies.mapping import Mapping, shipped_mappings
from miner.errors import OntologyError

__all__ = [
    "EventType",
    "NounClass",
    "Ontology",
    "Role",
    "load_ontology",
    "normalise_value",
    "shipped_ontologies",
    "split_gaps",
]

EntityType = Literal[
    "PERSON", "NORP", "FAC", "ORG", "GPE", "LOC", "PRODUCT", "EVENT", "WORK_OF_ART", "LAW", "LANGUAGE",
    "DATE", "TIME", "PERCENT", "MONEY", "QUANTITY", "ORDINAL", "CARDINAL",
]  # fmt: skip
NounClass = Literal["person", "group", "animal", "vehicle", "weapon", "object", "place", "food", "money", "document"]
Identifier = Annotated[str, Field(pattern=r"^\w[\w-]*(\.\w[\w-]*)*$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Role(_Part):
    """An argument role of an event type, such as the `Target` of an attack.

    Attributes:
        name: What it is called, once per event type.
        fillers: Entity types and noun classes that can play it.
        definition: Who or what plays it.
        media: Where it can be seen.
        at_least: How many play it in every such event; 0 where it may go unfilled.
        at_most: How many can play it in one event; None for any number.
    """

    name: str = Field(min_length=1)
    fillers: tuple[EntityType | NounClass, ...] = Field(min_length=1)
    definition: str = ""
    media: tuple[Literal["text", "image"], ...] = ("text", "image")
    at_least: int = Field(default=0, ge=0)
    at_most: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError(f"role {self.name!r} has at_most {self.at_most} below at_least {self.at_least}")
        return self


class EventType(_Part):
    """A class of events: what it means, what triggers it and who takes part."""

    id: Identifier
    label: str = Field(min_length=1)
    parent: str | None = None
    definition: str = ""
    triggers: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    roles: tuple[Role, ...] = Field(default=(), alias="role")
    mapping: Mapping = Mapping()

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @field_validator("triggers")
    @classmethod
    def _compile(cls, triggers: tuple[str, ...]) -> tuple[str, ...]:
        for trigger in triggers:
            try:
                re.compile(trigger)
            except re.error as error:
                raise ValueError(f"trigger {trigger!r} is not a regular expression: {error}") from error
        return triggers

    @model_validator(mode="after")
    def _roles_are_distinct(self) -> Self:
        repeated = [name for name, n in Counter(role.name for role in self.roles).items() if n > 1]
        if repeated:
            raise ValueError(f"role {repeated[0]!r} of {self.id!r} is declared twice")
        return self

    @property
    def pattern(self) -> str | None:
        """One regular expression that finds any trigger as whole words, or None without triggers."""
        return _whole_words(self.triggers)

    @property
    def mask_pattern(self) -> str | None:
        """One regular expression that finds the words of the triggers, without the words in their gaps."""
        return _whole_words(tuple(piece for trigger in self.triggers for piece in split_gaps(trigger)))


class Ontology(_Part):
    """A named, versioned set of event types.

    `types` keeps the order of the file. The names by which corpora call a type (its id in any spelling, its label, its
    aliases, the last part of its id) are resolved by `resolve`.
    """

    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    definition: str = ""
    types: tuple[EventType, ...] = Field(min_length=1, alias="type")

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="after")
    def _ids_and_parents_fit(self) -> Self:
        repeated = [name for name, n in Counter(normalise_value(t.id) for t in self.types).items() if n > 1]
        if repeated:
            raise ValueError(f"event type {repeated[0]!r} is declared twice")
        parents = {t.id: t.parent for t in self.types}
        for start in parents:
            _climb(start, parents)
        _ = self._names
        return self

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all event types, in the order of the file."""
        return tuple(t.id for t in self.types)

    @property
    def aliases(self) -> dict[str, str]:
        """Every declared alias and the id of its event type."""
        return {alias: t.id for t in self.types for alias in t.aliases}

    @property
    def mask_patterns(self) -> tuple[str, ...]:
        """One regular expression per event type that has triggers: the words they match, case to be ignored."""
        return tuple(t.mask_pattern for t in self.types if t.mask_pattern)

    def get(self, event_type: str) -> EventType:
        """Return the event type with this id.

        Raises:
            OntologyError: There is none.
        """
        for candidate in self.types:
            if candidate.id == event_type:
                return candidate
        raise OntologyError(
            f"Event type {event_type!r} is not in ontology {self.name!r}; it has: {', '.join(self.ids)}"
        )

    def resolve(self, value: str) -> str | None:
        """Return the id of the event type that a corpus calls `value`, or None.

        Case, spaces, hyphens and underscores do not matter, and `Life:Die`, `Life/Die` and `life.die` are the same. A
        declared alias wins over the last part of another type's id.
        """
        return self._names.get(normalise_value(value))

    @cached_property
    def _names(self) -> dict[str, str]:
        names = _last_parts(self.ids) | {normalise_value(t.label): t.id for t in self.types}
        declared: dict[str, str] = {}
        for event_type in self.types:
            for alias in event_type.aliases:
                owner = declared.setdefault(normalise_value(alias), event_type.id)
                if owner != event_type.id:
                    raise ValueError(f"alias {alias!r} belongs to both {owner!r} and {event_type.id!r}")
        return names | declared | {normalise_value(t.id): t.id for t in self.types}


def normalise_value(value: str) -> str:
    """Reduce an event value to what identifies it: lower case, dots between parts, letters and digits only."""
    parts = re.split(r"[.:/>]+", value.casefold())
    return ".".join(part for part in (re.sub(r"[\W_]+", "", part) for part in parts) if part)


def split_gaps(pattern: str) -> tuple[str, ...]:
    r"""Split a regular expression at its gaps, such as the `.*` of `dogs?\b.*\brun`.

    What stands in a gap is any word at all, so masking must look for the pieces. A pattern whose gap lies inside a group
    stays whole.
    """
    pieces = tuple(piece for piece in re.split(r"(?<!\\)\.[*+]\??", pattern) if piece)
    return pieces if pieces and all(_compiles(piece) for piece in pieces) else (pattern,)


def shipped_ontologies() -> tuple[str, ...]:
    """Return the names of the ontologies that come with the package, sorted."""
    folder = resources.files("kb") / "ontologies"
    return tuple(sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load_ontology(name_or_path: str) -> Ontology:
    """Load a shipped ontology by name, or any from a TOML file.

    Args:
        name_or_path: A name of `shipped_ontologies`, or a path that ends in `.toml`.

    Raises:
        OntologyError: There is no such ontology, or the file is not a valid one.
    """
    text = _read_text(name_or_path)
    try:
        ontology = Ontology.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise OntologyError(f"Ontology {name_or_path!r} is not valid TOML: {error}") from error
    except ValidationError as error:
        raise OntologyError(f"Ontology {name_or_path!r} is wrong: {_first_problem(error)}") from error
    return _with_mappings(ontology, name_or_path) if name_or_path in shipped_ontologies() else ontology


def _with_mappings(ontology: Ontology, name: str) -> Ontology:
    """Add what is in the data file to the types of a shipped ontology."""
    known = shipped_mappings(name)
    types = [t.model_copy(update={"mapping": known.get(t.id, t.mapping)}) for t in ontology.types]
    return ontology.model_copy(update={"types": tuple(types)})


def _whole_words(triggers: tuple[str, ...]) -> str | None:
    return rf"\b(?:{'|'.join(triggers)})\b" if triggers else None


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _read_text(name_or_path: str) -> str:
    if name_or_path in shipped_ontologies():
        return (resources.files("kb") / "ontologies" / f"{name_or_path}.toml").read_text(encoding="utf-8")
    if not name_or_path.endswith(".toml"):
        raise OntologyError(
            f"There is no ontology {name_or_path!r}; shipped ones: {', '.join(shipped_ontologies())}",
            hint="Name one of these, or give the path of a .toml file.",
        )
    try:
        return Path(name_or_path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OntologyError(f"Ontology file {name_or_path!r} cannot be read: {error}") from error


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"].removeprefix("Value error, ")


def _climb(start: str, parents: dict[str, str | None]) -> None:
    """Follow the parents of a type to the root, refusing unknown parents and circles."""
    seen, current = [start], parents[start]
    while current is not None:
        if current not in parents:
            raise ValueError(f"parent {current!r} of {seen[-1]!r} is not a type of this ontology")
        if current in seen:
            raise ValueError(f"event types are their own ancestors: {' -> '.join([*seen, current])}")
        seen.append(current)
        current = parents[current]


def _last_parts(ids: tuple[str, ...]) -> dict[str, str]:
    """Map the last part of each id to the id, where only one id ends in it."""
    owners: dict[str, list[str]] = {}
    for event_type in ids:
        owners.setdefault(normalise_value(event_type).rpartition(".")[2], []).append(event_type)
    return {part: found[0] for part, found in owners.items() if len(found) == 1}

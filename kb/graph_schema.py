"""How a graph schema is declared, and what makes a declaration valid.

Names are checked where they are declared, so that every statement built from them is safe to send: labels are PascalCase,
relationship types UPPER_SNAKE, properties camelCase.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from itertools import chain
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "KIND_WORDS",
    "RESERVED",
    "GraphSchema",
    "NodeType",
    "Property",
    "RangeIndex",
    "RelationshipType",
    "TextIndex",
    "VectorIndex",
    "may",
    "must",
]

RESERVED = frozenset({"id", "name", "title", "type", "scope", "bundle"})
"""`id`, `scope` and `bundle` are set by the loader; the embedded store gives `name`, `title` and `type` its own meaning."""

Kind = Literal["string", "integer", "float", "boolean", "strings", "integers", "floats"]
KIND_WORDS: dict[Kind, str] = {
    "string": "string",
    "integer": "integer",
    "float": "float",
    "boolean": "boolean",
    "strings": "list of strings",
    "integers": "list of integers",
    "floats": "list of floats",
}

CamelName = Annotated[str, Field(pattern=r"^[a-z][A-Za-z0-9]*$")]
PascalName = Annotated[str, Field(pattern=r"^([A-Z][a-z0-9]*)+$")]
UpperName = Annotated[str, Field(pattern=r"^[A-Z]+(_[A-Z]+)*$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Property(_Part):
    """A property of a node or relationship: a scalar or a list of one kind of scalar."""

    name: CamelName
    kind: Kind
    required: bool = False
    meaning: str = Field(min_length=1)


def may(name: str, kind: Kind, meaning: str) -> Property:
    """Return a property that may be absent."""
    return Property(name=name, kind=kind, meaning=meaning)


def must(name: str, kind: Kind, meaning: str) -> Property:
    """Return a property that every node or relationship has."""
    return Property(name=name, kind=kind, meaning=meaning, required=True)


class _Typed(_Part):
    properties: tuple[Property, ...] = ()
    meaning: str = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_usable(self) -> Self:
        names = [p.name for p in self.properties]
        repeated = [name for name, n in Counter(names).items() if n > 1]
        if repeated:
            raise ValueError(f"property {repeated[0]!r} is declared twice")
        reserved = sorted(RESERVED.intersection(names))
        if reserved:
            raise ValueError(f"{reserved[0]!r} is reserved and cannot be a property")
        return self


class NodeType(_Typed):
    """A label.

    Attributes:
        label: PascalCase; the first part of the ids of its nodes.
        also: Further labels that each of its nodes bears.
        origin: What makes its nodes: the bundle (each belongs to one corpus), an ontology (shared by corpora), a review
            or an extraction (made in the store, never touched by a load), or the loader, which keeps its own notes there.
    """

    label: PascalName
    also: tuple[PascalName, ...] = ()
    origin: Literal["bundle", "ontology", "review", "extraction", "loader"] = "bundle"

    @property
    def key(self) -> str:
        """The label."""
        return self.label

    @property
    def keys(self) -> tuple[str, ...]:
        """What identifies a node."""
        return ("id",)

    @property
    def table(self) -> str:
        """Where its table lies, without what tells the format."""
        return f"nodes/{self.label}"

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels that its nodes bear."""
        return (self.label, *self.also)

    @property
    def in_bundle(self) -> bool:
        """Whether a bundle has a table of these nodes."""
        return self.origin in {"bundle", "ontology"}


class RelationshipType(_Typed):
    """A relationship type, with the pairs of labels it may join (source, target)."""

    type: UpperName
    ends: tuple[tuple[str, str], ...] = Field(min_length=1)

    @property
    def key(self) -> str:
        """The type."""
        return self.type

    @property
    def keys(self) -> tuple[str, ...]:
        """What identifies a relationship."""
        return ("source", "target")

    @property
    def table(self) -> str:
        """Where its table lies, without what tells the format."""
        return f"relationships/{self.type}"


class _Index(_Part):
    name: CamelName
    label: str
    property: str


class RangeIndex(_Index):
    """An index for finding nodes by the exact value of a property."""


class TextIndex(_Index):
    """A full-text index; `CALL db.index.fulltext.queryNodes(<name>, <words>)` asks it, in either store."""


class VectorIndex(_Index):
    """An index for the nodes whose vector points the same way; `CALL db.index.vector.queryNodes(<name>, <n>, <vector>)`."""

    dimensions: int = Field(gt=0)


class GraphSchema(_Part):
    """All labels, relationship types and indexes; refuses names that do not fit together.

    Attributes:
        version: Of all of it.
        bundle_version: Since which version the tables of a bundle are as they are.
        nodes: The labels.
        relationships: Their relationship types.
        ranges: Indexes on exact values.
        texts: Full-text indexes.
        vectors: Indexes on vectors.
    """

    version: int
    bundle_version: int = 1
    nodes: tuple[NodeType, ...]
    relationships: tuple[RelationshipType, ...]
    ranges: tuple[RangeIndex, ...] = ()
    texts: tuple[TextIndex, ...] = ()
    vectors: tuple[VectorIndex, ...] = ()

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        labels = [n.label for n in self.nodes]
        indexes: tuple[_Index, ...] = (*self.ranges, *self.texts, *self.vectors)
        names = chain(labels, (r.type for r in self.relationships), (i.name for i in indexes))
        repeated = [name for name, n in Counter(names).items() if n > 1]
        if repeated:
            raise ValueError(f"{repeated[0]!r} is declared twice")
        unknown = {end for r in self.relationships for pair in r.ends for end in pair} - set(labels)
        if unknown:
            raise ValueError(f"a relationship names {min(unknown)!r}, which is no label")
        for index in indexes:
            self._check_index(index)
        return self

    def _check_index(self, index: _Index) -> None:
        kinds = {(n.label, p.name): p.kind for n in self.nodes for p in n.properties}
        kind = "floats" if isinstance(index, VectorIndex) else "string"
        if kinds.get((index.label, index.property)) != kind:
            raise ValueError(
                f"index {index.name!r} is on {index.label}.{index.property}, which is no property of the kind {kind}"
            )

    @cached_property
    def _by_label(self) -> dict[str, NodeType]:
        return {n.label: n for n in self.nodes}

    def node(self, label: str) -> NodeType:
        """Return the node type of a label.

        Raises:
            KeyError: There is none.
        """
        return self._by_label[label]

    def relationship(self, name: str) -> RelationshipType:
        """Return the relationship type of a name.

        Raises:
            KeyError: There is none.
        """
        return {r.type: r for r in self.relationships}[name]

    @property
    def bundle_nodes(self) -> tuple[NodeType, ...]:
        """The node types a bundle has tables of."""
        return tuple(n for n in self.nodes if n.in_bundle)

    @property
    def bundle_relationships(self) -> tuple[RelationshipType, ...]:
        """The relationship types a bundle has tables of, each with only the ends that a bundle can fill."""
        return tuple(r.model_copy(update={"ends": ends}) for r in self.relationships if (ends := self._bundle_ends(r)))

    def _bundle_ends(self, relationship: RelationshipType) -> tuple[tuple[str, str], ...]:
        held = {n.label for n in self.bundle_nodes}
        return tuple(pair for pair in relationship.ends if held.issuperset(pair))

    def is_shared(self, relationship: RelationshipType) -> bool:
        """Tell whether a relationship type leaves nodes that belong to no corpus."""
        return all(self.node(source).origin == "ontology" for source, _ in relationship.ends)

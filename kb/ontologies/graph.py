"""The nodes and relationships of an ontology, and the way back."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kb.model import Node, Relationship, node_id
from kb.ontologies.mapping import Mapping
from kb.ontology import EventType, Ontology, Role
from miner.errors import OntologyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["event_type_nodes", "has_role", "ontology_from", "role_nodes", "subtype_of"]


def event_type_nodes(ontology: Ontology) -> Iterator[Node]:
    """Yield the node of each event type."""
    for event_type in ontology.types:
        properties = {
            "eventType": event_type.id,
            "label": event_type.label,
            "definition": event_type.definition or None,
            "triggers": list(event_type.triggers),
            "aliases": list(event_type.aliases),
            "ace": list(event_type.mapping.ace),
            "cameo": list(event_type.mapping.cameo),
            "schemaOrg": list(event_type.mapping.schema_org),
            "wikidata": list(event_type.mapping.wikidata),
            "ontology": ontology.name,
            "ontologyVersion": ontology.version,
        }
        yield Node(node_id("EventType", event_type.id), properties)


def role_nodes(ontology: Ontology) -> Iterator[Node]:
    """Yield the node of each role of each event type."""
    for event_type, role in ((t, r) for t in ontology.types for r in t.roles):
        properties = {
            "role": role.name,
            "eventType": event_type.id,
            "definition": role.definition or None,
            "fillers": list(role.fillers),
            "media": list(role.media),
            "atLeast": role.at_least,
            "atMost": role.at_most,
            "ontology": ontology.name,
        }
        yield Node(node_id("ArgumentRole", event_type.id, role.name), properties)


def subtype_of(ontology: Ontology) -> Iterator[Relationship]:
    """Yield what leads from each event type to its parent."""
    for event_type in ontology.types:
        if event_type.parent is not None:
            yield Relationship(node_id("EventType", event_type.id), node_id("EventType", event_type.parent))


def has_role(ontology: Ontology) -> Iterator[Relationship]:
    """Yield what leads from each event type to its roles."""
    for event_type, role in ((t, r) for t in ontology.types for r in t.roles):
        yield Relationship(node_id("EventType", event_type.id), node_id("ArgumentRole", event_type.id, role.name))


def ontology_from(types: Iterable[Node], roles: Iterable[Node], parents: Iterable[Relationship]) -> Ontology:
    """Make an ontology of its nodes again; its types are sorted by id, its definition as a whole is not in a graph.

    Raises:
        OntologyError: The nodes are of several ontologies, or say what no ontology may say.
    """
    rows = sorted(types, key=lambda node: node.id)
    names = sorted({(str(node.properties["ontology"]), str(node.properties["ontologyVersion"])) for node in rows})
    if len(names) != 1:
        found = ", ".join(f"{name} {version}" for name, version in names) or "none"
        raise OntologyError(f"There must be event types of one ontology, not of: {found}.")
    named = {node.id: str(node.properties["eventType"]) for node in rows}
    above = {r.source: named.get(r.target) for r in parents}
    owned: dict[str, list[Role]] = defaultdict(list)
    try:
        for node in sorted(roles, key=lambda role: role.id):
            owned[str(node.properties["eventType"])].append(_role(node.properties))
        made = tuple(_event_type(node.properties, above.get(node.id), owned) for node in rows)
        return Ontology(name=names[0][0], version=names[0][1], types=made)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise OntologyError(f"The ontology {names[0][0]!r} is wrong: {first['msg']} ({first['input']!r}).") from error


def _event_type(properties: Any, parent: str | None, roles: dict[str, list[Role]]) -> EventType:  # noqa: ANN401 - values of a node
    return EventType(
        id=properties["eventType"],
        label=properties["label"],
        parent=parent,
        definition=properties.get("definition") or "",
        triggers=properties.get("triggers") or (),
        aliases=properties.get("aliases") or (),
        roles=tuple(roles.get(properties["eventType"], ())),
        mapping=Mapping(
            ace=properties.get("ace") or (),
            cameo=properties.get("cameo") or (),
            schema_org=properties.get("schemaOrg") or (),
            wikidata=properties.get("wikidata") or (),
        ),
    )


def _role(properties: Any) -> Role:  # noqa: ANN401 - values of a node
    return Role(
        name=properties["role"],
        fillers=properties.get("fillers") or (),
        definition=properties.get("definition") or "",
        media=properties.get("media") or ("text", "image"),
        at_least=properties.get("atLeast") or 0,
        at_most=properties.get("atMost"),
    )

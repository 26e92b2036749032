"""An ontology out of OWL: what `--format owl` wrote, as an analyst has edited it in Protégé or by hand, or one of their own.

Event types are the classes that are declared `em:EventType` or `sem:EventType`, and every class below one. Roles are the
properties whose domain is an event type. What an export says twice (`em:label` and `rdfs:label`) need be edited in one place
only: what differs from the `em:` value is the edit; two edits that contradict each other are refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kb.export.iris import SCHEMA_NAMES, node_id_of
from kb.export.owl import MAPPINGS
from kb.model import Node, Relationship, node_id
from kb.ontologies.graph import ontology_from
from kb.ontologies.mapping import IRI_PREFIXES
from miner.errors import KbError, OntologyError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rdflib import Graph, URIRef

    from kb.ontology import Ontology

__all__ = ["read_owl"]

SEM = "http://semanticweb.cs.vu.nl/2009/11/sem/"
_LAST = re.compile(r"[^#/:]*$")


def read_owl(path: Path, *, name: str | None = None, version: str | None = None) -> Ontology:
    """Read an ontology from an OWL file in Turtle, N-Triples or RDF/XML; how the file begins tells which.

    Args:
        path: The file.
        name: What to call the ontology; as the file says where it is left out.
        version: Its version, likewise.

    Raises:
        OntologyError: It cannot be read, has no event types, or contradicts itself.
        KbError: rdflib is not installed.
    """
    reader = _Reader(_parse(path))
    types = reader.types()
    if not types:
        raise OntologyError(f"{path} has no event types.", hint="Declare classes em:EventType, or below one that is.")
    said = (reader.common("ontology", name or path.stem), reader.common("ontologyVersion", version or "1"))
    named = {"ontology": name or said[0], "ontologyVersion": version or said[1]}
    nodes = [Node(identifier, {**properties, **named}) for identifier, properties in types.items()]
    roles = [Node(identifier, {**p, "ontology": named["ontology"]}) for identifier, p in reader.roles().items()]
    return ontology_from(nodes, roles, reader.parents())


def _parse(path: Path) -> Graph:
    try:
        import rdflib  # noqa: PLC0415 - an extra: only who imports OWL needs it
    except ImportError as error:
        raise KbError("Reading OWL needs rdflib.", hint="pip install 'eventminer[export]'") from error
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OntologyError(f"{path} cannot be read: {error}.") from error
    # JSON-LD is left out: its parser would fetch contexts from the network.
    form = "xml" if text.lstrip("\ufeff \t\r\n").startswith(("<?xml", "<rdf:", "<!")) else "turtle"
    try:
        return rdflib.Graph().parse(data=text, format=form)
    except Exception as error:
        raise OntologyError(f"{path} is no RDF: {' '.join(str(error).split())[:200]}.") from error


class _Reader:
    """One graph, and which of its classes are event types."""

    def __init__(self, graph: Graph) -> None:
        from rdflib import OWL, RDF, RDFS, SKOS  # noqa: PLC0415 - an extra, and there once a graph is

        self._graph = graph
        self._rdf, self._rdfs, self._skos, self._owl = RDF, RDFS, SKOS, OWL
        self._classes = self._find_classes()

    def types(self) -> dict[str, dict[str, Any]]:
        """Return the properties of each event type by the id of its node."""
        rows: dict[str, dict[str, Any]] = {}
        for iri in self._classes:
            event_type = self._event_type(iri)
            labels = self._edited(iri, "label", self._rdfs.label, self._skos.prefLabel)
            row = {
                "eventType": event_type,
                "label": self._one(iri, "label", labels) or event_type.rpartition(".")[2],
                "definition": self._one(
                    iri, "definition", self._edited(iri, "definition", self._skos.definition, self._rdfs.comment)
                ),
                "triggers": sorted(self._own(iri, "triggers")),
                "aliases": sorted(self._edited(iri, "aliases", self._skos.altLabel)),
                **{p: sorted(self._mapped(iri, p, vocabulary)) for p, vocabulary in MAPPINGS.items()},
            }
            identifier = node_id("EventType", event_type)
            if identifier in rows:
                raise OntologyError(f"Two classes of the file are the event type {event_type!r}.")
            rows[identifier] = row
        return rows

    def roles(self) -> dict[str, dict[str, Any]]:
        """Return the properties of each role by the id of its node."""
        rows: dict[str, dict[str, Any]] = {}
        for iri, event_type in sorted(self._role_domains()):
            names = self._edited(iri, "role", self._rdfs.label)
            role = self._one(iri, "role", names) or self._local(iri)
            bounds = {name: self._integer(iri, name) for name in ("atLeast", "atMost")}
            rows[node_id("ArgumentRole", event_type, role)] = {
                "role": role,
                "eventType": event_type,
                "definition": self._one(
                    iri, "definition", self._edited(iri, "definition", self._skos.definition, self._rdfs.comment)
                ),
                "fillers": sorted(self._own(iri, "fillers")),
                "media": sorted(self._own(iri, "media"), reverse=True),
                **bounds,
            }
        return rows

    def parents(self) -> list[Relationship]:
        """Return what leads from event types to the types above them."""
        found = []
        for iri in self._classes:
            above = [
                self._links(iri, name)
                for name in (SCHEMA_NAMES + "SUBTYPE_OF", self._rdfs.subClassOf, self._skos.broader)
            ]
            edited = self._choose(iri, "the type above it", above[0], above[1:])
            if len(edited) > 1:
                raise OntologyError(
                    f"Event type {self._event_type(iri)!r} has several types above it: {', '.join(sorted(edited))}."
                )
            found += [
                Relationship(node_id("EventType", self._event_type(iri)), node_id("EventType", top)) for top in edited
            ]
        return found

    def common(self, name: str, default: str) -> str:
        """Return what the event types agree on, or the default where they say nothing."""
        found = sorted({value for iri in self._classes for value in self._own(iri, name)})
        if len(found) > 1:
            raise OntologyError(
                f"The event types are of several ontologies: {name} is {', '.join(found)}.",
                hint="Give --name and --version.",
            )
        return found[0] if found else default

    def _find_classes(self) -> list[URIRef]:
        from rdflib import URIRef  # noqa: PLC0415 - an extra, and there once a graph is

        found = {
            s
            for kind in (SCHEMA_NAMES + "EventType", SEM + "EventType")
            for s in self._graph.subjects(self._rdf.type, URIRef(kind))
        }
        waiting = list(found)
        while waiting:
            below = {
                s for s in self._graph.subjects(self._rdfs.subClassOf, waiting.pop()) if isinstance(s, URIRef)
            } - found
            found |= below
            waiting += below
        return sorted(s for s in found if isinstance(s, URIRef))

    def _role_domains(self) -> list[tuple[URIRef, str]]:
        from rdflib import URIRef  # noqa: PLC0415 - an extra, and there once a graph is

        return [
            (role, self._event_type(iri))
            for iri in self._classes
            for role in self._graph.subjects(self._rdfs.domain, iri)
            if isinstance(role, URIRef)
        ]

    def _event_type(self, iri: URIRef) -> str:
        said = self._own(iri, "eventType")
        if len(said) == 1:
            return min(said)
        identifier = node_id_of(str(iri))
        return identifier.partition(":")[2] if identifier else self._local(iri)

    def _local(self, iri: URIRef) -> str:
        """Return the last part of an address."""
        found = _LAST.search(node_id_of(str(iri)) or str(iri))
        return found[0] if found else ""

    def _own(self, iri: URIRef, name: str) -> set[str]:
        from rdflib import URIRef  # noqa: PLC0415 - an extra, and there once a graph is

        return {str(value) for value in self._graph.objects(iri, URIRef(SCHEMA_NAMES + name))}

    def _edited(self, iri: URIRef, name: str, *elsewhere: URIRef) -> set[str]:
        others = [{str(value) for value in self._graph.objects(iri, predicate)} for predicate in elsewhere]
        return self._choose(iri, name, self._own(iri, name), others)

    def _choose(self, iri: URIRef, name: str, own: set[str], others: Iterable[set[str]]) -> set[str]:
        """Return what differs from the value under `em:`, or that value."""
        edits = [other for other in others if other and other != own]
        if any(edit != edits[0] for edit in edits):
            both = " and ".join(repr(", ".join(sorted(edit))) for edit in edits)
            raise OntologyError(f"{self._local(iri)!r} contradicts itself: {name} is {both}.")
        return edits[0] if edits else own

    def _mapped(self, iri: URIRef, name: str, vocabulary: str) -> set[str]:
        prefix = IRI_PREFIXES[vocabulary]
        matches = {str(value) for value in self._graph.objects(iri, self._skos.closeMatch)}
        return self._choose(
            iri, name, self._own(iri, name), [{m.removeprefix(prefix) for m in matches if m.startswith(prefix)}]
        )

    def _links(self, iri: URIRef, predicate: str) -> set[str]:
        from rdflib import URIRef  # noqa: PLC0415 - an extra, and there once a graph is

        above = set(self._graph.objects(iri, URIRef(predicate))) & set(self._classes)
        return {self._event_type(top) for top in above if isinstance(top, URIRef)}

    def _one(self, iri: URIRef, name: str, values: set[str]) -> str | None:
        if len(values) > 1:
            raise OntologyError(f"{self._local(iri)!r} has several values of {name}: {', '.join(sorted(values))}.")
        return next(iter(values), None)

    def _integer(self, iri: URIRef, name: str) -> int | None:
        text = self._one(iri, name, self._own(iri, name))
        try:
            return None if text is None else int(text)
        except ValueError as error:
            raise OntologyError(f"{name} of {self._local(iri)!r} is no whole number: {text!r}.") from error

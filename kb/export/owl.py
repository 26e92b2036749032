"""RDF in Turtle: the ontology in OWL and SKOS, mentions in SEM, where everything comes from in PROV-O, and all the rest besides.

- Every node is an individual of its label, with every property under `em:`; event types are classes and concepts too.
- Every relationship is a triple under `em:`, and one of a known vocabulary where there is one. One that has properties is a
  statement (`rdf:Statement`) besides, which carries them.
- Lists keep their order as RDF lists, but for those of event types and roles, which are plain repeated values.

Lost are the types of analysts' own properties, which are left out, and the difference between no list and an empty one in the
ontology. Source: OWL 2 (W3C 2012), SKOS (W3C 2009), PROV-O (W3C 2013); SEM: van Hage et al., "Design and use of the Simple
Event Model", Journal of Web Semantics 9(2), 2011.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from kb.contents import LABELS
from kb.export.turtle import PREFIXES, literal, node_term, rdf_list, triples
from kb.ontologies.mapping import IRI_PREFIXES
from kb.schema import SCHEMA
from miner.store.fingerprint import digest_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.contents import Contents
    from kb.graph_schema import NodeType, Property, RelationshipType
    from kb.model import Node, Relationship, Value

__all__ = ["MAPPINGS", "link_class", "write_owl"]

CLASSES = {
    "EventType": ("owl:Class", "skos:Concept", "sem:EventType"),
    "ArgumentRole": ("owl:ObjectProperty", "sem:RoleType"),
    "Pattern": ("prov:Entity",),
    "Evidence": ("prov:Entity",),
    "Image": ("prov:Entity", "schema:ImageObject"),
    "Caption": ("prov:Entity",),
    "Corpus": ("prov:Entity", "prov:Collection"),
    "MiningRun": ("prov:Activity",),
    "Review": ("prov:Entity",),
    "Mention": ("sem:Event", "prov:Entity"),
    "Argument": ("sem:Actor",),
    "Document": ("prov:Entity", "schema:CreativeWork"),
    "Extraction": ("prov:Activity",),
}
"""What the nodes of a label are in the words of others."""

PROPERTIES = {
    "label": ("rdfs:label", "skos:prefLabel"),
    "role": ("rdfs:label",),
    "displayName": ("rdfs:label",),
    "definition": ("skos:definition",),
    "aliases": ("skos:altLabel",),
    "language": ("dc:language",),
    "source": ("dc:source",),
    "credit": ("schema:creditText",),
    "path": ("schema:contentUrl",),
}
"""What properties are called elsewhere; `role` only of roles, `label` only of event types."""

RELATIONSHIPS = {
    "SUBTYPE_OF": ("rdfs:subClassOf", "skos:broader"),
    "INDICATES": ("dcterms:subject",),
    "MINED_IN": ("prov:wasGeneratedBy",),
    "USED_CORPUS": ("prov:used",),
    "HAS_EVIDENCE": ("prov:wasDerivedFrom",),
    "IN_IMAGE": ("prov:wasDerivedFrom",),
    "IN_CAPTION": ("prov:wasDerivedFrom",),
    "COPY_OF": ("prov:alternateOf",),
    "IN_CORPUS": ("dcterms:isPartOf",),
    "OF_TYPE": ("sem:eventType",),
    "HAS_ARGUMENT": ("sem:hasActor",),
    "IN_DOCUMENT": ("prov:wasDerivedFrom",),
    "EXTRACTED_IN": ("prov:wasGeneratedBy",),
    "USED_RUN": ("prov:wasInformedBy",),
    "SAME_AS": ("prov:alternateOf",),
}
MAPPINGS = {"ace": "ace", "cameo": "cameo", "schemaOrg": "schema_org", "wikidata": "wikidata"}
"""Properties of event types that hold ids of a vocabulary, and its name in `kb.ontologies.mapping`."""
ONTOLOGY_LABELS = {"EventType", "ArgumentRole"}
_ADDRESS = re.compile(r"https?://[^\s\x00-\x20<>\"{}|\\^`]+")


def write_owl(contents: Contents, file: BinaryIO) -> int:
    """Write all of a knowledge base as Turtle and return the number of nodes and relationships."""
    file.writelines(f"@prefix {prefix}: <{iri}> .\n".encode() for prefix, iri in PREFIXES.items())
    file.writelines(text.encode() for text in chain(["\n"], _vocabulary()))
    n_rows = 0
    for text in chain(_nodes(contents), _relationships(contents)):
        file.write(text.encode())
        n_rows += 1
    return n_rows


def link_class(kind: RelationshipType) -> str:
    """Return the class of the statements of a relationship type, such as `em:FillsRoleLink`."""
    return f"em:{kind.type.title().replace('_', '')}Link"


def _vocabulary() -> Iterator[str]:
    """Declare the words of the schema, for tools that ask what they are."""
    version = literal(str(SCHEMA.version))
    yield triples(f"<{PREFIXES['em'].removesuffix(':')}>", [("a", "owl:Ontology"), ("owl:versionInfo", version)])
    for node in LABELS:
        yield triples(f"em:{node.label}", [("a", "owl:Class"), ("rdfs:comment", literal(node.meaning))])
    for relationship in SCHEMA.relationships:
        said = [("a", "owl:ObjectProperty"), ("rdfs:comment", literal(relationship.meaning))]
        yield triples(f"em:{relationship.type}", said)
    kinds = (*LABELS, *SCHEMA.relationships)
    for name in sorted({p.name for kind in kinds for p in kind.properties}):
        yield triples(f"em:{name}", [("a", "rdf:Property")])


def _nodes(contents: Contents) -> Iterator[str]:
    for kind in LABELS:
        for node in contents.nodes(kind):
            yield triples(node_term(node.id), _say_node(kind, node))


def _say_node(kind: NodeType, node: Node) -> Iterator[tuple[str, str]]:
    classes = [f"em:{label}" for label in kind.labels] + list(CLASSES.get(kind.label, ()))
    yield "a", ", ".join(classes)
    for p in kind.properties:
        value = node.properties.get(p.name)
        if value is not None:
            yield from _say(kind, p, value)


def _say(kind: NodeType, p: Property, value: Value) -> Iterator[tuple[str, str]]:
    if isinstance(value, str | int | float):
        predicates = [f"em:{p.name}", *_elsewhere(kind, p)]
        yield from ((predicate, literal(value)) for predicate in predicates)
        if p.name == "licence":
            yield _licence(str(value))
    elif value is not None and kind.label not in ONTOLOGY_LABELS:
        yield f"em:{p.name}", rdf_list(value)
    elif value:
        for item in dict.fromkeys(map(str, value)):
            predicates = [f"em:{p.name}", *_elsewhere(kind, p)]
            yield from ((predicate, literal(item)) for predicate in predicates)
            if p.name in MAPPINGS:
                yield "skos:closeMatch", f"<{IRI_PREFIXES[MAPPINGS[p.name]]}{item}>"


def _elsewhere(kind: NodeType, p: Property) -> tuple[str, ...]:
    owners = {"label": "EventType", "role": "ArgumentRole"}
    return PROPERTIES.get(p.name, ()) if owners.get(p.name, kind.label) == kind.label else ()


def _licence(text: str) -> tuple[str, str]:
    return ("dcterms:license", f"<{text}>") if _ADDRESS.fullmatch(text) else ("dc:rights", literal(text))


def _relationships(contents: Contents) -> Iterator[str]:
    bounds = {node.id: node for node in contents.nodes(SCHEMA.node("ArgumentRole"))}
    for kind in SCHEMA.relationships:
        for r in contents.relationships(kind):
            names = (f"em:{kind.type}", *RELATIONSHIPS.get(kind.type, ()))
            text = triples(node_term(r.source), ((name, node_term(r.target)) for name in names))
            if kind.type == "HAS_ROLE":
                text += _bound(r, bounds.get(r.target))
            yield text + (_link(kind, r) if r.properties else "")


def _bound(r: Relationship, role: Node | None) -> str:
    """Say in OWL whose role it is and how many can fill it."""
    text = triples(node_term(r.target), [("rdfs:domain", node_term(r.source))])
    for name, predicate in (("atLeast", "owl:minCardinality"), ("atMost", "owl:maxCardinality")):
        number = role.properties.get(name) if role else None
        if number:
            on = f'a owl:Restriction ; owl:onProperty {node_term(r.target)} ; {predicate} "{number}"^^xsd:nonNegativeInteger'
            text += triples(node_term(r.source), [("rdfs:subClassOf", f"[ {on} ]")])
    return text


def _link(kind: RelationshipType, r: Relationship) -> str:
    digest = digest_json([kind.type, r.source, r.target])
    ends = [("rdf:subject", r.source), ("rdf:object", r.target)]
    said = [("a", f"rdf:Statement, {link_class(kind)}"), ("rdf:predicate", f"em:{kind.type}")]
    said += [(name, node_term(end)) for name, end in ends]
    for p in kind.properties:
        value = r.properties.get(p.name)
        if isinstance(value, str | int | float):
            said.append((f"em:{p.name}", literal(value)))
        elif value is not None:
            said.append((f"em:{p.name}", rdf_list(value)))
    return triples(f"<urn:eventminer:link:{digest}>", said)

"""Terms of Turtle, written without a library: an export of any size needs no memory.

Source: RDF 1.1 Turtle, W3C Recommendation 25 February 2014, https://www.w3.org/TR/turtle/.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from kb.export.iris import SCHEMA_NAMES, node_iri
from kb.model import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kb.model import Scalar

__all__ = ["PREFIXES", "literal", "node_term", "rdf_list", "triples"]

PREFIXES = {
    "em": SCHEMA_NAMES,
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "https://schema.org/",
    "sem": "http://semanticweb.cs.vu.nl/2009/11/sem/",
    "sh": "http://www.w3.org/ns/shacl#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def node_term(identifier: str) -> str:
    """Return the node with an id."""
    return f"<{node_iri(identifier)}>"


def literal(value: Scalar) -> str:
    """Return a value as a literal: a string, `xsd:integer`, `xsd:double` or `xsd:boolean`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _double(value)
    return json.dumps(clean_text(value), ensure_ascii=False).replace("\x7f", "\\u007F")


def _double(value: float) -> str:
    if math.isfinite(value):
        text = repr(value)
        return text if "e" in text else f"{text}e0"
    words = "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}INF"
    return f'"{words}"^^xsd:double'


def rdf_list(values: Iterable[Scalar]) -> str:
    """Return values in their order."""
    return f"({' '.join(map(literal, values))})"


def triples(subject: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Return what is said of a subject, as one paragraph."""
    said = " ;\n  ".join(f"{predicate} {term}" for predicate, term in pairs)
    return f"{subject} {said} .\n"

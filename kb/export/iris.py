"""Addresses of nodes and of the words of the schema in RDF and JSON-LD.

```
urn:eventminer:node:Image:beach/c1           a node, its id with percent signs for what an IRI cannot hold
urn:eventminer:schema:support                a property, label or relationship type
```
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from kb.model import clean_text

__all__ = ["NODE", "SCHEMA_NAMES", "node_id_of", "node_iri"]

NODE = "urn:eventminer:node:"
SCHEMA_NAMES = "urn:eventminer:schema:"


def node_iri(identifier: str) -> str:
    """Return the IRI of a node; different ids give different IRIs."""
    return NODE + quote(clean_text(identifier), safe=":/.-_~@!$&'()*+,;=")


def node_id_of(iri: str) -> str | None:
    """Return the id in the IRI of a node, None where it is another IRI."""
    return unquote(iri.removeprefix(NODE)) if iri.startswith(NODE) else None

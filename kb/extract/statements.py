"""Every Cypher statement about mentions; like those of `kb.cypher` they run on either store.

`$rows` of mentions are {id, type, document, image, caption, patterns, arguments, props}, of arguments {id, mention, role, score,
patterns, props}, of documents {id, props}. All of them may be given again.
"""

from __future__ import annotations

FIND_TYPES = "MATCH (e:EventType) WHERE e.id IN $ids RETURN e.id AS id"

MERGE_EXTRACTION = "MERGE (x:Extraction {id: $id}) SET x += $props, x.at = coalesce(x.at, $at)"
LINK_EXTRACTION = "MATCH (x:Extraction {id: $id}) MATCH (r:MiningRun {run: x.run}) WHERE r.scope = x.corpus MERGE (x)-[:USED_RUN]->(r)"
MERGE_DOCUMENTS = "UNWIND $rows AS row MERGE (d:Document {id: row.id}) SET d += row.props"

WRITE_MENTIONS = (
    "UNWIND $rows AS row MERGE (m:Mention {id: row.id}) SET m += row.props",
    "UNWIND $rows AS row MATCH (m:Mention {id: row.id}) MATCH (e:EventType {id: row.type}) MERGE (m)-[:OF_TYPE]->(e)",
    "UNWIND $rows AS row MATCH (m:Mention {id: row.id})-[r:EXTRACTED_IN]->(x:Extraction) WHERE x.id <> $extraction DELETE r",
    "UNWIND $rows AS row MATCH (m:Mention {id: row.id}) MATCH (x:Extraction {id: $extraction}) MERGE (m)-[:EXTRACTED_IN]->(x)",
    "UNWIND $rows AS row MATCH (m:Mention {id: row.id})-[r:IN_DOCUMENT]->(d:Document) WHERE d.id <> row.document DELETE r",
    "UNWIND $rows AS row MATCH (m:Mention {id: row.id}) MATCH (d:Document {id: row.document}) MERGE (m)-[:IN_DOCUMENT]->(d)",
    "UNWIND $rows AS row MATCH (m:Mention {id: row.id})-[r:IN_IMAGE]->(i:Image) WHERE i.id <> coalesce(row.image, '') DELETE r",
    "UNWIND $rows AS row MATCH (m:Mention {id: row.id}) MATCH (i:Image {id: row.image}) MERGE (m)-[:IN_IMAGE]->(i)",
    "UNWIND $rows AS row MATCH (m:Mention {id: row.id}) MATCH (c:Caption {id: row.caption}) MERGE (m)-[:IN_CAPTION]->(c)",
    "UNWIND $rows AS row MATCH (m:Mention {id: row.id})-[r:ARGUED_BY]->(p:Pattern) WHERE NOT p.id IN row.patterns DELETE r",
    (
        "UNWIND $rows AS row MATCH (m:Mention {id: row.id}) UNWIND row.patterns AS pattern "
        "MATCH (p:Pattern {id: pattern}) MERGE (m)-[:ARGUED_BY]->(p)"
    ),
    (
        "UNWIND $rows AS row MATCH (m:Mention {id: row.id})-[:HAS_ARGUMENT]->(a:Argument) WHERE NOT a.id IN row.arguments "
        "DETACH DELETE a"
    ),
)
"""In this order: what a mention of an earlier extraction was joined to and is no more goes."""

# Nothing finds an argument that hangs on no mention, so one transaction makes it and joins it.

WRITE_ARGUMENTS = (
    (
        "UNWIND $rows AS row MATCH (m:Mention {id: row.mention}) MERGE (a:Argument {id: row.id}) SET a += row.props "
        "MERGE (m)-[r:HAS_ARGUMENT]->(a) SET r.role = row.role, r.score = row.score"
    ),
    "UNWIND $rows AS row MATCH (a:Argument {id: row.id})-[r:ARGUED_BY]->(p:Pattern) WHERE NOT p.id IN row.patterns DELETE r",
    (
        "UNWIND $rows AS row MATCH (a:Argument {id: row.id}) UNWIND row.patterns AS pattern "
        "MATCH (p:Pattern {id: pattern}) MERGE (a)-[:ARGUED_BY]->(p)"
    ),
)

# What an earlier extraction of the same source found and this one did not; each statement deletes `$limit` things.

_STALE = "m.source = $source AND NOT EXISTS { (m)-[:EXTRACTED_IN]->(:Extraction {id: $extraction}) }"
DELETE_STALE_MENTIONS = (
    f"MATCH (m:Mention) WHERE {_STALE} WITH m LIMIT $limit DETACH DELETE m RETURN count(*) AS deleted"
)
DELETE_STALE = (
    (
        f"MATCH (m:Mention)-[:HAS_ARGUMENT]->(x:Argument) WHERE {_STALE} WITH DISTINCT x LIMIT $limit DETACH DELETE x "
        "RETURN count(*) AS deleted"
    ),
    DELETE_STALE_MENTIONS,
    (
        "MATCH (x:Extraction) WHERE x.source = $source AND x.id <> $extraction WITH x LIMIT $limit DETACH DELETE x "
        "RETURN count(*) AS deleted"
    ),
)

COUNT_UNLINKED = (
    "MATCH (m:Mention)-[:EXTRACTED_IN]->(:Extraction {id: $extraction}) UNWIND m.patternIds AS pattern "
    "OPTIONAL MATCH (p:Pattern {id: pattern}) WITH m, p WHERE p IS NULL RETURN count(DISTINCT m) AS n"
)

# Which mentions are of one event.

PAGE_MENTIONS = """
MATCH (m:Mention) WHERE m.id > $after
WITH m ORDER BY m.id LIMIT $limit
OPTIONAL MATCH (m)-[:IN_IMAGE]->(i:Image)
OPTIONAL MATCH (m)-[:IN_CAPTION]->(:Caption)<-[:HAS_CAPTION]-(c:Image)
RETURN m.id AS id, m.source AS source, m.document AS document, m.eventType AS eventType, m.trigger AS trigger,
       m.lemma AS lemma, m.sentence AS sentence, coalesce(m.time, i.time, c.time) AS time,
       coalesce(m.phash, i.phash, c.phash) AS phash, coalesce(i.scope, c.scope) AS scope,
       coalesce(i.photoGroup, c.photoGroup) AS photoGroup, m.patternIds AS patterns
ORDER BY id
"""
ARGUMENTS_OF = (
    "UNWIND $ids AS id MATCH (m:Mention {id: id})-[h:HAS_ARGUMENT]->(a:Argument) WHERE a.text IS NOT NULL "
    "RETURN m.id AS id, h.role AS role, a.text AS text ORDER BY id, role, a.id"
)
FIND_JOINED = (
    "UNWIND $rows AS row MATCH (a:Mention {id: row.first})-[r:SAME_AS]-(b:Mention {id: row.second}) WHERE r.resolution IS NULL "
    "RETURN DISTINCT row.first AS first, row.second AS second"
)
MERGE_SAME = (
    "UNWIND $rows AS row MATCH (a:Mention {id: row.first}) MATCH (b:Mention {id: row.second}) MERGE (a)-[r:SAME_AS]->(b) "
    "SET r.score = row.score, r.reasons = row.reasons, r.resolution = $resolution RETURN count(*) AS written"
)
DELETE_OTHER_SAME = (
    "MATCH (:Mention)-[r:SAME_AS]->(:Mention) WHERE r.resolution <> $resolution WITH r LIMIT $limit DELETE r "
    "RETURN count(*) AS deleted"
)

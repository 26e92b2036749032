"""Every Cypher statement about reviews; like those of `kb.cypher` they run on either store."""

from __future__ import annotations

# Writing: rows are {id, pattern, others, target, props}.

MERGE_REVIEWS = "UNWIND $rows AS row MERGE (r:Review {id: row.id}) SET r += row.props"
UNLINK_REVIEWS = (
    "UNWIND $rows AS row MATCH (r:Review {id: row.id})-[o:OF]->(p:Pattern) WHERE p.id <> row.pattern DELETE o"
)
LINK_REVIEWS = (
    "UNWIND $rows AS row MATCH (r:Review {id: row.id}) MATCH (p:Pattern {id: row.pattern}) MERGE (r)-[:OF]->(p)"
)
LINK_MERGED = (
    "UNWIND $rows AS row MATCH (r:Review {id: row.id}) MATCH (p:Pattern {id: row.pattern}) MERGE (r)-[:MERGES]->(p)"
)
LINK_REVERSED = (
    "UNWIND $rows AS row MATCH (r:Review {id: row.id}) MATCH (t:Review {id: row.target}) MERGE (r)-[:TAKES_BACK]->(t)"
)
COUNT_REVIEWS = "MATCH (r:Review) WHERE r.corpus = $corpus AND r.line IS NOT NULL RETURN count(r) AS n"
READ_REVIEWS = (
    "MATCH (r:Review) WHERE r.corpus = $corpus AND r.line IS NOT NULL RETURN r.line AS line "
    "ORDER BY r.position, r.at, r.id"
)

CORPORA = "MATCH (c:Corpus) RETURN c.corpus AS corpus ORDER BY corpus"
REVIEWED_PATTERNS = (
    "MATCH (p:Pattern) WHERE p.scope = $corpus RETURN p.id AS id, properties(p) AS properties ORDER BY id"
)
REVIEWED_ITEMS = (
    "UNWIND $ids AS id MATCH (p:Pattern {id: id})-[h:HAS_ITEM]->(i) "
    "RETURN p.id AS id, i.id AS item, h.rank AS rank, h.weight AS weight"
)
REVIEWED_ROLES = (
    "UNWIND $ids AS id MATCH (p:Pattern {id: id})-[f:FILLS_ROLE]->(a:ArgumentRole) "
    "RETURN p.id AS id, a.role AS role, f.score AS score"
)
REVIEWED_EVIDENCE = """
UNWIND $ids AS id
MATCH (p:Pattern {id: id})-[:HAS_EVIDENCE]->(e:Evidence)-[:IN_IMAGE]->(m:Image)
OPTIONAL MATCH (e)-[:IN_CAPTION]->(c:Caption)
RETURN p.id AS id, m.record AS record, m.path AS path, e.box AS box, c.text AS caption, c.record AS captionRecord,
       c.caption AS captionIndex, e.start AS start, e.`end` AS `end`, e.score AS score, e.photoGroup AS photoGroup
"""
REVIEWED_EVENT_TYPES = """
MATCH (e:EventType)
OPTIONAL MATCH (e)-[:SUBTYPE_OF]->(s:EventType)
RETURN e.eventType AS eventType, e.label AS label, e.definition AS definition, s.eventType AS parent,
       e.ontology AS ontology, e.ontologyVersion AS version
ORDER BY eventType
"""
REVIEWED_EVENT_TYPE_ROLES = """
MATCH (e:EventType)-[:HAS_ROLE]->(a:ArgumentRole)
RETURN e.eventType AS eventType, a.role AS role, a.definition AS definition, a.fillers AS fillers
ORDER BY eventType, a.id
"""

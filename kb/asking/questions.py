"""The Cypher text of the questions that analysts ask by name; `kb.asking.library` says what each answers and what it needs.

Written for both stores: no APOC, no COLLECT { }, bounded paths, and an order that leaves nothing to chance.
"""

COUNT_EVENT_TYPES = "MATCH (e:EventType {eventType: $value}) RETURN count(e) AS n"
COUNT_PATTERNS = "MATCH (p:Pattern) WHERE p.pattern = $value OR p.id = $value RETURN count(p) AS n"
COUNT_RECORDS = "MATCH (m:Image {record: $value}) RETURN count(m) AS n"
COUNT_RUNS = (
    "MATCH (r:MiningRun)-[:USED_CORPUS]->(c:Corpus) WHERE r.run = $value OR c.corpus = $value RETURN count(r) AS n"
)

# What is there.

RUNS = """
MATCH (r:MiningRun)-[:USED_CORPUS]->(c:Corpus)
RETURN c.corpus AS corpus, r.run AS run, r.method AS method, r.nPatterns AS patterns, c.nRecords AS records, c.nBad AS bad,
       c.licence AS licence, c.credit AS credit, c.bundle IS NOT NULL AS complete
ORDER BY corpus, run
"""

EVENT_TYPES = """
MATCH (e:EventType)
OPTIONAL MATCH (p:Pattern)-[:INDICATES]->(e)
WITH e, count(p) AS patterns
OPTIONAL MATCH (:Corpus)-[h:HAS_EVENT_TYPE]->(e)
RETURN e.eventType AS eventType, e.label AS label, patterns, coalesce(sum(h.nRecords), 0) AS records
ORDER BY patterns DESC, records DESC, eventType
"""

# Patterns of an event type.

PATTERNS_OF = """
MATCH (p:Pattern)-[i:INDICATES]->(:EventType {eventType: $eventType})
WITH p, i ORDER BY p.rank, i.confidence DESC, p.id LIMIT $limit
OPTIONAL MATCH (p)-[h:HAS_ITEM]->(v:VisualItem)
WITH p, i, h, v ORDER BY h.rank, v.id
WITH p, i, collect(v.label) AS visualItems
RETURN p.pattern AS pattern, p.displayName AS displayName, i.confidence AS confidence, i.lift AS lift,
       i.support AS support, i.pValue AS pValue, p.proven AS proven, p.textWords AS words, visualItems
ORDER BY p.rank, confidence DESC, p.id
"""

SHARED_PATTERNS = """
MATCH (:EventType {eventType: $first})<-[:INDICATES]-(p:Pattern)-[:HAS_ITEM]->(i:Item)<-[:HAS_ITEM]-(q:Pattern)
      -[:INDICATES]->(:EventType {eventType: $second})
WHERE p.id <> q.id
WITH p, q, i ORDER BY i.id
WITH p, q, count(DISTINCT i) AS items, [x IN collect(DISTINCT i) WHERE x:VisualItem | x.label] AS visualItems,
     [x IN collect(DISTINCT i) WHERE x:TextItem | x.words[0]] AS words
RETURN p.pattern AS firstPattern, p.displayName AS firstName, q.pattern AS secondPattern, q.displayName AS secondName,
       items, visualItems, words
ORDER BY items DESC, p.rank, q.rank, p.id, q.id LIMIT $limit
"""

DISCRIMINATING_PATTERNS = """
MATCH (p:Pattern)-[i:INDICATES]->(:EventType {eventType: $first})
OPTIONAL MATCH (p)-[:HAS_ITEM]->(x:Item)<-[:HAS_ITEM]-(:Pattern)-[:INDICATES]->(:EventType {eventType: $second})
WITH p, i, count(DISTINCT x) AS sharedItems
OPTIONAL MATCH (p)-[:HAS_EVIDENCE]->(:Evidence)-[:IN_IMAGE]->(m:Image)
WITH p, i, sharedItems, count(DISTINCT m) AS images,
     count(DISTINCT CASE WHEN $second IN m.eventTypes THEN m.id END) AS imagesOfSecond
RETURN p.pattern AS pattern, p.displayName AS displayName, i.confidence AS confidence, i.lift AS lift, sharedItems, images,
       imagesOfSecond
ORDER BY imagesOfSecond, sharedItems, confidence DESC, p.id LIMIT $limit
"""

UNREVIEWED = """
MATCH (p:Pattern)-[:INDICATES]->(:EventType {eventType: $eventType})
WHERE NOT EXISTS { (:Review)-[:OF]->(p) }
RETURN p.pattern AS pattern, p.displayName AS displayName, p.proven AS proven, p.confidence AS confidence,
       p.nPhotoGroups AS photographs
ORDER BY proven, confidence, p.id LIMIT $limit
"""

REVIEWS = """
MATCH (r:Review)
OPTIONAL MATCH (r)-[:OF]->(p:Pattern)
RETURN r.patternId AS patternId, r.decision AS decision, r.note AS note, p.displayName AS displayName,
       p.id IS NOT NULL AS isThere
ORDER BY patternId, r.id LIMIT $limit
"""

# One pattern.

EVIDENCE_OF = """
MATCH (p:Pattern) WHERE p.pattern = $pattern OR p.id = $pattern
MATCH (p)-[:HAS_EVIDENCE]->(e:Evidence)-[:IN_IMAGE]->(m:Image)
OPTIONAL MATCH (e)-[:IN_CAPTION]->(c:Caption)
RETURN m.record AS record, m.path AS path, e.box AS box, c.text AS caption, e.words AS words, e.score AS score,
       e.source AS source, e.licence AS licence, e.credit AS credit
ORDER BY score DESC, e.id LIMIT $limit
"""

IMAGES_OF_PATTERN = """
MATCH (p:Pattern) WHERE p.pattern = $pattern OR p.id = $pattern
MATCH (p)-[:HAS_EVIDENCE]->(e:Evidence)-[:IN_IMAGE]->(m:Image)
WITH m, count(DISTINCT e) AS evidence, max(e.score) AS score
OPTIONAL MATCH (m)-[:COPY_OF]->(o:Image)
RETURN m.record AS record, m.path AS path, m.eventTypes AS eventTypes, evidence, score, o.record AS copyOf,
       m.source AS source, m.licence AS licence, m.credit AS credit
ORDER BY score DESC, m.id LIMIT $limit
"""

CO_FIRING = """
MATCH (p:Pattern) WHERE p.pattern = $pattern OR p.id = $pattern
MATCH (p)-[:HAS_EVIDENCE]->(:Evidence)-[:IN_IMAGE]->(m:Image)
WITH p, collect(DISTINCT m) AS own
UNWIND own AS m
MATCH (m)<-[:IN_IMAGE]-(:Evidence)<-[:HAS_EVIDENCE]-(q:Pattern)
WHERE q.id <> p.id
WITH q, size(own) AS images, count(DISTINCT m.id) AS together
RETURN q.pattern AS pattern, q.displayName AS displayName, q.eventType AS eventType, together,
       together * 1.0 / images AS share
ORDER BY together DESC, q.id LIMIT $limit
"""

SIMILAR_PATTERNS = """
MATCH (p:Pattern) WHERE (p.pattern = $pattern OR p.id = $pattern) AND p.vector IS NOT NULL
CALL db.index.vector.queryNodes('patternVectors', $limit + 1, p.vector) YIELD node, score
WITH p, node, score
WHERE node.id <> p.id
WITH node, reduce(dot = 0.0, i IN range(0, size(p.vector) - 1) | dot + p.vector[i] * node.vector[i]) AS similarity
RETURN node.pattern AS pattern, node.displayName AS displayName, node.eventType AS eventType, node.textWords AS words,
       similarity
ORDER BY similarity DESC, node.id LIMIT $limit
"""

PROVENANCE = """
MATCH (p:Pattern) WHERE p.pattern = $pattern OR p.id = $pattern
MATCH (p)-[:MINED_IN]->(r:MiningRun)-[:USED_CORPUS]->(c:Corpus)
OPTIONAL MATCH (p)-[:HAS_EVIDENCE]->(e:Evidence)-[:IN_IMAGE]->(m:Image)
RETURN p.displayName AS displayName, c.corpus AS corpus, c.licence AS licence, r.run AS run, r.method AS method,
       r.configDigest AS configDigest, r.versions AS versions, c.bundle AS bundle, count(DISTINCT e) AS evidence,
       count(DISTINCT m) AS images, count(DISTINCT e.photoGroup) AS photographs
ORDER BY corpus, run
"""

CLAIM = """
MATCH (m:Image {record: $record})<-[:IN_IMAGE]-(e:Evidence)<-[:HAS_EVIDENCE]-(p:Pattern)
WHERE p.pattern = $pattern OR p.id = $pattern
MATCH (p)-[:MINED_IN]->(r:MiningRun)-[:USED_CORPUS]->(k:Corpus)
OPTIONAL MATCH (e)-[:IN_CAPTION]->(c:Caption)
RETURN p.displayName AS displayName, p.eventType AS eventType, m.path AS path, m.imageHash AS imageHash,
       m.width AS width, m.height AS height, e.box AS box, e.score AS score, c.text AS caption, e.start AS start,
       e.`end` AS stop, e.words AS words, m.source AS source, m.licence AS licence, m.credit AS credit,
       m.origin AS origin, k.corpus AS corpus, r.run AS run, k.bundle AS bundle
ORDER BY score DESC, e.id
"""

# Roles.

ROLES_OF = """
MATCH (e:EventType {eventType: $eventType})-[:HAS_ROLE]->(a:ArgumentRole)
OPTIONAL MATCH (p:Pattern)-[f:FILLS_ROLE]->(a)
WITH a, f, p ORDER BY f.score DESC, p.id
RETURN a.role AS role, a.definition AS definition, a.fillers AS fillers, collect(p.displayName) AS patterns,
       collect(f.score) AS scores
ORDER BY role
"""

FILLERS_OF = """
MATCH (p:Pattern)-[f:FILLS_ROLE]->(:ArgumentRole {eventType: $eventType, role: $role})
WITH p, f ORDER BY f.score DESC, p.id LIMIT $limit
OPTIONAL MATCH (p)-[:HAS_EVIDENCE]->(e:Evidence)-[:IN_IMAGE]->(m:Image)
WITH p, f, e, m ORDER BY e.score DESC, e.id
WITH p, f, collect(m.path) AS paths, collect(e.box) AS boxes
RETURN p.pattern AS pattern, p.displayName AS displayName, f.score AS score, p.textWords AS words, paths[0] AS path,
       boxes[0] AS box
ORDER BY score DESC, p.id
"""

TYPICAL_OF = """
MATCH (p:Pattern)-[i:INDICATES]->(:EventType {eventType: $eventType})
OPTIONAL MATCH (p)-[f:FILLS_ROLE]->(a:ArgumentRole)
WHERE f.rank IS NOT NULL
OPTIONAL MATCH (p)-[o:CO_OCCURS_WITH]-(q:Pattern)
OPTIONAL MATCH (p)-[:MINED_IN]->(r:MiningRun)-[:USED_CORPUS]->(c:Corpus)
WITH p, i, f, a, o, q, r, c ORDER BY o.lift DESC, q.id
RETURN c.corpus AS corpus, r.run AS run, i.position AS position, a.role AS role, f.roleShare AS roleShare, p.pattern AS pattern, p.displayName AS displayName,
       i.share AS share, i.confidence AS confidence, collect(q.displayName) AS together, collect(o.lift) AS lifts
ORDER BY corpus, run, position, pattern
"""

# Words.

CAPTIONS_LIKE = """
CALL db.index.fulltext.queryNodes('captionText', $text) YIELD node, score
WITH node, score ORDER BY score DESC, node.id LIMIT $limit
MATCH (m:Image)-[:HAS_CAPTION]->(node)
RETURN node.text AS caption, m.record AS record, m.path AS path, m.eventTypes AS eventTypes, m.source AS source,
       m.licence AS licence, m.credit AS credit, score
ORDER BY score DESC, node.id
"""

PATTERNS_NAMED = """
CALL db.index.fulltext.queryNodes('patternNames', $text) YIELD node, score
RETURN node.pattern AS pattern, node.displayName AS displayName, node.eventType AS eventType,
       node.confidence AS confidence, score
ORDER BY score DESC, node.id LIMIT $limit
"""

PATTERNS_WITH_WORD = """
MATCH (t:TextItem)
WHERE $text IN t.words
WITH t
MATCH (t)<-[:HAS_ITEM]-(p:Pattern)
RETURN p.pattern AS pattern, p.displayName AS displayName, p.eventType AS eventType, p.confidence AS confidence,
       t.words AS words
ORDER BY confidence DESC, p.id LIMIT $limit
"""

# The corpus: what is explained, whose it is, what hangs on a record.

COVERAGE = """
MATCH (c:Corpus)-[h:HAS_EVENT_TYPE]->(e:EventType)
WHERE h.nRecords > 0
RETURN c.corpus AS corpus, e.eventType AS eventType, h.nRecords AS records, h.nShown AS shown, h.nNamed AS named,
       h.nRecords - h.nShown AS unexplained, h.nShown * 1.0 / h.nRecords AS share
ORDER BY share, corpus, eventType
"""

UNEXPLAINED = """
MATCH (m:Image)
WHERE $eventType IN m.eventTypes
  AND NOT EXISTS { (m)<-[:IN_IMAGE]-(:Evidence)<-[:HAS_EVIDENCE]-(:Pattern {eventType: $eventType}) }
RETURN m.record AS record, m.path AS path, m.source AS source, m.licence AS licence, m.credit AS credit
ORDER BY m.id LIMIT $limit
"""

DRIFT = """
MATCH (r:MiningRun)-[:USED_CORPUS]->(c:Corpus)
WITH DISTINCT r, r.run = $first OR c.corpus = $first AS inFirst, r.run = $second OR c.corpus = $second AS inSecond
WHERE inFirst OR inSecond
MATCH (p:Pattern)-[:MINED_IN]->(r)
WITH p.eventType AS eventType, p.displayName AS displayName,
     max(CASE WHEN inFirst THEN p.confidence END) AS firstConfidence,
     max(CASE WHEN inSecond THEN p.confidence END) AS secondConfidence
WITH eventType, displayName, firstConfidence, secondConfidence, secondConfidence - firstConfidence AS change,
     CASE WHEN firstConfidence IS NULL THEN 'new' WHEN secondConfidence IS NULL THEN 'gone' ELSE 'both' END AS state
RETURN state, eventType, displayName, firstConfidence, secondConfidence, change
ORDER BY state DESC, abs(coalesce(change, 0.0)) DESC, eventType, displayName LIMIT $limit
"""

CREDITS = """
MATCH (m:Image)
RETURN m.scope AS corpus, m.licence AS licence, m.credit AS credit, m.source AS source, count(m) AS images
ORDER BY images DESC, corpus, licence, credit, source LIMIT $limit
"""

RECORD = """
MATCH (m:Image {record: $record})
OPTIONAL MATCH (m)<-[:IN_IMAGE]-(e:Evidence)<-[:HAS_EVIDENCE]-(p:Pattern)
WITH m, p, e ORDER BY p.id
WITH m, collect(DISTINCT p.displayName) AS patterns, count(DISTINCT e.id) AS evidence
OPTIONAL MATCH (m)-[:HAS_CAPTION]->(c:Caption)
WITH m, patterns, evidence, c ORDER BY c.caption
RETURN m.path AS path, m.eventTypes AS eventTypes, collect(c.text) AS captions, patterns, evidence, m.source AS source,
       m.licence AS licence, m.credit AS credit, m.origin AS origin, m.id AS id
ORDER BY id
"""

COPIES_OF = """
MATCH (m:Image {record: $record})
OPTIONAL MATCH (m)-[:COPY_OF]->(f:Image)
WITH coalesce(f, m) AS first, m
MATCH (c:Image)-[:COPY_OF]->(first)
WITH m, first, collect(c) AS copies
UNWIND copies + [first] AS other
WITH m, other
WHERE other.id <> m.id
RETURN other.record AS record, other.path AS path, other.source AS source, other.licence AS licence, other.credit AS credit
ORDER BY record
"""

# What was extracted.

COUNT_MENTIONS = "MATCH (m:Mention {id: $value}) RETURN count(m) AS n"

MENTIONS_OF = """
MATCH (m:Mention)-[:OF_TYPE]->(:EventType {eventType: $eventType})
WITH m ORDER BY m.score DESC, m.id LIMIT $limit
OPTIONAL MATCH (m)-[h:HAS_ARGUMENT]->(a:Argument)
WITH m, h, a ORDER BY h.role, a.id
WITH m, [x IN collect(h.role + ': ' + coalesce(a.text, 'in the picture')) WHERE x IS NOT NULL] AS arguments
OPTIONAL MATCH (m)-[:ARGUED_BY]->(p:Pattern)
WITH m, arguments, p ORDER BY p.rank, p.id
WITH m, arguments, collect(p.displayName) AS patterns
OPTIONAL MATCH (m)-[s:SAME_AS]-(:Mention)
RETURN m.id AS mention, m.score AS score, m.trigger AS trigger, m.sentence AS sentence, m.path AS path, arguments, patterns,
       count(s) AS same, m.source AS source, m.document AS document
ORDER BY score DESC, mention
"""

MENTION = """
MATCH (m:Mention {id: $mention})
OPTIONAL MATCH (m)-[:EXTRACTED_IN]->(x:Extraction)
OPTIONAL MATCH (m)-[:IN_IMAGE]->(i:Image)
OPTIONAL MATCH (m)-[:IN_CAPTION]->(c:Caption)
WITH m, x, i, c
OPTIONAL MATCH (m)-[h:HAS_ARGUMENT]->(a:Argument)
WITH m, x, i, c, h, a ORDER BY h.role, a.id
WITH m, x, i, c, [y IN collect(h.role + ': ' + coalesce(a.text, 'in the picture')) WHERE y IS NOT NULL] AS arguments
OPTIONAL MATCH (m)-[:ARGUED_BY]->(p:Pattern)
WITH m, x, i, c, arguments, p ORDER BY p.rank, p.id
RETURN m.eventType AS eventType, m.score AS score, m.trigger AS trigger, m.start AS start, m.`end` AS stop,
       coalesce(m.sentence, c.text) AS sentence, m.path AS path, m.box AS box, i.imageHash AS imageHash, arguments,
       collect(p.pattern) AS patterns, collect(p.displayName) AS patternNames, m.source AS source, m.document AS document,
       m.record AS record, m.time AS time, x.run AS run, x.corpus AS corpus, x.textModel AS textModel,
       x.imageModel AS imageModel, x.decisions AS decisions, x.versions AS versions, x.at AS extractedAt
"""

SAME_EVENTS = """
MATCH (a:Mention)-[s:SAME_AS]->(b:Mention)
WHERE a.eventType = $eventType
RETURN s.score AS score, s.reasons AS reasons, a.trigger AS firstTrigger, a.sentence AS firstSentence, a.path AS firstPath,
       b.trigger AS secondTrigger, b.sentence AS secondSentence, b.path AS secondPath, a.id AS first, b.id AS second
ORDER BY score DESC, first, second LIMIT $limit
"""

"""What the knowledge base may hold: labels, relationship types, properties and indexes.

`SCHEMA` is the only declaration. The bundle's tables, the constraints and indexes of a store, the statements of the loader
and the tables in the documentation all follow from it.
"""

from __future__ import annotations

from kb.graph_schema import (
    GraphSchema,
    Kind,
    NodeType,
    Property,
    RangeIndex,
    RelationshipType,
    TextIndex,
    VectorIndex,
)

__all__ = ["SCHEMA", "VECTOR_DIMENSIONS"]

VECTOR_DIMENSIONS = 128


def _may(name: str, kind: Kind, meaning: str) -> Property:
    return Property(name=name, kind=kind, meaning=meaning)


def _must(name: str, kind: Kind, meaning: str) -> Property:
    return Property(name=name, kind=kind, meaning=meaning, required=True)


_SPAN = (
    _may("start", "integer", "first character in the text"),
    _may("end", "integer", "the character after the last one; in a query write it in backticks"),
)
_BOX = _may("box", "floats", "x0, y0, x1, y1 in pixels of the upright original")

_ORIGIN = (
    _may("source", "string", "who published the picture, as the corpus says"),
    _may("licence", "string", "licence of the picture"),
    _may("credit", "string", "whom to credit"),
)

_ONTOLOGY_NODES = (
    NodeType(
        label="EventType",
        origin="ontology",
        meaning="A class of events of the ontology.",
        properties=(
            _must("eventType", "string", "its id in the ontology, such as `Conflict.Attack`"),
            _must("label", "string", "its name for people"),
            _may("definition", "string", "what counts as such an event"),
            _may("triggers", "strings", "regular expressions of the words that trigger it"),
            _may("aliases", "strings", "event values of corpora that mean it"),
            _may("ace", "strings", "types of ACE 2005 that come close"),
            _may("cameo", "strings", "codes of CAMEO that come close"),
            _may("schemaOrg", "strings", "types of schema.org that come close"),
            _may("wikidata", "strings", "items of Wikidata that come close"),
            _must("ontology", "string", "name of the ontology"),
            _must("ontologyVersion", "string", "version of the ontology"),
        ),
    ),
    NodeType(
        label="ArgumentRole",
        origin="ontology",
        meaning="A role that somebody or something plays in events of a type.",
        properties=(
            _must("role", "string", "its name, such as `Target`"),
            _must("eventType", "string", "event type it belongs to"),
            _may("definition", "string", "who or what plays it"),
            _may("fillers", "strings", "entity types and noun classes that can play it"),
            _may("media", "strings", "where it can be seen: text, image or both"),
            _may("atLeast", "integer", "how many play it in every such event"),
            _may("atMost", "integer", "how many can play it in one event; any number where it is absent"),
            _must("ontology", "string", "name of the ontology"),
        ),
    ),
)

_PATTERN_NODES = (
    NodeType(
        label="Pattern",
        meaning="Visual items and text items that together indicate an event type.",
        properties=(
            _must("pattern", "string", "its id in the run, `P` and 12 digits"),
            _must("displayName", "string", "its name"),
            _may("nameHead", "string", "head word of its name"),
            _may("nameFlags", "strings", "what to know of the name, such as that it is a trigger word"),
            _may("alternatives", "strings", "other names, best first"),
            _may("alternativeScores", "floats", "score of each alternative"),
            _must("eventType", "string", "event type it indicates"),
            _must("rank", "integer", "place among the patterns of its event type in its run, the strongest first"),
            _must("count", "integer", "votes that match it"),
            _must("classCount", "integer", "votes that match it and have its event type"),
            _must("support", "float", "share of all labelled votes that match it and have its event type"),
            _must("confidence", "float", "share of the votes matching it that have its event type"),
            _must("lift", "float", "confidence over the share of its event type"),
            _may("pValue", "float", "one-sided Fisher, adjusted, best of its rules"),
            _may("qLink", "float", "false discovery rate of the link between picture and words within the event type"),
            _must("proven", "boolean", "whether all three tests hold"),
            _may("grounding", "float", "how well its visual score alone finds pictures described by its words, 0 to 1"),
            _must("nEvidence", "integer", "pieces of evidence"),
            _must("nPhotoGroups", "integer", "different photographs among them"),
            _may("textWords", "strings", "its words"),
            _may("role", "string", "argument role it most likely fills"),
            _must("method", "string", "ours, visual-only or text-only"),
            _may("vector", "floats", "its visual items and words as 128 numbers; patterns alike point the same way"),
        ),
    ),
    NodeType(
        label="VisualItem",
        also=("Item",),
        meaning="One filter or class of the network that some pattern uses.",
        properties=(
            _must("label", "string", "what it is, such as `filter 512` or `class 795`"),
            _must("family", "string", "filter, or class where the network's classifier sees one in a cell"),
            _must("index", "integer", "its number among the filters, or among the classes, from 0"),
            _must("network", "string", "network it belongs to"),
        ),
    ),
    NodeType(
        label="TextItem",
        also=("Item",),
        meaning="One cluster of words that some pattern uses.",
        properties=(
            _must("cluster", "integer", "number of the cluster"),
            _must("words", "strings", "its words, the most frequent first"),
            _may("count", "integer", "records that say one of them"),
        ),
    ),
)

_EVIDENCE_NODES = (
    NodeType(
        label="Evidence",
        meaning="One place in a picture and its caption where a pattern shows.",
        properties=(
            _must("score", "float", "how strongly the pattern fires there"),
            _BOX,
            *_SPAN,
            _may("words", "string", "what the caption says from `start` to `end`"),
            _may("photoGroup", "integer", "number of the photograph, the same for its copies"),
            *_ORIGIN,
        ),
    ),
    NodeType(
        label="Image",
        meaning="The picture of one usable record.",
        properties=(
            _must("record", "string", "id of the record"),
            _must("path", "string", "where it lies, as the corpus writes it"),
            _may("width", "integer", "pixels, upright"),
            _may("height", "integer", "pixels, upright"),
            _may("phash", "string", "perceptual hash, 16 hexadecimal digits"),
            _may("imageHash", "string", "hash of the file, 32 hexadecimal digits"),
            _may("photoGroup", "integer", "number of the photograph, the same for its copies"),
            _may("eventTypes", "strings", "weak labels of the record"),
            _may("origin", "string", "file and line of the corpus that name it"),
            _may("time", "string", "when it was published, as the corpus says"),
            *_ORIGIN,
            _may("problem", "string", "why the picture itself could not be used"),
        ),
    ),
    NodeType(
        label="Caption",
        meaning="One caption of a usable record.",
        properties=(
            _must("record", "string", "id of the record"),
            _must("caption", "integer", "which of its captions, from 0"),
            _must("text", "string", "the words"),
            _may("language", "string", "ISO 639-1, guessed"),
            *_ORIGIN,
        ),
    ),
)

_SOURCE_NODES = (
    NodeType(
        label="Corpus",
        meaning="Where records come from. Its `bundle` is set when a load is complete.",
        properties=(
            _must("corpus", "string", "its name"),
            _must("nRecords", "integer", "usable records"),
            _must("nBad", "integer", "records that cannot be used"),
            _may("language", "string", "declared language"),
            _may("licence", "string", "declared licence"),
            _may("credit", "string", "whom to credit"),
        ),
    ),
    NodeType(
        label="MiningRun",
        meaning="The run that found the patterns.",
        properties=(
            _must("run", "string", "key of the run"),
            _must("method", "string", "ours, visual-only or text-only"),
            _must("configDigest", "string", "hash of its configuration"),
            _must("nRules", "integer", "rules kept"),
            _must("nPatterns", "integer", "patterns made of them"),
            _may("versions", "strings", "libraries that shape the result, `name==version`"),
        ),
    ),
)

_ANALYST_NODES = (
    NodeType(
        label="Review",
        origin="review",
        meaning="A decision of an analyst about a pattern; a load never touches it.",
        properties=(
            _must("patternId", "string", "id of the Pattern node it is about"),
            _must(
                "decision",
                "string",
                "what was decided: accept, reject, rename, merge, split, set-role, move, note, undo, redo",
            ),
            _may("note", "string", "why, or what it says: the reason, the name, the role, the event type, the text"),
            _may("who", "string", "reviewer"),
            _may("at", "string", "when, ISO 8601, UTC"),
            _may("holds", "boolean", "false where it was undone"),
            _may("idle", "string", "why it changes nothing, though it holds"),
            _may("corpus", "string", "name of the corpus that the pattern belongs to"),
            _may("position", "integer", "place in the log of decisions, from 0"),
            _may("line", "string", "the decision as a line of the log, JSON"),
        ),
    ),
    NodeType(
        label="Mention",
        origin="extraction",
        meaning="One extracted event in a text, a picture or both.",
        properties=(
            _must("eventType", "string", "type of the event"),
            _must("score", "float", "how sure the extractor is"),
            _may("record", "string", "record it was found in"),
            _may("document", "string", "document it was found in"),
            _may("trigger", "string", "word that triggers it"),
            *_SPAN,
            _BOX,
        ),
    ),
    NodeType(
        label="Argument",
        origin="extraction",
        meaning="Who or what plays a role in a mention.",
        properties=(_may("text", "string", "the words"), *_SPAN, _BOX),
    ),
)

_LOADER_NODES = (
    NodeType(
        label="EventminerMigration",
        origin="loader",
        meaning="A change of the schema that the database has seen.",
        properties=(
            _must("version", "integer", "version of the schema after it"),
            _must("change", "string", "what it changed"),
        ),
    ),
    NodeType(
        label="EventminerLoad",
        origin="loader",
        meaning="One lane of a load that is going on or was interrupted; it goes when the load is complete.",
        properties=(
            _must("corpus", "string", "corpus it loads"),
            _must("digest", "string", "hash of the bundle"),
            _must("token", "string", "whose load it is"),
            _must("fresh", "boolean", "whether the store had nothing of the corpus before"),
            _must("position", "integer", "up to which row of the bundle its lane is written"),
            _must("batchRows", "integer", "rows of a batch; the batches are dealt to the lanes in turn"),
        ),
    ),
)

_MINED = (
    RelationshipType(
        type="INDICATES",
        ends=(("Pattern", "EventType"),),
        meaning="The pattern is specific to the event type.",
        properties=(
            _must("support", "float", "as of the pattern"),
            _must("confidence", "float", "as of the pattern"),
            _must("lift", "float", "as of the pattern"),
            _may("pValue", "float", "as of the pattern"),
        ),
    ),
    RelationshipType(
        type="FILLS_ROLE",
        ends=(("Pattern", "ArgumentRole"),),
        meaning="What the pattern shows can play the role.",
        properties=(_must("score", "float", "share of the role in the pattern's distribution over roles"),),
    ),
    RelationshipType(
        type="HAS_ITEM",
        ends=(("Pattern", "VisualItem"), ("Pattern", "TextItem")),
        meaning="The pattern is made of the item.",
        properties=(
            _must("rank", "integer", "place among the pattern's items of that kind, from 0"),
            _may("weight", "float", "share of the pattern's own matches in which a visual item fires"),
        ),
    ),
    RelationshipType(
        type="HAS_EVIDENCE", ends=(("Pattern", "Evidence"),), meaning="The pattern shows in this place.", properties=()
    ),
    RelationshipType(
        type="MINED_IN", ends=(("Pattern", "MiningRun"),), meaning="The run found the pattern.", properties=()
    ),
    RelationshipType(
        type="USED_CORPUS", ends=(("MiningRun", "Corpus"),), meaning="The run read the corpus.", properties=()
    ),
)

_SOURCES = (
    RelationshipType(
        type="HAS_EVENT_TYPE",
        ends=(("Corpus", "EventType"),),
        meaning="The corpus is labelled with an ontology that has the event type.",
        properties=(
            _must("nRecords", "integer", "usable records with that label"),
            _must("nShown", "integer", "those of them that are evidence of a pattern of the type"),
            _must("nNamed", "integer", "those of them with a caption that has a word of a pattern of the type"),
        ),
    ),
    RelationshipType(type="SUBTYPE_OF", ends=(("EventType", "EventType"),), meaning="Every one is also one of these."),
    RelationshipType(type="HAS_ROLE", ends=(("EventType", "ArgumentRole"),), meaning="The event type has the role."),
    RelationshipType(
        type="IN_IMAGE",
        ends=(("Evidence", "Image"), ("Mention", "Image")),
        meaning="It is in the picture.",
    ),
    RelationshipType(
        type="IN_CAPTION",
        ends=(("Evidence", "Caption"), ("Mention", "Caption")),
        meaning="It is in the caption.",
    ),
    RelationshipType(type="COPY_OF", ends=(("Image", "Image"),), meaning="Another print of the same photograph."),
    RelationshipType(type="HAS_CAPTION", ends=(("Image", "Caption"),), meaning="The caption describes the picture."),
    RelationshipType(type="IN_CORPUS", ends=(("Image", "Corpus"),), meaning="The picture is of the corpus."),
    RelationshipType(
        type="MENTIONS",
        ends=(("Caption", "TextItem"),),
        meaning="The caption has a word of the item; the first one is given.",
        properties=_SPAN,
    ),
)

_ANALYSTS = (
    RelationshipType(type="OF", ends=(("Review", "Pattern"),), meaning="The review is about the pattern."),
    RelationshipType(
        type="MERGES",
        ends=(("Review", "Pattern"),),
        meaning="The review makes it part of the pattern that it is about.",
    ),
    RelationshipType(type="TAKES_BACK", ends=(("Review", "Review"),), meaning="The undo or redo is of that decision."),
    RelationshipType(type="OF_TYPE", ends=(("Mention", "EventType"),), meaning="The mention is such an event."),
    RelationshipType(
        type="HAS_ARGUMENT",
        ends=(("Mention", "Argument"),),
        meaning="The argument plays a role in the mention.",
        properties=(_must("role", "string", "which role"), _must("score", "float", "how sure the extractor is")),
    ),
)

SCHEMA = GraphSchema(
    version=2,
    nodes=(*_ONTOLOGY_NODES, *_PATTERN_NODES, *_EVIDENCE_NODES, *_SOURCE_NODES, *_ANALYST_NODES, *_LOADER_NODES),
    relationships=(*_MINED, *_SOURCES, *_ANALYSTS),
    ranges=(
        RangeIndex(name="eventTypeIndex", label="EventType", property="eventType"),
        RangeIndex(name="patternIndex", label="Pattern", property="pattern"),
        RangeIndex(name="imageRecordIndex", label="Image", property="record"),
        RangeIndex(name="patternEventTypeIndex", label="Pattern", property="eventType"),
    ),
    texts=(
        TextIndex(name="captionText", label="Caption", property="text"),
        TextIndex(name="patternNames", label="Pattern", property="displayName"),
    ),
    vectors=(VectorIndex(name="patternVectors", label="Pattern", property="vector", dimensions=VECTOR_DIMENSIONS),),
)
"""The schema of every bundle and store."""

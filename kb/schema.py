"""What the knowledge base may hold: labels, relationship types, properties and indexes.

`SCHEMA` is the only declaration. The bundle's tables, the constraints and indexes of a store, the statements of the loader
and the tables in the documentation all follow from it.
"""

from __future__ import annotations

from kb.graph_schema import (
    GraphSchema,
    NodeType,
    RangeIndex,
    RelationshipType,
    TextIndex,
    VectorIndex,
    may,
    must,
)
from kb.schema_made import BOX, MADE_NODES, MADE_RELATIONSHIPS, SPAN

__all__ = ["SCHEMA", "VECTOR_DIMENSIONS"]

VECTOR_DIMENSIONS = 128


_ORIGIN = (
    may("source", "string", "who published the picture, as the corpus says"),
    may("licence", "string", "licence of the picture"),
    may("credit", "string", "whom to credit"),
)

_ONTOLOGY_NODES = (
    NodeType(
        label="EventType",
        origin="ontology",
        meaning="A class of events of the ontology.",
        properties=(
            must("eventType", "string", "its id in the ontology, such as `Conflict.Attack`"),
            must("label", "string", "its name for people"),
            may("definition", "string", "what counts as such an event"),
            may("triggers", "strings", "regular expressions of the words that trigger it"),
            may("aliases", "strings", "event values of corpora that mean it"),
            may("ace", "strings", "types of ACE 2005 that come close"),
            may("cameo", "strings", "codes of CAMEO that come close"),
            may("schemaOrg", "strings", "types of schema.org that come close"),
            may("wikidata", "strings", "items of Wikidata that come close"),
            must("ontology", "string", "name of the ontology"),
            must("ontologyVersion", "string", "version of the ontology"),
        ),
    ),
    NodeType(
        label="ArgumentRole",
        origin="ontology",
        meaning="A role that somebody or something plays in events of a type.",
        properties=(
            must("role", "string", "its name, such as `Target`"),
            must("eventType", "string", "event type it belongs to"),
            may("definition", "string", "who or what plays it"),
            may("fillers", "strings", "entity types and noun classes that can play it"),
            may("media", "strings", "where it can be seen: text, image or both"),
            may("atLeast", "integer", "how many play it in every such event"),
            may("atMost", "integer", "how many can play it in one event; any number where it is absent"),
            must("ontology", "string", "name of the ontology"),
        ),
    ),
)

_PATTERN_NODES = (
    NodeType(
        label="Pattern",
        meaning="Visual items and text items that together indicate an event type.",
        properties=(
            must("pattern", "string", "its id in the run, `P` and 12 digits"),
            must("displayName", "string", "its name"),
            may("nameHead", "string", "head word of its name"),
            may("nameFlags", "strings", "what to know of the name, such as that it is a trigger word"),
            may("alternatives", "strings", "other names, best first"),
            may("alternativeScores", "floats", "score of each alternative"),
            must("eventType", "string", "event type it indicates"),
            must("rank", "integer", "place among the patterns of its event type in its run, the strongest first"),
            must("count", "integer", "votes that match it"),
            must("classCount", "integer", "votes that match it and have its event type"),
            must("support", "float", "share of all labelled votes that match it and have its event type"),
            must("confidence", "float", "share of the votes matching it that have its event type"),
            must("lift", "float", "confidence over the share of its event type"),
            may("pValue", "float", "one-sided Fisher, adjusted, best of its rules"),
            may("qLink", "float", "false discovery rate of the link between picture and words within the event type"),
            must("proven", "boolean", "whether all three tests hold"),
            may("grounding", "float", "how well its visual score alone finds pictures described by its words, 0 to 1"),
            must("nEvidence", "integer", "pieces of evidence"),
            must("nPhotoGroups", "integer", "different photographs among them"),
            may("textWords", "strings", "its words"),
            may("role", "string", "argument role it most likely fills"),
            must("method", "string", "ours, visual-only, mdpm or text-only"),
            may("vector", "floats", "its visual items and words as 128 numbers; patterns alike point the same way"),
        ),
    ),
    NodeType(
        label="VisualItem",
        also=("Item",),
        meaning="One filter or class of the network that some pattern uses.",
        properties=(
            must("label", "string", "what it is, such as `filter 512` or `class 795`"),
            must("family", "string", "filter, or class where the network's classifier sees one in a cell"),
            must("index", "integer", "its number among the filters, or among the classes, from 0"),
            must("network", "string", "network it belongs to"),
        ),
    ),
    NodeType(
        label="TextItem",
        also=("Item",),
        meaning="One cluster of words that some pattern uses.",
        properties=(
            must("cluster", "integer", "number of the cluster"),
            must("words", "strings", "its words, the most frequent first"),
            may("count", "integer", "records that say one of them"),
        ),
    ),
)

_EVIDENCE_NODES = (
    NodeType(
        label="Evidence",
        meaning="One place in a picture and its caption where a pattern shows.",
        properties=(
            must("score", "float", "how strongly the pattern fires there"),
            BOX,
            *SPAN,
            may("words", "string", "what the caption says from `start` to `end`"),
            may("photoGroup", "integer", "number of the photograph, the same for its copies"),
            *_ORIGIN,
        ),
    ),
    NodeType(
        label="Image",
        meaning="The picture of one usable record.",
        properties=(
            must("record", "string", "id of the record"),
            must("path", "string", "where it lies, as the corpus writes it"),
            may("width", "integer", "pixels, upright"),
            may("height", "integer", "pixels, upright"),
            may("phash", "string", "perceptual hash, 16 hexadecimal digits"),
            may("imageHash", "string", "hash of the file, 32 hexadecimal digits"),
            may("photoGroup", "integer", "number of the photograph, the same for its copies"),
            may("eventTypes", "strings", "weak labels of the record"),
            may("origin", "string", "file and line of the corpus that name it"),
            may("time", "string", "when it was published, as the corpus says"),
            *_ORIGIN,
            may("problem", "string", "why the picture itself could not be used"),
        ),
    ),
    NodeType(
        label="Caption",
        meaning="One caption of a usable record.",
        properties=(
            must("record", "string", "id of the record"),
            must("caption", "integer", "which of its captions, from 0"),
            must("text", "string", "the words"),
            may("language", "string", "ISO 639-1, guessed"),
            *_ORIGIN,
        ),
    ),
)

_SOURCE_NODES = (
    NodeType(
        label="Corpus",
        meaning="Where records come from. Its `bundle` is set when a load is complete.",
        properties=(
            must("corpus", "string", "its name"),
            must("nRecords", "integer", "usable records"),
            must("nBad", "integer", "records that cannot be used"),
            may("language", "string", "declared language"),
            may("licence", "string", "declared licence"),
            may("credit", "string", "whom to credit"),
        ),
    ),
    NodeType(
        label="MiningRun",
        meaning="The run that found the patterns.",
        properties=(
            must("run", "string", "key of the run"),
            must("method", "string", "ours, visual-only, mdpm or text-only"),
            must("configDigest", "string", "hash of its configuration"),
            must("nRules", "integer", "rules kept"),
            must("nPatterns", "integer", "patterns made of them"),
            may("versions", "strings", "libraries that shape the result, `name==version`"),
        ),
    ),
)

_LOADER_NODES = (
    NodeType(
        label="EventminerMigration",
        origin="loader",
        meaning="A change of the schema that the database has seen.",
        properties=(
            must("version", "integer", "version of the schema after it"),
            must("change", "string", "what it changed"),
        ),
    ),
    NodeType(
        label="EventminerLoad",
        origin="loader",
        meaning="One lane of a load that is going on or was interrupted; it goes when the load is complete.",
        properties=(
            must("corpus", "string", "corpus it loads"),
            must("digest", "string", "hash of the bundle"),
            must("token", "string", "whose load it is"),
            must("fresh", "boolean", "whether the store had nothing of the corpus before"),
            must("position", "integer", "up to which row of the bundle its lane is written"),
            must("batchRows", "integer", "rows of a batch; the batches are dealt to the lanes in turn"),
        ),
    ),
    NodeType(
        label="EventminerFolder",
        origin="loader",
        meaning="Where the folder of a run was when it was loaded; extraction looks for its models there.",
        properties=(
            must("corpus", "string", "corpus that was loaded"),
            must("run", "string", "key of the run"),
            must("path", "string", "the folder"),
            may("host", "string", "machine it was on; only in a store that is a file"),
        ),
    ),
)

_MINED = (
    RelationshipType(
        type="INDICATES",
        ends=(("Pattern", "EventType"),),
        meaning="The pattern is specific to the event type.",
        properties=(
            must("support", "float", "as of the pattern"),
            must("confidence", "float", "as of the pattern"),
            must("lift", "float", "as of the pattern"),
            may("pValue", "float", "as of the pattern"),
            must(
                "position",
                "integer",
                "place in what is typical of the event type, from 1: roles by their share, patterns without one last",
            ),
            must("share", "float", "share of the event type's votes that support the pattern"),
        ),
    ),
    RelationshipType(
        type="FILLS_ROLE",
        ends=(("Pattern", "ArgumentRole"),),
        meaning="What the pattern shows can play the role.",
        properties=(
            must("score", "float", "share of the role in the pattern's distribution over roles"),
            may(
                "rank",
                "integer",
                "place among the patterns that most likely fill the role, from 1, the most frequent first; absent where another role is likelier",
            ),
            may("roleShare", "float", "share of the event type's votes that support any of those patterns"),
        ),
    ),
    RelationshipType(
        type="CO_OCCURS_WITH",
        ends=(("Pattern", "Pattern"),),
        meaning="Both support the same votes of their event type more often than by chance; from the smaller id to the larger.",
        properties=(
            must("count", "integer", "votes of the event type that support both"),
            must("lift", "float", "how many times as many that is as by chance"),
            must("pValue", "float", "one-sided Fisher"),
            must("sharedItems", "integer", "items that both are made of: with some, part of it is so by construction"),
        ),
    ),
    RelationshipType(
        type="HAS_ITEM",
        ends=(("Pattern", "VisualItem"), ("Pattern", "TextItem")),
        meaning="The pattern is made of the item.",
        properties=(
            must("rank", "integer", "place among the pattern's items of that kind, from 0"),
            may("weight", "float", "share of the pattern's own matches in which a visual item fires"),
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
            must("nRecords", "integer", "usable records with that label"),
            must("nShown", "integer", "those of them that are evidence of a pattern of the type"),
            must("nNamed", "integer", "those of them with a caption that has a word of a pattern of the type"),
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
        properties=SPAN,
    ),
)

SCHEMA = GraphSchema(
    version=4,
    bundle_version=3,
    nodes=(*_ONTOLOGY_NODES, *_PATTERN_NODES, *_EVIDENCE_NODES, *_SOURCE_NODES, *MADE_NODES, *_LOADER_NODES),
    relationships=(*_MINED, *_SOURCES, *MADE_RELATIONSHIPS),
    ranges=(
        RangeIndex(name="eventTypeIndex", label="EventType", property="eventType"),
        RangeIndex(name="patternIndex", label="Pattern", property="pattern"),
        RangeIndex(name="imageRecordIndex", label="Image", property="record"),
        RangeIndex(name="patternEventTypeIndex", label="Pattern", property="eventType"),
        RangeIndex(name="mentionEventTypeIndex", label="Mention", property="eventType"),
        RangeIndex(name="mentionSourceIndex", label="Mention", property="source"),
        RangeIndex(name="mentionRecordIndex", label="Mention", property="record"),
    ),
    texts=(
        TextIndex(name="captionText", label="Caption", property="text"),
        TextIndex(name="patternNames", label="Pattern", property="displayName"),
    ),
    vectors=(VectorIndex(name="patternVectors", label="Pattern", property="vector", dimensions=VECTOR_DIMENSIONS),),
)
"""The schema of every bundle and store."""

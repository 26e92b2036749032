"""What analysts decide and what is extracted, as parts of the schema of the knowledge base (`kb.schema`).

No load makes these nodes; they are made in the store, and a load leaves them alone.
"""

from __future__ import annotations

from kb.graph_schema import NodeType, RelationshipType, may, must

__all__ = ["BOX", "MADE_NODES", "MADE_RELATIONSHIPS", "SPAN"]

SPAN = (
    may("start", "integer", "first character in the text"),
    may("end", "integer", "the character after the last one; in a query write it in backticks"),
)
BOX = may("box", "floats", "x0, y0, x1, y1 in pixels of the upright original")

_PATTERN_IDS = may("patternIds", "strings", "ids of the Pattern nodes that argue for it, strongest first")

MADE_NODES = (
    NodeType(
        label="Review",
        origin="review",
        meaning="A decision of an analyst about a pattern; a load never touches it.",
        properties=(
            must("patternId", "string", "id of the Pattern node it is about"),
            must(
                "decision",
                "string",
                "what was decided: accept, reject, rename, merge, split, set-role, move, note, undo, redo",
            ),
            may("note", "string", "why, or what it says: the reason, the name, the role, the event type, the text"),
            may("who", "string", "reviewer"),
            may("at", "string", "when, ISO 8601, UTC"),
            may("holds", "boolean", "false where it was undone"),
            may("idle", "string", "why it changes nothing, though it holds"),
            may("corpus", "string", "name of the corpus that the pattern belongs to"),
            may("position", "integer", "place in the log of decisions, from 0"),
            may("line", "string", "the decision as a line of the log, JSON"),
        ),
    ),
    NodeType(
        label="Mention",
        origin="extraction",
        meaning="One extracted event in a text, a picture or both.",
        properties=(
            must("eventType", "string", "type of the event"),
            must("score", "float", "how sure the extractor is"),
            may("source", "string", "corpus or file it was extracted from"),
            may(
                "readFrom",
                "string",
                "name that the corpus gives itself, whatever the source is called; absent for single files",
            ),
            may("record", "string", "record it was found in"),
            may("document", "string", "document it was found in"),
            may("caption", "integer", "which caption of the record, from 0; absent where the record is one text"),
            may("trigger", "string", "word that triggers it"),
            may("lemma", "string", "basic form of that word"),
            *SPAN,
            may("sentence", "string", "the sentence, or the piece of the text, that the trigger stands in"),
            may("sentenceStart", "integer", "first character of that sentence in the text"),
            may("time", "string", "when the record was published, as its corpus says"),
            may("path", "string", "the picture it shows in, as its corpus writes it"),
            BOX,
            may("phash", "string", "perceptual hash of the picture, 16 hexadecimal digits"),
            _PATTERN_IDS,
            may("imageId", "string", "id of the Image node it shows in, if the store has it"),
            may("captionId", "string", "id of the Caption node it is said in, if the store has it"),
        ),
    ),
    NodeType(
        label="Argument",
        origin="extraction",
        meaning="Who or what plays a role in a mention.",
        properties=(may("text", "string", "the words"), *SPAN, BOX, _PATTERN_IDS),
    ),
    NodeType(
        label="Document",
        origin="extraction",
        meaning="A text, a picture or both, from which mentions were extracted.",
        properties=(
            must("document", "string", "its id in its source"),
            must("source", "string", "corpus or file it is from"),
        ),
    ),
    NodeType(
        label="Extraction",
        origin="extraction",
        meaning="What extracted the mentions of a source, and when.",
        properties=(
            must("source", "string", "corpus or file that was read"),
            must("at", "string", "when it was first written here, ISO 8601, UTC"),
            may("readFrom", "string", "name that the corpus gives itself, whatever the source is called"),
            may("place", "string", "hash of where the source was, to tell others of that name"),
            may("corpus", "string", "corpus that the patterns are of"),
            may("run", "string", "key of the run that found the patterns"),
            may("textModel", "string", "hash of the trained model that read texts, or `rules`"),
            may("imageModel", "string", "hash of the model that looked at pictures"),
            may("decisions", "integer", "decisions of analysts that it heeded"),
            may("versions", "strings", "libraries that shape the result, `name==version`"),
        ),
    ),
)

MADE_RELATIONSHIPS = (
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
        properties=(must("role", "string", "which role"), must("score", "float", "how sure the extractor is")),
    ),
    RelationshipType(
        type="ARGUED_BY",
        ends=(("Mention", "Pattern"), ("Argument", "Pattern")),
        meaning="The pattern argues for it.",
    ),
    RelationshipType(type="IN_DOCUMENT", ends=(("Mention", "Document"),), meaning="It was found in the document."),
    RelationshipType(type="EXTRACTED_IN", ends=(("Mention", "Extraction"),), meaning="The extraction found it."),
    RelationshipType(
        type="USED_RUN",
        ends=(("Extraction", "MiningRun"),),
        meaning="The extraction used what the run found.",
    ),
    RelationshipType(
        type="SAME_AS",
        ends=(("Mention", "Mention"),),
        meaning="Both tell of the same event; from the smaller id to the larger.",
        properties=(
            must("score", "float", "how sure that is, 0 to 1"),
            must("reasons", "strings", "what speaks for it, and against it"),
            may(
                "resolution", "string", "hash of all that `kb coref` found with it; absent where somebody else says so"
            ),
        ),
    ),
)

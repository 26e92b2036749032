"""Extracted mentions, in the form in which they are printed, as nodes of the knowledge base and what joins them.

An id says where in its source a mention stands and what type it has, not who found it: an extraction that finds it again, with
whatever model, renews the node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kb.model import clean_text, node_id
from miner.store.fingerprint import digest_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Provenance", "argument_rows", "document_row", "mention_row"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Provenance:
    """What extracted, and from what.

    Attributes:
        source: Name of what was read: a corpus or a file. What is extracted from a source takes the place of what was before.
        corpus: Name, in the store, of the corpus whose patterns argue.
        run: Key of the run that found them.
        text_model: Hash of the trained model, `rules` where there is none, nothing where no texts were read.
        image_model: Hash of the model that looked at pictures, nothing where none did.
        decisions: How many decisions of analysts were heeded.
        versions: Versions of the libraries that shape the result.
        read_from: Name that the corpus gives itself, whatever the source is called; nothing for single files.
        place: Hash of where the source was; the same extraction of a copy elsewhere is the same extraction.
    """

    source: str
    corpus: str
    run: str
    text_model: str | None
    image_model: str | None
    decisions: int
    versions: Mapping[str, str]
    read_from: str | None = None
    place: str | None = None

    def properties(self) -> Row:
        """Return what the node of the extraction says, but for the time."""
        return {
            "source": self.source,
            "readFrom": self.read_from,
            "corpus": self.corpus,
            "run": self.run,
            "textModel": self.text_model,
            "imageModel": self.image_model,
            "decisions": self.decisions,
            "versions": [f"{name}=={version}" for name, version in sorted(self.versions.items()) if version],
        }

    def id(self, content: str) -> str:
        """Return the id of the extraction's node.

        Args:
            content: Hash of all that was extracted.
        """
        return node_id("Extraction", self.source, digest_json([self.properties(), content]))


def document_row(mention: Mapping[str, Any], source: str) -> Row:
    """Return the node of the document of a mention."""
    document = clean_text(mention["document"])
    return {"id": node_id("Document", source, document), "props": {"document": document, "source": source}}


def mention_row(mention: Mapping[str, Any], provenance: Provenance) -> Row:
    """Return a mention as a node, with the ids of what it is joined to.

    Args:
        mention: As `kb.extract.mention.Mention.as_json` gives it.
        provenance: What extracted it, and from what.
    """
    source = provenance.source
    trigger, image, sentence = (mention.get(name) or {} for name in ("trigger", "image", "sentence"))
    record, caption = mention["record"], mention.get("caption")
    props = {
        "eventType": mention["eventType"],
        "score": mention["score"],
        "source": source,
        "readFrom": provenance.read_from,
        "record": record,
        "document": mention["document"],
        "caption": caption,
        "trigger": trigger.get("text"),
        "lemma": mention.get("lemma"),
        "start": trigger.get("start"),
        "end": trigger.get("end"),
        "sentence": sentence.get("text"),
        "sentenceStart": sentence.get("start"),
        "time": mention.get("time"),
        "path": image.get("path"),
        "box": _floats(image.get("box")),
        "phash": image.get("phash"),
        "patternIds": _pattern_ids(mention, provenance.corpus),
        "imageId": node_id("Image", source, image.get("record") or record) if image else None,
        "captionId": None if caption is None else node_id("Caption", source, record, str(caption)),
    }
    return {
        "id": node_id("Mention", *_place(mention, source)),
        "type": node_id("EventType", mention["eventType"]),
        "document": document_row(mention, source)["id"],
        "image": props["imageId"],
        "caption": props["captionId"],
        "patterns": props["patternIds"],
        "arguments": [row["id"] for row in argument_rows(mention, provenance)],
        "props": _cleaned(props),
    }


def argument_rows(mention: Mapping[str, Any], provenance: Provenance) -> list[Row]:
    """Return the arguments of a mention as nodes; parameters as of `mention_row`."""
    place = _place(mention, provenance.source)
    rows: dict[str, Row] = {}
    for argument in mention["arguments"]:
        box = _floats(argument.get("box"))
        where = f"{argument['start']}-{argument['end']}" if "start" in argument else ",".join(map(str, box or ()))
        identifier = node_id("Argument", *place, f"{argument['role']} {where}")
        props = {name: argument.get(name) for name in ("text", "start", "end")}
        props |= {"box": box, "patternIds": _pattern_ids(argument, provenance.corpus)}
        rows[identifier] = {
            "id": identifier,
            "mention": node_id("Mention", *place),
            "role": argument["role"],
            "score": argument["score"],
            "patterns": props["patternIds"],
            "props": _cleaned(props),
        }
    return list(rows.values())


def _place(mention: Mapping[str, Any], source: str) -> tuple[str, str, str, str]:
    trigger = mention.get("trigger")
    caption = mention.get("caption")
    where = f"{trigger['start']}-{trigger['end']}" if trigger else "picture"
    return (
        source,
        mention["record"],
        mention["eventType"],
        where if caption is None or not trigger else f"{caption}.{where}",
    )


def _pattern_ids(part: Mapping[str, Any], corpus: str) -> list[str]:
    return [node_id("Pattern", corpus, pattern) for pattern in part.get("patterns") or ()]


def _floats(values: Iterable[Any] | None) -> list[float] | None:
    return None if values is None else [float(value) for value in values]


def _cleaned(props: Row) -> Row:
    return {name: clean_text(value) if isinstance(value, str) else value for name, value in props.items()}

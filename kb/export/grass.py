"""How nodes look: a style file (GRASS) for Neo4j Browser, and the same colours for pictures drawn elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from kb.contents import LABELS

__all__ = ["STYLES", "LabelStyle", "grass_style"]


@dataclass(frozen=True)
class LabelStyle:
    """How the nodes of a label are drawn.

    Attributes:
        colour: Fill, `#rrggbb`.
        border: Edge, likewise.
        text: Colour of the words in it.
        diameter: In pixels.
        caption: Property that is written in it.
    """

    colour: str
    border: str
    text: str
    diameter: int
    caption: str


STYLES = {
    "EventType": LabelStyle("#c0392b", "#922b21", "#ffffff", 80, "label"),
    "ArgumentRole": LabelStyle("#e59866", "#ca6f1e", "#1b1b1b", 65, "role"),
    "Pattern": LabelStyle("#1f618d", "#154360", "#ffffff", 80, "displayName"),
    "VisualItem": LabelStyle("#7fb3d5", "#5499c7", "#1b1b1b", 50, "label"),
    "TextItem": LabelStyle("#f4d03f", "#b7950b", "#1b1b1b", 50, "words"),
    "Evidence": LabelStyle("#a9dfbf", "#52be80", "#1b1b1b", 50, "words"),
    "Image": LabelStyle("#229954", "#196f3d", "#ffffff", 65, "record"),
    "Caption": LabelStyle("#d5dbdb", "#99a3a4", "#1b1b1b", 65, "text"),
    "Corpus": LabelStyle("#6c3483", "#4a235a", "#ffffff", 80, "corpus"),
    "MiningRun": LabelStyle("#af7ac5", "#7d3c98", "#1b1b1b", 65, "run"),
    "Review": LabelStyle("#17202a", "#000000", "#ffffff", 50, "decision"),
    "Mention": LabelStyle("#ec7063", "#b03a2e", "#1b1b1b", 65, "trigger"),
    "Argument": LabelStyle("#fad7a0", "#dc7633", "#1b1b1b", 50, "text"),
    "Document": LabelStyle("#aeb6bf", "#808b96", "#1b1b1b", 65, "document"),
    "Extraction": LabelStyle("#d2b4de", "#a569bd", "#1b1b1b", 50, "source"),
}
"""How each label of the schema is drawn."""

HEAD = """\
node {
  diameter: 50px;
  color: #a5abb6;
  border-color: #9aa1ac;
  border-width: 2px;
  text-color-internal: #ffffff;
  font-size: 10px;
}

relationship {
  color: #a5abb6;
  shaft-width: 1px;
  font-size: 8px;
  padding: 3px;
  text-color-external: #000000;
  text-color-internal: #ffffff;
  caption: "<type>";
}
"""


def grass_style() -> bytes:
    """Return the style file; it is dropped onto the Browser, and `:style reset` takes it back."""
    return "\n".join([HEAD, *(_rule(node.label, STYLES[node.label]) for node in LABELS)]).encode()


def _rule(label: str, style: LabelStyle) -> str:
    return (
        f"node.{label} {{\n  diameter: {style.diameter}px;\n  color: {style.colour};\n  border-color: {style.border};\n"
        f'  text-color-internal: {style.text};\n  caption: "{{{style.caption}}}";\n}}\n'
    )

"""The patterns of a finished run as plain rows, as `pattern list` and `pattern show` print them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from miner.config_file import load_config
from miner.errors import ArtefactError
from miner.patterns.typical import describe_event, typical_rows
from miner.run.read_stages import read_ontology
from miner.store.formats import read_table
from miner.visual.registry import load_backbone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from miner.run.folder import RunFolder

LISTED = (
    "eventType",
    "rank",
    "name",
    "nameFlags",
    "alternatives",
    "support",
    "confidence",
    "lift",
    "pValue",
    "proven",
    "nEvidence",
    "nPhotoGroups",
    "visualItems",
    "textItems",
    "textWords",
    "role",
    "method",
)
SHOWN = ("alternativeScores", "visualWeights", "roles", "roleCaptions", "count", "classCount")

Row = dict[str, Any]


def list_patterns(folder: RunFolder, event_type: str | None = None) -> list[Row]:
    """Return the patterns of a run by event type and rank.

    Args:
        folder: A run folder.
        event_type: Only those of this type.

    Raises:
        ArtefactError: The run has not finished, or the event type has no patterns.
    """
    rows = read_table(folder.artefact("patterns").file("patterns.parquet")).to_pylist()
    _types_of(rows, event_type, folder)
    name_item = _item_names(folder)
    return [_select(row, LISTED, name_item) for row in rows if event_type in {None, row["eventType"]}]


def typical_events(folder: RunFolder, event_type: str | None = None) -> list[Row]:
    """Return what an event of each type typically looks like, as `eventminer schema` prints it.

    Args:
        folder: A run folder.
        event_type: Only this type.

    Returns:
        For each event type with patterns: `eventType`, `label`, `text` and `fillers`, rows of `TYPICAL` without the type.

    Raises:
        ArtefactError: The run has not finished, or the event type has no patterns.
    """
    artefact = folder.artefact("patterns")
    patterns = read_table(artefact.file("patterns.parquet"))
    types = _types_of(patterns.select(["eventType"]).to_pylist(), event_type, folder)
    rows = typical_rows(patterns, read_table(artefact.file("evidence.parquet")))
    ontology = read_ontology(folder.artefact("label"))
    events = []
    for name in types:
        own = [row for row in rows if row["eventType"] == name]
        fillers = [{key: value for key, value in row.items() if key != "eventType"} for row in own]
        label = ontology.get(name).label
        events.append({"eventType": name, "label": label, "text": describe_event(own, name), "fillers": fillers})
    return events


def _types_of(rows: Sequence[Row], event_type: str | None, folder: RunFolder) -> list[str]:
    """Return the event types that have patterns, or only the given one."""
    types = sorted({row["eventType"] for row in rows})
    if event_type is not None and event_type not in types:
        raise ArtefactError(
            f"{event_type!r} has no patterns in {folder.path}; these have: {', '.join(types) or 'none'}."
        )
    return types if event_type is None else [event_type]


def show_pattern(folder: RunFolder, pattern: str) -> Row:
    """Return one pattern with its evidence, strongest first.

    Args:
        folder: A run folder.
        pattern: Id of the pattern, or as much of its beginning as no other has.

    Raises:
        ArtefactError: The run has not finished, or there is no such pattern, or more than one.
    """
    artefact = folder.artefact("patterns")
    rows = read_table(artefact.file("patterns.parquet")).to_pylist()
    found = [row for row in rows if row["pattern"].startswith(pattern)]
    if len(found) != 1:
        fault = f"{len(found)} patterns begin with" if found else "No pattern has the id"
        raise ArtefactError(f"{fault} {pattern!r}.", hint=f"See them with 'eventminer pattern list {folder.path}'.")
    evidence = read_table(artefact.file("evidence.parquet"))
    own = evidence.filter(pc.equal(evidence["pattern"], found[0]["pattern"])).to_pylist()
    chosen = _select(found[0], (*LISTED, *SHOWN), _item_names(folder))
    return {**chosen, "evidence": [_describe(row) for row in own]}


def _item_names(folder: RunFolder) -> Callable[[int], str]:
    return load_backbone(load_config(folder.path / "run.toml").visual.backbone).name_item


def _select(row: Mapping[str, Any], columns: tuple[str, ...], name_item: Callable[[int], str]) -> Row:
    visual = [name_item(item) for item in row["visualItems"]]
    return {"id": row["pattern"], **{name: row[name] for name in columns}, "visualNames": visual}


def _describe(row: Mapping[str, Any]) -> Row:
    span = None if row["start"] is None else [row["start"], row["end"]]
    kept = {name: row[name] for name in ("record", "image", "box", "caption")}
    return {**kept, "span": span, "score": row["score"]}

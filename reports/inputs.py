"""What a report is made of: the tables of a run and a way to open its pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


class Picture(Protocol):
    """A decoded picture, upright, as `miner.visual.images.decode_image` returns it."""

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """Pixels, uint8, (h, w, 3); fewer than the original's where it was decoded at a reduced scale."""
        ...

    @property
    def width(self) -> int:
        """Width of the upright original, in pixels."""
        ...


@dataclass(frozen=True, eq=False)
class Heat:
    """Where in a picture a pattern's detector sees it.

    Attributes:
        levels: float32, (rows, columns), 0 where the detector sees nothing, 1 where it sees most.
        box: What the map covers, in upright original pixels.
    """

    levels: NDArray[np.float32]
    box: tuple[float, float, float, float]


def no_heat(_pattern: str, _record: str) -> Heat | None:
    """Know of no heat maps."""
    return None


@dataclass(frozen=True, kw_only=True)
class ReportInputs:
    """Everything `render_report` reads; nothing in it depends on the machine or the clock.

    Attributes:
        corpus: Name of the corpus, not its path.
        run_key: Key of the run's last artefact.
        config_toml: The resolved configuration.
        records: RECORDS, one row per input line.
        labels: LABELS, one row per record.
        images: IMAGES, one row per picture that was tried; `row` points into `groups`.
        groups: Photo group of each encoded picture, int64, (n_rows,), as `photo_groups` returns it.
        rules: RULES, all rules that were kept.
        patterns: PATTERNS.
        evidence: EVIDENCE; boxes are in upright original pixels.
        open_image: From the `image` of a record to the bytes of its file.
        decode: From those bytes to upright pixels, `miner.visual.images.decode_image` with the run's pixel limit.
        masked_words: Words that define an event type, which were hidden from mining.
        evaluation: What `eventminer evaluate patterns` measured, one mapping per measure and method.
        reliability: What `eventminer evaluate images` measured, empty where it was not asked.
        heat: From a pattern and a record to the heat map, none where there are no detectors.
        name_item: From the number of a visual item to what it is, such as `class 795`.
        counters: What the stages counted, such as `{"rules": summary, "patterns": {...}}`; shown as it is.
    """

    corpus: str
    run_key: str
    config_toml: str
    records: pa.Table
    labels: pa.Table
    images: pa.Table
    groups: NDArray[np.int64]
    rules: pa.Table
    patterns: pa.Table
    evidence: pa.Table
    open_image: Callable[[str], bytes]
    decode: Callable[[bytes], Picture]
    counters: Mapping[str, object] = field(default_factory=dict)
    masked_words: Sequence[str] = ()
    evaluation: Sequence[Mapping[str, object]] = ()
    reliability: Mapping[str, object] = field(default_factory=dict)
    name_item: Callable[[int], str] = "item {}".format
    heat: Callable[[str, str], Heat | None] = no_heat

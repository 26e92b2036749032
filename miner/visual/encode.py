"""The shard worker: pictures of some records in, their activations and a row for each record out.

A shard is cut into batches of a size that is fixed for the engine, in record order (pictures with bars apart), so what a batch
holds, and every byte of the result, depends on the shard alone. Several shards may be encoded at once in threads of one process or in several
processes; each has one thread that reads and decodes ahead of its network.
"""

from __future__ import annotations

import itertools
import logging
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from miner.errors import CorpusError
from miner.visual.activations import (
    Activations,
    Maps,
    join_activations,
    no_activations,
    random_projection,
    summarise,
)
from miner.visual.engine import shared_engine
from miner.visual.filters import item_columns
from miner.visual.images import normalise
from miner.visual.prepare import Preparation, Prepared
from miner.visual.registry import load_backbone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from miner.config import VisualConfig
    from miner.visual.activations import Float32, Sources
    from miner.visual.engine import Engine, EngineKind
    from miner.visual.geometry import Geometry
    from miner.visual.prepare import Clock, ImageSource, Refused

logger = logging.getLogger(__name__)

VANISHED = ("missing-image", "unreadable-image")
"""Codes of pictures that are not there, rather than of no use."""

IMAGES = pa.schema(
    [
        pa.field("record", pa.string(), nullable=False),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("code", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("note", pa.string()),
        pa.field("phash", pa.string()),
        pa.field("row", pa.int32()),
    ]
)
"""One row per record: size of the upright original in pixels, `ok` or `bad` with code and reason, what was done to it,
perceptual hash (16 hexadecimal digits), and its row in the arrays; everything but `record` and `status` may be null."""


@dataclass(frozen=True)
class EncodedShard:
    """What one shard of records becomes.

    Attributes:
        images: Table of schema `IMAGES`, one row per record, in record order.
        activations: One row per usable picture, in record order.
        device: Library, version and device that ran the network; for the log, never for an artefact.
        elapsed_s: Seconds by part of the work (`miner.visual.prepare.Clock`); for the log, never for an artefact.
    """

    images: pa.Table
    activations: Activations
    device: str
    elapsed_s: Mapping[str, float]


@dataclass(frozen=True)
class EncodedImage:
    """One picture with its whole filter maps.

    Attributes:
        index: Row of its record in the given table.
        record: Id of the record.
        maps: float32, (n_filters, rows, columns), at least 0: its filters.
        geometry: Where cells and boxes lie in the original.
    """

    index: int
    record: str
    maps: Float32
    geometry: Geometry


class _OneBlasThread:
    """Keeps matrix products on their caller's thread while any shard is being encoded.

    The setting belongs to the process, so the first shard makes it and the last one takes it back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._limits = None

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._limits = threadpool_limits(1, user_api="blas")
            self._users += 1

    def __exit__(self, *_raised: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._limits is not None:
                self._limits.restore_original_limits()
                self._limits = None


_one_blas_thread = _OneBlasThread()


def encode_shard(
    rows: pa.Table, source: ImageSource, cfg: VisualConfig, *, seed: int = 0, kind: EngineKind = "auto"
) -> EncodedShard:
    """Encode the pictures of some records.

    A picture that cannot be used becomes a row with a reason and never ends the shard.

    Args:
        rows: Records: columns `record` and `image`; where there is a `status`, those not `ok` pass with their own reason.
        source: Opens image files.
        cfg: Backbone, limits of pictures, dimensions of the projected cells.
        seed: Of the projection of cells.
        kind: Which engine runs the network.

    Raises:
        BackboneError: The network is unknown or its weights are unusable.
        ConfigError: More dimensions than the network has filters, or classes are wanted and it has none.
    """
    backbone = load_backbone(cfg.backbone)
    item_columns(backbone, cfg.items)
    projection = _projection(backbone.n_filters, cfg.n_dims, seed)
    engine = shared_engine(backbone, kind)
    preparation = _preparation(source, engine, cfg)
    images: list[dict[str, object]] = []
    parts = [no_activations(backbone.n_filters, backbone.n_classes, backbone.grid**2, cfg.n_dims)]
    places: list[int] = []
    with _one_blas_thread:
        usable = _describe(preparation.prepare(rows), images)
        for here, part in _summarise_all(engine, usable, projection, preparation.clock):
            places += here
            parts.append(part)
    activations = join_activations(parts).take(np.argsort(places).tolist())
    elapsed_s = dict(preparation.clock.elapsed_s)
    return EncodedShard(pa.Table.from_pylist(images, schema=IMAGES), activations, engine.label, elapsed_s)


def load_network(cfg: VisualConfig, *, seed: int = 0, kind: EngineKind = "auto") -> None:
    """Make this process ready for `encode_shard`, whose arguments these are: open the network and run it once.

    Raises:
        BackboneError: The network is unknown or its weights are unusable.
        ConfigError: More dimensions than the network has filters.
    """
    backbone = load_backbone(cfg.backbone)
    projection = _projection(backbone.n_filters, cfg.n_dims, seed)
    size = backbone.input_size
    engine = shared_engine(backbone, kind)
    engine.summarise(np.zeros((engine.batch_size, size, size, 3), np.uint8), projection)


def _preparation(source: ImageSource, engine: Engine, cfg: VisualConfig) -> Preparation:
    return Preparation(source, engine.backbone, cfg.max_pixels, cfg.max_seconds, cfg.view)


def encode_images(
    rows: pa.Table, source: ImageSource, cfg: VisualConfig, *, kind: EngineKind = "auto"
) -> Iterator[EncodedImage]:
    """Encode pictures and hand out their whole filter maps, which are never stored.

    The maps are those that `encode_shard` summarised. A picture that cannot be used is logged and left out.

    Args:
        rows: Records, as for `encode_shard`.
        source: Opens image files.
        cfg: Backbone and limits of pictures.
        kind: Which engine runs the network.

    Yields:
        The usable pictures, in record order.

    Raises:
        BackboneError: The network is unknown or its weights are unusable.
        CorpusError: As of `require_there`.
    """
    engine = shared_engine(load_backbone(cfg.backbone), kind)
    usable = _usable(_preparation(source, engine, cfg).prepare(rows), rows)
    while batch := list(itertools.islice(usable, engine.batch_size)):
        for item, maps in zip(batch, _look(engine, batch), strict=True):
            shown = maps if item.geometry.is_full else maps.stand_in(_sources(item))
            yield EncodedImage(item.index, item.record, shown.filters[0], item.geometry)


def join_images(tables: Sequence[pa.Table]) -> pa.Table:
    """Join the `IMAGES` tables of several shards, in order, as `join_activations` joins their arrays."""
    joined = [IMAGES.empty_table()]
    n_rows = 0
    for table in tables:
        place = table.schema.get_field_index("row")
        shifted = pa.array([None if row is None else row + n_rows for row in table["row"].to_pylist()], pa.int32())
        joined.append(table.set_column(place, IMAGES.field("row"), shifted))
        n_rows += len(table) - table["row"].null_count
    return pa.concat_tables(joined)


@lru_cache(maxsize=4)
def _projection(n_filters: int, n_dims: int, seed: int) -> Float32:
    return random_projection(n_filters, n_dims, seed)


def _describe(prepared: Iterable[Prepared | Refused], images: list[dict[str, object]]) -> Iterator[Prepared]:
    """Write down the row of each record and pass on the usable ones."""
    n_rows = itertools.count()
    for item in prepared:
        row: dict[str, object] = {"record": item.record}
        images.append(row)
        if not isinstance(item, Prepared):
            row.update(status="bad", code=item.error.code, reason=item.error.message)
            continue
        row.update(width=item.geometry.width, height=item.geometry.height, note=item.note)
        row.update(status="ok", phash=item.phash, row=next(n_rows))
        yield item


def require_there(status: str, record: str, code: str | None, reason: str | None) -> None:
    """Refuse to go on without a picture that was there before.

    Args:
        status: Of the record when the corpus was read.
        record: Its id.
        code: Why its picture cannot be used now, if so.
        reason: The same in words.

    Raises:
        CorpusError: It was there then and is not now, or not on this worker. Taken for a bad picture it would end up in an
            artefact that claims to hold it.
    """
    if status == "ok" and code in VANISHED:
        raise CorpusError(
            f"Record {record}: {reason}, though it was readable when the run began.",
            hint="The corpus must stay as it is during a run, and be at the same place on every worker.",
        )


def _usable(prepared: Iterable[Prepared | Refused], rows: pa.Table) -> Iterator[Prepared]:
    statuses = rows["status"].to_pylist() if "status" in rows.schema.names else ["ok"] * len(rows)
    for item, status in zip(prepared, statuses, strict=True):
        if isinstance(item, Prepared):
            yield item
        else:
            require_there(status, item.record, item.error.code, item.error.message)
            logger.warning("record %s is left out: %s", item.record, item.error.message)


def _summarise_all(
    engine: Engine, items: Iterable[Prepared], projection: Float32, clock: Clock
) -> Iterator[tuple[list[int], Activations]]:
    """Run the network on batches and give the summary of each, with the places of its pictures among all.

    Pictures with bars, whose summaries need whole maps, have batches of their own, so that the network runs once for each picture.
    """
    waiting: dict[bool, list[tuple[int, Prepared]]] = {True: [], False: []}
    for place, item in enumerate(items):
        batch = waiting[item.geometry.is_full]
        batch.append((place, item))
        if len(batch) == engine.batch_size:
            yield _summarise_some(engine, batch, projection, clock)
            batch.clear()
    for batch in waiting.values():
        if batch:
            yield _summarise_some(engine, batch, projection, clock)


def _summarise_some(
    engine: Engine, batch: Sequence[tuple[int, Prepared]], projection: Float32, clock: Clock
) -> tuple[list[int], Activations]:
    places, items = [place for place, _ in batch], [item for _, item in batch]
    with clock.time("network"):
        if items[0].geometry.is_full:
            return places, engine.summarise(_stack(engine, items), projection).take(slice(len(items)))
        # one by one: a product with more rows may be summed in another way
        found = zip(_look(engine, items), items, strict=True)
        return places, join_activations([summarise(maps, projection, _sources(item)) for maps, item in found])


def _stack(engine: Engine, items: Sequence[Prepared]) -> npt.NDArray[np.uint8]:
    """Stack inputs to a batch of the one size that all batches have, since the size may change how sums are made."""
    size = engine.backbone.input_size
    pixels = np.zeros((engine.batch_size, size, size, 3), np.uint8)
    for place, item in enumerate(items):
        pixels[place] = item.pixels
    return pixels


def _look(engine: Engine, items: Sequence[Prepared]) -> Iterator[Maps]:
    """Run the network on a batch and give the maps of each picture."""
    filters, classes = engine.forward(normalise(_stack(engine, items), engine.backbone))
    for place in range(len(items)):
        yield Maps(filters[place : place + 1], classes[place : place + 1])


def _sources(item: Prepared) -> Sources:
    """Return which cell stands for each of a picture: int64, (n_cells,)."""
    return np.array([item.geometry.nearest_seen(cell) for cell in range(item.geometry.grid**2)])

"""From records to network inputs: read, decode and cut the picture of each ahead of the network, or say why it cannot be used."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, cast

from miner.errors import CorpusError, EventMinerError, ImageError
from miner.visual.ahead import Pace, map_ahead, still_busy
from miner.visual.hashing import perceptual_hash
from miner.visual.images import cut, decode_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from miner.visual.ahead import Begin
    from miner.visual.backbone import Backbone
    from miner.visual.geometry import Geometry, View

    Row = Mapping[str, str | None]

Part = Literal["read", "decode", "cut", "hash", "network"]

logger = logging.getLogger(__name__)

MOST_BUSY = 4
"""Pictures whose decoding was given up and goes on nevertheless, in one process."""

N_AHEAD = 32
"""Pictures made ready before the network asks for them, 150 kB each."""

_COLUMNS = ("record", "image", "status", "code", "reason")


class ImageSource(Protocol):
    """Where image files come from."""

    def open(self, image: str) -> bytes:
        """Return the content of an image file."""


@dataclass
class Clock:
    """Seconds spent, by part of the work and added up over threads; for logs, never for artefacts.

    Threads that share a core are charged for each other's turns, each about as often as the other.
    """

    elapsed_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _adding: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def time(self, part: Part) -> Iterator[None]:
        """Add the time of a block to a part."""
        start = time.perf_counter()
        try:
            yield
        finally:
            with self._adding:
                self.elapsed_s[part] += time.perf_counter() - start


@dataclass(frozen=True)
class Prepared:
    """A picture ready for the network.

    Attributes:
        index: Row of its record in the given table.
        record: Id of the record.
        note: What was done to it that a user may want to know.
        phash: Perceptual hash, 16 hexadecimal digits.
        pixels: uint8, (S, S, 3).
        geometry: Where places of the input lie in the original, and the size of that.
    """

    index: int
    record: str
    note: str | None
    phash: str
    pixels: npt.NDArray[np.uint8]
    geometry: Geometry


@dataclass(frozen=True)
class Refused:
    """A record whose picture cannot be used.

    Attributes:
        record: Id of the record.
        error: Why, with a countable code.
    """

    record: str
    error: ImageError


@dataclass(frozen=True)
class Preparation:
    """How pictures are prepared.

    Attributes:
        source: Opens image files.
        backbone: The network they are cut for.
        max_pixels: Larger pictures are refused.
        max_seconds: Pictures that take more processor seconds to decode are refused.
        view: What of a picture is seen.
        clock: Takes the time.
    """

    source: ImageSource
    backbone: Backbone
    max_pixels: int
    max_seconds: float
    view: View = "centre"
    clock: Clock = field(default_factory=Clock)

    def prepare(self, rows: pa.Table) -> Iterator[Prepared | Refused]:
        """Prepare the picture of each record, in order, ahead of who takes them.

        Args:
            rows: Columns `record` and `image`; where there is a `status`, records not `ok` keep their `code` and `reason`.
        """
        columns = [name for name in _COLUMNS if name in rows.schema.names]
        numbered = enumerate(rows.select(columns).to_pylist())
        pace = Pace(n_threads=1, n_ahead=N_AHEAD, limit_s=self.max_seconds)
        return map_ahead(self._try_one, numbered, _give_up, pace)

    def _try_one(self, numbered: tuple[int, Row], begin: Begin) -> Prepared | Refused:
        index, row = numbered
        record = str(row["record"])
        try:
            return self._one(index, row, begin)
        except ImageError as error:
            return Refused(record, error)
        except EventMinerError:
            # not about this picture: the place where all of them are does not answer
            raise
        # the shard boundary: whatever one picture does must not end the work on the others
        except Exception as error:
            logger.exception("record %s: unexpected error", record)
            return Refused(record, ImageError("unexpected-error", f"{type(error).__name__}: {error}"))

    def _one(self, index: int, row: Row, begin: Begin) -> Prepared:
        if row.get("status", "ok") != "ok":
            raise ImageError(row.get("code") or "bad-record", row.get("reason") or "the record cannot be used")
        with self.clock.time("read"):
            data = self._read(row["image"])
        begin()
        with self.clock.time("decode"):
            # twice the size the network needs: a coarser reduction of a JPEG would change the picture visibly
            image = decode_image(data, max_pixels=self.max_pixels, min_side=2 * self.backbone.short_side)
        with self.clock.time("cut"):
            pixels, geometry = cut(image, self.backbone, self.view)
        with self.clock.time("hash"):
            phash = perceptual_hash(image.picture)
        return Prepared(index, str(row["record"]), image.note, phash, pixels, geometry)

    def _read(self, image: str | None) -> bytes:
        """Read an image file.

        Raises:
            ImageError: There is none, or it cannot be read.
        """
        if not image:
            raise ImageError("missing-image", "the record names no image")
        try:
            return self.source.open(image)
        except FileNotFoundError as error:
            raise ImageError("missing-image", f"no image {image!r}") from error
        except OSError as error:
            raise ImageError("unreadable-image", f"cannot read {image!r}: {error}") from error


def _give_up(numbered: tuple[int, Row], error: TimeoutError) -> Refused:
    """Refuse a picture that takes too long.

    Raises:
        CorpusError: Too many such pictures still keep their decoders busy; each has a core and the memory of a picture.
    """
    record = str(numbered[1]["record"])
    busy = still_busy()
    if len(busy) > MOST_BUSY:
        names = ", ".join(repr(row["record"]) for _, row in cast("list[tuple[int, Row]]", busy))
        raise CorpusError(
            f"The pictures of {len(busy)} records keep their decoders busy without end: {names}.",
            hint="Take them out of the corpus, or set visual.max_pixels lower.",
        )
    logger.warning("record %s: decoding %s was given up: %s", record, numbered[1]["image"], error)
    return Refused(record, ImageError("slow-image", f"decoding was given up: {error}"))

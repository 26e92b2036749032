"""From records to network inputs: read, decode and cut the picture of each, or say why it cannot be used."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from miner.errors import ImageError
from miner.visual.deadline import Deadline
from miner.visual.images import DecodedImage, decode_image, fit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from miner.visual.backbone import Backbone
    from miner.visual.geometry import Geometry

logger = logging.getLogger(__name__)

_COLUMNS = ("record", "image", "status", "code", "reason")


class ImageSource(Protocol):
    """Where image files come from."""

    def open(self, image: str) -> bytes:
        """Return the content of an image file."""


@dataclass
class Clock:
    """Seconds spent, by part of the work; for logs, never for artefacts."""

    elapsed_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def time(self, part: str) -> Iterator[None]:
        """Add the time of a block to a part."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.elapsed_s[part] += time.perf_counter() - start


@dataclass(frozen=True)
class Prepared:
    """A picture ready for the network.

    Attributes:
        index: Row of its record in the given table.
        record: Id of the record.
        image: The decoded picture.
        pixels: float32, (3, S, S).
        geometry: Where places of the input lie in the original.
    """

    index: int
    record: str
    image: DecodedImage
    pixels: npt.NDArray[np.float32]
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
        max_seconds: Pictures that take longer to decode are refused.
        clock: Takes the time.
    """

    source: ImageSource
    backbone: Backbone
    max_pixels: int
    max_seconds: float
    clock: Clock = field(default_factory=Clock)

    def prepare(self, rows: pa.Table) -> Iterator[Prepared | Refused]:
        """Prepare the picture of each record, in order.

        Args:
            rows: Columns `record` and `image`; where there is a `status`, records not `ok` keep their `code` and `reason`.
        """
        columns = [name for name in _COLUMNS if name in rows.schema.names]
        with Deadline[DecodedImage](self.max_seconds) as deadline:
            for index, row in enumerate(rows.select(columns).to_pylist()):
                yield self._try_one(index, row, deadline)

    def _try_one(
        self, index: int, row: Mapping[str, str | None], deadline: Deadline[DecodedImage]
    ) -> Prepared | Refused:
        record = str(row["record"])
        try:
            return self._one(index, row, deadline)
        except ImageError as error:
            return Refused(record, error)
        # the shard boundary: whatever one picture does must not end the work on the others
        except Exception as error:
            logger.exception("record %s: unexpected error", record)
            return Refused(record, ImageError("unexpected-error", f"{type(error).__name__}: {error}"))

    def _one(self, index: int, row: Mapping[str, str | None], deadline: Deadline[DecodedImage]) -> Prepared:
        if row.get("status", "ok") != "ok":
            raise ImageError(row.get("code") or "bad-record", row.get("reason") or "the record cannot be used")
        with self.clock.time("read"):
            data = self._read(row["image"])
        with self.clock.time("decode"):
            image = self._decode(data, deadline)
            pixels, geometry = fit(image, self.backbone)
        return Prepared(index, str(row["record"]), image, pixels, geometry)

    def _decode(self, data: bytes, deadline: Deadline[DecodedImage]) -> DecodedImage:
        """Decode an image file.

        Raises:
            ImageError: It cannot be used, or takes too long.
        """
        # twice the size the network needs: a coarser reduction of a JPEG would change the picture visibly
        side = 2 * self.backbone.short_side
        try:
            return deadline.call(partial(decode_image, data, max_pixels=self.max_pixels, min_side=side))
        except TimeoutError as error:
            raise ImageError("slow-image", f"decoding was given up: {error}") from error

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

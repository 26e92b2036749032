"""Extracts event mentions from pictures with the image model of a run, a shard at a time, on any workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from corpora.folder import locate
from corpora.images import ImageSource
from corpora.texts import NewCorpus, NewRecord
from kb.extract.picture import Seen
from miner.config_file import load_config
from miner.errors import CorpusError
from miner.run.engines import kind_of, work_with
from miner.run.image_model import open_reader
from miner.run.visual_stages import encode_records
from miner.store.fingerprint import digest_file
from miner.visual.geometry import geometry_of
from miner.visual.registry import load_backbone

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from corpora.images import ImageFinder
    from kb.extract.mention import Mention
    from kb.extract.picture import PictureReader
    from miner.config import RunConfig
    from miner.run.executor import Executor
    from miner.run.known import KnownRun
    from miner.run.progress import Advance, Progress
    from miner.visual.backbone import Backbone
    from miner.visual.encode import EncodedShard

__all__ = ["Looker", "one_picture", "open_looker"]

COLUMNS = pa.schema([(name, pa.string()) for name in ("record", "image", "status", "code", "reason")])
SHARD_SIZE = 64


def one_picture(path: Path, document: str = "") -> NewCorpus:
    """Make a corpus of one image file.

    Args:
        path: Of the file.
        document: That the picture belongs to; itself where nothing is said.

    Raises:
        CorpusError: There is no such file.
    """
    if not path.is_file():
        raise CorpusError(f"There is no image file {path}.")
    record = NewRecord(path.name, document or path.name, image=path.name, image_hash=digest_file(path))
    return NewCorpus([record], ImageSource(locate(str(path.parent))[0]), has_texts=False)


def open_looker(
    known: KnownRun, source: ImageFinder, executor: Executor, progress: Progress, counts: Counter[str]
) -> Looker:
    """Open the image model of a run, which is fitted if need be.

    Raises:
        EventMinerError: It cannot be fitted or opened.
    """
    config = load_config(known.path / "run.toml")
    with progress.stage("open the image model"):
        reader = open_reader(known, config)
    return Looker(reader, load_backbone(config.visual.backbone), config, source, executor, progress, counts)


@dataclass
class Looker:
    """Looks at pictures.

    Attributes:
        reader: Of a run.
        backbone: Its network.
        config: Of that run.
        source: Opens image files.
        executor: Where they are looked at.
        progress: Where to report.
        counts: Pictures looked at, and those that cannot be used by reason, are added.
    """

    reader: PictureReader
    backbone: Backbone
    config: RunConfig
    source: ImageFinder
    executor: Executor
    progress: Progress
    counts: Counter[str]

    @property
    def priors(self) -> dict[str, float]:
        """How probable each event type is in a picture nobody has looked at."""
        return dict(zip(self.reader.model.event_types, self.reader.model.prior.tolist(), strict=False))

    def look(self, records: Sequence[NewRecord]) -> list[Mention]:
        """Return what the pictures of some records show, in their order.

        Raises:
            EventMinerError: The network cannot be opened, or a place failed.
        """
        kind, visual = kind_of(self.executor.engine), self.config.visual
        encode = partial(encode_records, source=self.source, config=visual, seed=self.config.seed, kind=kind)
        with self.progress.stage("look at images", len(records), "images") as advance:
            looks = _Looks(self, {record.id: record for record in records}, advance)
            shards = self.tables(records)
            self.executor.map(partial(work_with, self.executor.engine, encode), shards, on_result=looks.keep)
        return [mention for index in range(len(shards)) for mention in looks.found[index]]

    def tables(self, records: Sequence[NewRecord]) -> list[pa.Table]:
        """Return records as shards to be encoded."""
        return [_table(records[at : at + SHARD_SIZE]) for at in range(0, len(records), SHARD_SIZE)]


def _table(records: Iterable[NewRecord]) -> pa.Table:
    rows = [
        {
            "record": record.id,
            "image": record.image,
            "status": "bad" if record.code else "ok",
            "code": record.code,
            "reason": record.reason,
        }
        for record in records
    ]
    return pa.Table.from_pylist(rows, schema=COLUMNS)


@dataclass
class _Looks:
    """Turns what shards become into mentions, whatever order they come in."""

    looker: Looker
    records: Mapping[str, NewRecord]
    advance: Advance
    found: dict[int, list[Mention]] = field(default_factory=dict)

    def keep(self, index: int, shard: EncodedShard) -> None:
        """Read one shard."""
        looker, seen = self.looker, []
        for row in shard.images.to_pylist():
            if row["status"] != "ok":
                looker.counts[f"pictures left out: {row['code']}"] += 1
                continue
            geometry = geometry_of(row["width"], row["height"], looker.backbone, looker.config.visual.view)
            record = self.records[row["record"]]
            seen.append(Seen(record.id, record.document, str(record.image), geometry, row["phash"], record.time))
        self.found[index] = looker.reader.read(seen, shard.activations.pooled, shard.activations.projected)
        looker.counts["pictures"] += len(seen)
        self.advance(shard.images.num_rows)

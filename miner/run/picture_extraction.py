"""Extracts event mentions from pictures with the image model of a run, a shard at a time, on any workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from corpora.folder import locate
from corpora.images import ImageSource
from kb.extract.picture import Seen
from miner.errors import CorpusError
from miner.run.engines import kind_of, work_with
from miner.run.job import open_executor
from miner.run.read_stages import open_corpus
from miner.run.takedown import CODE, hide_forgotten, is_forgotten
from miner.run.visual_stages import encode_records
from miner.store.fingerprint import digest_file
from miner.visual.geometry import geometry_of
from miner.visual.registry import load_backbone

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from corpora.images import ImageFinder
    from kb.extract.mention import Mention
    from kb.extract.picture import PictureReader
    from miner.config import RunConfig
    from miner.run.folder import RunFolder
    from miner.run.job import Place
    from miner.run.progress import Advance, Progress
    from miner.visual.backbone import Backbone
    from miner.visual.encode import EncodedShard
    from miner.visual.geometry import View

COLUMNS = ("record", "image", "status", "code", "reason", "time")
SHARD_SIZE = 64
SHARDS_AT_ONCE = 64


class PictureCorpus(NamedTuple):
    """Pictures to extract from.

    Attributes:
        records: Columns `record`, `image`, `status`, `code`, `reason` and `time`.
        documents: Document of each record that has one.
        source: Opens image files.
        forgotten: Records of the corpus that the run was told to forget; they have neither id nor picture in `records`.
    """

    records: pa.Table
    documents: Mapping[str, str]
    source: ImageFinder
    forgotten: frozenset[str] = frozenset()


def one_picture(path: Path, document: str = "", *, forgotten: frozenset[str] = frozenset()) -> PictureCorpus:
    """Make a corpus of one image file.

    Args:
        path: Of the file.
        forgotten: Hashes of what must not come back.
        document: That the picture belongs to; itself where nothing is said.

    Raises:
        CorpusError: There is no such file.
    """
    if not path.is_file():
        raise CorpusError(f"There is no image file {path}.")
    row = {"record": path.name, "image": path.name, "status": "ok", "code": None, "reason": None, "time": None}
    if is_forgotten(forgotten, path.name, digest_file(path)):
        row |= {"status": "bad", "code": CODE, "reason": "it was forgotten on request"}
    return PictureCorpus(
        _table([row]), {path.name: document} if document else {}, ImageSource(locate(str(path.parent))[0])
    )


def _table(rows: Sequence[Mapping[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=pa.schema([(name, pa.string()) for name in COLUMNS]))


def read_pictures(location: str, config: RunConfig, progress: Progress, folder: RunFolder) -> PictureCorpus:
    """Read the pictures of a corpus in any format that `eventminer run` reads, without those that a run was told to forget.

    Raises:
        CorpusError: It cannot be read.
    """
    corpus = open_corpus(location, config.corpus, progress)
    shown = hide_forgotten(corpus, folder)
    names = zip(corpus.records["record"].to_pylist(), shown.records["record"].to_pylist(), strict=True)
    forgotten = frozenset(own for own, name in names if own != name)
    return PictureCorpus(shown.records.select(list(COLUMNS)), {}, corpus.images, forgotten)


def extract_pictures(
    reader: PictureReader,
    config: RunConfig,
    pictures: PictureCorpus,
    place: Place,
    progress: Progress,
    *,
    write: Callable[[Mention], None],
    counts: Counter[str],
) -> None:
    """Look at pictures and hand on every mention, in the order of the records.

    Args:
        reader: Of a run.
        config: Of that run.
        pictures: To look at.
        place: Where they are looked at.
        progress: Where to report.
        write: Takes the mentions.
        counts: Pictures looked at, and those that cannot be used by reason, are added.

    Raises:
        EventMinerError: The network cannot be opened, or a place failed.
    """
    backbone = load_backbone(config.visual.backbone)
    n_records = pictures.records.num_rows
    with open_executor(place) as executor, progress.stage("look at images", n_records, "images") as advance:
        kind = kind_of(executor.engine)
        look = partial(encode_records, source=pictures.source, config=config.visual, seed=config.seed, kind=kind)
        work = partial(work_with, executor.engine, look)
        for first in range(0, n_records, SHARD_SIZE * SHARDS_AT_ONCE):
            ends = range(first, min(first + SHARD_SIZE * SHARDS_AT_ONCE, n_records), SHARD_SIZE)
            shards = [pictures.records.take(np.arange(at, min(at + SHARD_SIZE, n_records))) for at in ends]
            looks = _Looks(reader, backbone, config.visual.view, pictures.documents, shards, counts, advance)
            executor.map(work, shards, on_result=looks.keep)
            for index in range(len(shards)):
                for mention in looks.found[index]:
                    write(mention)


@dataclass
class _Looks:
    """Turns what shards become into mentions, whatever order they come in."""

    reader: PictureReader
    backbone: Backbone
    view: View
    documents: Mapping[str, str]
    shards: Sequence[pa.Table]
    counts: Counter[str]
    advance: Advance
    found: dict[int, list[Mention]] = field(default_factory=dict)

    def keep(self, index: int, shard: EncodedShard) -> None:
        """Read one shard."""
        rows = {row["record"]: row for row in self.shards[index].select(["record", "image", "time"]).to_pylist()}
        seen = []
        for row in shard.images.to_pylist():
            if row["status"] != "ok":
                self.counts[f"pictures left out: {row['code']}"] += 1
                continue
            geometry = geometry_of(row["width"], row["height"], self.backbone, self.view)
            record = row["record"]
            own, document = rows[record], self.documents.get(record, record)
            seen.append(Seen(record, document, own["image"], geometry, row["phash"], own["time"]))
        self.found[index] = self.reader.read(seen, shard.activations.pooled, shard.activations.projected)
        self.counts["pictures"] += len(seen)
        self.advance(len(rows))

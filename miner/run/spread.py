"""How votes are shared out among workers: not at all, by prefix over one file of this host, or by partition of the votes.

The rules are the same each way; only memory and time differ. Unless told otherwise, votes that exceed the memory of a worker
are partitioned, workers of this host share one memory-mapped layout, and everything else is mined in this process.
"""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pyarrow.parquet as pq

from miner.errors import ConfigError
from miner.rules.confirm import halves
from miner.rules.mine import mine_census, mine_rules, with_background
from miner.rules.partition import PartitionCensus
from miner.rules.prefix import PrefixCensus
from miner.rules.regions import has_regions
from miner.rules.transactions import Transactions
from miner.store.formats import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.config import MineConfig
    from miner.rules.mine import MiningResult
    from miner.rules.partition import Source
    from miner.rules.shards import AnyVotes
    from miner.run.executor import Executor

Spread: TypeAlias = Literal["auto", "none", "votes", "prefix"]

BYTES_PER_ITEM = 24
"""What an item of a vote takes while it is mined: in the table, in the transactions, in the layout and in its lists."""
MEMORY_SHARE = 0.5


@dataclass(frozen=True)
class Workplace:
    """Where votes are mined; never changes a result.

    Attributes:
        executor: Has the workers.
        spread: How votes are shared out among them.
        n_threads: Threads of this process, where it mines itself.
    """

    executor: Executor
    spread: Spread = "auto"
    n_threads: int = 1


def mine_file(path: Path, config: MineConfig, place: Workplace) -> MiningResult:
    """Mine the votes of a Parquet file as the transactions stage writes it.

    Raises:
        ConfigError: The workers cannot share a file.
        MiningError: As of `mine_rules`.
    """
    spread = choose_spread(place, count_bytes(path))
    if spread != "votes":
        return mine_votes(Transactions.from_table(read_table(path)), config, place)
    schema = pq.read_schema(path)
    types = tuple((schema.metadata or {}).get(b"eventTypes", b"").decode().split("\n"))
    sources = _cut_file(path, count_parts(place, count_bytes(path)), background=config.background)
    if not place.executor.shares_disk:
        sources = [partial(_given, source()) for source in sources]
    return _mine_parts(sources, types, config, place)


def mine_votes(votes: AnyVotes, config: MineConfig, place: Workplace) -> MiningResult:
    """Mine votes that are in memory, or in shards on the disk.

    Raises:
        ConfigError: The workers cannot share a file.
        MiningError: As of `mine_rules`.
    """
    size_bytes = int(votes.visual_indptr[-1] + votes.text_indptr[-1]) * BYTES_PER_ITEM
    spread = choose_spread(place, size_bytes)
    # Regions of a vote must stay together, halves of the votes are no file to share, and shards have no photo groups.
    regional = isinstance(votes, Transactions) and has_regions(votes)
    halved = config.confirm != "none" and (spread == "prefix" or not isinstance(votes, Transactions))
    if spread == "none" or regional or halved or config.miner != "bitmap":
        return mine_rules(votes, config, threads=place.n_threads)
    shown = with_background(votes) if config.background else votes
    if spread == "votes":
        sources = _cut_votes(shown, count_parts(place, size_bytes), shares_disk=place.executor.shares_disk)
        return _mine_parts(sources, votes.event_types, config, place)
    with tempfile.TemporaryDirectory(prefix="eventminer-") as folder:
        census = PrefixCensus(shown, place.executor, place.executor.n_workers, Path(folder))
        return mine_census(census, votes.event_types, config)


def _mine_parts(sources: Sequence[Source], types: Sequence[str], config: MineConfig, place: Workplace) -> MiningResult:
    """Mine partitions; where rules are to be confirmed, one half of the photo groups of each on the other halves."""
    if config.confirm == "none":
        return mine_census(PartitionCensus(sources, place.executor), types, config)
    searched, other = (
        PartitionCensus([partial(_half, source, config.confirm_seed, which) for source in sources], place.executor)
        for which in (0, 1)
    )
    return mine_census(searched, types, config, other=other)


def _half(source: Source, seed: int, which: int) -> Transactions:
    return halves(source(), seed)[which]


def choose_spread(place: Workplace, size_bytes: int) -> Spread:
    """Decide how votes are shared out.

    Args:
        place: Where they are mined.
        size_bytes: Memory that mining all of them in one process takes.

    Raises:
        ConfigError: A prefix needs one host.
    """
    executor = place.executor
    if place.spread == "prefix" and not executor.shares_disk:
        raise ConfigError(
            "--spread prefix shares a file between processes; the workers of a scheduler may be on other machines.",
            hint="Use --spread votes, or --workers in place of --scheduler.",
        )
    if place.spread != "auto":
        return place.spread
    if size_bytes > MEMORY_SHARE * executor.memory_bytes:
        return "votes"
    return "prefix" if executor.shares_disk and not executor.own_process else "none"


def count_parts(place: Workplace, size_bytes: int) -> int:
    """Return the number of partitions: one per worker, or more where those would not fit."""
    return max(place.executor.n_workers, 1, -int(-size_bytes // (MEMORY_SHARE * place.executor.memory_bytes)))


def count_bytes(path: Path) -> int:
    """Estimate the memory that mining the votes of a Parquet file takes, from its footer alone."""
    footer = pq.read_metadata(path)
    groups = [footer.row_group(group) for group in range(footer.num_row_groups)]
    columns = (group.column(column) for group in groups for column in range(footer.num_columns))
    n_items: int = sum(
        column.num_values for column in columns if column.path_in_schema.split(".")[0] in {"visual", "text"}
    )
    return n_items * BYTES_PER_ITEM


def _cut_votes(votes: AnyVotes, n_parts: int, *, shares_disk: bool) -> list[Source]:
    """Cut votes in memory into parts; shards on the disk are parts already, read where they are mined if they can be."""
    if isinstance(votes, Transactions):
        cuts = np.array_split(np.arange(len(votes)), n_parts)
        return [partial(_given, votes.select(rows)) for rows in cuts]
    sources: list[Source] = [partial(votes.read, number) for number in range(len(votes.folders))]
    return sources if shares_disk else [partial(_given, source()) for source in sources]


def _cut_file(path: Path, n_parts: int, *, background: bool) -> list[Source]:
    edges = np.linspace(0, pq.read_metadata(path).num_rows, n_parts + 1).astype(int).tolist()
    spans = itertools.pairwise(edges)
    return [partial(_read_rows, path, first, last, background=background) for first, last in spans]


def _read_rows(path: Path, first: int, last: int, *, background: bool) -> Transactions:
    """Read a range of votes, and of the file no more row groups than hold them."""
    with pq.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        starts = np.cumsum([0, *sizes])
        groups = [g for g in range(len(sizes)) if starts[g] < last and starts[g + 1] > first]
        table = file.read_row_groups(groups, use_threads=False)
        offset = first - int(starts[groups[0]]) if groups else 0
        table = table.slice(offset, last - first).replace_schema_metadata(file.schema_arrow.metadata)
    votes = Transactions.from_table(table)
    return with_background(votes) if background else votes


def _given(votes: Transactions) -> Transactions:
    return votes

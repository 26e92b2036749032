"""Rules streamed to disk, votes streamed from disk, and searches cut short."""

from __future__ import annotations

import itertools
import signal
import threading
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from miner.cli.app import app
from miner.config import MineConfig
from miner.errors import MiningError
from miner.rules import stream as stream_module
from miner.rules.collect import Everything
from miner.rules.condense import Condensing
from miner.rules.mine import mine_rules, stream_rules
from miner.rules.ruleset import FOUND, Rules
from miner.rules.search import BitmapMiner
from miner.rules.shards import open_shards, write_shards
from miner.rules.thresholds import Thresholds
from miner.rules.transactions import Transactions
from miner.store.formats import write_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from miner.rules.transactions import Int32s, Int64s

TYPES = ("A.One", "B.Two")
LIMITS = Thresholds(min_confidence=0.4, min_class_count=2, max_len=4)


def noise(n_rows: int = 400, *, seed: int = 0) -> Transactions:
    rng = np.random.default_rng(seed)
    visual = [np.flatnonzero(row).tolist() for row in rng.random((n_rows, 12)) < 0.3]
    text = [np.flatnonzero(row).tolist() for row in rng.random((n_rows, 9)) < 0.3]
    return Transactions.from_rows(visual, text, rng.integers(-1, 2, n_rows).tolist(), event_types=TYPES)


def as_rows(path: Path) -> list[tuple[object, ...]]:
    columns = pq.read_table(path).to_pydict()
    return sorted(zip(*(map(str, values) for values in columns.values()), strict=True))


@pytest.mark.parametrize("kind", ["all", "closed", "top_k"])
def test_stream_writes_the_rules_that_mining_returns(kind: str, tmp_path: Path) -> None:
    miner = BitmapMiner(condensing=Condensing(kind, 50))  # type: ignore[arg-type]
    n_rules = miner.stream(noise(), LIMITS, tmp_path / "rules.parquet")
    expected = miner.mine(noise(), LIMITS)
    assert n_rules == len(expected) > 0
    table = pq.read_table(tmp_path / "rules.parquet")
    assert table.schema.equals(FOUND)
    whole = dict(zip(FOUND.names, (column.to_pylist() for column in expected.columns(TYPES)), strict=True))
    assert as_rows(tmp_path / "rules.parquet") == sorted(
        zip(*(map(str, values) for values in whole.values()), strict=True)
    )


@pytest.mark.parametrize("most_waiting", [0, 100, 2**20])
def test_stream_gives_the_same_bytes_with_any_number_of_threads(
    most_waiting: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "_MOST_WAITING", most_waiting)
    monkeypatch.setattr(stream_module, "ROW_GROUP_ROWS", 64)
    monkeypatch.setattr(stream_module.Stream, "capacity", 7)
    for threads in (1, 2, 3):
        BitmapMiner().stream(noise(), LIMITS, tmp_path / f"{threads}.parquet", threads=threads)
    one, *others = [(tmp_path / f"{threads}.parquet").read_bytes() for threads in (1, 2, 3)]
    assert all(other == one for other in others)
    assert pq.ParquetFile(tmp_path / "1.parquet").metadata.row_group(0).num_rows == 64


def test_stream_refuses_maximal_rules_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(MiningError, match="maximal rules cannot be streamed"):
        BitmapMiner(condensing=Condensing("maximal")).stream(noise(), LIMITS, tmp_path / "rules.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", [["--workers", "2"], ["--scheduler", "tcp://127.0.0.1:1"], ["--spread", "prefix"]])
def test_stream_refuses_to_be_shared_out(option: list[str], tmp_path: Path) -> None:
    write_table(tmp_path / "votes.parquet", noise().to_table())
    arguments = ["rules", "mine", str(tmp_path / "votes.parquet"), "--out", str(tmp_path / "rules.parquet"), "--stream"]
    refused = CliRunner().invoke(app, [*arguments, *option])
    assert refused.exit_code == 2
    assert not (tmp_path / "rules.parquet").exists()
    assert CliRunner().invoke(app, [*arguments, "--threads", "1", "--spread", "none"]).exit_code == 0


def test_stream_writes_what_mining_refuses_as_too_much(tmp_path: Path) -> None:
    config = MineConfig(min_lift=0.0, min_support_count=2, exploratory=True, max_rules=10)
    with pytest.raises(MiningError, match="more than the 10 that fit"):
        mine_rules(noise(), config)
    assert stream_rules(noise(), config, tmp_path / "rules.parquet") > 10


@pytest.mark.parametrize("threads", [1, 2])
def test_interrupt_while_streaming_leaves_nothing(
    threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "ROW_GROUP_ROWS", 16)
    monkeypatch.setattr(stream_module, "_MOST_WAITING", 0)
    monkeypatch.setattr(stream_module.Stream, "capacity", 5)
    written: list[int] = []
    plain = Rules.columns

    def interrupted(self: Rules, event_types: Sequence[str]) -> list[pa.Array]:
        written.append(len(self))
        if len(written) == 3:
            raise KeyboardInterrupt
        return plain(self, event_types)

    monkeypatch.setattr(Rules, "columns", interrupted)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        BitmapMiner().stream(noise(), LIMITS, tmp_path / "rules.parquet", threads=threads)
    assert len(written) == 3
    assert threading.active_count() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_interrupt_stops_a_search_long_before_its_end(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    many = Thresholds(min_confidence=0.01, max_len=6)
    handed: list[int] = []
    plain = Everything.take

    def counting(self: Everything, place: int, items: Int32s, numbers: Int64s, *, done: bool) -> Int64s:
        handed.append(place)
        if len(handed) == 1_000:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return plain(self, place, items, numbers, done=done)

    monkeypatch.setattr(Everything, "take", counting)
    monkeypatch.setattr(Everything, "capacity", 1)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        BitmapMiner().mine(noise(), many, threads=threads)
    assert threading.active_count() == before
    n_interrupted = len(handed)
    monkeypatch.undo()
    assert n_interrupted < len(BitmapMiner().mine(noise(), many)) / 2


@pytest.mark.parametrize("edges", [(0, 400), (0, 1, 150, 150, 400)])
@pytest.mark.parametrize("threads", [1, 2])
def test_shards_are_mined_like_votes_in_memory(edges: tuple[int, ...], threads: int, tmp_path: Path) -> None:
    votes = noise()
    parts = (votes.select(np.arange(first, last)) for first, last in itertools.pairwise(edges))
    assert write_shards(parts, tmp_path / "votes") == len(votes)
    shards = open_shards(tmp_path / "votes")
    found, expected = (BitmapMiner().mine(which, LIMITS, threads=threads) for which in (shards, votes))
    assert np.array_equal(found.antecedents, expected.antecedents)
    assert np.array_equal(found.counts, expected.counts)
    config = MineConfig(exploratory=True, min_lift=0.0)
    assert mine_rules(shards, config).rules.equals(mine_rules(votes, config).rules)


def test_shards_that_do_not_fit_are_named(tmp_path: Path) -> None:
    with pytest.raises(MiningError, match="no folder of transactions"):
        open_shards(tmp_path)
    write_shards([noise(20), noise(20)], tmp_path / "votes")
    with pytest.raises(MiningError, match="exists already"):
        write_shards([noise(20)], tmp_path / "votes")
    np.save(tmp_path / "votes" / "00001" / "text_indices.npy", np.array([7, 3], np.uint16))
    with pytest.raises(MiningError, match="shard 00001: transactions: the text row pointers do not describe 20 rows"):
        open_shards(tmp_path / "votes")


def test_writing_shards_that_differ_leaves_nothing(tmp_path: Path) -> None:
    other = Transactions.from_rows([[0]], [[0]], [0], event_types=("C.Three",))
    with pytest.raises(MiningError, match="shard 1 has other items or event types"):
        write_shards([noise(20), other], tmp_path / "votes")
    with pytest.raises(MiningError, match="no votes to write"):
        write_shards([], tmp_path / "votes")
    assert list(tmp_path.iterdir()) == []


def test_empty_transactions_of_two_types_have_no_rules(tmp_path: Path) -> None:
    empty = Transactions.from_rows([[]] * 4, [[]] * 4, [0, 1, 0, 1], event_types=TYPES)
    assert mine_rules(empty, MineConfig()).rules.num_rows == 0
    assert stream_rules(empty, MineConfig(), tmp_path / "rules.parquet") == 0
    assert pq.read_table(tmp_path / "rules.parquet").num_rows == 0


def test_a_type_without_frequent_items_has_no_rules_and_disturbs_no_other() -> None:
    votes = Transactions.from_rows(
        [[0]] * 8 + [[row] for row in range(1, 9)],
        [[0]] * 8 + [[row] for row in range(1, 9)],
        [0] * 8 + [1] * 8,
        event_types=TYPES,
    )
    found = mine_rules(votes, MineConfig(exploratory=True, min_lift=0.0)).rules.to_pylist()
    assert [(row["visual"], row["text"], row["eventType"]) for row in found] == [([0], [0], "A.One")]

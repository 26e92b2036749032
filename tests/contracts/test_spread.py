"""Mined in one process, by partition of the votes or by prefix over one file: the same rules, p-values and summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from distributed import Client, LocalCluster

from miner.config import MineConfig
from miner.errors import ConfigError, MiningError
from miner.rules.census import LocalCensus, map_all
from miner.rules.mine import mine_rules
from miner.rules.partition import PartitionCensus, local_least
from miner.rules.significance import allowed_numbers, count_cap, least_log_p
from miner.rules.transactions import Transactions
from miner.run.dask_executor import DaskExecutor
from miner.run.executor import LocalExecutor
from miner.run.spread import Workplace, choose_spread, count_parts, mine_file, mine_votes
from miner.store.formats import write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from miner.run.executor import Executor
    from miner.run.spread import Spread

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

TYPES = ("A.One", "B.Two", "C.Three")
CONFIDENCES = (0.25, 0.25, 1 / 3, 0.5, 0.75)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=4, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs="ERROR"
        ) as cluster,
        Client(cluster) as connected,  # type: ignore[no-untyped-call]
    ):
        yield connected


@pytest.fixture(scope="module", params=[4, 2, 1])
def workers(request: pytest.FixtureRequest, client: Client) -> Executor:
    """So many processes; the others are sent home."""
    addresses = sorted(client.scheduler_info(n_workers=-1)["workers"])
    client.retire_workers(addresses[request.param :])
    executor = DaskExecutor(client, shares_disk=True)
    assert executor.n_workers == request.param
    return executor


def drawn(rng: np.random.Generator) -> Transactions:
    """Votes of random size and density, a pair planted in one type; half of them sorted by type, so that partitions differ."""
    n_rows = int(rng.integers(40, 300))
    n_visual, n_text, density = int(rng.integers(1, 6)), int(rng.integers(1, 5)), rng.choice([0.2, 0.5, 0.8])
    visual = [np.flatnonzero(row).tolist() for row in rng.random((n_rows, n_visual)) < density]
    text = [np.flatnonzero(row).tolist() for row in rng.random((n_rows, n_text)) < density]
    labels = [0, 1, *rng.integers(-1, len(TYPES), n_rows - 2).tolist()]
    for row in np.flatnonzero((np.array(labels) == 0) & (rng.random(n_rows) < 0.5)).tolist():
        visual[row], text[row] = [0, *visual[row]], [0, *text[row]]
    if rng.random() < 0.5:
        labels.sort()
    return Transactions.from_rows(visual, text, labels, event_types=TYPES)


def configured(rng: np.random.Generator, **more: Any) -> MineConfig:  # noqa: ANN401 - any parameter
    """Thresholds of small whole numbers and simple fractions, so that counts meet them exactly."""
    return MineConfig(
        min_support=float(rng.integers(0, 3)) / 12,
        min_support_count=int(rng.integers(1, 5)),
        min_confidence=float(rng.choice(CONFIDENCES)),
        min_lift=float(rng.choice([0.0, 0.0, 1.0, 1.2])),
        max_len=int(rng.integers(2, 5)),
        exploratory=bool(rng.random() < 0.7),
        background=bool(rng.random() < 0.3),
        **more,
    )


def assert_same(votes: Transactions, config: MineConfig, spread: Spread, executor: Executor) -> int:
    alone = mine_rules(votes, config)
    spread_out = mine_votes(votes, config, Workplace(executor, spread))
    assert to_bytes(spread_out.rules) == to_bytes(alone.rules)
    assert spread_out.summary == alone.summary
    return int(alone.rules.num_rows)


def to_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


@pytest.mark.parametrize("spread", ["votes", "prefix"])
def test_spread_on_dask_gives_the_bytes_of_one_process(workers: Executor, spread: Spread) -> None:
    rng = np.random.default_rng(workers.n_workers)
    assert sum(assert_same(drawn(rng), configured(rng), spread, workers) for _ in range(5)) > 0


@pytest.mark.parametrize("spread", ["votes", "prefix"])
def test_spread_in_threads_gives_the_bytes_of_one_process(spread: Spread) -> None:
    rng = np.random.default_rng(7)
    found = [assert_same(drawn(rng), configured(rng), spread, LocalExecutor(1 + trial % 4)) for trial in range(60)]
    assert sum(number > 0 for number in found) > 20


@pytest.mark.parametrize("spread", ["votes", "prefix"])
@pytest.mark.parametrize("condensed", ["closed", "maximal", "top_k"])
def test_spread_condenses_and_constrains_alike(spread: Spread, condensed: str) -> None:
    rng = np.random.default_rng(11)
    for _ in range(10):
        config = configured(rng, condensed=condensed, top_k=3, must_have_visual=(0,))
        assert_same(drawn(rng), config, spread, LocalExecutor(3))


def test_spread_of_a_file_gives_the_same_wherever_it_is_cut(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    votes = drawn(rng)
    write_table(tmp_path / "votes.parquet", votes.to_table())
    config = MineConfig(exploratory=True, min_lift=0.0)
    expected = mine_rules(votes, config)
    for n_workers in (1, 3, 7):
        for shares_disk in (True, False):
            executor = LocalExecutor(n_workers)
            executor.shares_disk = shares_disk
            found = mine_file(tmp_path / "votes.parquet", config, Workplace(executor, "votes"))
            assert found.rules.equals(expected.rules)
            assert found.summary == expected.summary


def split_confidence() -> tuple[list[Transactions], Transactions]:
    """Two partitions, in which the pair (0, 0) means A.One in 11 of 15 votes.

    In the first it is frequent but means the type in 6 of 10 votes only; in the second it does in 5 of 5, too few to be
    frequent there, because most of the type's votes lie there.
    """
    pairs = [[[0]] * 10 + [[]] * 2, [[0]] * 5 + [[]] * 19]
    labels = [[0] * 6 + [1] * 4 + [0] * 2, [0] * 14 + [1] * 10]
    whole = Transactions.from_rows(
        pairs[0] + pairs[1], pairs[0] + pairs[1], labels[0] + labels[1], event_types=TYPES[:2]
    )
    return [whole.select(np.arange(12)), whole.select(np.arange(12, 36))], whole


def test_spread_keeps_a_rule_that_a_local_confidence_test_would_lose() -> None:
    parts, whole = split_confidence()
    config = MineConfig(min_support_count=11, min_confidence=0.7, min_lift=0.0, exploratory=True, max_len=2)
    (row,) = mine_rules(whole, config).rules.to_pylist()
    assert (row["classCount"], row["count"], row["eventType"]) == (11, 15, "A.One")
    # A naive SON: in each partition the share of the count, and the confidence, which is what loses the rule.
    sizes = [LocalCensus(part).class_sizes for part in parts]
    least = local_least(np.array([[11], [1]]), np.array(sizes))[:, 0, 0]
    assert least.sum() == 11 + len(parts) - 1
    pair = np.array([[0, 1]], np.int32)
    counts = [LocalCensus(part).count(pair)[0] for part in parts]
    frequent = [own[0] >= bound for own, bound in zip(counts, least, strict=True)]
    confident = [own[0] / own.sum() >= config.min_confidence for own in counts]
    assert any(frequent)
    assert not any(often and sure for often, sure in zip(frequent, confident, strict=True))
    spread_out = mine_votes(whole, config, Workplace(LocalExecutor(2), "votes"))
    assert spread_out.rules.to_pylist() == [row]


def test_spread_local_counts_are_a_pigeonhole() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        sizes = rng.integers(0, 30, (int(rng.integers(1, 6)), 2))
        least = rng.integers(1, 40, (2, 3))
        local = local_least(least, sizes)
        kept = np.minimum(least - 1, sizes.sum(axis=0)[:, None])
        assert np.array_equal((local - 1).sum(axis=0), kept)
        assert (local >= 1).all()


def test_spread_tally_is_exact_where_it_fits_and_refuses_where_it_does_not() -> None:
    rng = np.random.default_rng(5)
    votes = drawn(rng)
    sources = [Held(votes.select(rows)) for rows in np.array_split(np.arange(len(votes)), 3)]
    sizes = LocalCensus(votes).class_sizes
    least = least_log_p(sizes, count_cap(int(sizes.sum())))
    for alpha in (0.05, 1e-3, 1e-5):
        allowed = allowed_numbers(least, alpha, 3)
        expected = LocalCensus(votes).tally(1, allowed)
        assert np.array_equal(PartitionCensus(sources, LocalExecutor(2)).tally(1, allowed), expected)
    with pytest.raises(MiningError, match="candidate itemsets, more than the 2 that fit") as caught:
        PartitionCensus(sources, LocalExecutor(2), max_candidates=2).tally(1, np.full((4, 100), 1e6))
    assert "--spread prefix" in str(caught.value.hint)


class Held:
    """Votes that are there already."""

    def __init__(self, votes: Transactions) -> None:
        self.votes = votes

    def __call__(self) -> Transactions:
        return self.votes


def test_spread_refuses_more_rules_than_fit_like_one_process() -> None:
    votes = drawn(np.random.default_rng(2))
    config = MineConfig(exploratory=True, min_lift=0.0, min_support_count=1, max_rules=3)
    with pytest.raises(MiningError, match="more than the 3 that fit") as alone:
        mine_rules(votes, config)
    assert "min_support_count=" in str(alone.value.hint)
    for spread in ("votes", "prefix"):
        with pytest.raises(MiningError, match="more than the 3 that fit") as caught:
            mine_votes(votes, config, Workplace(LocalExecutor(2), spread))
        assert caught.value.hint == alone.value.hint


def test_spread_chooses_by_host_and_memory() -> None:
    local, dask, remote = (LocalExecutor(2) for _ in range(3))
    dask.own_process = remote.own_process = remote.shares_disk = False
    size_bytes = 1000
    for executor, expected in ((local, "none"), (dask, "prefix"), (remote, "none")):
        assert choose_spread(Workplace(executor), size_bytes) == expected
        executor.memory_bytes = 500
        assert choose_spread(Workplace(executor), size_bytes) == "votes"
        assert count_parts(Workplace(executor), size_bytes) == 4
        assert choose_spread(Workplace(executor, "none"), size_bytes) == "none"
    with pytest.raises(ConfigError, match="shares a file between processes"):
        choose_spread(Workplace(remote, "prefix"), size_bytes)


def test_map_all_gives_results_in_the_order_of_the_items() -> None:
    work: Callable[[int], int] = abs
    assert map_all(LocalExecutor(3), work, [-3, 2, -1]) == [3, 2, 1]

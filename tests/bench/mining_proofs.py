"""What the verdicts of the mining engine are worth: `python -m tests.bench.mining_proofs labels|pictures|power [--transactions F]`.

- `labels`: event types permuted among the votes; a rule proven then is wrong. At most 16 of 200 runs may have one.
- `pictures`: pictures permuted among votes of the same type, so that both keep their association with the type but picture
  and words are independent; a rule proven then is wrong by test (b). Same bound.
- `power`: a pair planted with a given support and strength in noise; the share of runs that prove it.

Without `--transactions` (a Parquet file as `eventminer rules mine` reads it) the corpus is invented: 2,400 votes of 12 types,
12 independent visual and 12 textual cues per type, and common items without meaning.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from miner.config import MineConfig
from miner.rules.mine import mine_rules
from miner.rules.transactions import Transactions

if TYPE_CHECKING:
    from miner.rules.transactions import Int64s

N_TYPES, N_VOTES, N_CUES, N_COMMON = 12, 2_400, 12, 60
MOST_WRONG = 0.08


def invented(rng: np.random.Generator, *, planted: tuple[float, float] | None = None) -> Transactions:
    """Give votes with independent cues; `planted` = (share of type 0 with the pair, share of it that shows each item)."""
    labels = np.sort(rng.integers(0, N_TYPES, N_VOTES))
    cues = rng.random((N_VOTES, 2, N_TYPES * N_CUES)) < 0.02
    for label in range(N_TYPES):
        own = slice(label * N_CUES, (label + 1) * N_CUES)
        cues[labels == label, :, own] |= rng.random((int(np.sum(labels == label)), 2, N_CUES)) < 0.25
    common = rng.random((N_VOTES, 2, N_COMMON)) < 0.1
    pair = rng.random((N_VOTES, 2, 1)) < 0.02
    if planted is not None:
        there = (labels == 0) & (rng.random(N_VOTES) < planted[0])
        pair |= there[:, None, None] & (rng.random((N_VOTES, 2, 1)) < planted[1])
    holds = np.concatenate([pair, cues, common], axis=2)
    return Transactions.from_rows(
        [np.flatnonzero(row[0]).tolist() for row in holds],
        [np.flatnonzero(row[1]).tolist() for row in holds],
        labels.tolist(),
        event_types=[f"Type.{label}" for label in range(N_TYPES)],
    )


def with_labels_permuted(transactions: Transactions, rng: np.random.Generator) -> Transactions:
    return replace(transactions, labels=rng.permutation(transactions.labels))


def with_pictures_permuted(transactions: Transactions, rng: np.random.Generator) -> Transactions:
    order = np.arange(len(transactions), dtype=np.int64)
    for label in range(len(transactions.event_types)):
        rows = np.flatnonzero(transactions.labels == label)
        order[rows] = rng.permutation(rows)
    return with_pictures_of(transactions, order)


def with_pictures_of(transactions: Transactions, order: Int64s) -> Transactions:
    moved = transactions.select(order)
    return replace(transactions, visual_indptr=moved.visual_indptr, visual_indices=moved.visual_indices)


def count_wrong(kind: str, path: Path | None, n_runs: int) -> int:
    """Run on permuted votes; give the number of runs that proved anything."""
    permute = with_labels_permuted if kind == "labels" else with_pictures_permuted
    rng = np.random.default_rng(0)
    given = Transactions.from_table(pq.read_table(path)) if path else None
    n_wrong = 0
    for run in range(n_runs):
        transactions = permute(given if given is not None else invented(rng), rng)
        n_wrong += mine_rules(transactions, MineConfig()).rules.num_rows > 0
        print(f"\r{kind} permuted: {n_wrong} of {run + 1} runs proved a rule", end="", flush=True)  # noqa: T201 - a command
    print(f"; allowed are {MOST_WRONG * n_runs:.0f} of {n_runs}")  # noqa: T201
    return n_wrong


def power(support: float, strength: float, n_runs: int) -> float:
    """Share of runs that prove the planted pair for its type."""
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(n_runs):
        rules = mine_rules(invented(rng, planted=(support, strength)), MineConfig()).rules.to_pylist()
        found += any(row["visual"] == [0] and row["text"] == [0] and row["eventType"] == "Type.0" for row in rules)
    return found / n_runs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("proof", choices=["labels", "pictures", "power"])
    parser.add_argument("--transactions", type=Path)
    parser.add_argument("--runs", type=int, default=200)
    options = parser.parse_args()
    if options.proof != "power":
        n_wrong = count_wrong(options.proof, options.transactions, options.runs)
        return int(n_wrong > MOST_WRONG * options.runs)
    print("share of runs that prove the planted pair")  # noqa: T201
    print("rows: share of the type's votes that have it; columns: share of those that shows each item")  # noqa: T201
    strengths = (0.7, 0.8, 0.9, 1.0)
    print("        " + "".join(f"{strength:8.2f}" for strength in strengths))  # noqa: T201
    for support in (0.05, 0.1, 0.15, 0.2, 0.3):
        row = "".join(f"{power(support, strength, options.runs):8.2f}" for strength in strengths)
        print(f"{support:8.2f}{row}", flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""What the verdicts of the mining engine are worth: `python -m tests.bench.mining_proofs labels|pictures|partial|power|types`.

- `labels`: event types permuted among the votes; a rule proven then is wrong. At most 16 of 200 runs may have one.
- `pictures`: pictures permuted among votes of the same type, so that both keep their association with the type but picture
  and words are independent; a rule proven then is wrong by test (b). Same bound.
- `partial`: the same in every type but the largest, so that one type has links and a rule of any other is wrong. Prints the share
  of wrong rules, and of wrong words (event type and text item), since every wrong word is a wrong pattern.
- `power`: in every type one pair planted with a given support and strength in noise; the share of them that is proven.
- `types`: how many rules are proven for each event type, with and without test (b).

`--transactions F` takes votes from a Parquet file as `eventminer rules mine` reads it, such as `transactions.parquet` of a
run. Otherwise the corpus is invented: 2,400 votes of 12 types, 12 independent visual and 12 textual cues per type, and common
items without meaning. `--confirm` finds on one half of the photo groups and confirms on the other.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from miner.config import MineConfig
from miner.rules.census import LocalCensus
from miner.rules.mine import mine_census, mine_rules
from miner.rules.transactions import Transactions

if TYPE_CHECKING:
    import numpy.typing as npt

    from miner.rules.hypergeom import Floats
    from miner.rules.transactions import Int32s, Int64s

    Flags = npt.NDArray[np.bool_]

N_TYPES, N_VOTES, N_CUES, N_COMMON = 12, 2_400, 12, 60
MOST_WRONG = 0.08
SUPPORTS, STRENGTHS = (0.05, 0.1, 0.15, 0.2, 0.3), (0.7, 0.8, 0.9, 1.0)


def invented(rng: np.random.Generator, *, planted: tuple[float, float] | None = None) -> Transactions:
    """Give votes with independent cues; `planted` = (share of each type with its pair, share of it that shows each item)."""
    labels = np.sort(rng.integers(0, N_TYPES, N_VOTES))
    cues = rng.random((N_VOTES, 2, N_TYPES * N_CUES), np.float32) < 0.02
    for label in range(N_TYPES):
        own = slice(label * N_CUES, (label + 1) * N_CUES)
        cues[labels == label, :, own] |= rng.random((int(np.sum(labels == label)), 2, N_CUES)) < 0.25
    common = rng.random((N_VOTES, 2, N_COMMON), np.float32) < 0.1
    pairs = rng.random((N_VOTES, 2, N_TYPES)) < 0.02
    if planted is not None:
        there = rng.random(N_VOTES) < planted[0]
        pairs[np.arange(N_VOTES), :, labels] |= there[:, None] & (rng.random((N_VOTES, 2)) < planted[1])
    holds = np.concatenate([pairs, cues, common], axis=2)
    types = tuple(f"Type.{label:02}" for label in range(N_TYPES))
    visual, text = (sparse(holds[:, kind]) for kind in range(2))
    n_items = holds.shape[2]
    return Transactions(*visual, *text, labels.astype(np.int32), np.arange(N_VOTES), types, n_items, n_items)


def sparse(holds: Flags) -> tuple[Int64s, Int32s]:
    indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(holds.sum(axis=1))])
    return indptr, np.nonzero(holds)[1].astype(np.int32)


def with_labels_permuted(transactions: Transactions, rng: np.random.Generator) -> Transactions:
    return replace(transactions, labels=rng.permutation(transactions.labels))


def with_pictures_permuted(
    transactions: Transactions, rng: np.random.Generator, *, but: int | None = None
) -> Transactions:
    order = np.arange(len(transactions), dtype=np.int64)
    for label in range(len(transactions.event_types)):
        if label == but:
            continue
        rows = np.flatnonzero(transactions.labels == label)
        order[rows] = rng.permutation(rows)
    return with_pictures_of(transactions, order)


def with_pictures_of(transactions: Transactions, order: Int64s) -> Transactions:
    moved = transactions.select(order)
    return replace(transactions, visual_indptr=moved.visual_indptr, visual_indices=moved.visual_indices)


@dataclass
class Remembering(LocalCensus):
    """Votes whose testable itemsets, which do not depend on labels, were counted before."""

    known: dict[bytes, Floats] = field(default_factory=dict)

    def tally(self, start: int, allowed: Floats) -> Floats:
        key = b"%d" % start + allowed.tobytes()
        if key not in self.known:
            self.known[key] = super().tally(start, allowed)
        return self.known[key]


def count_proven(votes: Transactions, config: MineConfig, known: dict[bytes, Floats] | None) -> int:
    if known is None or config.confirm != "none":
        return int(mine_rules(votes, config).rules.num_rows)
    return int(mine_census(Remembering(votes, known=known), votes.event_types, config).rules.num_rows)


def count_wrong(kind: str, given: Transactions | None, config: MineConfig, n_runs: int) -> int:
    """Run on permuted votes; give the number of runs that proved anything."""
    permute = with_labels_permuted if kind == "labels" else with_pictures_permuted
    rng = np.random.default_rng(0)
    known: dict[bytes, Floats] | None = {} if kind == "labels" and given is not None else None
    n_wrong = 0
    for run in range(n_runs):
        transactions = permute(given if given is not None else invented(rng), rng)
        n_wrong += count_proven(transactions, config, known) > 0
        print(f"\r{kind} permuted: {n_wrong} of {run + 1} runs proved a rule", end="", flush=True)  # noqa: T201 - a command
    print(f"; at most {MOST_WRONG * n_runs:.0f} allowed")  # noqa: T201
    return n_wrong


def print_partial(given: Transactions, config: MineConfig, n_runs: int) -> int:
    """Print what is wrong among the rules of votes whose pictures are permuted in every type but the largest."""
    largest = int(np.argmax(np.bincount(given.labels[given.labels >= 0])))
    rng = np.random.default_rng(0)
    for run in range(n_runs):
        permuted = with_pictures_permuted(given, rng, but=largest)
        rows = mine_rules(permuted, config).rules.to_pylist()
        wrong = [row for row in rows if row["eventType"] != given.event_types[largest]]
        words, wrong_words = (len({(row["eventType"], x) for row in own for x in row["text"]}) for own in (rows, wrong))
        print(f"run {run}: {len(wrong)} of {len(rows)} rules, {wrong_words} of {words} words are wrong", flush=True)  # noqa: T201
    return 0


def power(support: float, strength: float, config: MineConfig, n_runs: int) -> float:
    """Share of the planted pairs that are proven for their types; a corpus has one per type."""
    rng = np.random.default_rng(1)
    found, n_corpora = 0, -(-n_runs // N_TYPES)
    for _ in range(n_corpora):
        rules = mine_rules(invented(rng, planted=(support, strength)), config).rules.to_pylist()
        proven = {(row["eventType"], *row["visual"], *row["text"]) for row in rules if len(row["visual"]) == 1}
        found += sum((f"Type.{label:02}", label, label) in proven for label in range(N_TYPES))
    return found / (n_corpora * N_TYPES)


def print_power(config: MineConfig, n_runs: int) -> int:
    print("share of planted pairs that are proven, a pair in each of 12 types of about 200 votes")  # noqa: T201
    print("rows: share of the type's votes that have it; columns: share of those that show each item")  # noqa: T201
    print("        " + "".join(f"{strength:8.2f}" for strength in STRENGTHS))  # noqa: T201
    for support in SUPPORTS:
        row = "".join(f"{power(support, strength, config, n_runs):8.2f}" for strength in STRENGTHS)
        print(f"{support:8.2f}{row}", flush=True)  # noqa: T201
    return 0


def print_types(given: Transactions, config: MineConfig) -> int:
    """Print the proven rules of each event type; without test (b), (a) and (c) alone decide."""
    proven, unlinked = (
        mine_rules(given, config.model_copy(update={"link_fdr": link_fdr})).summary["eventTypes"]
        for link_fdr in (config.link_fdr, 1.0)
    )
    print(f"{'event type':30}{'votes':>8}{'proven':>8}{'without (b)':>13}")  # noqa: T201
    for name, counts in proven.items():
        print(f"{name:30}{counts['votes']:8,}{counts['proven']:8,}{unlinked[name]['proven']:13,}")  # noqa: T201
    n_types = sum(counts["proven"] > 0 for counts in proven.values())
    print(f"{n_types} of {len(proven)} event types have proven multimodal rules")  # noqa: T201
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("proof", choices=["labels", "pictures", "partial", "power", "types"])
    parser.add_argument("--transactions", type=Path)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--confirm", action="store_true")
    options = parser.parse_args()
    config = MineConfig(confirm="half" if options.confirm else "none")
    given = Transactions.from_table(pq.read_table(options.transactions)) if options.transactions else None
    if options.proof == "power":
        return print_power(config, options.runs)
    example = given or invented(np.random.default_rng(0), planted=(0.2, 0.9))
    if options.proof == "types":
        return print_types(example, config)
    if options.proof == "partial":
        return print_partial(example, config, options.runs)
    return int(count_wrong(options.proof, given, config, options.runs) > MOST_WRONG * options.runs)


if __name__ == "__main__":
    raise SystemExit(main())

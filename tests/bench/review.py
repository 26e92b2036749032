"""How many decisions learning saves a reviewer: `python -m tests.bench.review CORPUS RUN [CORPUS RUN …]`.

Each corpus is one of `eventminer demo`, each run was mined from it with loose thresholds, so that most patterns are noise:

    eventminer run CORPUS --out RUN -o pattern.max_name_share=0.6 -o mine.exploratory=true -o mine.max_len=2
        -o mine.min_support_count=6 -o mine.min_confidence=0.2 -o mine.min_lift=1 -o pattern.max_patterns=200
        -o pattern.merge_jaccard=0.7

A simulated reviewer looks at one pattern after another, always the first of the queue, and accepts it when at least
`LEAST_TRUE` of its evidence shows one object planted in its event type and its name or one of its words names that object.
How many must be looked at until a share of all such patterns is found? Beside it how well the probabilities are calibrated.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from corpora.truth import normalise_name, read_truth
from kb.review.mined import Mined
from kb.review.ranking import Ranking
from miner.run.folder import open_run
from miner.store.formats import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Choose = Callable[[Mapping[str, float]], tuple[str, float]]

LEAST_TRUE = 0.7
SHARES = (0.5, 0.8, 0.9, 1.0)
SEEDS = range(10)


@dataclass(frozen=True)
class Session:
    """One simulated review."""

    good: Mapping[str, bool]
    seen: list[str]
    forecast: list[tuple[float, bool]]

    def needed(self, share: float) -> int:
        """Decisions until `share` of the good patterns was seen."""
        wanted = int(np.ceil(share * sum(self.good.values())))
        found = np.cumsum([self.good[pattern] for pattern in self.seen])
        return int(np.searchsorted(found, wanted)) + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="CORPUS RUN")
    parser.add_argument("--error", type=float, default=0.0, help="share of decisions that the reviewer gets wrong")
    options = parser.parse_args()
    for corpus, run in zip(options.folders[::2], options.folders[1::2], strict=True):
        mined = read_mined(run)
        good = judge(mined, corpus)
        sys.stdout.write(f"{run}: {len(good)} patterns, {sum(good.values())} of them good\n")
        for name in ORDERS:
            seeds = SEEDS if options.error or name == "chance" else SEEDS[:1]
            sessions = [review(mined, good, name, seed, options.error) for seed in seeds]
            sys.stdout.write(json.dumps({"order": name, **summarise(sessions)}) + "\n")


def read_mined(run: Path) -> Mined:
    artefact = open_run(run).artefact("patterns")
    return Mined(read_table(artefact.file("patterns.parquet")), read_table(artefact.file("evidence.parquet")))


def judge(mined: Mined, corpus: Path) -> dict[str, bool]:
    """Tell for each pattern whether it is about something planted."""
    truth = read_truth(corpus / "truth.json")
    good = {}
    for pattern, row in mined.rows.items():
        records = {mined.records[place] for place in mined.evidence_rows(pattern).tolist()}
        names = {normalise_name(name) for name in (row["name"], *row["textWords"])}
        good[pattern] = any(
            planted.event_type == row["eventType"]
            and len(records & planted.boxes.keys()) >= LEAST_TRUE * len(records)
            and not names.isdisjoint(normalise_name(name) for name in planted.names)
            for planted in truth.patterns
        )
    return good


def review(mined: Mined, good: Mapping[str, bool], order: str, seed: int, error: float) -> Session:
    generator = np.random.default_rng(seed)
    choose = ORDERS[order](mined, generator)
    verdicts: dict[str, float] = {}
    forecast = []
    while len(verdicts) < len(good):
        pattern, probability = choose(verdicts)
        forecast.append((probability, good[pattern]))
        is_wrong = generator.random() < error
        verdicts[pattern] = float(good[pattern] != is_wrong)
    return Session(good, list(verdicts), forecast)


def by_chance(mined: Mined, generator: np.random.Generator) -> Choose:
    return _in_order([list(mined.rows)[place] for place in generator.permutation(len(mined.rows))], mined)


def by_rank(mined: Mined, _: np.random.Generator) -> Choose:
    """The first of every event type, then the second, each round by confidence: what a run says by itself."""
    rows = sorted(mined.rows.values(), key=lambda row: (row["rank"], -row["confidence"], row["pattern"]))
    return _in_order([row["pattern"] for row in rows], mined)


def by_prior(mined: Mined, _: np.random.Generator) -> Choose:
    ranked = Ranking(mined).rank([(pattern, pattern) for pattern in mined.rows], {})
    return _in_order([own.pattern for own in ranked], mined)


def _in_order(order: list[str], mined: Mined) -> Choose:
    likely = Ranking(mined).probabilities({})

    def choose(verdicts: Mapping[str, float]) -> tuple[str, float]:
        pattern = order[len(verdicts)]
        return pattern, likely[pattern]

    return choose


def by_learning(mined: Mined, _: np.random.Generator) -> Choose:
    ranking = Ranking(mined)

    def choose(verdicts: Mapping[str, float]) -> tuple[str, float]:
        first = ranking.rank([(name, name) for name in mined.rows if name not in verdicts], verdicts)[0]
        return first.pattern, first.probability

    return choose


ORDERS: dict[str, Callable[[Mined, np.random.Generator], Choose]] = {
    "chance": by_chance,
    "rank in the run": by_rank,
    "prior": by_prior,
    "learned": by_learning,
}


def summarise(sessions: list[Session]) -> dict[str, float]:
    needed = {f"{share:.0%}": float(np.mean([s.needed(share) for s in sessions])) for share in SHARES}
    forecast = np.array([pair for session in sessions for pair in session.forecast])
    brier = float(np.mean((forecast[:, 0] - forecast[:, 1]) ** 2))
    return {**needed, "brier": round(brier, 4), "ece": round(calibration_error(forecast), 4)}


def calibration_error(forecast: npt.NDArray[np.float64]) -> float:
    """Mean gap between what was forecast and what was so, over ten bins."""
    bins = np.minimum((forecast[:, 0] * 10).astype(int), 9)
    gaps = [abs(forecast[bins == b].mean(axis=0) @ [1, -1]) * (bins == b).mean() for b in np.unique(bins)]
    return float(sum(gaps))


if __name__ == "__main__":
    main()

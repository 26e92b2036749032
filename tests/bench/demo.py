"""Recall and precision of the demo over several seeds: `python -m tests.bench.demo [--seeds 100 101 …]`.

The seeds that are given by default were not used while the scenes, the miner or its parameters were made.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from rich.console import Console

from miner.run.demo import run_demo
from miner.run.job import Place
from miner.run.progress import OnConsole

FRESH_SEEDS = (100, 101, 102, 103, 104)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", nargs="+", type=int, default=FRESH_SEEDS)
    seeds = parser.parse_args().seeds
    console = Console()
    reports = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            progress = OnConsole(Console(stderr=True, quiet=True))
            _, report = run_demo(Path(folder) / "demo", seed=seed, place=Place(), progress=progress)
        reports.append(report)
        missed = [match.planted.name for match in report.matches if not match.found]
        console.print(
            f"seed {seed}: recall {report.recall:.2f}, precision of the first {report.k}: {report.precision:.2f}"
            f"{'; missed ' + ', '.join(missed) if missed else ''}"
        )
    console.print(
        f"minimum over {len(seeds)} seeds: recall {min(r.recall for r in reports):.2f}, "
        f"precision {min(r.precision for r in reports):.2f}"
    )


if __name__ == "__main__":
    main()

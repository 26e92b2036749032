"""Runs whose Dask workers are killed at random moments, each compared with one that worked undisturbed in a single process.

`python -m tests.bench.worker_kills [--runs 20] [--kills 2] [--seed 0]`: every run starts two workers for a small generated
corpus and loses `--kills` of them to `kill -9`, one after another, anywhere between their start and the end of the run. All files of all
artefacts and of the bundle must be the same, byte for byte.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from corpora.scenes import generate_scenes
from tests.folders import read_files

if TYPE_CHECKING:
    from collections.abc import Sequence

OPTIONS = ("-o", "visual.shard_size=4", "-o", "visual.n_dims=16", "-o", "mine.exploratory=true", "-o", "mine.max_len=2")
WORKER = b"spawn_main"


class Disturbed(NamedTuple):
    """A run that lost workers.

    Attributes:
        killed: Workers that were there to be killed.
        stages: What was last begun or finished when they were, by the log.
        elapsed_s: Between the start of the workers and the end.
        files: What it left.
    """

    killed: int
    stages: tuple[str, ...]
    elapsed_s: float
    files: dict[str, bytes]


def command(corpus: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "miner.cli.app", "run", str(corpus), "--out", str(out), *OPTIONS, *more]


def kept(out: Path) -> dict[str, bytes]:
    return {**read_files(out / "stages"), **{f"bundle/{k}": v for k, v in read_files(out / "bundle").items()}}


def find_workers(parent: int) -> list[int]:
    """Return the worker processes that a process has started, without the one that tracks its resources."""
    found = []
    for task in Path(f"/proc/{parent}/task").glob("*"):
        for child in (task / "children").read_text().split():
            line = Path(f"/proc/{child}/cmdline")
            if line.exists() and WORKER in line.read_bytes():
                found.append(int(child))
    return found


def work_undisturbed(corpus: Path, out: Path) -> dict[str, bytes]:
    subprocess.run(command(corpus, out, "--threads", "1"), check=True, capture_output=True)
    return kept(out)


def work_disturbed(corpus: Path, out: Path, moments_s: Sequence[float], chance: random.Random) -> Disturbed:
    """Run with two workers, and kill one of those that are there at each moment, in seconds after the first was seen."""
    process = subprocess.Popen(
        command(corpus, out, "--workers", "2", "--threads", "1"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    while process.poll() is None and not find_workers(process.pid):
        time.sleep(0.02)
    started = time.monotonic()
    stages, killed = [], 0
    for moment in sorted(moments_s):
        while process.poll() is None and time.monotonic() - started < moment:
            time.sleep(0.01)
        workers = find_workers(process.pid) if process.poll() is None else []
        if workers:
            os.kill(chance.choice(workers), signal.SIGKILL)
            killed += 1
            stages.append(_last_stage(out / "run.log"))
    _, said = process.communicate()
    elapsed_s = time.monotonic() - started
    if process.returncode:
        raise SystemExit(f"a run that lost workers ended with {process.returncode}: {said.decode()[-2000:]}")
    return Disturbed(killed, tuple(stages), elapsed_s, kept(out))


def _last_stage(log: Path) -> str:
    lines = log.read_text().splitlines() if log.exists() else []
    made = [line.split(": made ")[0].split()[-1] for line in lines if ": made " in line]
    return f"after {made[-1]}" if made else "at the start"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--scenes", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    chance = random.Random(args.seed)  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as temporary:
        corpus = Path(temporary) / "corpus"
        generate_scenes(corpus, n_scenes=args.scenes)
        whole = work_undisturbed(corpus, Path(temporary) / "whole")
        length_s, n_killed = 4.0, 0
        for i in range(args.runs):
            moments = [chance.uniform(0, length_s) for _ in range(args.kills)]
            done = work_disturbed(corpus, Path(temporary) / f"run-{i}", moments, chance)
            length_s, n_killed = done.elapsed_s, n_killed + done.killed
            same = done.files == whole
            where = ", ".join(done.stages) or "nothing: it had ended"
            print(  # noqa: T201 - a command
                f"{i + 1:>3} killed {done.killed} ({where}) in {done.elapsed_s:.0f} s: {'same' if same else 'DIFFERENT'}",
                flush=True,
            )
            if not same:
                raise SystemExit(1)
    print(f"{args.runs} runs lost {n_killed} workers; {len(whole):,} files each, the same every time")  # noqa: T201


if __name__ == "__main__":
    main()

"""Stop a run anywhere, work anywhere: what it makes is the same to the last byte."""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from corpora.scenes import generate_scenes
from miner.run.executor import count_cores
from tests.folders import read_files

if TYPE_CHECKING:
    from pathlib import Path

# Small shards, few dimensions: many places to be killed at, and quick.
OPTIONS = [
    "-o",
    "visual.shard_size=16",
    "-o",
    "visual.n_dims=16",
    "-o",
    "mine.exploratory=true",
    "-o",
    "mine.max_len=2",
]
N_KILLS = 4


def command(corpus: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "miner.cli.app", "run", str(corpus), "--out", str(out), *OPTIONS, *more]


def finish(corpus: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command(corpus, out, *more), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def kept(out: Path) -> dict[str, bytes]:
    """Everything up to the bundle; what is made from it is compared by content elsewhere."""
    return {**read_files(out / "stages"), **read_files(out / "bundle")}


def heed_interrupts() -> None:
    """Undo what a shell does to whatever it starts in the background: make it deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def stop(corpus: Path, out: Path, how: signal.Signals, *, after_s: float = 0.0) -> tuple[int, str]:
    """Start a run, send it a signal some time after it has read its corpus, and return its code and what it said."""
    process = subprocess.Popen(
        command(corpus, out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509 - nothing in this process holds a lock across a fork
    )
    said = []
    for line in process.stderr or ():
        said.append(line)
        if line.startswith("Labels by"):
            break
    try:
        process.wait(timeout=after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(how)
    said.append(process.communicate()[1])
    return process.returncode, "".join(said)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes") / "corpus"
    generate_scenes(folder, n_scenes=50)
    return folder


@pytest.fixture(scope="module")
def whole(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A run that nothing interrupted, and the seconds it took."""
    out = tmp_path_factory.mktemp("whole") / "run"
    started = time.monotonic()
    finish(corpus, out, "--threads", "1")
    return out, time.monotonic() - started


@pytest.mark.slow
def test_resume_after_kills_at_random_places_gives_the_same_bytes(
    corpus: Path, whole: tuple[Path, float], tmp_path: Path
) -> None:
    out, elapsed_s = whole
    chance = random.Random(0)  # noqa: S311 - not for secrets
    moments = [0.0, *(chance.uniform(0.02, 0.5) * elapsed_s for _ in range(N_KILLS - 1))]
    codes = [stop(corpus, tmp_path / "run", signal.SIGKILL, after_s=moment)[0] for moment in moments]
    assert codes[0] == -signal.SIGKILL
    finish(corpus, tmp_path / "run")
    assert kept(tmp_path / "run") == kept(out)


KILLED_AFTER_MINING = """
import os, signal
from miner.cli.app import main
from miner.run.progress import OnConsole

shown = OnConsole.stage

def stage(self, name, *more, **options):
    if name == "patterns":
        os.kill(os.getpid(), signal.SIGKILL)
    return shown(self, name, *more, **options)

OnConsole.stage = stage
main()
"""


def test_resume_after_a_kill_behind_mining_gives_the_same_bytes(
    corpus: Path, whole: tuple[Path, float], tmp_path: Path
) -> None:
    arguments = command(corpus, tmp_path / "run")[3:]
    killed = subprocess.run([sys.executable, "-c", KILLED_AFTER_MINING, *arguments], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert list((tmp_path / "run" / "stages").glob("mine-*"))
    assert not list((tmp_path / "run" / "stages").glob("patterns-????????????????"))
    done = finish(corpus, tmp_path / "run", "--json")
    assert json.loads(done.stdout)["made"] == ["patterns", "bundle", "kb", "report.html"]
    assert kept(tmp_path / "run") == kept(whole[0])


def test_resume_run_twice_does_nothing_and_says_so(corpus: Path, whole: tuple[Path, float]) -> None:
    out, _ = whole
    before = {
        path: path.stat().st_mtime_ns for path in out.rglob("*") if path.suffix in {".parquet", ".npy", ".kgl", ".html"}
    }
    done = finish(corpus, out)
    assert done.stdout.startswith("Nothing to do: everything is there already.\n")
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_resume_stored_configuration_repeats_the_run(corpus: Path, whole: tuple[Path, float]) -> None:
    out, _ = whole
    start = [sys.executable, "-m", "miner.cli.app", "run", str(corpus), "--out", str(out)]
    repeat = [*start, "--config", str(out / "run.toml"), "--json"]
    done = subprocess.run(repeat, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["made"] == []


def test_resume_folder_of_another_corpus_is_refused(corpus: Path, whole: tuple[Path, float], tmp_path: Path) -> None:
    out, _ = whole
    other = tmp_path / "other"
    shutil.copytree(corpus, other)
    lines = (other / "captions.jsonl").read_text().splitlines(keepends=True)
    (other / "captions.jsonl").write_text("".join(lines[:-1]))
    before = kept(out)
    done = subprocess.run(command(other, out), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert kept(out) == before
    assert "records of corpus 'demo scenes' have changed" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(count_cores() < 2, reason="two Dask workers need two cores")
@pytest.mark.slow
def test_resume_dask_workers_make_the_same_bytes(corpus: Path, whole: tuple[Path, float], tmp_path: Path) -> None:
    finish(corpus, tmp_path / "run", "--workers", "2", "--threads", "1")
    assert kept(tmp_path / "run") == kept(whole[0])


@pytest.mark.slow
def test_resume_after_interrupt_and_full_disk(corpus: Path, whole: tuple[Path, float], tmp_path: Path) -> None:
    out, _ = whole
    code, said = stop(corpus, tmp_path / "run", signal.SIGINT)
    assert code == 130, said
    assert said.endswith("Interrupted. The same command goes on from here.\n")
    assert "Traceback" not in said
    full = subprocess.run(
        command(corpus, tmp_path / "run"),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY)),
    )
    assert full.returncode == 1, full.stderr
    assert "Error: No space left" in full.stderr
    assert "Traceback" not in full.stderr
    finish(corpus, tmp_path / "run")
    assert kept(tmp_path / "run") == kept(out)


def test_resume_finishes_with_code_3_after_too_many_bad_records(corpus: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(corpus, broken)
    image = next((broken / "images").iterdir())
    image.write_bytes(image.read_bytes()[:100])
    options = ["-o", "corpus.max_bad_ratio=0.001", "--json"]
    done = subprocess.run(command(broken, tmp_path / "run", *options), capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["bad"] == 1
    assert "more than corpus.max_bad_ratio allows" in done.stderr

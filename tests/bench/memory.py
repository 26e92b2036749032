"""Memory of a run by number of records: `python -m tests.bench.memory [--records 5000 20000 100000]`.

Every size is a run of its own in a process of its own, from reading the corpus to the bundle, with one thread. Records are generated: small
JPEG files, captions with planted words, and, so that 100,000 of them are affordable, *generated encodings* in place of the network's (of the same
kind, shape and size as the default network's, with planted filters) and a blank tokenizer in place of the trained pipeline. Everything else is what
`eventminer run` does. What one worker needs for the network itself does not depend on the number of records: it is measured apart, on real
shards, by `python -m tests.bench.encoding`.

Printed for each stage: the peak of the process's memory (VmHWM, pages of mapped files included, which the system may take back at any time), the
peak of what is its own (RssAnon), and processor seconds.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from PIL import Image

from miner.config_file import load_config
from miner.run.executor import LocalExecutor
from miner.run.pipeline import Pipeline
from miner.run.progress import Silent
from miner.run.read_stages import LABEL, identify_corpus, keep_corpus, open_corpus
from miner.run.stage import ShardedStage, Shards
from miner.run.stages import STAGES
from miner.run.visual_stages import ENCODE, save_shard
from miner.store.artefact import ArtefactStore
from miner.visual.activations import Activations
from miner.visual.encode import IMAGES, EncodedShard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from miner.run.stage import Context, Stage

TYPES = (
    "Conflict.Attack",
    "Conflict.Demonstrate",
    "Contact.Meet",
    "Justice.Arrest-Jail",
    "Life.Die",
    "Movement.Transport",
)
N_PLANTED = 3
"""Planted patterns of each event type: a word and two filters that fire together."""
SHOWN, SAID = 0.3, 0.7
N_FILTERS, N_CLASSES, GRID, N_DIMS = 1280, 1000, 7, 256
N_WORDS = 3_000
SHARD = 256
ASKED_MB = 1_200


def write_corpus(folder: Path, n: int) -> None:
    """Write n records, a thousand pictures to a folder."""
    rng = np.random.default_rng(0)
    pictures = [_draw(rng) for _ in range(64)]
    lines = ["id,image,caption,event"]
    for i in range(n):
        name = f"{i // 1000:04d}/{i}.jpg"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(pictures[i % 64] + i.to_bytes(8, "big"))
        lines.append(f"{i},{name},{_caption(i)},{TYPES[i % len(TYPES)]}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")


def _draw(rng: np.random.Generator) -> bytes:
    blocks = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((96, 96))
    with io.BytesIO() as file:
        blocks.save(file, "JPEG", quality=70)
        return file.getvalue()


def shown(i: int) -> list[int]:
    """Return the planted patterns of its event type that a record shows."""
    rng = np.random.default_rng([1, i])
    return np.flatnonzero(rng.random(N_PLANTED) < SHOWN).tolist()


def _caption(i: int) -> str:
    rng = np.random.default_rng([2, i])
    words = [f"word{_letters(w)}" for w in rng.zipf(1.3, 9) % N_WORDS]
    planted = [f"thing{_letters(100 * (i % len(TYPES)) + k)}" for k in shown(i) if rng.random() < SAID]
    return " ".join([*words[:5], *planted, *words[5:]])


def _letters(number: int) -> str:
    return "".join(chr(97 + int(digit)) for digit in str(number))


def generate_shard(rows: pa.Table) -> EncodedShard:
    """Make up what the network would have seen in some records."""
    numbers = [int(record) for record in rows["record"].to_pylist()]
    rng = np.random.default_rng([3, numbers[0]])
    n, n_items = len(numbers), N_FILTERS + N_CLASSES
    maxima = rng.gamma(2.0, 1.0, (n, n_items)).astype(np.float16)
    projected = rng.standard_normal((n, GRID**2, N_DIMS), np.float32)
    for row, i in enumerate(numbers):
        for k in shown(i):
            first = 2 * (N_PLANTED * (i % len(TYPES)) + k)
            maxima[row, first : first + 2] += 8
            projected[row, :4, first] += 4
    pooled = (maxima[:, :N_FILTERS] * rng.uniform(0.1, 0.4, (n, N_FILTERS))).astype(np.float16)
    hashes = rng.integers(0, 1 << 63, n)
    images = [
        {"record": str(i), "width": 96, "height": 96, "status": "ok", "phash": f"{value:016x}", "row": row}
        for row, (i, value) in enumerate(zip(numbers, hashes.tolist(), strict=True))
    ]
    cells = rng.integers(0, GRID**2, (n, n_items)).astype(np.uint8)
    activations = Activations(maxima, cells, pooled, projected.astype(np.float16))
    return EncodedShard(pa.Table.from_pylist(images, schema=IMAGES), activations, "generated", {})


def _cut(context: Context) -> Shards:
    records = context.corpus.records.select(["record"])
    items = [records.take(np.arange(at, min(at + SHARD, len(records)))) for at in range(0, len(records), SHARD)]
    return Shards(work=generate_shard, items=items, save=save_shard, sizes=[len(item) for item in items])


def stages() -> Iterator[Stage]:
    """Give the stages of a run, with generated encodings."""
    for stage in STAGES:
        yield replace(stage, cut=_cut) if isinstance(stage, ShardedStage) and stage.name == ENCODE.name else stage


class Meter:
    """Follows the memory of this process."""

    def __init__(self) -> None:
        self.own = 0

    @contextmanager
    def measuring(self, name: str) -> Iterator[None]:
        """Print the peaks while the block runs."""
        Path("/proc/self/clear_refs").write_text("5")
        self.own, done = 0, threading.Event()
        watch = threading.Thread(target=self._watch, args=(done,), daemon=True)
        watch.start()
        started = time.process_time()
        try:
            yield
        finally:
            done.set()
            watch.join()
            elapsed_s = time.process_time() - started
            peak, own = _status("VmHWM"), self.own
            print(f"{name:>14} {peak >> 10:7,} MB, its own {own >> 10:7,} MB, {elapsed_s:8.1f} CPU s", flush=True)  # noqa: T201

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(0.01):
            self.own = max(self.own, _status("RssAnon"))


def _status(name: str) -> int:
    """Return one number of kilobytes of this process."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def run_one(n: int, until: str) -> None:
    """Make a corpus of n records and run it, measuring every stage."""
    config = load_config(None, ["text.pipeline=blank:en", "label.ontology=news", f"visual.shard_size={SHARD}"])
    meter = Meter()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "corpus"
        write_corpus(folder, n)
        store = ArtefactStore(Path(temporary) / "stages")
        with meter.measuring("read"):
            corpus = open_corpus(str(folder), config.corpus, Silent())
            read, _ = keep_corpus(corpus, identify_corpus(corpus), store)
        pipeline = Pipeline(store, config, corpus, LocalExecutor(1), Silent(), 1, {"read": read})
        for stage in (LABEL, *stages()):
            with meter.measuring(stage.name):
                pipeline.run([stage])
            if stage.name == until:
                break


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", nargs="+", type=int, default=[5_000, 20_000, 100_000])
    parser.add_argument("--until", default="bundle", help="last stage")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    for n in args.records:
        if args.one:
            run_one(n, args.until)
            continue
        print(f"{n:,} records (asked: {ASKED_MB:,} MB for 100,000)", flush=True)  # noqa: T201
        command = [sys.executable, "-m", "tests.bench.memory", "--one", "--records", str(n), "--until", args.until]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()

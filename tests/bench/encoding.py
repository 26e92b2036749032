"""How fast pictures become items, beside the network alone: `python -m tests.bench.encoding [--corpus NAME] [--images N]`.

The same pictures in one run, in turns, each way in a process of its own that is warm (networks loaded, files in the page cache):

- *ours*: the encode stage's own shards, from files to files: read, decode, cut, hash, network, items, written arrays;
- *bare*: the network alone in ONNX Runtime (on a GPU: in torch), same outputs, same batches, which lie in memory already. On a CPU
  one session a core and one session with all cores; the faster one is what we are compared with;
- *torch eager*: the network alone in torch, as it is defined;
- *loader loop*: what clip-retrieval and timm's inference script do: a torch DataLoader with worker processes that decode and
  transform with Pillow and torchvision, and torch.

Every round runs each of them once, so that whatever else the machine does meets all of them. Ratios are taken within a round; the
median is printed. `CPU` is processor time of all threads and child processes: on a busy machine it says more than the clock.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import resource
import statistics
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import psutil  # type: ignore[import-untyped]

from corpora.records import read_corpus
from miner.config import RunConfig
from miner.run.executor import LocalExecutor, count_cores
from miner.run.visual_stages import cut_encoding
from miner.visual.engine import OnnxEngine, TorchEngine, choose_engine
from miner.visual.filters import fire_items
from miner.visual.images import cut, decode_image, normalise
from miner.visual.registry import load_backbone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from multiprocessing.connection import Connection

    import numpy.typing as npt

    from corpora.records import Corpus
    from miner.visual.activations import Maps

    Float32 = npt.NDArray[np.float32]
    Work = Callable[[], tuple[int, Mapping[str, float]]]

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
BATCH_SIZE = 16
"""Of a loader loop, of torch, and of a bare network beside that of our own engine."""
HELD = 8
"""Batches that a bare network goes through again and again; more would only cost memory."""
FEWER = {"torch eager": 16, "loader loop": 8}
"""What is several times slower gets so many times fewer pictures."""


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        corpus: Folder.
        images: Pictures of a round.
        rounds: Rounds.
        workers: Numbers of workers of ours and of the bare network.
        kind: Which engine ours has.
    """

    corpus: str
    images: int
    rounds: int
    workers: tuple[int, ...]
    kind: str


class Took(NamedTuple):
    """What one turn took; seconds by part are of all threads together."""

    images: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    parts: Mapping[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default="flickr-dev", help="of shared/data, or a path")
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, count_cores()])
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="cuda: stop where there is none"
    )
    parser.add_argument("--agree", type=int, default=256, metavar="N", help="pictures on which both engines must agree")
    given = parser.parse_args()
    chosen = choose_engine()
    if given.device == "cuda" and chosen != "torch":
        raise SystemExit("--device cuda: torch finds no GPU on this machine, so nothing was measured")
    location = DATA / given.corpus if (DATA / given.corpus).is_dir() else Path(given.corpus)
    kind = "onnx" if given.device == "cpu" else chosen
    options = Options(str(location), given.images, given.rounds, tuple(sorted(set(given.workers))), kind)
    say(f"{location.name}: {options.images:,} pictures a round, {options.rounds} rounds, {count_cores()} cores, {kind}")
    report(options, measure(options, ways(options)))
    if given.agree:
        agree(options, given.agree)


def ways(options: Options) -> list[str]:
    ours = [f"ours, {n}" for n in options.workers]
    if options.kind == "torch":
        return [*ours, "bare", "loader loop"]
    most = options.workers[-1]
    layouts = [(most, 1, OnnxEngine.batch_size), (most, 1, BATCH_SIZE), (1, most, BATCH_SIZE)]
    bare = [f"bare, {sessions} x {threads} of {size}" for sessions, threads, size in dict.fromkeys(layouts)]
    return [*ours, *bare, "torch eager", "loader loop"]


def measure(options: Options, names: Sequence[str]) -> dict[str, list[Took]]:
    """Let each way have its turn in every round; only one works at a time."""
    context = multiprocessing.get_context("spawn")
    crew = {}
    for name in names:
        here, there = context.Pipe()
        process = context.Process(target=serve, args=(name, options, there), daemon=False)
        process.start()
        there.close()
        if here.recv() is None:
            crew[name] = (here, process)
    found: dict[str, list[Took]] = {name: [] for name in names}
    for _ in range(options.rounds):
        for name, (here, _process) in crew.items():
            here.send("go")
            found[name].append(here.recv())
    for here, process in crew.values():
        here.send("stop")
        process.join()
    return found


def serve(name: str, options: Options, pipe: Connection) -> None:
    """Make ready, warm up, then work whenever asked to."""
    work = prepare(name, options)
    work()
    pipe.send(None)
    while pipe.recv() == "go":
        cpu, start = cpu_s(), time.perf_counter()
        images, parts = work()
        wall = time.perf_counter() - start
        pipe.send(Took(images, wall, cpu_s() - cpu, peak_mb(), parts))


def cpu_s() -> float:
    """Return the processor seconds of this process and of those it has started."""
    own = psutil.Process()
    times = [each.cpu_times() for each in (own, *own.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def peak_mb() -> float:
    """Return the most memory this process had, and what those it has started have."""
    started = sum(each.memory_info().rss for each in psutil.Process().children(recursive=True))
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 + started / 2**20)


def prepare(name: str, options: Options) -> Work:
    what, _, how = name.partition(", ")
    images = options.images // FEWER.get(what, 1)
    corpus = shorten(options.corpus, images)
    if what == "ours":
        return ours(corpus, int(how))
    if what == "loader loop":
        return loader_loop(corpus, options)
    if what == "torch eager" or options.kind == "torch":
        size = BATCH_SIZE if what == "torch eager" else TorchEngine.batch_size
        return eager(held_batches(corpus, size), images, cpu=what == "torch eager")
    sessions, threads, size = (int(number) for number in re.findall(r"\d+", how))
    engines = [OnnxEngine(load_backbone(RunConfig().visual.backbone), threads=threads) for _ in range(sessions)]
    return in_turns([engine.forward for engine in engines], held_batches(corpus, size), images)


def shorten(location: str, images: int) -> Corpus:
    corpus = read_corpus(location)
    return replace(corpus, records=corpus.records.slice(0, images))


def ours(corpus: Corpus, workers: int) -> Work:
    size = min(256, -(-corpus.records.num_rows // workers))
    config = RunConfig.model_validate({"visual": {"shard_size": size}})

    def work() -> tuple[int, Mapping[str, float]]:
        parts: Counter[str] = Counter()
        with tempfile.TemporaryDirectory() as folder:
            shards = cut_encoding(corpus, config)

            def keep(index: int, shard: Any) -> None:  # noqa: ANN401 - as the stage makes it
                parts.update(shard.elapsed_s)
                start = time.thread_time()
                directory = Path(folder) / str(index)
                directory.mkdir()
                shards.save(shard, directory)
                parts["write"] += time.thread_time() - start  # type: ignore[assignment]

            LocalExecutor(workers).map(shards.work, shards.items, on_result=keep)
        return corpus.records.num_rows, parts

    return work


def files_of(corpus: Corpus) -> Iterable[bytes]:
    return (corpus.images.open(image) for image in corpus.records["image"].to_pylist())


def held_batches(corpus: Corpus, size: int) -> list[Float32]:
    backbone = load_backbone(RunConfig().visual.backbone)
    few = replace(corpus, records=corpus.records.slice(0, HELD * size))
    pixels = np.stack([cut(decode_image(data, max_pixels=10**8), backbone)[0] for data in files_of(few)])
    return [normalise(pixels[at : at + size], backbone) for at in range(0, len(pixels), size)]


def in_turns(forwards: Sequence[Callable[[Float32], Maps]], batches: Sequence[Float32], images: int) -> Work:
    """Deal batches out to networks, each on a thread of its own."""
    rounds = max(len(forwards), images // len(batches[0]))

    def run(place: int) -> int:
        return sum(
            len(forwards[place](batches[turn % len(batches)]).filters) for turn in range(place, rounds, len(forwards))
        )

    def work() -> tuple[int, Mapping[str, float]]:
        with ThreadPoolExecutor(len(forwards)) as pool:
            return sum(pool.map(run, range(len(forwards)))), {}

    return work


def eager(batches: Sequence[Float32], images: int, *, cpu: bool) -> Work:
    """Run torch alone; on a GPU the batches lie there already and nothing comes back but the end."""
    import torch  # noqa: PLC0415 - seconds to import

    from miner.visual.network import build_network  # noqa: PLC0415 - imports torch

    device = "cpu" if cpu else "cuda"
    network = build_network(load_backbone(RunConfig().visual.backbone)).to(device)
    there = [torch.from_numpy(batch).to(device) for batch in batches]
    rounds = max(1, images // len(batches[0]))

    def work() -> tuple[int, Mapping[str, float]]:
        with torch.inference_mode():
            done = sum(len(network(there[turn % len(there)])[0]) for turn in range(rounds))
            if not cpu:
                torch.cuda.synchronize()
        return done, {}

    return work


class Loaded:
    """A torch dataset of a corpus, as loops for inference have it."""

    def __init__(self, corpus: Corpus) -> None:
        from torchvision import transforms  # noqa: PLC0415 - optional

        backbone = load_backbone(RunConfig().visual.backbone)
        self._source, self._names = corpus.images, corpus.records["image"].to_pylist()
        self._transform = transforms.Compose(
            [
                transforms.Resize(backbone.short_side),
                transforms.CenterCrop(backbone.input_size),
                transforms.ToTensor(),
                transforms.Normalize([value / 255 for value in backbone.mean], [value / 255 for value in backbone.std]),
            ]
        )

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, place: int) -> Any:  # noqa: ANN401 - a tensor
        import io  # noqa: PLC0415 - in worker processes alone

        from PIL import Image  # noqa: PLC0415

        return self._transform(Image.open(io.BytesIO(self._source.open(self._names[place]))).convert("RGB"))


def loader_loop(corpus: Corpus, options: Options) -> Work:
    import torch  # noqa: PLC0415 - seconds to import
    from torch.utils.data import DataLoader  # noqa: PLC0415

    from miner.visual.network import build_network  # noqa: PLC0415 - imports torch

    device = "cuda" if options.kind == "torch" else "cpu"
    network = build_network(load_backbone(RunConfig().visual.backbone)).to(device)
    loader: DataLoader[Any] = DataLoader(
        Loaded(corpus),  # type: ignore[arg-type]
        batch_size=BATCH_SIZE,
        num_workers=options.workers[-1],
        multiprocessing_context="spawn",
        persistent_workers=True,
    )

    def work() -> tuple[int, Mapping[str, float]]:
        with torch.inference_mode():
            features = [network(batch.to(device))[0].mean(dim=(2, 3)).cpu().numpy() for batch in loader]
        return len(np.concatenate(features)), {}

    return work


def report(options: Options, found: Mapping[str, list[Took]]) -> None:
    say(f"\n{'way':<22}{'images/s':>10}{'CPU ms/image':>14}{'peak MB':>9}")
    for name, turns in found.items():
        rate = statistics.median(took.images / took.wall_s for took in turns)
        cpu = statistics.median(took.cpu_s / took.images for took in turns)
        say(f"{name:<22}{rate:>10,.1f}{1e3 * cpu:>14.2f}{max(took.peak_mb for took in turns):>9,.0f}")
    most = options.workers[-1]
    mine = found[f"ours, {most}"]
    parts = sum((Counter(took.parts) for took in mine), Counter[str]())
    total = sum(parts.values())
    say("\nours, seconds of all threads by part: " + ", ".join(f"{n} {v / total:.1%}" for n, v in parts.most_common()))
    for other in found:
        if not other.startswith("ours"):
            compare(f"ours / {other}", mine, found[other])
    if len(options.workers) > 1:
        least = options.workers[0]
        compare(f"{most} workers / {least}", mine, found[f"ours, {least}"])


def compare(what: str, mine: Sequence[Took], other: Sequence[Took]) -> None:
    pairs = list(zip(mine, other, strict=True))
    rates = [a.images / a.wall_s / (b.images / b.wall_s) for a, b in pairs]
    cpus = [b.cpu_s / b.images / (a.cpu_s / a.images) for a, b in pairs]
    shown = ", ".join(f"{rate:.2f}" for rate in rates)
    say(f"{what}: {statistics.median(rates):.2f} by the clock ({shown}), {statistics.median(cpus):.2f} by CPU")


def agree(options: Options, images: int) -> None:
    """Let both engines see the same pictures and say how many items fire in the same ones."""
    visual = RunConfig().visual
    backbone = load_backbone(visual.backbone)
    corpus = shorten(options.corpus, images)
    pixels = np.stack([cut(decode_image(data, max_pixels=10**8), backbone)[0] for data in files_of(corpus)])
    engines = (OnnxEngine(backbone, threads=count_cores()), TorchEngine(backbone))
    fires, values = [], []
    for engine in engines:
        maxima = []
        for at in range(0, len(pixels), BATCH_SIZE):
            maps = engine.forward(normalise(pixels[at : at + BATCH_SIZE], backbone))
            maxima.append(np.concatenate([each.max(axis=(2, 3)) for each in maps], axis=1))
        values.append(np.concatenate(maxima))
        _, fired = fire_items(values[-1].astype(np.float16), np.arange(len(pixels)), backbone, visual)
        rows = np.repeat(np.arange(len(pixels)), np.diff(fired.indptr))
        fires.append(set(zip(rows.tolist(), fired.indices.tolist(), strict=True)))
    share = len(fires[0] & fires[1]) / max(1, len(fires[0] | fires[1]))
    apart = float(np.abs(values[0] - values[1]).max())
    say(
        f"\n{engines[0].label} and {engines[1].label}, {len(pixels)} pictures: {share:.3%} of the items that fire in either fire in both"
    )
    say(f"largest difference of a maximum: {apart:.1e}")


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    main()

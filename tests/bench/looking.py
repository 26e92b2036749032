"""Extraction from pictures compared with encoding alone, in processor time: `python -m tests.bench.looking RUN CORPUS [--pictures 1024]`.

The same pictures are encoded as `eventminer run` does and looked at as `eventminer extract` does, 128 by turns, with one thread.
"""

# ruff: noqa: T201 - a command

from __future__ import annotations

import argparse
import time
from collections import Counter
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from corpora.texts import open_new
from miner.run.engines import kind_of
from miner.run.job import Place, open_executor
from miner.run.known import of_folder
from miner.run.picture_extraction import open_looker
from miner.run.progress import Silent
from miner.run.visual_stages import encode_records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from corpora.texts import NewRecord
    from miner.run.executor import Executor
    from miner.run.picture_extraction import Looker

PART = 128


def encode(looker: Looker, executor: Executor, records: Sequence[NewRecord]) -> None:
    """Encode pictures, and do nothing with what comes of it."""
    config, kind = looker.config, kind_of(executor.engine)
    work = partial(encode_records, source=looker.source, config=config.visual, seed=config.seed, kind=kind)
    executor.map(work, looker.tables(records), on_result=lambda _index, _shard: None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("corpus")
    parser.add_argument("--pictures", type=int, default=1_024)
    asked = parser.parse_args()
    known, counts = of_folder(asked.run), Counter[str]()
    new = open_new(asked.corpus, counts)
    if new.images is None:
        raise SystemExit(f"{asked.corpus} has no pictures")
    records = list(islice((record for record in new.records if record.image and not record.code), asked.pictures))
    with open_executor(Place(n_threads=1)) as executor:
        looker = open_looker(known, new.images, executor, Silent(), counts)
        ways: list[Callable[[Sequence[NewRecord]], object]] = [looker.look, partial(encode, looker, executor)]
        spent = [0.0, 0.0]
        looker.look(records[:PART])
        for number, start in enumerate(range(0, len(records), PART)):
            for way in (0, 1) if number % 2 else (1, 0):
                before = time.process_time()
                ways[way](records[start : start + PART])
                spent[way] += time.process_time() - before
    print(
        f"{len(records)} pictures: extraction {len(records) / spent[0]:.1f}/s, encoding {len(records) / spent[1]:.1f}/s "
        f"of processor time, ratio {spent[1] / spent[0]:.3f}"
    )


if __name__ == "__main__":
    main()

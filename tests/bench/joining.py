"""How often a sentence and a picture of one document that are joined belong together: `python -m tests.bench.joining RUN CORPUS [--unseen]`.

No corpus here has documents with several pictures, so documents are made up: records with an event of one type in a caption and in
their picture, put together at random, without saying which caption is of which picture. What is joined should be of one record.
"""

# ruff: noqa: T201 - a command

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from corpora.texts import NewCorpus, open_new
from kb.extract.fuse import fuse
from kb.extract.likeness import Likeness
from miner.run.extraction import Extraction, TextPlace, evoked_by
from miner.run.job import Place, open_executor
from miner.run.known import of_folder
from miner.run.picture_extraction import open_looker
from miner.run.progress import Silent
from miner.store.formats import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb.extract.mention import Mention
    from miner.run.known import KnownRun

HIDDEN = "\0"


def extract(known: KnownRun, corpus: str, asked: argparse.Namespace) -> tuple[list[Mention], list[Mention]]:
    """Return what captions say and what pictures show."""
    counts: Counter[str] = Counter()
    new, place, said = open_new(corpus, counts), Place(n_threads=1), list["Mention"]()
    if new.images is None:
        raise SystemExit(f"{corpus} has no pictures")
    table = read_table(known.folder.artefact("read").file("records.parquet"), ["record"])
    seen = set(table["record"].to_pylist()) if asked.unseen else set()
    usable = (record for record in new.records if record.image and not record.code and record.id not in seen)
    records = [record._replace(texts=record.texts[: asked.captions]) for record in islice(usable, asked.pictures)]
    with open_executor(place) as executor:
        shown = open_looker(known, new.images, executor, Silent(), counts).look(records)
        TextPlace(known, place, executor).extract(NewCorpus(records).texts(), Extraction(said.append, counts))
    print(", ".join(f"{n} {reason}" for reason, n in counts.items()))
    return said, shown


def pair_up(said: Sequence[Mention], shown: Sequence[Mention]) -> dict[str, list[tuple[list[Mention], Mention]]]:
    """Return, by event type, the pictures whose captions speak of an event of that type, with those mentions."""
    words: dict[tuple[str, str], list[Mention]] = defaultdict(list)
    for mention in said:
        words[mention.record, mention.event_type].append(mention)
    found = defaultdict(list)
    for image in shown:
        if own := words.get((image.record, image.event_type)):
            found[image.event_type].append((own, replace(image, record=HIDDEN + image.record)))
    return found


def right_share(
    pairs: dict[str, list[tuple[list[Mention], Mention]]], size: int, likeness: Likeness | None, seed: int
) -> float:
    """Return the share of joined mentions whose words and picture are of one record, in documents of so many pictures."""
    rng, right = random.Random(seed), list[bool]()  # noqa: S311 - shuffles what is measured
    for _, own in sorted(pairs.items()):
        order = rng.sample(own, len(own))
        for start in range(0, len(order) - size + 1, size):
            part = order[start : start + size]
            texts = [replace(text, document="d") for words, _ in part for text in words]
            images = [replace(image, document="d") for _, image in part]
            for mention in fuse(rng.sample(texts, len(texts)), images, {}, likeness):
                if mention.trigger and mention.image:
                    right.append(mention.image.record == HIDDEN + mention.record)
    return float(np.mean(right))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("corpus")
    parser.add_argument("--pictures", type=int, default=1_200)
    parser.add_argument("--captions", type=int, default=2, help="of each record")
    parser.add_argument("--unseen", action="store_true", help="only records that the run does not have")
    parser.add_argument("--shuffles", type=int, default=20)
    asked = parser.parse_args()
    known = of_folder(asked.run)
    pairs = pair_up(*extract(known, asked.corpus, asked))
    print(f"{sum(map(len, pairs.values()))} pictures whose captions tell of an event of the same type")
    for size in (2, 4):
        for name, likeness in (("without", None), ("with", Likeness(evoked_by([known])))):
            shares = [right_share(pairs, size, likeness, seed) for seed in range(asked.shuffles)]
            print(f"{size} pictures a document, {name} likeness of words: {np.mean(shares):.3f} right")


if __name__ == "__main__":
    main()

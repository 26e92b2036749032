"""How well mentions of one event are found across documents, measured by photographs: headlines of one agency photo tell of one event.

`python -m tests.bench.coref RUN CORPUS` extracts from the headlines of a run's corpus, resolves the mentions **without their
pictures**, and compares the pairs with the photo groups of the run. It is a silver standard: two photographs of one event count as two
events, so precision is a lower bound; a stock photo makes one of two events, so recall is one too. Pairs whose groups have an even
number were looked at while the weights were set; the others were not.
"""

# ruff: noqa: T201 - a command

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from corpora.texts import open_new
from kb.extract.clues import Clues, read_clues
from kb.extract.coref import resolve
from miner.run.extracting import extract_all
from miner.run.extraction import Extraction, read_vectors
from miner.run.job import Place
from miner.run.known import of_folder
from miner.run.progress import Silent
from miner.store.formats import read_array, read_table

SIDES = ("even", "odd")
Likeness = Callable[[str, str], float | None]


def photographs(run: Path) -> dict[str, int]:
    """Return the photo group of each record that has a usable picture."""
    artefact = of_folder(run).folder.artefact("groups")
    images = read_table(artefact.file("images.parquet"), ["record", "row"])
    records = images.filter(images["row"].is_valid())["record"].to_pylist()
    return dict(zip(records, read_array(artefact.file("groups.npy")).tolist(), strict=True))


def read_mentions(run: Path, corpus: str) -> list[Clues]:
    """Extract from the texts of a corpus; pictures are not looked at."""
    found: list[Clues] = []
    out = Extraction(lambda m: found.append(read_clues(str(len(found)), m.as_json())), Counter())
    new = open_new(corpus, Counter(), images=False)
    extract_all(of_folder(run), new, Place(n_threads=1), Silent(), out)
    return [replace(one, document=one.document.lstrip("\0")) for one in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("corpus")
    parser.add_argument("--thresholds", type=float, nargs="*", default=[0.3, 0.5, 0.7, 0.9])
    parser.add_argument(
        "--show", type=int, default=0, help="print so many of the pairs of different photographs, to be read"
    )
    asked = parser.parse_args()
    group_of = photographs(asked.run)
    mentions = [one for one in read_mentions(asked.run, asked.corpus) if one.document in group_of]
    words, vectors = read_vectors(of_folder(asked.run).folder)
    rows = {word: row for row, word in enumerate(words)}

    def likeness(one: str, other: str) -> float | None:
        known = one in rows and other in rows
        return float(vectors[rows[one]] @ vectors[rows[other]]) if known else None

    place = {one.id: one for one in mentions}
    for side, name in enumerate(SIDES):
        own = [one for one in mentions if group_of[one.document] % 2 == side]
        gold = {
            frozenset((a.document, b.document))
            for a, b in combinations(own, 2)
            if a.event_type == b.event_type
            and a.document != b.document
            and group_of[a.document] == group_of[b.document]
        }
        print(f"{name}: {len(own)} mentions, {len(gold)} pairs of records of one photograph with an event of one type")
        for threshold in asked.thresholds:
            found = {
                frozenset((place[same.first].document, place[same.second].document))
                for same in resolve(own, threshold=threshold, likeness=likeness)
            }
            right = len(found & gold)
            print(
                f"  threshold {threshold}: {len(found)} pairs found, precision {right / max(len(found), 1):.3f}, "
                f"recall {right / max(len(gold), 1):.3f}"
            )
        if asked.show:
            _show(own, likeness, group_of, asked)


def _show(own: list[Clues], likeness: Likeness, group_of: dict[str, int], asked: argparse.Namespace) -> None:
    texts = {text.document: text.text for text in open_new(asked.corpus, Counter(), images=False).texts()}
    place = {one.id: one.document for one in own}
    pairs = [(same, place[same.first], place[same.second]) for same in resolve(own, likeness=likeness)]
    others = [pair for pair in pairs if group_of[pair[1]] != group_of[pair[2]]]
    for same, first, second in random.Random(0).sample(others, min(asked.show, len(others))):  # noqa: S311 - chooses what to read
        print(f"    {same.score:.2f} {texts[first]}\n         {texts[second]}")


if __name__ == "__main__":
    main()

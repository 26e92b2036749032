"""How fast captions are parsed on one core, beside spaCy's own rates in the same run.

`python -m tests.bench.captions [--corpus ../shared/data/flickr-dev …] [--rounds 3]`: chunks of 1,024 captions, one after the other through

- *tagger*: spaCy's tokenizer, shared vectors and tagger alone, results thrown away;
- *bare*: the parts of spaCy's pipeline that a run uses, results thrown away: tokenizer, tagger, parser, lemmas, and entities in captions that could
  hold a name;
- *ours*: the same with all that is kept (words, lemmas, grammar, noun phrases, entities, language) in an Arrow table;
- *items*: from parsed captions to their content words, phrases and text items.

Processor seconds of one thread; least of the rounds for each chunk, summed, because whatever else the machine does only adds.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from corpora.texts import open_new
from miner.config import TextConfig
from miner.text.captions import BATCH_CAPTIONS, CHUNK_CAPTIONS, CaptionOptions, cut_chunks, parse_chunk
from miner.text.captions import read_texts as parse_texts
from miner.text.items import CaptionItems
from miner.text.learn import learn_items
from miner.text.pipeline import open_pipeline, resolve_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from spacy.language import Language

SHARED = Path(__file__).parents[3] / "shared" / "data"
AIM = 5_000
"""Captions a second asked for, unless spaCy itself is slower."""


def measure(work: Sequence[Callable[[int], object]], n_chunks: int, rounds: int) -> list[float]:
    """Return the least processor seconds of each kind of work, summed over the chunks; the kinds take turns."""
    least = [[float("inf")] * n_chunks for _ in work]
    for _ in range(rounds):
        for chunk in range(n_chunks):
            for kind, do in enumerate(work):
                started = time.thread_time()
                do(chunk)
                least[kind][chunk] = min(least[kind][chunk], time.thread_time() - started)
    return [sum(chunks) for chunks in least]


def read_captions(corpora: Sequence[str], n: int) -> list[str]:
    found: list[str] = []
    for corpus in corpora:
        texts = (text.text for text in open_new(corpus, Counter(), images=False).texts())
        found += [text for text, _ in zip(texts, range(n // len(corpora)), strict=False)]
    return found


def only_tagged(nlp: Language, texts: Sequence[str]) -> None:
    with nlp.memory_zone(), nlp.select_pipes(enable=["tok2vec", "tagger"]):
        for _ in nlp.pipe(texts, batch_size=BATCH_CAPTIONS):
            pass


def only_parsed(nlp: Language, texts: Sequence[str]) -> None:
    with nlp.memory_zone():
        parse_texts(nlp, texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", nargs="+", default=[str(SHARED / "flickr-dev"), str(SHARED / "news-dev")])
    parser.add_argument("--captions", type=int, default=8 * CHUNK_CAPTIONS)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    texts = read_captions(args.corpus, args.captions)
    options = CaptionOptions(resolve_pipeline())
    nlp = open_pipeline(options.pipeline)
    chunks = cut_chunks([str(i) for i in range(len(texts))], [[text] for text in texts])
    parsed: list[pa.Table] = [parse_chunk(chunk, options) for chunk in chunks[:2]]
    learned = learn_items(parsed[0], _no_masks(parsed[0]), TextConfig(epochs=1))
    kept = {i: parse_chunk(chunk, options) for i, chunk in enumerate(chunks)}
    work: dict[str, Callable[[int], object]] = {
        "tagger": lambda i: only_tagged(nlp, chunks[i].texts),
        "bare": lambda i: only_parsed(nlp, chunks[i].texts),
        "ours": lambda i: parse_chunk(chunks[i], options),
        "items": lambda i: CaptionItems(kept[i], _no_masks(kept[i]), learned.items).table(),
    }
    with threadpool_limits(1):
        seconds = dict(zip(work, measure(list(work.values()), len(chunks), args.rounds), strict=True))
    for name, elapsed_s in seconds.items():
        print(f"{name:>7}: {len(texts) / elapsed_s:8,.0f} captions/s/core")  # noqa: T201 - a command
    both = seconds["ours"] + seconds["items"]
    print(  # noqa: T201
        f"ours and items: {len(texts) / both:,.0f} captions/s/core (asked: {AIM:,}, or 0.9 of spaCy itself); "
        f"parsing {seconds['bare'] / seconds['ours']:.2f} and with items {seconds['bare'] / both:.2f} of spaCy's bare rate; "
        f"spaCy's tagger alone reaches {len(texts) / seconds['tagger']:,.0f}"
    )


def _no_masks(captions: pa.Table) -> list[list[bool]]:
    return [[False] * len(row) for row in captions["starts"].to_pylist()]


if __name__ == "__main__":
    main()

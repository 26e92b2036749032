"""Versions of the libraries whose code bears on results; they enter the keys of artefacts."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

RESULT_BEARING = (
    "eventminer",
    "gensim",
    "mlxtend",
    "numba",
    "numpy",
    "onnxruntime",
    "pillow",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "snowballstemmer",
    "spacy",
    "torch",
)


def library_versions(names: Iterable[str] = RESULT_BEARING) -> dict[str, str]:
    """Return the installed version of each package; an absent one has an empty version."""
    return {name: _find_version(name) for name in names}


def _find_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""

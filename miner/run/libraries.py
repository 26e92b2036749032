"""Versions of the libraries whose code bears on results; they enter the keys of artefacts."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from miner.errors import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

INSTALL = "Install the same eventminer wherever workers run; docs/clusters.md has an image and how to use it."

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


@lru_cache(maxsize=1)
def library_versions_here() -> Mapping[str, str]:
    """Return the versions of this process, looked up once: it takes as long as a small shard."""
    return library_versions()


def require_alike(here: Mapping[str, str], there: Mapping[str, str], where: str) -> None:
    """Refuse a worker whose results could differ.

    Args:
        here: Versions of the process that wants work done.
        there: Of the worker.
        where: What to call the worker.

    Raises:
        ExecutorError: They differ.
    """
    for name, wanted in here.items():
        if there.get(name) != wanted:
            raise ExecutorError(
                f"{where} has {name} {there.get(name) or 'not at all'}, this process has {wanted}.",
                hint=f"Results could differ. {INSTALL}",
            )


def _find_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""

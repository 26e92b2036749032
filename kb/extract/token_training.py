"""What token encoders learn from: first silver captions, then gold sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kb.extract.arguments import Pairs, label_of_pairs
from kb.extract.pairs import find_fillers
from kb.extract.tokens import Plan, TokenEncoder
from kb.extract.triggers import candidate_tokens, class_of_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kb.extract.arguments import Roles
    from kb.extract.examples import Example
    from kb.extract.model import TextModel
    from kb.extract.pairs import Filler

__all__ = ["GOLD_PLAN", "SILVER_PLAN", "learn_encoder", "pairs_to_learn"]

SILVER_PLAN = Plan(epochs=2, layer_rate=1e-4, head_rate=1e-3)
GOLD_PLAN = Plan(epochs=2, layer_rate=5e-5, head_rate=5e-4)


def learn_encoder(
    examples: Sequence[Example],
    model: TextModel,
    plan: Plan = SILVER_PLAN,
    advance: Callable[[int], None] | None = None,
) -> TokenEncoder:
    """Fine-tune the encoder to silver captions.

    Args:
        examples: Aligned captions.
        model: What `kb.extract.learning.learn_silver` learnt from them; its lexicon says what is a candidate.
        plan: How to fine-tune.
        advance: Is told how many captions have been seen.

    Raises:
        ConfigError: The package of the encoder is not installed.
    """
    encoder = TokenEncoder(1 + len(model.types), 1 + len(model.roles.names))
    sentences = []
    for example in examples:
        tokens = candidate_tokens(example.parsed, model.lexicon)
        if tokens:
            triggers = zip(tokens, class_of_tokens(example, tokens, model.types), strict=True)
            pairs = pairs_to_learn(example, find_fillers(example.parsed), model.roles, silver=True)
            sentences.append(encoder.mark(example.parsed, triggers, pairs))
    return encoder.learn(sentences, plan, advance)


def pairs_to_learn(
    example: Example, fillers: Sequence[Filler], roles: Roles, *, silver: bool
) -> Iterator[tuple[int, int, int]]:
    """Yield the trigger, the head of the candidate and the role of each pair; of silver triggers those with arguments."""
    nothing = np.zeros((0, 0), np.float32)
    for event in example.events:
        if event.event_type and (event.arguments or not silver):
            apart = [filler for filler in fillers if not filler.start <= event.trigger < filler.end]
            pairs = Pairs(event.trigger, event.event_type, apart, [], [], nothing)
            labels = label_of_pairs(example, pairs, event.arguments, roles)
            yield from ((event.trigger, f.root, label) for f, label in zip(apart, labels, strict=True))

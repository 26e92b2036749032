"""MiniLM with a head for triggers and one for roles, in torch: how it reads sentences, and how its upper layers are fine-tuned.

The lower layers stay as they are, so what they make of the training sentences is computed once. Training runs with one
thread and a seed of its own: equal sentences give equal weights on one kind of processor.

Source: Devlin et al., "BERT" (NAACL 2019); Wang et al., "MiniLM" (NeurIPS 2020).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kb.extract.softmax import Float32s
    from kb.extract.tokens import Marked, Plan, Tensors

__all__ = ["TokenNetwork", "fine_tune", "open_network", "read_pieces"]

N_DIMS = 384
N_LAYERS = 6
N_FROZEN = 3
N_HEADS = 12
N_INNER = 1536
N_WORDS = 30_522
N_PLACES = 512
N_HIDDEN = 256
NORM_EPSILON = 1e-12
LAYER_DROPOUT = 0.1
HEAD_DROPOUT = 0.2

BATCH = 16
WARM_UP = 0.1
LEAST_RATE = 0.02
DECAY = 0.01
LONGEST_STEP = 1.0

TRAINED = ("triggers.", "roles.", *(f"layers.{number}." for number in range(N_FROZEN, N_LAYERS)))


class _Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.mixed = nn.Linear(N_DIMS, 3 * N_DIMS), nn.Linear(N_DIMS, N_DIMS)
        self.inner, self.outer = nn.Linear(N_DIMS, N_INNER), nn.Linear(N_INNER, N_DIMS)
        self.norm, self.last_norm = (nn.LayerNorm(N_DIMS, eps=NORM_EPSILON) for _ in range(2))
        self.dropout = nn.Dropout(LAYER_DROPOUT)

    def forward(self, states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        n, length, _ = states.shape
        query, key, value = self.qkv(states).view(n, length, 3, N_HEADS, N_DIMS // N_HEADS).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed = self.mixed(seen.transpose(1, 2).reshape(n, length, N_DIMS))
        states = self.norm(states + self.dropout(mixed))
        found: torch.Tensor = self.last_norm(states + self.dropout(self.outer(functional.gelu(self.inner(states)))))
        return found


class TokenNetwork(nn.Module):
    """The layers of MiniLM with two heads; parameters have the names under which they are kept."""

    def __init__(self, n_types: int, n_roles: int) -> None:
        """Make it, with weights of chance."""
        super().__init__()
        self.words, self.places = nn.Embedding(N_WORDS, N_DIMS), nn.Embedding(N_PLACES, N_DIMS)
        self.segments, self.norm = nn.Embedding(2, N_DIMS), nn.LayerNorm(N_DIMS, eps=NORM_EPSILON)
        self.layers = nn.ModuleList(_Layer() for _ in range(N_LAYERS))
        self.triggers = nn.Linear(N_DIMS, n_types)
        self.roles = nn.Sequential(
            nn.Linear(3 * N_DIMS, N_HIDDEN), nn.GELU(), nn.Dropout(HEAD_DROPOUT), nn.Linear(N_HIDDEN, n_roles)
        )
        self.dropout = nn.Dropout(HEAD_DROPOUT)

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """Return what the first layer reads of word pieces, (n, length, 384)."""
        found: torch.Tensor = self.norm(self.words(ids) + self.places.weight[: ids.shape[1]] + self.segments.weight[0])
        return found

    def climb(self, states: torch.Tensor, mask: torch.Tensor | None, first: int, last: int) -> torch.Tensor:
        """Return what the layers from `first` to before `last` make of states."""
        for layer in list(self.layers)[first:last]:
            states = layer(states, mask)
        return states

    def loss(self, states: torch.Tensor, sentences: Sequence[Marked]) -> torch.Tensor:
        """Return the cross entropy of candidates plus that of pairs."""
        states = self.dropout(states)
        found = states.new_zeros(())
        rows = [(n, piece, label) for n, one in enumerate(sentences) for piece, label in one.triggers]
        if rows:
            n, piece, labels = torch.tensor(rows).T
            found = found + functional.cross_entropy(self.triggers(states[n, piece]), labels)
        pairs = [(n, *pair) for n, one in enumerate(sentences) for pair in one.pairs]
        if pairs:
            n, trigger, piece, labels = torch.tensor(pairs).T
            one, other = states[n, trigger], states[n, piece]
            found = found + functional.cross_entropy(self.roles(torch.cat([one, other, one * other], -1)), labels)
        return found


def open_network(base: Tensors, tuned: Tensors, n_types: int, n_roles: int) -> TokenNetwork:
    """Return the network with the weights of MiniLM, and of its trained part what was learnt.

    Args:
        base: Tensors of `model.safetensors` of all-MiniLM-L6-v2.
        tuned: What `fine_tune` returned; where there is nothing, the heads are new.
        n_types: Classes of triggers.
        n_roles: Classes of roles.
    """
    with _steady(0):
        network = TokenNetwork(n_types, n_roles)
    weights = {**_renamed(base), **tuned}
    # Words are shared by all networks. Columns first, since a single sentence is then multiplied nearly twice as fast.
    owned = ("layers.", *TRAINED)
    arrays = {name: np.array(a, order="F") if name.startswith(owned) else a for name, a in weights.items()}
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    network.load_state_dict(tensors, strict=bool(tuned), assign=True)
    network.requires_grad_(requires_grad=False).eval()
    return network


def _renamed(base: Tensors) -> dict[str, Float32s]:
    bare = {name.removeprefix("bert."): array for name, array in base.items()}
    names = {"words": "word_embeddings", "places": "position_embeddings", "segments": "token_type_embeddings"}
    found = {f"{ours}.weight": bare[f"embeddings.{theirs}.weight"] for ours, theirs in names.items()}
    parts = {
        "mixed": "attention.output.dense",
        "norm": "attention.output.LayerNorm",
        "inner": "intermediate.dense",
        "outer": "output.dense",
        "last_norm": "output.LayerNorm",
    }
    for kind in ("weight", "bias"):
        found[f"norm.{kind}"] = bare[f"embeddings.LayerNorm.{kind}"]
        for number in range(N_LAYERS):
            theirs = f"encoder.layer.{number}"
            attention = [bare[f"{theirs}.attention.self.{name}.{kind}"] for name in ("query", "key", "value")]
            found[f"layers.{number}.qkv.{kind}"] = np.concatenate(attention)
            found |= {f"layers.{number}.{ours}.{kind}": bare[f"{theirs}.{name}.{kind}"] for ours, name in parts.items()}
    return found


def read_pieces(networks: Sequence[TokenNetwork], sentences: Sequence[Sequence[int]]) -> list[tuple[Float32s, ...]]:
    """Return the vectors of the word pieces of each sentence by each network, float32, (n_pieces, 384).

    Each sentence is read by itself, so they are the same bit for bit whatever else is read; in a batch, what a sentence is padded
    to and in which order sums are taken would depend on its neighbours. The frozen layers are those of the first network: they are
    the same in all.
    """
    found = []
    with _steady(0), torch.no_grad():
        for ids in sentences:
            low = _climb_frozen(networks[0], ids)
            found.append(tuple(one.climb(low, None, N_FROZEN, N_LAYERS)[0].numpy() for one in networks))
    return found


def _climb_frozen(network: TokenNetwork, ids: Sequence[int]) -> torch.Tensor:
    """Return what the frozen layers make of a sentence, (1, n_pieces, 384)."""
    return network.climb(network.embed(torch.tensor([ids])), None, 0, N_FROZEN)


def fine_tune(
    network: TokenNetwork, sentences: Sequence[Marked], plan: Plan, advance: Callable[[int], None] | None = None
) -> dict[str, Float32s]:
    """Fit the upper layers and the heads of a network, and leave it ready to read.

    Args:
        network: Of `open_network`.
        sentences: To learn from; what the frozen layers make of them is kept in memory, 0.8 KB for a word piece.
        plan: How.
        advance: Is told how many sentences have been seen.

    Returns:
        What was trained, as `open_network` takes it.
    """
    with _steady(plan.seed):
        with torch.no_grad():
            # Half precision, since all of it is kept.
            lower = [_climb_frozen(network, one.ids)[0].half() for one in sentences]
        batches = _batches([len(one.ids) for one in sentences], BATCH)
        trained = {name: weight for name, weight in network.named_parameters() if name.startswith(TRAINED)}
        for weight in trained.values():
            weight.requires_grad_()
        network.train()
        optimizer, schedule = _optimizer(trained, plan, plan.epochs * len(batches))
        order = np.random.default_rng(plan.seed)
        for number in (n for _ in range(plan.epochs) for n in order.permutation(len(batches))):
            batch = batches[number]
            states, mask = _padded([lower[n].float() for n in batch])
            loss = network.loss(network.climb(states, mask, N_FROZEN, N_LAYERS), [sentences[n] for n in batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(trained.values(), LONGEST_STEP)
            optimizer.step()
            schedule.step()
            if advance:
                advance(len(batch))
        network.requires_grad_(requires_grad=False).eval()
        return {name: weight.detach().numpy().copy() for name, weight in trained.items()}


def _optimizer(
    trained: Mapping[str, nn.Parameter], plan: Plan, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Return AdamW with a rate that rises over the first tenth of the steps and then falls to almost nothing."""
    layers = [weight for name, weight in trained.items() if name.startswith("layers.")]
    heads = [weight for name, weight in trained.items() if not name.startswith("layers.")]
    groups = [{"params": layers, "lr": plan.layer_rate}, {"params": heads, "lr": plan.head_rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=DECAY)

    def rate(step: int) -> float:
        return min((step + 1) / (WARM_UP * steps + 1), max(LEAST_RATE, (steps - step) / steps))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate)


def _batches(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Return sentences of about the same length together."""
    ordered = sorted(range(len(lengths)), key=lengths.__getitem__)
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def _padded(rows: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return rows of different length as one tensor, and a mask of what is there, (n, 1, 1, length)."""
    lengths = torch.tensor([len(row) for row in rows])
    mask = torch.arange(int(lengths.max()))[None] < lengths[:, None]
    return nn.utils.rnn.pad_sequence(list(rows), batch_first=True), mask[:, None, None]


@contextmanager
def _steady(seed: int) -> Iterator[None]:
    """Compute with a seed of our own, and with one thread: several would add up in an order of chance.

    Threads and chance of the process are left as they were.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before)

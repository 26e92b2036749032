"""What of a corpus no pattern explains: photographs of an event type that are evidence of none of its patterns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from reports.review.shelf import Shelf

    Int64s = npt.NDArray[np.int64]
    Explaining = Mapping[str, Int64s]

NONE = np.empty(0, dtype=np.int64)
N_EXAMPLES = 18
N_WORDS = 12
LEAST_CAPTIONS = 3


@dataclass(frozen=True)
class Share:
    """How much of an event type is explained, in photographs.

    Attributes:
        event_type: Its id.
        n: Photographs with that label.
        accepted: Those that support an accepted pattern of the event type.
        waiting: Those that support none of these, but a pattern that nobody has decided about.
    """

    event_type: str
    n: int
    accepted: int
    waiting: int

    @property
    def unexplained(self) -> int:
        """Photographs that no pattern explains which is accepted or waits."""
        return self.n - self.accepted - self.waiting


@dataclass(frozen=True)
class Gap:
    """What the unexplained photographs of an event type show.

    Attributes:
        pictures: Rows of some of them.
        words: Words of their captions with the number of captions, the most telling first.
    """

    pictures: tuple[int, ...]
    words: tuple[tuple[str, int], ...]


class Coverage:
    """Counts photographs by event type.

    Args:
        shelf: The knowledge base.
    """

    def __init__(self, shelf: Shelf) -> None:
        """Find the photographs of every event type."""
        self._shelf = shelf
        images = shelf.images
        groups = pc.fill_null(images["photoGroup"], -1).to_numpy()
        labels = images["eventTypes"].combine_chunks()
        rows = pc.list_parent_indices(labels).to_numpy()
        flat = pc.list_flatten(labels).dictionary_encode()
        codes = flat.indices.to_numpy()
        self._pictures: dict[str, Int64s] = {}
        self._groups: dict[str, Int64s] = {}
        for code, name in enumerate(flat.dictionary.to_pylist()):
            own = rows[codes == code]
            kept, first = np.unique(groups[own], return_index=True)
            self._pictures[name], self._groups[name] = own[first][kept >= 0], kept[kept >= 0]

    def shares(self, accepted: Explaining, waiting: Explaining) -> list[Share]:
        """Count, by event type, what patterns explain.

        Args:
            accepted: For each event type the photo groups that support an accepted pattern.
            waiting: The same of patterns that nobody has decided about.
        """
        shares = []
        for name in sorted(self._groups):
            groups = self._groups[name]
            is_accepted = np.isin(groups, accepted.get(name, NONE))
            is_waiting = np.isin(groups, waiting.get(name, NONE)) & ~is_accepted
            shares.append(Share(name, len(groups), int(is_accepted.sum()), int(is_waiting.sum())))
        return shares

    def gap(self, event_type: str, explained_groups: Sequence[Int64s]) -> Gap:
        """Return what an event type has beyond some photographs.

        Args:
            event_type: Its id.
            explained_groups: Photo groups that its patterns explain, in parts.
        """
        groups, pictures = self._groups.get(event_type), self._pictures.get(event_type)
        if groups is None or pictures is None:
            return Gap((), ())
        explained = np.isin(groups, np.concatenate([NONE, *explained_groups]))
        left = pictures[~explained]
        step = max(1, len(left) // N_EXAMPLES)
        words = self._words(left, pictures[explained]) if len(left) else ()
        return Gap(tuple(left[::step][:N_EXAMPLES].tolist()), words)

    def _words(self, left: Int64s, explained: Int64s) -> tuple[tuple[str, int], ...]:
        """Return the words that captions of unexplained photographs have more often than those of explained ones."""
        inside, outside = self._count(left), self._count(explained)
        n_inside, n_outside = max(1, len(left)), max(1, len(explained))
        telling = [
            (word, n, (n + 0.5) / n_inside - (outside[word] + 0.5) / n_outside)
            for word, n in inside.items()
            if n >= LEAST_CAPTIONS
        ]
        telling.sort(key=lambda one: (-one[2], one[0]))
        return tuple((word, n) for word, n, more in telling[:N_WORDS] if more > 0)

    def _count(self, pictures: Int64s) -> Counter[str]:
        shelf = self._shelf
        records = shelf.images["record"].take(pa.array(pictures, pa.int64()))
        texts = shelf.captions.filter(pc.is_in(shelf.captions["record"], value_set=records.combine_chunks()))["text"]
        counts: Counter[str] = Counter()
        for text in pc.utf8_slice_codeunits(texts, 0, 2_000).to_pylist():
            counts.update({word for word in _split(text or "") if len(word) > 3})
        return counts


def _split(text: str) -> Iterable[str]:
    return ("".join(sign for sign in word if sign.isalnum()) for word in text.lower().split())

"""From what a network sees in pictures to event mentions.

A mention has the event type, where the pattern that argues most for it shows, and the boxes of patterns that fill roles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kb.extract.mention import Argument, Mention, Picture
from miner.patterns.evidence import heat_box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb.extract.image import ImageModel, Shown
    from kb.extract.mention import Box
    from miner.patterns.detector import Detectors
    from miner.patterns.pictures import Float16s, Float32s
    from miner.visual.geometry import Geometry


class KnownPattern(NamedTuple):
    """What the schema says of a pattern.

    Attributes:
        pattern: Its id.
        event_type: Which it indicates.
        role: Which it fills; none where no role stands out.
        role_score: Share of that role among all of the event type, 0 to 1.
    """

    pattern: str
    event_type: str
    role: str | None
    role_score: float


class Seen(NamedTuple):
    """A picture as the network sees it.

    Attributes:
        record: Id of its record.
        document: Id of the document it belongs to.
        image: How the corpus names it.
        geometry: Where its cells lie.
        phash: Its perceptual hash.
        time: When the record was published, as its corpus says.
    """

    record: str
    document: str
    image: str
    geometry: Geometry
    phash: str | None = None
    time: str | None = None


@dataclass(frozen=True, eq=False)
class PictureReader:
    """Reads events off pictures.

    Attributes:
        model: Says which event type.
        patterns: The patterns that the model heeds, in its order.
        detectors: Of these patterns, in the same order; they say where. None where there are no patterns.
    """

    model: ImageModel
    patterns: Sequence[KnownPattern]
    detectors: Detectors | None

    def read(self, seen: Sequence[Seen], pooled: Float16s, projected: Float16s) -> list[Mention]:
        """Return the mentions of pictures, at most one each; a picture that shows none has none.

        Args:
            seen: The pictures.
            pooled: float16, (n, n_filters).
            projected: float16, (n, n_cells, n_dims).
        """
        mentions = []
        for picture, shown, cells in zip(seen, self.model.look(pooled), projected, strict=True):
            if shown.label < len(self.model.event_types):
                mentions.append(self._tell(picture, shown, cells))
        return mentions

    def probabilities(self, pooled: Float16s) -> Float32s:
        """Return how probable each event type, and last none, is, float32, (n, n_types + 1)."""
        return self.model.probabilities(pooled)

    def _tell(self, picture: Seen, shown: Shown, cells: Float16s) -> Mention:
        event_type = self.model.event_types[shown.label]
        score = float(shown.probabilities[shown.label])
        arguing = [place for place in shown.firing.tolist() if self.patterns[place].event_type == event_type]
        return Mention(
            record=picture.record,
            document=picture.document,
            event_type=event_type,
            score=score,
            image=Picture(
                picture.image, self._box(arguing[0], cells, picture.geometry) if arguing else None, picture.phash
            ),
            arguments=tuple(self._arguments(arguing, score, cells, picture.geometry)),
            patterns=tuple(self.patterns[place].pattern for place in arguing),
            time=picture.time,
        )

    def _arguments(self, arguing: Sequence[int], score: float, cells: Float16s, geometry: Geometry) -> list[Argument]:
        """Box the pattern that argues most for each role."""
        best: dict[str, int] = {}
        for place in arguing:
            role = self.patterns[place].role
            if role is not None:
                best.setdefault(role, place)
        found = []
        for role, place in best.items():
            pattern = self.patterns[place]
            box = self._box(place, cells, geometry)
            found.append(Argument(role, score * pattern.role_score, box=box, patterns=(pattern.pattern,)))
        return found

    def _box(self, place: int, cells: Float16s, geometry: Geometry) -> Box | None:
        """Return where a pattern shows."""
        if self.detectors is None:
            return None
        return heat_box(self.detectors.heat(cells[np.newaxis], place)[0], geometry)

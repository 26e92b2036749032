"""How alike the patches of a pattern look to an encoder that did not mine it.

Source: the semantic consistency of patterns in Li, Ellis, Ji and Chang, "Event Specific Multimodal Pattern Mining for
Knowledge Base Construction" (ACM MM 2016); the margin over random patches of the same event type and size is DESIGN's: what
all pictures of an event type share is no merit of a pattern.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from kb.evaluate.retrieval import Float32s

N_PATCHES = 6
"""Patches of a pattern that are compared: of the photo groups in which its detector sees it best."""


def margin(patches: Float32s, random: Float32s) -> float:
    """Return by how much more alike the patches of a pattern are than random ones.

    Args:
        patches: float32, (n, n_features), at least two, of different photo groups.
        random: float32, (n, n_features), of different photo groups.

    Returns:
        Difference of the mean cosines over all pairs.
    """
    return mean_cosine(patches) - mean_cosine(random)


def mean_cosine(features: Float32s) -> float:
    """Return the mean cosine over all pairs of different rows."""
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
    n = len(unit)
    return float(((unit @ unit.T).sum() - np.square(unit).sum()) / (n * (n - 1)))

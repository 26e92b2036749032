"""Scores of a file of predictions against gold files: the rows that `eventminer evaluate extraction` prints."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corpora.m2e2 import document_of, read_gold
from kb.evaluate.mentions import count_mentions, settings_of
from kb.evaluate.predictions import read_predictions
from kb.evaluate.scores import score_tally
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from corpora.m2e2 import Gold
    from kb.evaluate.mentions import Protocol, Setting
    from kb.evaluate.predictions import Predicted
    from kb.evaluate.scores import Score

__all__ = ["Evaluation", "ScoredSetting", "evaluate_files", "evaluate_mentions", "scored_documents"]


@dataclass(frozen=True)
class ScoredSetting:
    """The scores of one setting, and what was odd about the predictions, counted by reason."""

    setting: Setting
    scores: Sequence[Score]
    notes: Counter[str]


@dataclass(frozen=True)
class Evaluation:
    """What came of comparing predictions with gold.

    Attributes:
        protocol: What was scored.
        gold: Names of the gold files.
        settings: One per setting that the gold can score.
        problems: What was wrong with the gold, counted by reason.
    """

    protocol: Protocol
    gold: str
    settings: Sequence[ScoredSetting]
    problems: Counter[str] = field(default_factory=Counter)

    def rows(self) -> list[dict[str, object]]:
        """Return one row per setting, measure and event type; each says its protocol and its gold."""
        return [
            {
                "protocol": self.protocol,
                "gold": self.gold,
                "setting": part.setting,
                "measure": score.measure,
                "eventType": score.event_type,
                "precision": score.precision,
                "recall": score.recall,
                "f1": score.f1,
                "low": score.low,
                "high": score.high,
                "nCorrect": score.n_correct,
                "nGold": score.n_gold,
                "nPredicted": score.n_predicted,
            }
            for part in self.settings
            for score in part.scores
        ]


def evaluate_files(gold: Sequence[Path], predictions: Path, protocol: Protocol) -> Evaluation:
    """Score a file of predictions in every setting that the gold files allow.

    Raises:
        CorpusError: A file cannot be read, the gold has nothing to score, it does not say which pictures have no event though the
            protocol asks for them, or no prediction is about anything that the gold knows.
    """
    known = read_gold(gold)
    predicted = read_predictions(predictions)
    settings = settings_of(known)
    if not settings:
        raise CorpusError(
            f"{known.name} has neither sentences nor pictures.", hint="Add text_*_event.json or image_*_event.json."
        )
    if protocol == "all" and known.images and not known.known_images:
        raise CorpusError(
            f"{known.name} names only pictures with an event, so protocol 'all' cannot be scored on pictures.",
            hint="Add a text file of the same documents, which names all their pictures, or ask for --protocol event-only.",
        )
    _refuse_strangers(known, predicted, predictions)
    parts = [evaluate_mentions(known, predicted, protocol=protocol, setting=setting) for setting in settings]
    return Evaluation(protocol, known.name, parts, known.problems)


def evaluate_mentions(
    gold: Gold, predicted: Sequence[Predicted], *, protocol: Protocol, setting: Setting
) -> ScoredSetting:
    """Score predictions in one setting."""
    tally = count_mentions(gold, predicted, protocol=protocol, setting=setting)
    return ScoredSetting(setting, score_tally(tally, scored_documents(gold)), tally.notes)


def scored_documents(gold: Gold) -> list[str]:
    """Return all documents of the gold, sorted."""
    pictured = {document_of(image) for image in (*gold.images, *gold.known_images)}
    return sorted({sentence.document for sentence in gold.sentences.values()} | pictured)


def _refuse_strangers(gold: Gold, predicted: Sequence[Predicted], path: Path) -> None:
    places = {*gold.sentences, *gold.images, *gold.known_images}
    if predicted and not any(mention.record in places or mention.image in places for mention in predicted):
        raise CorpusError(
            f"None of the {len(predicted):,} mentions in {path} is about a sentence or picture of {gold.name}; "
            f"the first is about {predicted[0].record!r}.",
            hint="Extract from the sentences of the same gold file: eventminer extract --kb RUN --corpus FILE.",
        )

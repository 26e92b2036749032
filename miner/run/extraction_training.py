"""Fits the extractor of a run and keeps it in the run folder."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from corpora.m2e2 import read_gold
from kb.extract.encoders import Encoders
from kb.extract.examples import gold_examples, read_silver, silver_examples
from kb.extract.learning import N_GROUPS, GoldLearner, empty_model, learn_silver
from kb.extract.model_files import save_model
from kb.extract.token_training import learn_encoder
from kb.extract.tokens import require_package
from miner.errors import ConfigError, CorpusError
from miner.run.extraction import EXTRACTOR, open_evoked
from miner.run.read_stages import read_ontology
from miner.store.fingerprint import digest_file
from miner.text.pieces import PieceParser
from miner.text.pipeline import pipeline_version, resolve_pipeline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kb.extract.evoked import Evoked
    from kb.extract.model import TextModel
    from kb.ontology import Ontology
    from miner.run.folder import RunFolder
    from miner.run.progress import Progress

__all__ = ["Trained", "train_extractor"]


@dataclass(frozen=True)
class Trained:
    """What was learnt.

    Attributes:
        model: The extractor.
        n_gold: Gold sentences.
        n_silver: Silver captions.
        notes: What could not be used, counted by reason.
    """

    model: TextModel
    n_gold: int
    n_silver: int
    notes: Counter[str]


def train_extractor(
    folder: RunFolder, gold: Sequence[Path], silver: Path | None, *, visual: bool, encoder: bool, progress: Progress
) -> Trained:
    """Fit an extractor for the ontology and the patterns of a run, and keep it in the run folder in place of an older one.

    Args:
        folder: A finished run.
        gold: Text files of M2E2.
        silver: Folder of silver captions.
        visual: Whether the patterns that words evoke are learnt from.
        encoder: Whether the token encoder is fine-tuned as well.
        progress: Where to report.

    Raises:
        ConfigError: There is nothing to learn from, or not what the encoder learns from, or its package is not installed.
        CorpusError: A file cannot be read, or has no event of a type of the run's ontology.
        ArtefactError: The run has not finished.
    """
    if not gold and silver is None:
        raise ConfigError("There is nothing to learn from.", hint="Give --gold FILE, --silver DIR or both.")
    if encoder:
        _require_encoder(gold, silver)
    ontology = read_ontology(folder.artefact("label"))
    evoked = open_evoked([folder.path]) if visual else None
    trained = _learn(ontology, evoked, gold, silver, progress, encoder=encoder)
    about = {
        "patterns": folder.artefact("patterns").key,
        "gold": {path.name: digest_file(path) for path in gold},
        "goldSentences": trained.n_gold,
        "silverCaptions": trained.n_silver,
        "pipeline": pipeline_version(resolve_pipeline()),
        "ontology": ontology.name,
    }
    with folder.replacing(EXTRACTOR) as directory:
        directory.mkdir()
        save_model(trained.model, directory, about)
    return trained


def _require_encoder(gold: Sequence[Path], silver: Path | None) -> None:
    """Say before anything is learnt that the encoder cannot be."""
    if not gold or silver is None:
        raise ConfigError(
            "The token encoder is fine-tuned to silver captions, then to gold sentences; one of them is missing.",
            hint="Give --silver DIR and --gold FILE, or train without --encoder.",
        )
    require_package()


def _learn(
    ontology: Ontology,
    evoked: Evoked | None,
    gold: Sequence[Path],
    silver: Path | None,
    progress: Progress,
    *,
    encoder: bool,
) -> Trained:
    parser = PieceParser(resolve_pipeline())
    notes: Counter[str] = Counter()
    model, n_silver, n_gold = empty_model(ontology, uses_visual=evoked is not None), 0, 0
    if silver is not None:
        captions = read_silver(silver)
        n_silver = len(captions)
        with progress.stage("silver", n_silver, "captions") as advance:
            captioned = silver_examples(captions, parser, ontology, notes)
            model = learn_silver(captioned, ontology, evoked)
            advance(n_silver)
        if encoder:
            with progress.stage("encoder", None, "captions") as advance:
                model = replace(model, encoders=Encoders(learn_encoder(captioned, model, advance=advance)))
    if gold:
        known = read_gold(gold)
        notes.update(known.problems)
        n_gold = len(known.sentences)
        # The encoder is fine-tuned once for each group that thresholds are tuned on, and sees each sentence several times.
        with progress.stage("gold", None if encoder else n_gold, "sentences") as advance:
            examples = gold_examples(list(known.sentences.values()), parser, ontology)
            _require_events(
                examples_have=any(e.event_type for one in examples for e in one.events),
                ontology=ontology,
                gold=known.name,
            )
            model = GoldLearner(examples, model, ontology, evoked, advance=advance).learn(range(N_GROUPS))
            advance(0 if encoder else n_gold)
    return Trained(model, n_gold, n_silver, notes)


def _require_events(*, examples_have: bool, ontology: Ontology, gold: str) -> None:
    if not examples_have:
        raise CorpusError(
            f"{gold} has no event of a type of ontology {ontology.name!r}: {', '.join(ontology.ids)}.",
            hint="Train a run whose label.ontology has the types of the gold, such as 'news'.",
        )

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kb.review.log import DecisionLog
from miner.config import PatternConfig
from miner.patterns.assemble import PatternSet
from miner.patterns.detector import Detectors, Scale
from miner.run.folder import RunFolder
from miner.run.learning import (
    LOG,
    decision_log,
    keep_decisions,
    learn_patterns,
    learning,
    read_decisions,
    take_decisions,
    widened,
)
from miner.run.stages import STAGES
from tests.kb_run import ONTOLOGY
from tests.reviews import Reviewer, mined

if TYPE_CHECKING:
    from pathlib import Path


def found() -> PatternSet:
    """Return the patterns a, b and c with a detector each, whose bias tells them apart."""
    weights = np.zeros((3, 2), dtype=np.float32)
    scale = Scale(np.zeros(3, dtype=np.float32), np.ones(3, dtype=np.float32))
    detectors = Detectors(weights, scale, weights, np.arange(3, dtype=np.float32))
    return PatternSet(mined().patterns, mined().evidence, detectors, {"beyond the best": 0})


def biases(patterns: PatternSet) -> list[float]:
    return [] if patterns.detectors is None else [float(value) for value in patterns.detectors.cell_bias]


def test_rejected_patterns_are_left_out_with_evidence_and_detector() -> None:
    decide = Reviewer()
    decide("ann", "reject", "a")
    learned = learn_patterns(found(), decide.log, ONTOLOGY, max_patterns=5)
    assert learned.found.patterns["pattern"].to_pylist() == ["b", "c"]
    assert learned.found.patterns["rank"].to_pylist() == [1, 1]
    assert set(learned.found.evidence["pattern"].to_pylist()) == {"b", "c"}
    assert biases(learned.found) == [1.0, 2.0]
    assert learned.used["rejected"] == ["a"]
    assert learned.found.dropped["rejected by reviewers"] == 1


def test_accepted_patterns_come_first_and_names_and_roles_stay() -> None:
    decide = Reviewer()
    decide("ann", "accept", "b")
    decide("ann", "rename", "b", name="blue rope")
    decide("ann", "set-role", "b", role="Climber")
    learned = learn_patterns(found(), decide.log, ONTOLOGY, max_patterns=1)
    first = learned.found.patterns.to_pylist()[0]
    assert (first["pattern"], first["name"], first["role"], first["rank"]) == ("b", "blue rope", "Climber", 1)
    assert first["alternatives"] == ["blue rope", "rope", "cord"]
    assert biases(learned.found) == [1.0, 2.0]
    assert learned.found.dropped["beyond the best, as learned"] == 1
    assert (learned.used["named"], learned.used["roles"], learned.used["accepted"]) == (["b"], ["b"], ["b"])


def test_undone_decisions_are_not_heeded() -> None:
    decide = Reviewer()
    decide("ann", "undo", "a", decision=decide("ann", "reject", "a"))
    learned = learn_patterns(found(), decide.log, ONTOLOGY, max_patterns=5)
    assert learned.found.patterns["pattern"].to_pylist() == ["a", "b", "c"]


def test_patterns_merged_into_a_rejected_one_go_with_it() -> None:
    decide = Reviewer()
    decide("ann", "merge", "a", others=["b"])
    decide("ann", "reject", "a")
    learned = learn_patterns(found(), decide.log, ONTOLOGY, max_patterns=5)
    assert learned.found.patterns["pattern"].to_pylist() == ["c"]


def test_everything_can_be_rejected() -> None:
    decide = Reviewer()
    for pattern in "abc":
        decide("ann", "reject", pattern)
    learned = learn_patterns(found(), decide.log, ONTOLOGY, max_patterns=5)
    assert learned.found.patterns.num_rows == learned.found.evidence.num_rows == 0
    assert learned.found.detectors is None


def test_more_patterns_are_considered_than_are_kept() -> None:
    decide = Reviewer()
    decide("ann", "reject", "a")
    decide("bob", "reject", "a")
    decide("bob", "reject", "b")
    assert widened(PatternConfig(max_patterns=20), decide.log).max_patterns == 42


def test_decisions_are_an_artefact_that_only_new_ones_change(tmp_path: Path) -> None:
    decide = Reviewer()
    decide("ann", "reject", "a")
    store = RunFolder(tmp_path).store
    first = keep_decisions(decide.log, store)
    assert list(read_decisions(first)) == decide.log
    assert keep_decisions(decide.log, store).key == first.key
    decide("ann", "accept", "b")
    assert keep_decisions(decide.log, store).key != first.key


def test_patterns_depend_on_decisions_only_when_learning() -> None:
    plain = {stage.name: stage.inputs for stage in STAGES}
    learned = {stage.name: stage.inputs for stage in learning(STAGES)}
    assert "review" not in plain["patterns"]
    assert learned == plain | {"patterns": (*plain["patterns"], "review")}


def test_decisions_about_an_extended_run_become_its_own_once(tmp_path: Path) -> None:
    base, own = RunFolder(tmp_path / "base"), RunFolder(tmp_path / "own")
    decide = Reviewer()
    decide("ann", "reject", "a")
    decision_log(base).append(decide.log[0])
    for _ in range(2):
        assert list(take_decisions(own, base)) == decide.log
    assert list(DecisionLog(own.path / LOG).read()) == decide.log
    assert take_decisions(RunFolder(tmp_path / "nothing")) == ()

"""The folder of a run: whose it is, what is in it, and how its visible parts are replaced.

```
RUN/run.toml     the resolved configuration; `--config RUN/run.toml` repeats the run
    run.json     the corpus it belongs to and the artefacts of the last finished run
    run.log      times and everything said
    stages/      artefacts
    bundle/      the knowledge base as Parquet, a copy of the bundle artefact
    kb/          the embedded store, made from the bundle
    report.html  made from patterns and bundle
    forgotten.json  hashes of records that must not come back
    evaluation.json  what `evaluate patterns` measured
    extractor/   the model that 'eventminer kb train' fitted
    review/      what analysts decided (decisions.jsonl); no stage touches it
```
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from miner.errors import ArtefactError
from miner.store.artefact import TEMPORARY, Artefact, ArtefactStore, discard, sync_directory
from miner.store.formats import read_json, write_error, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

RUN_HINT = "Make one with 'eventminer run CORPUS --out RUN'."
EVALUATION = "evaluation.json"
PARTS = (
    "run.toml", "run.json", "run.log", "stages", "bundle", "kb", "report.html", "review", "forgotten.json", EVALUATION,
    "extractor",
)  # fmt: skip
LEFT_OVER = re.compile(rf"\.({'|'.join(map(re.escape, PARTS))})\.(\d+|old){re.escape(TEMPORARY)}")
"""Names under which a killed run leaves a part of itself; nothing else is ever deleted."""


@dataclass(frozen=True)
class RunFolder:
    """A folder given as `--out`, or one that a run has filled.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def store(self) -> ArtefactStore:
        """Its artefacts."""
        return ArtefactStore(self.path / "stages")

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Hold the folder for one run, after a look at what is in it.

        Raises:
            ArtefactError: It is a file, holds something else, is in use, or cannot be written.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ArtefactError(f"{self.path} is a file, not a folder.", hint="Choose another --out.")
        foreign = sorted(entry.name for entry in self._entries() if not self._is_ours(entry))
        if foreign and not (self.path / "run.json").exists():
            raise ArtefactError(
                f"{self.path} holds other things (such as {foreign[0]!r}) and is no run folder.",
                hint="Choose an empty or new folder for --out.",
            )
        with self.store.lock():
            for entry in self._entries():
                if LEFT_OVER.fullmatch(entry.name):
                    discard(entry)
            yield

    def _entries(self) -> list[Path]:
        return list(self.path.iterdir()) if self.path.is_dir() else []

    @staticmethod
    def _is_ours(entry: Path) -> bool:
        return entry.name in PARTS or LEFT_OVER.fullmatch(entry.name) is not None

    def read_state(self) -> dict[str, object]:
        """Return the content of `run.json`, empty before the first run has read its corpus.

        Raises:
            ArtefactError: It is damaged.
        """
        path = self.path / "run.json"
        state = read_json(path) if path.exists() else {}
        if not isinstance(state, dict):
            raise ArtefactError(f"{path} is damaged.", hint=f"Delete it, and run again with --out {self.path}.")
        return state

    def write_state(self, state: Mapping[str, object]) -> None:
        """Replace `run.json`.

        Raises:
            ArtefactError: The disk is full.
        """
        write_json(self.path / "run.json", dict(state))

    def check_corpus(self, name: str, records: str) -> None:
        """Refuse a folder that belongs to another corpus.

        Args:
            name: Name of the corpus at hand.
            records: Key of its records.

        Raises:
            ArtefactError: The folder was made from other records.
        """
        state = self.read_state()
        if state.get("records", records) == records:
            return
        if state.get("corpus") == name:
            message = f"The records of corpus {name!r} have changed since {self.path} was made."
        else:
            message = f"{self.path} belongs to corpus {state.get('corpus')!r}, not to {name!r}."
        raise ArtefactError(message, hint="Choose another --out, or add --force to turn this folder over to it.")

    @property
    def is_finished(self) -> bool:
        """Whether the last run went to its end."""
        return isinstance(self.read_state().get("stages"), dict)

    def artefacts(self) -> dict[str, Artefact]:
        """Return what every stage made in the last finished run.

        Raises:
            ArtefactError: As of `artefact`.
        """
        keys = self.read_state().get("stages")
        return {stage: self.artefact(stage) for stage in (keys if isinstance(keys, dict) else ["read"])}

    def artefact(self, stage: str) -> Artefact:
        """Return what a stage made in the last finished run.

        Raises:
            ArtefactError: The folder is no run folder, or its run has not finished.
        """
        state = self.read_state()
        if not state:
            raise ArtefactError(f"{self.path} is not the folder of a run.", hint=RUN_HINT)
        keys = state.get("stages")
        if not isinstance(keys, dict) or stage not in keys:
            raise ArtefactError(
                f"The run in {self.path} has not finished.", hint="Give the same 'eventminer run' command again."
            )
        artefact = self.store.open(stage, str(keys[stage]))
        if artefact is None:
            raise ArtefactError(
                f"{self.path} lacks its {stage} artefact.", hint="Give the same 'eventminer run' command again."
            )
        return artefact

    @contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """Give a temporary path; what is written there takes the place of `name` when the block ends.

        Raises:
            ArtefactError: The disk is full or the folder cannot be written.
        """
        target = self.path / name
        temporary = self.path / f".{name}.{os.getpid()}{TEMPORARY}"
        old = self.path / f".{name}.old{TEMPORARY}"
        try:
            yield temporary
            discard(old)
            if target.is_dir():
                target.rename(old)
            temporary.replace(target)
            sync_directory(self.path)
        except OSError as error:
            raise write_error(target, error) from error
        finally:
            discard(old)
            discard(temporary)


def open_run(path: Path) -> RunFolder:
    """Return the folder of a run.

    Raises:
        ArtefactError: There is no run in it.
    """
    folder = RunFolder(path)
    if not folder.read_state():
        raise ArtefactError(f"{path} is not the folder of a run.", hint=RUN_HINT)
    return folder

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
    image-evaluation.json  what `evaluate images` measured
    extractor/   the model that 'eventminer kb train' fitted
    review/      what analysts decided (decisions.jsonl); no stage touches it
```
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import platformdirs

from miner.errors import ArtefactError, StorageError
from miner.store.artefact import TEMPORARY, Artefact, ArtefactStore, discard, sync_directory
from miner.store.fingerprint import digest_bytes
from miner.store.formats import read_json, write_error, write_json
from miner.store.mirror import Mirror, MirroredStore
from miner.store.remote import is_url, require_no_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STATE = "run.json"
MIRRORED = ("run.toml", "run.log", "bundle", "kb", "report.html", STATE)
"""What a run copies beside its artefacts, in this order; what people add to a run later stays with the local folder."""
MADE = frozenset({"bundle", "kb", "report.html"})
"""Those that are renewed as a whole, and then entered in `run.json` under `parts`."""
RUN_HINT = "Make one with 'eventminer run CORPUS --out RUN'."
EVALUATION = "evaluation.json"
IMAGE_EVALUATION = "image-evaluation.json"
PARTS = (
    "run.toml", "run.json", "run.log", "stages", "bundle", "kb", "report.html", "review", "forgotten.json", EVALUATION,
    IMAGE_EVALUATION, "extractor",
)  # fmt: skip
LOCAL = "file://"
URL_AS_PATH = re.compile(r"([a-z][a-z0-9+.-]+):/+(.+)")
LEFT_OVER = re.compile(rf"\.({'|'.join(map(re.escape, PARTS))})\.(\d+|old){re.escape(TEMPORARY)}")
"""Names under which a killed run leaves a part of itself; nothing else is ever deleted."""


@dataclass(frozen=True)
class RunFolder:
    """A folder given as `--out`, or one that a run has filled.

    Attributes:
        path: The folder.
        mirror: Where everything that a run makes is copied to, if anywhere.
    """

    path: Path
    mirror: Mirror | None = None

    @property
    def store(self) -> ArtefactStore:
        """Its artefacts."""
        stages = self.path / "stages"
        return MirroredStore(stages, self.mirror) if self.mirror else ArtefactStore(stages)

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
            self._fetch()
            yield

    def _fetch(self) -> None:
        """Take over what an earlier run, perhaps on another machine, has left in the mirror; artefacts only when asked for.

        Raises:
            StorageError: The mirror does not answer, or not to us, or its `run.json` is damaged.
        """
        if self.mirror is None:
            return
        self.mirror.require_writable()
        if (self.path / STATE).exists() or not self.mirror.has(STATE):
            return
        whole = _read_state_of(self.mirror).get("parts")
        # A part that the state does not speak of may be half of one run and half of another.
        parts = [part for part in MIRRORED if part not in MADE or (isinstance(whole, dict) and part in whole)]
        self.mirror.get(self.path, [name for part in parts for name in self.mirror.names(part)])

    def publish(self) -> None:
        """Copy the visible parts into the mirror, `run.json` last: who reads it finds everything that it speaks of.

        Raises:
            StorageError: The mirror does not answer.
        """
        if self.mirror is None:
            return
        parts = [part for part in MIRRORED if (self.path / part).exists()]
        state = self.read_state()
        if self.mirror.has(STATE):
            # Whoever kills the process now must not leave a part that passes for another one.
            with TemporaryDirectory() as temporary:
                write_json(Path(temporary, STATE), {**state, "parts": {}})
                self.mirror.put(Path(temporary), [STATE])
        for part in parts:
            self.mirror.put_part(self.path, part)

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


def _read_state_of(mirror: Mirror) -> dict[str, object]:
    """Return the content of `run.json` elsewhere.

    Raises:
        StorageError: It cannot be fetched, or is damaged.
    """
    with TemporaryDirectory() as temporary:
        mirror.get(Path(temporary), [STATE])
        try:
            return RunFolder(Path(temporary)).read_state()
        except ArtefactError as error:
            raise StorageError(
                f"{mirror.url}/{STATE} is damaged.", hint="Delete it there and run the same command again."
            ) from error


def locate_run(out: str, staging: Path | None = None) -> RunFolder:
    """Return the folder that a run shall fill.

    Args:
        out: A path; or any fsspec URL, which then gets a copy of everything that is finished here.
        staging: Folder of this machine to work in where `out` is a URL; without one, a folder of the user's cache.

    Raises:
        ArtefactError: A staging folder is given for a local run.
        StorageError: There are credentials in the URL.
    """
    if not is_url(out):
        if staging is not None:
            raise ArtefactError(f"{out} is a folder of this machine, which needs no --staging.", hint="Leave it out.")
        return RunFolder(Path(out))
    if out.startswith(LOCAL):
        return RunFolder(Path(out.removeprefix(LOCAL)))
    mirror = Mirror(out)
    return RunFolder(staging or staging_folder(mirror.url), mirror)


def staging_folder(url: str) -> Path:
    """Return the folder of this machine where a run for a URL works unless told otherwise."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", url.rpartition("/")[2]) or "run"
    return platformdirs.user_cache_path("eventminer") / "runs" / f"{name}-{digest_bytes(url.encode())[:8]}"


def open_run(path: Path) -> RunFolder:
    """Return the folder of a run.

    Raises:
        ArtefactError: There is no run in it, or it is elsewhere.
        StorageError: It is elsewhere, and there are credentials in its address.
    """
    if (match := URL_AS_PATH.match(path.as_posix())) and not path.exists():
        url = f"{match[1]}://{match[2]}"
        require_no_secrets(url)
        raise ArtefactError(
            f"{url} is not a folder of this machine; only 'eventminer run' works there.",
            hint=f"Use the folder that the run worked in, such as {staging_folder(url)}, or copy it here.",
        )
    folder = RunFolder(path)
    if not folder.read_state():
        raise ArtefactError(f"{path} is not the folder of a run.", hint=RUN_HINT)
    return folder

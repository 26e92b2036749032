"""Looks at this installation: packages, weights, device, stores, space on the disk."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from packaging.requirements import Requirement

from kb.store import open_store
from miner.errors import EventMinerError
from miner.run.executor import count_cores
from miner.run.libraries import library_versions

if TYPE_CHECKING:
    from collections.abc import Iterator

GIB = 1 << 30
LOW_SPACE_GIB = 2.0
STORE_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        what: What was looked at.
        status: `ok`, `missing` (something will fail), or `note` (something optional is not there).
        found: What was found.
        advice: What to do about it; empty when there is nothing to do.
    """

    what: str
    status: Literal["ok", "missing", "note"]
    found: str
    advice: str = ""

    def row(self) -> dict[str, str]:
        """Return the finding as plain data."""
        return asdict(self)


def examine() -> list[Finding]:
    """Look at everything, quickest things first; nothing is changed."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    return [
        Finding("python", "ok", python),
        *_examine_packages(),
        _examine_device(),
        Finding("processor", "ok", f"{count_cores()} cores"),
        _examine_space(Path.cwd()),
        _examine_embedded_store(),
        _examine_neo4j(os.environ.get("NEO4J_URI", "")),
    ]


def _examine_packages() -> Iterator[Finding]:
    """Compare what is installed with what the installed eventminer asks for."""
    try:
        wanted_texts = requires("eventminer") or []
    except PackageNotFoundError:
        yield Finding("eventminer", "missing", "runs from its sources, not installed", "pip install -e .")
        return
    for text in sorted(wanted_texts, key=str.lower):
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        version = library_versions([wanted.name])[wanted.name]
        if not version:
            yield Finding(wanted.name, "missing", "not installed", f"pip install '{wanted}'")
        elif not wanted.specifier.contains(version, prereleases=True):
            yield Finding(wanted.name, "missing", f"{version}, too old or too new", f"pip install '{wanted}'")
        else:
            yield Finding(wanted.name, "ok", version)


def _examine_device() -> Finding:
    """Ask torch for a GPU only where its driver's device file shows that there might be one."""
    if find_spec("torch") is None:
        return Finding("device", "missing", "torch is not installed", "pip install torch")
    if not Path("/dev/nvidiactl").exists():
        return Finding("device", "ok", "CPU (ONNX Runtime)")
    import torch  # noqa: PLC0415 - seconds, spent only where a GPU is likely

    if torch.cuda.is_available():
        return Finding("device", "ok", f"CUDA: {torch.cuda.get_device_name(0)}")
    return Finding(
        "device",
        "note",
        "CPU; an NVIDIA driver is here, but this torch sees no GPU",
        "pip install a CUDA build of torch",
    )


def _examine_space(folder: Path) -> Finding:
    free_gib = shutil.disk_usage(folder).free / GIB
    if free_gib < LOW_SPACE_GIB:
        return Finding("disk", "note", f"{free_gib:.1f} GiB free here", "A run needs about 30 kB per picture.")
    return Finding("disk", "ok", f"{free_gib:.1f} GiB free here")


def _examine_embedded_store() -> Finding:
    """Write one node and read it back."""
    try:
        with tempfile.TemporaryDirectory() as folder, open_store(folder) as store:
            store.write("CREATE (n:EventType {id: 'a'})", {})
            found = store.read("MATCH (n:EventType) RETURN count(n)", {}, timeout_s=STORE_TIMEOUT_S).rows
    except EventMinerError as error:
        return Finding("embedded store", "missing", error.message, error.hint or "pip install --upgrade kglite")
    return Finding("embedded store", "ok", f"answers ({found[0][0]} node written and read back)")


def _examine_neo4j(uri: str) -> Finding:
    if not uri:
        return Finding("neo4j store", "note", "NEO4J_URI is not set", "Set it to have a Neo4j server checked here.")
    try:
        with open_store(uri) as store:
            store.read("RETURN 1", {}, timeout_s=STORE_TIMEOUT_S)
    except EventMinerError as error:
        return Finding("neo4j store", "missing", error.message, error.hint or "Start the server, or unset NEO4J_URI.")
    return Finding("neo4j store", "ok", f"{uri} answers")

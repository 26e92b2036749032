"""The image and the manifests name files, commands and options that exist; neither is built or applied here."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from distributed.cli.dask_scheduler import main as scheduler_command
from distributed.cli.dask_worker import main as worker_command

from tests.command_reference import iterate_commands

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
CLUSTERS = ROOT / "docs" / "clusters"
EVENTMINER = dict(iterate_commands())
DASK = {"dask scheduler": scheduler_command, "dask worker": worker_command}


def require_command(words: list[str]) -> None:
    """Fail unless it is a command of eventminer or Dask, with options that it has."""
    known: dict[str, Any] = {
        **{f"eventminer {name.removeprefix('eventminer ')}": c for name, c in EVENTMINER.items()},
        **DASK,
    }
    name = max((name for name in known if words[: len(name.split())] == name.split()), key=len, default=None)
    assert name, f"no such command: {' '.join(words)}"
    options = {option for param in known[name].params for option in (*param.opts, *param.secondary_opts)}
    assert {word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word)} <= options, name


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, re.MULTILINE)


def test_clusters_image_copies_only_what_there_is() -> None:
    copied = [line.split() for line in instructions("COPY") if not line.startswith("--from")]
    sources = [source for words in copied for source in words[:-1]]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {source.rstrip("/") for source in sources} == allowed


def test_clusters_image_has_all_packages_of_the_wheel() -> None:
    wheel = re.search(r"only-include = (\[.*\])", (ROOT / "pyproject.toml").read_text())
    assert wheel
    copied = " ".join(instructions("COPY"))
    assert all(f"{package}" in copied for package in ast.literal_eval(wheel[1]))


def test_clusters_image_is_of_a_supported_python() -> None:
    versions = set(re.findall(r"^FROM python:(3\.\d+)", DOCKERFILE, re.MULTILINE))
    assert versions <= {"3.11", "3.12", "3.13"}
    assert len(versions) == 1, "what one stage builds, the other must run"


def test_clusters_image_runs_commands_that_exist() -> None:
    commands = [shlex.split(part) for line in instructions("RUN") for part in line.split("&&")]
    ours = [words for words in commands if words[0] in {"eventminer", "dask"}]
    assert ours
    for words in ours:
        require_command(words)


def test_clusters_kubernetes_manifests_start_commands_that_exist() -> None:
    documents = list(yaml.safe_load_all((CLUSTERS / "kubernetes.yaml").read_text()))
    assert [document["kind"] for document in documents] == ["Deployment", "Service", "Deployment", "Job"]
    services = {d["metadata"]["name"] for d in documents if d["kind"] == "Service"}
    for document in documents:
        if document["kind"] == "Service":
            continue
        pod = document["spec"]["template"]
        (container,) = pod["spec"]["containers"]
        require_command(container["args"])
        addresses = re.findall(r"tcp://([a-z-]+):8786", " ".join(container["args"]))
        assert set(addresses) <= services
        if document["kind"] == "Deployment":
            assert document["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]


@pytest.mark.parametrize("name", ["operator.py", "slurm.py"])
def test_clusters_scripts_run_commands_that_exist(name: str) -> None:
    tree = ast.parse((CLUSTERS / name).read_text(encoding="utf-8"))
    lists = [node for node in ast.walk(tree) if isinstance(node, ast.List)]
    words = [[e.value for e in node.elts if isinstance(e, ast.Constant)] for node in lists]
    (command,) = [found for found in words if found[:1] == ["eventminer"]]
    require_command([str(word) for word in command])


def test_clusters_page_names_commands_and_files_that_exist() -> None:
    page = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```bash\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    for line in lines:
        if line.startswith(("eventminer ", "dask ")):
            require_command(shlex.split(line))
    links = [link for link in re.findall(r"\]\(([^)#]+)", page) if "://" not in link]
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
    named = re.findall(r"docs/clusters/[a-z.]+", page)
    assert [name for name in named if not (ROOT / name).exists()] == []

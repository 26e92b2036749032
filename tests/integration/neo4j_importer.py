"""The genuine importer of Neo4j, and a server on what it has made."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.integration import neo4j_server as server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

IMPORT_LIMIT_S = 300


def run_importer(home: Path, arguments: Sequence[str]) -> str:
    """Run `neo4j-admin` in an empty home and return what it says; skip or fail where there can be none."""
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "neo4j.conf").touch()
    done = subprocess.run(
        [*_java(), "org.neo4j.cli.AdminTool", *arguments],
        cwd=home,  # it leaves a report there
        env={**os.environ, "NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")},
        capture_output=True,
        text=True,
        timeout=IMPORT_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}{done.stderr[-2000:]}"
    return done.stdout


@contextmanager
def opened(home: Path) -> Iterator[str]:
    """Serve an imported home without a password, and yield its address."""
    port = server._free_port()  # noqa: SLF001 - one place knows how a test server is started
    with (home / "stderr.txt").open("wb") as errors:
        command = [*_java(), str(server.HERE / "Launch.java"), str(home), str(port), "false"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
    try:
        assert server._is_ready(process), (home / "stderr.txt").read_text(errors="replace")[-500:]  # noqa: SLF001 - as above
        yield f"bolt://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=60)
        if process.stdout is not None:
            process.stdout.close()


def _java() -> list[str]:
    """Return the start of a command that runs a class of Neo4j."""
    java, maven = server._find_java(), shutil.which("mvn")  # noqa: SLF001 - as above
    jars = server._fetch_jars(maven) if java and maven else f"there is no {'mvn' if java else 'java'}"  # noqa: SLF001 - as above
    if java is None or isinstance(jars, str):
        message = f"NOT TESTED with the genuine importer: {jars}"
        if os.environ.get("EVENTMINER_REQUIRE_NEO4J") == "1":
            pytest.fail(f"{message} (EVENTMINER_REQUIRE_NEO4J=1)")
        pytest.skip(message)
    opens = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in server.OPENED]
    return [
        java,
        "-Xmx1g",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        *opens,
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-cp",
        f"{jars}/*",
    ]

"""A genuine Neo4j for tests: the one at NEO4J_TEST_URI, or a throw-away one from Maven Central.

The jars are kept in the user's cache folder, by version. Without Java or Maven the tests that need a server are skipped, and
say so; EVENTMINER_REQUIRE_NEO4J=1 makes that a failure. NEO4J_TEST_VERSION asks for another version than that of `pom.xml`
(2026.09.0 needs a Java 25: set JAVA_HOME).
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import neo4j
import platformdirs
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent / "neo4j"
DEFAULT_VERSION = "5.26.30"
PASSWORD = "a-test-password"  # noqa: S105 - of a server that lives for one test session
OPENED = ("java.nio", "java.io", "java.lang", "sun.nio.ch", "java.util.concurrent")
FETCH_LIMIT_S = 300
START_LIMIT_S = 120


@dataclass(frozen=True)
class Neo4jServer:
    """A running server.

    Attributes:
        uri: Its address, `bolt://…`.
        password: Of the user `neo4j`, None where the server asks for none.
    """

    uri: str
    password: str | None


def require_server() -> Neo4jServer:
    """Return the server of this test session, starting it if need be; skip or fail where there can be none."""
    server = _find_or_start()
    if isinstance(server, Neo4jServer):
        return server
    return _give_up(server)


def _give_up(reason: str) -> NoReturn:
    """Skip, or fail where a server must be there."""
    message = f"NOT TESTED against a genuine Neo4j: {reason}"
    if os.environ.get("EVENTMINER_REQUIRE_NEO4J") == "1":
        pytest.fail(f"{message} (EVENTMINER_REQUIRE_NEO4J=1)")
    pytest.skip(message)


@cache
def _find_or_start() -> Neo4jServer | str:
    """Return a server, or why there is none."""
    if uri := os.environ.get("NEO4J_TEST_URI"):
        return Neo4jServer(uri, os.environ.get("NEO4J_PASSWORD"))
    java, maven = _find_java(), shutil.which("mvn")
    if java is None or maven is None:
        return f"there is no {'java' if java is None else 'mvn'} (or set NEO4J_TEST_URI)"
    jars = _fetch_jars(maven)
    return jars if isinstance(jars, str) else _start(java, jars)


def _find_java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home, "bin", "java")) if home else shutil.which("java")


def _fetch_jars(maven: str) -> Path | str:
    version = os.environ.get("NEO4J_TEST_VERSION", DEFAULT_VERSION)
    folder = platformdirs.user_cache_path("eventminer") / "neo4j-test" / version
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        command = [maven, "-q", "-B", "-f", str(HERE / "pom.xml"), f"-Dneo4j.version={version}"]
        command += ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={temporary}/lib"]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=FETCH_LIMIT_S)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            return f"Maven could not fetch Neo4j {version}: {str(error.stdout or error)[:200]}"
        # another process of the same session may have fetched them meanwhile
        with suppress(OSError):
            Path(temporary, "lib").replace(folder)
    return folder if folder.is_dir() else f"the jars of Neo4j {version} could not be put into {folder}"


@dataclass
class OwnServer:
    """A server that a test may stop, kill and start again on the same data.

    Attributes:
        java: The program.
        jars: Folder of the server's jars.
        settings: Settings of the server, beyond those of `Launch.java`.
        quick_start: Compile lightly, which suits a server that lives for a few seconds.
        plugins: Folder of further jars.
    """

    java: str
    jars: Path
    settings: tuple[str, ...] = ()
    quick_start: bool = True
    plugins: Path | None = None

    def __post_init__(self) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="eventminer-neo4j-"))
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        atexit.register(self.remove)

    @property
    def uri(self) -> str:
        return f"bolt://127.0.0.1:{self.port}"

    def start(self) -> str | None:
        """Start it and wait until it answers; return why it does not."""
        command = [self.java, "-Xmx1g", "-XX:+UseSerialGC", *(["-XX:TieredStopAtLevel=1"] if self.quick_start else [])]
        command += [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
        command += ["-Dio.netty.tryReflectionSetAccessible=true", "-cp", self._class_path(), str(HERE / "Launch.java")]
        settings = self.data / "test.conf"
        settings.write_text("\n".join(self.settings))
        arguments = [str(self.data), str(self.port), "true", str(settings)]
        with (self.data / "stderr.txt").open("wb") as errors:
            self.process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=errors)
        if not _is_ready(self.process):
            return f"the server did not start: {(self.data / 'stderr.txt').read_text(errors='replace')[-500:]}"
        return None

    def _class_path(self) -> str:
        return ":".join(f"{folder}/*" for folder in (self.jars, self.plugins) if folder)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._end(lambda process: process.kill())

    def stop(self) -> None:
        """End it in order."""
        self._end(lambda process: process.terminate())

    def remove(self) -> None:
        """End it and delete its data."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def _end(self, how: Callable[[subprocess.Popen[bytes]], None]) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        how(process)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def own_server(*settings: str, quick_start: bool = True, plugins: Path | None = None) -> OwnServer:
    """Return a started server of the test's own; skip or fail where there can be none. Remove it when done."""
    java, maven = _find_java(), shutil.which("mvn")
    jars = "there is no java or no mvn" if java is None or maven is None else _fetch_jars(maven)
    if java is None or isinstance(jars, str):
        _give_up(str(jars))
    server = OwnServer(java, jars, settings, quick_start=quick_start, plugins=plugins)
    if fault := server.start():
        _give_up(fault)
    _set_password(server.uri)
    return server


def _start(java: str, jars: Path) -> Neo4jServer | str:
    server = OwnServer(java, jars)
    if fault := server.start():
        return fault
    _set_password(server.uri)
    return Neo4jServer(server.uri, PASSWORD)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _is_ready(process: subprocess.Popen[bytes]) -> bool:
    """Wait for the line READY, or for the end of the process."""
    limit = threading.Timer(START_LIMIT_S, process.kill)
    limit.start()
    try:
        return process.stdout is not None and any(line.strip() == b"READY" for line in process.stdout)
    finally:
        limit.cancel()


def _set_password(uri: str) -> None:
    """Replace the password of a new server, which accepts nothing else before."""
    with neo4j.GraphDatabase.driver(uri, auth=("neo4j", "neo4j")) as driver:
        driver.execute_query(
            "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $password", {"password": PASSWORD}, database_="system"
        )

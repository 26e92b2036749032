"""A review page that is served in a thread or a process, and a small client that asks it."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from reports.review.server import listen, make_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reports.review.desk import Desk

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Client:
    """Asks a server, each time on a new connection; keeps the cookies it is given."""

    address: str
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        self.host, self.port = parts.hostname or "", parts.port or 80

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        sent = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())} if self.cookies else {}
        with closing(HTTPConnection(self.host, self.port, timeout=60)) as connection:
            connection.request(method, path, body, sent | dict(headers or {}))
            answer = connection.getresponse()
            given = {name.lower(): value for name, value in answer.getheaders()}
            if "set-cookie" in given:
                name, _, value = given["set-cookie"].partition(";")[0].partition("=")
                self.cookies[name] = value
            return Answer(answer.status, given, answer.read())

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, fields: Mapping[str, object] | None = None, **headers: str) -> Answer:
        form = {"Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded"} | headers
        return self.ask("POST", path, urlencode(dict(fields or {}), doseq=True), form)

    def decide(self, action: str, pattern: str = "", **fields: object) -> Answer:
        return self.post("/decide", {"action": action, "pattern": pattern, **fields})


@contextmanager
def serving(desk: Desk, *, host: str = "127.0.0.1", token: str = "") -> Iterator[Client]:
    """Serve a desk in a thread."""
    with listen(host, 0, token) as listening:
        server = make_server(desk, listening)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening.socket]}, daemon=True)
        thread.start()
        try:
            yield Client(f"http://127.0.0.1:{listening.port}/")
        finally:
            server.should_exit = True
            thread.join(10)


@contextmanager
def started(*command: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a server of its own process, and wait for the address that it prints."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            process.wait(10)
            assert process.stderr is not None
            raise AssertionError(process.stderr.read())
        yield process, address
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()

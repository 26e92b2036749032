"""A local S3 server (moto) for tests, and the environment that leads to it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.request import Request, urlopen

import fsspec
import pytest

from miner.store.remote import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

BUCKET = "pictures"


@dataclass(frozen=True)
class ObjectStore:
    """A running server.

    Attributes:
        endpoint: Its address.
        server: Of moto.
    """

    endpoint: str
    server: Any

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to reach it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }

    def put(self, folder: Path, place: str) -> str:
        """Copy a folder into the bucket; return its URL."""
        self.system.put(f"{folder}/", f"{BUCKET}/{place}/", recursive=True)
        return f"s3://{BUCKET}/{place}"

    def files(self, place: str) -> dict[str, bytes]:
        """Return all objects below a place, by relative name."""
        self.system.invalidate_cache()
        names = self.system.find(f"{BUCKET}/{place}")
        return {name.removeprefix(f"{BUCKET}/{place}/"): self.system.cat_file(name) for name in names}

    @contextmanager
    def refusing_strangers(self) -> Iterator[None]:
        """Refuse whoever has no key of a user that was made here."""
        self._ask_for_keys_after("0")
        try:
            yield
        finally:
            self._ask_for_keys_after("inf")

    def _ask_for_keys_after(self, n_requests: str) -> None:
        address = f"{self.endpoint}/moto-api/reset-auth"
        as_text = {"Content-Type": "text/plain"}
        with urlopen(Request(address, n_requests.encode(), as_text)) as answer:  # noqa: S310 - of this machine
            answer.read()

    @property
    def system(self) -> Any:  # noqa: ANN401 - fsspec has no types
        """Its file system."""
        return connect(f"s3://{BUCKET}")[0]


@contextmanager
def reached_through(environment: Mapping[str, str]) -> Iterator[None]:
    """Let this process see object stores through these variables, and forget how it saw them before."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FSSPEC_"))}
    _forget()
    with mock.patch.dict(os.environ, {**known, **environment}, clear=True):
        yield
    _forget()


def _forget() -> None:
    connect.cache_clear()
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@contextmanager
def running_store() -> Iterator[ObjectStore]:
    """Run a server with one empty bucket on a free port of this machine."""
    moto = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    store = ObjectStore(f"http://{host}:{port}", server)
    try:
        with reached_through(store.environment):
            # All servers of one process have the same buckets.
            if not store.system.exists(BUCKET):
                store.system.mkdir(BUCKET)
            yield store
    finally:
        server.stop()

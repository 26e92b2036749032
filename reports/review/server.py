"""Serving the review page: a socket of its own, an address to print, a graceful end."""

from __future__ import annotations

import errno
import ipaddress
import logging
import secrets
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from miner.errors import ReviewError
from reports.review.app import build_app
from reports.review.guard import Rules
from reports.review.patience import Impatient

if TYPE_CHECKING:
    from typing import Self

    from reports.review.desk import Desk

__all__ = ["LOOPBACK", "Listening", "is_loopback", "listen", "make_server", "serve"]

LOOPBACK = "127.0.0.1"
LEAST_TOKEN_CHARACTERS = 16
GRACE_S = 3
MOST_CONNECTIONS = 200
SHUT_S = 5


@dataclass(frozen=True)
class Listening:
    """A socket that listens, and who may ask there.

    Attributes:
        socket: Bound, not yet served.
        host: As given.
        token: What every request must know; empty on loopback where none was given.
    """

    socket: socket.socket
    host: str
    token: str

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the socket."""
        self.socket.close()

    @property
    def port(self) -> int:
        """The port, chosen by the system where 0 was asked for."""
        port: int = self.socket.getsockname()[1]
        return port

    @property
    def address(self) -> str:
        """What to open in a browser."""
        name = socket.gethostname() if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104 - compared only
        name = f"[{name}]" if ":" in name else name
        return f"http://{name}:{self.port}/" + (f"?token={self.token}" if self.token else "")

    @property
    def rules(self) -> Rules:
        """Whom to answer: this machine's names, and whoever knows the token."""
        names = {"localhost", self.host.lower()}
        if not is_loopback(self.host):
            names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        return Rules(frozenset(names - {""}), self.token)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def listen(host: str = LOOPBACK, port: int = 0, token: str = "") -> Listening:
    """Bind a socket.

    Args:
        host: Name or address of this machine.
        port: 0 for a free one.
        token: What every request must know; made where the host is no loopback and none is given.

    Raises:
        ReviewError: The port is in use or not allowed, the host is not this machine, or the token is too short.
    """
    if not 0 <= port <= 65_535:
        raise ReviewError(f"There is no port {port}; ports go from 0 (any free one) to 65535.")
    if token and (
        len(token) < LEAST_TOKEN_CHARACTERS
        or not token.isascii()
        or not token.replace("-", "").replace("_", "").isalnum()
    ):
        raise ReviewError(
            f"The token must have at least {LEAST_TOKEN_CHARACTERS} letters, digits, '-' or '_'.",
            hint="Leave it out, and one is made.",
        )
    if not token and not is_loopback(host):
        token = secrets.token_urlsafe(24)
    return Listening(_bind(host, port), host, token)


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise ReviewError(
            f"{host!r} is no host of this machine.", hint="Leave --host out to serve this machine only."
        ) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(place)
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise _explain(error, host, port) from error
    return bound


def _explain(error: OSError, host: str, port: int) -> ReviewError:
    if error.errno == errno.EADDRINUSE:
        return ReviewError(
            f"Port {port} is in use, perhaps by another review.", hint="Leave --port out to take any free one."
        )
    if error.errno == errno.EACCES:
        return ReviewError(f"Port {port} is not for ordinary users.", hint="Take one above 1023, or leave --port out.")
    return ReviewError(f"Cannot listen on {host}:{port}: {error.strerror or error}.")


def serve(desk: Desk, listening: Listening) -> None:
    """Serve until interrupted; requests that are being answered are finished first."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    threading.Thread(target=desk.shelf.warm, daemon=True).start()
    with suppress(KeyboardInterrupt):
        make_server(desk, listening).run(sockets=[listening.socket])


def make_server(desk: Desk, listening: Listening) -> uvicorn.Server:
    """Return the server of a page, with its limits."""
    config = uvicorn.Config(
        build_app(desk, listening.rules),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=SHUT_S,
        limit_concurrency=MOST_CONNECTIONS,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        loop="asyncio",
        http=Impatient,
    )
    return uvicorn.Server(config)

"""What stands between the review page and the network: whose requests are answered, and what browsers may do with answers.

| threat | answer |
|---|---|
| another machine | the server listens on loopback; elsewhere every request needs a token |
| DNS rebinding | the `Host` of a request must be this machine's name or a plain address |
| another page writes on the analyst's behalf | a write needs an `Origin` (or `Sec-Fetch-Site`) of this very page |
| another page reads or frames it | `Cross-Origin-Resource-Policy`, `frame-ancestors 'none'` |
| a script in a caption or a name | everything is escaped, and the content-security policy runs only this server's own files |
| a picture that is something else | pictures are drawn anew, and browsers may not guess types |
| floods | bodies, addresses and connections have a limit, and whoever never finishes asking is cut off (`patience`) |
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, cookie_parser
from starlette.responses import RedirectResponse

from miner.errors import EventMinerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

MOST_BODY_BYTES = 256 << 10
MOST_ADDRESS_CHARACTERS = 8_000
TOKEN_COOKIE = "eventminer-token"  # noqa: S105 - the name of a cookie
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Rules:
    """Whom to answer.

    Attributes:
        names: Names of this machine, lower case, without port.
        token: What every request must know; empty where only this machine can ask.
        most_body_bytes: Longest body of a request.
    """

    names: frozenset[str] = field(default=frozenset({"localhost"}))
    token: str = ""
    most_body_bytes: int = MOST_BODY_BYTES

    def knows_host(self, host: str) -> bool:
        """Tell whether a `Host` header means this machine: a plain address, which no name server gave out, or its name."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.lower() in self.names
        return True


class Guard:
    """Refuses requests before they reach the application, and seals every answer.

    Args:
        app: The application.
        rules: Whom to answer.
        refuse: Makes the page that says why not.
    """

    def __init__(self, app: ASGIApp, *, rules: Rules, refuse: Callable[[int, str], Response]) -> None:
        """Keep the rules."""
        self.app = app
        self.rules = rules
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = _Sealed(send)
        try:
            answer = self._judge(scope)
            if answer is None:
                await self.app(scope, _bounded(receive, self.rules.most_body_bytes), state)
            else:
                await answer(scope, receive, state)
        except HTTPException as error:
            await self._fail(scope, receive, state, error.status_code, error.detail)
        except ClientDisconnect:
            logger.debug("%s %s: whoever asked has gone", scope["method"], scope["path"])
        except EventMinerError as error:
            logger.warning("%s %s: %s", scope["method"], scope["path"], error.message)
            await self._fail(scope, receive, state, HTTPStatus.CONFLICT, error.message)
        except Exception:
            # Whoever asks learns that it failed, not how; the traceback is for the log.
            logger.exception("%s %s failed", scope["method"], scope["path"])
            await self._fail(scope, receive, state, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here.")

    async def _fail(self, scope: Scope, receive: Receive, send: _Sealed, status: int, reason: str) -> None:
        if not send.started:
            await self.refuse(status, reason)(scope, receive, send)

    def _judge(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        if not self.rules.knows_host(headers.get("host", "")):
            return self.refuse(HTTPStatus.MISDIRECTED_REQUEST, "This server does not go by that name.")
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MOST_ADDRESS_CHARACTERS:
            return self.refuse(HTTPStatus.REQUEST_URI_TOO_LONG, "That address is too long.")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.rules.most_body_bytes:
            return self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That is more than one decision can say.")
        if self.rules.token and not _equal(_cookie(headers), self.rules.token):
            return self._admit(scope)
        if scope["method"] not in SAFE_METHODS and not is_own(scope, headers):
            return self.refuse(HTTPStatus.FORBIDDEN, "Only this page itself may write here.")
        return None

    def _admit(self, scope: Scope) -> Response:
        """Let in who brings the token in the address, once, and keep it in a cookie that scripts cannot read."""
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        token = query.pop("token", "")
        if scope["method"] != "GET" or not _equal(token, self.rules.token):
            return self.refuse(HTTPStatus.UNAUTHORIZED, "Open the address that the server printed when it started.")
        address = quote("/" + scope["path"].lstrip("/\\")) + (f"?{urlencode(query)}" if query else "")
        answer = RedirectResponse(address, status_code=HTTPStatus.SEE_OTHER)
        answer.set_cookie(TOKEN_COOKIE, token, httponly=True, samesite="strict")
        return answer


def is_own(scope: Scope, headers: Headers) -> bool:
    """Tell whether a request was sent by a page of this very server."""
    origin = headers.get("origin")
    if origin is not None:
        return origin == f"{scope['scheme']}://{headers.get('host', '')}"
    return headers.get("sec-fetch-site") == "same-origin"


def _cookie(headers: Headers) -> str:
    return cookie_parser(headers.get("cookie", "")).get(TOKEN_COOKIE, "")


def _equal(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())


def _bounded(receive: Receive, most_bytes: int) -> Receive:
    """Stop reading a body that is longer than it said."""
    n_read = 0

    async def read() -> Message:
        nonlocal n_read
        message = await receive()
        n_read += len(message.get("body", b""))
        if n_read > most_bytes:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That is more than one decision can say.")
        return message

    return read


class _Sealed:
    """Sends answers with the headers that keep them safe, and remembers whether one was begun."""

    def __init__(self, send: Callable[[Message], Awaitable[None]]) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            if "cache-control" not in headers:
                headers["Cache-Control"] = "no-store"
        await self._send(message)

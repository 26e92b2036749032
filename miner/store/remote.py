"""File systems elsewhere, behind fsspec URLs: opened once, and their failures told apart.

Addresses and credentials come from the environment, as each file system's own library reads it (`AWS_ACCESS_KEY_ID`,
`AWS_ENDPOINT_URL`, …) or as fsspec does (`FSSPEC_S3_KEY`, `FSSPEC_S3_ENDPOINT_URL`, …): never from a file of a run, and never
part of what is sent to workers.
"""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

import fsspec

from miner.errors import EventMinerError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["answering", "connect", "is_url", "read_range", "require_no_secrets"]

OF_ONE_FILE = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)
"""What says something of one file; any other failure would come with every file."""
NUMBERS_OF_ONE_FILE = frozenset({errno.EINVAL, errno.ENAMETOOLONG, errno.EPERM})
OF_CREDENTIALS = frozenset(
    {"ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "RequestTimeTooSkewed", "SignatureDoesNotMatch"}
)
"""Codes of S3 for a refusal that would come with every object."""
OURS = frozenset({"builtins", "corpora", "kb", "miner"})
DAMAGE = frozenset({"bz2", "lzma", "tarfile", "zipfile", "zlib"})
"""Modules whose exceptions say that a file in an archive is damaged."""
NO_SUCH_RANGE = frozenset({"416", "InvalidRange"})
"""What S3 says of any range of an empty object."""
USER = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#@]*)@", re.IGNORECASE)
WITH_COLONS = frozenset({"git", "github"})
"""File systems whose addresses name a repository where others name a user and a password."""
SECRET = re.compile(r"(signature|sig|credential|token|password|passwd|secret|api_?key|accesskeyid)$", re.IGNORECASE)
"""How the names of parameters end that let in whoever has them, signed addresses of all stores among them."""


def is_url(location: str) -> bool:
    """Tell whether a location is an address, not a local path."""
    return "://" in location


def require_no_secrets(url: str) -> None:
    """Refuse an address that lets in whoever reads it: where a corpus or a run is enters files, logs and messages.

    Args:
        url: A path or any fsspec URL, chained ones too.

    Raises:
        StorageError: It has a password or a signature in it; neither is repeated.
    """
    if any(_lets_in(part) for part in url.split("::")):
        shown = re.sub(r"\?[^:]*", "?…", USER.sub(r"\1://…@", url))
        raise StorageError(
            f"{shown!r} has credentials in it, which would end up in files and logs.",
            hint="Leave them out and set the variables of the store's own library (AWS_ACCESS_KEY_ID, …) or fsspec's "
            "(FSSPEC_FTP_USERNAME, FSSPEC_FTP_PASSWORD, …); in place of a signed address, use the store's own or a local copy.",
        )


def _lets_in(url: str) -> bool:
    if not is_url(url):
        return False
    user = USER.match(url)
    kind = url.partition("://")[0].casefold()
    if user and kind not in WITH_COLONS and (":" in user[2] or kind in {"http", "https"}):
        return True
    return any(SECRET.search(name) for name, _ in parse_qsl(url.partition("?")[2], keep_blank_values=True))


@contextmanager
def answering(url: str) -> Iterator[None]:
    """Turn a failure of a file system as a whole into one line for the user; errors of one file pass.

    There is no common base: every file system raises what its own library does, such as botocore's `NoCredentialsError`.

    Args:
        url: What was asked for.

    Raises:
        OSError: Of one file.
        StorageError: No answer, no credentials, or no network.
    """
    try:
        yield
    except EventMinerError:
        raise
    except OSError as error:
        if _is_of_one_file(error):
            raise
        raise _unanswered(url, error) from error
    except Exception as error:
        module = type(error).__module__.partition(".")[0]
        if module in OURS:
            raise
        if module in DAMAGE:
            raise OSError(str(error)) from error
        raise _unanswered(url, error) from error


def _is_of_one_file(error: OSError) -> bool:
    of_one_file = isinstance(error, OF_ONE_FILE) or error.errno in NUMBERS_OF_ONE_FILE
    return of_one_file and _code_of(error) not in OF_CREDENTIALS


def _code_of(error: Exception) -> str:
    """Return the code in the answer of S3 that an exception was made of, if any."""
    response = getattr(error.__cause__, "response", None)
    return str(response.get("Error", {}).get("Code")) if isinstance(response, dict) else ""


def _unanswered(url: str, error: Exception) -> StorageError:
    said = " ".join(str(error).split()) or type(error).__name__
    return StorageError(
        f"{url!r} cannot be reached: {said}",
        hint="Check the network, and the address and credentials in the environment (for S3: AWS_ACCESS_KEY_ID, "
        "AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL). The same command goes on from here.",
    )


@lru_cache(maxsize=16)
def connect(url: str) -> tuple[Any, str]:
    """Return the file system of an absolute path or a URL, and the path there.

    Opened once: an archive is closed as soon as nobody holds its file system.

    Raises:
        StorageError: The kind of URL is not supported, what supports it is not installed, or it has credentials in it.
    """
    require_no_secrets(url)
    try:
        return cast("tuple[Any, str]", fsspec.core.url_to_fs(url))
    except (ImportError, ValueError, OSError) as error:
        raise StorageError(
            f"{url!r} cannot be opened: {error}", hint="Install what the message names, or use a local copy."
        ) from error


def read_range(system: Any, path: str, start: int, end: int) -> bytes:  # noqa: ANN401 - fsspec has no types
    """Return some bytes of a file in one request; fewer, or none, where the file ends before.

    Args:
        system: The file system.
        path: There.
        start: First byte.
        end: Behind the last one.

    Raises:
        OSError: The file is not there or cannot be read.
    """
    try:
        return cast("bytes", system.cat_file(path, start=start, end=end))
    except OSError as error:
        if _code_of(error) not in NO_SUCH_RANGE:
            raise
        return b""

"""Files that are made once and read afterwards, such as exported networks: kept in the user's cache, safe to damage or delete.

A file is named `<stem>-<digest><suffix>`. The stem says what it was made from and with; the digest is that of its content,
so a damaged file is recognised and made again.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from miner.store.fingerprint import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

DIGITS = 16

# making one file may need another: weights are read to export a network
_making = threading.RLock()


@dataclass(frozen=True)
class Kept:
    """One kind of files in a folder.

    Attributes:
        folder: Where they are.
        suffix: How their names end.
        what: What they hold, for people.
    """

    folder: Path
    suffix: str
    what: str

    def read(self, stem: str, make: Callable[[], bytes]) -> bytes:
        """Return the content of a file, making it where there is none or it is damaged.

        No other thread or process makes it at the same time. A folder that cannot be written only costs the time of making it
        again.

        Args:
            stem: What it is made from and with; fit for a file name.
            make: Makes its content.
        """
        found = self._find(stem)
        return self._make_once(stem, make) if found is None else found

    def _find(self, stem: str) -> bytes | None:
        """Return the content of the file whose digest is the one in its name."""
        for path in sorted(self.folder.glob(f"{stem}-*{self.suffix}")):
            try:
                data = path.read_bytes()
            except OSError as error:
                logger.warning("cannot read %s: %s", path, error)
                continue
            if path.name == self._name(stem, data):
                return data
            logger.warning("%s is damaged; making the %s again", path, self.what)
        return None

    def _name(self, stem: str, data: bytes) -> str:
        return f"{stem}-{digest_bytes(data)[:DIGITS]}{self.suffix}"

    def _make_once(self, stem: str, make: Callable[[], bytes]) -> bytes:
        with _making:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                with FileLock(self.folder / f"{stem}.lock"):
                    found = self._find(stem)
                    if found is None:
                        found = make()
                        _replace_file(self.folder / self._name(stem, found), found)
                    return found
            except OSError as error:
                logger.warning("cannot keep the %s in %s (%s); made anew each time", self.what, self.folder, error)
                return make()


def _replace_file(path: Path, data: bytes) -> None:
    """Write a file so that its name appears only when its content is complete."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise

"""The embedded store: a graph in one file, with no server, kept by a process of its own (see `kb.embedded.process`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from kb.result import Changes, Params, QueryResult
from miner.errors import KbError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.graph_schema import GraphSchema

GRAPH_FILE = "graph.kgl"


def graph_file(uri: str) -> Path:
    """Return the file of the store at a path: a run folder, a `.kgl` file, or a folder that holds or will hold one."""
    path = Path(uri).expanduser()
    if path.suffix == ".kgl":
        return path
    return path / "kb" / GRAPH_FILE if (path / "run.toml").is_file() else path / GRAPH_FILE


def put_aside(uri: str) -> Path | None:
    """Rename the files of an embedded store, so that it can be made anew.

    Args:
        uri: As for `graph_file`.

    Returns:
        Where the store's file is now, None where there was none.

    Raises:
        KbError: It is an address of a server.
        OSError: The files cannot be renamed.
    """
    if "://" in uri:
        raise KbError(f"{uri} is no embedded store.", hint="--prune RUN removes what a run has in a database.")
    file, moved = graph_file(uri), None
    if file.exists():
        taken = {path.name for path in file.parent.iterdir()}
        moved = file.with_name(next(n for i in count(1) if (n := f"{file.name}.old-{i}") not in taken))
        file.rename(moved)
    for left_over in file.parent.glob(
        f"{file.name}-*"
    ):  # its log and its lock would be taken for those of the new file
        left_over.unlink()
    return moved


class EmbeddedStore:
    """A graph in a file.

    Args:
        uri: As for `graph_file`; nothing is touched before the first statement.
    """

    def __init__(self, uri: str) -> None:
        """Remember the file."""
        self._path = graph_file(uri)
        self._process: subprocess.Popen[str] | None = None

    @property
    def uri(self) -> str:
        """The path of its file."""
        return str(self._path)

    @property
    def lanes(self) -> int:
        """One: its process does one thing after another."""
        return 1

    def read(self, statement: str, params: Params, *, timeout_s: float) -> QueryResult:
        """Run a statement on the last checkpoint (or on what this store has written); see `GraphStore.read`."""
        return _to_result(self._ask("read", statement=statement, params=dict(params), timeout_s=timeout_s))

    def write(self, statement: str, params: Params, *, timeout_s: float | None = None) -> QueryResult:
        """Run any statement, durable at once, or with its block inside `loading`; see `GraphStore.write`."""
        return _to_result(self._ask("write", statement=statement, params=dict(params), timeout_s=timeout_s))

    @contextmanager
    def loading(self, schema: GraphSchema) -> Iterator[None]:
        """Write as one transaction, then bring the indexes up to date; see `GraphStore.loading`."""
        self._ask("begin")
        try:
            yield
        except BaseException:
            if self._process is not None:
                self._ask("rollback")
            raise
        self._ask("commit", schema=schema.model_dump(mode="json"))

    def constrain(self, schema: GraphSchema) -> None:
        """Do nothing: ids are unique in it."""

    def index(self, schema: GraphSchema) -> None:
        """Do nothing: the end of `loading` does it."""

    def close(self) -> None:
        """Write a checkpoint if anything was written, and release the file."""
        if self._process is None:
            return
        try:
            self._ask("close")
        finally:
            self._end()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _ask(self, action: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON values
        try:
            line = json.dumps({"do": action, **request})
        except (TypeError, ValueError) as error:
            raise KbError(f"The query failed: a parameter cannot be sent ({error}).") from error
        try:
            reply = self._exchange(line)
        except BaseException:
            self._end(kill=True)  # mid-question; what it had not committed is rolled back when the file is opened next
            raise
        if "error" in reply:
            raise KbError(reply["error"], hint=reply["hint"])
        return reply

    def _exchange(self, line: str) -> dict[str, Any]:
        process = self._process = self._process or _start(self._path)
        reply = ""
        if process.stdin is not None and process.stdout is not None:
            with suppress(BrokenPipeError):
                process.stdin.write(f"{line}\n")
                process.stdin.flush()
                reply = process.stdout.readline()
        if not reply:
            raise KbError(f"The process that keeps {self._path} has ended.", hint="See 'eventminer doctor'.")
        answer: dict[str, Any] = json.loads(reply)
        return answer

    def _end(self, *, kill: bool = False) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        with suppress(BrokenPipeError), process:
            pass


def _start(path: Path) -> subprocess.Popen[str]:
    places = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(  # noqa: S603 - this interpreter and a module of this package
        [sys.executable, "-m", "kb.embedded.process", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
    )


def _to_result(reply: dict[str, Any]) -> QueryResult:
    return QueryResult(
        columns=tuple(reply["columns"]),
        rows=tuple(tuple(row) for row in reply["rows"]),
        warnings=tuple(reply["warnings"]),
        changes=Changes(**reply["changes"]),
    )

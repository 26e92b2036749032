from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kb.asking.query import run_query
from kb.bundle import build_bundle, write_bundle
from kb.embedded_store import EmbeddedStore, graph_file
from kb.loading.load import load_bundle
from kb.store import open_store
from miner.errors import KbError
from tests.kb_run import small_inputs

if TYPE_CHECKING:
    from pathlib import Path

COUNT = "MATCH (p:Pattern) RETURN count(p) AS n"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(build_bundle(small_inputs()), tmp_path / "bundle")
    return tmp_path / "bundle"


def test_graph_file_is_found_in_folders_runs_and_by_name(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.toml").touch()
    assert graph_file(str(tmp_path / "kb")) == tmp_path / "kb" / "graph.kgl"
    assert graph_file(str(tmp_path / "run")) == tmp_path / "run" / "kb" / "graph.kgl"
    assert graph_file(str(tmp_path / "my.kgl")) == tmp_path / "my.kgl"


@pytest.mark.parametrize("uri", ["http://localhost:7687", "mongodb://x", "sqlite:///x.db", "bolt+s3://x"])
def test_open_store_refuses_unknown_schemes(uri: str) -> None:
    with pytest.raises(KbError, match="bolt, bolt\\+s") as caught:
        open_store(uri)
    assert "path" in (caught.value.hint or "")


@pytest.mark.parametrize("path", ["C:\\kb", "kb", "./a:b", "~/kb"])
def test_open_store_takes_anything_else_for_a_path(path: str) -> None:
    with open_store(path) as store:
        assert isinstance(store, EmbeddedStore)


def test_asking_before_loading_says_how_to_load(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "kb")) as store, pytest.raises(KbError, match="no knowledge base") as caught:
        run_query(store, COUNT)
    assert "eventminer kb load" in (caught.value.hint or "")
    assert not (tmp_path / "kb").exists()


def test_loaded_store_is_there_for_the_next_process(tmp_path: Path, bundle: Path) -> None:
    with open_store(str(tmp_path / "kb")) as store:
        load_bundle(bundle, store)
    with open_store(str(tmp_path / "kb")) as store:
        assert run_query(store, COUNT).rows == ((3,),)
        assert len(run_query(store, "@captions-like", {"text": "rock"}).rows) == 4


def test_reading_leaves_the_files_as_they_are(tmp_path: Path, bundle: Path) -> None:
    with open_store(str(tmp_path / "kb")) as store:
        load_bundle(bundle, store)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (tmp_path / "kb").iterdir()}
    with open_store(str(tmp_path / "kb")) as store:
        run_query(store, COUNT)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (tmp_path / "kb").iterdir()} == before


def test_readers_do_not_wait_for_a_writer_and_see_the_last_checkpoint(tmp_path: Path, bundle: Path) -> None:
    uri = str(tmp_path / "kb")
    with open_store(uri) as writer:
        load_bundle(bundle, writer)
        with open_store(uri) as reader:
            assert run_query(reader, COUNT).rows == ((3,),)
        with open_store(uri) as second, pytest.raises(KbError, match="being written by another process"):
            second.write("CREATE (n:Note {id: 'x'})", {})


def test_what_was_written_is_searchable_afterwards(tmp_path: Path, bundle: Path) -> None:
    uri = str(tmp_path / "kb")
    with open_store(uri) as store:
        load_bundle(bundle, store)
        many = "UNWIND range(1, 1500) AS i CREATE (c:Caption {id: 'Caption:mine/' + toString(i), text: 'zebra'})"
        run_query(store, many, write=True)
    with open_store(uri) as store:
        found = "CALL db.index.fulltext.queryNodes('captionText', 'zebra') YIELD node RETURN count(node) AS n"
        assert run_query(store, found).rows == ((1_500,),)


@pytest.mark.parametrize("content", [b"", b"no graph at all" * 20, None])
def test_damaged_store_is_refused_with_the_way_out(tmp_path: Path, bundle: Path, content: bytes | None) -> None:
    file = tmp_path / "kb" / "graph.kgl"
    with open_store(str(tmp_path / "kb")) as store:
        load_bundle(bundle, store)
    file.write_bytes(file.read_bytes()[:-200] if content is None else content)
    for use in (lambda store: run_query(store, COUNT), lambda store: load_bundle(bundle, store)):
        with open_store(str(tmp_path / "kb")) as store, pytest.raises(KbError, match="damaged") as caught:
            use(store)
        assert "eventminer kb load" in (caught.value.hint or "")


def test_a_file_in_the_way_is_a_known_error(tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "kb").touch()
    with open_store(str(tmp_path / "kb" / "deep")) as store, pytest.raises(KbError, match="Cannot open"):
        load_bundle(bundle, store)


def test_csv_output_is_refused(tmp_path: Path, bundle: Path) -> None:
    with open_store(str(tmp_path / "kb")) as store:
        load_bundle(bundle, store)
        with pytest.raises(KbError, match="FORMAT CSV"):
            run_query(store, f"{COUNT} FORMAT CSV")


KILLED = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
import kb.cypher
from kb.embedded.graph import EmbeddedGraph
from kb.loading.load import load_bundle

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

class Direct:
    # The store without its process, so that it can be killed at a chosen place.
    lanes = 1
    def __init__(self, path):
        self.graph = EmbeddedGraph(Path(path))
    def write(self, statement, params):
        return self.graph.write(statement, params, timeout_s=None)
    def constrain(self, schema): ...
    def index(self, schema): ...
    @contextmanager
    def loading(self, schema):
        self.graph.begin()
        yield
        if sys.argv[3] == "before the commit":
            die()
        kb.cypher.create_range_index = die  # called between commit and checkpoint
        self.graph.commit(schema)

load_bundle(Path(sys.argv[2]), Direct(sys.argv[1]))
"""


@pytest.mark.parametrize(("when", "n_patterns"), [("before the commit", 0), ("after the commit", 3)])
def test_killed_load_is_there_as_a_whole_or_not_at_all(
    tmp_path: Path, bundle: Path, when: str, n_patterns: int
) -> None:
    file = tmp_path / "kb.kgl"
    with open_store(str(file)) as store:
        store.write("CREATE (n:Note {id: 'Note:mine'})", {})
    done = subprocess.run([sys.executable, "-c", KILLED, str(file), str(bundle), when], check=False)
    assert done.returncode == -signal.SIGKILL
    with open_store(str(file)) as store:
        assert run_query(store, COUNT).rows == ((n_patterns,),)
        assert run_query(store, "MATCH (n:Note) RETURN count(n) AS n").rows == ((1,),)
        load_bundle(bundle, store)
        assert run_query(store, COUNT).rows == ((3,),)
    with open_store(str(file)) as store:
        assert len(run_query(store, "@captions-like", {"text": "rock"}).rows) == 4


ABANDONED = """
import os, signal, sys
from kb.schema import SCHEMA
from kb.store import open_store

store = open_store(sys.argv[1])
with store.loading(SCHEMA):
    store.write("CREATE (n:Note {id: 'half'})", {})
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_process_of_the_store_ends_with_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "kb.kgl"
    with open_store(str(file)) as store:
        store.write("CREATE (n:Note {id: 'Note:mine'})", {})
    # The pipes of the killed owner are inherited by the process of the store: run returns when that has ended too.
    done = subprocess.run([sys.executable, "-c", ABANDONED, str(file)], check=False, stderr=subprocess.PIPE)
    assert done.returncode == -signal.SIGKILL
    with open_store(str(file)) as store:
        store.write("CREATE (n:Note {id: 'Note:other'})", {})
        assert run_query(store, "MATCH (n:Note) RETURN count(n) AS n").rows == ((2,),)


def test_store_can_be_used_again_after_its_process_died(tmp_path: Path, bundle: Path) -> None:
    with open_store(str(tmp_path / "kb")) as store:
        load_bundle(bundle, store)
        os.kill(_pid_of_writer(tmp_path / "kb"), signal.SIGKILL)
        with pytest.raises(KbError, match="has ended"):
            load_bundle(bundle, store)
        assert run_query(store, COUNT).rows == ((3,),)


def _pid_of_writer(folder: Path) -> int:
    with open_store(str(folder)) as second, pytest.raises(KbError) as caught:
        second.write("CREATE (n:Note {id: 'y'})", {})
    return int("".join(character for character in caught.value.message.split("process")[-1] if character.isdigit()))


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes"])
def test_parameters_that_are_no_data_are_refused(tmp_path: Path, bundle: Path, value: object) -> None:
    with open_store(str(tmp_path / "kb")) as store:
        load_bundle(bundle, store)
        with pytest.raises(KbError, match="cannot be sent"):
            run_query(store, "RETURN $x AS x", {"x": value})
        assert run_query(store, COUNT).rows == ((3,),)

"""Loading a run as a corpus of another name, beside another run of the same corpus."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from kb.bundle import read_bundle, write_bundle
from kb.loading.finding import require_free_name
from kb.loading.load import bundle_folder, load_bundle
from kb.loading.renaming import rename_corpus
from miner.errors import KbError

if TYPE_CHECKING:
    from kb.loading.load import LoadReport, Progress
    from kb.store import GraphStore

__all__ = ["load_as"]


def load_as(
    run: Path, name: str, store: GraphStore, on_progress: Progress | None = None, *, replace: bool = False
) -> LoadReport:
    """Make a store say what a bundle says, as a corpus of another name and without the decisions of analysts.

    The whole bundle is read, and another is written into the temporary folder.

    Args:
        run: A run folder or a bundle.
        name: The other name.
        store: Where to.
        on_progress: As of `load_bundle`.
        replace: The store may have a corpus of that name of another run, which this one replaces.

    Raises:
        KbError: The name is empty or that of a corpus of another run; else as of `load_bundle`.
    """
    if not name:
        raise KbError("The name of a corpus cannot be empty.", hint="Give one: --as NAME")
    renamed = rename_corpus(read_bundle(bundle_folder(run)), name)
    if not replace:
        require_free_name(store, renamed.manifest)
    with TemporaryDirectory() as folder:
        write_bundle(renamed, Path(folder))
        return load_bundle(Path(folder), store, on_progress)

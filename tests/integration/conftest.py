from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.object_store import running_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.object_store import ObjectStore


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    with running_store() as store:
        yield store

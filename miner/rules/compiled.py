"""The one place that knows numba: a typed decorator, the population count of a 64-bit word, and a prefetch.

Every kernel is compiled once per argument types, cached in the user's cache directory (or beside its module where that cannot
be written), and runs without the interpreter lock, so threads share one process. numba looks at a kernel's own module only to
tell whether what it cached is out of date, not at the kernels it calls: so each state of all kernels has a folder of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic
from platformdirs import user_cache_path

from miner.store.fingerprint import digest_bytes

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def _cache_folder() -> str:
    """Give the folder for what these very sources are compiled to; under `NUMBA_CACHE_DIR` where that is set."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    above = os.environ.get("NUMBA_CACHE_DIR") or user_cache_path("eventminer") / "kernels"
    return str(Path(above) / digest_bytes(b"\0".join(source.read_bytes() for source in sources)))


_CACHE = _cache_folder()


def compiled(function: Kernel) -> Kernel:
    """Compile a kernel: cached, without the interpreter lock, C semantics for division."""
    settings = cast("Any", numba.config)
    before, settings.CACHE_DIR = settings.CACHE_DIR, _CACHE
    try:
        return cast("Kernel", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    finally:
        settings.CACHE_DIR = before


def inlined(function: Kernel) -> Kernel:
    """Compile a kernel that is copied into its callers, because passing it many arrays would cost more than its work."""
    return cast("Kernel", numba.njit(nogil=True, error_model="numpy", inline="always")(function))


def _popcount(_typing: object, word: Any) -> Any:  # noqa: ANN401 - numba types have no stubs
    """Tell numba that `popcount(word)` is LLVM's `ctpop`, which its vectoriser understands."""

    def generate(_context: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        return builder.ctpop(arguments[0])

    return word(word), generate


popcount = cast("Callable[[Any], Any]", intrinsic(_popcount))


def _prefetch(_typing: object, array: Any, _index: object) -> Any:  # noqa: ANN401 - numba types have no stubs
    """Tell numba that `prefetch(array, index)` asks for the cache line of an element; the index may be out of range."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        tools = cast("Any", cgutils)
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), tools.voidptr_t)
        kind = tools.ir.FunctionType(tools.ir.VoidType(), [tools.voidptr_t, *[tools.int32_t] * 3])
        function = tools.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [address, *(tools.int32_t(option) for option in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, types.uint64), generate


prefetch = cast("Callable[[Any, Any], None]", intrinsic(_prefetch))

"""The one place that knows numba: a typed decorator and the population count of a 64-bit word.

Every kernel is compiled once per argument types, cached on disk beside its module (or in the user's cache directory where
that is read-only), and runs without the interpreter lock, so threads share one process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.extending import intrinsic

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile a kernel: cached, without the interpreter lock, C semantics for division."""
    return cast("Kernel", numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def _popcount(_typing: object, word: Any) -> Any:  # noqa: ANN401 - numba types have no stubs
    """Tell numba that `popcount(word)` is LLVM's `ctpop`, which its vectoriser understands."""

    def generate(_context: object, builder: Any, _signature: object, arguments: Any) -> Any:  # noqa: ANN401
        return builder.ctpop(arguments[0])

    return word(word), generate


popcount = cast("Callable[[Any], Any]", intrinsic(_popcount))

"""How numbers are written for readers: thousands apart, two or three digits that matter."""

from __future__ import annotations

import math

NARROW_SPACE = "\u202f"
TIMES = "\u00d7"
MISSING = "\u2013"
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def whole(value: float) -> str:
    """Write a count, `12,345`."""
    return f"{int(value):,}"


def decimal(value: float | None) -> str:
    """Write a ratio or score with three digits that matter, `11.3` or `0.042`."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def score(value: float) -> str:
    """Write a score that is compared with others beside it, `0.74`."""
    return f"{value:.2f}"


def percent(share: float | None) -> str:
    """Write a share in [0, 1] with two digits that matter, `2.6 %`."""
    if share is None or not math.isfinite(share):
        return MISSING
    value = 100 * share
    text = f"{value:.0f}" if value >= 9.95 or value == 0 else f"{value:.2g}"
    return f"{text}{NARROW_SPACE}%"


def p_value(value: float | None) -> str:
    """Write a probability, below 0.001 as a power of ten: 3.1 times 10⁻¹²."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value <= 0:
        return f"<{NARROW_SPACE}10⁻³⁰⁰"
    if value >= 0.001:
        return f"{value:.2g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}{NARROW_SPACE}{TIMES}{NARROW_SPACE}10{str(int(exponent)).translate(SUPERSCRIPTS)}"

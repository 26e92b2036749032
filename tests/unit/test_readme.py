"""What the README points at exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
LINKS = sorted(set(re.findall(r"\]\((?!https?://)([^)#]+)\)", README.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("link", LINKS)
def test_readme_links_lead_somewhere(link: str) -> None:
    assert (README.parent / link).exists()


def test_readme_shows_a_pattern_sheet() -> None:
    assert "docs/pictures/pattern-sheet.png" in LINKS

from __future__ import annotations

import pyarrow as pa

from reports.structure import N_FILLERS, Filler, Structure, find_structures
from tests.report_fakes import EVIDENCE, PATTERNS

N_VOTES = 20


def structure(**patterns: tuple[range, str | None]) -> Structure:
    """Return the structure of one event type of 20 of 40 votes, from the photo groups and the role of each pattern."""
    rows = [
        {"pattern": f"P{name}", "eventType": "A", "name": name, "role": role, "classCount": len(groups)}
        | {"support": len(groups) / 40, "confidence": 0.8, "lift": 1.6, "roles": []}
        for name, (groups, role) in patterns.items()
    ]
    evidence = [{"pattern": f"P{name}", "group": group} for name, (groups, _) in patterns.items() for group in groups]
    return find_structures(
        pa.Table.from_pylist(rows, schema=PATTERNS), pa.Table.from_pylist(evidence, schema=EVIDENCE)
    )["A"]


def test_structure_gives_each_role_its_fillers() -> None:
    found = structure(smoke=(range(12), None), flag=(range(6), "Instrument"), sign=(range(4, 8), "Instrument"))
    instrument, loose = found.roles
    assert (instrument.role, instrument.share) == ("Instrument", 8 / N_VOTES)
    assert instrument.fillers == (Filler("Pflag", "flag", 0.3), Filler("Psign", "sign", 0.2))
    assert (loose.role, loose.fillers[0].name) == (None, "smoke")
    assert "flag" in found.text
    assert "smoke" in found.text


def test_structure_says_how_many_fillers_it_leaves_out() -> None:
    found = structure(**{f"p{n}": (range(n, n + 2), "Place") for n in range(N_FILLERS + 3)})
    assert len(found.roles[0].fillers) == N_FILLERS
    assert found.roles[0].n_more == 3


def test_structure_names_each_pair_once() -> None:
    """Both show in 5 of 20 photo groups, in 4 of them together: 4 * 20 / 25 = 3.2 times chance."""
    found = structure(a=(range(5), "R"), b=(range(1, 6), "R"), c=(range(9, 20), "R"))
    assert [(pair.first, pair.second, pair.count, round(pair.lift, 6)) for pair in found.pairs] == [
        ("Pa", "Pb", 4, 3.2)
    ]


def test_structure_of_nothing() -> None:
    assert find_structures(PATTERNS.empty_table(), EVIDENCE.empty_table()) == {}

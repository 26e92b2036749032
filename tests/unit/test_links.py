from __future__ import annotations

from reports.links import Link, Linked, link_patterns


def linked(pattern: str, groups: str, items: str = "", event_type: str = "A") -> Linked:
    return Linked(pattern, event_type, frozenset(items), frozenset(groups))


def links(*patterns: Linked) -> dict[str, list[tuple[str, str]]]:
    return {own: [(link.kind, link.pattern) for link in found] for own, found in link_patterns(patterns).items()}


def test_links_of_the_same_pictures_need_three_in_ten() -> None:
    """P and Q share 3 of 10 photo groups, P and R 2 of 11."""
    found = links(linked("P", "abcdefg"), linked("Q", "abcxyz"), linked("R", "abmnpq"))
    assert found == {"P": [("same", "Q")], "Q": [("same", "P")], "R": []}


def test_links_of_what_shows_together_ask_for_more_than_chance() -> None:
    """P and Q have 3 photo groups of 8 each in common; the types have 40 in all, so 1.6 are expected. With 20 they are not."""
    alphabet = [chr(code) for code in range(300, 340)]
    p, q, rest = alphabet[:8], alphabet[5:13], alphabet
    patterns = [linked("P", "".join(p)), linked("Q", "".join(q), event_type="B")]
    assert links(*patterns, linked("all", "".join(rest)))["P"] == [("together", "Q")]
    assert links(*patterns, linked("some", "".join(rest[:17])))["P"] == [("same", "some")]


def test_links_of_items_leave_out_what_has_the_same_pictures() -> None:
    found = links(linked("P", "abc", "12"), linked("Q", "abc", "12"), linked("R", "xyz", "2345"))
    assert found["P"] == [("same", "Q")]
    found = links(linked("P", "abc", "12"), linked("R", "xyz", "234"))
    assert found["P"] == [("alike", "R")]


def test_links_are_the_four_closest_of_each_kind_with_how_much() -> None:
    others = [linked(f"Q{n}", "abcdefghij"[: 10 - n]) for n in range(6)]
    found = link_patterns([linked("P", "abcdefghij"), *others])["P"]
    assert [link.pattern for link in found] == ["Q0", "Q1", "Q2", "Q3"]
    assert found[1] == Link("same", "Q1", "90\u202f% of both")


def test_links_of_nothing() -> None:
    assert link_patterns([]) == {}
    assert links(linked("P", "")) == {"P": []}

from __future__ import annotations

from miner.run.split import split_records, split_shared

N = 200
RECORDS = [f"r{i}" for i in range(N)]
CAPTIONS = [[f"caption {i}"] for i in range(N)]


def held_out(captions: list[list[str]], group_of: dict[str, int], *, share: float = 0.4, seed: int = 0) -> list[bool]:
    values: list[bool] = split_records(RECORDS, captions, group_of, share=share, seed=seed)["heldOut"].to_pylist()
    return values


def test_split_holds_out_the_asked_share() -> None:
    assert sum(held_out(CAPTIONS, {})) == 80


def test_split_holds_out_nothing_by_default() -> None:
    assert not any(held_out(CAPTIONS, {}, share=0.0))


def test_split_differs_by_seed_and_repeats_for_one() -> None:
    assert held_out(CAPTIONS, {}, seed=1) == held_out(CAPTIONS, {}, seed=1)
    assert held_out(CAPTIONS, {}, seed=1) != held_out(CAPTIONS, {}, seed=2)


def test_split_keeps_copies_of_a_photograph_together() -> None:
    for seed in range(5):
        sides = held_out(CAPTIONS, {record: i // 4 for i, record in enumerate(RECORDS)}, seed=seed)
        assert all(len(set(sides[at : at + 4])) == 1 for at in range(0, N, 4))


def test_split_keeps_records_with_a_caption_in_common_together() -> None:
    captions = [[f"Same  words {i // 2}", f"own {i}"] for i in range(N)]
    for seed in range(5):
        sides = held_out(captions, {}, seed=seed)
        assert sides[::2] == sides[1::2]


def test_records_of_another_corpus_that_show_or_say_what_is_known_are_held_out_with_their_ties() -> None:
    captions = [["A red  rope"], ["a man"], ["new"], ["a RED rope"], ["newer"], ["newest"], ["newest"], ["alone"]]
    # places 0 and 1 are known; the first other shows a known photograph, the second says a known caption, the third is a
    # copy of the second, the fourth and the fifth say one caption that nobody else says, the last has no picture
    group_of = {0: 0, 1: 1, 2: 1, 3: 3, 4: 3, 5: 5, 6: 6}
    table = split_shared(["a", "b"], ["a", "d", "e", "f", "g", "h"], captions, group_of)
    assert table.to_pylist() == [
        {"record": "a", "heldOut": True},
        {"record": "d", "heldOut": True},
        {"record": "e", "heldOut": True},
        {"record": "f", "heldOut": False},
        {"record": "g", "heldOut": False},
        {"record": "h", "heldOut": False},
    ]


def test_a_corpus_that_has_nothing_in_common_with_another_is_kept_whole() -> None:
    found = split_shared(["a"], ["a", "b"], [["one"], ["two"], []], {0: 0, 1: 1})
    assert found["heldOut"].to_pylist() == [False, False]

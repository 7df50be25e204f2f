"""Which copies of the chassis `make chassis` checks."""

from collections import Counter

from tools import chassis


def test_each_choice_is_removed_from_one_copy_and_never_with_another_of_its_option() -> None:
    removed = Counter[str]()
    for name, (choices, _) in chassis.merged_removals().items():
        if name.startswith("without"):
            assert all(len(each) <= 1 for each in choices.values())
            removed.update(choice for each in choices.values() for choice in each)
    alone = {choice for choices, _ in chassis.removals().values() for each in choices.values() for choice in each}
    assert removed == dict.fromkeys(alone, 1)

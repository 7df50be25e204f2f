"""An aggregate cannot have a name that the service's code already uses: a tool derives them all."""

from collections.abc import Iterable

import pytest

from tools import options, reserved


def test_the_reserved_names_are_up_to_date() -> None:
    declared = options.model()
    for name, words in reserved.lists().items():
        assert declared[name] == words, f"to repair {name}: {reserved.REPAIR}"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"Zebra", "Quantity"}, {"quantity"}),
        ({"ZebraStatus", "OrderStatus", "Status"}, {"order"}),
        ({"CreateZebra", "CreateSubscription"}, {"subscription"}),
        ({"zebras", "outbox_lanes"}, {"outbox lane"}),
        ({"zebras", "boxes", "replies"}, {"box", "boxe", "replie", "reply"}),
        ({"zebra_events", "message_events"}, {"message"}),
        ({"zebra", "class", "len", "x"}, set()),
        ({"Zebra", f"{'A' + 'a' * 30}"}, set()),
        ({"Order", "orders"}, set()),
    ],
)
def test_a_name_in_the_form_of_another_is_taken_from_every_aggregate_that_would_have_it(
    names: Iterable[str], expected: set[str]
) -> None:
    assert set(reserved.colliding(names)) == expected


def test_each_choice_that_brings_code_is_looked_at() -> None:
    looked_at = reserved.every_choice()
    for option in reserved.CODE:
        assert {each[option] for each in looked_at} == set(options.choices()[option])


def test_only_the_lists_are_replaced() -> None:
    text = '{\n  "_a": ["x"],\n  "_b": [\n    "old"\n  ],\n  "_c": 1\n}\n'
    assert reserved.updated(text, {"_b": ["new", "two words"]}) == text.replace('"old"', '"new", "two words"')
    with pytest.raises(SystemExit, match="_d"):
        reserved.updated(text, {"_d": []})

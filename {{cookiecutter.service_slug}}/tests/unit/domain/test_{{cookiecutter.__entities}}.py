"""The life cycle of {{ cookiecutter.__a_noun }} and its rules."""

import pytest
from chassis.domain import DomainEvent, InvalidTransition, InvalidValue, VersionConflict
from hypothesis import given
from hypothesis import strategies as st

from {{ cookiecutter.package_name }}.domain.{{ cookiecutter.__entities }}.model import (
    {{ cookiecutter.__Entity }},
)
from {{ cookiecutter.package_name }}.domain.{{ cookiecutter.__entities }}.values import (
    Quantity,
    Reference,
    Status,
)

from tests.support.{{ cookiecutter.__entities }} import (
    LATER,
    NOW,
    amend,
    new_{{ cookiecutter.__entity }},
)


def actions(events: list[DomainEvent]) -> list[str]:
    """What happened, in order."""
    return [event.action for event in events]


def take(step: str, changed: {{ cookiecutter.__Entity }}, *, quantity: int = 7) -> None:
    """Run a command by its name."""
    if step == "amend":
        amend(changed, quantity=Quantity(quantity))
    else:
        getattr(changed, step)(at=LATER)


def test_begins_at_version_1_with_one_event() -> None:
    new = new_{{ cookiecutter.__entity }}()
    assert (new.status, new.version, new.stored_version) == (Status.CREATED, 1, 0)
    assert actions([*new.take_events()]) == ["created"]
    assert new.take_events() == []


def test_every_change_raises_the_version_and_is_recorded() -> None:
    changed = new_{{ cookiecutter.__entity }}()
    for step in ("amend", "confirm", "cancel"):
        take(step, changed)
    assert (changed.status, changed.version, changed.updated_at) == (Status.CANCELLED, 4, LATER)
    assert actions([*changed.take_events()]) == ["created", "amended", "confirmed", "cancelled"]


def test_amending_to_the_same_values_changes_nothing() -> None:
    same = new_{{ cookiecutter.__entity }}()
    amend(same)
    assert (same.version, same.updated_at) == (1, NOW)


@pytest.mark.parametrize(
    ("before", "step"),
    [
        (["confirm"], "confirm"),
        (["cancel"], "confirm"),
        (["cancel"], "cancel"),
        (["confirm", "cancel"], "cancel"),
        (["confirm"], "amend"),
    ],
)
def test_refuses_commands_out_of_order(before: list[str], step: str) -> None:
    changed = new_{{ cookiecutter.__entity }}()
    for each in before:
        take(each, changed)
    with pytest.raises(InvalidTransition):
        take(step, changed)
    assert changed.version == 1 + len(before)


def test_refuses_a_caller_who_has_seen_another_version() -> None:
    seen = new_{{ cookiecutter.__entity }}()
    seen.require_version(None)
    seen.require_version({1, 2})
    with pytest.raises(VersionConflict):
        seen.require_version(set())


@given(st.lists(st.sampled_from(["amend", "confirm", "cancel"])), st.integers(1, 1_000_000))
def test_its_events_alone_rebuild_it(steps: list[str], quantity: int) -> None:
    changed = new_{{ cookiecutter.__entity }}()
    rebuilt = new_{{ cookiecutter.__entity }}(id=changed.id)
    for step in steps:
        try:
            take(step, changed, quantity=quantity)
        except InvalidTransition:
            continue
    first, *rest = changed.take_events()
    assert first == rebuilt.take_events()[0]
    for event in rest:
        rebuilt.record(event)
    assert rebuilt == changed


@pytest.mark.parametrize("text", ["", " ", " A", "A ", "A\n", "A\x00B", "x" * 65])
def test_refuses_a_reference_that_cannot_be_read_back(text: str) -> None:
    with pytest.raises(InvalidValue):
        Reference(text)


@pytest.mark.parametrize("number", [0, -1, 1_000_001])
def test_refuses_quantities_out_of_range(number: int) -> None:
    with pytest.raises(InvalidValue):
        Quantity(number)

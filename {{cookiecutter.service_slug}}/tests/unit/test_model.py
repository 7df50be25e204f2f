"""The life cycle and its rules."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from {{ cookiecutter.package_name }}.domain.errors import InvalidTransition, InvalidValue, VersionConflict
from {{ cookiecutter.package_name }}.domain.events import {{ cookiecutter.__Entity }}Event
from {{ cookiecutter.package_name }}.domain.model import {{ cookiecutter.__Entity }}
from {{ cookiecutter.package_name }}.domain.values import Quantity, Reference, Status

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
LATER = datetime(2026, 1, 31, 9, 45, tzinfo=UTC)
ID = UUID("019a9e3c-7a10-7c3e-9f5d-2b1d6a4c8e01")


def created() -> {{ cookiecutter.__Entity }}:
    """A new aggregate."""
    return {{ cookiecutter.__Entity }}.create(ID, Reference("A-1001"), Quantity(3), NOW)


def actions(events: list[{{ cookiecutter.__Entity }}Event]) -> list[str]:
    """What happened, in order."""
    return [event.action for event in events]


def test_begins_at_version_1_with_one_event() -> None:
    new = created()
    assert (new.status, new.version, new.stored_version) == (Status.CREATED, 1, 0)
    assert actions(new.take_events()) == ["created"]
    assert new.take_events() == []


def test_every_change_raises_the_version_and_is_recorded() -> None:
    changed = created()
    changed.amend(None, Quantity(5), LATER)
    changed.confirm(LATER)
    changed.cancel(LATER)
    assert (changed.status, changed.version, changed.updated_at) == (Status.CANCELLED, 4, LATER)
    assert actions(changed.take_events()) == ["created", "amended", "confirmed", "cancelled"]


def test_amending_to_the_same_values_changes_nothing() -> None:
    same = created()
    same.amend(Reference("A-1001"), Quantity(3), LATER)
    assert (same.version, same.updated_at) == (1, NOW)


@pytest.mark.parametrize(
    ("before", "step"),
    [
        (["confirm"], "confirm"),
        (["cancel"], "confirm"),
        (["cancel"], "cancel"),
        (["confirm", "cancel"], "cancel"),
    ],
)
def test_refuses_steps_out_of_order(before: list[str], step: str) -> None:
    changed = created()
    for each in before:
        getattr(changed, each)(NOW)
    with pytest.raises(InvalidTransition):
        getattr(changed, step)(LATER)
    assert (changed.version, changed.updated_at) == (1 + len(before), NOW)


def test_cannot_be_amended_once_confirmed() -> None:
    confirmed = created()
    confirmed.confirm(NOW)
    with pytest.raises(InvalidTransition):
        confirmed.amend(Reference("B-2"), None, LATER)


def test_a_caller_who_saw_another_version_is_refused() -> None:
    seen = created()
    seen.require_version(None)
    seen.require_version({1, 2})
    with pytest.raises(VersionConflict):
        seen.require_version(set())


@given(st.lists(st.sampled_from(["amend", "confirm", "cancel"])), st.integers(1, 1_000_000))
def test_its_events_alone_rebuild_it(steps: list[str], quantity: int) -> None:
    changed = created()
    for step in steps:
        arguments = (None, Quantity(quantity), LATER) if step == "amend" else (LATER,)
        try:
            getattr(changed, step)(*arguments)
        except InvalidTransition:
            continue
    first, *rest = changed.take_events()
    rebuilt = created()
    assert first == rebuilt.take_events()[0]
    for event in rest:
        rebuilt.apply(event)
    assert rebuilt == changed


@pytest.mark.parametrize("text", ["", " ", " A", "A ", "A\n", "A\x00B", "x" * 65])
def test_refuses_a_reference_nobody_could_read_back(text: str) -> None:
    with pytest.raises(InvalidValue):
        Reference(text)


@pytest.mark.parametrize("number", [0, -1, 1_000_001])
def test_refuses_quantities_out_of_range(number: int) -> None:
    with pytest.raises(InvalidValue):
        Quantity(number)

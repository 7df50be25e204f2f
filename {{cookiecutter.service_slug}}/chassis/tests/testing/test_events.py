"""Events that were not registered are found."""

import pytest

from chassis.testing.events import check_events_are_counted, domain_events
from tests.sample.domain import parcels


def test_finds_the_events_of_every_module_of_a_package() -> None:
    assert {event.aggregate for event in domain_events("tests.sample.domain")} == {"parcel", "shipping-label"}


def test_names_the_event_that_no_metric_counts() -> None:
    found = domain_events("tests.sample.domain")
    check_events_are_counted("tests.sample.domain", found)
    with pytest.raises(AssertionError, match="ParcelConfirmed is not counted: add it to EVENTS"):
        check_events_are_counted("tests.sample.domain", [each for each in found if each is not parcels.ParcelConfirmed])

"""Events that were not registered are found."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from chassis.telemetry.events import EventMetrics
from chassis.testing.events import check_events_are_counted, domain_events
from tests.sample.domain import labels, parcels

PACKAGE = "tests.sample.domain"


def test_finds_the_events_of_every_module_of_a_package() -> None:
    assert {event.aggregate for event in domain_events(PACKAGE)} == {"parcel", "shipping-label"}


def test_names_the_event_that_no_metric_counts() -> None:
    registry = CollectorRegistry()
    EventMetrics(registry, [each for each in domain_events(PACKAGE) if each is not labels.LabelPrinted])
    with pytest.raises(AssertionError, match="LabelPrinted is not counted: add it to EVENTS"):
        check_events_are_counted(PACKAGE, generate_latest(registry).decode())


def test_is_content_if_every_event_is_counted() -> None:
    registry = CollectorRegistry()
    EventMetrics(registry, domain_events(PACKAGE), [parcels.ParcelConfirmed])
    check_events_are_counted(PACKAGE, generate_latest(registry).decode())

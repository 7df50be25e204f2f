"""Metrics of the process, its event loop and its events."""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from chassis.domain import DomainEvent
from chassis.identity import new_id, utc_now
from chassis.telemetry import event_loop
from chassis.telemetry.event_loop import measuring_lag
from chassis.telemetry.events import EventMetrics
from chassis.telemetry.metrics import create_registry


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSent(DomainEvent):
    aggregate: ClassVar[str] = "invoice"
    action: ClassVar[str] = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePaid(DomainEvent):
    aggregate: ClassVar[str] = "invoice"
    action: ClassVar[str] = "paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderSent(DomainEvent):
    aggregate: ClassVar[str] = "payment-reminder"
    action: ClassVar[str] = "sent"


@pytest.fixture
def registry() -> CollectorRegistry:
    """An application's registry."""
    return create_registry()


def test_an_application_has_a_registry_of_its_own_with_metrics_of_the_process() -> None:
    assert create_registry() is not create_registry()
    assert b"process_start_time_seconds " in generate_latest(create_registry())


def test_events_of_each_aggregate_are_counted_under_its_own_name(registry: CollectorRegistry) -> None:
    metrics = EventMetrics(registry, [InvoiceSent, InvoicePaid, ReminderSent], [InvoicePaid])
    text = generate_latest(registry).decode()
    assert 'invoice_events_total{action="paid"} 0.0' in text
    assert 'payment_reminder_events_total{action="sent"} 0.0' in text
    assert "payment_reminder_age_seconds" not in text
    sent, at = new_id(), utc_now()
    metrics(
        [
            InvoiceSent(id=sent, version=1, occurred_at=at),
            InvoicePaid(id=sent, version=2, occurred_at=at + timedelta(seconds=100)),
            ReminderSent(id=new_id(), version=1, occurred_at=at),
        ]
    )
    assert registry.get_sample_value("invoice_events_total", {"action": "sent"}) == 1
    assert registry.get_sample_value("payment_reminder_events_total", {"action": "sent"}) == 1
    assert registry.get_sample_value("invoice_age_seconds_count", {"action": "paid"}) == 1
    assert registry.get_sample_value("invoice_age_seconds_bucket", {"action": "paid", "le": "60.0"}) == 0
    assert registry.get_sample_value("invoice_age_seconds_bucket", {"action": "paid", "le": "600.0"}) == 1


def test_an_unexpected_event_is_counted_too(registry: CollectorRegistry) -> None:
    metrics = EventMetrics(registry, [InvoiceSent])
    metrics([InvoicePaid(id=new_id(), version=2, occurred_at=utc_now())] * 2)
    metrics([ReminderSent(id=new_id(), version=1, occurred_at=utc_now())])
    assert registry.get_sample_value("invoice_events_total", {"action": "paid"}) == 2
    assert registry.get_sample_value("payment_reminder_events_total", {"action": "sent"}) == 1


async def test_a_blocked_event_loop_is_observed(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_loop, "PERIOD_SECONDS", 0.01)

    def above_a_tenth() -> float:
        count = registry.get_sample_value("event_loop_lag_seconds_count") or 0
        return count - (registry.get_sample_value("event_loop_lag_seconds_bucket", {"le": "0.1"}) or 0)

    async with measuring_lag(registry), asyncio.timeout(10):
        await asyncio.sleep(0)
        time.sleep(0.3)  # noqa: ASYNC251 - blocks the loop on purpose
        while above_a_tenth() < 10:  # noqa: ASYNC110 - no event to wait for: a metric changes
            await asyncio.sleep(0.01)
    assert registry.get_sample_value("event_loop_lag_seconds_count") is None

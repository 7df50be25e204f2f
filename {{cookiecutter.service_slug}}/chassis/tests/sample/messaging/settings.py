"""The settings of the sample, with the sections of the chosen database and broker."""

from dataclasses import make_dataclass
from typing import Any

from chassis.http.settings import HttpSettings, IdempotencySettings, ReadinessSettings, ShutdownSettings
from chassis.messaging.settings import ConsumerSettings, OutboxSettings, WorkerSettings
from chassis.settings import ServiceSettings
from chassis.telemetry.settings import LogSettings
from tests.sample.messaging.choices import broker_adapters, storage_adapters


def settings_class() -> type[Any]:
    """A service writes this down as a class; the sample's choices are made when it starts."""
    sections: dict[str, Any] = {
        "service": ServiceSettings,
        "http": HttpSettings,
        "log": LogSettings,
        "database": storage_adapters().DatabaseSettings,
        "broker": broker_adapters().BrokerSettings,
        "outbox": OutboxSettings,
        "consumer": ConsumerSettings,
        "worker": WorkerSettings,
        "readiness": ReadinessSettings,
        "idempotency": IdempotencySettings,
        "shutdown": ShutdownSettings,
    }
    return make_dataclass("Settings", sections.items(), frozen=True, namespace={"__module__": __name__})

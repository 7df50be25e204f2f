"""One trace from a request to what its event leads to: through SQL, outbox, relay, broker, consumer and SQL again."""

import time

import httpx2
import pytest

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings

from ...collector import Collector, Received, collecting, tree
from ...processes import PATIENCE_SECONDS, Process, serving

URL = "/v1/{{ cookiecutter.__resource }}"
CHANNEL = "{{ cookiecutter.service_slug }}.{{ cookiecutter.__kind }}"
HISTORY = "{{ cookiecutter.service_slug }}.history"
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def settings(database_url: str, broker_settings: BrokerSettings) -> dict[str, str]:
    """A service that works with the real database and the real broker."""
    assert broker_settings.url is not None
    return {
        "ENVIRONMENT": "local",
        "DATABASE_URL": database_url,
        "BROKER_URL": broker_settings.url.get_secret_value(),
        "SHUTDOWN_DRAIN_SECONDS": "0",
    }


def test_an_event_stays_in_the_trace_of_its_request(settings: dict[str, str]) -> None:
    with (
        collecting("http/protobuf") as collector,
        serving("--worker", **settings, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint) as service,
    ):
        create(service)
        assert service.end() == 0
    print(tree(collector.of(TRACE)))  # noqa: T201 - to look at, with `-s`
    server = only(collector, f"POST {URL}")
    created = only(collector, f"create {CHANNEL}")
    sent = only(collector, f"send {CHANNEL}")
    processed = only(collector, f"process {HISTORY}")
    assert server.parent == CALLER
    assert created.parent == server.id
    assert sent.parent == created.id
    assert processed.parent == created.id
    assert processed.links == [created.id]
    assert (created.kind, sent.kind, processed.kind) == ("PRODUCER", "CLIENT", "CONSUMER")
    assert below(collector, server) >= {"INSERT {{ cookiecutter.__entities }}", "COMMIT"}
    assert below(collector, processed) >= {"INSERT inbox", "COMMIT"}
    assert not [span for span in collector.of(TRACE) if span.failed]


def test_what_the_caller_does_not_record_is_recorded_nowhere(settings: dict[str, str]) -> None:
    with (
        collecting("http/protobuf") as collector,
        serving("--worker", **settings, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint) as service,
    ):
        create(service, sampled="00")
        assert service.end() == 0
    assert collector.of(TRACE) == []


def create(service: Process, sampled: str = "01") -> None:
    """Have something done, and wait until its event was taken in."""
    url = service.url()
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-{sampled}"}
    created = httpx2.post(url + URL, json={"reference": "A-1001", "quantity": 3}, headers=headers)
    assert created.status_code == 201
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not httpx2.get(f"{url}{URL}/{created.json()['id']}/history").json()["items"]:
        assert time.monotonic() < deadline, "the event was not taken in"


def only(collector: Collector, name: str) -> Received:
    """The one span of the trace that is called so."""
    [span] = [span for span in collector.of(TRACE) if span.name == name]
    return span


def below(collector: Collector, parent: Received) -> set[str]:
    """What happened directly within a span."""
    return {span.name for span in collector.of(TRACE) if span.parent == parent.id}

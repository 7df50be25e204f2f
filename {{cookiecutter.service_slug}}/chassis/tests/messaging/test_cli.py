"""The commands of a service that publishes and consumes messages: output and refusals."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from chassis.cli import Context
from chassis.database.memory import MemoryDatabase
from chassis.messaging.brokers.in_process import InProcessBroker
from chassis.messaging.cli import COMMANDS
from chassis.messaging.history import history_handlers
from chassis.messaging.port import Dead, DeadLetter, DeadLetterIncomplete, Delivery, Message, Subscription
from chassis.messaging.settings import WorkerSettings
from chassis.messaging.storage.memory import MemoryMessageStorage
from chassis.service import ServiceIdentity
from tests.sample.messaging.contracts import CATALOG, SERVICE_NAME
from tests.support.logs import log_output, logged

CONSUMER = "warehouse-service.history"
TYPE = "warehouse-service.parcel.created"
BODY = b'{"type": "%s", "id": "7"}' % TYPE.encode()


@dataclass
class FakeSection:
    """A section of settings."""

    url: str | None = "a-broker://"
    port: int = 8000
    drain_seconds: float = 3

    def model_copy(self, *, update: dict[str, Any]) -> "FakeSection":
        """As pydantic's models have it."""
        return replace(self, **update)


@dataclass(frozen=True)
class FakeSettings:
    """The settings that the commands read."""

    broker: FakeSection
    http: FakeSection
    shutdown: FakeSection
    worker: WorkerSettings


class FakeContext:
    """Stands for a service's context; records what is served."""

    def __init__(self, broker: InProcessBroker, url: str | None) -> None:
        self.served: list[tuple[Any, Any]] = []
        self._broker = broker
        self._url = url

    def settings(self, *used: str, prints: bool = False) -> FakeSettings:
        """The settings, with or without a broker."""
        assert (used, prints) in ((("broker",), True), ((), False))
        return FakeSettings(FakeSection(self._url), FakeSection(), FakeSection(), WorkerSettings())

    def bootstrap(self) -> Any:
        """The composition root."""
        history = history_handlers(CATALOG, MemoryMessageStorage(MemoryDatabase()).history)
        return SimpleNamespace(
            SERVICE=ServiceIdentity(SERVICE_NAME, "Warehouse", "1.2.3", "Stores parcels."),
            CATALOG=CATALOG,
            PROTOCOL="a-protocol",
            create_broker=lambda _: self._broker,
            create_subscriptions_in_memory=lambda: {CONSUMER: history},
            create_worker_service=lambda _: "the worker",
        )

    def serve(self, service: Any, settings: Any, *, port_setting: str) -> None:
        """Record what would be served."""
        assert port_setting == "WORKER_PORT"
        self.served.append((service, settings))


def call(broker: InProcessBroker, *arguments: str, url: str | None = "a-broker://") -> Result:
    """Run a command as from a shell."""
    return CliRunner().invoke(group(), arguments, obj=FakeContext(broker, url))


def group() -> click.Group:
    """The group of a service."""
    main = click.Group("main")
    for command in COMMANDS:
        main.add_command(command)
    return main


@pytest.fixture(autouse=True)
def log() -> Iterator[None]:
    """What is logged is no output of a command."""
    with log_output():
        yield


@pytest.fixture
def broker() -> InProcessBroker:
    """A broker with two dead letters, one of which is not an event."""
    broker = InProcessBroker()
    asyncio.run(fill(broker))
    return broker


async def fill(broker: InProcessBroker) -> None:
    """Publish two messages that their handler refuses."""
    refused = asyncio.Semaphore(0)

    async def refuse(delivery: Delivery) -> Dead:
        refused.release()
        return Dead(f"refused after\n{delivery.attempt}")

    async with broker.consuming(Subscription(CONSUMER, [TYPE]), refuse, 1):
        await broker.publish([Message("7", TYPE, "key", BODY), Message("8", TYPE, "key", b"\xff nothing")])
        for _ in range(2):
            await refused.acquire()


def test_lists_dead_letters_with_a_line_for_each(broker: InProcessBroker) -> None:
    listed = call(broker, "dead-letters", "list")
    assert listed.exit_code == 0, listed.output
    first, second = (line.split("  ") for line in listed.stdout.splitlines())
    assert (first[:2], first[3:]) == ([CONSUMER, "1"], ["1 attempt", TYPE, "refused after 1"])
    assert (second[:2], second[3:]) == ([CONSUMER, "2"], ["1 attempt", "-", "refused after 1"])
    assert len(call(broker, "dead-letters", "list", "--limit", "1").stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("word " * 20 + "ends", "word " * 19 + "word…"),
        ("word " * 19 + "ends.", "word " * 19 + "ends."),
        ("word " * 15 + "x" * 200, "word " * 14 + "word…"),
        ("x" * 200, "x" * 99 + "…"),
        ("of " + "x" * 200, "of " + "x" * 96 + "…"),
    ],
)
def test_a_long_reason_is_cut_after_a_word(
    broker: InProcessBroker, monkeypatch: pytest.MonkeyPatch, reason: str, shown: str
) -> None:
    letter = asyncio.run(broker.dead_letter(Subscription(CONSUMER, [TYPE]), "1"))

    async def dead_letters(*_: object) -> list[DeadLetter]:
        return [replace(letter, reason=reason)]

    monkeypatch.setattr(broker, "dead_letters", dead_letters)
    listed = call(broker, "dead-letters", "list").stdout.splitlines()
    assert [line.split("  ")[-1] for line in listed] == [shown]


def test_shows_everything_about_one(broker: InProcessBroker) -> None:
    shown = json.loads(call(broker, "dead-letters", "show", CONSUMER, "1").stdout)
    assert (shown["reason"], shown["attempts"], shown["body"]) == ("refused after\n1", 1, json.loads(BODY))
    assert json.loads(call(broker, "dead-letters", "show", CONSUMER, "2").stdout)["body"] == "\\xff nothing"


def test_replays_the_named_ones_or_all(broker: InProcessBroker) -> None:
    assert call(broker, "dead-letters", "replay", CONSUMER, "2").stdout == "replayed 2\n"
    again = call(broker, "dead-letters", "replay", CONSUMER, "2")
    assert (again.exit_code, again.stderr) == (1, "Error: no dead letter 2\n")
    assert call(broker, "dead-letters", "replay", CONSUMER, "--all").stdout == "replayed 1\n"
    assert call(broker, "dead-letters", "replay", CONSUMER, "--all").stdout == "no dead letters\n"


def test_discards_one_once_it_is_confirmed_and_logs_it(broker: InProcessBroker) -> None:
    with logged() as lines:
        assert call(broker, "dead-letters", "discard", CONSUMER, "1").exit_code == 1
        assert call(broker, "dead-letters", "discard", CONSUMER, "1", "--yes").stdout == "discarded 1\n"
    [line] = [line for line in lines if line["event"] == "dead letter discarded"]
    assert (line["consumer"], line["dead_letter"], line["level"]) == (CONSUMER, "1", "warning")
    assert line["reason"] == "refused after\n1"
    again = call(broker, "dead-letters", "discard", CONSUMER, "1", "--yes")
    assert (again.exit_code, again.stderr) == (1, "Error: no dead letter 1\n")
    assert len(call(broker, "dead-letters", "list").stdout.splitlines()) == 1


def test_a_dead_letter_without_its_body_is_reported_and_the_others_are_replayed(
    broker: InProcessBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay = broker.replay
    letter = asyncio.run(broker.dead_letter(Subscription(CONSUMER, [TYPE]), "1"))

    async def find(_: Subscription, id: str) -> DeadLetter:
        return replace(letter, id=id, body=b"", left_out="body")

    async def replay_unless_first(subscription: Subscription, id: str) -> None:
        if id == "1":
            raise DeadLetterIncomplete(id, "gone")
        await replay(subscription, id)

    monkeypatch.setattr(broker, "replay", replay_unless_first)
    replayed = call(broker, "dead-letters", "replay", CONSUMER, "--all")
    assert (replayed.exit_code, replayed.stdout) == (1, "replayed 2\n")
    assert replayed.stderr == "dead letter 1 cannot be replayed: gone\nError: 1 of 2 not replayed\n"
    monkeypatch.setattr(broker, "dead_letter", find)
    assert json.loads(call(broker, "dead-letters", "show", CONSUMER, "1").stdout)["left_out"] == "body"


def test_an_unknown_id_is_refused(broker: InProcessBroker) -> None:
    shown = call(broker, "dead-letters", "show", CONSUMER, "7")
    assert (shown.exit_code, shown.stdout, shown.stderr) == (1, "", "Error: no dead letter 7\n")


@pytest.mark.parametrize(
    "arguments",
    [("list", "--consumer", "nobody"), ("show", "nobody", "1"), ("replay", "nobody", "--all")],
)
def test_an_unknown_consumer_is_refused(broker: InProcessBroker, arguments: tuple[str, ...]) -> None:
    refused = call(broker, "dead-letters", *arguments)
    assert refused.exit_code == 2
    assert f"no consumer nobody; the consumers are {CONSUMER}" in refused.stderr


def test_replay_needs_ids_or_all(broker: InProcessBroker) -> None:
    for arguments in ((), ("1", "--all")):
        refused = call(broker, "dead-letters", "replay", CONSUMER, *arguments)
        assert (refused.exit_code, "name the ids to replay, or give --all" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [("list",), ("show", CONSUMER, "1"), ("replay", CONSUMER, "--all"), ("discard", CONSUMER, "1", "--yes")],
)
def test_dead_letters_need_a_broker(broker: InProcessBroker, arguments: tuple[str, ...]) -> None:
    refused = call(broker, "dead-letters", *arguments, url=None)
    assert refused.exit_code == 2
    assert "BROKER_URL is not set: name the broker that holds the dead letters" in refused.stderr


def test_a_worker_needs_a_broker(broker: InProcessBroker) -> None:
    refused = call(broker, "worker", url=None)
    assert refused.exit_code == 2
    assert "BROKER_URL is not set: name the broker to publish to, or use `serve --worker`" in refused.stderr


def test_a_worker_is_served_on_its_own_port_and_stops_without_draining(broker: InProcessBroker) -> None:
    context = FakeContext(broker, "a-broker://")
    assert CliRunner().invoke(group(), ["worker"], obj=context).exit_code == 0
    [(service, settings)] = context.served
    assert (service, settings.http.port, settings.shutdown.drain_seconds) == ("the worker", 8001, 0)


def test_prints_the_asyncapi_document(broker: InProcessBroker) -> None:
    printed = json.loads(call(broker, "asyncapi").stdout)
    assert printed["info"] == {"title": "Warehouse", "version": "1.2.3", "description": "Stores parcels."}
    assert set(printed["channels"]) == {"warehouse-service.parcel", "warehouse-service.shipping-label"}


def test_writes_event_schemas_and_names_files_without_an_event(broker: InProcessBroker, tmp_path: Path) -> None:
    old = tmp_path / "old.v1.json"
    old.write_text("{}")
    written = call(broker, "event-schemas", str(tmp_path))
    assert written.exit_code == 0
    assert written.stderr == f"{old}: no event is published like this; delete it if it has no reader\n"
    assert (tmp_path / f"{TYPE}.v1.json").exists()


def test_the_context_is_that_of_the_service() -> None:
    """What the commands use of it exists."""
    assert all(hasattr(Context, name) for name in ("settings", "serve"))
    assert "bootstrap" in Context.__annotations__

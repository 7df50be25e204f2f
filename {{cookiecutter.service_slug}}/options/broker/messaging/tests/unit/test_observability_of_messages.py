"""What is told of events and messages is documented, and says which event it was about."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import uuid4

import orjson
import pytest

from {{ cookiecutter.package_name }}.bootstrap import create_service, create_worker_service
from {{ cookiecutter.package_name }}.config import Settings, load_settings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.database.memory import MemoryDatabase
from {{ cookiecutter.package_name }}.infrastructure.messaging import consumer, worker
from {{ cookiecutter.package_name }}.infrastructure.messaging.backoff import Backoff
from {{ cookiecutter.package_name }}.infrastructure.messaging.in_process import InProcessBroker
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Message, Subscription
from {{ cookiecutter.package_name }}.infrastructure.messaging.schemas import PREFIX
from {{ cookiecutter.package_name }}.infrastructure.messaging.subscriptions import HISTORY

from ..conftest import running
from ..deliveries import until_true
from .test_api import URL, create
from .test_consumer import Build, build, database, event, store  # noqa: F401 - most are fixtures
from .test_observability import documented, logged, strange
from .test_request_pass import quiet_again  # noqa: F401 - the output that is logged to here is closed


class TroubledBroker(InProcessBroker):
    """Away at first, then faulty, then there; at last it does not come back."""

    def __init__(self) -> None:
        super().__init__()
        self.troubles = iter([Unavailable("broker", "cannot be reached"), ZeroDivisionError("a mistake")])
        self.hangs: asyncio.Event | None = None

    async def publish(self, messages: Sequence[Message]) -> Collection[str]:
        if trouble := next(self.troubles, None):
            raise trouble
        if self.hangs:
            self.hangs.set()
            await asyncio.Event().wait()
        return await super().publish(messages)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings and pauses that make nobody wait."""
    monkeypatch.setattr(worker, "RESTART", Backoff(first=0.01, longest=0.01))
    monkeypatch.setattr(consumer, "EARLY_PAUSES_SECONDS", ())
    monkeypatch.setenv("CONSUMER_BACKOFF_SECONDS", "0.01")
    monkeypatch.setenv("CONSUMER_ATTEMPTS", "1")
    settings = load_settings()
    return replace(settings, shutdown=settings.shutdown.model_copy(update={"grace_seconds": 0}))


async def test_every_field_of_a_worker_is_documented_and_the_other_way_round(at_once: Settings) -> None:
    broker, data = TroubledBroker(), MemoryDatabase()
    api, works = create_service(at_once, data, broker), create_worker_service(at_once, data, broker)
    early = event(uuid4(), 2, "confirmed").body

    async def is_in_history() -> bool:
        return bool((await client.get(f"{URL}/{id}/history")).json()["items"])

    async def are_put_aside() -> bool:
        return len(await broker.dead_letters(Subscription(HISTORY, []), 10)) == 2

    async with logged("debug") as lines, running(api) as client, running(works):
        id = (await create(client)).json()["id"]
        await until_true(is_in_history)
        await broker.publish([Message("1", f"{PREFIX}.confirmed", "key", body) for body in (early, b"none")])
        await until_true(are_put_aside)
        broker.hangs = asyncio.Event()
        await create(client)
        await broker.hangs.wait()
    assert strange(lines) == set()
    assert documented("### Of messages").keys() - {name for line in lines for name in line} == set()
    about_it = [line for line in lines if line.get("event_id") == orjson.loads(early)["id"]]
    assert [line["event"] for line in about_it] == ["message will come again", "message is a dead letter"]


async def test_a_message_that_fails_is_told_with_its_event_and_its_request(build: Build) -> None:  # noqa: F811
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    message = event(uuid4(), 1, correlationid="call-7")
    async with logged() as lines:
        await build(fail)(message)
    failed, again = lines
    assert (failed["event"], again["event"]) == ("message failed", "message will come again")
    assert failed["exception"][0]["exc_type"] == "ZeroDivisionError"
    for line in lines:
        assert (line["event_id"], line["correlation_id"]) == (orjson.loads(message.body)["id"], "call-7")

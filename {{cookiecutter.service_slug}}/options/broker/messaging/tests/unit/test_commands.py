"""The commands for events: what they print, and what they refuse."""

import asyncio
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from {{ cookiecutter.package_name }} import dead_letters
from {{ cookiecutter.package_name }}.__main__ import main
from {{ cookiecutter.package_name }}.config import load_settings
from {{ cookiecutter.package_name }}.infrastructure.messaging.in_process import InProcessBroker
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
    Dead,
    DeadLetter,
    DeadLetterIncomplete,
    Delivery,
    Message,
    Subscription,
)

from ..elsewhere import ELSEWHERE
from .test_request_pass import quiet_again  # noqa: F401 - the commands set up logging
from .test_settings import refused

CONSUMER = "{{ cookiecutter.service_slug }}.history"
TYPE = "{{ cookiecutter.service_slug }}.{{ cookiecutter.__kind }}.created"
BODY = b'{"type": "%s", "id": "7"}' % TYPE.encode()


def call(*arguments: str, **settings: str) -> Result:
    """Run a command as from a shell."""
    return CliRunner().invoke(main, arguments, env=settings)


def call_with_broker(*arguments: str) -> Result:
    """The same with a broker, away or not; it needs no database."""
    return call(*arguments, **ELSEWHERE)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> InProcessBroker:
    """Has two dead letters, one of which is no event."""
    broker = InProcessBroker()
    monkeypatch.setattr(dead_letters, "select_broker", lambda _: broker)
    asyncio.run(fill(broker))
    return broker


async def fill(broker: InProcessBroker) -> None:
    """Two messages that their handler refuses."""
    refusals = asyncio.Semaphore(0)

    async def refuse(delivery: Delivery) -> Dead:
        refusals.release()
        return Dead(f"refused after\n{delivery.attempt}")

    async with broker.consuming(Subscription(CONSUMER, [TYPE]), refuse, 1):
        await broker.publish([Message("7", TYPE, "key", BODY), Message("8", TYPE, "key", b"\xff nothing")])
        for _ in range(2):
            await refusals.acquire()


@pytest.mark.usefixtures("broker")
def test_lists_dead_letters_with_a_line_for_each() -> None:
    listed = call_with_broker("dead-letters", "list")
    assert listed.exit_code == 0, listed.output
    first, second = (line.split("  ") for line in listed.stdout.splitlines())
    assert (first[:2], first[3:]) == ([CONSUMER, "1"], ["1 attempt", TYPE, "refused after 1"])
    assert (second[:2], second[3:]) == ([CONSUMER, "2"], ["1 attempt", "-", "refused after 1"])
    assert len(call_with_broker("dead-letters", "list", "--limit", "1").stdout.splitlines()) == 1


@pytest.mark.usefixtures("broker")
def test_shows_everything_about_one() -> None:
    shown = json.loads(call_with_broker("dead-letters", "show", CONSUMER, "1").stdout)
    assert (shown["reason"], shown["attempts"], shown["body"]) == ("refused after\n1", 1, json.loads(BODY))
    assert json.loads(call_with_broker("dead-letters", "show", CONSUMER, "2").stdout)["body"] == "\\xff nothing"


@pytest.mark.usefixtures("broker")
def test_replays_those_that_are_named_or_all() -> None:
    assert call_with_broker("dead-letters", "replay", CONSUMER, "2").stdout == "replayed 2\n"
    again = call_with_broker("dead-letters", "replay", CONSUMER, "2")
    assert (again.exit_code, again.stderr) == (1, "Error: no dead letter 2\n")
    assert call_with_broker("dead-letters", "replay", CONSUMER, "--all").stdout == "replayed 1\n"
    assert call_with_broker("dead-letters", "replay", CONSUMER, "--all").stdout == "no dead letters\n"


def test_a_letter_without_its_body_says_so_and_keeps_no_other_back(
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
    told = call_with_broker("dead-letters", "replay", CONSUMER, "--all")
    assert (told.exit_code, told.stdout) == (1, "replayed 2\n")
    assert told.stderr == "dead letter 1 cannot be replayed: gone\nError: 1 of 2 not replayed\n"
    monkeypatch.setattr(broker, "dead_letter", find)
    assert json.loads(call_with_broker("dead-letters", "show", CONSUMER, "1").stdout)["left_out"] == "body"


@pytest.mark.usefixtures("broker")
def test_an_id_that_is_none_is_told() -> None:
    shown = call_with_broker("dead-letters", "show", CONSUMER, "7")
    assert (shown.exit_code, shown.stdout, shown.stderr) == (1, "", "Error: no dead letter 7\n")


@pytest.mark.parametrize(
    "arguments",
    [("list", "--consumer", "nobody"), ("show", "nobody", "1"), ("replay", "nobody", "--all")],
)
@pytest.mark.usefixtures("broker")
def test_a_consumer_that_is_none_is_told(arguments: tuple[str, ...]) -> None:
    told = call_with_broker("dead-letters", *arguments)
    assert told.exit_code == 2
    assert f"no consumer nobody; there is {CONSUMER}" in told.stderr


def test_replay_wants_to_know_which() -> None:
    for arguments in ((), ("1", "--all")):
        told = call_with_broker("dead-letters", "replay", CONSUMER, *arguments)
        assert (told.exit_code, "name the ids to replay, or give --all" in told.stderr) == (2, True)


@pytest.mark.parametrize("arguments", [("list",), ("show", CONSUMER, "1"), ("replay", CONSUMER, "--all")])
def test_dead_letters_of_no_broker_are_refused(arguments: tuple[str, ...]) -> None:
    told = call("dead-letters", *arguments)
    assert told.exit_code == 2
    assert "BROKER_URL is not set: say which broker to ask" in told.stderr


def test_a_worker_of_no_broker_is_refused() -> None:
    told = call("worker")
    assert told.exit_code == 2
    assert "BROKER_URL is not set: say where events go, or use `serve --worker`" in told.stderr


@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
def test_events_may_stay_in_a_process_only_on_a_developers_machine(
    monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    problems = refused(monkeypatch, ENVIRONMENT=environment)
    assert f"BROKER_URL: must be set where ENVIRONMENT={environment}" in problems


def test_whoever_works_with_the_broker_alone_needs_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ELSEWHERE.items():
        monkeypatch.setenv(name, value)
    assert load_settings(["broker"]).broker.url is not None

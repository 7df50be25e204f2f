"""Servers that tests of the chassis run on beside those of the machine: the same tests, and what only these can show.

They are for tests only, and no service requires one. `make test-long` fetches them; the short runs use one that was
fetched before, and name it among what did not run if it was not.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tools import kafka_server, mysql_server

Tests = tuple[str, ...]


@dataclass(frozen=True)
class OtherServer:
    """A server, and the tests that run on it.

    Attributes:
        name: what it is called in tables and in LIVE_WITHOUT.
        how_to_get: the command that fetches it.
        version: the version that was fetched, or None.
        fetch: fetches it, and returns the version; raises ServerError.
        running: the settings that lead tests to a new one, inside the block; raises ServerError.
        smoke: arguments of pytest for what each run of `make chassis` asks; none if it is too slow for that.
        whole: the same for each run of `make test-long`.
    """

    name: str
    how_to_get: str
    version: Callable[[], str | None]
    fetch: Callable[[], str]
    running: Callable[[], AbstractContextManager[dict[str, str]]]
    smoke: tuple[Tests, ...]
    whole: tuple[Tests, ...]

    @property
    def is_required(self) -> bool:
        """Whether the run fails without it."""
        return os.environ.get("LIVE") == "required" and self.name not in os.environ.get("LIVE_WITHOUT", "").split(",")


@contextmanager
def _mysql() -> Iterator[dict[str, str]]:
    with mysql_server.running() as url:
        yield {"LIVE_MYSQL_URL": url}


MYSQL = OtherServer(
    mysql_server.NAME,
    mysql_server.HOW_TO_GET,
    mysql_server.version,
    mysql_server.fetch,
    _mysql,
    smoke=(
        (
            "tests/database/mysql/test_conformance.py",
            "tests/database/mysql/test_sessions.py",
            "tests/messaging/storage/mysql/test_outbox.py",
            *("-k", "not random_histories"),
        ),
    ),
    whole=(
        ("tests/database/mysql", "tests/messaging/storage/mysql"),
        ("tests/messaging/chaos", "-k", "mysql"),
    ),
)

KAFKA = OtherServer(
    kafka_server.NAME,
    kafka_server.HOW_TO_GET,
    kafka_server.version,
    kafka_server.fetch,
    kafka_server.running,
    smoke=(),
    whole=(
        (
            *(f"tests/messaging/brokers/kafka/test_{name}.py" for name in ("durability", "conformance", "topics")),
            # Each worker would delete the topics of the others at its end.
            *("-n", "0"),
            # Tansu reports an end of a partition that lies before the last messages of a batch, so tests that count
            # messages fail or pass by how they were batched.
            *("-k", "not counts_waiting and not waiting_for_its_retry and not poison and not TestDeadLetters"),
        ),
    ),
)

EVERY = (MYSQL, KAFKA)

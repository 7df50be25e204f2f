"""Finds the servers that tests run on.

`LIVE_<NAME>_URL` names a server; without it the usual port on this machine is tried. If nothing answers there, the
tests that need it are skipped, or fail where `LIVE=required`. With `LIVE=none` they are skipped in any case, also those
whose server is a process of the test.
"""

import os
import socket
from functools import cache
from typing import NoReturn
from urllib.parse import urlsplit

import pytest

TIMEOUT_SECONDS = 1.0
DEFAULTS: dict[str, str] = {
    # choice: postgresql
    "postgresql": "postgresql://root@127.0.0.1:5432/postgres",
    # end
    # choice: mysql
    "mysql": "mysql://root@127.0.0.1:3306/",
    # end
    # choice: rabbitmq
    "rabbitmq": "amqp://guest:guest@127.0.0.1:5672/",
    # end
    # choice: nats
    "nats": "nats://127.0.0.1:4222",
    # end
    # choice: redis
    "redis": "redis://127.0.0.1:6379/0",
    # end
}


def url(name: str) -> str:
    """The URL of a server, by its name; skips the test, or fails it, unless one answers."""
    skip_if_none()
    found = os.environ.get(variable := f"LIVE_{name.upper()}_URL") or DEFAULTS[name]
    if not _answers(found):
        missing(f"no {name} at {_address(found)}: start one there, or set {variable}")
    return found


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it where every server is required."""
    if os.environ.get("LIVE") == "required":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def skip_if_none() -> None:
    """Skip the test where no server is wanted."""
    if os.environ.get("LIVE") == "none":
        pytest.skip("LIVE=none")


@cache
def _answers(found: str) -> bool:
    try:
        with socket.create_connection(_address(found), TIMEOUT_SECONDS):
            return True
    except OSError:
        return False


def _address(found: str) -> tuple[str, int]:
    """Host and port, without the account; the URL names the port."""
    parts = urlsplit(found)
    return parts.hostname or "127.0.0.1", parts.port or 0

"""The servers that other tests start for themselves end as they are told to, and keep what was committed."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.live import private_servers
from tools import mysql_server

SERVERS = [
    pytest.param(private_servers.postgresql, id="postgresql", marks=pytest.mark.needs("PostgreSQL's programs")),
    pytest.param(private_servers.mariadb, id="mariadb", marks=pytest.mark.needs("MariaDB's programs")),
    pytest.param(
        private_servers.mysql,
        id="mysql",
        marks=[pytest.mark.needs(mysql_server.NAME, "MariaDB's programs"), pytest.mark.long],
    ),
]


@pytest.mark.parametrize("start", SERVERS)
def test_a_server_can_be_stopped_killed_and_started_again(
    start: Callable[[], AbstractContextManager[private_servers.Server]],
) -> None:
    with start() as server:
        for number, end in enumerate([server.stop, server.kill]):
            server.execute(f"CREATE DATABASE kept_{number}")
            end()
            assert server.process is None
            server.start()
            with pytest.raises(AssertionError, match="exists"):
                server.execute(f"CREATE DATABASE kept_{number}")
        folder = server.folder
    assert server.process is None
    assert not folder.exists()

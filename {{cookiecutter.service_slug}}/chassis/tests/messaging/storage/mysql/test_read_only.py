"""A MariaDB server that accepts no changes for a while: no event is given up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.messaging.chaos.combinations import BROKERS, Combination
from tests.messaging.chaos.read_only import read_only_run
from tests.messaging.chaos.samples import sample_on
from tests.messaging.storage.mysql.private_server import PrivateServer, private_server


@pytest.fixture
def server() -> Iterator[PrivateServer]:
    """A server of this test's own: it is read-only for everyone."""
    with private_server() as server:
        yield server


@pytest.mark.usefixtures("importable")
@pytest.mark.xdist_group(f"chaos-{BROKERS[-1]}")
@pytest.mark.parametrize("seconds", [2, pytest.param(600, marks=pytest.mark.long)])
async def test_no_event_is_lost_or_given_up_while_the_server_is_read_only(
    seconds: float, server: PrivateServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    combination = Combination("mysql", BROKERS[-1])
    async with sample_on(combination, monkeypatch, tmp_path, url=server.url, service_url=server.url) as service:
        await read_only_run(service, seconds, server.set_read_only)

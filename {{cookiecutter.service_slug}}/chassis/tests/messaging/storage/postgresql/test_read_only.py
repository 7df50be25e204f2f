"""A PostgreSQL server that accepts no changes for a while: no event is given up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.messaging.chaos.combinations import BROKERS, Combination
from tests.messaging.chaos.read_only import read_only_run
from tests.messaging.chaos.samples import sample_on
from tests.messaging.storage.postgresql.replication import Server, single_server


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of this test's own: it is read-only for everyone."""
    with single_server() as server:
        yield server


@pytest.mark.usefixtures("importable")
@pytest.mark.xdist_group(f"chaos-{BROKERS[0]}")
@pytest.mark.parametrize("seconds", [2, pytest.param(600, marks=pytest.mark.long)])
async def test_no_event_is_lost_or_given_up_while_the_server_is_read_only(
    seconds: float, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def set_read_only(value: bool) -> None:
        how = "on" if value else "off"
        server.run(f"ALTER SYSTEM SET default_transaction_read_only = {how}", "SELECT pg_reload_conf()")

    combination = Combination("postgresql", BROKERS[0])
    async with sample_on(combination, monkeypatch, tmp_path, url=server.url, service_url=server.url) as service:
        await read_only_run(service, seconds, set_read_only)

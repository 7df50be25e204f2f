"""Processes are killed, broker and database fail while clients write: every event is applied once, and in order."""

import os
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import pytest

from chassis.testing.messaging.chaos import ChaosService, chaos_run, database_connections, outage_run, rollout_run
from tests.messaging.chaos.combinations import EACH_BROKER, EVERY_OTHER_PAIR, Combination
from tests.messaging.chaos.samples import sample_on
from tests.sample.messaging.releases import NEWER, RELEASE
from tests.support.servers import skip_if_none

SECONDS = float(os.environ.get("CHAOS_SECONDS", "15"))
OUTAGE_SECONDS = float(os.environ.get("CHAOS_OUTAGE_SECONDS", "3"))
pytestmark = pytest.mark.usefixtures("importable")


def case(combination: Combination, *marks: pytest.MarkDecorator) -> object:
    """A combination; every run on one broker uses the same queues."""
    group = pytest.mark.xdist_group(f"chaos-{combination.broker}")
    return pytest.param(combination, id=str(combination), marks=[group, *marks])


CASES = [case(each) for each in EACH_BROKER]
MORE = [case(each, pytest.mark.long) for each in EVERY_OTHER_PAIR]


@pytest.fixture
async def service(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[ChaosService]:
    """The sample on one database and one broker."""
    skip_if_none()
    combination: Combination = request.param
    database = import_module(f"{combination.storage_package}.server")
    with database.fresh_database() as url:
        async with (
            database_connections(url, database.DEFAULT_PORT) as (proxied, cut),
            sample_on(combination, monkeypatch, tmp_path, url=url, service_url=proxied, cut_database=cut) as service,
        ):
            yield service


@pytest.mark.parametrize("service", [*CASES, *MORE], indirect=True)
async def test_nothing_is_lost_and_nothing_is_applied_twice(service: ChaosService) -> None:
    report = await chaos_run(service, SECONDS)
    print(report)  # noqa: T201
    assert report.is_clean, str(report)


@pytest.mark.parametrize("service", [*CASES, *MORE], indirect=True)
async def test_requests_are_answered_while_the_broker_is_away(service: ChaosService) -> None:
    report = await outage_run(service, OUTAGE_SECONDS)
    assert report.is_clean, str(report)
    assert report.ledger.repeated == 0


@pytest.mark.long
@pytest.mark.parametrize("service", CASES, indirect=True)
async def test_a_release_with_a_new_event_type_is_rolled_out_under_load_and_rolled_back(service: ChaosService) -> None:
    report = await rollout_run(service, {RELEASE: NEWER})
    print(report)  # noqa: T201
    assert report.is_clean, str(report)
    # A parcel whose whole life the older release has seen has six events; where the newer one confirmed it, seven.
    assert {6, 7} <= set(report.ledger.versions.values())

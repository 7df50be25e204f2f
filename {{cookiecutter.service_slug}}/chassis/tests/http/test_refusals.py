"""Commands in the audit log: each change once, each refusal by the domain once, nothing else."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx2
import pytest

from chassis.audit.entry import AuditEntry
from chassis.audit.port import AuditQuery
from chassis.database.memory import MemoryDatabase
from chassis.domain import DomainError, NotPermitted
from chassis.errors import Unavailable
from chassis.http.problems import ProblemKind
from chassis.process import Process
from chassis.testing.http import problem, running
from tests.http.parcels import DRAFT, IDENTITY, create
from tests.sample.api import URL, create_router
from tests.sample.domain.parcels import DECISIONS, EVENTS, Parcel
from tests.sample.storage.memory import MemoryParcels
from tests.test_composition import Settings

KEY = {"idempotency-key": "0b7e"}
ANY = {"if-match": "*"}


class TooHeavy(DomainError):
    """The service's own refusal."""


class Unforeseen(DomainError):
    """A refusal that the service has forgotten to describe."""


def confirm(parcel: Parcel) -> None:
    """Refuses heavy parcels."""
    if parcel.quantity.value == 1000:
        raise TooHeavy("too heavy")
    if parcel.quantity.value == 1001:
        raise Unforeseen("nobody knows")
    if parcel.quantity.value == 1002:
        raise Unavailable("carrier", "does not answer")
    if parcel.quantity.value == 1003:
        raise NotPermitted("parcel", "confirmed", "somebody else created it")
    parcel.confirm(at=parcel.updated_at)


@pytest.fixture
def database() -> MemoryDatabase:
    """The database."""
    return MemoryDatabase()


@pytest.fixture
async def client(database: MemoryDatabase) -> AsyncIterator[httpx2.AsyncClient]:
    """Sends requests to a service with an audit log."""
    process = Process(IDENTITY, Settings())
    process.use_database(database, EVENTS, DECISIONS)
    router = create_router(process.commands, MemoryParcels(database), confirm)
    async with running(process.create_api([router], {TooHeavy: ProblemKind(409, "too-heavy")})) as client:
        yield client


async def entries(database: MemoryDatabase, outcome: str) -> list[AuditEntry]:
    """The entries with an outcome, the oldest first."""
    return list(await database.find_audit_entries(AuditQuery(limit=100, outcome=outcome)))[::-1]


async def test_each_change_is_recorded_once(client: httpx2.AsyncClient, database: MemoryDatabase) -> None:
    headers = KEY | {"x-correlation-id": "of-a-caller"}
    for _ in range(2):  # the second one is answered as the first one was, without an effect
        url = (await client.post(URL, json=DRAFT, headers=headers)).headers["location"]
    await client.post(f"{url}/confirm", headers=ANY)
    recorded = await entries(database, "done")
    assert [(entry.action, entry.entity_version) for entry in recorded] == [("created", 1), ("confirmed", 2)]
    assert {(entry.entity_kind, entry.entity_id) for entry in recorded} == {("parcel", url.rpartition("/")[2])}
    assert recorded[0].correlation_id == "of-a-caller"


async def test_a_refusal_is_recorded_with_its_reason_and_entity(
    client: httpx2.AsyncClient, database: MemoryDatabase
) -> None:
    url = await create(client)
    id, missing = url.rpartition("/")[2], str(uuid4())
    await client.post(f"{url}/confirm", headers=ANY)
    await client.post(f"{url}/confirm", headers=ANY | KEY)
    await client.patch(url, json={"quantity": 4}, headers={"if-match": '"1"'})
    await client.post(f"{URL}/{missing}/cancel", headers=ANY)
    recorded = [
        (entry.action, entry.reason, entry.entity_kind, entry.entity_id, entry.entity_version)
        for entry in await entries(database, "refused")
    ]
    assert recorded == [
        ("confirm", "invalid-transition", "parcel", id, 2),
        ("amend", "version-conflict", "parcel", id, 2),
        ("cancel", "not-found", "parcel", missing, None),
    ]


async def test_a_refusal_of_the_services_own_has_the_name_of_its_problem(
    client: httpx2.AsyncClient, database: MemoryDatabase
) -> None:
    url = (await client.post(URL, json=DRAFT | {"quantity": 1000})).headers["location"]
    assert problem(await client.post(f"{url}/confirm", headers=ANY)) == (409, "too-heavy")
    [entry] = await entries(database, "refused")
    assert (entry.reason, entry.entity_kind, entry.entity_id) == ("too-heavy", None, url.rpartition("/")[2])


async def test_what_the_caller_may_not_do_is_recorded(client: httpx2.AsyncClient, database: MemoryDatabase) -> None:
    url = (await client.post(URL, json=DRAFT | {"quantity": 1003})).headers["location"]
    assert problem(await client.post(f"{url}/confirm", headers=ANY)) == (403, "not-permitted")
    [entry] = await entries(database, "refused")
    assert (entry.reason, entry.entity_kind, entry.entity_id) == ("not-permitted", "parcel", url.rpartition("/")[2])
    assert entry.address == "127.0.0.1"


async def test_what_was_not_decided_is_not_recorded(client: httpx2.AsyncClient, database: MemoryDatabase) -> None:
    url = (await client.post(URL, json=DRAFT | {"quantity": 1001}, headers=KEY)).headers["location"]
    away = (await client.post(URL, json=DRAFT | {"quantity": 1002})).headers["location"]
    statuses = [
        (await client.post(URL, json=DRAFT | {"quantity": 0})).status_code,  # malformed
        (await client.post(f"{url}/confirm")).status_code,  # without If-Match
        (await client.post(URL, json=DRAFT, headers=KEY)).status_code,  # a key of another request
        (await client.get(f"{URL}/{uuid4()}")).status_code,  # only read
        (await client.post(f"{away}/confirm", headers=ANY)).status_code,  # a dependency is away
        (await client.post(f"{url}/confirm", headers=ANY)).status_code,  # a mistake
    ]
    assert statuses == [422, 428, 422, 404, 503, 500]
    assert await entries(database, "refused") == []


async def test_the_refusal_reaches_the_client_although_it_cannot_be_recorded(
    client: httpx2.AsyncClient, database: MemoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await create(client)
    await client.post(f"{url}/confirm", headers=ANY)
    monkeypatch.delattr(database, "audit_entries")
    assert problem(await client.post(f"{url}/confirm", headers=ANY)) == (409, "invalid-transition")
    assert '\naudit_refusals_total{result="failed"} 1.0\n' in (await client.get("/metrics")).text

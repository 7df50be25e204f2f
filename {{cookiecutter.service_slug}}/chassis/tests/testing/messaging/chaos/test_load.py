"""Clients of a chaos run repeat what was not acknowledged, and report what was refused."""

import asyncio

import httpx2
import pytest

from chassis.identity import new_id
from chassis.testing.messaging.chaos import Client, Ledger
from chassis.testing.messaging.chaos.load import LifeEnds

ID = new_id()


class Service:
    """Answers with the next of some responses; an exception is a connection that fails."""

    def __init__(self, *responses: httpx2.Response | httpx2.HTTPError) -> None:
        self.keys: list[str] = []
        self.ledger = Ledger()
        self.stop = asyncio.Event()
        self._responses = list(responses)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Respond."""
        self.keys.append(request.headers["idempotency-key"])
        response = self._responses.pop(0)
        if isinstance(response, httpx2.HTTPError):
            raise response
        return response

    async def send(self) -> httpx2.Response:
        """Send one change."""
        transport = httpx2.MockTransport(self)
        async with httpx2.AsyncClient(transport=transport, base_url="http://service") as http:
            return await Client(http, "parcel", self.ledger, self.stop).send("POST", "/v1/parcels", {})


def shown(version: int) -> httpx2.Response:
    """An acknowledged change."""
    return httpx2.Response(200, json={"id": str(ID), "version": version})


async def test_a_request_is_repeated_with_the_same_key_until_it_is_acknowledged() -> None:
    service = Service(httpx2.ConnectError("refused"), httpx2.Response(503), httpx2.Response(409), shown(2))
    await service.send()
    assert len(service.keys) == 4
    assert len(set(service.keys)) == 1
    assert (service.ledger.versions, service.ledger.answers, service.ledger.repeated) == ({("parcel", ID): 2}, 1, 3)


async def test_each_request_has_a_key_of_its_own() -> None:
    service = Service(shown(1), shown(2))
    await service.send()
    await service.send()
    assert len(set(service.keys)) == 2
    assert service.ledger.events == 2


async def test_a_refused_request_is_reported_and_ends_the_life() -> None:
    service = Service(httpx2.Response(422, text="no such field"))
    with pytest.raises(LifeEnds):
        await service.send()
    assert service.ledger.refused == ["POST /v1/parcels: 422 no such field"]


async def test_nothing_is_sent_after_the_end_of_the_load() -> None:
    service = Service()
    service.stop.set()
    with pytest.raises(LifeEnds):
        await service.send()
    assert service.keys == []

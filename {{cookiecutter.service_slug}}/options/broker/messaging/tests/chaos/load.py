"""Clients that write as they are told to: with an idempotency key, again and again until an answer comes."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

import httpx2

URL = "/v1/{{ cookiecutter.__resource }}"
DRAFT = {"reference": "A-1001", "quantity": 3}
AGAIN = {409, 500, 503}


@dataclass
class Ledger:
    """What was acknowledged: the version of each aggregate, which counts its events."""

    versions: dict[str, int] = field(default_factory=dict)
    answers: int = 0
    repeated: int = 0
    refused: list[str] = field(default_factory=list)

    @property
    def events(self) -> int:
        """How many events that makes."""
        return sum(self.versions.values())

    def acknowledge(self, response: httpx2.Response) -> None:
        """Note an answer that promises something."""
        self.answers += 1
        shown = response.json()
        self.versions[shown["id"]] = shown["version"]


async def write(base_url: str, ledger: Ledger, stop: asyncio.Event, writers: int, pause_seconds: float) -> None:
    """Write until told to stop, then wait for every answer that is still missing."""
    async with httpx2.AsyncClient(base_url=base_url, timeout=10) as client, asyncio.TaskGroup() as tasks:
        for _ in range(writers):
            tasks.create_task(_writer(client, ledger, stop, pause_seconds))


async def _writer(client: httpx2.AsyncClient, ledger: Ledger, stop: asyncio.Event, pause_seconds: float) -> None:
    """The lives of aggregates, one after the other."""
    while not stop.is_set():
        created = await _until_answered(client, ledger, "POST", URL, DRAFT)
        if created is None:
            continue
        path = created.headers["location"]
        steps = [("PATCH", path, {"quantity": number}) for number in range(4, random.randint(5, 8))]  # noqa: S311
        for method, url, body in (*steps, ("POST", f"{path}/confirm", None), ("POST", f"{path}/cancel", None)):
            await asyncio.sleep(pause_seconds * random.uniform(0.5, 1.5))  # noqa: S311
            if stop.is_set():
                return
            await _until_answered(client, ledger, method, url, body)


async def _until_answered(
    client: httpx2.AsyncClient,
    ledger: Ledger,
    method: str,
    url: str,
    body: dict[str, object] | None,
) -> httpx2.Response | None:
    headers = {"idempotency-key": str(uuid4()), "if-match": "*"}
    while True:
        with suppress(httpx2.HTTPError):
            response = await client.request(method, url, json=body, headers=headers)
            if response.is_success:
                ledger.acknowledge(response)
                return response
            if response.status_code not in AGAIN:
                ledger.refused.append(f"{method} {url}: {response.status_code} {response.text}")
                return None
        ledger.repeated += 1
        await asyncio.sleep(0.05)

"""Run within a service that has a second aggregate, with servers: prints what becomes of its events, as JSON."""

import asyncio
import json
import os
import sys
from importlib import import_module
from typing import Any

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractQueue
from chassis.auth.jwt.local_issuer import LocalIssuer
from chassis.identity import new_id, utc_now
from chassis.settings import load_settings
from chassis.testing.brokers import eventually_true
from chassis.testing.http import add_headers, running
from chassis.testing.otlp.memory import recorded_spans

PACKAGE, REFERENCE = sys.argv[1:]
SHIPMENTS = "/v1/shipments"


async def main() -> None:
    """Plan a shipment and move it."""
    bootstrap, config = import_module(f"{PACKAGE}.bootstrap"), import_module(f"{PACKAGE}.config.settings")
    settings = load_settings(config.Settings)
    spans = recorded_spans()
    storage = bootstrap.on_postgresql(settings.database)
    connection = await aio_pika.connect(os.environ["BROKER_URL"])
    service = bootstrap.create_service(settings, storage, run_worker=True)
    async with connection, running(add_headers(service, caller_of(bootstrap.SERVICE.name))) as client:
        queue = await bound(connection, f"{bootstrap.SERVICE.name}.shipment.*")
        planned = await client.post(SHIPMENTS, json={REFERENCE: str(new_id()), "place": "Rotterdam"})
        url = planned.headers["location"]
        await client.post(f"{url}/move", json={"place": "Basel"}, headers={"if-match": "*"})
        entries: list[Any] = []

        async def is_recorded() -> bool:
            entries[:] = await storage.messages.history.entries("shipment", planned.json()["id"], 0, 10)
            return len(entries) == 2

        await eventually_true(is_recorded)
        found = {
            "metrics": [line for line in (await client.get("/metrics")).text.splitlines() if "shipment" in line],
            "history": [[entry.aggregate, entry.type, entry.version] for entry in entries],
            "routed": [(await queue.get(timeout=5)).routing_key for _ in range(2)],
        }
    found["spans"] = [span.name for span in spans.get_finished_spans()]
    print(json.dumps(found))


def caller_of(service: str) -> dict[str, str]:
    """The headers of a caller that may plan and move shipments."""
    token = LocalIssuer(service).create_token(subject="tests", scope="shipments:write", now=utc_now())
    return {"authorization": f"Bearer {token}"}


async def bound(connection: AbstractConnection, routing_key: str) -> AbstractQueue:
    """A queue of what is published with such a key from now on."""
    channel = await connection.channel()
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(os.environ["BROKER_EXCHANGE"], routing_key)
    return queue


asyncio.run(main())
